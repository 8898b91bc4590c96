"""What all parts of the attack share: a folder to work in, a small study with pictures of its own, commands under limits, and results to compare."""

import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import zlib
from pathlib import Path

# The exit codes that `bakeoff help` documents: done, failed, wrong usage, some trials failed, interrupted.
DOCUMENTED = {0, 1, 2, 3, 75}
# What a command that met bad input may write at most.
MOST_WORDS = 64 * 1024
# What a trial's files hold that is measured, or follows from what is measured: it differs from run to run.
MEASURED = re.compile(r"(^|_)(seconds|waiting|images_per_second|metrics_sha256|started|equal_time)(_|$)|^(sha256|check)$")

STUDY = """\
name = "attacked"

[data]
path = "photos"
validation = {{ fraction = 0.2 }}
pack = "{pack}"

[model]
name = "resnet-tiny"

[train]
epochs = {epochs}
batch = 8
image = 16
optimizer = {{ name = "sgd", lr = 0.01, momentum = 0.9 }}

[compare]
seeds = {seeds}
baseline = "none"
headline = "{headline}"
"""


class Result:
    """How a command ended."""

    def __init__(self, code, out, err, seconds, peak, hung):
        self.code, self.out, self.err, self.seconds, self.peak, self.hung = code, out, err, seconds, peak, hung

    def misbehaved(self):
        """What no input may lead to; None where nothing of it happened."""
        if self.hung:
            return f"did not end within {self.seconds:.0f} s"
        if self.code not in DOCUMENTED:
            return f"exit code {self.code}" + (" (a signal)" if self.code < 0 else "")
        if "panicked" in self.err or "panicked" in self.out or "inside Bakeoff" in self.err:
            return "panicked"
        if len(self.err) > MOST_WORDS:
            return f"{len(self.err)} bytes of messages"
        if self.code != 0 and not (self.err + self.out).strip():
            return "failed without a word"
        return None

    def line(self):
        """The line that tells what was wrong."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("error", "warning"))] or lines
        return "".join(letter if letter.isprintable() else "?" for letter in told[0][:160]) if told else ""


class Attack:
    """One part of the attack while it runs."""

    def __init__(self, part, arguments):
        self.part, self.binary, self.long = part, str(Path(arguments.binary).resolve()), arguments.long
        self.random = random.Random(f"{arguments.seed} {part}")
        self.keep, self.seed = arguments.keep, arguments.seed
        self.fixtures = Path(__file__).resolve().parents[2] / "crates/data/tests/fixtures"
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self.checks = self.failures = 0

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix=f"bakeoff-attack-{self.part}-", dir=roomy()))
        return self

    def __exit__(self, *_):
        if self.keep:
            print(f"{self.part}: left in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check(self, what, wrong, told=""):
        """One check: its line, and what is wrong with it, if anything."""
        self.checks += 1
        self.failures += bool(wrong)
        print(f"{self.part}: {'FAILED' if wrong else 'ok'}: {what}" + (f": {wrong}" if wrong else f"{' — ' if told else ''}{told}"), flush=True)
        return not wrong

    def command(self, *arguments, cwd=None, seconds=20, memory=None, preexec=None, environment=None):
        """Runs the program to its end, or to the end of its time. `memory` is the most address space it may have, in bytes."""

        def limits():
            if memory:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            if preexec:
                preexec()

        begin = time.monotonic()
        process = subprocess.Popen(
            [self.binary, *map(str, arguments)],
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=limits if memory or preexec else None,
            env={**os.environ, "NO_COLOR": "1", "RUST_BACKTRACE": "0", **(environment or {})},
        )
        return finish(process, begin, seconds)

    def start(self, *arguments, cwd=None, environment=None, memory=4 << 30):
        """Starts the program and returns at once; what it says goes into a file beside it."""
        log = open(self.folder / "started.log", "ab")
        return subprocess.Popen(
            [self.binary, *map(str, arguments)],
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
            env={**os.environ, "NO_COLOR": "1", "RUST_BACKTRACE": "0", **(environment or {})},
        )

    def study(self, epochs=3, seeds=2, recipes=("none", "puzzlemix"), headline="last", pack="auto", classes=2, images=24):
        """Writes study.toml and its pictures, where they are not there yet."""
        text = STUDY.format(epochs=epochs, seeds=seeds, headline=headline, pack=pack)
        for recipe in recipes:
            text += f'\n[[recipe]]\nname = "{recipe}"\n' + ("" if recipe == "none" else f'mix = {{ kind = "{recipe}" }}\n')
        (self.folder / "study.toml").write_text(text)
        if not (self.folder / "photos").exists():
            photos(self.folder / "photos", classes, images)
        return self.folder / "study.toml"


def roomy():
    """Where folders of the attack are made: in memory where there is room, since every file of a run waits for the disk."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not memory.is_dir() or shutil.disk_usage(memory).free < 2 << 30:
        return None
    return memory


def finish(process, begin, seconds):
    """Reads what a process says until it ends, and how much memory it took at most."""
    hung = threading.Event()

    def end():
        hung.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    texts = {}

    def read(name, stream):
        # No more is kept than a check looks at, but everything is taken.
        kept = stream.read(4 << 20)
        while stream.read(1 << 20):
            pass
        texts[name] = kept.decode("utf-8", "replace")

    readers = [threading.Thread(target=read, args=pair) for pair in (("out", process.stdout), ("err", process.stderr))]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    return Result(process.returncode, texts["out"], texts["err"], time.monotonic() - begin, usage.ru_maxrss * 1024, hung.is_set())


def png(width, height, pixels):
    """An RGB picture."""
    rows = b"".join(b"\0" + pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def photos(folder, classes=2, images=24, side=20):
    """Pictures of classes that differ in colour, hard enough that a network is wrong about some. Always the same ones."""
    draw = random.Random("photos")
    for split in ("train", "test"):
        for number in range(classes):
            place = folder / split / f"class-{number}"
            place.mkdir(parents=True)
            for image in range(images):
                base = [110 + 25 * ((number >> channel) & 1) for channel in range(3)]
                pixels = bytes(max(0, min(255, base[at % 3] + draw.randrange(-90, 91))) for at in range(side * side * 3))
                (place / f"{image:03}.png").write_bytes(png(side, side, pixels))


def without_measured(value):
    """A JSON value without what is measured."""
    if isinstance(value, dict):
        return {key: without_measured(inner) for key, inner in value.items() if not MEASURED.search(key)}
    if isinstance(value, list):
        return [without_measured(inner) for inner in value]
    return value


# What of a run's folder has to come out the same, to the bit or without what is measured.
EXACT = ["weights.safetensors", "predictions.parquet", "robustness.json", "maps.json"]
JSON = ["trial.json"]
LINES = ["metrics.jsonl"]


def bits(run):
    """Everything of a run that must come out the same, by the names of its files."""
    found = {}
    for path in sorted(run.glob("trials/*/*/*")):
        if not path.is_file() or path.name not in EXACT + JSON + LINES:
            continue
        data = path.read_bytes()
        try:
            if path.name in JSON:
                data = without_measured(json.loads(data))
            elif path.name in LINES:
                data = [without_measured(json.loads(line)) for line in data.splitlines()]
        except ValueError:
            # Damaged: no two of these are the same.
            pass
        found[str(path.relative_to(run))] = data
    for path in [run / "data.json", run / "study.json", *sorted(run.glob("splits/*.json"))]:
        if path.is_file():
            found[str(path.relative_to(run))] = path.read_bytes()
    return found


def differing(left, right):
    """Names of files that are not the same in two runs."""
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def whole(path):
    """What is wrong with a file under its final name; None where it is whole. Judged without the program's help."""
    name = path.name
    try:
        data = path.read_bytes()
    except OSError as error:
        return str(error)
    if name.endswith(".json"):
        try:
            json.loads(data)
        except ValueError as error:
            return f"no JSON: {error}"
    elif name.endswith(".jsonl"):
        # The last line may be cut off: it is not counted.
        for line in data.decode("utf-8", "replace").split("\n")[:-1]:
            try:
                json.loads(line)
            except ValueError as error:
                return f"a line that is no JSON: {error}"
    elif name.endswith(".safetensors"):
        if len(data) < 8:
            return "shorter than its header"
        length = struct.unpack("<Q", data[:8])[0]
        if length > len(data):
            return "its header goes beyond its end"
        try:
            header = json.loads(data[8 : 8 + length])
        except ValueError:
            return "its header is no JSON"
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        if len(data) != 8 + length + max(ends, default=0):
            return "its length is not what its header says"
    elif name.endswith(".parquet"):
        if data[:4] != b"PAR1" or data[-4:] != b"PAR1":
            return "no whole Parquet file"
    elif name.endswith(".png"):
        if data[:8] != b"\x89PNG\r\n\x1a\n" or data[-8:-4] != b"IEND":
            return "no whole PNG file"
    elif name.endswith(".svg"):
        if not data.rstrip().endswith(b"</svg>"):
            return "no whole SVG file"
    elif name.endswith(".html"):
        if not data.rstrip().endswith(b"</html>"):
            return "no whole page"
    elif name.endswith((".csv", ".md", ".tex", ".bib", ".toml")) and not data.endswith(b"\n"):
        return "ends within a line"
    return None


def half_written(folder):
    """Files under a final name that are not whole."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and ".partial" not in path.name and path.name not in ("lock", "log.txt"):
            wrong = whole(path)
            if wrong:
                return f"{path.relative_to(folder)}: {wrong}"
    return None
