"""Fills the disk under every command that writes.

Attacked: `data pack`, `run`, `analyse`, `report`, `compare --out`, `data check --html`, `preview --out` in file systems of memory that hold
some of what they write: of many sizes, and of many numbers of files, between nothing and everything; temporary files where there is no room
for them; and a standard output that takes nothing (/dev/full).

Bound: the command fails with a documented exit code and says that the disk is full; what stands under a final name is whole; once there
is room, the same command goes on to the bits of a run that always had room, and what was finished before was not made again.

It needs to mount: in a name space of its own where the system allows that, else as root; where neither is possible it says so and does
nothing. Time: about 50 s (8 sizes, 4 numbers of files); --long: about 6 minutes (80 and 50).
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from common import bits, differing, half_written

INSIDE = "ATTACK_INSIDE"
FULL = ("disk is full", "no space left", "No space left")


def steps(place):
    """Every command that writes, in the order in which a person would use them."""
    run = place / "runs/full"
    return [
        ["data", "pack", "photos", "--packs", place / "packs"],
        ["data", "check", "photos", "--html", place / "check.html"],
        ["preview", "study.toml", "--out", place / "preview"],
        ["run", "study.toml", "--out", run, "--quiet"],
        ["analyse", run, "--images", "8", "--maps", "2", "--seeds", "1"],
        ["report", run, "--out", place / "report"],
        ["compare", "runs.csv", "--baseline", "none", "--out", place / "compare"],
    ]


def mount(place, options, again=False):
    options = f"{'remount,' if again else ''}{options}"
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], stderr=subprocess.DEVNULL).returncode == 0


def used(place):
    """Bytes and files that stand in a folder, as the file system counts them."""
    system = os.statvfs(place)
    return (system.f_blocks - system.f_bfree) * system.f_frsize, system.f_files - system.f_ffree


def finished(run):
    """Trials that are done, as they were recorded."""
    records = {path: path.read_bytes() for path in run.glob("trials/*/*/trial.json")}
    return {path: text for path, text in records.items() if json.loads(text).get("status") == "finished"}


def attacked(attack, what, options, expected):
    """All commands where there is too little room, and again where there is enough."""
    place = attack.folder / "small"
    place.mkdir(exist_ok=True)
    if not mount(place, options):
        return attack.check(what, "cannot mount")
    failed, told = [], set()
    try:
        for step in steps(place):
            result = attack.command(*step, seconds=60)
            wrong = result.misbehaved()
            if not wrong and result.code != 0:
                failed.append(step[0] if step[0] != "data" else step[1])
                depends = step[0] in ("analyse", "report") and "run" in failed
                if not any(word in result.err for word in FULL) and not depends:
                    wrong = f"exit code {result.code} without a word about the disk: {result.line()}"
            half = half_written(place)
            if half and half not in told:
                told.add(half)
                wrong = wrong or half
            if wrong:
                attack.check(f"{what}: {' '.join(map(str, step[:2]))}", wrong)
        before = finished(place / "runs/full")
        mount(place, "size=1g,nr_inodes=100000", again=True)
        for step in steps(place):
            result = attack.command(*step, seconds=60)
            if result.misbehaved() or result.code != 0:
                attack.check(f"{what}, with room again: {' '.join(map(str, step[:2]))}", result.misbehaved() or f"exit code {result.code}: {result.line()}")
        differ = differing(expected, bits(place / "runs/full"))
        lost = [path for path, text in before.items() if path.read_bytes() != text]
        left = [path.name for path in place.rglob("*") if ".partial" in path.name or path.name.startswith(("checkpoint", "weights-epoch"))]
        wrong = (differ and f"goes on to other bits: {', '.join(differ[:3])}") or (lost and f"made again: {lost[0]}") or (left and f"left over: {left[0]}")
        attack.check(what, wrong, f"full for {', '.join(failed) or 'nothing'}; {len(before)} trials kept")
    finally:
        subprocess.run(["umount", "-l", str(place)])


def temporary(attack):
    """A compressed archive that is inflated where there is no room for it."""
    place = attack.folder / "small"
    place.mkdir(exist_ok=True)
    archive = attack.folder / "photos.tar"
    with tarfile.open(archive, "w") as out:
        out.add(attack.folder / "photos", "photos")
    packed = attack.folder / "photos.tar.gz"
    packed.write_bytes(gzip.compress(archive.read_bytes()))
    if not mount(place, "size=8k"):
        return attack.check("temporary files", "cannot mount")
    try:
        result = attack.command("data", "check", packed, environment={"TMPDIR": str(place)})
        told = any(word in result.err for word in FULL)
        attack.check("temporary files without room", result.misbehaved() or (None if result.code and told else f"exit code {result.code}: {result.line()}"), result.line())
    finally:
        subprocess.run(["umount", "-l", str(place)])


def output(attack, run):
    """A standard output that takes nothing."""
    picture = next((attack.folder / "photos/test").rglob("*.png"))
    for command in (["report", run], ["report", run, "--json"], ["analyse", run, "--images", "8", "--maps", "2", "--seeds", "1"], ["plan", "study.toml", "--no-measure"], ["plan", "study.toml", "--no-measure", "--json"],
                    ["data", "check", "photos"], ["data", "check", "photos", "--json"], ["predict", "--weights", run / "trials/none/seed-1", picture], ["predict", "--weights", run / "trials/none/seed-1", picture, "--json"],
                    ["compare", "runs.csv", "--baseline", "none"], ["recipes"], ["recipes", "show", "cutmix"], ["models"], ["schema"], ["help"]):
        full = os.open("/dev/full", os.O_WRONLY)
        result = attack.command(*command, preexec=lambda: os.dup2(full, 1))
        os.close(full)
        attack.check(f"{' '.join(map(str, command[:2]))} into /dev/full", result.misbehaved() or (None if result.code else "exit code 0, and nothing was written"), result.line())


def inside(attack):
    attack.study(epochs=2, seeds=2, recipes=("none", "puzzlemix"), headline="best-on-validation", pack="on")
    runs = "".join(f"{recipe},{seed},{0.5 + seed / 50 + bonus}\n" for recipe, bonus in (("none", 0), ("cutmix", 0.031)) for seed in range(6))
    (attack.folder / "runs.csv").write_text("recipe,seed,accuracy\n" + runs)
    room = attack.folder / "room"
    room.mkdir()
    if not mount(room, "size=1g"):
        print("disk: skipped: no file system can be mounted here")
        return
    for step in steps(room):
        result = attack.command(*step, seconds=60)
        if result.code != 0:
            attack.check(f"with room: {step[0]}", result.line())
    size, files = used(room)
    expected = bits(room / "runs/full")
    output(attack, room / "runs/full")
    temporary(attack)
    for number in range(80 if attack.long else 8):
        # Small ones are as telling as large ones: half of the sizes are drawn on a logarithmic scale.
        share = attack.random.random()
        bytes_ = int(size * share) if number % 2 else int(4096 * (size / 4096) ** share)
        pages = max(2, bytes_ // 4096)
        attacked(attack, f"{pages * 4} of {size >> 10} KiB", f"size={pages * 4}k", expected)
    for number in range(50 if attack.long else 4):
        inodes = attack.random.randrange(2, files + 1)
        attacked(attack, f"{inodes} of {files} files", f"size=1g,nr_inodes={inodes}", expected)
    subprocess.run(["umount", "-l", str(room)])


def run(attack):
    if INSIDE in os.environ:
        return inside(attack)
    here = [sys.executable, "-B", str(Path(__file__).with_name("main.py")), attack.binary, "--seed", str(attack.seed), "disk"]
    here += ["--long"] if attack.long else []
    space = ["unshare", "-rm", "--"]
    if not shutil.which("unshare") or subprocess.run([*space, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        if os.geteuid() != 0:
            print("disk: skipped: neither a name space of our own nor root")
            return None
        space = []
    child = subprocess.Popen([*space, *here], stdout=subprocess.PIPE, text=True, env={**os.environ, INSIDE: "1"})
    for line in child.stdout:
        if line.startswith(("disk: ok", "disk: FAILED", "disk: skipped")):
            print(line, end="", flush=True)
            attack.checks += 1
            attack.failures += line.startswith("disk: FAILED")
    if child.wait() not in (0, 1):
        attack.check("the attack itself", f"ended with {child.returncode}")
    return None
