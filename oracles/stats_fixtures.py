"""Statistics as SciPy and statsmodels compute them, for crates/stats.

Distribution functions, paired t, exact sign-flip permutation, Holm, equivalence (TOST), probability of improvement
(Mann-Whitney), and the mean squares of a seeds x images table (statsmodels' anova_lm) from which the crossed interval is
made. The step-down maximum statistic has no library of its own there; it is written out by brute force.
"""

import itertools

import numpy as np
import pandas as pd
import scipy.stats
import statsmodels.api
import statsmodels.formula.api
import statsmodels.stats.multitest
import statsmodels.stats.weightstats
from common import output_folder, write_json

TOLERANCE = {"*.json": (1e-9, 1e-13)}


def distribution():
    degrees = [0.5, 1.0, 2.0, 3.7, 5.0, 9.0, 30.5, 200.0, 9_000.0, 20_000.0, 1e6, 1e9]
    ts = [-40.0, -6.0, -1.96, -0.3, -1e-3, 0.0, 0.01, 1.0, 2.570581835636314, 12.0, 150.0]
    ps = [1e-8, 1e-4, 0.00625, 0.05, 0.2, 0.5, 0.8, 0.975, 0.99375, 0.99999]
    cdf = [[d, t, scipy.stats.t.cdf(t, d), 2 * scipy.stats.t.sf(abs(t), d)] for d in degrees for t in ts]
    quantile = [[d, p, scipy.stats.t.ppf(p, d)] for d in degrees for p in ps]
    return {"cdf": cdf, "quantile": quantile}


def sign_flip(differences):
    result = scipy.stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    return float(result.pvalue)


def common_variance(d):
    """Mean of the smaller half of the recipes' variances, far smaller ones than the lower median left out."""
    squares, sizes = (d**2).mean(axis=1), np.abs(d).var(axis=1, ddof=1) / (1 - 2 / np.pi)
    variances = np.sort((squares + sizes)[squares > 0] / 2)
    half = variances[: (len(variances) + 1) // 2]
    return half[half >= variances[(len(variances) - 1) // 2] / 8].mean()


def standard_scores(d, sums):
    """Sums of a recipe's differences over the common spread, or over the recipe's own where it differs clearly."""
    n = d.shape[1]
    common, degrees = common_variance(d), n - 1
    squares = (d**2).sum(axis=1)[:, None]
    rest = np.maximum(squares - sums**2 / n, 1e-6 * squares)
    begins = 1 + 12 / degrees
    wild = np.log(rest / degrees / common / begins) / np.log(1.75)
    calm = np.log(squares / n / common * 4) / np.log(1 / 4)
    share = np.clip(np.maximum(wild, calm), 0, 1)
    by_common = np.abs(sums) / np.sqrt(n * common)
    by_own = (8 * degrees + 1) / (8 * degrees + 3) * np.sqrt(degrees * np.log(squares / rest))
    return by_common ** (1 - share) * by_own**share


def step_down(rows):
    """Step-down maximum of the standard scores over joint sign-flips (Westfall & Young 1993, algorithm 4.1)."""
    d = np.array(rows)
    flips = np.array(list(itertools.product([1.0, -1.0], repeat=d.shape[1])))
    if d.shape[1] < 4:
        statistics = np.abs(d @ flips.T)
    else:
        statistics = standard_scores(d, d @ flips.T)
    observed = statistics[:, 0]
    order = np.argsort(-observed)
    adjusted, running = np.zeros(len(rows)), 0.0
    for k, row in enumerate(order):
        largest = statistics[order[k:]].max(axis=0)
        running = max(running, np.mean(largest >= observed[row] - 1e-9))
        adjusted[row] = running
    return adjusted.tolist()


def family(generator, seeds, effects, images=None, scatter=None):
    """One study: a baseline and several recipes over some seeds, with what the libraries say of it."""
    difficulty = generator.normal(size=images or 1)
    arms = []
    for effect, times in zip([0.0, *effects], [1.0, *(scatter or [1.0] * len(effects))]):
        if images:
            logit = 0.5 + effect + difficulty + generator.normal(0, 0.6, images) * (effect != 0.0)
            logit = logit + generator.normal(0, 0.15, (seeds, 1)) + generator.normal(0, 0.7, (seeds, images))
            arms.append((generator.random((seeds, images)) < 1 / (1 + np.exp(-logit))).astype(int))
        else:
            arms.append(0.6 + 0.05 * effect + generator.normal(0, 0.012 * times, seeds))
    accuracies = [arm.mean(axis=1) if images else arm for arm in arms]
    margin = 0.02
    comparisons = []
    for arm, accuracy in zip(arms[1:], accuracies[1:]):
        differences = accuracy - accuracies[0]
        one = {
            "mean": float(differences.mean()),
            "sd": float(differences.std(ddof=1)),
            "p": sign_flip(differences),
            "p_paired_t": float(scipy.stats.ttest_rel(accuracy, accuracies[0]).pvalue),
            "probability_better": float(
                scipy.stats.mannwhitneyu(accuracy, accuracies[0], method="asymptotic").statistic / seeds**2
            ),
        }
        if images:
            long = pd.DataFrame(
                [
                    (s, i, float(arm[s, i] - arms[0][s, i]))
                    for s in range(seeds)
                    for i in range(images)
                ],
                columns=["seed", "image", "d"],
            )
            table = statsmodels.api.stats.anova_lm(
                statsmodels.formula.api.ols("d ~ C(seed) + C(image)", data=long).fit()
            )
            by_seed, by_image, residual = (float(v) for v in table["mean_sq"])
            by_seed = max(by_seed, residual)
            numerator = by_seed + max(by_image - residual, 0.0)
            error = np.sqrt(numerator / (seeds * images))
            degrees = (seeds - 1) * (numerator / by_seed) ** 2
            reach = scipy.stats.t.ppf(0.975, degrees) * error
            one |= {
                "standard_error": float(error),
                "degrees_of_freedom": float(degrees),
                "low": float(differences.mean() - reach),
                "high": float(differences.mean() + reach),
                "tost": float(
                    max(
                        scipy.stats.t.sf((differences.mean() + margin) / error, degrees),
                        scipy.stats.t.cdf((differences.mean() - margin) / error, degrees),
                    )
                ),
            }
        else:
            interval = scipy.stats.ttest_rel(accuracy, accuracies[0]).confidence_interval(0.95)
            tost = statsmodels.stats.weightstats.ttost_paired(accuracy, accuracies[0], -margin, margin)
            one |= {"low": float(interval.low), "high": float(interval.high), "tost": float(tost[0])}
        comparisons.append(one)

    def holm(key):
        return statsmodels.stats.multitest.multipletests([c[key] for c in comparisons], method="holm")[1].tolist()

    rows = [a - accuracies[0] for a in accuracies[1:]]
    for c, p_holm, adjusted, tost in zip(comparisons, holm("p"), step_down(rows), holm("tost")):
        c |= {"p_holm": p_holm, "p_adjusted": adjusted, "tost_holm": tost}
    if images:
        stored = [["".join(map(str, row)) for row in arm] for arm in arms]
    else:
        stored = [arm.tolist() for arm in arms]
    return {"margin": margin, "arms": stored, "comparisons": comparisons}


def main():
    out = output_folder(__file__, __doc__)
    generator = np.random.default_rng(20240607)
    uneven = np.random.default_rng(20261130)
    write_json(out / "distribution.json", distribution())
    write_json(
        out / "accuracies.json",
        [
            family(generator, 3, [0.5]),
            family(generator, 6, [1.0, 0.0, -0.6, 0.1]),
            family(generator, 8, [0.2, 0.5, 0.0]),
            family(generator, 11, [0.1, -0.1]),
            family(generator, 14, [0.0, 0.3]),
            family(uneven, 8, [0.5, 0.0, 0.1, 0.0], scatter=[1.0, 1.0, 1.0, 8.0]),
            family(uneven, 10, [0.4, 0.1, 0.0], scatter=[1.0, 4.0, 1.0]),
            family(uneven, 7, [0.0, 0.5, -0.6], scatter=[3.0, 2.0, 2.5]),
        ],
    )
    write_json(
        out / "images.json",
        [
            family(generator, 2, [0.2], images=60),
            family(generator, 6, [0.5, 0.0, -0.2], images=100),
            family(generator, 9, [0.0, 0.1], images=80),
        ],
    )


if __name__ == "__main__":
    main()
