"""What the workers of the other frameworks share: arguments, timing, the JSON they print. All as `bakeoff bench` does."""

import argparse
import json
import os
import statistics
import time


def arguments(doc, **more):
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("work", choices=["train", "head", "infer", "matmul", "flops"])
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--image", type=int, default=224)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=2, help="steps before the clock starts")
    parser.add_argument("--rounds", type=int, default=5, help="each of at least half a second and one step")
    for name, options in more.items():
        parser.add_argument(f"--{name}", **options)
    return parser.parse_args()


def measure(step, options, **more):
    """Times `step` and prints a line of JSON."""
    if "BENCH_STARTED" in os.environ:
        more["ready_seconds"] = time.time() - float(os.environ["BENCH_STARTED"])
    for i in range(options.warmup):
        step()
        if i == 0 and "BENCH_STARTED" in os.environ:
            more["first_step_seconds"] = time.time() - float(os.environ["BENCH_STARTED"])
    rates = []
    for _ in range(options.rounds):
        steps, start = 0, time.perf_counter()
        while steps == 0 or time.perf_counter() - start < 0.5:
            step()
            steps += 1
        rates.append(steps * options.batch / (time.perf_counter() - start))
    result = {
        "images_per_second": {"median": statistics.median(rates), "min": min(rates), "max": max(rates)},
        "model": options.model,
        "batch": options.batch,
        "image": options.image,
        "threads": options.threads,
    }
    print(json.dumps(result | more))
