"""Images per second of another library's input path: one process, one thread, one work, one JSON line.

`standard`: decode, random-resized crop to 224 px, flip, colour jitter (0.4, 0.4, 0.4, 0.1), normalise, batch, MixUp or CutMix.
`notebook`: decode, resize to 224 × 224, flip, contrast, hue, brightness, batch, CutMix. `decode`: decode to RGB.
The images are read from disk, as they are for Bakeoff.
"""

import argparse
import io
import json
import os
import statistics
import time
from pathlib import Path

MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLASSES = 120


def torch_mixers():
    from torchvision.transforms import v2

    return v2.RandomChoice([v2.MixUp(alpha=1.0, num_classes=CLASSES), v2.CutMix(alpha=1.0, num_classes=CLASSES)])


def torch_batches(load, options):
    """A batch of what `load` makes of a path, mixed by torchvision."""
    import torch

    torch.set_num_threads(1)
    mix, labels = torch_mixers(), torch.arange(options.batch) % CLASSES

    def step(paths):
        return mix(torch.stack([load(path) for path in paths]), labels)

    return step


def torchvision_tensors(options):
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg, read_file
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.RandomResizedCrop(options.image, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, SD),
        ]
    )
    return torch_batches(lambda path: transform(decode_jpeg(read_file(path), mode=ImageReadMode.RGB)), options)


def torchvision_pil(options):
    import torch
    from PIL import Image
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.RandomResizedCrop(options.image),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, SD),
        ]
    )
    return torch_batches(lambda path: transform(Image.open(path).convert("RGB")), options)


def timm_standard(options):
    import torch
    from PIL import Image
    from timm.data import Mixup, create_transform

    torch.set_num_threads(1)
    transform = create_transform(options.image, is_training=True, auto_augment=None, color_jitter=(0.4, 0.4, 0.4, 0.1), color_jitter_prob=1.0, interpolation="bilinear")
    mix, labels = Mixup(mixup_alpha=1.0, cutmix_alpha=1.0, num_classes=CLASSES, label_smoothing=0.0), torch.arange(options.batch) % CLASSES
    return lambda paths: mix(torch.stack([transform(Image.open(path).convert("RGB")) for path in paths]), labels)


def albumentations_standard(options):
    import albumentations as A
    import cv2
    from albumentations.pytorch import ToTensorV2

    cv2.setNumThreads(1)
    transform = A.Compose(
        [
            A.RandomResizedCrop((options.image, options.image)),
            A.HorizontalFlip(),
            A.ColorJitter(brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.6, 1.4), hue=(-0.1, 0.1), p=1.0),
            A.Normalize(MEAN, SD),
            ToTensorV2(),
        ]
    )
    return torch_batches(lambda path: transform(image=cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB))["image"], options)


def tf_notebook(options):
    """The notebook's own functions, in a tf.data pipeline of one thread."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    size, batch = options.image, options.batch

    def load(path):
        image = tf.image.decode_jpeg(tf.io.read_file(path), channels=3)
        image = tf.image.resize(image, (size, size)) / 255.0
        image = tf.image.random_flip_left_right(image)
        image = tf.image.random_contrast(image, 0.2, 0.5)
        image = tf.image.random_hue(image, 0.2)
        return tf.image.random_brightness(image, 0.2)

    def cutmix(images):
        labels = tf.one_hot(tf.range(batch) % CLASSES, CLASSES)
        partner = tf.random.uniform([batch], 0, batch, tf.int32)
        sides = [tf.cast(size * tf.sqrt(1 - tf.random.uniform([batch])), tf.int32) // 2 for _ in range(2)]
        centres = [tf.random.uniform([batch], 0, size, tf.int32) for _ in range(2)]
        low = [tf.maximum(c - s, 0) for c, s in zip(centres, sides)]
        high = [tf.minimum(c + s, size) for c, s in zip(centres, sides)]
        at = tf.range(size)[None]
        inside = [(at >= l[:, None]) & (at < h[:, None]) for l, h in zip(low, high)]
        box = (inside[1][:, :, None] & inside[0][:, None, :])[..., None]
        share = tf.cast((high[0] - low[0]) * (high[1] - low[1]), tf.float32)[:, None] / (size * size)
        mixed = tf.where(box, tf.gather(images, partner), images)
        return mixed, (1 - share) * labels + share * tf.gather(labels, partner)

    pipeline = tf.data.Dataset.from_tensor_slices(options.paths).repeat().map(load, num_parallel_calls=1)
    pipeline = pipeline.batch(batch, drop_remainder=True).map(cutmix, num_parallel_calls=1)
    settings = tf.data.Options()
    settings.threading.private_threadpool_size = 1
    settings.threading.max_intra_op_parallelism = 1
    batches = iter(pipeline.with_options(settings))
    return lambda paths: next(batches)


def decode_pillow(options):
    from PIL import Image

    return lambda paths: [Image.open(path).convert("RGB") for path in paths]


def decode_opencv(options):
    import cv2

    cv2.setNumThreads(1)
    return lambda paths: [cv2.imread(path) for path in paths]


WORKS = {
    "standard": {
        "torchvision v2, tensors": torchvision_tensors,
        "torchvision v2, PIL": torchvision_pil,
        "timm": timm_standard,
        "albumentations": albumentations_standard,
    },
    "notebook": {"tf.data": tf_notebook},
    "decode": {"Pillow": decode_pillow, "OpenCV": decode_opencv},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("side")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--image", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    options.paths = sorted(str(path) for path in options.data.rglob("*.jpg"))
    step = WORKS[options.work][options.side](options)
    place = 0
    rates = []
    for round in range(options.rounds + 1):
        images, start = 0, time.perf_counter()
        while images == 0 or time.perf_counter() - start < 1.0:
            step([options.paths[(place + i) % len(options.paths)] for i in range(options.batch)])
            place += options.batch
            images += options.batch
        # The first round warms up.
        if round:
            rates.append(images / (time.perf_counter() - start))
    print(json.dumps({"images_per_second": {"median": statistics.median(rates), "min": min(rates), "max": max(rates)}}))


if __name__ == "__main__":
    main()
