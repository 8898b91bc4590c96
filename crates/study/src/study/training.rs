//! What a study says of training and of the comparison.

use std::collections::HashSet;

use bakeoff_augment::RecipeConfig;
use bakeoff_nn::OptimizerConfig;

use super::resolver::Resolver;
use crate::config::{CompareConfig, Headline, Seeds, TrainConfig};

impl Resolver<'_> {
    pub(super) fn compare(&mut self, compare: &mut CompareConfig, train: Option<&TrainConfig>) {
        if let Seeds::Count(count) = compare.seeds
            && count > Seeds::MOST
        {
            // A list of them might not even fit into memory.
            return self.error("compare.seeds", format!("{count} seeds; at most {}", Seeds::MOST));
        }
        let seeds = compare.seeds.list();
        if seeds.len() as u64 > Seeds::MOST {
            return self.error("compare.seeds", format!("{} seeds; at most {}", seeds.len(), Seeds::MOST));
        }
        let mut met = HashSet::new();
        for (index, seed) in seeds.iter().enumerate() {
            if !met.insert(seed) {
                self.error(
                    &format!("compare.seeds[{index}]"),
                    format!("seed {seed} is listed twice; each seed is one pair of trials"),
                );
            }
        }
        match seeds.len() {
            1 => self.warn(
                "compare.seeds",
                "one seed cannot tell a better recipe from chance; every verdict will be undecided. Use six or more",
            ),
            count @ 2..=5 => self.warn(
                "compare.seeds",
                format!(
                    "{count} seeds cannot reach p < 0.05: the smallest p of an exact sign-flip test over {count} pairs \
                     is {}; six seeds can",
                    2f64.powi(1 - i32::try_from(count).unwrap_or(1))
                ),
            ),
            _ => {}
        }
        compare.seeds = Seeds::List(seeds);
        if let (Headline::MedianOfLast(k), Some(train)) = (compare.headline, train)
            && k > train.epochs
        {
            let message = format!("there are no {k} last epochs: train.epochs is {}", train.epochs);
            self.error("compare.headline", message);
        }
    }

    pub(super) fn train(&mut self, train: &TrainConfig, recipes: &[Option<RecipeConfig>]) {
        let OptimizerConfig::Sgd { lr, momentum, nesterov, .. } = train.optimizer;
        if lr <= 0.0 {
            self.error("train.optimizer.lr", format!("{lr} is out of range: must be more than 0"));
        }
        if momentum >= 1.0 {
            self.error(
                "train.optimizer.momentum",
                format!("{momentum} is out of range: must be less than 1, or steps never settle"),
            );
        }
        if nesterov && momentum == 0.0 {
            self.error("train.optimizer.nesterov", "needs momentum; set `momentum`, e.g. 0.9, or remove it");
        }
        if train.schedule.warmup_epochs > f64::from(train.epochs) {
            let message = format!(
                "{} warm-up epochs are more than the {} epochs of a trial; the rate would never arrive",
                train.schedule.warmup_epochs, train.epochs
            );
            self.error("train.schedule.warmup_epochs", message);
        }
        for (index, recipe) in recipes.iter().enumerate() {
            if train.batch == 1 && recipe.as_ref().is_some_and(|recipe| recipe.mix.is_some()) {
                self.error(
                    &format!("recipe[{index}].mix"),
                    "a batch of one image holds no partner to mix with; set train.batch to 2 or more",
                );
            }
        }
    }
}
