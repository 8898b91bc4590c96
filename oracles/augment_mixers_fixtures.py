"""Batch mixers: timm's own, PyTorch's nearest resize, OpenCV's saliency; and in NumPy the published formulas of FMix, SmoothMix and GridMix.

FMix (ecs-vlc/FMix), SmoothMix and GridMix (Westlake-AI/openmixup) are on no package index: their formulas are written out
below from the papers and the published code, with given numbers in place of drawn ones. FMix' spectrum is the paper's; the
published code takes its imaginary part from another row of the noise."""

import math
from unittest import mock

import cv2
import numpy as np
import timm.data.mixup as timm_mixup
import torch
import torch.nn.functional as F

from common import output_folder, write_json


def numbers(array):
    """Flat list, each f32 in the fewest digits that give it back."""
    return [float(str(value)) for value in np.asarray(array, dtype=np.float32).ravel()]


def timm_boxes(rng):
    """`rand_bbox` and `rand_bbox_minmax` for given draws."""
    boxes, minmax_boxes = [], []
    for width, height in [(224, 224), (31, 20), (7, 5), (1, 1), (64, 1)]:
        for lam in [0.0, 0.1, 0.37, 0.5, 0.9, 0.999, 1.0, *rng.random(4).tolist()]:
            x, y = int(rng.integers(width)), int(rng.integers(height))
            with mock.patch.object(np.random, "randint", side_effect=[y, x]):
                yl, yh, xl, xh = timm_mixup.rand_bbox((3, height, width), lam)
            box = [int(v) for v in (xl, yl, xh, yh)]
            boxes.append({"width": width, "height": height, "lambda": lam, "centre": [x, y], "box": box})
    for width, height in [(224, 224), (31, 20), (10, 40)]:
        for low, high in [(0.2, 0.8), (0.25, 0.5), (0.0, 1.0)]:
            drawn = []

            def randint(low, high, size=None):
                value = int(rng.integers(low, high))
                drawn.append(value - low)
                return value

            with mock.patch.object(np.random, "randint", randint):
                yl, yu, xl, xu = timm_mixup.rand_bbox_minmax((3, height, width), (low, high))
            box = [int(v) for v in (xl, yl, xu, yu)]
            case = {"width": width, "height": height, "minmax": [low, high], "drawn": drawn, "box": box}
            minmax_boxes.append(case)
    return boxes, minmax_boxes


def timm_batches(rng):
    """Whole batches through `timm.data.Mixup`, with the numbers it drew."""
    n, height, width, classes = 4, 5, 6, 4
    images = rng.random((n, height, width, 3), dtype=np.float32)
    labels = [2, 0, 1, 0]
    batches = []
    options = [
        {"mixup_alpha": 0.8},
        {"mixup_alpha": 0.0, "cutmix_alpha": 1.0},
        {"mixup_alpha": 0.8, "cutmix_alpha": 1.0},
        {"mixup_alpha": 0.8, "cutmix_alpha": 1.0, "correct_lam": False},
        {"mixup_alpha": 0.2, "cutmix_minmax": (0.2, 0.8), "prob": 0.7},
    ]
    for number, option in enumerate(options):
        for mode in ["batch", "pair", "elem"]:
            mixer = timm_mixup.Mixup(label_smoothing=0.0, num_classes=classes, mode=mode, **option)
            params, boxes = [], []
            name = "_params_per_batch" if mode == "batch" else "_params_per_elem"
            draw, cut = getattr(mixer, name), timm_mixup.cutmix_bbox_and_lam

            def recording_draw(*arguments):
                lam, use_cutmix = draw(*arguments)
                params.append((np.array(lam).copy(), np.array(use_cutmix).copy()))
                return lam, use_cutmix

            def recording_cut(*arguments, **keywords):
                (yl, yu, xl, xu), lam = cut(*arguments, **keywords)
                boxes.append(([int(v) for v in (xl, yl, xu, yu)], float(lam)))
                return (yl, yu, xl, xu), lam

            np.random.seed(100 + number)
            tensor = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
            with (
                mock.patch.object(mixer, name, recording_draw),
                mock.patch.object(timm_mixup, "cutmix_bbox_and_lam", recording_cut),
            ):
                mixed, targets = mixer(tensor.clone(), torch.tensor(labels))
            lams, uses = (np.atleast_1d(v) for v in params[0])
            images_of = {"batch": lambda i: 0, "pair": lambda i: min(i, n - 1 - i), "elem": lambda i: i}[mode]
            drawn, left = {}, iter(boxes)
            for index, (lam, use) in enumerate(zip(lams, uses)):
                box = None
                if use and lam != 1.0:
                    box, lam = next(left)
                drawn[index] = (float(lam), box)
            batches.append(
                {
                    "mode": mode,
                    "lambda": [drawn[images_of(i)][0] for i in range(n)],
                    "boxes": [drawn[images_of(i)][1] for i in range(n)],
                    "mixed": numbers(mixed.permute(0, 2, 3, 1).numpy()),
                    "targets": numbers(targets.numpy()),
                }
            )
    return {
        "width": width,
        "height": height,
        "classes": classes,
        "images": numbers(images),
        "labels": labels,
        "batches": batches,
    }


def shrunk(rng):
    """All of an image at another size, as ResizeMix and Cut-Thumbnail paste it: PyTorch's nearest."""
    width, height = 11, 6
    image = rng.random((height, width, 3), dtype=np.float32)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    sizes = []
    for size in [(11, 6), (5, 3), (4, 4), (1, 1), (7, 2), (10, 5)]:
        result = F.interpolate(tensor, (size[1], size[0]))[0].permute(1, 2, 0)
        sizes.append({"size": size, "result": numbers(result.numpy())})
    return {"width": width, "height": height, "image": numbers(image), "sizes": sizes}


def fmix(rng):
    """Low-frequency noise and its binary mask."""
    cases = []
    for height, width in [(8, 8), (5, 7), (8, 5), (5, 8), (1, 1), (1, 6), (6, 1), (12, 9)]:
        for decay, lam, max_soft, up in [(3.0, 0.4, 0.0, True), (3.0, 0.71, 0.2, False), (1.5, 0.1, 0.5, True)]:
            half = width // 2 + 1
            freqs = np.sqrt(np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width)[:half] ** 2)
            scale = 1.0 / np.maximum(freqs, 1.0 / max(width, height)) ** decay
            normals = rng.standard_normal((height, half, 2))
            spectrum = scale * (normals[..., 0] + 1j * normals[..., 1])
            noise = np.fft.irfftn(spectrum, (height, width), axes=(0, 1))
            size = width * height
            kept = math.ceil(lam * size) if up else math.floor(lam * size)
            soft = int(size * min(max_soft, lam, 1 - lam))
            low, high = kept - soft, kept + soft
            order = noise.reshape(-1).argsort()[::-1]
            mask = np.zeros(size)
            mask[order[:high]] = 1
            mask[order[low:]] = 0
            mask[order[low:high]] = np.linspace(1, 0, high - low)
            cases.append(
                {
                    "width": width,
                    "height": height,
                    "decay": decay,
                    "lambda": lam,
                    "max_soft": max_soft,
                    "up": up,
                    "normals": normals.ravel().tolist(),
                    "noise": noise.ravel().tolist(),
                    "own": numbers(mask),
                }
            )
    return cases


def smoothmix(rng):
    """The published Gaussian on square images of even size."""
    cases = []
    for size in [2, 8, 14]:
        for _ in range(3):
            x, y = int(rng.integers(size)), int(rng.integers(size))
            sigma = float((rng.random() / 4 + 0.25) * size)
            s = 2 * size
            along = np.arange(s)
            xs, ys = np.meshgrid(along, along)
            roll_x, roll_y = int(x - size / 2), int(y - size / 2)
            # Rolled by rows for the one coordinate, by columns for the other.
            ys, xs = np.roll(ys, roll_y, 0), np.roll(xs, roll_x, 1)
            crop = slice(s // 4, s - s // 4)
            ys, xs = ys[crop, crop], xs[crop, crop]
            mean = (s - 1) / 2
            mask = np.exp(-((xs - mean) ** 2 + (ys - mean) ** 2) / (2 * sigma**2))
            cases.append({"size": size, "centre": [x, y], "sigma": sigma, "mask": numbers(mask)})
    return cases


def gridmix(rng):
    """OpenMixup's grid of holes on square images."""
    cases = []
    for size, cells, cell_aspect, area, aspect in [
        (24, 4, 1.0, 1.0, 1.0),
        (24, 6, 1.0, 0.5, 1.3),
        (20, 3, 0.7, 0.7, 0.9),
        (13, 2, 1.4, 0.8, 1.0),
        (40, 20, 1.0, 1.0, 1.0),
    ]:
        for lam in [0.0, 0.3, 0.8, 1.0]:
            cut_area = int(size * size * area)
            cut_w = int(np.sqrt(cut_area / aspect))
            cut_h = int(cut_w * aspect)
            place = rng.random(2).tolist()
            xc, yc = int((size - cut_w) * place[0]), int((size - cut_h) * place[1])
            patch_w = math.ceil(cut_w / cells)
            patch_h = int(patch_w * cell_aspect)
            rows = math.ceil(cut_h / patch_h)
            ratio = np.sqrt(1 - lam)
            hole_w = min(max(int(patch_w * ratio), 1), patch_w - 1)
            hole_h = min(max(int(patch_h * ratio), 1), patch_h - 1)
            mask = np.zeros((size, size))
            for i in range(cells + 1):
                for j in range(rows + 1):
                    x1, y1 = min(patch_w * i, cut_w), min(patch_h * j, cut_h)
                    x2, y2 = min(x1 + hole_w, cut_w), min(y1 + hole_h, cut_h)
                    mask[yc + y1 : yc + y2, xc + x1 : xc + x2] = 1
            cases.append(
                {
                    "size": size,
                    "lambda": lam,
                    "cells": cells,
                    "cell_aspect": cell_aspect,
                    "area": area,
                    "aspect": aspect,
                    "place": place,
                    "mask": [int(v) for v in mask.ravel()],
                }
            )
    return cases


def saliency(rng):
    """OpenCV's fine-grained saliency of 8-bit images."""
    cases = []
    for width, height in [(40, 30), (23, 64), (7, 5), (1, 1), (1, 9), (9, 1), (2, 2)]:
        ys, xs = np.mgrid[0:height, 0:width]
        image = 127 + 70 * np.sin(xs / 5)[..., None] * np.cos(ys / 7)[..., None] * np.array([1, 0.6, -0.8])
        image[height // 3 : height // 2, width // 2 : width // 2 + 4] += [90, -60, 30]
        image = np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
        _, found = cv2.saliency.StaticSaliencyFineGrained_create().computeSaliency(image[..., ::-1].copy())
        cases.append(
            {
                "width": width,
                "height": height,
                "rgb": image.ravel().tolist(),
                "saliency": np.round(found * 255).astype(int).ravel().tolist(),
            }
        )
    return cases


def main():
    out = output_folder(__file__, __doc__)
    rng = np.random.default_rng(2211)
    boxes, minmax_boxes = timm_boxes(rng)
    timm = {"boxes": boxes, "minmax_boxes": minmax_boxes, "batch": timm_batches(rng)}
    write_json(out / "timm-mixers.json", timm)
    write_json(out / "mixer-masks.json", {"fmix": fmix(rng), "smoothmix": smoothmix(rng), "gridmix": gridmix(rng)})
    write_json(out / "shrunk.json", shrunk(rng))
    write_json(out / "saliency.json", saliency(rng))


if __name__ == "__main__":
    main()
