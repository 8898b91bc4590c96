"""Gives every command input that asks for more memory than there is.

Attacked, under a limit of 1 GiB of address space: pictures that are enormous, or say so; archives and gzip streams that grow a
thousandfold, or have a million members; tables, JSON, TOML and logs with endless lines, columns, rows, depth or combinations; weights
whose headers lie; files of 64 GiB that hold nothing; devices and pipes; run folders with files of any of these kinds.

Bound: a documented exit code, never a signal or a panic, at most 64 KiB of messages, at most 30 s (60 s where a million of something has to
be read). What is whole is read, what is not is an error in words.

Time: about 60 s; --long: the same with more of everything, about 4 minutes.
"""

import gzip
import io
import json
import os
import shutil
import struct
import tarfile
import zipfile
import zlib

from common import png

LIMIT = 1 << 30
GIB = 1 << 30


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width, height, depth=8, colour=2, data=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def png_of_zeros(width, height, depth=8, colour=0):
    """A whole picture that is nothing but black."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    row = bytes(1 + width * channels * depth // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_header(width, height, depth, colour, chunk(b"IDAT", data))


def png_with_text(kind, size):
    """A small picture with a chunk that grows: a profile or a text."""
    data = zlib.compress(bytes(size), 9)
    whole = png(4, 4, bytes(48))
    return whole[:33] + chunk(kind, b"name\0\0" + (b"\0\0\0" if kind == b"iTXt" else b"") + data) + whole[33:]


def jpeg_header(attack, width, height):
    """A whole small JPEG that says it is large."""
    data = bytearray((attack.fixtures / "decode/jpeg-420.jpg").read_bytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def pictures(attack):
    decode = attack.fixtures / "decode"

    def bmp(width, height):
        data = bytearray((decode / "bmp-24.bmp").read_bytes())
        data[18:26] = struct.pack("<ii", width, height)
        return bytes(data)

    def gif(width, height):
        data = bytearray((decode / "gif-plain.gif").read_bytes())
        data[6:10] = struct.pack("<HH", width, height)
        at = data.index(b"\x2c")
        data[at + 5 : at + 9] = struct.pack("<HH", width, height)
        return bytes(data)

    def tiff(width, height):
        entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width * height % (1 << 32))]
        return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)

    def webp(width, height):
        body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body += b"VP8 " + struct.pack("<I", 10) + b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", min(width, 16383), min(height, 16383))
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body

    huge = 65_500
    side = 12_000 if attack.long else 8_000
    return {
        "png that says it is large": (".png", png_header(1 << 30, 1 << 30)),
        "png that says it is large, 16 bit": (".png", png_header(50_000, 3_500, 16, 6)),
        "jpeg that says it is large": (".jpg", jpeg_header(attack, huge, huge)),
        "jpeg that says it is 12,000 a side": (".jpg", jpeg_header(attack, 12_000, 12_000)),
        "bmp that says it is large": (".bmp", bmp(huge, huge)),
        "bmp that says it is 12,000 a side": (".bmp", bmp(12_000, 12_000)),
        "gif that says it is large": (".gif", gif(65_535, 65_535)),
        "gif that says it is 12,000 a side": (".gif", gif(12_000, 12_000)),
        "tiff that says it is large": (".tif", tiff(1 << 20, 1 << 20)),
        "tiff that says it is 12,000 a side": (".tif", tiff(12_000, 12_000)),
        "webp that says it is large": (".webp", webp(1 << 24, 1 << 24)),
        "webp that says it is 12,000 a side": (".webp", webp(12_000, 12_000)),
        "grey png of many pixels": (".png", png_of_zeros(side, side)),
        "16-bit png of many pixels": (".png", png_of_zeros(side, side // 2, 16, 6)),
        "png with a profile that grows": (".png", png_with_text(b"iCCP", 256 << 20)),
        "png with a text that grows": (".png", png_with_text(b"zTXt", 256 << 20)),
        "png with an international text that grows": (".png", png_with_text(b"iTXt", 256 << 20)),
    }


def grown(first, size):
    """A gzip stream that begins with some bytes, and goes on with zeros up to a size."""
    member = gzip.compress(bytes(16 << 20), 9)
    return gzip.compress(first) + member * (size // (16 << 20))


def tar_header(name, size):
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def many_members(count):
    out = io.BytesIO()
    for number in range(count):
        out.write(tar_header(f"c{number % 2}/{number}.jpg", 0))
    out.write(bytes(1024))
    return out.getvalue()


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, size in members:
            with archive.open(name, "w", force_zip64=True) as file:
                for begin in range(0, size, 16 << 20):
                    file.write(bytes(min(16 << 20, size - begin)))
    return out.getvalue()


class Memory:
    """The commands under the limit."""

    def __init__(self, attack):
        self.attack = attack
        attack.study(recipes=("none", "cutmix"), images=8)
        attack.command("run", "study.toml", "--out", "runs/whole", "--quiet", "--set", "train.epochs=1", seconds=60)
        self.run = attack.folder / "runs/whole"
        self.weights = self.run / "trials/none/seed-1"

    def attacked(self, what, *command, seconds=30, fails=None, environment=None):
        result = self.attack.command(*command, memory=LIMIT, seconds=seconds, environment=environment)
        wrong = result.misbehaved()
        # What the machine has no memory for now is said and left to it: nothing is wrong with the file, and it is not left out.
        short = result.code == 1 and "not to be had now" in result.line()
        if not wrong and fails is not None and (result.code != 0) != fails and not short:
            wrong = f"exit code {result.code} where {'an error' if fails else 'success'} was due: {result.line()}"
        self.attack.check(what, wrong and f"{wrong}; {result.line()}", f"exit code {result.code}, {result.seconds:.1f} s, {result.peak >> 20} MiB; {result.line()[:80]}")

    def file(self, name, content=b"", size=None):
        path = self.attack.folder / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if size:
            os.truncate(path, size)
        return path


def of_pictures(memory, attack):
    whole = png(20, 20, bytes(1200))
    everything = {}
    for number, (what, (suffix, data)) in enumerate(pictures(attack).items()):
        everything[f"{number:02}{suffix}"] = data
        folder = attack.folder / "pictures"
        for name in ("a", "b"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "whole.png").write_bytes(whole)
        for copy in range(4):
            (folder / "a" / f"bad-{copy}{suffix}").write_bytes(data)
        memory.attacked(f"data check: {what}, four times", "data", "check", folder, fails=False, seconds=60)
        memory.attacked(f"predict: {what}", "predict", "--weights", memory.weights, folder / "a")
        shutil.rmtree(folder)
    folder = attack.folder / "pictures"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "whole.png").write_bytes(whole)
    for name, data in everything.items():
        (folder / "a" / name).write_bytes(data)
    memory.attacked("data check: all of them, 16 threads", "data", "check", folder, "--threads", "16", seconds=60)
    memory.attacked("data check --html: all of them", "data", "check", folder, "--html", attack.folder / "check.html", seconds=60)
    study = (attack.folder / "study.toml").read_text().replace('"photos"', '"pictures"')
    (attack.folder / "pictures.toml").write_text(study)
    memory.attacked("run: all of them", "run", "pictures.toml", "--quiet", "--set", "train.epochs=1", seconds=60)
    memory.attacked("preview: all of them", "preview", "pictures.toml", seconds=60)


def of_archives(memory, attack):
    size = (8 if attack.long else 2) * GIB
    here = {"TMPDIR": str(attack.folder)}
    memory.attacked("tar.gz that grows", "data", "check", memory.file("grows.tar.gz", grown(tar_header("a/1.jpg", size), size)), seconds=60, environment=here)
    memory.attacked("gz that grows in place of a table", "data", "check", memory.file("grows.csv.gz", grown(b"path,label\n", size)), environment=here)
    idx = memory.file("mnist/train-images-idx3-ubyte.gz", grown(struct.pack(">IIII", 0x803, size // 784, 28, 28), size))
    memory.file("mnist/train-labels-idx1-ubyte.gz", grown(struct.pack(">II", 0x801, size // 784), 16 << 20))
    memory.attacked("idx.gz that grows", "data", "check", idx.parent, seconds=60, environment=here)
    memory.attacked("zip that grows", "data", "check", memory.file("grows.zip", zipped([("a/1.jpg", GIB), ("b/2.jpg", GIB)])), seconds=60)
    count = 1_000_000 if attack.long else 100_000
    memory.attacked("tar of many members", "data", "check", memory.file("many.tar", many_members(count)), seconds=60)
    memory.attacked("tar of many members as shards", "data", "check", memory.file("shards/train-0.tar", many_members(count)).parent, "--source", "webdataset", seconds=60)
    memory.attacked("zip of many members", "data", "check", memory.file("many.zip", zipped([(f"{'ab'[n % 2]}/{n}.jpg", 0) for n in range(count // 2)])), seconds=60)
    long_name = tarfile.TarInfo("a/" + "x" * (1 << 20) + ".jpg").tobuf(tarfile.GNU_FORMAT)
    memory.attacked("tar with a name of 1 MiB", "data", "check", memory.file("name.tar", long_name + bytes(1024)), fails=True)
    for what, size in (("1 GiB", GIB), ("7 EiB", (1 << 62) * 7 // 4)):
        member = tarfile.TarInfo("././@LongLink")
        member.type, member.size = tarfile.GNUTYPE_LONGNAME, size
        memory.attacked(f"tar that says a name has {what}", "data", "check", memory.file("lies.tar", member.tobuf(tarfile.GNU_FORMAT), size=min(size, 64 * GIB) + 1024), fails=True, seconds=60)
    for what, element in (("lists", b"\x19\xf2\xff\xff\xff\xff\x07"), ("maps", b"\x1b\xff\xff\xff\xff\x07\x11")):
        path = memory.file(f"{what}.parquet", parquet_of_lists(element, 1000))
        memory.attacked(f"parquet with {what} of nothing", "data", "check", path, fails=True, seconds=10)


def parquet_of_lists(element, lists):
    """A Parquet file whose footer holds an unknown field: lists or maps that say they have two thousand million elements of no bytes."""
    footer = b"\xfc" + element * lists + b"\0\0"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def of_nothing(memory, attack):
    """64 GiB that hold nothing, and things that are no files."""
    for name in ("hole.csv", "hole.tar", "hole.zip", "hole.parquet", "hole.jsonl", "hole.tar.gz", "hole.txt"):
        memory.attacked(f"data check: 64 GiB of nothing as {name[5:]}", "data", "check", memory.file(name, size=64 * GIB), fails=True, seconds=60)
    memory.attacked("plan: 64 GiB of nothing", "plan", memory.file("hole.toml", size=64 * GIB), fails=True)
    for name in ("hole.safetensors", "hole.pth", "model.safetensors.index.json"):
        memory.attacked(f"predict: 64 GiB of nothing as {name}", "predict", "--weights", memory.file(name, size=64 * GIB), attack.folder / "photos/test", fails=True)
    memory.attacked("predict: a picture of 64 GiB of nothing", "predict", "--weights", memory.weights, memory.file("hole.png", size=64 * GIB), fails=True)
    memory.attacked("compare: 64 GiB of nothing", "compare", memory.file("hole-runs.csv", size=64 * GIB), fails=True)
    pipe = attack.folder / "pipe.csv"
    os.mkfifo(pipe)
    for device in ("/dev/zero", "/dev/full", pipe):
        for command in (["plan"], ["run"], ["data", "check"], ["data", "pack"], ["compare"], ["report"], ["analyse"], ["preview"]):
            memory.attacked(f"{' '.join(command)}: {device if device != pipe else 'a pipe'}", *command, device, fails=True, seconds=10)
        memory.attacked(f"predict: pictures from {device if device != pipe else 'a pipe'}", "predict", "--weights", memory.weights, device, fails=True, seconds=10)
        memory.attacked(f"predict: weights from {device if device != pipe else 'a pipe'}", "predict", "--weights", device, attack.folder / "photos/test", fails=True, seconds=10)


def of_text(memory, attack):
    many = 3_000_000 if attack.long else 500_000
    line = b"x" * (256 << 20)
    memory.attacked("table of one line of 256 MiB", "data", "check", memory.file("line.csv", line), fails=True)
    memory.attacked("table with a cell of 256 MiB", "data", "check", memory.file("cell.csv", b'path,label\n"' + line + b'",a\n'), fails=True)
    memory.attacked("table of many columns", "data", "check", memory.file("columns.csv", b"a," * many + b"b\n" + b"1," * many + b"2\n"), fails=True)
    memory.attacked("table of many rows", "data", "check", memory.file("rows.csv", b"path,label\n" + b"x.jpg,a\n" * many), fails=True, seconds=60)
    memory.attacked("table of many classes", "data", "check", memory.file("classes.csv", "path,label\n" + "".join(f"x.jpg,c{n}\n" for n in range(many))), fails=True, seconds=60)
    memory.attacked("json lines of great depth", "data", "check", memory.file("deep.jsonl", b'{"path":' + b"[" * many), fails=True)
    memory.attacked("json lines of one line", "data", "check", memory.file("line.jsonl", b'{"path":"' + line), fails=True)
    memory.attacked("results of one line", "compare", memory.file("line-runs.csv", line), fails=True)
    memory.attacked("results of many columns", "compare", memory.file("columns-runs.csv", b"recipe,seed,accuracy," + b"a," * many + b"b\n" + b"none,1,0.5," + b"1," * many + b"2\n"), seconds=60)
    rows = "recipe,seed,image,correct\n" + "".join(f"{recipe},{seed},i{image},{(image + seed) % 2}\n" for recipe in ("none", "cutmix") for seed in range(4) for image in range(many // 20))
    memory.attacked("predictions of many rows", "compare", memory.file("rows-runs.csv", rows), "--baseline", "none", seconds=60)
    rows = "recipe,seed,accuracy\n" + "".join(f"r{number},{seed},0.5{number % 7}{seed}\n" for number in range(many // 500) for seed in range(2))
    memory.attacked("results of many recipes", "compare", memory.file("recipes.csv", rows), "--baseline", "r0", seconds=60)

    study = (attack.folder / "study.toml").read_text()
    grid = "[" + ",".join(f"{0.1 + number / 1000:.4f}" for number in range(999)) + "]"
    studies = {
        "arrays of great depth": study + "\nx = " + "[" * 100_000,
        "tables of great depth": study + "\n[" + "a." * 100_000 + "b]\n",
        "a line of 64 MiB": study + "\nx = \"" + "x" * (64 << 20) + '"\n',
        "many recipes": study + "".join(f'\n[[recipe]]\nname = "r{number}"\n' for number in range(20_000)),
        "a grid of a billion": study + f'\n[[recipe]]\nname = "g"\nmix = {{ kind = "cutmix" }}\ngrid = {{ alpha = {grid}, probability = {grid} }}\n',
        "inherited in a circle": study + '\n[[recipe]]\nname = "x"\ninherit = "y"\n[[recipe]]\nname = "y"\ninherit = "x"\n',
        "inherited many times": study + '\n[[recipe]]\nname = "r0"\n' + "".join(f'[[recipe]]\nname = "r{number}"\ninherit = "r{number - 1}"\n' for number in range(1, 900)),
        "mixers in mixers": study + '\n[[recipe]]\nname = "m"\nmix = ' + '{ kind = "one-of", mixers = [' * 60 + '{ kind = "cutmix" }' + "] }" * 60,
        "mistakes in thousands": study + "\nx" * 20_000,
    }
    for what, text in studies.items():
        memory.attacked(f"study with {what}", "plan", memory.file("study.toml", text.replace('"photos"', f'"{attack.folder}/photos"')), "--no-measure", seconds=30)
    for change in ("train.batch=1000000000", "train.image=1000000", "train.epochs=4000000000", "compare.seeds=1000000000", "train.image=8192", "train.batch=100000", "data.cache=1000000000", "model.name=resnet152"):
        memory.attacked(f"plan --set {change}", "plan", "study.toml", "--set", change, seconds=60)
        if change.startswith(("train.batch", "train.image")):
            memory.attacked(f"run --set {change}", "run", "study.toml", "--out", "runs/large", "--quiet", "--set", change, "--set", "train.epochs=1", seconds=60)
    memory.attacked("run --threads 1000000", "run", "study.toml", "--out", "runs/threads", "--quiet", "--threads", "1000000", "--set", "train.epochs=1", fails=False)
    memory.attacked("run --jobs 1000000", "run", "study.toml", "--out", "runs/jobs", "--quiet", "--jobs", "1000000", "--set", "train.epochs=1", seconds=60)


def of_weights(memory, attack):
    picture = attack.folder / "photos/test"
    headers = {
        "says its header has 16 EiB": struct.pack("<Q", (1 << 64) - 1),
        "says its header has 1 GiB": struct.pack("<Q", GIB),
        "has a header of great depth": (lambda text: struct.pack("<Q", len(text)) + text)(b'{"a":' + b"[" * 1_000_000),
        "has many tensors": (lambda text: struct.pack("<Q", len(text)) + text)(json.dumps({f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(200_000)}).encode()),
        "has a tensor of 16 EiB": (lambda text: struct.pack("<Q", len(text)) + text)(json.dumps({"fc.weight": {"dtype": "F32", "shape": [1 << 31, 1 << 31], "data_offsets": [0, (1 << 64) - 1]}}).encode()),
        "has a shape without end": (lambda text: struct.pack("<Q", len(text)) + text)(json.dumps({"fc.weight": {"dtype": "F32", "shape": [1] * 1_000_000, "data_offsets": [0, 4]}}).encode() + b""),
    }
    for what, data in headers.items():
        size = len(data) + 64 if "GiB" not in what else 2 * GIB
        memory.attacked(f"a weights file that {what}", "predict", "--weights", memory.file("w.safetensors", data, size=size), picture, fails=True)
    index = {"weight_map": {f"layer.{number}.weight": f"model-{number:05}.safetensors" for number in range(300_000)}}
    memory.attacked("an index of many parts", "predict", "--weights", memory.file("parts/model.safetensors.index.json", json.dumps(index)), picture, fails=True)


def of_runs(memory, attack):
    """Files of a run folder, in the place of which stands something enormous."""
    for name in ("plan.json", "study.json", "data.json", "environment.json", "splits/test.json", "preview/none/preview.json", "trials/none/seed-1/trial.json", "trials/none/seed-1/metrics.jsonl", "trials/none/seed-1/predictions.parquet", "trials/none/seed-1/weights.safetensors", "trials/none/seed-1/robustness.json"):
        for what in ("64 GiB of nothing", "great depth", "256 MiB of one word"):
            run = attack.folder / "runs/enormous"
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(memory.run, run)
            path = run / name
            if what == "64 GiB of nothing":
                path.write_bytes(b"")
                os.truncate(path, 64 * GIB)
            elif what == "great depth":
                path.write_bytes(b'{"trials":' + b"[" * 2_000_000 + b"\n")
            else:
                path.write_bytes(b'"' + b"x" * (256 << 20) + b'"\n')
            commands = [["report", run]]
            if attack.long or what == "64 GiB of nothing":
                commands += [["run", "study.toml", "--out", run, "--quiet", "--set", "train.epochs=1"], ["analyse", run, "--images", "2"]]
            for command in commands:
                memory.attacked(f"{command[0]}: {name} is {what}", *command, seconds=30)


def run(attack):
    memory = Memory(attack)
    of_pictures(memory, attack)
    of_archives(memory, attack)
    of_nothing(memory, attack)
    of_text(memory, attack)
    of_weights(memory, attack)
    of_runs(memory, attack)
