"""Data sets in small, each written by the library that owns its format, and the pixels that the library itself reads from
it: TensorFlow Datasets, Hugging Face datasets, WebDataset, and archives by Python's own modules. CIFAR and IDX, which no
library writes, are laid out as published and read by TensorFlow Datasets."""

import gzip
import io
import os
import shutil
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("NO_GCE_CHECK", "true")

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from common import output_folder
from data_fixtures import photo, saved

BREEDS = ["beagle", "chow", "Saint Bernard"]


def numbered(count, offset=0):
    """(number, image, label): images of different sizes."""
    for number in range(offset, offset + count):
        yield number, Image.fromarray(photo(10 + number % 5, 8 + number % 3 + number)), number % 3


class Expected:
    """What a library reads: pixels, and the label of each image."""

    def __init__(self):
        self.arrays = {}

    def add(self, name, pixels, label):
        pixels = np.asarray(pixels)
        if pixels.ndim == 2 or pixels.shape[-1] == 1:
            pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=-1)
        assert pixels.dtype == np.uint8
        self.arrays[f"{name}.pixels"] = np.ascontiguousarray(pixels)
        self.arrays[f"{name}.label"] = np.array([label], np.int64)

    def save(self, path):
        save_file(self.arrays, path)


def tfds(folder):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    tfds.core.utils.gcs_utils._is_gcs_disabled = True

    class TinyDogs(tfds.core.GeneratorBasedBuilder):
        """JPEG files as they were, class names, several splits, features beside."""

        VERSION = tfds.core.Version("1.2.0")

        def _info(self):
            features = tfds.features.FeaturesDict({
                "image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg"),
                "image/filename": tfds.features.Text(),
                "label": tfds.features.ClassLabel(names=BREEDS),
                "objects": tfds.features.Sequence({"bbox": tfds.features.BBoxFeature()}),
            })
            return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("image", "label"))

        def _split_generators(self, _):
            return {"train": self._images(7, 0), "validation": self._images(3, 7), "test": self._images(4, 10), "extra": self._images(2, 14)}

        def _generate_examples(self):
            raise NotImplementedError

        def _images(self, count, offset):
            for number, image, label in numbered(count, offset):
                data = saved(image, "jpeg", quality=90, subsampling="4:4:4")
                yield number, {
                    "image": io.BytesIO(data),
                    "image/filename": f"dog_{number}.jpg",
                    "label": label,
                    "objects": [{"bbox": tfds.features.BBox(0.1, 0.2, 0.3, 0.4)}] * (number % 3),
                }

    class TinyDigits(tfds.core.GeneratorBasedBuilder):
        """Grey PNG that the library encodes, numbers for classes, some without a label."""

        VERSION = tfds.core.Version("3.0.1")

        def _info(self):
            features = tfds.features.FeaturesDict({
                "image": tfds.features.Image(shape=(9, 7, 1)),
                "label": tfds.features.ClassLabel(num_classes=3),
            })
            return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("image", "label"))

        def _split_generators(self, _):
            return {"train": self._images(6, 0), "test": self._images(4, 6)}

        def _generate_examples(self):
            raise NotImplementedError

        def _images(self, count, offset):
            for number in range(offset, offset + count):
                label = -1 if number == 9 else number % 3
                yield number, {"image": photo(7, 9 + number)[:9, :, :1], "label": label}

    for builder, shards in [(TinyDogs, 2), (TinyDigits, 1)]:
        with tempfile.TemporaryDirectory() as temporary:
            builder = builder(data_dir=temporary)
            config = tfds.download.DownloadConfig(num_shards=shards, try_download_gcs=False, verify_ssl=False)
            builder.download_and_prepare(download_config=config)
            written = Path(builder.data_dir)
            to = folder / written.parent.name / written.name
            to.mkdir(parents=True, exist_ok=True)
            for file in written.iterdir():
                (to / file.name).write_bytes(file.read_bytes())
            expected = Expected()
            in_order = tfds.ReadConfig(interleave_cycle_length=1)

            @tfds.decode.make_decoder()
            def accurate(data, _):
                # By default TensorFlow decodes JPEG with an approximate transform (INTEGER_FAST), up to 4 levels off.
                return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")

            decoders = {"image": accurate()} if builder.info.features["image"].shape[-1] == 3 else None
            for split in builder.info.splits:
                examples = builder.as_dataset(split=split, shuffle_files=False, read_config=in_order, decoders=decoders)
                for number, example in enumerate(tfds.as_numpy(examples)):
                    expected.add(f"{split}/{number:08}", example["image"], example["label"])
            expected.save(folder / f"{written.parent.name}.safetensors")


def cifar(folder):
    from tensorflow_datasets.image_classification.cifar import Cifar10, Cifar100

    rng = np.random.default_rng(1)

    def record(labels, number):
        return bytes(labels) + photo(32, 32 + number)[:32].transpose(2, 0, 1).tobytes()

    files = [f"data_batch_{n}.bin" for n in range(1, 6)] + ["test_batch.bin"]
    ten = folder / "cifar-10" / "cifar-10-batches-bin"
    ten.mkdir(parents=True, exist_ok=True)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (ten / "batches.meta.txt").write_text("\n".join(names) + "\n\n")
    for n, file in enumerate(files):
        (ten / file).write_bytes(b"".join(record([(2 * n + k) % 10], 2 * n + k) for k in range(2)))
    hundred = folder / "cifar-100" / "cifar-100-binary"
    hundred.mkdir(parents=True, exist_ok=True)
    (hundred / "fine_label_names.txt").write_text("".join(f"fine{n}\n" for n in range(100)))
    (hundred / "coarse_label_names.txt").write_text("".join(f"coarse{n}\n" for n in range(20)))
    for n, file in enumerate(["train.bin", "test.bin"]):
        (hundred / file).write_bytes(b"".join(record([k % 20, 5 * k], 2 * n + k) for k in range(2)))

    for builder, name, files in [(Cifar10, ten, files), (Cifar100, hundred, ["train.bin", "test.bin"])]:
        expected = Expected()
        with tempfile.TemporaryDirectory() as temporary:
            builder = builder(data_dir=temporary)
            for file in files:
                examples = builder._generate_examples("", [name / file])
                for number, (_, example) in enumerate(examples):
                    label = example["label"]
                    label = names.index(label) if isinstance(label, str) and label in names else label
                    if isinstance(label, str):
                        label = int(label.removeprefix("fine"))
                    expected.add(f"{file[:-4]}/{number:05}", example["image"], label)
        expected.save(folder / f"{name.parent.name}.safetensors")


def idx(folder):
    from tensorflow_datasets.image_classification.mnist import _extract_mnist_images, _extract_mnist_labels

    folder_plain, folder_gz = folder / "mnist", folder / "mnist-gz"
    for path in (folder_plain, folder_gz):
        path.mkdir(parents=True, exist_ok=True)
    expected = Expected()
    for prefix, name, count, offset in [("train", "train", 6, 0), ("t10k", "test", 3, 6)]:
        images = np.stack([photo(28, 28 + n)[:28, :, 1] for n in range(offset, offset + count)])
        labels = np.arange(offset, offset + count, dtype=np.uint8) % 3
        files = {
            f"{prefix}-images-idx3-ubyte": struct.pack(">HBBIII", 0, 8, 3, *images.shape) + images.tobytes(),
            f"{prefix}-labels-idx1-ubyte": struct.pack(">HBBI", 0, 8, 1, count) + labels.tobytes(),
        }
        for file, data in files.items():
            (folder_plain / file).write_bytes(data)
            (folder_gz / f"{file}.gz").write_bytes(gzip.compress(data, mtime=0))
        pixels = _extract_mnist_images(folder_plain / f"{prefix}-images-idx3-ubyte", count)
        labels = _extract_mnist_labels(folder_plain / f"{prefix}-labels-idx1-ubyte", count)
        for number in range(count):
            expected.add(f"{name}/{number:06}", pixels[number], labels[number])
    expected.save(folder / "mnist.safetensors")


def parquet(folder):
    """Layouts of the hub, each with another codec; one file without metadata, as pandas would write it."""
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=BREEDS)})

    def dataset(count, offset):
        rows = [
            {"image": {"bytes": saved(image, "png"), "path": f"{number}.png"}, "label": label}
            for number, image, label in numbered(count, offset)
        ]
        return datasets.Dataset.from_list(rows, features=features)

    data = folder / "dogs" / "data"
    data.mkdir(parents=True, exist_ok=True)
    splits = {
        "train": [("train-00000-of-00002.parquet", 5, 0, "snappy"), ("train-00001-of-00002-0a1b.parquet", 3, 5, "zstd")],
        "validation": [("validation-00000-of-00001.parquet", 3, 8, "gzip")],
        "test": [("test-00000-of-00001.parquet", 4, 11, "lz4")],
    }
    expected = Expected()
    for split, files in splits.items():
        for name, count, offset, codec in files:
            # Two rows to a row group, so that there are several.
            dataset(count, offset).to_parquet(data / name, batch_size=2)
            if codec != "snappy":
                pq.write_table(pq.read_table(data / name), data / name, compression=codec, row_group_size=2)
        read = datasets.load_dataset("parquet", data_files={split: [str(data / name) for name, *_ in files]}, split=split, cache_dir=str(data.parent / "cache"))
        for number, row in enumerate(read):
            expected.add(f"{split}/{number:08}", row["image"].convert("RGB"), row["label"])
    shutil.rmtree(data.parent / "cache")
    expected.save(folder / "dogs.safetensors")

    rows = list(numbered(6))
    table = pa.table({
        "img": pa.array([saved(image, "png") for _, image, _ in rows], pa.binary()),
        "class": pa.array([BREEDS[label] if number else None for number, _, label in rows]),
    })
    # Pages of a few rows each in one row group, version 2 of pages, uncompressed.
    pq.write_table(table, folder / "plain.parquet", compression="none", data_page_size=600, write_batch_size=1, data_page_version="2.0", use_dictionary=["class"])
    read = pq.read_table(folder / "plain.parquet").to_pylist()
    expected = Expected()
    for number, row in enumerate(read):
        if row["class"] is not None:
            expected.add(f"rows/{number:08}", Image.open(io.BytesIO(row["img"])).convert("RGB"), sorted(BREEDS).index(row["class"]))
    expected.save(folder / "plain.safetensors")

    # No bytes but paths: one image, one link out of the folder, one path out of it, nothing.
    beside = folder / "beside"
    beside.mkdir(exist_ok=True)
    (beside / "inner").mkdir(exist_ok=True)
    (beside / "inner" / "here.png").write_bytes(saved(Image.fromarray(photo(9, 6)), "png"))
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    paths = ["inner/here.png", "link.png", "../outside.png", None]
    table = pa.table({
        "image": pa.array([{"bytes": None, "path": path} for path in paths], image),
        "label": pa.array([0, 1, 0, 1]),
    })
    pq.write_table(table, beside / "train.parquet")


def webdataset(folder):
    import webdataset as wds

    shards = folder / "dogs"
    shards.mkdir(exist_ok=True)
    expected = Expected()
    for split, count, offset in [("train", 5, 0), ("val", 2, 5), ("test", 3, 7)]:
        with wds.ShardWriter(str(shards / f"dogs-{split}-%06d.tar"), maxcount=3, mtime=0, verbose=0) as out:
            for number, image, label in numbered(count, offset):
                sample = {"__key__": f"sub.folder/dog_{number:03}"}
                sample["png" if number % 2 else "jpg"] = saved(image, "png") if number % 2 else saved(image, "jpeg", quality=95)
                # A number either way, as the library writes both.
                sample.update({"cls": label} if number % 2 else {"json": {"label": label, "width": image.width}})
                out.write(sample)
    (shards / "classnames.txt").write_text("\n".join(BREEDS) + "\n")
    for path in sorted(shards.glob("*.tar")):
        for sample in wds.WebDataset(str(path), shardshuffle=False, empty_check=False).decode("rgb8"):
            kind = "png" if "png" in sample else "jpg"
            label = sample["cls"] if "cls" in sample else sample["json"]["label"]
            expected.add(f"{path.name}/{sample['__key__']}.{kind}", sample[kind], label)
    expected.save(folder / "dogs.safetensors")


def packed(folder):
    """One image folder in every kind of archive; expected are the very files."""
    files = {}
    for number, image, label in numbered(7):
        split = "train" if number < 5 else "test"
        files[f"dogs/{split}/{BREEDS[label % 2]}/{number}.jpg"] = saved(image, "jpeg", quality=90)
    files["dogs/README.md"] = b"no image"
    files["__MACOSX/dogs/._x.jpg"] = b"no image either"
    expected = Expected()
    for name, data in files.items():
        if name.endswith(".jpg") and name.startswith("dogs"):
            inner = name.removeprefix("dogs/")
            expected.add(inner, Image.open(io.BytesIO(data)).convert("RGB"), sorted(BREEDS[:2]).index(inner.split("/")[1]))
    expected.save(folder / "dogs.safetensors")

    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        link = tarfile.TarInfo("dogs/train/beagle/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    (folder / "dogs.tar").write_bytes(plain.getvalue())
    (folder / "dogs.tar.gz").write_bytes(gzip.compress(plain.getvalue(), mtime=0))

    def zipped(name, files, kind, **options):
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, data in files.items():
                info = zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0))
                info.compress_type = kind
                archive.writestr(info, data, **options)

    stored = dict(list(files.items())[:3])
    zipped("dogs.zip", files, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(folder / "dogs.zip", "a") as archive:
        link = zipfile.ZipInfo("dogs/train/beagle/link.jpg", (2020, 1, 1, 0, 0, 0))
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    zipped("stored.zip", stored, zipfile.ZIP_STORED)
    zipped("bzip2.zip", stored, zipfile.ZIP_BZIP2)
    zipped("outside.zip", {"../outside.jpg": b"x", **stored}, zipfile.ZIP_STORED)


def flowers(folder):
    """Oxford Flowers-102 in small: the two lists, as their authors' MATLAB would store them."""
    import scipy.io

    labels = np.array([[77, 77, 1, 1, 102, 102, 1]], np.uint8)
    splits = {"trnid": [[1, 3, 5]], "valid": [[7]], "tstid": [[2, 4, 6]]}
    for name, values in [
        ("imagelabels.mat", {"labels": labels}),
        ("setid.mat", {key: np.array(value, np.uint16) for key, value in splits.items()}),
    ]:
        out = io.BytesIO()
        scipy.io.savemat(out, values, do_compression=True)
        # The text of the header holds the time of writing.
        (folder / name).write_bytes(b"MATLAB 5.0 MAT-file, written by SciPy".ljust(116) + out.getvalue()[116:])


def main():
    out = output_folder(__file__, __doc__) / "sources"
    for name, make in [("tfds", tfds), ("cifar", cifar), ("idx", idx), ("packed", packed), ("webdataset", webdataset), ("parquet", parquet), ("flowers", flowers)]:
        (out / name).mkdir(parents=True, exist_ok=True)
        make(out / name)


if __name__ == "__main__":
    main()
