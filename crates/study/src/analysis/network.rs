//! A trial's network, as it was tested.

use std::path::PathBuf;

use bakeoff_augment::{Pipeline, Preprocess};
use bakeoff_nn::{Model, NnError, Session, SessionConfig, Trainable, Weights};
use rayon::ThreadPool;

use super::error::AnalysisError;
use super::pictures::evaluating;
use crate::config::StudyConfig;
use crate::folder::Trial;
use crate::model_card::ModelCard;

pub(super) fn weights_path(trial: &Trial) -> PathBuf {
    trial.folder.join("weights.safetensors")
}

/// Images shown at a time: as in the test.
pub(super) fn batch(study: &StudyConfig) -> usize {
    study.train.evaluation_batch().max(1)
}

/// A trial's network, as its weights file describes it.
pub(super) struct Network {
    pub(super) model: Model,
    pub(super) weights: Weights,
    pub(super) preprocess: Preprocess,
    pub(super) pipeline: Pipeline,
}

impl Network {
    pub(super) fn read(trial: &Trial) -> Result<Self, AnalysisError> {
        let path = weights_path(trial);
        let wrong = |message: String| AnalysisError::Weights { path: path.clone(), message };
        let (weights, metadata) = Weights::read(&path).map_err(|error| match error {
            NnError::WeightFile { reason, .. } => wrong(format!(
                "{reason}. Remove {} and run the study again: the trial is trained anew, to the same weights",
                trial.folder.display()
            )),
            other => other.into(),
        })?;
        let absent = |key: &str| wrong(format!("its metadata has no `{key}`"));
        let card = ModelCard::read(&metadata);
        let preprocess = card.preprocess.required("preprocess").map_err(wrong)?;
        let classes = card.classes.required("classes").map_err(wrong)?;
        let image = card.image.required("image").map_err(wrong)?;
        if card.trial.ok_or_else(|| absent("trial"))? != trial.key.id {
            return Err(wrong("it is of another trial".to_owned()));
        }
        let model = Model::by_name(&card.model.ok_or_else(|| absent("model"))?, classes.len(), image)?;
        let pipeline = evaluating(&preprocess, image).map_err(wrong)?;
        Ok(Self { model, weights, preprocess, pipeline })
    }

    pub(super) fn session(&self, study: &StudyConfig, pool: &ThreadPool) -> Result<Session, NnError> {
        let config = SessionConfig {
            batch: batch(study),
            backend: study.train.backend,
            threads: pool.current_num_threads(),
            train: false,
            trainable: Trainable::All,
        };
        pool.install(|| Session::new(&self.model, &self.weights, config))
    }
}
