"""Runs the parts of the attack one after the other; each part says in its own file what it attacks, the bound it holds, and how long it takes."""

import argparse
import importlib
import os
import sys
import time

from common import Attack

PARTS = ["kill", "folder", "mutate", "memory", "page", "disk"]


def main():
    parser = argparse.ArgumentParser(prog=".ci/attack", description="Attacks the program from outside.")
    parser.add_argument("binary", help="the program, as `target/release/bakeoff`")
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS) + " (default: all)")
    parser.add_argument("--long", action="store_true", help="the full attack instead of the one that fits into CI")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of everything that is drawn")
    parser.add_argument("--keep", action="store_true", help="leave the folders of the attack where they are, and print their place")
    arguments = parser.parse_intermixed_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {' '.join(unknown)}; there are {' '.join(PARTS)}")
    if not os.access(arguments.binary, os.X_OK):
        parser.error(f"{arguments.binary} is no program; build it with cargo build --release")
    print(f"seed {arguments.seed}", flush=True)
    failures = 0
    for part in arguments.parts or PARTS:
        with Attack(part, arguments) as attack:
            begin = time.monotonic()
            importlib.import_module(part).run(attack)
            print(
                f"{part}: {attack.checks} checks, {attack.failures} failed, {time.monotonic() - begin:.0f} s", flush=True
            )
            failures += attack.failures
    if failures:
        again = " ".join(["--long"] * arguments.long + [f"--seed {arguments.seed}", *arguments.parts])
        print(f"{failures} checks failed; the same again: .ci/attack {arguments.binary} {again}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
