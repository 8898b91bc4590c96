"""The input path, from JPEG files to batches for the network: Bakeoff beside torchvision, timm, albumentations and tf.data.

All on one thread, in turn, several rounds, each in a fresh process; ratios are taken within a round.
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from compare import processor, spread
from input_worker import WORKS

HERE = Path(__file__).resolve().parent
RECIPES = {
    "standard": """
name = "standard"
transforms = [
  { kind = "random-resized-crop" },
  { kind = "horizontal-flip" },
  { kind = "colour-jitter", brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1 },
]
mix = { kind = "MIX", alpha = 1.0 }
""",
    "notebook": """
name = "notebook"
transforms = [
  { kind = "resize", size = IMAGE, squash = true, antialias = false },
  { kind = "horizontal-flip" },
  { kind = "contrast", low = 0.2, high = 0.5 },
  { kind = "hue", delta = 0.2 },
  { kind = "brightness", delta = 0.2 },
]
mix = { kind = "cutmix-notebook" }
""",
}


def bakeoff(options, folder, work, **more):
    """Rates of Bakeoff; `standard` alternates between MixUp and CutMix, a run each, as the others do batch by batch."""
    runs = []
    for mix in ["mixup", "cutmix"] if work == "standard" else [""]:
        if work == "decode":
            arguments = ["--recipe", "decode"]
        else:
            path = Path(folder) / f"{work}-{mix}.toml"
            path.write_text(RECIPES[work].replace("MIX", mix).replace("IMAGE", str(options.image)))
            arguments = ["--recipe", path]
        arguments += ["--pack"] if more.get("pack") else []
        command = [options.bakeoff, "bench", "input", "--data", options.data, "--threads", 1, "--rounds", options.timed]
        command += ["--batch", options.batch, "--image", options.image, "--json", *arguments]
        output = subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True).stdout
        runs.append(json.loads(output)["images_per_second"]["median"])
    return statistics.harmonic_mean(runs)


def other(options, work, side):
    command = [sys.executable, HERE / "input_worker.py", work, side, "--data", options.data, "--rounds", options.timed]
    command += ["--batch", options.batch, "--image", options.image]
    output = subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])["images_per_second"]["median"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bakeoff", type=Path, required=True, help="the binary")
    parser.add_argument("--data", type=Path, required=True, help="an image folder of JPEG files")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--image", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3, help="times each side runs")
    parser.add_argument("--timed", type=int, default=3, help="timed stretches of a run")
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--json", type=Path, help="keep every run's numbers here")
    options = parser.parse_args()

    print(f"{datetime.date.today()}, {processor()}, one thread, batches of {options.batch} × {options.image}²", flush=True)
    raw = {}
    with tempfile.TemporaryDirectory() as folder:
        for work in options.works:
            ours = {"Bakeoff": lambda: bakeoff(options, folder, work)}
            if work == "standard":
                ours["Bakeoff, from a pack"] = lambda: bakeoff(options, folder, work, pack=True)
            theirs = {side: lambda side=side: other(options, work, side) for side in WORKS[work]}
            sides = list((ours | theirs).items())
            rates = {name: [] for name, _ in sides}
            for round in range(options.rounds):
                turn = round % len(sides)
                for name, run in sides[turn:] + sides[:turn]:
                    rates[name].append(run())
                    print(f"{work}, round {round + 1}: {name}: {rates[name][-1]:.0f} img/s", file=sys.stderr)
            head = ["", "img/s, median (min–max)", *[f"{name} is × as fast" for name in ours]]
            print(f"\n{work}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
            for name, _ in sides:
                ratios = [spread([a / b for a, b in zip(rates[mine], rates[name])], 2) for mine in ours]
                print("| " + " | ".join([name, spread(rates[name], 0), *ratios]) + " |", flush=True)
            raw[work] = rates
            if options.json:
                options.json.write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main()
