"""Fixtures of crates/data: images of every kind with the pixels Pillow reads, resizing by PyTorch and TensorFlow,
MATLAB lists by SciPy, archives by Python's tarfile."""

import io
import os
import struct
import tarfile
import warnings
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import scipy.io
import tifffile
from PIL import Image, ImageOps, PngImagePlugin
from safetensors.numpy import save_file

from common import output_folder

TOLERANCE = {"resize.safetensors": (1e-5, 1e-3)}


def photo(width, height, channels=3):
    """Something like a photograph: smooth shapes, an edge, noise."""
    rng = np.random.default_rng(width * 1000 + height)
    y, x = np.mgrid[0:height, 0:width] / 6.0
    planes = [
        128 + 90 * np.sin(x * (1 + 0.3 * c) + y * 0.7) + 30 * np.cos(x * y / 9 + c) + rng.normal(0, 4, x.shape)
        for c in range(channels)
    ]
    image = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    image[height // 3 : height // 2, width // 4 : width // 2] = [250, 8, 30, 128][:channels]
    return image if channels > 1 else image[..., 0]


def rgb(data):
    """What Pillow makes of an image file, upright. In one thing Bakeoff is not Pillow: 16-bit grey keeps its high bytes, where
    Pillow's conversion clips it at 255."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        if image.mode.startswith("I;16"):
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        return image.convert("RGB")


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# JPEG


def segments(data):
    """(marker, start, end) of each segment up to the first scan."""
    found, at = [], 2
    while True:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        found.append((marker, at, at + 2 + length))
        at += 2 + length
        if marker == 0xDA:
            return found


def with_sampling(data, factors):
    """The same coefficients with other sampling factors: only for sizes where the number of blocks stays the same."""
    data = bytearray(data)
    _, start, _ = next(s for s in segments(data) if s[0] in (0xC0, 0xC2))
    data[start + 11] = factors
    return bytes(data)


def with_adobe_transform(data, transform):
    at = data.index(b"Adobe")
    return data[: at + 11] + bytes([transform]) + data[at + 12 :]


def one_scan_per_component(images):
    """A baseline file of three components in three scans, from three grey files with the same tables."""
    files = [saved(image, "jpeg", quality=85) for image in images]
    out, head = b"", files[0]
    for marker, start, end in segments(head):
        if marker == 0xC0:
            size = head[start + 5 : start + 9]
            parts = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
            out += b"\xff\xc0" + struct.pack(">HB", 17, 8) + size + b"\x03" + parts
        elif marker != 0xDA:
            out += head[start:end]
    for number, data in enumerate(files, 1):
        _, _, end = segments(data)[-1]
        out += b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, number, 0, 0, 63, 0) + data[end:-2]
    return b"\xff\xd8" + out + b"\xff\xd9"


def exif(orientation, order="<"):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + mark + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def jpegs():
    image, odd = Image.fromarray(photo(48, 32)), Image.fromarray(photo(37, 29))
    for name, sampling in [("444", "4:4:4"), ("422", "4:2:2"), ("420", "4:2:0")]:
        yield f"jpeg-{name}.jpg", saved(odd, "jpeg", quality=80, subsampling=sampling)
        yield f"jpeg-{name}-progressive.jpg", saved(odd, "jpeg", quality=80, subsampling=sampling, progressive=True)
        for size in [(1, 1), (2, 3), (3, 2), (5, 17), (16, 9)]:
            small = Image.fromarray(photo(*size))
            yield f"jpeg-{name}-{size[0]}x{size[1]}.jpg", saved(small, "jpeg", quality=90, subsampling=sampling)
    square = Image.fromarray(photo(32, 32))
    yield "jpeg-440.jpg", with_sampling(saved(square, "jpeg", quality=85, subsampling="4:2:2"), 0x12)
    yield "jpeg-411.jpg", with_sampling(saved(square, "jpeg", quality=85, subsampling="4:2:0"), 0x41)
    yield "jpeg-114.jpg", with_sampling(saved(square, "jpeg", quality=85, subsampling="4:2:0"), 0x14)
    yield "jpeg-lowest-quality.jpg", saved(image, "jpeg", quality=1)
    yield "jpeg-highest-quality.jpg", saved(odd, "jpeg", quality=100, subsampling="4:4:4")
    yield "jpeg-optimized.jpg", saved(image, "jpeg", quality=60, optimize=True)
    yield "jpeg-restarts.jpg", saved(odd, "jpeg", quality=80, restart_marker_blocks=2)
    yield "jpeg-restarts-progressive.jpg", saved(odd, "jpeg", quality=80, restart_marker_rows=1, progressive=True)
    yield "jpeg-grey.jpg", saved(odd.convert("L"), "jpeg", quality=80)
    yield "jpeg-grey-progressive.jpg", saved(odd.convert("L"), "jpeg", quality=80, progressive=True)
    yield "jpeg-rgb.jpg", saved(odd, "jpeg", quality=80, keep_rgb=True)
    cmyk = Image.fromarray(photo(37, 29, 4), "CMYK")
    yield "jpeg-cmyk.jpg", saved(cmyk, "jpeg", quality=80)
    yield "jpeg-ycck.jpg", with_adobe_transform(saved(cmyk, "jpeg", quality=80), 2)
    yield "jpeg-three-scans.jpg", one_scan_per_component([Image.fromarray(photo(37, 29)[..., c]) for c in range(3)])
    whole = saved(odd, "jpeg", quality=80)
    yield "jpeg-bytes-before-the-end.jpg", whole[:-2] + b"\x12\x34\x00" + whole[-2:]
    yield "jpeg-bytes-after-the-end.jpg", whole + b"more"
    small = Image.fromarray(photo(12, 7))
    for orientation in range(1, 9):
        order = "<" if orientation % 2 else ">"
        yield f"jpeg-orientation-{orientation}.jpg", saved(small, "jpeg", quality=95, exif=exif(orientation, order))
    yield "jpeg-orientation-9.jpg", saved(small, "jpeg", quality=95, exif=exif(9))
    yield "jpeg-orientation-xmp.jpg", saved(small, "jpeg", quality=95, xmp=XMP)
    yield "jpeg-orientation-both.jpg", saved(small, "jpeg", quality=95, xmp=XMP, exif=exif(3))
    yield "jpeg-exif-broken.jpg", saved(small, "jpeg", quality=95, exif=exif(6)[:-9])
    yield "jpeg-named.png", whole


# PNG


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """Rows of samples (height, width, channels) as PNG packs them, each with filter 0."""
    rows = b""
    for row in samples:
        values = row.reshape(-1)
        if depth == 16:
            raw = values.astype(">u2").tobytes()
        else:
            bits = "".join(f"{int(value):0{depth}b}" for value in values)
            bits += "0" * (-len(bits) % 8)
            raw = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
        rows += b"\0" + raw
    return rows


def png(samples, depth, colour, before=b"", after=b"", interlaced=False):
    height, width, _ = samples.shape
    data = b""
    if interlaced:
        for x, y, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
            part = samples[y::dy, x::dx]
            data += packed_rows(part, depth) if part.size else b""
    else:
        data = packed_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(data, 9)) + after + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def pngs():
    rng = np.random.default_rng(5)
    palette = rng.integers(0, 256, 256 * 3, dtype=np.uint8).tobytes()
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    names = {0: "grey", 2: "rgb", 3: "palette", 4: "grey-alpha", 6: "rgba"}
    depths = {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}
    for colour, name in names.items():
        for depth in depths[colour]:
            samples = rng.integers(0, 1 << depth, (7, 11, channels[colour]))
            if (colour, depth) == (0, 16):
                samples[:4] = rng.integers(0, 300, samples[:4].shape)
            before = b""
            if colour == 3:
                transparency = bytes(range(0, 256, 16))[: 1 << depth]
                before = chunk(b"PLTE", palette[: 3 << depth]) + chunk(b"tRNS", transparency)
            yield f"png-{name}-{depth}.png", png(samples, depth, colour, before)
            yield f"png-{name}-{depth}-interlaced.png", png(samples, depth, colour, before, interlaced=True)
    indices = np.arange(16).reshape(2, 8, 1)
    yield "png-palette-short.png", png(indices, 4, 3, chunk(b"PLTE", palette[:15]))
    yield "png-filters.png", saved(Image.fromarray(photo(37, 29)), "png")
    small = photo(12, 7)
    yield "png-orientation-before.png", png(small, 8, 2, chunk(b"eXIf", exif(6)[6:]))
    yield "png-orientation-after.png", png(small, 8, 2, after=chunk(b"eXIf", exif(5, ">")[6:]))
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    yield "png-orientation-xmp.png", saved(Image.fromarray(small), "png", pnginfo=text)
    profile = exif(8)
    raw = f"\nexif\n{len(profile):8}\n{profile.hex()}\n"
    for compressed in (False, True):
        text = PngImagePlugin.PngInfo()
        text.add_text("Raw profile type exif", raw, zip=compressed)
        yield f"png-orientation-raw-{int(compressed)}.png", saved(Image.fromarray(small), "png", pnginfo=text)
    frames = [Image.fromarray(photo(20, 10 + n)[:10]) for n in range(3)]
    yield "png-animated.png", saved(frames[0], "png", save_all=True, append_images=frames[1:])


def webps():
    image, alpha = Image.fromarray(photo(37, 29)), Image.fromarray(photo(37, 29, 4), "RGBA")
    yield "webp-lossy.webp", saved(image, "webp", quality=70)
    yield "webp-lossy-best.webp", saved(Image.fromarray(photo(33, 18)), "webp", quality=100)
    yield "webp-lossless.webp", saved(image, "webp", lossless=True)
    yield "webp-lossy-alpha.webp", saved(alpha, "webp", quality=70)
    yield "webp-lossless-alpha.webp", saved(alpha, "webp", lossless=True, exact=True)
    yield "webp-orientation.webp", saved(Image.fromarray(photo(12, 7)), "webp", lossless=True, exif=exif(7))
    yield "webp-orientation-xmp.webp", saved(Image.fromarray(photo(12, 7)), "webp", lossless=True, xmp=XMP)
    frames = [Image.fromarray(photo(20, 10 + n)[:10]) for n in range(3)]
    yield "webp-animated.webp", saved(frames[0], "webp", save_all=True, append_images=frames[1:], lossless=True)
    for size in [(1, 1), (2, 3), (17, 16)]:
        yield f"webp-lossy-{size[0]}x{size[1]}.webp", saved(Image.fromarray(photo(*size)), "webp", quality=80)


# BMP


def bmp(bits, width, height, data, compression=0, masks=b"", palette=b"", header=40, colours=0):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, colours, 0)
    offset = 14 + len(info) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + masks + palette + data


def bmps():
    rng = np.random.default_rng(6)
    image = Image.fromarray(photo(11, 7))
    yield "bmp-24.bmp", saved(image, "bmp")
    yield "bmp-1.bmp", saved(image.convert("1"), "bmp")
    yield "bmp-8-grey.bmp", saved(image.convert("L"), "bmp")
    yield "bmp-8-palette.bmp", saved(image.quantize(31), "bmp")
    yield "bmp-32.bmp", saved(Image.fromarray(photo(11, 7, 4), "RGBA"), "bmp")
    words = rng.integers(0, 1 << 16, (7, 12)).astype("<u2").tobytes()
    yield "bmp-16-555.bmp", bmp(16, 11, 7, words)
    yield "bmp-16-565.bmp", bmp(16, 11, 7, words, 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    yield "bmp-16-555-fields.bmp", bmp(16, 11, 7, words, 3, struct.pack("<III", 0x7C00, 0x3E0, 0x1F))
    longs = rng.integers(0, 256, 7 * 11 * 4, dtype=np.uint8).tobytes()
    yield "bmp-32-plain.bmp", bmp(32, 11, 7, longs)
    yield "bmp-32-fields.bmp", bmp(32, 11, 7, longs, 3, struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00))
    rows = rng.integers(0, 256, 7 * 36, dtype=np.uint8).tobytes()
    yield "bmp-top-down.bmp", bmp(24, 11, -7, rows)
    yield "bmp-os2.bmp", bmp(24, 11, 7, rows, header=12)
    palette4 = b"".join(bytes([*rng.integers(0, 256, 3), 0]) for _ in range(16))
    yield "bmp-4.bmp", bmp(4, 11, 7, rng.integers(0, 256, 7 * 8, dtype=np.uint8).tobytes(), palette=palette4)
    yield "bmp-4-short-palette.bmp", bmp(4, 11, 7, rng.integers(0, 256, 7 * 8, dtype=np.uint8).tobytes(), palette=palette4[:20], colours=5)
    palette8 = b"".join(bytes([*rng.integers(0, 256, 3), 0]) for _ in range(256))
    runs = bytes([5, 7, 0, 3, 1, 2, 3, 0, 3, 9, 0, 0, 11, 4, 0, 0, 0, 2, 3, 1, 8, 6, 0, 0, 11, 1, 0, 0, 0, 5, 9, 8, 7, 6, 5, 0, 6, 2, 0, 0, 11, 3, 0, 1])
    yield "bmp-rle8.bmp", bmp(8, 11, 6, runs, 1, palette=palette8)
    runs = bytes([5, 0x71, 0, 6, 0x12, 0x34, 0x56, 0, 0, 0, 11, 0x4A, 0, 0, 0, 5, 0x98, 0x76, 0x50, 0, 6, 0x21, 0, 1])
    yield "bmp-rle4.bmp", bmp(4, 11, 3, runs, 2, palette=palette4)


def gifs():
    image = Image.fromarray(photo(21, 13))
    coloured = image.quantize(40)
    yield "gif-colour.gif", saved(coloured, "gif")
    yield "gif-grey.gif", saved(image.convert("L"), "gif")
    yield "gif-interlaced.gif", saved(coloured, "gif", interlace=1)
    yield "gif-plain.gif", saved(coloured, "gif", interlace=0)
    transparent = saved(coloured, "gif", transparency=3)
    yield "gif-transparent.gif", transparent
    frames = [Image.fromarray(photo(20, 10 + n)[:10]).quantize(16) for n in range(3)]
    yield "gif-animated.gif", saved(frames[0], "gif", save_all=True, append_images=frames[1:])

    def moved(data, screen, left, top):
        """The frame elsewhere on another screen."""
        at = data.index(b",\0\0\0\0", 13 + (3 << (data[10] & 7) + 1))
        data = data[:6] + struct.pack("<HH", *screen) + data[10:]
        return data[: at + 1] + struct.pack("<HH", left, top) + data[at + 5 :]

    yield "gif-part-of-screen.gif", moved(saved(coloured, "gif"), (30, 20), 4, 5)
    yield "gif-part-of-screen-transparent.gif", moved(transparent, (30, 20), 4, 5)
    yield "gif-beyond-screen.gif", moved(transparent, (10, 9), 3, 2)


# TIFF


def tiff(array, **options):
    """As tifffile writes it, without a date or a name in it."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out, byteorder=options.pop("byteorder", "<"), bigtiff=options.pop("bigtiff", False)) as file:
        for page in array if isinstance(array, list) else [array]:
            file.write(page, metadata=None, software=False, **options)
    return out.getvalue()


def tiffs():
    rng = np.random.default_rng(7)
    colours = photo(37, 29)
    image = Image.fromarray(colours)
    for name, compression in [("none", "raw"), ("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits")]:
        yield f"tiff-rgb-{name}.tif", saved(image, "tiff", compression=compression)
        yield f"tiff-grey-{name}.tif", saved(image.convert("L"), "tiff", compression=compression)
    for name in ["lzw", "adobe_deflate"]:
        yield f"tiff-rgb-{name}-predictor.tif", saved(image, "tiff", compression=f"tiff_{name}", tiffinfo={317: 2})
    yield "tiff-grey-1.tif", saved(image.convert("1"), "tiff")
    yield "tiff-palette.tif", saved(image.quantize(40), "tiff")
    yield "tiff-cmyk.tif", saved(Image.fromarray(photo(37, 29, 4), "CMYK"), "tiff")
    alpha = photo(37, 29, 4)
    alpha[::3, ::4, 3] = 0
    yield "tiff-rgba.tif", saved(Image.fromarray(alpha, "RGBA"), "tiff")
    yield "tiff-grey-alpha.tif", saved(Image.fromarray(alpha, "RGBA").convert("LA"), "tiff")
    yield "tiff-rgba-associated.tif", tiff(alpha, photometric="rgb", extrasamples=["assocalpha"])
    yield "tiff-rgbx.tif", tiff(alpha, photometric="rgb", extrasamples=["unspecified"])
    yield "tiff-white-is-zero.tif", tiff(colours[..., 0], photometric="miniswhite")
    deep = rng.integers(0, 1 << 16, (13, 11, 4), dtype=np.uint16)
    for order, name in [("<", "little"), (">", "big")]:
        yield f"tiff-grey-16-{name}.tif", tiff(deep[..., 0], byteorder=order, photometric="minisblack")
        yield f"tiff-rgb-16-{name}.tif", tiff(deep[..., :3], byteorder=order, photometric="rgb")
        yield f"tiff-rgba-16-{name}.tif", tiff(deep, byteorder=order, photometric="rgb", extrasamples=["unassalpha"])
    yield "tiff-grey-12-in-16.tif", tiff(deep[..., 0] >> 4, photometric="minisblack")
    yield "tiff-strips.tif", tiff(colours, photometric="rgb", rowsperstrip=4)
    yield "tiff-tiles.tif", tiff(colours, photometric="rgb", tile=(16, 16))
    yield "tiff-tiles-grey-16.tif", tiff(deep[..., 0], photometric="minisblack", tile=(16, 16))
    planes = np.ascontiguousarray(colours.transpose(2, 0, 1))
    yield "tiff-planar.tif", tiff(planes, photometric="rgb", planarconfig="separate", rowsperstrip=8)
    yield "tiff-planar-tiles.tif", tiff(planes, photometric="rgb", planarconfig="separate", tile=(16, 32))
    yield "tiff-big.tif", tiff(colours, photometric="rgb", bigtiff=True)
    yield "tiff-pages.tif", tiff([colours, 255 - colours], photometric="rgb")
    for orientation in range(1, 9):
        tag = [(274, "H", 1, orientation, True)]
        yield f"tiff-orientation-{orientation}.tif", tiff(photo(12, 7), photometric="rgb", extratags=tag)


# Everything else


def drafts():
    """What `Image.draft` makes of each JPEG where its shorter side is to keep so many pixels."""
    tensors = {}
    for name, data in jpegs():
        shorter = min(Image.open(io.BytesIO(data)).size)
        for shortest in sorted({max(1, shorter // part) for part in (2, 3, 4, 8)}):
            image = Image.open(io.BytesIO(data))
            image.draft("RGB", (shortest, shortest))
            tensors[f"{name}/{shortest}"] = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    return tensors


def resizes():
    """One image, several sizes, without and with the low-pass filter; (height, width, 3), 0–255."""
    import tensorflow as tf
    import torch

    image = photo(23, 17)
    out = {"image": image}
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].to(torch.float64)
    for height, width in [(8, 8), (17, 23), (40, 30), (5, 23), (33, 7), (1, 1), (16, 22), (2, 50)]:
        for antialias in (False, True):
            name = f"{height}x{width}.{'antialias' if antialias else 'plain'}"
            result = torch.nn.functional.interpolate(
                batch, size=(height, width), mode="bilinear", align_corners=False, antialias=antialias
            )
            out[f"torch.{name}"] = result[0].permute(1, 2, 0).contiguous().numpy().astype(np.float32)
            result = tf.image.resize(image.astype(np.float32), (height, width), "bilinear", antialias=antialias)
            out[f"tensorflow.{name}"] = result.numpy()
        pillow = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        out[f"pillow.{height}x{width}.antialias"] = np.asarray(pillow)
    return out


def matlab(folder):
    names = np.empty((3, 1), object)
    names[:, 0] = ["a/b.jpg", "ü/€.jpg", ""]
    values = {
        "names": names,
        "doubles": np.array([[1.0], [-2.5], [1e300]]),
        "bytes": np.array([[1], [2], [255]], np.uint8),
        "shorts": np.array([[-3], [300]], np.int16),
        "singles": np.array([[0.5]], np.float32),
        "longs": np.array([[-5_000_000_000], [7]], np.int64),
        "complex": np.array([[1 + 2j]]),
        "structure": {"a": 1},
    }
    for name, compressed in [("v5.mat", False), ("v7.mat", True)]:
        out = io.BytesIO()
        scipy.io.savemat(out, values, do_compression=compressed)
        data = out.getvalue()
        # The text of the header holds the time of writing.
        text = b"MATLAB 5.0 MAT-file, written by SciPy".ljust(116)
        (folder / name).write_bytes(text + data[116:])


def archives(folder):
    def write(name, kind, members):
        with tarfile.open(folder / name, "w", format=kind) as archive:
            for member, data in members:
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

    long = "Images/" + "long-name-" * 20 + "/ü.jpg"
    write("gnu.tar", tarfile.GNU_FORMAT, [("./Images/a.jpg", b"first"), (long, b"second")])
    write("pax.tar", tarfile.PAX_FORMAT, [("Images/a.jpg", b"first"), (long, b"second")])
    write("parent.tar", tarfile.GNU_FORMAT, [("Images/a.jpg", b"first"), ("Images/../../escaped.jpg", b"second")])
    write("absolute.tar", tarfile.GNU_FORMAT, [("/etc/escaped.jpg", b"first")])


def stanford_dogs(folder):
    """The official layout in small: two breeds, two train images and one test image of each, one image in no list."""
    breeds = ["n02085620-Chihuahua", "n02112018-Pomeranian"]
    files = [f"{breed}/{breed.split('-')[0]}_{number}.jpg" for breed in breeds for number in (1, 2, 3)]
    members = [("Images/" + file, saved(Image.fromarray(photo(8 + n, 8)), "jpeg")) for n, file in enumerate(files)]
    members.append((f"Images/{breeds[0]}/unlisted.jpg", members[0][1]))

    def cells(texts):
        column = np.empty((len(texts), 1), object)
        column[:, 0] = texts
        return column

    lists = []
    for name, chosen, compressed in [("train", (0, 1, 3, 4), True), ("test", (2, 5), False)]:
        out = io.BytesIO()
        values = {
            "file_list": cells([files[n] for n in chosen]),
            "annotation_list": cells([files[n][:-4] for n in chosen]),
            "labels": np.array([[n // 3 + 1] for n in chosen], np.float64),
        }
        scipy.io.savemat(out, values, do_compression=compressed)
        text = b"MATLAB 5.0 MAT-file, written by SciPy".ljust(116)
        lists.append((f"{name}_list.mat", text + out.getvalue()[116:]))
    for name, packed in [("images.tar", members), ("lists.tar", lists)]:
        with tarfile.open(folder / name, "w", format=tarfile.GNU_FORMAT) as archive:
            for member, data in packed:
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


def main():
    out = output_folder(__file__, __doc__)
    for name in ["decode", "expected", "matlab", "archive", "dogs"]:
        (out / name).mkdir(parents=True, exist_ok=True)
    for make in [jpegs, pngs, webps, bmps, gifs, tiffs]:
        for name, data in make():
            (out / "decode" / name).write_bytes(data)
            # The pixels Pillow reads, in the plainest file there is.
            image = rgb(data)
            header = f"P6 {image.width} {image.height} 255\n".encode()
            (out / "expected" / f"{name}.ppm").write_bytes(header + image.tobytes())
    save_file(resizes(), out / "resize.safetensors")
    save_file(drafts(), out / "draft.safetensors")
    matlab(out / "matlab")
    archives(out / "archive")
    stanford_dogs(out / "dogs")


if __name__ == "__main__":
    main()
