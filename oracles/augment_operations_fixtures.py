"""Operations on single images from torchvision (float images), Pillow and timm (8-bit images), with given numbers in place
of drawn ones. 8-bit results are hexadecimal strings: they have to agree to the byte."""

import io
import math
from unittest import mock

import numpy as np
import timm.data.auto_augment as timm_policies
import timm.data.random_erasing as timm_erasing
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from common import output_folder, write_json


def numbers(array):
    """Flat list, each f32 in the fewest digits that give it back."""
    return [float(str(value)) for value in np.asarray(array, dtype=np.float32).ravel()]


def tensor(pixels):
    """Channels first."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).contiguous()


def channels_last(image):
    return numbers(image.permute(1, 2, 0).numpy())


def colour(out):
    rng = np.random.default_rng(2110)
    levels = np.array([0.0, 0.25, 1.0], dtype=np.float32)
    ties = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(3, 9, 3)
    images = {
        "ordinary": rng.random((9, 7, 3), dtype=np.float32),
        "ties": ties,
        "one": rng.random((1, 1, 3), dtype=np.float32),
        "constant": np.full((2, 5, 3), 0.4, dtype=np.float32),
    }
    operations = {
        "brightness": F.adjust_brightness,
        "contrast": F.adjust_contrast,
        "saturation": F.adjust_saturation,
        "hue": F.adjust_hue,
        "grey": lambda image, _: F.rgb_to_grayscale(image, num_output_channels=3),
    }
    factors = [0.0, 0.6, 1.0, 1.7]
    single = [[name, f] for name in ["brightness", "contrast", "saturation"] for f in factors]
    single += [["hue", f] for f in [-0.5, -0.1, 0.0, 0.07, 0.3, 0.5]] + [["grey", 0.0]]
    chains = [
        [["hue", 0.1], ["contrast", 1.3], ["brightness", 0.8], ["saturation", 1.4]],
        [["saturation", 0.7], ["brightness", 1.4], ["hue", -0.08], ["contrast", 0.6]],
    ]
    cases = []
    for image, pixels in images.items():
        for steps in [*([step] for step in single), *chains]:
            result = tensor(pixels)
            for name, parameter in steps:
                result = operations[name](result, parameter)
            cases.append({"image": image, "steps": steps, "result": channels_last(result)})
    write_json(
        out / "colour-torchvision.json", {"images": {n: numbers(p) for n, p in images.items()}, "cases": cases}
    )


def hexadecimal(image):
    """Bytes of an 8-bit image, channels last."""
    return np.asarray(image, dtype=np.uint8).tobytes().hex()


def photograph(rng, width, height):
    """Smooth colours, an edge and some noise: neither flat nor random."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 5 + c) * np.cos(y / 7 - c) * 70 + 110 + 30 * c for c in range(3)]
    pixels = np.stack(waves, axis=-1) + 60 * ((x > width / 2) & (y > height / 3))[..., None]
    return np.clip(pixels + rng.normal(0, 9, pixels.shape), 0, 255).astype(np.uint8)


def described(images):
    return {n: {"width": p.shape[1], "height": p.shape[0], "pixels": hexadecimal(p)} for n, p in images.items()}


FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def levels(out):
    """Pillow's own operations."""
    rng = np.random.default_rng(2111)
    images = {
        "photograph": photograph(rng, 20, 14),
        "column": photograph(rng, 1, 9),
        "small": photograph(rng, 2, 3),
        "one": photograph(rng, 1, 1),
        "constant": np.full((5, 6, 3), (40, 0, 255), dtype=np.uint8),
        # Enough pixels on few levels, so that equalisation has something to do.
        "few": (photograph(rng, 28, 28) // 32 * 9 + 20).astype(np.uint8),
    }

    def enhanced(kind):
        return lambda image, factor: kind(image).enhance(factor)

    simple = {
        "invert": (lambda image, _: ImageOps.invert(image), [0]),
        "autocontrast": (lambda image, _: ImageOps.autocontrast(image), [0]),
        "equalise": (lambda image, _: ImageOps.equalize(image), [0]),
        "grey": (lambda image, _: image.convert("L").convert("RGB"), [0]),
        "posterise": (ImageOps.posterize, [1, 4, 8]),
        "solarise": (ImageOps.solarize, [0, 100.5, 128, 256]),
        "solarise-add": (timm_policies.solarize_add, [0, 33, 110]),
        "brightness": (enhanced(ImageEnhance.Brightness), [0.0, 0.37, 1.0, 1.9]),
        "contrast": (enhanced(ImageEnhance.Contrast), [0.0, 0.37, 1.9]),
        "colour": (enhanced(ImageEnhance.Color), [0.0, 0.37, 1.9]),
        "sharpness": (enhanced(ImageEnhance.Sharpness), [0.0, 0.37, 1.9]),
        "blur": (lambda image, sigma: image.filter(ImageFilter.GaussianBlur(sigma)), [0.1, 0.7, 2.0, 9.0]),
    }
    cases = []
    for name, pixels in images.items():
        image = Image.fromarray(pixels)
        for operation, (function, parameters) in simple.items():
            if name == "few" and operation not in ["autocontrast", "equalise", "contrast"]:
                continue
            if name == "constant" and operation == "blur":
                parameters = [0.7]
            for parameter in parameters:
                result = hexadecimal(function(image, parameter))
                cases.append({"image": name, "operation": operation, "parameter": parameter, "result": result})
    warps = []
    for name in ["photograph", "column", "one"]:
        image = Image.fromarray(images[name])
        for how, resample in FILTERS.items():
            for fill in [(0, 0, 0), (128, 7, 250)]:
                for angle in [17.3, -135.0]:
                    result = hexadecimal(image.rotate(angle, resample, fillcolor=fill))
                    warps.append({"image": name, "how": how, "fill": fill, "rotate": angle, "result": result})
                if fill != (0, 0, 0):
                    continue
                for matrix in [(1, 0.31, 0, 0, 1, 0), (1, 0, 0, -0.2, 1, 2.5), (1, 0, -3.4, 0, 1, 0), (0.8, 0.1, 2, 0, 1.3, -1)]:
                    result = hexadecimal(image.transform(image.size, Image.AFFINE, matrix, resample, fillcolor=fill))
                    warps.append({"image": name, "how": how, "fill": fill, "matrix": matrix, "result": result})
    square = Image.fromarray(photograph(rng, 7, 7))
    turns = [{"angle": a, "result": hexadecimal(square.rotate(a))} for a in [0, 90, 180, -90, 360]]
    write_json(
        out / "levels.json",
        {"images": described(images), "cases": cases, "warps": warps, "square": hexadecimal(square), "turns": turns},
    )


def warps(out):
    """torchvision's rotation, affine and perspective maps of float images."""
    rng = np.random.default_rng(2112)
    images = {"wide": rng.random((8, 11, 3), dtype=np.float32), "column": rng.random((9, 1, 3), dtype=np.float32)}
    cases = []
    for name, pixels in images.items():
        image = tensor(pixels)
        height, width = pixels.shape[:2]
        for how in ["nearest", "bilinear"]:
            for fill in [0.0, 0.3]:
                for angle in [13.7, -101.3]:
                    result = channels_last(F.rotate(image, angle, interpolation=how, fill=fill))
                    cases.append({"image": name, "how": how, "fill": fill, "rotate": angle, "result": result})
                for angle, translate, scale, shear in [
                    (0.0, [2, -1], 1.0, [0.0, 0.0]),
                    (21.3, [0, 0], 1.37, [0.0, 0.0]),
                    (-8.1, [1, 2], 0.71, [17.9, -9.3]),
                ]:
                    result = F.affine(image, angle, translate, scale, shear, interpolation=how, fill=fill)
                    affine = [angle, *translate, scale, *shear]
                    result = channels_last(result)
                    cases.append({"image": name, "how": how, "fill": fill, "affine": affine, "result": result})
                if name == "wide":
                    corners = [[1, 0], [width - 2, 2], [width - 1, height - 3], [3, height - 1]]
                    ends = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
                    result = channels_last(F.perspective(image, ends, corners, interpolation=how, fill=fill))
                    cases.append({"image": name, "how": how, "fill": fill, "corners": corners, "result": result})
    write_json(
        out / "warps.json",
        {
            "images": {n: {"width": p.shape[1], "height": p.shape[0], "pixels": numbers(p)} for n, p in images.items()},
            "cases": cases,
        },
    )


def windows(out):
    """torchvision's padding with a crop, its central crop and its vertical flip."""
    pixels = np.random.default_rng(2113).random((5, 6, 3), dtype=np.float32)
    image = tensor(pixels)
    padded = []
    for mode in ["constant", "edge", "reflect", "symmetric"]:
        for padding, left, top, size in [(3, 0, 0, 5), (2, 4, 3, 6), (4, 7, 8, 5)]:
            fill = 0.25 if size == 6 else 0.0
            result = F.crop(F.pad(image, padding, fill=fill, padding_mode=mode), top, left, size, size)
            case = {"mode": mode, "padding": padding, "left": left, "top": top, "size": size, "fill": fill}
            padded.append({**case, "result": channels_last(result)})
    centre = [{"size": size, "result": channels_last(F.center_crop(image, size))} for size in [1, 2, 3, 4, 5]]
    write_json(
        out / "windows.json",
        {
            "width": 6,
            "height": 5,
            "pixels": numbers(pixels),
            "padded": padded,
            "centre": centre,
            "flipped": channels_last(F.vertical_flip(image)),
        },
    )


def blur(out):
    pixels = np.random.default_rng(2114).random((9, 8, 3), dtype=np.float32)
    cases = []
    for kernel_size, sigma in [(1, 1.0), (3, 0.1), (3, 0.8), (5, 2.0), (11, 1.3), (15, 60.0)]:
        result = channels_last(F.gaussian_blur(tensor(pixels), kernel_size, sigma))
        cases.append({"kernel_size": kernel_size, "sigma": sigma, "result": result})
    write_json(out / "blur.json", {"width": 8, "height": 9, "pixels": numbers(pixels), "cases": cases})


def jpeg(out):
    """Pillow's encoder and decoder, which are libjpeg-turbo's."""
    rng = np.random.default_rng(2115)
    images = {
        "photograph": photograph(rng, 37, 29),
        "noise": rng.integers(0, 256, (16, 16, 3), dtype=np.uint8),
        "one": photograph(rng, 1, 1),
        "two": photograph(rng, 2, 3),
        "four": photograph(rng, 4, 4),
        "five": photograph(rng, 5, 17),
    }
    cases = []
    for name, pixels in images.items():
        for quality in [1, 10, 30, 50, 75, 95, 100] if name in ["photograph", "noise"] else [20, 90]:
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=quality)
            result = hexadecimal(Image.open(file))
            cases.append({"image": name, "quality": quality, "result": result})
    write_json(out / "jpeg.json", {"images": described(images), "cases": cases})


SPACES = {"usual": v2.RandAugment, "wide": v2.TrivialAugmentWide, "augmix": v2.AugMix}


def policies(out):
    """torchvision's policies on a PIL image: magnitudes, elementary operations, lists, and the blend of AugMix."""
    rng = np.random.default_rng(2116)
    pixels = photograph(rng, 20, 16) // 24 * 24
    image = Image.fromarray(pixels)
    magnitudes = []
    for name, policy in SPACES.items():
        for operation, (function, signed) in policy._AUGMENTATION_SPACE.items():
            for bins in [2, 10, 31]:
                values = function(bins, 16, 20)
                values = [0.0] * bins if values is None else [float(v) for v in values]
                magnitudes.append(
                    {"space": name, "operation": operation, "bins": bins, "signed": signed, "values": values}
                )
    strong = {"Posterize": [3], "Solarize": [0.3], "Identity": [0], "AutoContrast": [0], "Equalize": [0], "Invert": [0]}
    strong |= {"ShearX": [0.29, -0.3], "ShearY": [0.11, -0.99], "TranslateX": [7.9, -3.2], "TranslateY": [4.0, -6.6]}
    applied = []
    for operation in v2.AutoAugment._AUGMENTATION_SPACE | {"Identity": None}:
        for magnitude in strong.get(operation, [0.27, -0.63] if operation != "Rotate" else [14.0, -29.0]):
            geometric = operation.startswith(("Shear", "Translate", "Rotate"))
            for how in FILTERS if geometric else ["nearest"]:
                result = v2.RandAugment()._apply_image_or_video_transform(
                    image, operation, magnitude, v2.InterpolationMode(how), {type(image): None}
                )
                case = {"operation": operation, "magnitude": magnitude, "how": how}
                applied.append({**case, "result": hexadecimal(result)})
    lists = {
        policy.value: [[[name, p, m or 0] for name, p, m in pair] for pair in v2.AutoAugment(policy)._policies]
        for policy in v2.AutoAugmentPolicy
    }
    chains = [photograph(rng, 20, 16) for _ in range(3)]
    own, weights = [0.37, 0.63], [0.2, 0.5, 0.3]
    augmix = v2.AugMix(chain_depth=1)
    with (
        mock.patch.object(augmix, "_sample_dirichlet", side_effect=[torch.tensor([own]), torch.tensor([weights])]),
        mock.patch.object(augmix, "_apply_image_or_video_transform", side_effect=[torch.from_numpy(c).permute(2, 0, 1) for c in chains]),
    ):
        mixed = augmix(image)
    products = (torch.tensor(weights) * torch.tensor(own)[1]).tolist()
    blend = {"own": own[0], "weights": products, "chains": [hexadecimal(c) for c in chains], "result": hexadecimal(mixed)}
    write_json(
        out / "policies.json",
        {
            "width": 20,
            "height": 16,
            "pixels": hexadecimal(pixels),
            "magnitudes": magnitudes,
            "applied": applied,
            "lists": lists,
            "blend": blend,
        },
    )


def timm_operations(out):
    """timm's RandAugment: every operation of both sets at given strengths and signs."""
    rng = np.random.default_rng(2117)
    pixels = photograph(rng, 18, 16) // 24 * 24
    image = Image.fromarray(pixels)
    cases = []
    for increasing in [False, True]:
        for name in timm_policies.rand_augment_choices("", increasing):
            geometric = name.startswith(("Shear", "Translate", "Rotate"))
            for strength, negative, how in [(9.0, False, "bilinear"), (3.7, True, "bicubic"), (9.9, True, "nearest")]:
                if geometric and increasing or not geometric and how == "nearest":
                    continue
                # Timm negates where the number is above one half.
                with mock.patch.object(timm_policies.random, "random", return_value=0.9 if negative else 0.1):
                    level = timm_policies.LEVEL_TO_ARG[name]
                    arguments = level(strength, {}) if level else ()
                keywords = {"resample": FILTERS[how], "fillcolor": (124, 116, 104)}
                result = hexadecimal(timm_policies.NAME_TO_OP[name](image, *arguments, **keywords))
                name_ = name.removesuffix("Increasing").removesuffix("Rel")
                case = {"operation": name_, "increasing": increasing, "strength": strength, "negative": negative, "how": how}
                cases.append({**case, "result": result})
    write_json(out / "timm-policies.json", {"width": 18, "height": 16, "pixels": hexadecimal(pixels), "cases": cases})


def three_augment(out):
    """The published composition of DeiT III, from Pillow's and torchvision's functions on PIL images."""
    rng = np.random.default_rng(2118)
    pixels = photograph(rng, 13, 11)
    image = Image.fromarray(pixels)
    ones = {
        "grey": lambda _: v2.Grayscale(3)(image),
        "solarise": lambda _: ImageOps.solarize(image),
        "blur": lambda sigma: image.filter(ImageFilter.GaussianBlur(radius=sigma)),
    }
    jitters = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation]
    cases = []
    for (one, function), order in zip(ones.items(), [[0, 1, 2, 3], [3, 2, 0, 1], [1, 2, 3, 0]]):
        sigma, factors = float(rng.uniform(0.1, 2)), rng.uniform(0.7, 1.3, 3).tolist()
        result = function(sigma)
        for which in order:
            if which < 3:
                result = jitters[which](result, factors[which])
        cases.append({"one": one, "sigma": sigma, "factors": factors, "order": order, "result": hexadecimal(result)})
    write_json(out / "three-augment.json", {"width": 13, "height": 11, "pixels": hexadecimal(pixels), "cases": cases})


def erasing(out):
    """Boxes of timm's RandomErasing; grids after the formula of the GridMask authors (NumPy; no library has it)."""
    rng = np.random.default_rng(2119)
    boxes = []
    for width, height in [(224, 224), (31, 17), (5, 9), (2, 2), (1, 1), (1, 40)]:
        for share, log_aspect in [(0.02, -1.2), (1 / 3, 1.2), (0.9, 0.0), (0.1, -0.3), (0.25, 0.0)]:
            image = torch.ones(3, height, width)
            eraser = timm_erasing.RandomErasing(probability=1.0, mode="const", device="cpu")
            with (
                mock.patch.object(timm_erasing.random, "uniform", side_effect=[share, log_aspect] * 10),
                mock.patch.object(timm_erasing.random, "randint", return_value=0),
            ):
                erased = eraser(image)[0] == 0
            size = [int(erased.any(0).sum()), int(erased.any(1).sum())]
            boxes.append({"width": width, "height": height, "share": share, "aspect": math.exp(log_aspect), "size": size})
    grids = []
    for width, height, unit, ratio, degrees in [(20, 16, 7, 0.6, 0), (20, 16, 9, 0.5, 33), (16, 16, 5, 0.25, 211), (1, 7, 3, 0.5, 90)]:
        offset = [int(rng.integers(unit)), int(rng.integers(unit))]
        wide, high = int(1.5 * width), int(1.5 * height)
        stripe = int(unit * ratio + 0.5)
        # A pixel is left out where it lies in no stripe; stripes repeat from the offset in both directions.
        rows, columns = ((np.arange(n) - o) % unit < stripe for n, o in [(high, offset[0]), (wide, offset[1])])
        holes = np.where(rows[:, None] | columns[None, :], 0, 1).astype(np.uint8)
        turned = np.asarray(Image.fromarray(holes).rotate(degrees))
        top, left = (high - height) // 2, (wide - width) // 2
        kept = 1 - turned[top : top + height, left : left + width]
        case = {"width": width, "height": height, "unit": unit, "ratio": ratio, "degrees": degrees, "offset": offset}
        grids.append({**case, "kept": kept.ravel().tolist()})
    write_json(out / "erasing.json", {"boxes": boxes, "grids": grids})


if __name__ == "__main__":
    folder = output_folder(__file__, __doc__)
    for topic in [colour, levels, warps, windows, blur, jpeg, policies, timm_operations, three_augment, erasing]:
        topic(folder)
