//! Images that no one has to download: fish under water, drawn by arithmetic, with planted truth.
//!
//! A world is a [`GeneratedConfig`]. `carries` names the traits of the animal that decide its label; every other trait
//! is drawn afresh for each picture and tells nothing about the label. So it is known beforehand what an augmentation
//! that blurs a trait must do ([`GeneratedConfig::planted`]), and a comparison of recipes can itself be tested.
//!
//! A picture is a pure function of (config, split, number): no state, no files, any order, any thread. The scene of a
//! number does not depend on `size`, nor on which traits carry the label except for those traits themselves, so that two
//! worlds can be compared picture by picture.

mod canvas;
mod config;
mod fish;
mod scene;

use bakeoff_random::Stream;

use crate::{DeclaredSplit, RgbImage};
use config::TRAITS;
pub use config::{GeneratedConfig, Trait};
use scene::Scene;

/// What an augmentation must do in a world, known before anything is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The augmentation destroys a trait that carries the label: worse than doing nothing.
    Worse,
    /// It varies what is nuisance anyway: better than doing nothing, or equivalent.
    NotWorse,
}

/// The planted truth of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planted {
    /// Mirroring left to right.
    pub flip: Expectation,
    /// Shifting hues by a fifth of the colour circle or more.
    pub colour: Expectation,
}

/// One picture of a world, not yet drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedSample {
    /// `<split>/<class>/<number>`, unique in the world.
    pub id: String,
    /// Index into [`GeneratedConfig::classes`]; differs from what is drawn where label noise struck.
    pub label: usize,
    /// Train, validation or test.
    pub split: DeclaredSplit,
    /// Number within the split, from 0; with the split it is all that [`GeneratedConfig::render`] needs.
    pub number: usize,
}

impl GeneratedConfig {
    /// Whether such a world can be drawn.
    ///
    /// # Errors
    /// What is wrong with which knob, and what to do: one sentence for each.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        let mut whole = |name: &str, value: usize, low: usize, high: usize| {
            if !(low..=high).contains(&value) {
                wrong.push(format!("{name} = {value}: must be between {low} and {high}"));
            }
        };
        whole("classes", self.classes, 2, 64);
        whole("size", self.size, 16, 512);
        whole("train_per_class", self.train_per_class, 1, 100_000);
        whole("validation_per_class", self.validation_per_class, 0, 100_000);
        whole("test_per_class", self.test_per_class, 1, 100_000);
        for (name, value, high) in [
            ("colour_shift", self.colour_shift, 1.0),
            ("light", self.light, 1.0),
            ("clutter", self.clutter, 1.0),
            ("noise", self.noise, 1.0),
            ("blur", self.blur, 1.0),
            ("position", self.position, 1.0),
            ("scale", self.scale, 1.0),
            ("tilt", self.tilt, 60.0),
            ("label_noise", self.label_noise, 0.9),
        ] {
            if !(0.0..=high).contains(&value) {
                wrong.push(format!("{name} = {value}: must be between 0 and {high}"));
            }
        }
        let combinations: usize = self.carriers().map(Trait::kinds).product();
        if self.carries.is_empty() {
            wrong.push("carries is empty: name at least one trait, for example \"shape\"".to_owned());
        } else if combinations < self.classes {
            wrong.push(format!(
                "classes = {}: the traits in carries tell at most {combinations} classes apart; name more traits or ask \
                 for fewer classes",
                self.classes
            ));
        } else if self.classes < 1 << self.carriers().count() {
            wrong.push(format!(
                "classes = {}: with {} traits in carries at least {} are needed, or some trait would tell nothing",
                self.classes,
                self.carriers().count(),
                1 << self.carriers().count()
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Class names in label order: the words of the traits that carry the label, `golden-bream` or `left-facing-eel`.
    #[must_use]
    pub fn class_names(&self) -> Vec<String> {
        let levels = self.levels();
        (0..self.classes)
            .map(|class| {
                let mut words: Vec<&str> = TRAITS
                    .into_iter()
                    .filter(|&t| self.carries(t))
                    .map(|t| fish::word(t, self.kind(&levels, t, class).unwrap_or(0)))
                    .collect();
                if !self.carries(Trait::Shape) {
                    words.push("fish");
                }
                words.join("-")
            })
            .collect()
    }

    /// Pictures in a split. Every class has the same number of them.
    #[must_use]
    pub fn count(&self, split: DeclaredSplit) -> usize {
        self.classes
            * match split {
                DeclaredSplit::Train => self.train_per_class,
                DeclaredSplit::Validation => self.validation_per_class,
                DeclaredSplit::Test => self.test_per_class,
                DeclaredSplit::Undeclared => 0,
            }
    }

    /// All pictures: train, then validation, then test.
    #[must_use]
    pub fn samples(&self) -> Vec<GeneratedSample> {
        let names = self.class_names();
        [
            (DeclaredSplit::Train, "train"),
            (DeclaredSplit::Validation, "validation"),
            (DeclaredSplit::Test, "test"),
        ]
        .into_iter()
        .flat_map(|(split, folder)| (0..self.count(split)).map(move |number| (split, folder, number)))
        .map(|(split, folder, number)| {
            let label = self.label(split, number);
            let name = names.get(label).map_or("", String::as_str);
            GeneratedSample { id: format!("{folder}/{name}/{number:06}"), label, split, number }
        })
        .collect()
    }

    /// Draws a picture, `size` × `size`. `number` is that of [`GeneratedSample`], but any will do.
    #[must_use]
    pub fn render(&self, split: DeclaredSplit, number: usize) -> RgbImage {
        Scene::draw(self, split, number).paint(self.size)
    }

    /// What mirroring and colour jitter must do here.
    #[must_use]
    pub fn planted(&self) -> Planted {
        let judge = |t| if self.carries(t) { Expectation::Worse } else { Expectation::NotWorse };
        Planted { flip: judge(Trait::Handedness), colour: judge(Trait::Colour) }
    }

    /// Whether a trait carries the label.
    #[must_use]
    pub fn carries(&self, t: Trait) -> bool {
        self.carries.contains(&t)
    }

    /// The carriers without repetition.
    fn carriers(&self) -> impl Iterator<Item = Trait> {
        TRAITS.into_iter().filter(|&t| self.carries(t))
    }

    /// The class that is drawn.
    fn class(&self, number: usize) -> usize {
        number % self.classes.max(1)
    }

    /// The class that is told.
    fn label(&self, split: DeclaredSplit, number: usize) -> usize {
        let class = self.class(number);
        let mut stream = Stream::new(self.seed, "generated-label-noise", 0, number as u64);
        if split == DeclaredSplit::Train && self.classes > 1 && stream.coin(self.label_noise) {
            return (class + 1 + stream.below(self.classes - 1)) % self.classes;
        }
        class
    }

    /// How many kinds of each carrier are used, two at least: the fewest combinations that are enough for the classes,
    /// then as even as can be, then rather many shapes than many of another trait.
    fn levels(&self) -> [(Trait, usize); 6] {
        let most = TRAITS.map(|t| if self.carries(t) { t.kinds() } else { 1 });
        let mut here = most.map(|most| most.min(2));
        let mut best = most;
        let rank = |levels: &[usize; 6]| {
            let combinations: usize = levels.iter().product();
            let mut last_first = *levels;
            last_first.reverse();
            let uneven = levels.iter().max().copied();
            (combinations < self.classes, combinations, uneven, std::cmp::Reverse(last_first))
        };
        // Counts through all of them like an odometer: at most a few hundred.
        loop {
            if rank(&here) < rank(&best) {
                best = here;
            }
            let Some(turns) = (0..TRAITS.len()).find(|&i| here[i] < most[i]) else {
                return std::array::from_fn(|i| (TRAITS[i], best[i]));
            };
            here[turns] += 1;
            for i in 0..turns {
                here[i] = most[i].min(2);
            }
        }
    }

    /// Which kind of a trait a class has; `None` where the trait is nuisance.
    fn kind(&self, levels: &[(Trait, usize); 6], t: Trait, class: usize) -> Option<usize> {
        let mut rest = class;
        for &(other, count) in levels {
            if other == t {
                return self.carries(t).then(|| fish::nth_kind(t, rest % count, count));
            }
            rest /= count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPLITS: [DeclaredSplit; 3] = [DeclaredSplit::Train, DeclaredSplit::Validation, DeclaredSplit::Test];

    fn world(carries: &[Trait]) -> GeneratedConfig {
        GeneratedConfig { carries: carries.to_vec(), size: 24, ..GeneratedConfig::default() }
    }

    /// Mean of each channel over the picture, and over its inner ninth where the animal is.
    fn mean_colours(picture: &RgbImage) -> Vec<f64> {
        let size = picture.width();
        let mut sums = vec![0.0; 6];
        for (place, pixel) in picture.pixels().chunks_exact(3).enumerate() {
            let inner = |v: usize| (size / 3..size - size / 3).contains(&v);
            let middle = inner(place % size) && inner(place / size);
            for c in 0..3 {
                sums[c] += f64::from(pixel[c]) / (size * size) as f64;
                sums[3 + c] += if middle { f64::from(pixel[c]) / (size * size / 9) as f64 } else { 0.0 };
            }
        }
        // Colour alone: what each channel has beyond the mean of the three, so that brightness tells nothing.
        for half in sums.chunks_exact_mut(3) {
            let grey = half.iter().sum::<f64>() / 3.0;
            half.iter_mut().for_each(|c| *c -= grey);
        }
        sums
    }

    /// Test accuracy of the nearest class mean of `features`.
    fn nearest_mean(config: &GeneratedConfig, features: impl Fn(&RgbImage) -> Vec<f64>) -> f64 {
        let of = |split: DeclaredSplit, number: usize| features(&config.render(split, number));
        let mut means = vec![vec![]; config.classes];
        for number in 0..config.count(DeclaredSplit::Train) {
            let mean: &mut Vec<f64> = &mut means[config.class(number)];
            let here = of(DeclaredSplit::Train, number);
            mean.resize(here.len(), 0.0);
            mean.iter_mut().zip(here).for_each(|(sum, v)| *sum += v / config.train_per_class as f64);
        }
        let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let right = (0..config.count(DeclaredSplit::Test)).filter(|&number| {
            let here = of(DeclaredSplit::Test, number);
            (0..config.classes).min_by(|&a, &b| far(&means[a], &here).total_cmp(&far(&means[b], &here)))
                == Some(config.class(number))
        });
        right.count() as f64 / config.count(DeclaredSplit::Test) as f64
    }

    #[test]
    fn a_picture_is_a_function_of_its_number_alone() {
        let config = GeneratedConfig::default();
        let once = config.render(DeclaredSplit::Train, 5);
        let _ = config.render(DeclaredSplit::Test, 1);
        assert_eq!(once, config.render(DeclaredSplit::Train, 5));
        assert_ne!(
            once,
            config.render(DeclaredSplit::Train, 5 + config.classes),
            "same class, another animal"
        );
        assert_ne!(once, GeneratedConfig { seed: 2, ..config }.render(DeclaredSplit::Train, 5));
    }

    #[test]
    fn no_picture_stands_in_two_splits() {
        let config = GeneratedConfig { train_per_class: 40, test_per_class: 40, ..world(&[Trait::Shape]) };
        let mut pictures: Vec<Vec<u8>> =
            config.samples().iter().map(|s| config.render(s.split, s.number).pixels().to_vec()).collect();
        let count = pictures.len();
        pictures.sort();
        pictures.dedup();
        assert_eq!(pictures.len(), count);
    }

    #[test]
    fn every_class_has_a_name_of_its_own_and_as_many_pictures() {
        for (carries, classes) in [
            (vec![Trait::Shape, Trait::Colour], 8),
            (vec![Trait::Shape], 6),
            (vec![Trait::Handedness], 2),
            (vec![Trait::Texture, Trait::Colour, Trait::Handedness], 11),
            (vec![Trait::Scale, Trait::Position], 9),
            (TRAITS.to_vec(), 64),
        ] {
            let config = GeneratedConfig { classes, carries, ..GeneratedConfig::default() };
            assert_eq!(config.check(), Ok(()));
            let mut names = config.class_names();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), classes, "{names:?}");
            let samples = config.samples();
            for split in SPLITS {
                let own = |class| samples.iter().filter(|s| s.split == split && s.label == class).count();
                assert!((0..classes).all(|class| own(class) * classes == config.count(split)));
            }
        }
    }

    #[test]
    fn a_world_that_cannot_be_is_refused_with_every_reason() {
        let refused = |config: GeneratedConfig| config.check().expect_err("refused").join("\n");
        assert!(refused(GeneratedConfig { carries: vec![], ..world(&[]) }).contains("carries is empty"));
        assert!(refused(world(&[Trait::Handedness])).contains("at most 2 classes"));
        assert!(
            refused(GeneratedConfig { classes: 3, ..world(&[Trait::Shape, Trait::Colour]) })
                .contains("at least 4")
        );
        let wrong =
            refused(GeneratedConfig { size: 0, noise: f64::NAN, tilt: -1.0, ..world(&[Trait::Shape]) });
        assert!(["size = 0", "noise = NaN", "tilt = -1"].iter().all(|part| wrong.contains(part)), "{wrong}");
    }

    #[test]
    fn colour_tells_the_class_only_where_it_carries_the_label() {
        // Six classes: chance is 0.167, its standard error over 600 test pictures 0.015.
        let nuisance = GeneratedConfig { classes: 6, train_per_class: 200, ..world(&[Trait::Shape]) };
        let carrier = GeneratedConfig { carries: vec![Trait::Colour], ..nuisance.clone() };
        let (nuisance, carrier) =
            (nearest_mean(&nuisance, mean_colours), nearest_mean(&carrier, mean_colours));
        assert!(nuisance < 0.23, "nearest mean colour {nuisance} where colour is nuisance");
        assert!(carrier > 0.35, "nearest mean colour {carrier} where colour carries the label");
    }

    #[test]
    fn sides_tell_the_class_only_where_handedness_carries_the_label() {
        // The tall body and the low root of the tail: how unlike the water each column is, left against right.
        let sides = |picture: &RgbImage| {
            let size = picture.width();
            let at = |column: usize, row: usize, c: usize| {
                f64::from(picture.pixels()[(row * size + column) * 3 + c])
            };
            let unlike = |column: usize| -> f64 {
                (size / 4..size - size / 4)
                    .map(|row| {
                        (0..3).map(|c| (at(column, row, c) - at(0, row, c)).abs().min(60.0)).sum::<f64>()
                    })
                    .sum()
            };
            (1..size / 2).map(|i| unlike(i) - unlike(size - 1 - i)).collect::<Vec<f64>>()
        };
        let base =
            GeneratedConfig { train_per_class: 300, test_per_class: 300, ..world(&[Trait::Handedness]) };
        let carrier = nearest_mean(&GeneratedConfig { classes: 2, ..base.clone() }, sides);
        let nuisance =
            nearest_mean(&GeneratedConfig { classes: 2, carries: vec![Trait::Scale], ..base }, sides);
        assert!(carrier > 0.6, "{carrier} where handedness carries the label");
        assert!((nuisance - 0.5).abs() < 0.07, "{nuisance} where it is nuisance");
    }

    #[test]
    fn a_world_and_its_mirror_image_are_equally_likely() {
        // Mirroring is the last thing done to a picture and decided by the facing alone, so worlds whose handedness
        // is nuisance have as many pictures of either kind, and the facing is independent of everything else.
        let config = GeneratedConfig { size: 16, ..world(&[Trait::Shape]) };
        for number in 0..20 {
            let mut scene = Scene::draw(&config, DeclaredSplit::Train, number);
            let picture = scene.paint(16);
            scene.turn();
            let turned = scene.paint(16);
            for (row, other) in picture.pixels().chunks_exact(48).zip(turned.pixels().chunks_exact(48)) {
                assert!(row.chunks_exact(3).eq(other.rchunks_exact(3)));
            }
        }
        let left = (0..4000).filter(|&n| Scene::draw(&config, DeclaredSplit::Train, n).faces_left()).count();
        assert!(left.abs_diff(2000) < 130, "{left} of 4000 face left");
    }

    #[test]
    fn handedness_turns_the_same_scene_round() {
        let config = GeneratedConfig { classes: 2, ..world(&[Trait::Handedness]) };
        for number in 0..50 {
            let scene = Scene::draw(&config, DeclaredSplit::Test, number);
            let name = &config.class_names()[config.class(number)];
            assert_eq!(scene.faces_left(), name.starts_with("left"), "{name}");
        }
    }

    #[test]
    fn label_noise_strikes_training_labels_only_and_as_often_as_asked() {
        let config = GeneratedConfig { label_noise: 0.3, train_per_class: 500, ..GeneratedConfig::default() };
        let wrong = |split| {
            config.samples().iter().filter(|s| s.split == split && s.label != config.class(s.number)).count()
        };
        let share = wrong(DeclaredSplit::Train) as f64 / config.count(DeclaredSplit::Train) as f64;
        assert!((share - 0.3).abs() < 0.03, "{share}");
        assert_eq!((wrong(DeclaredSplit::Validation), wrong(DeclaredSplit::Test)), (0, 0));
    }

    #[test]
    fn the_carriers_alone_decide_what_is_planted() {
        use Expectation::{NotWorse, Worse};
        for (carries, flip, colour) in [
            (vec![Trait::Shape, Trait::Colour], NotWorse, Worse),
            (vec![Trait::Shape, Trait::Handedness], Worse, NotWorse),
            (vec![Trait::Shape, Trait::Texture], NotWorse, NotWorse),
        ] {
            assert_eq!(world(&carries).planted(), Planted { flip, colour });
        }
    }

    #[test]
    fn other_carriers_leave_the_rest_of_the_scene_alone() {
        let mut few = 0;
        for number in 0..20 {
            let [a, b] = [world(&[Trait::Shape, Trait::Texture]), world(&[Trait::Shape, Trait::Handedness])]
                .map(|config| Scene::draw(&config, DeclaredSplit::Test, number));
            few += usize::from(a.same_surroundings(&b));
        }
        assert_eq!(few, 20);
    }

    #[test]
    fn any_knob_at_either_end_still_draws() {
        for end in [0.0, 1.0] {
            let config = GeneratedConfig {
                colour_shift: end,
                light: end,
                clutter: end,
                noise: end,
                blur: end,
                position: end,
                scale: end,
                tilt: 60.0 * end,
                ..GeneratedConfig::default()
            };
            assert_eq!(config.check(), Ok(()));
            for number in 0..40 {
                let picture = config.render(DeclaredSplit::Train, number);
                let (low, high) = picture.pixels().iter().fold((255, 0), |(l, h), &v| (v.min(l), v.max(h)));
                assert!(high - low > 40, "picture {number} is flat: {low}..{high}");
            }
        }
    }

    #[test]
    fn a_study_file_may_name_any_knob_and_no_other() {
        let config: GeneratedConfig =
            serde_json::from_str(r#"{"carries": ["shape", "handedness"], "classes": 6}"#).expect("knobs");
        assert_eq!(config.classes, 6);
        assert_eq!(config.noise, GeneratedConfig::default().noise);
        assert!(serde_json::from_str::<GeneratedConfig>(r#"{"colour": 1}"#).is_err());
    }
}
