"""Gives every parser files that were whole once, changed at random.

Attacked, through the program: PNG, JPEG, GIF, BMP, TIFF and WebP; tar, tar.gz, zip, Parquet, TFRecord, WebDataset, IDX (also gzip), CIFAR,
MATLAB; tables (CSV, TSV, JSON lines), lists of groups, the JSON beside data sets; study files; safetensors, their index and PyTorch's zip
files; training logs, tables of runs and predictions of others; packs.

Bound: a documented exit code, no panic, less than 1 GiB of memory, less than 10 s, at most 64 KiB of messages; and a word where it fails.

Time: about 45 s (300 changed files of each kind); --long: about 30 minutes (20,000 pictures of each format, 10,000 files of each other kind).
"""

import io
import json
import os
import random
import shutil
import struct
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

MEMORY = 1 << 30
SECONDS = 10
INTERESTING = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
WORDS = ["\"", "'", "\n", "\r", "\t", ",", ";", "\0", "[", "{", "nan", "-1", "1e999", "99999999999999999999", "../", "/dev/zero", "\ufeff", "\u202e", "\x1b[2J", "[[", "=", "%"]


def mutated(data, draw):
    """A few changes of any kind."""
    data = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 8])):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(10)
        if kind == 0 and data:
            at = draw.randrange(len(data))
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1 and data:
            data[draw.randrange(len(data))] = draw.randrange(256)
        elif kind == 2:
            width, order = draw.choice([(1, "<B"), (2, "<H"), (2, ">H"), (4, "<I"), (4, ">I"), (8, "<Q"), (8, ">Q")])
            data[at : at + width] = struct.pack(order, draw.choice(INTERESTING) % (1 << 8 * width))
        elif kind == 3:
            del data[at : at + draw.choice([1, 2, 4, 16, 512])]
        elif kind == 4:
            piece = data[at : at + draw.choice([1, 4, 16, 512])]
            data[at:at] = piece * draw.choice([1, 2, 64])
        elif kind == 5:
            data[at:at] = draw.randbytes(draw.choice([1, 4, 16]))
        elif kind == 6:
            del data[at:]
        elif kind == 7:
            other = draw.randrange(len(data) + 1)
            length = draw.choice([4, 16, 64])
            data[at : at + length] = data[other : other + length]
        elif kind == 8:
            data[at:at] = draw.choice(WORDS).encode() * draw.choice([1, 1, 1, 100])
        elif kind == 9 and data:
            # The beginning is where formats say what they are and how large.
            data[draw.randrange(min(64, len(data)))] = draw.choice([0, 0xFF, 0x7F, draw.randrange(256)])
    return bytes(data)


class Case:
    """A parser: a folder of whole files, which of them are changed, and the command that reads them."""

    def __init__(self, name, folder, changed, command):
        self.name, self.folder, self.changed, self.command = name, folder, changed, command


def made(attack, name, files):
    """A folder of files that are made here."""
    folder = attack.folder / "whole" / name
    for file, content in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def check(*path):
    return lambda place: ["data", "check", place.joinpath(*path)]


def cases(attack):
    sources = attack.fixtures / "sources"
    found = []

    def add(name, folder, changed, command=check()):
        found.append(Case(name, folder, changed, command))

    def single(name, path):
        """A file that is a data set of its own."""
        add(name, made(attack, name, {path.name: path.read_bytes()}), path.name, check(path.name))

    single("tar", sources / "packed/dogs.tar")
    picture = (attack.fixtures / "decode/jpeg-420-5x17.jpg").read_bytes()
    for form, number in (("GNU", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        add(f"tar of {form}", made(attack, form, {"pictures.tar": tarred(number, picture)}), "pictures.tar", check("pictures.tar"))
    single("tar.gz", sources / "packed/dogs.tar.gz")
    single("zip", sources / "packed/dogs.zip")
    single("zip, stored", sources / "packed/stored.zip")
    single("parquet", sources / "parquet/plain.parquet")
    add("parquet of datasets", sources / "parquet/dogs", "*.parquet")
    add("parquet beside pictures", sources / "parquet/beside", "*.parquet")
    add("tfrecord", sources / "tfds/tiny_dogs", "*tfrecord*")
    add("json of tfds", sources / "tfds/tiny_dogs", "*.json")
    add("webdataset", sources / "webdataset/dogs", "*")
    add("idx", sources / "idx/mnist", "*ubyte")
    add("idx.gz", sources / "idx/mnist-gz", "*.gz")
    add("cifar-10", sources / "cifar/cifar-10", "*")
    add("cifar-100", sources / "cifar/cifar-100", "*")

    dogs = {path.name: path.read_bytes() for path in (attack.fixtures / "dogs").glob("*.tar")}
    add("stanford-dogs", made(attack, "stanford-dogs", dogs), "*.tar")
    flowers = {path.name: path.read_bytes() for path in (sources / "flowers").glob("*.mat")}
    flowers.update({f"jpg/image_{number:05}.jpg": picture for number in range(1, 20)})
    add("matlab", made(attack, "matlab", flowers), "*.mat", lambda place: ["data", "check", place, "--source", "flowers-102"])

    images = {f"images/{number}.jpg": picture for number in range(8)}
    rows = [(f"images/{number}.jpg", "ab"[number % 2], ("train", "test")[number // 6]) for number in range(8)]
    add("csv", made(attack, "csv", {**images, "list.csv": "path,label,split\n" + "".join(",".join(row) + "\n" for row in rows)}), "list.csv", check("list.csv"))
    add("tsv", made(attack, "tsv", {**images, "list.tsv": "path\tlabel\n" + "".join("\t".join(row[:2]) + "\n" for row in rows)}), "list.tsv", check("list.tsv"))
    lines = "".join(json.dumps({"path": row[0], "label": row[1], "more": [1, {"a": None}]}) + "\n" for row in rows)
    add("json lines", made(attack, "jsonl", {**images, "list.jsonl": lines}), "list.jsonl", check("list.jsonl"))

    def planned(place):
        return ["plan", place / "study.toml", "--no-measure"]

    text = attack.study(recipes=("none", "cutmix"), images=4).read_text()
    photos = {str(path.relative_to(attack.folder)): path.read_bytes() for path in (attack.folder / "photos").rglob("*.png")}
    more = "\n[[recipe]]\nname = \"grid\"\ninherit = \"cutmix\"\ngrid = { alpha = [0.2, 0.4] }\n[[recipe]]\ninherit = \"pytorch-examples\"\ntransforms.random-resized-crop.scale = [0.3, 1.0]\n"
    add("study", made(attack, "study", {**photos, "study.toml": text + more}), "study.toml", planned)
    names = sorted(name.removeprefix("photos/") for name in photos)
    lists = {**photos, "groups.csv": "image,group\n" + "".join(f"{name},{at // 2}\n" for at, name in enumerate(names)), "exclude.txt": f"{names[0]}\n*_copy.png # none\n"}
    lists["study.toml"] = text.replace("[model]", 'groups = "groups.csv"\nexclude = "exclude.txt"\n\n[model]')
    add("lists of groups and exclusions", made(attack, "lists", lists), "[ge]*.*", planned)

    weights = attack.folder / "runs/weights/trials/none/seed-1/weights.safetensors"
    attack.command("run", "study.toml", "--out", "runs/weights", "--quiet", "--set", "train.epochs=1", "--set", "compare.seeds=1", seconds=60)
    whole = weights.read_bytes()
    # The header alone is what a parser has to understand: changes fall into its first bytes.
    predicted = lambda name: lambda place: ["predict", "--weights", place / name, place / "1.jpg", "--image", "32"]
    add("safetensors", made(attack, "safetensors", {"w.safetensors": whole, "1.jpg": picture}), "w.safetensors", predicted("w.safetensors"))
    index = {"metadata": {"total_size": len(whole)}, "weight_map": {name: "w.safetensors" for name in header(whole) if name != "__metadata__"}}
    indexed = {"model.safetensors.index.json": json.dumps(index), "w.safetensors": whole, "1.jpg": picture}
    add("index of safetensors", made(attack, "index", indexed), "model.safetensors.index.json", predicted("model.safetensors.index.json"))
    torch = made(attack, "torch", {"1.jpg": picture})
    with zipfile.ZipFile(torch / "w.pth", "w") as file:
        file.writestr("w/data.pkl", b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01.")
        file.writestr("w/version", b"3\n")
        file.writestr("w/data/0", bytes(64))
    add("zip of PyTorch", torch, "w.pth", predicted("w.pth"))

    compared = lambda *names: lambda place: ["compare", *(place / name for name in names), "--baseline", "none"]
    runs = "recipe,seed,accuracy\n" + "".join(f"{recipe},{seed},{0.5 + seed / 50 + bonus}\n" for recipe, bonus in (("none", 0), ("cutmix", 0.031)) for seed in range(6))
    add("table of runs", made(attack, "runs", {"runs.csv": runs}), "runs.csv", compared("runs.csv"))
    draw = attack.random
    said = [f"{recipe},{seed},{image},{image % 3},{image % 3 if draw.random() < 0.7 else draw.randrange(3)}\n" for recipe in ("none", "cutmix") for seed in range(4) for image in range(12)]
    add("predictions", made(attack, "predictions", {"p.csv": "recipe,seed,image,label,predicted\n" + "".join(said)}), "p.csv", compared("p.csv"))
    logs = {
        f"{recipe}/seed-{seed}/summary.csv": "epoch,train_loss,eval_loss,eval_top1\n" + "".join(f"{epoch},{2 - epoch / 9},{2.1 - epoch / 9},{40 + 3 * epoch + draw.random()}\n" for epoch in range(8))
        for recipe in ("none", "cutmix")
        for seed in (1, 2, 3)
    }
    add("training logs", made(attack, "logs", logs), "summary.csv", compared(*logs))

    attack.command("data", "pack", "photos", "--packs", "whole-packs")
    packs = {path.name: path.read_bytes() for path in (attack.folder / "whole-packs").glob("*.pack")}
    packs = {f"packs/{name}": data for name, data in packs.items()}
    add("pack", made(attack, "pack", packs), "*.pack", lambda place: ["data", "pack", attack.folder / "photos", "--packs", place / "packs"])
    return found


def tarred(form, picture):
    """A tar file of two classes, with names too long for its headers."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for number in range(8):
            member = tarfile.TarInfo(f"class-{number % 2}/{'long-' * 30}é-{number}.jpg")
            member.size = len(picture)
            archive.addfile(member, io.BytesIO(picture))
    return out.getvalue()


def header(safetensors):
    length = struct.unpack("<Q", safetensors[:8])[0]
    return json.loads(safetensors[8 : 8 + length])


def judged(result):
    """What is wrong with how a command ended."""
    wrong = result.misbehaved()
    if not wrong and result.peak > MEMORY:
        wrong = f"took {result.peak >> 20} MiB"
    if not wrong and result.seconds > SECONDS:
        wrong = f"took {result.seconds:.0f} s"
    return wrong


def pictures(attack, number):
    """Many changed pictures in one folder, a class per format: whatever is wrong with one, the others are counted."""
    for form in ("png", "jpg", "gif", "bmp", "tif", "webp"):
        whole = [path.read_bytes() for path in sorted((attack.fixtures / "decode").glob(f"*.{form}"))]
        for begin in range(0, number, 1000):
            place = attack.folder / "pictures"
            for name, kinds in (("whole", 2), ("changed", min(1000, number - begin))):
                (place / name).mkdir(parents=True)
                for at in range(kinds):
                    data = attack.random.choice(whole)
                    (place / name / f"{at:04}.{form}").write_bytes(data if name == "whole" else mutated(data, attack.random))
            result = attack.command("data", "check", place, seconds=SECONDS * 6, memory=None)
            wrong = result.misbehaved() or (f"took {result.peak >> 20} MiB" if result.peak > MEMORY else None)
            kept = place if wrong else None
            attack.check(f"{form}: {min(1000, number - begin)} changed files", wrong, f"exit code {result.code}, {result.seconds:.1f} s, {result.peak >> 20} MiB")
            if kept:
                keep(attack, f"pictures-{form}-{begin}", place)
            shutil.rmtree(place, ignore_errors=True)


def keep(attack, name, place):
    """Puts what broke something where it can be looked at."""
    kept = os.environ.get("ATTACK_ARTIFACTS")
    if kept:
        shutil.copytree(place, os.path.join(kept, name.replace(" ", "-")), symlinks=True, dirs_exist_ok=True)


def attacked(attack, case, number):
    """One kind of file, changed so many times: a process for each."""
    seeds = [attack.random.randrange(1 << 48) for _ in range(number)]
    worst = {"seconds": 0.0, "peak": 0, "codes": {}}
    failures = []

    def one(seed):
        draw = random.Random(seed)
        place = attack.folder / "changed" / f"{case.name.replace(' ', '-')}-{seed}"
        shutil.copytree(case.folder, place)
        files = sorted(path for path in place.rglob(case.changed) if path.is_file() and path.stat().st_size)
        file = draw.choice(files)
        data = file.read_bytes()
        if case.name == "safetensors" and draw.random() < 0.8:
            cut = 8 + struct.unpack("<Q", data[:8])[0]
            data = mutated(data[:cut], draw) + data[cut:]
        else:
            data = mutated(data, draw)
        file.write_bytes(data)
        result = attack.command(*case.command(place), seconds=SECONDS)
        wrong = judged(result)
        if wrong:
            keep(attack, f"{case.name}-{seed}", place)
        shutil.rmtree(place)
        return wrong and f"{wrong} (file {file.name}, change {seed}): {result.line()}", result

    with ThreadPoolExecutor(2) as workers:
        for wrong, result in workers.map(one, seeds):
            failures += [wrong] if wrong else []
            worst["seconds"] = max(worst["seconds"], result.seconds)
            worst["peak"] = max(worst["peak"], result.peak)
            worst["codes"][result.code] = worst["codes"].get(result.code, 0) + 1
    codes = ", ".join(f"{count} × {code}" for code, count in sorted(worst["codes"].items()))
    told = f"exit codes {codes}; at most {worst['seconds']:.1f} s, {worst['peak'] >> 20} MiB"
    attack.check(f"{case.name}: {number} changed files", f"{len(failures)}: {failures[0]}" if failures else None, told)


def run(attack):
    pictures(attack, 20_000 if attack.long else 300)
    for case in cases(attack):
        whole = attack.folder / "changed" / "whole"
        shutil.copytree(case.folder, whole)
        result = attack.command(*case.command(whole), seconds=60)
        # What is refused before it is changed tests nothing, except where the format itself is refused.
        if result.code != 0 and case.name != "zip of PyTorch":
            attack.check(f"{case.name}: whole", f"exit code {result.code}: {result.line()}")
        shutil.rmtree(whole)
        attacked(attack, case, 10_000 if attack.long else 300)
