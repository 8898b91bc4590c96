//! Train, validation and test never mix.

use bakeoff_random::Stream;
use serde::{Deserialize, Serialize};

use crate::listing::limited;
use crate::{
    DataError, Dataset, Duplicates, SplitConfig, TestConfig, TestFrom, ValidationConfig, ValidationFrom,
};

/// The split a source declares for a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredSplit {
    /// Training.
    Train,
    /// Validation, where the source has one.
    Validation,
    /// Test.
    Test,
    /// The source declares no splits.
    Undeclared,
}

impl DeclaredSplit {
    /// The split's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Undeclared => "undeclared",
        }
    }
}

/// Sample indices of one seed's splits, each sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splits {
    /// Trained on.
    pub train: Vec<usize>,
    /// Selection looks here only.
    pub validation: Vec<usize>,
    /// Touched once, at the end.
    pub test: Vec<usize>,
}

impl Splits {
    /// The sets of byte-identical images that stand in more than one of the three splits.
    #[must_use]
    pub fn shared<'a>(&self, duplicates: &'a [Duplicates]) -> Vec<&'a Duplicates> {
        let splits = [&self.train, &self.validation, &self.test];
        let place = |sample: &usize| splits.iter().position(|split| split.binary_search(sample).is_ok());
        let crosses = |set: &&Duplicates| {
            let mut places = set.samples.iter().filter_map(place);
            places.next().is_some_and(|first| places.any(|other| other != first))
        };
        duplicates.iter().filter(crosses).collect()
    }
}

/// The images of each class, by label.
type ByClass = Vec<Vec<usize>>;

impl Dataset {
    /// The splits of one trial. Stratified: of every class the same share. The test split does not depend on `seed`.
    ///
    /// `usable` says for every sample whether it may be used (see [`Inspection::usable`](crate::Inspection)); a sample
    /// beyond its end may.
    ///
    /// # Errors
    /// The source lacks a split that was asked for, a fraction is outside (0, 1), or a class has too few images.
    pub fn splits(&self, config: &SplitConfig, seed: u64, usable: &[bool]) -> Result<Splits, DataError> {
        let [train, validation, test, undeclared] = self.by_declared_split(usable);
        let has = |classes: &ByClass| classes.iter().any(|class| !class.is_empty());
        let unusable = |message: String| DataError::unusable(&self.path, message);

        let (mut train, mut own_validation, mut test) = match config.test {
            Some(TestConfig { from: TestFrom::All, fraction, seed }) => {
                let all = joined(joined(train, validation), joined(test, undeclared));
                let (train, test) = self.held_out(all, fraction, seed, "test")?;
                (train, None, test)
            }
            Some(TestConfig { from: TestFrom::Train, fraction, seed }) => {
                let (train, test) = self.held_out(joined(train, undeclared), fraction, seed, "test")?;
                (train, has(&validation).then_some(validation), test)
            }
            Some(TestConfig { from: TestFrom::Validation, .. }) => {
                if !has(&validation) {
                    return Err(unusable(
                        "declares no validation split, which data.test.from = \"validation\" asks for".into(),
                    ));
                }
                (joined(train, undeclared), None, validation)
            }
            Some(TestConfig { from: TestFrom::Source, .. }) if !has(&test) => {
                return Err(unusable(
                    "declares no test split, which data.test.from = \"source\" asks for; hold one out with \
                     from = \"train\""
                        .into(),
                ));
            }
            None if !has(&test) && has(&validation) => {
                return Err(unusable(
                    "declares train and validation images but no test images; say data.test = { from = \"validation\" } \
                     to test on its validation split (validation is then taken from train), or { from = \"train\", \
                     fraction = 0.2 } to hold test images out of train"
                        .into(),
                ));
            }
            None if !has(&test) => {
                let TestConfig { fraction, seed, .. } = TestConfig::default();
                let (train, test) = self.held_out(joined(train, undeclared), fraction, seed, "test")?;
                (train, None, test)
            }
            // Images without a split beside such with one can only be trained on.
            None | Some(TestConfig { from: TestFrom::Source, .. }) => {
                (joined(train, undeclared), has(&validation).then_some(validation), test)
            }
        };
        self.limit_classes(DeclaredSplit::Train, &mut train, self.limit.train_per_class);
        self.limit_classes(DeclaredSplit::Test, &mut test, self.limit.test_per_class);

        let (train, validation) = match (config.validation, own_validation.take()) {
            (None | Some(ValidationConfig { from: ValidationFrom::Source, .. }), Some(validation)) => {
                (train, validation)
            }
            (Some(ValidationConfig { from: ValidationFrom::Source, .. }), None) => {
                return Err(unusable(
                    "has no validation split of its own, which data.validation.from = \"source\" asks for; take it \
                     with from = \"train\""
                        .into(),
                ));
            }
            (config, own) => {
                let fraction = config.unwrap_or_default().fraction;
                let mut pool = train;
                if let Some(own) = own {
                    pool = joined(pool, own);
                    self.limit_classes(DeclaredSplit::Train, &mut pool, self.limit.train_per_class);
                }
                self.held_out(pool, fraction, seed, "validation")?
            }
        };
        self.check_splits(&train, &test)?;
        let flat = |classes: ByClass| {
            let mut indices: Vec<usize> = classes.into_iter().flatten().collect();
            indices.sort_unstable();
            indices
        };
        Ok(Splits { train: flat(train), validation: flat(validation), test: flat(test) })
    }

    fn by_declared_split(&self, usable: &[bool]) -> [ByClass; 4] {
        let mut splits = [(); 4].map(|()| vec![Vec::new(); self.classes.len()]);
        for (index, sample) in self.samples.iter().enumerate() {
            if usable.get(index).copied().unwrap_or(true) {
                splits[sample.split as usize][sample.label].push(index);
            }
        }
        splits
    }

    /// Takes a share of every class: at least one image, and at least one is left.
    fn held_out(
        &self,
        pool: ByClass,
        fraction: f64,
        seed: u64,
        name: &str,
    ) -> Result<(ByClass, ByClass), DataError> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(DataError::unusable(
                &self.path,
                format!("cannot be split: data.{name}.fraction is {fraction}, must be above 0 and below 1"),
            ));
        }
        let operation = format!("{name}-split");
        let (mut left, mut taken) = (Vec::new(), Vec::new());
        for (label, indices) in pool.into_iter().enumerate() {
            let total = indices.len();
            if total < 2 {
                let class = self.classes.get(label).map_or("", String::as_str);
                return Err(DataError::unusable(
                    &self.path,
                    format!(
                        "class {class} has {total} image(s), too few to take {name} images from: at least 2 are \
                         needed; add images, or leave the class out by naming the others in data.classes"
                    ),
                ));
            }
            let take = ((total as f64 * fraction).round() as usize).clamp(1, total - 1);
            let order = Stream::new(seed, &operation, 0, label as u64).permutation(total);
            let pick =
                |positions: &[usize]| positions.iter().map(|&position| indices[position]).collect::<Vec<_>>();
            taken.push(pick(&order[..take]));
            left.push(pick(&order[take..]));
        }
        // The next draw is over positions, so the order must be the samples'.
        left.iter_mut().for_each(|class: &mut Vec<usize>| class.sort_unstable());
        taken.iter_mut().for_each(|class: &mut Vec<usize>| class.sort_unstable());
        Ok((left, taken))
    }

    fn limit_classes(&self, split: DeclaredSplit, pool: &mut ByClass, most: Option<usize>) {
        let Some(most) = most else { return };
        for (label, indices) in pool.iter_mut().enumerate().filter(|(_, indices)| indices.len() > most) {
            *indices = limited(split, label, indices, most).0;
        }
    }

    fn check_splits(&self, train: &ByClass, test: &ByClass) -> Result<(), DataError> {
        for (label, class) in self.classes.iter().enumerate() {
            if train[label].is_empty() {
                return Err(DataError::unusable(
                    &self.path,
                    format!(
                        "class {class} has no usable train image left; add some, or leave the class out by naming the \
                         others in data.classes"
                    ),
                ));
            }
        }
        if test.iter().all(Vec::is_empty) {
            return Err(DataError::unusable(&self.path, "has no usable test image"));
        }
        Ok(())
    }
}

fn joined(mut one: ByClass, other: ByClass) -> ByClass {
    for (class, more) in one.iter_mut().zip(other) {
        class.extend(more);
        class.sort_unstable();
    }
    one
}
