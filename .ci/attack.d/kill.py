"""Ends the program at random moments, and goes on.

Attacked: packing, training (with mixers that ask the network for guidance, and one inside the network), testing, analysing and reporting,
each under SIGKILL, and some under SIGINT, SIGTERM, or SIGSTOP and SIGCONT.

Bound: at no moment does a file that is not whole stand under its final name; after an interruption that the program notices its exit code
is 75; the same command goes on, and at the end every result has the bits of a run that nobody disturbed, and nothing is left over.

Time: about 60 s (25 moments); --long: about 6 minutes (200 moments).
"""

import json
import shutil
import signal
import subprocess
import time

from common import bits, differing, half_written, photos, without_measured

RECIPES = ("none", "puzzlemix", "snapmix", "manifold-mixup")
# How often, in parts.
SIGNALS = [signal.SIGKILL] * 7 + [signal.SIGINT, signal.SIGTERM, signal.SIGSTOP]


def steps(place):
    """The whole job, command by command."""
    return [
        ["data", "pack", "many", "--packs", place / "packs"],
        ["run", "study.toml", "--out", place / "run", "--quiet"],
        ["analyse", place / "run", "--images", "16", "--maps", "4"],
        ["report", place / "run"],
    ]


def outcome(place):
    """Everything that must come out the same. In a pack, images stand in the order in which threads were done with them."""
    found = bits(place / "run")
    found["summary.json"] = without_measured(json.loads((place / "run/summary.json").read_text()))
    return found


def left_over(place):
    """Files that only an interruption leaves."""
    names = [path for path in place.rglob("*") if ".partial" in path.name or ".tmp" in path.name or path.name.startswith(("checkpoint", "weights-epoch"))]
    return ", ".join(str(path.relative_to(place)) for path in names)


def undisturbed(attack, place):
    """The job without anybody's hand in it: how long each command takes, and what comes out."""
    seconds = []
    for step in steps(place):
        result = attack.command(*step, seconds=120)
        attack.check(f"undisturbed {step[0]}", result.misbehaved() or (result.err if result.code else None), f"{result.seconds:.1f} s")
        seconds.append(result.seconds)
    return seconds, outcome(place)


def disturb(attack, place, step, seconds):
    """Starts a command and sends it a signal at a random moment. True where it ended by itself."""
    sent = attack.random.choice(SIGNALS)
    moment = attack.random.random() * seconds * 1.1
    process = attack.start(*step)
    time.sleep(moment)
    done = process.poll() is not None
    if not done:
        process.send_signal(sent)
    if sent == signal.SIGSTOP and not done:
        time.sleep(0.3)
        process.send_signal(signal.SIGCONT)
    try:
        code = process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        attack.check(f"{step[0]} after {sent.name} at {moment:.2f} s", "does not end within 60 s")
        return False, done
    wrong = half_written(place)
    # Who comes first, the end or the signal, is not known.
    codes = {
        signal.SIGKILL: {0, -signal.SIGKILL},
        signal.SIGINT: {0, 75, -signal.SIGINT},
        signal.SIGTERM: {0, 75, -signal.SIGTERM},
        signal.SIGSTOP: {0},
    }[sent]
    if step[0] in ("run", "analyse") and sent in (signal.SIGINT, signal.SIGTERM):
        # Before the handler is there, and after it is gone, the system ends the program.
        codes = {0, 75} | ({-sent} if moment < 0.3 else set())
    if code not in codes:
        wrong = wrong or f"exit code {code}"
    attack.check(f"{step[0]}, {sent.name} at {moment:.2f} s", wrong, f"exit code {code}")
    return code == 0, done


def run(attack):
    attack.study(epochs=4, seeds=2, recipes=RECIPES, headline="best-on-validation", pack="on")
    # Enough of them that packing lasts long enough to be hit.
    photos(attack.folder / "many", images=400)
    quiet = attack.folder / "undisturbed"
    seconds, expected = undisturbed(attack, quiet)
    moments = 200 if attack.long else 25
    sent = round = 0
    while sent < moments:
        round += 1
        place = attack.folder / f"disturbed-{round}"
        place.mkdir()
        for step, length in zip(steps(place), seconds):
            for _ in range(attack.random.randint(1, 5 if step[0] in ("run", "analyse") else 3)):
                ended, before = disturb(attack, place, step, length)
                sent += not before
                if ended:
                    break
            result = attack.command(*step, seconds=120)
            if result.misbehaved() or result.code != 0:
                attack.check(f"{step[0]} goes on", result.misbehaved() or result.line())
        differ = differing(expected, outcome(place))
        attack.check(f"round {round}: the bits of the run that was left alone", f"{', '.join(differ[:5])} differ" if differ else None)
        left = left_over(place)
        attack.check(f"round {round}: nothing is left over", left and f"left: {left}")
        shutil.rmtree(place)
