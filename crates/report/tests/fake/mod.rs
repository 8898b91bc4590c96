//! Run folders with invented numbers, written with the records' own types.

use bakeoff_study::records::*;
use bakeoff_study::{Corruption, CorruptionSet, Prediction, RunFolder, SEVERITIES, write_predictions};
use std::path::Path;

/// What a trial of the fake came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Finished,
    Running(u32),
    Failed(u32),
    Planned,
}

/// A recipe of the fake.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) skill: f64,
    pub(crate) mix: bool,
}

/// A run folder to be.
pub(crate) struct Fake {
    pub(crate) study: String,
    pub(crate) recipes: Vec<Recipe>,
    pub(crate) seeds: u64,
    pub(crate) epochs: u32,
    pub(crate) test_images: usize,
    pub(crate) classes: Vec<String>,
    pub(crate) end: fn(usize, u64) -> End,
    pub(crate) margin: f64,
    pub(crate) metric: bakeoff_study::Metric,
    pub(crate) data: bool,
    pub(crate) previews: bool,
    pub(crate) predictions: bool,
    pub(crate) image: usize,
    /// The test images can be reached, as an image folder.
    pub(crate) photographs: bool,
    pub(crate) until_decided: Option<UntilDecided>,
    /// Somebody looked at damaged images, of these recipes and seeds.
    pub(crate) robustness: fn(usize, u64) -> bool,
}

/// Numbers in [0, 1) that look random and are the same every time.
fn noise(parts: &[u64]) -> f64 {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    for part in parts {
        state = (state ^ part).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state ^= state >> 29;
        state = state.wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 32;
    }
    (state >> 11) as f64 / (1u64 << 53) as f64
}

impl Fake {
    pub(crate) fn new() -> Self {
        let recipe = |name: &str, skill, mix| Recipe { name: name.into(), skill, mix };
        Self {
            study: "Breeds of dogs, small".into(),
            recipes: vec![
                recipe("none", 0.60, false),
                recipe("flip-crop", 0.665, false),
                recipe("colour", 0.55, false),
                recipe("cutmix", 0.70, true),
                recipe("mixup", 0.607, true),
            ],
            seeds: 6,
            epochs: 20,
            test_images: 800,
            classes: [
                "Chihuahua",
                "Japanese spaniel",
                "Maltese dog",
                "Pekinese",
                "Shih-Tzu",
                "Blenheim spaniel",
                "papillon",
            ]
            .map(String::from)
            .to_vec(),
            end: |_, _| End::Finished,
            metric: bakeoff_study::Metric::default(),
            margin: 1.0,
            data: true,
            previews: true,
            predictions: true,
            image: 64,
            photographs: false,
            until_decided: None,
            robustness: |_, _| false,
        }
    }

    fn epoch(&self, recipe: usize, seed: u64, epoch: u32) -> EpochRecord {
        let r = &self.recipes[recipe];
        let speed = if r.mix { 0.13 } else { 0.24 };
        let progress = 1.0 - (-speed * f64::from(epoch)).exp();
        let wobble = (noise(&[1, recipe as u64, seed, epoch.into()]) - 0.5) * 0.03;
        let luck = (noise(&[2, recipe as u64, seed]) - 0.5) * 0.03;
        let accuracy = (r.skill * progress + wobble + luck).clamp(0.0, 1.0);
        EpochRecord {
            epoch,
            train_loss: if r.mix { 1.4 } else { 0.5 } + 1.5 * (1.0 - progress) + wobble,
            train_top1: (accuracy + 0.25 * progress).min(1.0),
            validation_loss: 2.0 - 1.6 * accuracy + if r.mix { 0.0 } else { 0.012 * f64::from(epoch) },
            validation_top1: accuracy,
            validation_top5: (accuracy + 0.2).min(1.0),
            learning_rate: 0.1,
            images_per_second: 410.0,
            waiting: 0.0,
            seconds: 3.1,
        }
    }

    fn predictions(&self, recipe: usize, seed: u64) -> Vec<Prediction> {
        let skill = self.recipes[recipe].skill + (noise(&[3, recipe as u64, seed]) - 0.5) * 0.03;
        let classes = self.classes.len() as u64;
        (0..self.test_images as u64)
            .map(|image| {
                let label = image % classes;
                // Images differ in how hard they are for all recipes, and a little for each.
                let draw = 0.55 * noise(&[4, image])
                    + 0.3 * noise(&[5, image, seed, recipe as u64])
                    + 0.15 * noise(&[6, image, recipe as u64]);
                let right = draw < 0.5 + (skill - 0.5) * 0.75;
                let rank = if right { 1 } else { 2 + (noise(&[7, image, seed]) * 6.0) as u32 };
                Prediction {
                    image: self.test_image(image),
                    label: label as u32,
                    predicted: if right { label as u32 } else { ((label + 1) % classes) as u32 },
                    probability: if right { 0.6 } else { 0.2 },
                    rank,
                    confidence: Some(0.6),
                    sum_of_squares: Some(0.42),
                }
            })
            .collect()
    }

    /// Half of the test images; noise hurts all alike, blur hurts recipes that mix less.
    fn robustness(&self, recipe: usize, seed: u64) -> RobustnessRecord {
        let Recipe { name, skill, mix } = &self.recipes[recipe];
        let right = |kind: u64, harm: f64| -> Right {
            let hard =
                |image: u64| 0.6 * noise(&[4, image]) + 0.4 * noise(&[18, image, seed, recipe as u64, kind]);
            let images = (0..self.test_images as u64).step_by(2);
            images.map(|image| hard(image) < 0.5 + (skill - 0.5) * 0.75 - harm).collect::<Vec<_>>().into()
        };
        let harm = |corruption: Corruption, severity: u8| {
            let blurs = corruption.name().ends_with("blur");
            f64::from(severity) * if blurs && *mix { 0.03 } else { 0.06 }
        };
        let corruptions = Corruption::ALL.into_iter().flat_map(|c| SEVERITIES.map(move |s| (c, s)));
        RobustnessRecord {
            recipe: name.clone(),
            seed,
            id: format!("{name}-{seed}"),
            images: self.test_images / 2,
            of: self.test_images,
            severities: CorruptionSet::TinyImagenetC,
            plain: right(0, 0.0),
            corruptions: corruptions
                .map(|(corruption, severity)| CorruptionRecord {
                    corruption,
                    severity,
                    right: right(u64::from(severity) + 10 * corruption as u64, harm(corruption, severity)),
                })
                .collect(),
            occlusion: (1..8)
                .map(|k| f64::from(k) / 8.0)
                .map(|hidden| OcclusionRecord {
                    hidden,
                    right: right((hidden * 8.0) as u64 + 1000, if *mix { 0.3 } else { 0.5 } * hidden),
                })
                .collect(),
        }
    }

    /// A bump of another place for every recipe, on the first image of four classes.
    fn maps(&self, recipe: usize, seed: u64) -> serde_json::Value {
        let name = &self.recipes[recipe].name;
        let maps = (0..4u64).map(|image| {
            let bump = |k: usize| {
                let (x, y) = ((k % 4) as f64, (k / 4) as f64);
                let centre =
                    [4.0 * noise(&[19, image, recipe as u64]), 4.0 * noise(&[20, image, recipe as u64])];
                3.0 - (x - centre[0]).powi(2) - (y - centre[1]).powi(2)
            };
            serde_json::json!({
                "image": self.test_image(image),
                "label": image,
                "predicted": if recipe == 0 { image + 1 } else { image },
                "probability": 0.25 + 0.1 * image as f64,
                "rows": 4,
                "columns": 4,
                "values": (0..16).map(bump).collect::<Vec<_>>(),
            })
        });
        let maps: Vec<_> = maps.collect();
        serde_json::json!({
            "recipe": name, "seed": seed, "id": format!("{name}-{seed}"), "preprocess": {}, "side": self.image, "maps": maps,
        })
    }

    fn test_image(&self, image: u64) -> String {
        if !self.photographs {
            return format!("test/{image:05}.jpg");
        }
        format!("test/{}/{image:05}.png", self.classes[image as usize % self.classes.len()])
    }

    fn picture(&self, kind: u64, which: u64, shift: f64) -> image::RgbImage {
        let side = self.image as f64;
        image::RgbImage::from_fn(self.image as u32, self.image as u32, |x, y| {
            let (x, y) = (f64::from(x) / side, f64::from(y) / side);
            let centre = (0.35 + 0.3 * noise(&[8, which]), 0.35 + 0.3 * noise(&[9, which]));
            let inside =
                ((x - centre.0).powi(2) + (y - centre.1).powi(2)).sqrt() < 0.22 + 0.1 * noise(&[10, which]);
            let tone = |c: u64| 0.25 + 0.6 * noise(&[11, which, c + if inside { 3 } else { 0 }]);
            let grain = (noise(&[12, which, (x * 64.0) as u64, (y * 64.0) as u64]) - 0.5) * 0.12;
            image::Rgb([0, 1, 2].map(|c| {
                let v = tone(c)
                    + grain
                    + 0.15 * (y - 0.5)
                    + if kind > 0 { shift * noise(&[13, kind, which, c]) } else { 0.0 };
                (v.clamp(0.0, 1.0) * 255.0) as u8
            }))
        })
    }

    fn preview(&self, run: &RunFolder, recipe: usize) {
        let name = &self.recipes[recipe].name;
        let folder = run.preview_folder(name);
        std::fs::create_dir_all(&folder).unwrap();
        let examples = (0..8u64).map(|k| {
            let partner = (k + 3) % 8;
            let (original, mut augmented) = (self.picture(0, k, 0.0), self.picture(recipe as u64, k, 0.25));
            let (mut lambda, mut pasted) = (None, None);
            let size = self.image;
            if name.contains("cutmix") {
                let share = 0.25 + 0.6 * noise(&[14, k]);
                let half = ((1.0 - share).sqrt() * size as f64 / 2.0) as usize;
                let (cx, cy) =
                    ((noise(&[15, k]) * size as f64) as usize, (noise(&[16, k]) * size as f64) as usize);
                let b = [
                    cx.saturating_sub(half),
                    cy.saturating_sub(half),
                    (cx + half).min(size),
                    (cy + half).min(size),
                ];
                let other = self.picture(0, partner, 0.0);
                for y in b[1]..b[3] {
                    for x in b[0]..b[2] {
                        augmented.put_pixel(x as u32, y as u32, *other.get_pixel(x as u32, y as u32));
                    }
                }
                lambda = Some(1.0 - ((b[2] - b[0]) * (b[3] - b[1])) as f64 / (size * size) as f64);
                pasted = Some(b);
            } else if name.contains("mixup") {
                let share = 0.15 + 0.7 * noise(&[17, k]);
                let other = self.picture(0, partner, 0.0);
                augmented = image::RgbImage::from_fn(size as u32, size as u32, |x, y| {
                    let (a, b) = (original.get_pixel(x, y).0, other.get_pixel(x, y).0);
                    image::Rgb(std::array::from_fn(|c| {
                        (f64::from(a[c]) * share + f64::from(b[c]) * (1.0 - share)) as u8
                    }))
                });
                lambda = Some(share);
            } else if name.contains("flip") {
                augmented = image::imageops::flip_horizontal(&original);
            } else if name == "none" {
                augmented = original.clone();
            }
            let class = |k: u64| self.classes[k as usize % self.classes.len()].clone();
            let share = lambda.unwrap_or(1.0);
            let mut labels = vec![LabelShare { class: class(k), share }];
            if share < 1.0 {
                labels.push(LabelShare { class: class(partner), share: 1.0 - share });
            }
            labels.sort_by(|a, b| b.share.total_cmp(&a.share));
            let names = [format!("{k}-original.png"), format!("{k}.png")];
            original.save(folder.join(&names[0])).unwrap();
            augmented.save(folder.join(&names[1])).unwrap();
            let [original, augmented] = names;
            PreviewExample {
                image: format!("train/{}/{k}.jpg", class(k)),
                original,
                augmented,
                labels,
                partner: lambda.map(|_| format!("train/{}/{partner}.jpg", class(partner))),
                lambda,
                pasted,
                mask: None,
                stage: None,
                weight: None,
                range: None,
            }
        });
        let record = PreviewRecord {
            recipe: name.clone(),
            pipeline: self.pipeline(recipe),
            image: self.image,
            range: if name.contains("colour") { [-0.18, 1.22] } else { [0.0, 1.0] },
            examples: examples.collect(),
        };
        bakeoff_files::write_json(&folder.join("preview.json"), &record).unwrap();
    }

    fn pipeline(&self, recipe: usize) -> Vec<String> {
        let mut steps = vec![
            "resize the shorter side to 73 pixels with antialiasing, then the central 64 × 64 pixels"
                .to_owned(),
        ];
        let name = &self.recipes[recipe].name;
        if name.contains("flip") {
            steps[0] = "resize the shorter side to 73 pixels with antialiasing".into();
            steps.push("mirror left to right with probability 0.5".into());
            steps.push("a window of 64 × 64 pixels at a random position".into());
        }
        if name.contains("colour") {
            steps.push("contrast by a factor uniform in [0.2, 0.5), about each channel’s mean".into());
            steps.push("hue shifted by up to ±0.2 of the colour circle".into());
            steps.push("brightness shifted by up to ±0.2, not clipped".into());
        }
        if self.recipes[recipe].mix {
            steps.push(format!("{name}: λ from Beta(1, 1) per image, partner by a random permutation of the batch, on every image"));
        }
        steps.push("normalised with ImageNet’s mean and standard deviation".into());
        steps
    }

    pub(crate) fn write(&self, path: &Path) -> RunFolder {
        let run = RunFolder::at(path);
        std::fs::create_dir_all(path).unwrap();
        let seeds: Vec<u64> = (1..=self.seeds).collect();
        let id = |recipe: &str, seed: u64| format!("{recipe}-{seed}");
        let trials: Vec<TrialKey> = seeds
            .iter()
            .flat_map(|&seed| {
                self.recipes.iter().map(move |r| TrialKey {
                    recipe: r.name.clone(),
                    seed,
                    id: id(&r.name, seed),
                })
            })
            .collect();
        let plan = PlanRecord {
            metric: self.metric,
            study: self.study.clone(),
            baseline: self.recipes.first().map_or_else(String::new, |r| r.name.clone()),
            headline: "last".into(),
            margin: self.margin,
            epochs: self.epochs,
            recipes: (0..self.recipes.len())
                .map(|r| RecipeRecord { name: self.recipes[r].name.clone(), pipeline: self.pipeline(r) })
                .collect(),
            evaluation: vec!["resize the shorter side to 73 pixels, then the central 64 × 64 pixels".into()],
            seeds,
            trials,
            until_decided: self.until_decided,
            warnings: vec![],
        };
        bakeoff_files::write_json(&path.join("plan.json"), &plan).unwrap();
        let data = if self.photographs {
            for image in 0..self.test_images as u64 {
                let file = path.join("photographs").join(self.test_image(image));
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                self.picture(0, image, 0.0).save(file).unwrap();
            }
            for class in &self.classes {
                let file = path.join("photographs/train").join(class).join("a.png");
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                self.picture(0, 0, 0.0).save(file).unwrap();
            }
            serde_json::json!({"path": path.join("photographs"), "source": "folder"})
        } else {
            serde_json::json!({"path": "data/dogs", "source": "stanford-dogs"})
        };
        let study = serde_json::json!({
            "name": self.study,
            "data": data,
            "model": {"name": "resnet18"},
            "train": {"epochs": self.epochs, "batch": 64, "image": self.image,
                "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.0005},
                "schedule": {"kind": "cosine", "warmup_epochs": 1.0}},
            "compare": {"seeds": self.seeds, "baseline": plan.baseline, "margin": self.margin,
                "metric": self.metric},
            "recipe": [{"name": "none"}],
        });
        bakeoff_files::write_json(&path.join("study.json"), &study).unwrap();
        std::fs::write(path.join("study.toml"), "# A study <of dogs>\n[data]\npath = \"data/dogs\"\n")
            .unwrap();
        if self.data {
            let data = DataRecord {
                classes: self.classes.clone(),
                train: 10_800,
                validation: 1_200,
                test: self.test_images,
                rejected: vec![RejectedRecord {
                    image: "train/pug/broken.jpg".into(),
                    reason: "the JPEG data ends after 2,041 of 18,322 bytes".into(),
                }],
                duplicates: vec![vec!["train/saint/1314.jpg".into(), "test/saint/7982.jpg".into()]],
                rule: SplitRule::Groups,
                copies: vec![
                    CopiesRecord {
                        images: vec!["train/saint/1314.jpg".into(), "test/saint/7982.jpg".into()],
                        identical: true,
                        together: true,
                        across_splits: true,
                        across_classes: false,
                    },
                    CopiesRecord {
                        images: vec![
                            "train/pug/1.jpg".into(),
                            "train/pug/2.jpg".into(),
                            "train/pug/3.jpg".into(),
                        ],
                        identical: false,
                        together: true,
                        across_splits: false,
                        across_classes: false,
                    },
                ],
                groups: 0,
                warnings: vec![],
                content: String::new(),
            };
            bakeoff_files::write_json(&path.join("data.json"), &data).unwrap();
            let environment = Environment {
                bakeoff: "0.1.0".into(),
                system: "linux x86_64".into(),
                cpu: "Some CPU @ 2.1 GHz".into(),
                instructions: "AVX-512".into(),
                threads: 2,
                backend: "cpu".into(),
                started: "2025-06-01T09:12:33Z".into(),
            };
            bakeoff_files::write_json(&path.join("environment.json"), &environment).unwrap();
        }
        for (index, recipe) in self.recipes.iter().enumerate() {
            if self.previews {
                self.preview(&run, index);
            }
            for &seed in &plan.seeds {
                let end = (self.end)(index, seed);
                let folder = run.trial_folder(&recipe.name, seed);
                let (status, epochs) = match end {
                    End::Planned => continue,
                    End::Running(done) => (TrialStatus::Running, done),
                    End::Failed(epoch) => (
                        TrialStatus::Failed { reason: "the loss is not a number".into(), epoch },
                        epoch.saturating_sub(1),
                    ),
                    End::Finished => {
                        let predictions = self.predictions(index, seed);
                        let share = |keep: fn(&Prediction) -> bool| {
                            predictions.iter().filter(|p| keep(p)).count() as f64 / predictions.len() as f64
                        };
                        let test = TestRecord {
                            images: predictions.len(),
                            loss: 1.1,
                            top1: share(|p| p.rank == 1),
                            top5: share(|p| p.rank <= 5),
                            epochs: vec![self.epochs],
                        };
                        std::fs::create_dir_all(&folder).unwrap();
                        if self.predictions {
                            write_predictions(
                                &folder.join("predictions.parquet"),
                                &predictions,
                                &self.classes,
                            )
                            .unwrap();
                        }
                        if (self.robustness)(index, seed) {
                            let record = self.robustness(index, seed);
                            bakeoff_files::write_json(&folder.join("robustness.json"), &record).unwrap();
                            if seed == 1 {
                                bakeoff_files::write_json(&folder.join("maps.json"), &self.maps(index, seed))
                                    .unwrap();
                            }
                        }
                        let seconds = 62.0 + index as f64;
                        (
                            TrialStatus::Finished {
                                test,
                                seconds,
                                metrics_sha256: None,
                                predictions_sha256: None,
                            },
                            self.epochs,
                        )
                    }
                };
                std::fs::create_dir_all(&folder).unwrap();
                let lines: String = (1..=epochs)
                    .map(|e| serde_json::to_string(&self.epoch(index, seed, e)).unwrap() + "\n")
                    .collect();
                std::fs::write(folder.join("metrics.jsonl"), lines).unwrap();
                let record =
                    TrialRecord { recipe: recipe.name.clone(), seed, id: id(&recipe.name, seed), status };
                bakeoff_files::write_json(&folder.join("trial.json"), &record).unwrap();
            }
        }
        RunFolder::open(path).unwrap()
    }
}
