//! Files of other trainers.

pub(crate) use bakeoff_evidence::results::{
    MetricUnit, Pattern, Results, ResultsError, ResultsOptions, Source,
};
pub(crate) use bakeoff_findings::aggregate::{DataSet, aggregate};
pub(crate) use bakeoff_findings::summarise_results;
pub(crate) use bakeoff_report::write_results;
pub(crate) use bakeoff_stats::{Direction, Unit, Verdict};
pub(crate) use bakeoff_study::Headline;
pub(crate) use std::fmt::Write;
pub(crate) use std::path::{Path, PathBuf};

pub(crate) struct Files(tempfile::TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Source {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        Source::of(path)
    }

    /// The error of one file, its folder left out.
    pub(crate) fn refused(&self, text: &str) -> String {
        let source = self.write("results.csv", text);
        let error = Results::read(&[source], &ResultsOptions::default()).unwrap_err().to_string();
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// Twenty images, six seeds; `cutmix` is right on five more of them than `none`, a different five in every seed.
pub(crate) fn predictions() -> String {
    let mut text = String::from("extra,image,correct,seed,recipe\n");
    for seed in 1..=6 {
        for image in 0..20 {
            let right = |gained: bool| (image * 7 + seed) % 20 < if gained { 15 } else { 10 };
            writeln!(text, "x,{image}.jpg,{},{seed},none", u8::from(right(false))).unwrap();
            writeln!(text, "x,{image}.jpg,{},{seed},cutmix", u8::from(right(true))).unwrap();
        }
    }
    text
}

pub(crate) fn read(source: Source) -> Results {
    Results::read(&[source], &ResultsOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Logs of six seeds of two recipes: none ends at `level`, cutmix `gap` above.
pub(crate) fn logs(files: &Files, metric: &str, level: f64, gap: f64) -> Vec<Source> {
    let mut sources = Vec::new();
    for (recipe, level) in [("none", level), ("cutmix", level + gap)] {
        for seed in 1..=6 {
            let mut text = format!("epoch,train_loss,{metric}\n");
            for epoch in 0..4 {
                let value = level * (1.0 + 0.1 * f64::from(3 - epoch)) + 0.001 * f64::from(seed);
                writeln!(text, "{epoch},1.5,{value:.4}").unwrap();
            }
            sources.push(files.write(&format!("{recipe}/seed-{seed}/log.csv"), &text));
        }
    }
    sources
}

pub(crate) fn asked(metric: &str) -> ResultsOptions {
    ResultsOptions { metric: Some(metric.into()), ..ResultsOptions::default() }
}

/// The value of the only run, or the error, of a log.
pub(crate) fn value(text: &str) -> Result<(f64, Vec<String>), String> {
    let files = Files::new();
    let source = files.write("a/seed-1/log.csv", text);
    let results = Results::read(&[source], &ResultsOptions::default()).map_err(|error| error.to_string())?;
    Ok((results.runs[0].value, results.warnings))
}

/// Predictions of two recipes for 20 images of two classes, all right but for one of the baseline's.
pub(crate) fn named(labels: [&str; 2], predictions: [&str; 2]) -> String {
    let mut text = String::from("recipe,seed,image,label,predicted\n");
    for recipe in ["none", "cutmix"] {
        for image in 0..20 {
            let class = image % 2;
            let wrong = recipe == "none" && image == 7;
            let predicted = predictions[if wrong { 1 - class } else { class }];
            writeln!(text, "{recipe},1,{image},{},{predicted}", labels[class]).unwrap();
        }
    }
    text
}

/// Predictions of two recipes in two seeds for 360 images: `right` percent of the classes are, then called as they are as predictions.
pub(crate) fn guesses(
    labels: &[&str],
    right: u32,
    as_predicted: impl Fn(&str, u32, usize) -> String,
) -> String {
    let (mut text, classes) = (String::from("recipe,seed,image,label,predicted\n"), labels.len());
    for recipe in ["none", "cutmix"] {
        for seed in 1..=2_u32 {
            for image in 0..360_u32 {
                let label = image as usize % classes;
                let mut mixed = u64::from(image * 100 + seed * 10 + recipe.len() as u32);
                for _ in 0..3 {
                    mixed = (mixed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    mixed ^= mixed >> 29;
                }
                let draw = (mixed >> 20) as u32 % 100;
                let class =
                    if draw < right { label } else { (label + 1 + draw as usize % (classes - 1)) % classes };
                writeln!(
                    text,
                    "{recipe},{seed},{image},{},{}",
                    labels[label],
                    as_predicted(recipe, seed, class)
                )
                .unwrap();
            }
        }
    }
    text
}
