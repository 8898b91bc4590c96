"""Metrics, tests of two models, false discoveries, several data sets and resampling, for crates/stats.

scikit-learn (accuracy, balanced accuracy, macro-F1, log loss, Brier score, top-5), torchmetrics (calibration error),
statsmodels (exact McNemar, Benjamini-Hochberg), rliable (interquartile mean, probability of improvement), and the
crossed and the stratified bootstrap in NumPy with many replicates, which only agree within Monte-Carlo error.
"""

import numpy as np
import rliable.metrics
import sklearn.metrics
import statsmodels.stats.contingency_tables
import statsmodels.stats.multitest
import torch
from common import output_folder, write_json
from torchmetrics.functional.classification.calibration_error import _ce_compute

TOLERANCE = {"metrics.json": (1e-9, 1e-13), "models.json": (1e-9, 1e-13), "resampling.json": (1e-9, 1e-13)}


def predictions(generator, images, classes, skew):
    """Probabilities and labels; the last class is never a label where skewed, so that it is only ever predicted."""
    weights = np.arange(classes, 0, -1.0) ** skew
    if skew:
        weights[-1] = 0.0
    labels = generator.choice(classes, images, p=weights / weights.sum())
    logits = generator.normal(0, 1.5, (images, classes))
    logits[np.arange(images), labels] += 1.2
    probabilities = np.exp(logits)
    return labels, probabilities / probabilities.sum(axis=1, keepdims=True)


def metrics(generator, images, classes, skew):
    labels, p = predictions(generator, images, classes, skew)
    predicted = p.argmax(axis=1)
    own = p[np.arange(images), labels]
    every = list(range(classes))
    return {
        "label": labels.tolist(),
        "predicted": predicted.tolist(),
        "rank": (1 + (p > own[:, None]).sum(axis=1)).tolist(),
        "probability": own.tolist(),
        "confidence": p.max(axis=1).tolist(),
        "sum_of_squares": (p**2).sum(axis=1).tolist(),
        "top1": float(sklearn.metrics.accuracy_score(labels, predicted)),
        "top5": float(sklearn.metrics.top_k_accuracy_score(labels, p, k=5, labels=every)),
        "balanced-accuracy": float(sklearn.metrics.balanced_accuracy_score(labels, predicted)),
        "macro-f1": float(sklearn.metrics.f1_score(labels, predicted, average="macro", zero_division=0)),
        "nll": float(sklearn.metrics.log_loss(labels, p, labels=every)),
        "brier": float(
            sklearn.metrics.brier_score_loss(labels, p, labels=every, scale_by_half=False)
        ),
        "ece": float(
            # What multiclass_calibration_error calls once it has rounded to single precision.
            _ce_compute(torch.tensor(p.max(axis=1)), torch.tensor(predicted == labels), 15, norm="l1")
        ),
    }


def models(generator):
    mcnemar = []
    for only_first, only_second in [(0, 0), (1, 0), (3, 9), (10, 10), (40, 61), (412, 350), (5000, 5233)]:
        table = [[50, only_first], [only_second, 20]]
        result = statsmodels.stats.contingency_tables.mcnemar(table, exact=True)
        mcnemar.append([only_first, only_second, min(float(result.pvalue), 1.0)])
    p = (generator.random(40) ** 3).tolist() + [0.5, 0.5, 1.0]
    adjusted = statsmodels.stats.multitest.multipletests(p, method="fdr_bh")[1].tolist()
    several = []
    for shape in [(6, 4), (5, 1), (7, 3)]:
        a, b = generator.normal(0.6, 0.1, shape).round(2), generator.normal(0.55, 0.1, shape).round(2)
        several.append(
            {
                # Per data set.
                "first": a.T.tolist(),
                "second": b.T.tolist(),
                "iqm": float(rliable.metrics.aggregate_iqm(a)),
                "improvement": float(rliable.metrics.probability_of_improvement(a, b)),
            }
        )
    return {"mcnemar": mcnemar, "p": p, "benjamini_hochberg": adjusted, "several": several}


def resampling(generator):
    seeds, images, replicates = 6, 150, 40_000
    d = generator.choice([-1, 0, 1], (seeds, images), p=[0.1, 0.7, 0.2])
    d[:, :20] = np.maximum(d[:, :20], 0)
    d[4] = np.maximum(d[4], 0)
    means = np.empty(replicates)
    for k in range(replicates):
        rows = generator.integers(0, seeds, seeds)
        columns = generator.integers(0, images, images)
        means[k] = d[np.ix_(rows, columns)].mean()
    low, high = np.percentile(means, [2.5, 97.5])
    scores = generator.normal(0.6, 0.05, (8, 3))
    # rliable's own bootstrap asks for an old `arch`; its statistic is what matters.
    iqm = [
        rliable.metrics.aggregate_iqm(
            np.stack([column[generator.integers(0, 8, 8)] for column in scores.T], axis=1)
        )
        for _ in range(20_000)
    ]
    return {
        "differences": ["".join("-0+"[v + 1] for v in row) for row in d],
        "crossed": [float(low), float(high)],
        "scores": scores.T.tolist(),
        "iqm": [float(v) for v in np.percentile(iqm, [2.5, 97.5])],
    }


def main():
    out = output_folder(__file__, __doc__)
    generator = np.random.default_rng(20240608)
    write_json(
        out / "metrics.json",
        [metrics(generator, 300, 7, 0.0), metrics(generator, 240, 10, 1.0), metrics(generator, 60, 20, 0.5)],
    )
    write_json(out / "models.json", models(generator))
    write_json(out / "resampling.json", resampling(generator))


if __name__ == "__main__":
    main()
