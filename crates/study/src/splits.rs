//! The splits of a run: which images they may use, which of them stay together, and the files that tell what came of it.

use std::collections::HashMap;

use bakeoff_data::{DataError, Dataset, DeclaredSplit, Groups, Inspection, Splits};

use crate::folder::{RunFolder, if_whole};
use crate::folder_error::FolderError;
use crate::records::{DataRecord, SplitRule, TestSplit, ValidationSplit};
use crate::study::Study;
use bakeoff_files::{WriteError, make_folder, write_sealed};

/// What is known of the images before they are split.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// Of every sample whether it can be used; of those beyond the end all can.
    pub(crate) usable: Vec<bool>,
    /// Which stay on one side.
    pub(crate) groups: Groups,
}

impl Admitted {
    /// Nothing was looked at: every image counts, declared groups alone are known.
    pub(crate) fn unseen(dataset: &Dataset) -> Self {
        Self { usable: vec![true; dataset.samples().len()], groups: dataset.declared_groups().clone() }
    }

    /// Of images that were looked at, by the rule their run began with.
    pub(crate) fn of(inspection: &Inspection, rule: SplitRule) -> Self {
        let groups = match rule {
            SplitRule::Groups => inspection.groups.clone(),
            SplitRule::Images => Groups::none(),
        };
        Self { usable: inspection.usable.clone(), groups }
    }

    /// As a run of the same data set recorded it.
    pub(crate) fn recorded(dataset: &Dataset, record: &DataRecord) -> Self {
        let place_of: HashMap<&str, usize> =
            dataset.samples().iter().enumerate().map(|(place, sample)| (sample.id.as_str(), place)).collect();
        let mut admitted = Self::unseen(dataset);
        for rejected in &record.rejected {
            if let Some(&place) = place_of.get(rejected.image.as_str()) {
                admitted.usable[place] = false;
            }
        }
        match record.rule {
            SplitRule::Images => admitted.groups = Groups::none(),
            SplitRule::Groups => {
                let places = |ids: &Vec<String>| {
                    ids.iter().filter_map(|id| place_of.get(id.as_str()).copied()).collect()
                };
                let together = record.copies.iter().filter(|copies| copies.together);
                let sets: Vec<Vec<usize>> = together.map(|copies| places(&copies.images)).collect();
                admitted.groups = admitted.groups.with(dataset.samples().len(), &sets);
            }
        }
        admitted
    }

    pub(crate) fn splits(&self, study: &Study, dataset: &Dataset, seed: u64) -> Result<Splits, DataError> {
        dataset.splits(&study.config.data.splits(), seed, &self.usable, &self.groups)
    }
}

/// Whether any of the splits is drawn by Bakeoff rather than declared by the source.
pub(crate) fn are_drawn(dataset: &Dataset, splits: &Splits) -> bool {
    let declared = |&sample: &usize| dataset.samples()[sample].split;
    splits.validation.iter().any(|sample| declared(sample) != DeclaredSplit::Validation)
        || splits
            .test
            .iter()
            .any(|sample| matches!(declared(sample), DeclaredSplit::Train | DeclaredSplit::Undeclared))
}

/// A split that is not the one the run folder tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Differs {
    /// The test split, which all seeds share.
    Test,
    /// The validation split of a seed.
    Validation(u64),
}

/// Compares the splits of some seeds with what the run folder tells of them.
pub(crate) fn compare(
    study: &Study,
    dataset: &Dataset,
    admitted: &Admitted,
    folder: &RunFolder,
    seeds: &[u64],
) -> Result<Result<Option<Differs>, DataError>, FolderError> {
    for &seed in seeds {
        let splits = match admitted.splits(study, dataset, seed) {
            Ok(splits) => splits,
            Err(error) => return Ok(Err(error)),
        };
        let same = |ids: &[String], split: &[usize]| {
            ids.iter()
                .map(String::as_str)
                .eq(split.iter().map(|&sample| dataset.samples()[sample].id.as_str()))
        };
        if if_whole(folder.test_split())?.is_some_and(|told| !same(&told.images, &splits.test)) {
            return Ok(Ok(Some(Differs::Test)));
        }
        if if_whole(folder.validation_split(seed))?
            .is_some_and(|told| !same(&told.validation, &splits.validation))
        {
            return Ok(Ok(Some(Differs::Validation(seed))));
        }
    }
    Ok(Ok(None))
}

/// Why splits could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SplitsError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes which images of each seed are for validation, and which are for the test.
pub(crate) fn write(
    study: &Study,
    dataset: &Dataset,
    admitted: &Admitted,
    folder: &RunFolder,
    seeds: &[u64],
) -> Result<(), SplitsError> {
    make_folder(&folder.splits_folder())?;
    let ids = |split: &[usize]| split.iter().map(|&sample| dataset.samples()[sample].id.clone()).collect();
    for (number, &seed) in seeds.iter().enumerate() {
        let splits = admitted.splits(study, dataset, seed)?;
        if number == 0 {
            write_sealed(&folder.test_split_path(), &TestSplit { images: ids(&splits.test) })?;
        }
        let validation =
            ValidationSplit { seed, train: splits.train.len(), validation: ids(&splits.validation) };
        write_sealed(&folder.validation_split_path(seed), &validation)?;
    }
    Ok(())
}
