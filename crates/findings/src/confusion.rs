//! Which classes are taken for which: counts over all seeds of a recipe, and orders in which similar classes stand together.

use bakeoff_evidence::{Evidence, State};
use std::collections::BTreeMap;

/// Classes a matrix can show; of more, those most often misjudged are kept.
const MOST_CLASSES: usize = 200;

/// Counts of one recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Recipe.
    pub recipe: String,
    /// By true and predicted class.
    pub cells: BTreeMap<(u32, u32), u32>,
    /// Test images of each true class, over all seeds.
    pub rows: Vec<u32>,
}

impl Counts {
    /// How many of a class were taken for one.
    #[must_use]
    pub fn at(&self, truth: u32, predicted: u32) -> u32 {
        self.cells.get(&(truth, predicted)).copied().unwrap_or(0)
    }

    /// Share of a class's images taken for another (or for itself); `None` for a class without images.
    pub fn share(&self, truth: u32, predicted: u32) -> Option<f64> {
        let all = *self.rows.get(truth as usize)?;
        (all > 0).then(|| f64::from(self.at(truth, predicted)) / f64::from(all))
    }
}

/// The counts of all recipes that have predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    /// In study order.
    pub recipes: Vec<Counts>,
    /// Classes shown, by index, in the data set's order.
    pub shown: Vec<u32>,
}

/// A class taken for another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub truth: u32,
    pub predicted: u32,
}

impl Confusion {
    /// `None` without predictions, or where they speak of classes that the data record does not have.
    pub fn count(evidence: &Evidence) -> Option<Self> {
        let classes = evidence.data.as_ref()?.classes.len();
        let mut recipes = Vec::new();
        for recipe in &evidence.plan.recipes {
            let mut counts =
                Counts { recipe: recipe.name.clone(), cells: BTreeMap::new(), rows: vec![0; classes] };
            for trial in evidence.trials_of(&recipe.name) {
                let State::Finished { predictions: Some(predictions), .. } = &trial.state else { continue };
                for p in predictions {
                    if p.label as usize >= classes || p.predicted as usize >= classes {
                        return None;
                    }
                    *counts.cells.entry((p.label, p.predicted)).or_default() += 1;
                    counts.rows[p.label as usize] += 1;
                }
            }
            if counts.rows.iter().any(|n| *n > 0) {
                recipes.push(counts);
            }
        }
        if recipes.is_empty() {
            return None;
        }
        let mut shown: Vec<u32> = (0..classes as u32).collect();
        if classes > MOST_CLASSES {
            let errors =
                |class: u32| recipes.iter().map(|r| r.rows[class as usize] - r.at(class, class)).sum::<u32>();
            shown.sort_by_key(|class| std::cmp::Reverse(errors(*class)));
            shown.truncate(MOST_CLASSES);
            shown.sort_unstable();
        }
        Some(Self { recipes, shown })
    }

    /// The `most` pairs of different classes with the largest share over all recipes together, largest first.
    pub fn pairs(&self, most: usize) -> Vec<Pair> {
        let mut sums: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        for counts in &self.recipes {
            for &(truth, predicted) in counts.cells.keys().filter(|(t, p)| t != p) {
                *sums.entry((truth, predicted)).or_default() += counts.share(truth, predicted).unwrap_or(0.0);
            }
        }
        let mut pairs: Vec<_> = sums.into_iter().collect();
        pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
        pairs.into_iter().take(most).map(|((truth, predicted), _)| Pair { truth, predicted }).collect()
    }

    /// Positions in `shown`, the class with most errors first.
    pub fn hardest_first(&self) -> Vec<usize> {
        let recall = |at: usize| {
            let class = self.shown[at];
            self.recipes.iter().filter_map(|r| r.share(class, class)).sum::<f64>()
        };
        let mut order: Vec<usize> = (0..self.shown.len()).collect();
        order.sort_by(|&a, &b| recall(a).total_cmp(&recall(b)));
        order
    }

    /// Positions in `shown` so ordered that classes taken for one another stand together: average-linkage clustering on the
    /// symmetric share of confusions, each merge turned so that its most alike ends meet.
    pub fn similar_together(&self) -> Vec<usize> {
        let n = self.shown.len();
        let both = |a: usize, b: usize| {
            let (i, j) = (self.shown[a], self.shown[b]);
            let shares = |r: &Counts| r.share(i, j).unwrap_or(0.0) + r.share(j, i).unwrap_or(0.0);
            if a == b { 0.0 } else { self.recipes.iter().map(shares).sum::<f64>() }
        };
        let mut alike: Vec<Vec<f64>> = (0..n).map(|a| (0..n).map(|b| both(a, b)).collect()).collect();
        let single = alike.clone();
        let mut clusters: Vec<Option<Vec<usize>>> = (0..n).map(|i| Some(vec![i])).collect();
        for _ in 1..n {
            let open: Vec<usize> = (0..n).filter(|i| clusters[*i].is_some()).collect();
            let mut best = (f64::NEG_INFINITY, 0, 0);
            for (k, &a) in open.iter().enumerate() {
                for &b in &open[k + 1..] {
                    if alike[a][b] > best.0 {
                        best = (alike[a][b], a, b);
                    }
                }
            }
            let (_, a, b) = best;
            let (Some(mut left), Some(mut right)) = (clusters[a].take(), clusters[b].take()) else { break };
            let (weight_a, weight_b) = (left.len() as f64, right.len() as f64);
            for &c in &open {
                let mean = (alike[a][c] * weight_a + alike[b][c] * weight_b) / (weight_a + weight_b);
                alike[a][c] = mean;
                alike[c][a] = mean;
            }
            let ends = |x: &[usize], y: &[usize]| single[x[x.len() - 1]][y[0]];
            let mut best = (f64::NEG_INFINITY, false, false);
            for turn_left in [false, true] {
                for turn_right in [false, true] {
                    let turned = |v: &[usize], turn: bool| {
                        if turn { v.iter().rev().copied().collect() } else { v.to_vec() }
                    };
                    let closeness = ends(&turned(&left, turn_left), &turned(&right, turn_right));
                    if closeness > best.0 {
                        best = (closeness, turn_left, turn_right);
                    }
                }
            }
            if best.1 {
                left.reverse();
            }
            if best.2 {
                right.reverse();
            }
            left.append(&mut right);
            clusters[a] = Some(left);
        }
        clusters.into_iter().flatten().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(n: u32, cells: &[(u32, u32, u32)]) -> Confusion {
        let mut counts = Counts { recipe: "none".into(), cells: BTreeMap::new(), rows: vec![0; n as usize] };
        for &(t, p, k) in cells {
            counts.cells.insert((t, p), k);
            counts.rows[t as usize] += k;
        }
        Confusion { recipes: vec![counts], shown: (0..n).collect() }
    }

    #[test]
    fn classes_taken_for_one_another_stand_together() {
        // 0 and 3 are confused, 1 and 4 are, 2 with nothing.
        let c = confusion(
            5,
            &[(0, 0, 6), (0, 3, 4), (3, 3, 5), (3, 0, 5), (1, 4, 3), (1, 1, 7), (4, 4, 10), (2, 2, 10)],
        );
        let order = c.similar_together();
        let place = |class| order.iter().position(|c| *c == class).unwrap() as i32;
        assert_eq!((place(0) - place(3)).abs(), 1, "{order:?}");
        assert_eq!((place(1) - place(4)).abs(), 1, "{order:?}");
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
        assert_eq!(c.hardest_first()[..3], [3, 0, 1]);
    }

    #[test]
    fn pairs_are_ordered_by_share_and_leave_out_what_is_right() {
        let c = confusion(3, &[(0, 0, 90), (0, 1, 10), (1, 2, 5), (1, 1, 5), (2, 2, 4)]);
        assert_eq!(c.pairs(9), [Pair { truth: 1, predicted: 2 }, Pair { truth: 0, predicted: 1 }]);
        assert_eq!(c.recipes[0].share(1, 2), Some(0.5));
    }
}
