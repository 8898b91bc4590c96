"""Common corruptions from `imagecorruptions` (the published code of ImageNet-C), with numbers of a simple sequence in place of random
ones. What that package does otherwise than the published code (zoom blur cuts one corner, pixelation enlarges to the nearest pixel) is
made with SciPy and Pillow directly."""

import math
import sys
import types
from unittest import mock

import numpy as np
import scipy.ndimage
import skimage.filters
from PIL import Image

from common import output_folder, write_json

# The package was written for older libraries: what it asks for by names that are gone.
sys.modules["pkg_resources"] = types.SimpleNamespace(resource_filename=lambda *parts: "/".join(parts))
sys.modules["scipy.ndimage.interpolation"] = scipy.ndimage
np.float_ = np.float64
from imagecorruptions import corruptions  # noqa: E402

corruptions.gaussian = lambda image, sigma, multichannel: skimage.filters.gaussian(image, sigma=sigma, channel_axis=-1)

WIDTH, HEIGHT = 33, 32
# Rows kept of each result.
EVERY = 7


class Sequence:
    """The fractions of the golden ratio's multiples."""

    def __init__(self):
        self.drawn = 0

    def next(self):
        self.drawn += 1
        return math.fmod(self.drawn * 0.618033988749895, 1.0)

    def uniform(self, low, high, shape):
        drawn = np.array([self.next() for _ in range(math.prod(shape))]).reshape(shape)
        return low + (high - low) * drawn

    def randint(self, low, high, size):
        return [low + int(self.next() * (high - low)) for _ in range(math.prod(size))]


def zoom_blur(image, severity):
    """make_imagenet_c.py's, whose images are square."""
    ends = [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)]
    pixels = (np.array(image) / 255.0).astype(np.float32)
    total = pixels.copy()
    factors = np.arange(1, *ends[severity - 1])
    for factor in factors:
        kept = [math.ceil(n / factor) for n in pixels.shape[:2]]
        first = [(n - k) // 2 for n, k in zip(pixels.shape, kept)]
        centre = pixels[first[0] : first[0] + kept[0], first[1] : first[1] + kept[1]]
        large = scipy.ndimage.zoom(centre, (factor, factor, 1), order=1)
        cut = [(m - n) // 2 for m, n in zip(large.shape, pixels.shape)]
        total += large[cut[0] : cut[0] + pixels.shape[0], cut[1] : cut[1] + pixels.shape[1]]
    return np.clip(total / (len(factors) + 1), 0, 1) * 255


def pixelate(image, severity):
    share = [0.6, 0.5, 0.4, 0.3, 0.25][severity - 1]
    small = image.resize((int(image.width * share), int(image.height * share)), Image.BOX)
    return small.resize(image.size, Image.BOX)


def kept(result):
    """Every seventh row, in [0, 1]."""
    return [round(float(value), 6) for value in (np.asarray(result, dtype=np.float64) / 255)[::EVERY].ravel()]


def main(out):
    rng = np.random.default_rng(2131)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = np.stack([np.sin(x / 5 + c) * np.cos(y / (4 + c)) for c in range(3)], axis=-1)
    pixels = np.clip(128 + 90 * waves + rng.normal(0, 25, waves.shape), 0, 255).astype(np.uint8)
    # Without hue, without light, without a second channel.
    pixels[0, :4] = [[0, 0, 0], [255, 255, 255], [90, 90, 90], [200, 0, 0]]
    image = Image.fromarray(pixels)
    wanted = {
        "defocus-blur": (corruptions.defocus_blur, [1, 3, 5]),
        "glass-blur": (corruptions.glass_blur, [1, 4]),
        "motion-blur": (corruptions.motion_blur, [1, 3]),
        "zoom-blur": (zoom_blur, [1, 3, 5]),
        "fog": (corruptions.fog, [1, 5]),
        "brightness": (corruptions.brightness, [2, 5]),
        "contrast": (corruptions.contrast, [1, 5]),
        "saturate": (corruptions.saturate, [1, 3, 5]),
        "pixelate": (pixelate, [1, 3, 5]),
        "jpeg": (corruptions.jpeg_compression, [1, 5]),
    }
    cases = []
    for name, (function, severities) in wanted.items():
        for severity in severities:
            sequence, case = Sequence(), {"corruption": name, "severity": severity}
            uniform = sequence.uniform
            if name == "motion-blur":
                case["angle"] = [33.0, -41.5][len(cases) % 2]
                uniform = mock.Mock(return_value=case["angle"])
            with mock.patch.object(np.random, "uniform", uniform), mock.patch.object(np.random, "randint", sequence.randint):
                cases.append({**case, "result": kept(function(image, severity))})
    disks = []
    for radius, alias in [(0.3, 0.4), (0.5, 0.6), (1.5, 0.1), (2.5, 0.01)]:
        kernel = corruptions.disk(radius, alias)
        channels = [corruptions.cv2.filter2D(pixels[:, :, c] / 255.0, -1, kernel) for c in range(3)]
        disks.append({"radius": radius, "alias": alias, "result": kept(np.stack(channels, axis=-1) * 255)})
    fixture = {"width": WIDTH, "height": HEIGHT, "every": EVERY, "pixels": pixels.tobytes().hex(), "cases": cases, "disks": disks}
    write_json(out / "corruptions.json", fixture)


if __name__ == "__main__":
    main(output_folder(__file__, __doc__))
