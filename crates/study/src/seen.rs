//! Whether the weights that a study starts from have seen its test images.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bakeoff_data::Dataset;

use crate::folder::RunFolder;
use crate::splits::Admitted;
use crate::study::{StartWeights, Study};

/// What is to be said where the weights come from a trial: how many of these test images it was trained on, as far as its run's
/// records tell, or that nobody can tell.
pub(crate) fn seen(study: &Study, dataset: &Dataset, test: &[usize]) -> Option<String> {
    let start = study.weights()?;
    start.card.trial.as_ref()?;
    let by = match &start.card.study {
        Some(name) => format!("the study `{}`", name.escape_debug()),
        None => "another study".to_owned(),
    };
    let Some(donor) = DonorRun::of(start, study, dataset) else {
        return Some(format!(
            "model.weights: these weights were trained by {by}; if that used the same images, the test split here may hold images they \
             were trained on, and accuracies would be too high"
        ));
    };
    // Copies move each other between splits, and only who looked at the images knows them: that run did.
    let seed = study.seeds().first().copied().unwrap_or(0);
    let splits = donor.admitted.splits(study, dataset, seed).ok();
    let test = splits.as_ref().map_or(test, |splits| &splits.test);
    let trained = |&&sample: &&usize| !donor.kept_out.contains(dataset.samples()[sample].id.as_str());
    let seen = test.iter().filter(trained).count();
    let at_most = if donor.is_whole { "" } else { "up to " };
    (seen > 0).then(|| {
        format!(
            "model.weights: {at_most}{seen} of the {} test images here were training images of the trial these weights come from ({by}, \
             as far as the images' names tell): the network has seen them, and accuracies are too high. Declare one test split that \
             both studies have, or start from other weights",
            test.len()
        )
    })
}

/// What the run that trained the weights tells of the same data set.
struct DonorRun {
    /// Images its trial was not trained on.
    kept_out: HashSet<String>,
    /// What it found out of the images.
    admitted: Admitted,
    /// Whether its data set had as many images as this one; otherwise some may be new here.
    is_whole: bool,
}

impl DonorRun {
    /// Nothing where there are no records, or where they are of another data set.
    fn of(start: &StartWeights, study: &Study, dataset: &Dataset) -> Option<Self> {
        let folder = RunFolder::at(run_of(&start.file)?);
        let seed = *start.card.seed.value()?;
        let test = folder.test_split().ok()??;
        let validation = folder.validation_split(seed).ok()??;
        let data = folder.data().ok()??;
        // Images that were drawn have the same names whatever is on them.
        if folder.study().ok()?.data.generated != study.config.data.generated {
            return None;
        }
        let trained = validation.train;
        let admitted = Admitted::recorded(dataset, &data);
        let rejected = data.rejected.into_iter().map(|rejected| rejected.image);
        let kept_out: HashSet<String> =
            test.images.into_iter().chain(validation.validation).chain(rejected).collect();
        let here: HashSet<&str> = dataset.samples().iter().map(|sample| sample.id.as_str()).collect();
        let is_same = !kept_out.is_empty() && kept_out.iter().all(|id| here.contains(id.as_str()));
        let is_whole = kept_out.len() + trained == here.len();
        is_same.then_some(Self { kept_out, admitted, is_whole })
    }
}

/// The run folder of `…/trials/RECIPE/seed-n/weights.safetensors`.
fn run_of(file: &Path) -> Option<PathBuf> {
    // A relative path may begin within the run folder.
    let file = std::fs::canonicalize(file).ok()?;
    let trials = file.parent()?.parent()?.parent()?;
    (file.file_name()? == "weights.safetensors" && trials.file_name()? == "trials")
        .then(|| trials.parent().map(Path::to_owned))?
}
