"""Colour operations, the flip and the notebook's resize from TensorFlow, with given numbers in place of drawn ones.

TensorFlow and PyTorch do not load into one process, so torchvision's part stands in a script of its own."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from common import output_folder, write_json


def numbers(array):
    """Flat list, each f32 in the fewest digits that give it back."""
    return [float(str(value)) for value in np.asarray(array, dtype=np.float32).ravel()]


def colour_images(rng):
    """Height, width and f32 pixels: ordinary ones, ones outside [0, 1], and every tie between channels."""
    ordinary = rng.random((9, 7, 3), dtype=np.float32)
    outside = (rng.random((5, 8, 3), dtype=np.float32) * 1.8 - 0.4).astype(np.float32)
    levels = np.array([0.0, 0.25, 1.0], dtype=np.float32)
    ties = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(3, 9, 3)
    # Longer than the blocks in which a mean is summed.
    large = (rng.integers(0, 256, (25, 26, 3)) / 255).astype(np.float32)
    one = rng.random((1, 1, 3), dtype=np.float32)
    return {"ordinary": ordinary, "outside": outside, "ties": ties, "one": one, "large": large}


def colour(out):
    rng = np.random.default_rng(2101)
    images = colour_images(rng)
    operations = {
        "contrast": (tf.image.adjust_contrast, [0.0, 0.2, 0.35, 0.5, 1.0, 1.7]),
        "hue": (tf.image.adjust_hue, [-1.0, -0.5, -0.2, -0.013, 0.0, 0.1, 0.2, 1 / 3, 0.5, 1.0]),
        "saturation": (tf.image.adjust_saturation, [0.0, 0.6, 1.0, 1.9]),
        "brightness": (tf.image.adjust_brightness, [-0.2, 0.0, 0.13]),
    }
    cases = []
    for image, pixels in images.items():
        for name, (operation, parameters) in operations.items():
            if image == "large":
                parameters = parameters[1:3]
            for parameter in parameters:
                result = operation(tf.constant(pixels), parameter).numpy()
                if image == "large":
                    result = result[::7]
                cases.append({"image": image, "operation": name, "parameter": parameter, "result": numbers(result)})
        result = tf.image.flip_left_right(tf.constant(pixels)).numpy()
        if image != "large":
            cases.append({"image": image, "operation": "flip", "parameter": 0.0, "result": numbers(result)})
    # The notebook's order, on an image that leaves [0, 1] at the end.
    pixels = images["ordinary"]
    chain = tf.image.adjust_brightness(tf.image.adjust_hue(tf.image.adjust_contrast(pixels, 0.47), -0.17), 0.19)
    cases.append({"image": "ordinary", "operation": "notebook", "parameter": 0.0, "result": numbers(chain.numpy())})
    write_json(
        out / "colour.json",
        {
            "images": {
                name: {"height": p.shape[0], "width": p.shape[1], "pixels": numbers(p)} for name, p in images.items()
            },
            "cases": cases,
        },
    )


def notebook_resize(out):
    """tf.image.resize to a square, aspect ratio squashed, no antialiasing, then divided by 255."""
    rng = np.random.default_rng(2104)
    photograph = rng.integers(0, 256, (23, 31, 3), dtype=np.uint8)
    cases = []
    for size in [12, 26]:
        result = tf.image.resize(photograph, [size, size]).numpy() / np.float32(255)
        cases.append({"size": size, "result": numbers(result)})
    photograph = {"height": 23, "width": 31, "bytes": photograph.ravel().tolist()}
    write_json(out / "notebook-resize.json", {"photograph": photograph, "cases": cases})


def keras_normalisation(out):
    """Keras' preprocessing of ResNet-50, from pixels in [0, 255]."""
    pixels = np.random.default_rng(2105).integers(0, 256, (4, 5, 3)).astype(np.float32)
    result = tf.keras.applications.resnet50.preprocess_input(pixels.copy())
    write_json(out / "keras-normalisation.json", {"pixels": numbers(pixels), "result": numbers(result)})


if __name__ == "__main__":
    folder = output_folder(__file__, __doc__)
    colour(folder)
    keras_normalisation(folder)
    notebook_resize(folder)
