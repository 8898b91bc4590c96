//! Train, validation and test never mix.

use crate::number::number;
use std::collections::HashMap;

use bakeoff_random::Stream;
use serde::{Deserialize, Serialize};

use crate::listing::limited;
use crate::{
    DataError, Dataset, DeclaredSplit, Duplicates, Groups, SplitConfig, TestConfig, TestFrom,
    ValidationConfig, ValidationFrom, Warning,
};

/// Sample indices of one seed's splits, each sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splits {
    /// Trained on.
    pub train: Vec<usize>,
    /// Selection looks here only.
    pub validation: Vec<usize>,
    /// Touched once, at the end.
    pub test: Vec<usize>,
    /// Classes whose share groups did not allow.
    pub uneven: Vec<Uneven>,
}

/// A class of which a split holds clearly more or less than its share, because images that belong together stay together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uneven {
    /// The class.
    pub class: String,
    /// `test` or `validation`.
    pub split: String,
    /// Images that would be its share.
    pub wanted: usize,
    /// Images it holds.
    pub taken: usize,
    /// Images they were taken from.
    pub images: usize,
    /// Images of the class in its largest group.
    pub largest: usize,
}

impl std::fmt::Display for Uneven {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { class, split, wanted, taken, images, largest } = self;
        write!(
            formatter,
            "the {split} split holds {taken} of the {images} images of class {class} instead of {wanted}: {largest} of them are \
             copies of each other, or of one subject, and stay together"
        )
    }
}

/// What is taken as a whole: a group as far as it is in the pool, or one image.
struct SplitUnit {
    /// The first sample of the group, in the pool or not.
    first: usize,
    /// The first of it in the pool.
    lead: usize,
    /// Where that one stands in its class's order, in [0, 1).
    rank: f64,
    /// Images of each class.
    images: Vec<(usize, usize)>,
}

/// What is taken of a class.
struct ClassShare {
    total: usize,
    wanted: usize,
    taken: usize,
    units: usize,
    taken_units: usize,
    /// Twice its share of groups at most: else a class of one large group and a few other images would lose all the others.
    most_units: usize,
    /// Images of the largest group.
    largest: usize,
}

impl ClassShare {
    fn of(total: usize, fraction: f64) -> Self {
        let wanted = ((total as f64 * fraction).round() as usize).clamp(1, total - 1);
        Self { total, wanted, taken: 0, units: 0, taken_units: 0, most_units: 0, largest: 0 }
    }

    fn take(&mut self, images: usize) {
        self.taken += images;
        self.taken_units += 1;
    }

    /// How much nearer to what is wanted so many images more would bring it.
    fn gain(&self, images: usize) -> i64 {
        let off = |taken: usize| self.wanted.abs_diff(taken) as i64;
        off(self.taken) - off(self.taken + images)
    }
}

/// What the draws of one call have in common.
struct Drawing<'a> {
    groups: &'a Groups,
    uneven: Vec<Uneven>,
}

impl Splits {
    /// 0 in train, 1 in validation, 2 in test; `None` where a sample is in none of them.
    #[must_use]
    pub fn place(&self, sample: usize) -> Option<usize> {
        let splits = [&self.train, &self.validation, &self.test];
        splits.iter().position(|split| split.binary_search(&sample).is_ok())
    }

    /// The sets of images that stand in more than one of the three splits.
    #[must_use]
    pub fn shared<'a>(&self, duplicates: &'a [Duplicates]) -> Vec<&'a Duplicates> {
        let crosses = |set: &&Duplicates| {
            let mut places = set.samples.iter().filter_map(|&sample| self.place(sample));
            places.next().is_some_and(|first| places.any(|other| other != first))
        };
        duplicates.iter().filter(crosses).collect()
    }
}

/// The images of each class, by label.
type ByClass = Vec<Vec<usize>>;

impl Dataset {
    /// A word about declared groups whose images stand in several places, by what `place` says of each.
    #[must_use]
    pub fn cut_groups(&self, place: &dyn Fn(usize) -> Option<usize>) -> Option<Warning> {
        let cut: Vec<[usize; 2]> = self
            .groups
            .sets()
            .iter()
            .filter_map(|set| {
                let first = *set.iter().find(|&&sample| place(sample).is_some())?;
                let other =
                    set.iter().find(|&&sample| place(sample).is_some_and(|at| Some(at) != place(first)))?;
                Some([first, *other])
            })
            .collect();
        let example = cut.first()?.map(|sample| self.samples[sample].id.as_str()).join(" and ");
        Some(Warning::GroupAcrossSplits { count: cut.len(), example })
    }

    /// The splits of one trial. Stratified: of every class the same share. The test split does not depend on `seed`.
    ///
    /// `usable` says for every sample whether it may be used (see [`Inspection::usable`](crate::Inspection)); a sample
    /// beyond its end may. Images of one of the `groups` (see [`Inspection::groups`](crate::Inspection)) stand on one side of every
    /// split that is drawn here; the source's own splits are what the source says. Where no two images of a class are of one group
    /// its share is exact, and the draw is that of a permutation of its images.
    ///
    /// # Errors
    /// The source lacks a split that was asked for, a fraction is outside (0, 1), or a class has too few images.
    pub fn splits(
        &self,
        config: &SplitConfig,
        seed: u64,
        usable: &[bool],
        groups: &Groups,
    ) -> Result<Splits, DataError> {
        let mut drawing = Drawing { groups, uneven: Vec::new() };
        let [train, validation, test, undeclared] = self.by_declared_split(usable);
        let has = |classes: &ByClass| classes.iter().any(|class| !class.is_empty());
        let unusable = |message: String| DataError::unusable(&self.path, message);

        let (mut train, mut own_validation, mut test) = match config.test {
            Some(TestConfig { from: TestFrom::All, fraction, seed }) => {
                let all = joined(joined(train, validation), joined(test, undeclared));
                let (train, test) = self.held_out(all, fraction, seed, "test", &mut drawing)?;
                (train, None, test)
            }
            Some(TestConfig { from: TestFrom::Train, fraction, seed }) => {
                let (train, test) =
                    self.held_out(joined(train, undeclared), fraction, seed, "test", &mut drawing)?;
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
                let (train, test) =
                    self.held_out(joined(train, undeclared), fraction, seed, "test", &mut drawing)?;
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
                self.held_out(pool, fraction, seed, "validation", &mut drawing)?
            }
        };
        self.check_splits(&train, &test)?;
        let flat = |classes: ByClass| {
            let mut indices: Vec<usize> = classes.into_iter().flatten().collect();
            indices.sort_unstable();
            indices
        };
        let uneven = drawing.uneven;
        Ok(Splits { train: flat(train), validation: flat(validation), test: flat(test), uneven })
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

    /// Takes a share of every class: at least one image, and at least one is left. Images of one group go together.
    fn held_out(
        &self,
        pool: ByClass,
        fraction: f64,
        seed: u64,
        name: &'static str,
        drawing: &mut Drawing<'_>,
    ) -> Result<(ByClass, ByClass), DataError> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(DataError::unusable(
                &self.path,
                format!("cannot be split: data.{name}.fraction is {fraction}, must be above 0 and below 1"),
            ));
        }
        let operation = format!("{name}-split");
        for (label, indices) in pool.iter().enumerate() {
            let total = indices.len();
            if total < 2 {
                let class = self.classes.get(label).map_or("", String::as_str);
                return Err(DataError::unusable(
                    &self.path,
                    format!(
                        "class {class} has {}, too few to take {name} images from: at least 2 are \
                         needed; add images, or leave the class out by naming the others in data.classes",
                        number(total, "image")
                    ),
                ));
            }
        }
        let units = self.units(&pool, seed, &operation, drawing.groups);
        let mut shares: Vec<ClassShare> =
            pool.iter().map(|indices| ClassShare::of(indices.len(), fraction)).collect();
        for unit in &units {
            for &(label, images) in &unit.images {
                shares[label].units += 1;
                shares[label].largest = shares[label].largest.max(images);
            }
        }
        for (label, share) in shares.iter_mut().enumerate() {
            if share.units < 2 {
                return Err(self.one_group(label, &pool[label], name));
            }
            share.most_units =
                (2 * (share.units as f64 * fraction).round() as usize).clamp(1, share.units - 1);
        }

        // In the order drawn, whatever does not take too much.
        let mut taken = vec![false; units.len()];
        for (unit, taken) in units.iter().zip(&mut taken) {
            let fits = |&(label, images): &(usize, usize)| {
                let share: &ClassShare = &shares[label];
                share.taken + images <= share.wanted && share.taken_units < share.most_units
            };
            if unit.images.iter().all(fits) {
                *taken = true;
                unit.images.iter().for_each(|&(label, images)| shares[label].take(images));
            }
        }
        // Then, where a class is still short, whatever brings it nearest to its share; something in any case.
        for label in 0..shares.len() {
            while shares[label].taken < shares[label].wanted
                && shares[label].taken_units < shares[label].most_units
            {
                let gain = |&(place, unit): &(usize, &SplitUnit)| {
                    let own = unit.images.iter().any(|&(of, _)| of == label);
                    let leaves = |&(of, images): &(usize, usize)| {
                        shares[of].taken + images < shares[of].total
                            && shares[of].taken_units + 1 < shares[of].units
                    };
                    let usable = own && !taken[place] && unit.images.iter().all(leaves);
                    usable
                        .then(|| unit.images.iter().map(|&(of, images)| shares[of].gain(images)).sum::<i64>())
                };
                let best = units
                    .iter()
                    .enumerate()
                    .filter_map(|candidate| Some((gain(&candidate)?, candidate.0)))
                    .max_by_key(|&(gain, place)| (gain, std::cmp::Reverse(place)));
                let Some((_, place)) = best.filter(|&(gain, _)| gain > 0 || shares[label].taken == 0) else {
                    break;
                };
                taken[place] = true;
                units[place].images.iter().for_each(|&(label, images)| shares[label].take(images));
            }
            if shares[label].taken == 0 {
                return Err(self.one_group(label, &pool[label], name));
            }
        }
        for (label, share) in shares.iter().enumerate() {
            // To be off by a group of average size is no matter.
            let usual = share.total.div_ceil(share.units).max(share.wanted / 4);
            if share.wanted.abs_diff(share.taken) > usual {
                drawing.uneven.push(Uneven {
                    class: self.classes[label].clone(),
                    split: name.to_owned(),
                    wanted: share.wanted,
                    taken: share.taken,
                    images: share.total,
                    largest: share.largest,
                });
            }
        }
        let chosen: std::collections::HashSet<usize> =
            units.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(unit, _)| unit.first).collect();
        // The next draw is over positions, so the order must be the samples'.
        let part = |taken: bool| -> ByClass {
            let of = |&&index: &&usize| chosen.contains(&drawing.groups.first_of(index)) == taken;
            pool.iter().map(|indices| indices.iter().filter(of).copied().collect()).collect()
        };
        Ok((part(false), part(true)))
    }

    /// What is taken as a whole, in the order drawn: groups, and images by themselves. Where no image of a class belongs to another,
    /// its order is that of a permutation of its images.
    fn units(&self, pool: &ByClass, seed: u64, operation: &str, groups: &Groups) -> Vec<SplitUnit> {
        let mut ranked: Vec<(f64, usize)> = Vec::new();
        let mut of_first: HashMap<usize, SplitUnit> = HashMap::new();
        for (label, indices) in pool.iter().enumerate() {
            let order = Stream::new(seed, operation, 0, label as u64).permutation(indices.len());
            for (rank, position) in order.into_iter().enumerate() {
                let index = indices[position];
                let first = groups.first_of(index);
                let unit = of_first.entry(first).or_insert_with(|| SplitUnit {
                    first,
                    lead: index,
                    rank: 0.0,
                    images: Vec::new(),
                });
                // One image stands for its group, so that a large group is no more likely to come early.
                if index <= unit.lead {
                    (unit.lead, unit.rank) = (index, rank as f64 / indices.len() as f64);
                }
                match unit.images.iter_mut().find(|(of, _)| *of == label) {
                    Some((_, images)) => *images += 1,
                    None => unit.images.push((label, 1)),
                }
            }
        }
        ranked.extend(of_first.values().map(|unit| (unit.rank, unit.first)));
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().filter_map(|(_, first)| of_first.remove(&first)).collect()
    }

    fn one_group(&self, label: usize, indices: &[usize], name: &str) -> DataError {
        let class = self.classes.get(label).map_or("", String::as_str);
        let named: Vec<&str> = indices.iter().take(3).map(|&index| self.samples[index].id.as_str()).collect();
        let more = if indices.len() > 3 { ", …" } else { "" };
        DataError::unusable(
            &self.path,
            format!(
                "the {} images of class {class} cannot be split: they are copies of each other, or of one subject ({}{more}), so no \
                 {name} images can be taken that the network is not also trained on. Add other images, leave the class out by \
                 naming the others in data.classes, or, where they are different images after all, say data.copies = \"identical\" \
                 or \"ignore\"",
                indices.len(),
                named.join(", ")
            ),
        )
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
