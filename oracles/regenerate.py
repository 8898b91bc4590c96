"""Makes every fixture anew and compares it with the committed one.

    python oracles/regenerate.py --check             all of them, exit code 1 when one differs
    python oracles/regenerate.py --check nn stats    those of two crates
    python oracles/regenerate.py                     writes over the committed files

See README.md beside this file for the convention a `*_fixtures.py` follows.
"""

import argparse
import ast
import fnmatch
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ROOT, fixtures_of

HERE = Path(__file__).resolve().parent
IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
# Relative and absolute; another CPU sums in another order. A script's own TOLERANCE goes before it.
DEFAULT_TOLERANCE = (1e-5, 1e-6)


def tolerance_of(script):
    """The literal `TOLERANCE = {"glob": (relative, absolute)}` of a script, read without running it."""
    for node in ast.parse(script.read_text()).body:
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "TOLERANCE" for t in node.targets):
            return ast.literal_eval(node.value)
    return {}


def close(a, b, tolerance):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= tolerance[1] + tolerance[0] * max(abs(a), abs(b))


def compare_values(new, old, tolerance, where):
    """The first difference of two parsed JSON values, in words; None when they agree."""
    if isinstance(new, dict) and isinstance(old, dict):
        if new.keys() != old.keys():
            return f"{where}: keys differ: {sorted(new.keys() ^ old.keys())}"
        pairs = [(new[k], old[k], f"{where}.{k}") for k in new]
    elif isinstance(new, list) and isinstance(old, list):
        if len(new) != len(old):
            return f"{where}: {len(new)} items, committed {len(old)}"
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(new, old))]
    elif isinstance(new, float) or isinstance(old, float):
        numbers = isinstance(new, (int, float)) and isinstance(old, (int, float))
        return None if numbers and close(new, old, tolerance) else f"{where}: {new!r}, committed {old!r}"
    else:
        return None if new == old else f"{where}: {new!r}, committed {old!r}"
    return next((d for a, b, w in pairs if (d := compare_values(a, b, tolerance, w))), None)


def compare_tensors(new, old, tolerance):
    import numpy as np

    if new.keys() != old.keys():
        return f"tensors differ: {sorted(new.keys() ^ old.keys())}"
    for name in new:
        a, b = new[name], old[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{name}: {a.dtype}{list(a.shape)}, committed {b.dtype}{list(b.shape)}"
        rtol, atol = tolerance if a.dtype.kind == "f" else (0, 0)
        far = ~np.isclose(a.astype("f8"), b.astype("f8"), rtol=rtol, atol=atol, equal_nan=True)
        if far.any():
            at = tuple(int(i) for i in np.argwhere(far)[0])
            return f"{name}{list(at)}: {a[at]}, committed {b[at]} ({int(far.sum())} of {a.size} differ)"
    return None


def compare_files(new, old, tolerance):
    """The first difference of two files, in words; None when they agree."""
    if new.read_bytes() == old.read_bytes():
        return None
    if new.suffix == ".json":
        return compare_values(json.loads(new.read_text()), json.loads(old.read_text()), tolerance, "$")
    if new.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return compare_tensors(load_file(new), load_file(old), tolerance)
    if new.suffix == ".npy":
        import numpy as np

        return compare_tensors({"array": np.load(new)}, {"array": np.load(old)}, tolerance)
    if new.suffix == ".npz":
        import numpy as np

        return compare_tensors(dict(np.load(new)), dict(np.load(old)), tolerance)
    if new.suffix in IMAGES:
        # An encoder may pack the same pixels differently.
        import numpy as np
        from PIL import Image

        try:
            a, b = (np.asarray(Image.open(p)) for p in (new, old))
        except OSError:
            return "bytes differ"
        return compare_tensors({"pixels": a}, {"pixels": b}, (0, 0))
    if ".tfrecord" in new.name:
        # Protocol buffers write the features of an Example in any order.
        import tensorflow as tf

        a, b = ([tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(p))] for p in (new, old))
        return None if a == b else "records differ"
    return "bytes differ"


def files_of(folder):
    """Relative paths of all files, without `handmade/`, which no script writes."""
    paths = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return {p for p in paths if p.parts[0] != "handmade"}


def check_crate(crate, scripts, folder):
    """Runs a crate's scripts into `folder` and returns the differences from its committed fixtures."""
    tolerances = {}
    for script in scripts:
        start = time.time()
        subprocess.run([sys.executable, script, "--out", folder], check=True)
        print(f"  {script.name}: {time.time() - start:.0f} s", file=sys.stderr)
        tolerances.update(tolerance_of(script))
    committed = fixtures_of(scripts[0])
    new, old = files_of(folder), files_of(committed) if committed.is_dir() else set()
    differences = [f"{p}: not committed" for p in sorted(new - old)]
    differences += [f"{p}: committed, but no script writes it" for p in sorted(old - new)]
    for path in sorted(new & old):
        tolerance = next((t for g, t in tolerances.items() if fnmatch.fnmatch(str(path), g)), DEFAULT_TOLERANCE)
        if difference := compare_files(folder / path, committed / path, tolerance):
            differences.append(f"{path}: {difference}")
    print(f"{crate}: {len(new)} files, {'as committed' if not differences else f'{len(differences)} differ'}")
    return [f"{committed.relative_to(ROOT)}/{d}" for d in differences]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crates", nargs="*", help="default: all")
    parser.add_argument("--check", action="store_true", help="compare, and leave the committed files alone")
    options = parser.parse_args()

    scripts = {}
    for script in sorted(HERE.glob("*_fixtures.py")):
        scripts.setdefault(script.stem.split("_")[0], []).append(script)
    if unknown := set(options.crates) - scripts.keys():
        parser.error(f"no fixture script for {', '.join(sorted(unknown))}; there are: {', '.join(scripts)}")
    chosen = {c: s for c, s in scripts.items() if not options.crates or c in options.crates}

    differences = []
    for crate, of_crate in chosen.items():
        if options.check:
            with tempfile.TemporaryDirectory() as folder:
                differences += check_crate(crate, of_crate, Path(folder))
        else:
            for script in of_crate:
                subprocess.run([sys.executable, script], check=True)
    for difference in differences:
        print(f"  {difference}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
