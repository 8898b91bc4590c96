"""Reads what `bakeoff report --tensorboard --mlflow` writes with TensorBoard's and MLflow's own libraries and compares every number.

    python oracles/check_exports.py target/release/bakeoff runs/demo
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

METRICS = {
    "train_loss": "loss/train",
    "validation_loss": "loss/validation",
    "train_top1": "top1/train",
    "validation_top1": "top1/validation",
    "validation_top5": "top5/validation",
    "learning_rate": "learning_rate",
    "images_per_second": "images_per_second",
}


def main() -> None:
    program, run = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    plan = json.loads((run / "plan.json").read_text())
    with tempfile.TemporaryDirectory() as out:
        board, store = Path(out) / "board", Path(out) / "ml runs"
        subprocess.run([program, "report", run, "--out", Path(out) / "page", "--tensorboard", board, "--mlflow", store, "--json"], check=True, stdout=subprocess.DEVNULL)
        client = MlflowClient(tracking_uri=store.as_uri())
        experiment = client.get_experiment_by_name(plan["study"])
        runs = {(r.data.params["recipe"], int(r.data.params["seed"])): r for r in client.search_runs([experiment.experiment_id], max_results=50_000)}
        compared = trials = 0
        for key in plan["trials"]:
            folder = run / "trials" / key["recipe"] / f"seed-{key['seed']}"
            lines = folder / "metrics.jsonl"
            if not lines.exists() or not lines.read_text():
                continue
            trials += 1
            epochs = [json.loads(line) for line in lines.read_text().splitlines()]
            trial = json.loads((folder / "trial.json").read_text())
            events = EventAccumulator(str(board / key["recipe"] / f"seed-{key['seed']}")).Reload()
            theirs = runs[key["recipe"], key["seed"]]
            for name, tag in METRICS.items():
                scalars = {s.step: s.value for s in events.Scalars(tag)}
                history = {m.step: m.value for m in client.get_metric_history(theirs.info.run_id, name)}
                for epoch in epochs:
                    assert math.isclose(scalars[epoch["epoch"]], epoch[name], rel_tol=1e-6, abs_tol=1e-12), (key, name, epoch["epoch"])
                    assert history[epoch["epoch"]] == epoch[name], (key, name, epoch["epoch"])
                    compared += 2
                assert len(scalars) == len(history) == len(epochs)
            if trial["status"] == "finished":
                assert theirs.info.status == "FINISHED", theirs.info.status
                assert theirs.data.metrics["test_top1"] == trial["test"]["top1"]
                assert math.isclose(events.Scalars("top1/test")[0].value, trial["test"]["top1"], rel_tol=1e-6)
                compared += 2
        assert trials == len(runs), (trials, len(runs))
    print(f"{trials} trials, {compared} numbers: TensorBoard and MLflow read what was written")


if __name__ == "__main__":
    main()
