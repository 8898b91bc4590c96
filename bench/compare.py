"""Runs Bakeoff and the others in turn, several rounds, each in a fresh process, and prints a table.

Every round runs every side once, each round beginning with the next one, so that a machine that slows down slows all of them. A
side's rate in a round is the median its process reports; the ratio is taken within a round. Memory is the most the process
ever had resident, told by the kernel for all alike.
"""

import argparse
import ctypes.util
import datetime
import glob
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUITE = [
    ("train", "resnet50", 16, 224),
    ("infer", "resnet50", 16, 224),
    ("head", "resnet50", 16, 224),
    ("train", "resnet18", 16, 224),
    ("train", "resnet50", 16, 64),
    ("train", "resnet-small", 64, 64),
]


class Side:
    """One column of the comparison: a name, the command before the common arguments, and its environment."""

    def __init__(self, name, command, environment=(), warmup=True):
        self.name, self.command, self.environment, self.warmup = name, [str(c) for c in command], dict(environment), warmup

    def run(self, work, model, batch, image, options):
        """One fresh process: the JSON it printed, with `peak_rss_mib` as the kernel counted it, or as the process
        itself read the same count before it went on to other things (Bakeoff: the machine's ceilings)."""
        command = [*self.command, work, "--model", model, "--batch", batch, "--image", image, "--threads", options.threads, "--rounds", options.timed]
        command += ["--warmup", options.warmup] if self.warmup else ["--json"]
        environment = os.environ | self.environment | {"OMP_NUM_THREADS": str(options.threads), "BENCH_STARTED": str(time.time())}
        process = subprocess.Popen(
            [str(c) for c in command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        reader.start()
        output = process.stdout.read()
        reader.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{self.name} ended with {process.returncode}:\n{''.join(errors)[-2000:]}")
        result = json.loads(output.strip().splitlines()[-1] if self.warmup else output)
        return {"peak_rss_mib": usage.ru_maxrss / 1024} | result


def find_tcmalloc():
    """The allocator's library as the system has it, or None."""
    folders = ["/usr/lib/*", "/usr/lib", "/usr/lib64", "/usr/local/lib"]
    for name in ["tcmalloc", "tcmalloc_minimal"]:
        found = [p for folder in folders for p in sorted(glob.glob(f"{folder}/lib{name}.so*"))]
        if found:
            return found[-1]
        if library := ctypes.util.find_library(name):
            return library
    return None


def sides(options):
    """What is compared, Bakeoff first, and notes on what is left out."""
    torch = [sys.executable, HERE / "pytorch.py"]
    chosen, notes = [], []
    if options.bakeoff:
        chosen.append(Side("Bakeoff", [options.bakeoff, "bench"], warmup=False))
    chosen.append(Side("PyTorch, as installed (NCHW)", torch))
    last = [*torch, "--layout=channels-last"]
    chosen.append(Side("PyTorch, channels-last", last))
    tcmalloc = options.tcmalloc or find_tcmalloc()
    preload = {"LD_PRELOAD": tcmalloc} if tcmalloc else {}
    if tcmalloc:
        chosen.append(Side("PyTorch, channels-last, tcmalloc", last, preload))
    else:
        notes.append("libtcmalloc was not found (Debian: libtcmalloc-minimal4); PyTorch's best is likely faster than shown.")
    if options.compile:
        name = "PyTorch, channels-last, compiled" + (", tcmalloc" if tcmalloc else "")
        chosen.append(Side(name, [*last, "--compile"], preload))
    if options.keras:
        chosen.append(Side("Keras", [sys.executable, HERE / "keras_worker.py"]))
    return chosen, notes


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ask_pytorch(*arguments):
    """What a run of the PyTorch worker prints."""
    command = [sys.executable, HERE / "pytorch.py", *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def table(results, reference, flops, peak):
    """Markdown: a row per side; ratios are Bakeoff's rate over the row's, round by round."""
    head = ["", "img/s, median (min–max)", "Bakeoff is × as fast", "GFLOP/s", "of the matmul peak", "peak MiB", "ready after, s", "first step done after, s"]
    rows = [head, ["---"] * len(head)]
    for name, runs in results.items():
        rates = [r["images_per_second"]["median"] for r in runs]
        against = [r["images_per_second"]["median"] for r in results.get(reference, [])]
        gflops = statistics.median(rates) * flops / 1e9
        times = [[r[key] for r in runs if r.get(key) is not None] for key in ["ready_seconds", "first_step_seconds"]]
        rows.append(
            [
                name,
                spread(rates, 2),
                spread([a / b for a, b in zip(against, rates)], 2) if against else "–",
                f"{gflops:.0f}",
                f"{100 * gflops / peak:.0f} %",
                f"{statistics.median(r['peak_rss_mib'] for r in runs):.0f}",
                *(f"{statistics.median(seconds):.2f}" if seconds else "–" for seconds in times),
            ]
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bakeoff", type=Path, help="the binary; without it only the others run")
    parser.add_argument("--work", choices=["train", "head", "infer"], default="train")
    parser.add_argument("--model", default="resnet50", help="resnet18, resnet34, resnet50, resnet-small, resnet-tiny")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--image", type=int, default=224)
    parser.add_argument("--suite", action="store_true", help="six works instead of one: training, inference, the head alone, smaller networks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7, help="times each side runs")
    parser.add_argument("--timed", type=int, default=5, help="timed stretches of a run, each of at least half a second and one step")
    parser.add_argument("--warmup", type=int, default=2, help="steps of a run before its clock starts (the others')")
    parser.add_argument("--compile", action="store_true", help="also torch.compile (needs a C++ compiler)")
    parser.add_argument("--keras", action="store_true", help="also Keras on TensorFlow, ResNet-50 only")
    parser.add_argument("--tcmalloc", help="path of libtcmalloc; found by itself where the system has it")
    parser.add_argument("--json", type=Path, help="keep every run's numbers here")
    options = parser.parse_args()

    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"The machine is busy (load {load:.1f}): the numbers below are not to be trusted.", file=sys.stderr)
    works = SUITE if options.suite else [(options.work, options.model, options.batch, options.image)]
    compared, notes = sides(options)
    first = ask_pytorch("matmul", "--threads", options.threads)
    print(f"{datetime.date.today()}, {processor()}, {options.threads} threads, PyTorch {first['torch']}, Python {platform.python_version()};")
    print(f"matrix products {first['gflops']:.0f} GFLOP/s (f32, 2048², PyTorch); {options.rounds} rounds of {options.timed}. PyTorch imported and idle: {first['import_mib']:.0f} MiB.")
    for note in notes:
        print(note)

    raw = {"matmul_gflops": first["gflops"], "processor": processor(), "options": {k: str(v) for k, v in vars(options).items()}, "works": []}
    failed = False
    for work, model, batch, image in works:
        taking_part = [s for s in compared if s.name != "Keras" or model == "resnet50"]
        results = {side.name: [] for side in taking_part}
        for round in range(options.rounds):
            turn = round % len(taking_part)
            for side in taking_part[turn:] + taking_part[:turn]:
                if results[side.name] is None:
                    continue
                try:
                    run = side.run(work, model, batch, image, options)
                except (RuntimeError, OSError, ValueError) as error:
                    print(f"{side.name} is left out: {error}", file=sys.stderr)
                    results[side.name], failed = None, True
                    continue
                results[side.name].append(run)
                rate = run["images_per_second"]["median"]
                print(f"round {round + 1}: {side.name}: {rate:.2f} img/s, {run['peak_rss_mib']:.0f} MiB", file=sys.stderr)
        results = {name: runs for name, runs in results.items() if runs}
        flops = ask_pytorch("flops", "--model", model, "--image", image)[work]
        print(f"\n{work}, {model}, {batch} × {image}², {flops / 1e9:.2f} GFLOP an image\n", flush=True)
        print(table(results, "Bakeoff", flops, first["gflops"]), flush=True)
        raw["works"].append({"work": work, "model": model, "batch": batch, "image": image, "runs": results})
        if options.json:
            options.json.write_text(json.dumps(raw, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
