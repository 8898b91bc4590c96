"""Damages every file of a run folder in every way, and lets every command that reads it loose on it.

Attacked: each file of a finished run (with `analyse` done) and of an interrupted one (a checkpoint, kept weights, a pack): single bits
and digits changed, cut, emptied, swapped with another trial's, replaced by other JSON, deleted, made a folder, a link to /dev/zero, a
pipe that nobody writes to, and one that may not be read.

Bound: every command ends with a documented exit code within 20 s, below 1 GiB of address space more than it takes otherwise, without a
panic. And nothing is believed: a damage is *told* (the file is named in an error or a warning), or the file is *made again* by `run` with
the bits of before, or it did not *matter* (summary, tables and page are what they were). FATES says for each file which of these.

Time: about 60 s (some damages of each file, drawn by the seed); --long: about 20 minutes (all of them).
"""

import json
import os
import shutil
import signal
import socket
import time
import urllib.request
from pathlib import Path

from common import bits, differing, without_measured

MEMORY = 4 << 30

# What may become of a damaged file: under `report`, and under `run` (then `report`). Decision 16 says which checksum finds it.
#   told    its name stands in an error or a warning
#   again   `run` made it again, with the bits of before
#   same    neither, but every number, table and word of the report is what it was
#   shown   as same, but the page shows the file itself: the study's text, a picture, the machine
FATES = {
    "plan.json": ("told", "again told"),
    "study.json": ("told same", "again told"),
    "study.toml": ("same shown", "again told"),
    "data.json": ("told", "again told"),
    "environment.json": ("told same shown", "again told same"),
    "state.json": ("same", "again same told"),
    "splits/test.json": ("told same", "again told"),
    "splits/seed-1.json": ("told same", "again told"),
    "preview/none/preview.json": ("told same shown", "again told"),
    "preview/puzzlemix/0-augmented.png": ("told same shown", "again told same"),
    "trials/none/seed-1/trial.json": ("told", "again told"),
    "trials/none/seed-1/metrics.jsonl": ("told", "again told"),
    # `report` and `run` of a finished trial do not read it; `analyse` and `predict` do, and tell.
    "trials/none/seed-1/weights.safetensors": ("same", "same"),
    "trials/none/seed-1/predictions.parquet": ("told", "again told"),
    "trials/none/seed-1/robustness.json": ("told", "told"),
    "trials/none/seed-1/maps.json": ("told", "told"),
    "log.txt": ("same", "again same"),
    "lock": ("same", "told again same"),
}
# Refusals that name the folder, and what in it does not belong together.
REFUSALS = ["holds other files and no run", "holds no plan.json", "run with other settings", "would be split in another way", "are not those that the trials"]
# Of a run that was interrupted: `run` goes on, and every result has the bits of a run that was not.
UNFINISHED = ["checkpoint.safetensors", "metrics.jsonl", "weights-epoch", "trial.json", "pack", "plan.json", "data.json", "splits/test.json", "study.json"]


def flip(at):
    def damage(data, draw):
        place = min(len(data) - 1, int(at * len(data)))
        return data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :]

    return damage


def random_flip(data, draw):
    return flip(draw.random())(data, draw)


def digit(data, draw):
    """Another digit in a number: what no parser can notice."""
    places = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return random_flip(data, draw)
    place = draw.choice(places)
    other = (data[place] - 48 + draw.randrange(1, 9)) % 10 + 48
    return data[:place] + bytes([other]) + data[place + 1 :]


def letter(data, draw):
    """Another letter in a word."""
    places = [at for at, byte in enumerate(data) if 97 <= byte <= 122]
    if not places:
        return random_flip(data, draw)
    place = draw.choice(places)
    return data[:place] + bytes([(data[place] - 97 + draw.randrange(1, 25)) % 26 + 97]) + data[place + 1 :]


# What is done to the bytes of a file.
BYTES = {
    "first bit": flip(0.0),
    "bit at 10 %": flip(0.1),
    "bit in the middle": flip(0.5),
    "bit at 90 %": flip(0.9),
    "last bit": flip(1.0),
    "a bit somewhere": random_flip,
    "another bit somewhere": random_flip,
    "digit": digit,
    "another digit": digit,
    "letter": letter,
    "cut in half": lambda data, draw: data[: len(data) // 2],
    "cut by a byte": lambda data, draw: data[:-1],
    "cut somewhere": lambda data, draw: data[: draw.randrange(len(data))],
    "emptied": lambda data, draw: b"",
    "zeros": lambda data, draw: bytes(len(data)),
    "null": lambda data, draw: b"null\n",
    "empty object": lambda data, draw: b"{}\n",
    "deep": lambda data, draw: b"[" * 100_000,
    "written twice": lambda data, draw: data + data,
}
# What is put in the place of a file.
PLACE = ["swapped", "deleted", "folder", "zeros without end", "pipe"]


def other_of(path):
    """A file of the same kind: another trial's, seed's or recipe's; None where there is none."""
    name = str(path)
    for here, there in (("seed-1", "seed-2"), ("/none/", "/puzzlemix/"), ("/puzzlemix/", "/none/"), ("test.json", "seed-1.json")):
        other = Path(name.replace(here, there))
        if here in name and other.exists():
            return other
    return None


def damage(path, how, draw):
    """Does it; False where it cannot be done to this file, or would change nothing."""
    data = path.read_bytes()
    if how in BYTES:
        if not data:
            return False
        changed = BYTES[how](data, draw)
        path.write_bytes(changed)
        return changed != data
    if how == "swapped":
        other = other_of(path)
        if other is None or other.read_bytes() == data:
            return False
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
        return True
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how == "zeros without end":
        path.symlink_to("/dev/zero")
    elif how == "pipe":
        os.mkfifo(path)
    return True


def clear(path):
    """Removes what was put in a file's place, so that its folder can be compared or copied."""
    if path.is_symlink() or path.exists():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif not path.is_file() or path.is_symlink():
            path.unlink()


def report_of(out):
    """Numbers, tables and words of a report."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("tables/*"))}
    for name in ("summary.json", "report.html", "classes.csv", "flips.csv", "trials.csv"):
        found[name] = (out / name).read_bytes()
    return found


# The page, and the version that is cited: they show what has no number in it, too.
WORDS = {"report.html", "tables/references.bib"}


def numbers_of(out):
    """What of a report does not depend on how long anything took."""
    return without_measured(json.loads((out / "summary.json").read_text()))


class Folders:
    """The folders that are attacked, and what they hold while they are whole."""

    def __init__(self, attack):
        self.attack = attack
        attack.study(epochs=4, seeds=3, headline="best-on-validation", pack="on")
        attack.command("run", "study.toml", "--out", "runs/whole", "--quiet", seconds=20)
        result = attack.command("analyse", "runs/whole", "--images", "8", "--maps", "2", "--seeds", "1", seconds=20)
        attack.check("a run to be damaged", None if result.code == 0 else result.err)
        self.run = attack.folder / "runs" / "whole"
        self.bits = bits(self.run)
        attack.command("report", self.run, "--out", "whole-report", "--json")
        self.report = report_of(attack.folder / "whole-report")
        self.numbers = numbers_of(attack.folder / "whole-report")
        # Another data set for `compare`, and what it and `predict` say of the whole run.
        attack.command("run", "study.toml", "--out", "runs/beside", "--quiet", "--set", "compare.seeds=[4, 5, 6]", seconds=20)
        self.picture = next((attack.folder / "photos/test").rglob("*.png"))
        self.predicted = self.predict(self.run)
        self.compared = self.compare(self.copy())

    def predict(self, run):
        return self.attack.command("predict", "--weights", run / "trials/none/seed-1", self.picture, "--json", memory=MEMORY)

    def compare(self, run):
        return self.attack.command("compare", run, self.attack.folder / "runs/beside", "--json", memory=MEMORY)

    def copy(self, of=None):
        place = self.attack.folder / "runs" / "damaged"
        shutil.rmtree(place, ignore_errors=True)
        # What `report` makes anew only costs time to copy.
        shutil.copytree(of or self.run, place, symlinks=True, ignore=shutil.ignore_patterns("figures", "tables", "report.html"))
        return place


def told(result, name):
    """Whether a file, or the trial it is of, is named in an error or a warning."""
    parts = name.split("/")
    # The study's own file is named where its seeds are warned of.
    words = "\n".join(line for line in (result.err + result.out).splitlines() if "compare.seeds" not in line)
    if result.code != 0 and any(refusal in words for refusal in REFUSALS):
        return True
    return parts[-1] in words or (parts[0] == "trials" and f"{parts[1]} seed {parts[2][5:]}" in result.err)


def under_report(folders, run, name, wrong):
    """What became of a damage under `report`."""
    out = folders.attack.folder / "damaged-report"
    shutil.rmtree(out, ignore_errors=True)
    result = folders.attack.command("report", run, "--out", out, "--json", memory=MEMORY)
    if result.misbehaved():
        wrong.append(f"report {result.misbehaved()}: {result.line()}")
    if told(result, name):
        return "told", result
    if result.code != 0:
        wrong.append(f"report fails without naming it: {result.line()}")
        return "failed", result
    found = report_of(out)
    differ = differing(folders.report, found)
    if set(differ) - WORDS:
        wrong.append(f"report believes it: {', '.join(differ[:3])} differ")
        return "believed", result
    return "shown" if differ else "same", result


def under_run(folders, run, name, wrong):
    """What became of a damage under `run`, and a report after it."""
    attack = folders.attack
    result = attack.command("run", "study.toml", "--out", run, "--quiet", "--json", memory=MEMORY, seconds=20)
    if result.misbehaved():
        wrong.append(f"run {result.misbehaved()}: {result.line()}")
    if result.code not in (0, 3):
        if not told(result, name):
            wrong.append(f"run fails without naming it: {result.line()}")
        return "told", result
    clear(run / name)
    again = differing(folders.bits, bits(run))
    if not again:
        fate = "again"
    elif told(result, name):
        fate = "told"
    else:
        fate = "same"
    out = attack.folder / "damaged-report"
    shutil.rmtree(out, ignore_errors=True)
    after = attack.command("report", run, "--out", out, "--json", memory=MEMORY)
    if after.misbehaved():
        wrong.append(f"report after run {after.misbehaved()}")
    elif after.code != 0 and not told(after, name):
        wrong.append(f"report after run fails without naming it: {after.line()}")
    elif after.code == 0 and numbers_of(out) != folders.numbers and not (told(after, name) or told(result, name)):
        wrong.append("run leaves it as it is, and the numbers are others")
    return fate, result


def others(folders, run, name, wrong):
    """`predict` and `compare`: told, or the same answer."""
    for what, ask, whole in (("predict", folders.predict, folders.predicted), ("compare", folders.compare, folders.compared)):
        if what == "predict" and not name.startswith("trials/none/seed-1/"):
            continue
        if what == "compare" and name.startswith("preview"):
            continue
        result = ask(run)
        if result.misbehaved():
            wrong.append(f"{what} {result.misbehaved()}: {result.line()}")
        elif result.code == 0 and result.out != whole.out and not told(result, name):
            wrong.append(f"{what} believes it")
        elif result.code != 0 and not told(result, name) and str(run) not in result.err:
            # Who refuses and names the folder has believed nothing; `report` names the file.
            wrong.append(f"{what} fails without naming it: {result.line()}")


def analysed(folders, run, name, wrong):
    """`analyse`: told, made again, or the same."""
    result = folders.attack.command("analyse", run, "--images", "8", "--maps", "2", "--seeds", "1", memory=MEMORY, seconds=20)
    if result.misbehaved():
        wrong.append(f"analyse {result.misbehaved()}: {result.line()}")
    elif result.code != 0 and not told(result, name):
        wrong.append(f"analyse fails without naming it: {result.line()}")
    elif result.code == 0 and not told(result, name):
        for kind in ("robustness.json", "maps.json"):
            path = run / "trials/none/seed-1" / kind
            before = folders.bits[f"trials/none/seed-1/{kind}"]
            if path.is_file() and not path.is_symlink() and path.read_bytes() != before:
                wrong.append(f"analyse leaves a {kind} of other numbers without a word")


def watched(folders, run, name, wrong):
    """`watch --serve`: a page or an error, no hang, and it ends when it is asked to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = folders.attack.start("watch", run, f"--serve={port}")
    answered = None
    for _ in range(40):
        time.sleep(0.05)
        if process.poll() is not None:
            break
        try:
            answered = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20).status
            break
        except urllib.error.HTTPError as error:
            answered = error.code
            break
        except OSError:
            continue
    process.send_signal(signal.SIGINT)
    try:
        code = process.wait(10)
    except Exception:
        process.kill()
        process.wait()
        wrong.append("watch does not end when it is asked to")
        return
    if code not in (0, 1, 75, 130):
        wrong.append(f"watch ends with exit code {code}")
    if answered is None and code == 0:
        wrong.append("watch showed nothing")


def finished(attack, folders):
    """Every file of a finished run."""
    ways = [*BYTES, *PLACE]
    for name, fates in FATES.items():
        here = [how for how in ways if not (name in ("log.txt", "lock") and how in BYTES)]
        if not attack.long:
            # What no parser can notice is always among them: another digit, and a file that is gone.
            always = [how for how in here if how in ("digit", "deleted")]
            here = always + attack.random.sample([how for how in here if how not in always], 1)
        for how in here:
            one(attack, folders, name, how, fates)


def one(attack, folders, name, how, fates):
    wrong = []
    run = folders.copy()
    if not damage(run / name, how, attack.random):
        return
    of_report, reported = under_report(folders, run, name, wrong)
    if attack.long or how == "digit" or attack.random.random() < 0.3:
        others(folders, run, name, wrong)
    if attack.long or attack.random.random() < 0.1:
        watched(folders, run, name, wrong)
    kept = attack.folder / "runs" / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    run.rename(kept)
    run = folders.copy(kept) if how not in ("pipe", "zeros without end") else kept
    if attack.long or how == "digit" and name.split("/")[-1] in ("weights.safetensors", "robustness.json", "maps.json", "trial.json"):
        analysed(folders, run, name, wrong)
    run = folders.copy(kept) if how not in ("pipe", "zeros without end") else kept
    of_run, ran = under_run(folders, run, name, wrong)
    for command, fate, allowed in (("report", of_report, fates[0]), ("run", of_run, fates[1])):
        if fate in ("told", "again", "same", "shown") and fate not in allowed.split():
            wrong.append(f"{command}: {fate}, where only {allowed} will do")
    attack.check(f"{name}, {how}", "; ".join(wrong), f"report: {of_report}; run: {of_run}")


def interrupted(attack, folders):
    """A run folder whose first trials are finished and whose next one has a checkpoint."""
    place = attack.folder / "runs" / "half"
    for _ in range(40):
        shutil.rmtree(place, ignore_errors=True)
        process = attack.start("run", "study.toml", "--out", place, "--quiet", "--jobs", "1", "--threads", "1")
        time.sleep(0.15 + 0.6 * attack.random.random())
        process.send_signal(signal.SIGINT)
        process.wait(30)
        checkpoints = list(place.glob("trials/*/*/checkpoint.safetensors"))
        if checkpoints and (checkpoints[0].parent / "metrics.jsonl").exists() and list(checkpoints[0].parent.glob("weights-epoch-*")):
            return place, checkpoints[0].parent
    return None, None


def unfinished(attack, folders):
    place, trial = interrupted(attack, folders)
    if not attack.check("an interrupted run to be damaged", None if place else "no run could be stopped within a trial"):
        return
    ways = [*BYTES, *PLACE]
    for name in UNFINISHED:
        if name == "pack":
            files = sorted((attack.folder / "runs" / "packs").glob("*"))
        elif "/" in name or (place / name).exists():
            files = [place / name]
        else:
            files = sorted(trial.glob(name + "*"))
        for how in ways if attack.long else attack.random.sample(ways, 3):
            for file in files[:1]:
                goes_on(attack, folders, place, file, how)


def goes_on(attack, folders, place, file, how):
    """Damages a file of an interrupted run, and goes on: the bits of a run that was left alone, or the file is named."""
    run = folders.copy(place)
    inside = place in file.parents
    victim = run / file.relative_to(place) if inside else file
    whole = file.read_bytes()
    name = str(file.relative_to(place)) if inside else f"packs/{file.name}"
    if not damage(victim, how, attack.random):
        return
    wrong = []
    result = attack.command("run", "study.toml", "--out", run, "--quiet", "--json", memory=MEMORY, seconds=20)
    if result.misbehaved():
        wrong.append(f"{result.misbehaved()}: {result.line()}")
    elif result.code == 0:
        clear(victim)
        found = bits(run)
        expected = {name: value for name, value in folders.bits.items() if not name.endswith(("robustness.json", "maps.json"))}
        differ = differing(expected, found)
        if differ:
            wrong.append(f"goes on to other bits: {', '.join(differ[:3])}")
    elif not told(result, name):
        wrong.append(f"fails without naming it: {result.line()}")
    if not inside:
        clear(file)
        file.write_bytes(whole)
    attack.check(f"unfinished: {name}, {how}", "; ".join(wrong), "goes on to the same bits" if result.code == 0 else result.line())


def run(attack):
    folders = Folders(attack)
    unfinished(attack, folders)
    finished(attack, folders)
