//! Recipes against a baseline, and the verdict.

use crate::arm::{self, Arm, Pairs, StatsError, check};
use crate::interval::{Interval, Variance};
use crate::measure::{Direction, Measure, Unit};
use crate::outlook::{FEWEST_FOR_EQUIVALENCE, Outlook, Rule, outlook};
use crate::permutation::{Table, fewest_seeds, smallest_p};
use crate::reason::{Corrected, Obstacle, Reason};
use crate::{bootstrap, multiplicity};
use serde::{Deserialize, Serialize};

/// Share of the level at which the images have to agree. It is a normal test with few seeds in its standard error; at the whole
/// level some simulated studies err in more than 5 %.
const IMAGES: f64 = 0.5;

/// Share of studies in which any claim of a difference may be wrong, and of those in which any claim of equivalence may be.
pub const LEVEL: f64 = 0.05;

/// On fewer test images no verdict is given: their spread is not known, and often is zero by luck.
pub const FEWEST_IMAGES: usize = 10;

/// What is decided before the comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Difference that would matter, a fraction (0.005 is half a point) or in the unit of what is compared. Zero: no equivalence is
    /// looked for.
    pub margin: f64,
    /// Coverage of the intervals, in (0, 1).
    pub confidence: f64,
    /// Family-wise error rate of each kind of verdict, in (0, 0.5).
    pub level: f64,
    /// Bootstrap replicates.
    pub replicates: usize,
    /// Seed of the bootstrap and of sign-flips that are drawn.
    pub random_seed: u64,
    /// What is compared.
    pub measure: Measure,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            margin: 0.005,
            confidence: 0.95,
            level: LEVEL,
            replicates: 2_000,
            random_seed: 0,
            measure: Measure::default(),
        }
    }
}

impl Options {
    /// Level of the test over images, for all recipes together.
    #[must_use]
    pub fn images_level(&self) -> f64 {
        self.level * IMAGES
    }
}

/// What can be said of a recipe against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// More accurate, or less wrong.
    Better,
    /// Less accurate, or more wrong.
    Worse,
    /// No difference that would matter.
    Equivalent,
    /// Nothing yet.
    Undecided,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Equivalent => "equivalent",
            Self::Undecided => "undecided",
        }
    }
}

/// Two one-sided tests against the margin (Schuirmann 1987).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// The margin, a fraction.
    pub margin: f64,
    /// The larger of the two one-sided p-values.
    pub p: f64,
    /// Holm-adjusted over the recipes.
    pub p_holm: f64,
    /// Lower limit of the interval that must lie inside the margin (confidence 1 − 2 × level).
    pub low: f64,
    /// Its upper limit.
    pub high: f64,
}

/// One recipe against the baseline. Differences are recipe minus baseline, whichever way is good; fractions, or in the unit of what is
/// compared; absent where they need more seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Recipe.
    pub name: String,
    /// Baseline.
    pub baseline: String,
    /// Seeds both finished, ascending.
    pub seeds: Vec<u64>,
    /// Difference per such seed.
    pub differences: Vec<f64>,
    /// Test images of every run, where it is known image by image what was right.
    #[serde(default)]
    pub images: Option<usize>,
    /// Their mean: the effect.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub sd: Option<f64>,
    /// Interval of the mean: the one the verdict rests on.
    pub interval: Option<Interval>,
    /// Percentile limits of the crossed bootstrap, for comparison.
    pub bootstrap: Option<[f64; 2]>,
    /// Two-sided sign-flip permutation over seeds.
    pub p: Option<f64>,
    /// Whether all sign-flips were enumerated.
    pub exact: bool,
    /// Sign-flip p corrected for all recipes by the step-down maximum statistic: the one the verdict rests on.
    pub p_adjusted: Option<f64>,
    /// `p` corrected by Holm instead, which needs more seeds the more recipes there are.
    pub p_holm: Option<f64>,
    /// Paired t test of the per-seed differences, uncorrected; absent where they are all equal.
    pub p_paired_t: Option<f64>,
    /// Two-sided normal p of the mean over its standard error over seeds and images, corrected by Holm: whether all recipes
    /// together could look so good on other test images. Absent where images are not known.
    pub p_images: Option<f64>,
    /// Probability that a run of the recipe beats a run of the baseline, with bootstrap limits: [p, low, high].
    pub probability_better: Option<[f64; 3]>,
    /// Equivalence inside the margin, where a margin was given.
    pub equivalence: Option<Equivalence>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// What would settle it.
    pub outlook: Outlook,
    /// What is compared.
    #[serde(default)]
    pub measure: Measure,
}

impl Comparison {
    /// Seeds in which the recipe was ahead, level and behind.
    #[must_use]
    pub fn record(&self) -> [usize; 3] {
        let gain = |d: &f64| self.measure.direction.gain(*d);
        let share = |keep: fn(f64) -> bool| self.differences.iter().map(gain).filter(|&d| keep(d)).count();
        [share(|d| d > 0.0), share(|d| d == 0.0), share(|d| d < 0.0)]
    }
}

/// Compares every recipe with the baseline; the family the error rate is kept for is `others`.
///
/// # Errors
/// A seed or a name stands twice, an accuracy is no fraction, runs are of different images, or an option makes no sense.
pub fn compare(baseline: &Arm, others: &[Arm], options: &Options) -> Result<Vec<Comparison>, StatsError> {
    let levels = Levels {
        differs: options.level,
        images: options.images_level(),
        equivalent: options.level,
        looked: false,
    };
    compare_at(baseline, others, options, levels)
}

/// At which levels a verdict is claimed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    /// Of the sign-flip p corrected for all recipes.
    pub(crate) differs: f64,
    /// Of the p over images corrected for all recipes. The images are the same at every look.
    pub(crate) images: f64,
    /// Of the equivalence test's p, corrected by Holm; where there are several looks it is the uncorrected p's.
    pub(crate) equivalent: f64,
    /// One look of several.
    pub(crate) looked: bool,
}

/// [`compare`] at other levels than the family's own.
pub(crate) fn compare_at(
    baseline: &Arm,
    others: &[Arm],
    options: &Options,
    levels: Levels,
) -> Result<Vec<Comparison>, StatsError> {
    check_options(options)?;
    check(std::iter::once(baseline).chain(others), options.measure.unit)?;
    let pairs: Vec<Pairs> = others.iter().map(|other| Pairs::new(baseline, other)).collect();
    let comparisons = pairs.iter().filter(|p| !p.seeds.is_empty()).count();
    // What an earlier look settled has fewer seeds, and was chosen by what they showed: it still counts.
    let counted_from = if levels.looked { 1.0 } else { options.level };
    let corrected_for = pairs.iter().filter(|p| p.seeds.len() >= fewest_seeds(counted_from)).count();

    let mut seeds: Vec<u64> = pairs.iter().flat_map(|p| p.seeds.iter().copied()).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let row = |p: &Pairs| {
        let find = |seed| p.seeds.binary_search(seed).ok().map(|i| p.differences[i]);
        seeds.iter().map(find).collect::<Vec<_>>()
    };
    let flips = Table::new(pairs.iter().map(row).collect()).test(options.random_seed, counted_from);
    let holm = multiplicity::holm(&flips.p);

    let variances: Vec<Option<Variance>> = pairs.iter().map(Pairs::variance).collect();
    let tost: Vec<Option<f64>> = variances
        .iter()
        .map(|v| v.as_ref().filter(|_| options.margin > 0.0))
        .map(|v| v.map(|v| v.p_above(-options.margin).max(v.p_below(options.margin))))
        .collect();
    let tost_holm = multiplicity::holm(&tost);
    let over_images: Vec<Option<f64>> = variances
        .iter()
        .map(|v| v.as_ref().filter(|v| v.image_count.is_some()).map(Variance::p_normal))
        .collect();
    let over_images = multiplicity::holm(&over_images);
    let bootstrap = resampled(&pairs, options);

    let rule = Rule { level: options.level, images: levels.images, comparisons, margin: options.margin };
    let pairs_images: Vec<Option<usize>> = pairs.iter().map(Pairs::image_count).collect();
    let result =
        pairs.into_iter().zip(others).enumerate().map(|(k, (pairs, other))| {
            let variance = variances[k].as_ref();
            let narrow = variance.map(|v| v.interval(1.0 - 2.0 * options.level));
            let mut comparison =
                Comparison {
                    name: other.name.clone(),
                    baseline: baseline.name.clone(),
                    mean: crate::mean(&pairs.differences),
                    sd: crate::standard_deviation(&pairs.differences),
                    interval: variance.map(|v| v.interval(options.confidence)),
                    bootstrap: bootstrap[k],
                    p: flips.p[k],
                    exact: flips.exact,
                    p_adjusted: flips.adjusted[k],
                    p_holm: holm[k],
                    p_paired_t: Variance::of_seeds(&pairs.differences)
                        .filter(|v| v.per_seed > 0.0)
                        .map(|v| v.p_zero()),
                    p_images: over_images[k],
                    probability_better: bootstrap::probability_better(
                        &pairs.recipe,
                        &pairs.baseline,
                        options.confidence,
                        options.replicates,
                        options.random_seed,
                    )
                    .map(|[p, low, high]| match options.measure.direction {
                        Direction::HigherIsBetter => [p, low, high],
                        Direction::LowerIsBetter => [1.0 - p, 1.0 - high, 1.0 - low],
                    }),
                    equivalence: narrow.zip(tost[k].zip(tost_holm[k])).map(|(narrow, (p, p_holm))| {
                        Equivalence { margin: options.margin, p, p_holm, low: narrow.low, high: narrow.high }
                    }),
                    seeds: pairs.seeds,
                    differences: pairs.differences,
                    images: pairs_images[k],
                    verdict: Verdict::Undecided,
                    reason: Reason::NoSeedInCommon,
                    outlook: Outlook::Decided,
                    measure: options.measure,
                };
            let few = pairs_images[k].filter(|images| *images < FEWEST_IMAGES);
            comparison.verdict = if few.is_some() { Verdict::Undecided } else { decide(&comparison, levels) };
            if comparison.verdict == Verdict::Undecided {
                comparison.outlook = match few {
                    Some(_) => Outlook::FewImages { at_least: FEWEST_IMAGES },
                    None => outlook(variance, rule),
                };
            }
            comparison.reason = reason(&comparison, options, levels, corrected_for, few);
            comparison
        });
    Ok(result.collect())
}

/// Limits of the crossed bootstrap for each recipe that has images and more than one seed.
fn resampled(pairs: &[Pairs], options: &Options) -> Vec<Option<[f64; 2]>> {
    fn limits<D: bootstrap::Difference>(
        rows: &[Option<&[Vec<D>]>],
        options: &Options,
    ) -> Vec<Option<[f64; 2]>> {
        let rows: Vec<_> = rows.iter().map(|rows| rows.filter(|rows| rows.len() > 1)).collect();
        bootstrap::crossed(&rows, options.confidence, options.replicates, options.random_seed)
    }
    let counts = pairs.iter().map(|p| match &p.images {
        Some(arm::Table::Counts(rows)) => Some(rows.as_slice()),
        _ => None,
    });
    let scores = pairs.iter().map(|p| match &p.images {
        Some(arm::Table::Scores(rows)) => Some(rows.as_slice()),
        _ => None,
    });
    let of_counts = limits(&counts.collect::<Vec<_>>(), options);
    let of_scores = limits(&scores.collect::<Vec<_>>(), options);
    of_counts.into_iter().zip(of_scores).map(|(counts, scores)| counts.or(scores)).collect()
}

pub(crate) fn check_options(options: &Options) -> Result<(), StatsError> {
    let wrong = |name, value, range| Err(StatsError::Option { name, value, range });
    let Options { margin, confidence, level, .. } = *options;
    let possible = match options.measure.unit {
        Unit::Percent => (0.0..=1.0).contains(&margin),
        Unit::Plain => margin >= 0.0 && margin.is_finite(),
    };
    if !possible {
        return wrong("margin", margin, "a fraction in [0, 1], or of a loss any number from 0");
    }
    if !(confidence > 0.0 && confidence < 1.0) {
        return wrong("confidence", confidence, "between 0 and 1");
    }
    if !(level > 0.0 && level < 0.5) {
        return wrong("level", level, "between 0 and 0.5");
    }
    Ok(())
}

/// Level comparisons meet exact fractions such as 2/64 summed in floating point.
fn at_most(p: Option<f64>, level: f64) -> bool {
    p.is_some_and(|p| p <= level * (1.0 + 1e-9))
}

/// The seeds agree on a difference more than all recipes together would by chance.
fn seeds_agree(c: &Comparison, levels: Levels) -> bool {
    at_most(c.p_adjusted, levels.differs)
}

/// Other test images would probably show a difference too, all recipes considered.
fn images_agree(c: &Comparison, levels: Levels) -> bool {
    c.p_images.is_none_or(|p| at_most(Some(p), levels.images))
}

/// The rule of the decision record.
fn decide(c: &Comparison, levels: Levels) -> Verdict {
    let p = |e: Equivalence| if levels.looked { e.p } else { e.p_holm };
    let equivalent = c.seeds.len() >= FEWEST_FOR_EQUIVALENCE
        && c.equivalence.is_some_and(|e| at_most(Some(p(e)), levels.equivalent));
    let elsewhere = images_agree(c, levels);
    let (higher, lower) = match c.measure.direction {
        Direction::HigherIsBetter => (Verdict::Better, Verdict::Worse),
        Direction::LowerIsBetter => (Verdict::Worse, Verdict::Better),
    };
    match c.interval {
        // Inside the margin goes first: the user said that such a difference would not matter, be it there or not.
        _ if equivalent => Verdict::Equivalent,
        Some(interval) if seeds_agree(c, levels) && elsewhere && interval.low > 0.0 => higher,
        Some(interval) if seeds_agree(c, levels) && elsewhere && interval.high < 0.0 => lower,
        _ => Verdict::Undecided,
    }
}

/// Why the verdict is what it is.
fn reason(
    c: &Comparison,
    options: &Options,
    levels: Levels,
    comparisons: usize,
    few_images: Option<usize>,
) -> Reason {
    let (Some(_), Some(interval)) = (c.mean, c.interval) else {
        return if c.mean.is_none() { Reason::NoSeedInCommon } else { Reason::OneSeedInCommon };
    };
    let corrected = |p: Option<f64>| Corrected { p: p.unwrap_or(1.0), comparisons };
    let p = corrected(c.p_adjusted);
    let includes_zero = interval.low <= 0.0 && interval.high >= 0.0;
    let seeds = c.seeds.len();
    let fewest = fewest_seeds(options.level);
    match c.verdict {
        Verdict::Better | Verdict::Worse => Reason::Differs { p },
        Verdict::Equivalent => {
            let there = seeds_agree(c, levels) && images_agree(c, levels) && !includes_zero;
            let inside = c.equivalence.map_or([interval.low, interval.high], |e| [e.low, e.high]);
            let confidence = c.equivalence.map_or(interval.confidence, |_| 1.0 - 2.0 * options.level);
            Reason::Equivalent { margin: options.margin, inside, confidence, there: there.then_some(p) }
        }
        Verdict::Undecided => Reason::Undecided(match few_images {
            Some(images) => Obstacle::FewImages { images },
            None if seeds < fewest => Obstacle::FewSeeds { smallest_p: smallest_p(seeds), fewest },
            None if seeds_agree(c, levels) && includes_zero => Obstacle::IntervalIncludesZero { p },
            None if seeds_agree(c, levels) => Obstacle::Images { p, images: corrected(c.p_images) },
            None if levels.looked && levels.differs > 0.0 => Obstacle::Look { level: levels.differs, p },
            None => Obstacle::Chance { p, excludes_zero: !includes_zero },
        }),
    }
}
