"""Images per second of Keras on TensorFlow: one process, one work, one JSON line. ResNet-50 (v1) only: Keras has no other of ours."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf

from timing import arguments, measure


def main():
    options = arguments(__doc__)
    if options.model != "resnet50":
        raise SystemExit("Keras has ResNet-50 only")
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
    shape = (options.image, options.image, 3)
    model = keras.applications.ResNet50(weights=None, input_shape=shape, classifier_activation=None)
    if options.work == "head":
        model.trainable = True
        for layer in model.layers[:-1]:
            layer.trainable = False
    images = np.random.default_rng(0).standard_normal((options.batch, *shape), dtype=np.float32)
    labels = np.arange(options.batch) % 1000
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=5e-5), loss)
    if options.work in ["train", "head"]:
        measure(lambda: model.train_on_batch(images, labels), options)
    else:
        measure(lambda: model.predict_on_batch(images), options)


if __name__ == "__main__":
    main()
