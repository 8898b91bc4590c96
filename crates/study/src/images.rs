//! The images of a run: looked at once, held against what earlier sittings saw, and recorded.

use bakeoff_data::{form, number};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use bakeoff_data::{DataError, Dataset, Duplicates, Inspection, Uneven};
use bakeoff_files::write_sealed;
use rayon::ThreadPool;

use crate::folder::{RunFolder, if_whole, remove_folder};
use crate::observer::{Event, Observer};
use crate::options::RunOptions;
use crate::plan::{Plan, PlanError, uneven_warning};
use crate::records::{CopiesRecord, DataRecord, RejectedRecord, SplitRule, TrialKey};
use crate::run_error::RunError;
use crate::splits::{self, Admitted, Differs};
use crate::study::Study;

/// What a run knows of its images.
pub(crate) struct InspectedImages {
    pub(crate) admitted: Admitted,
    /// Trials of other images were thrown away.
    pub(crate) threw_away: bool,
}

/// A look at the images of a run.
pub(crate) struct ImageInspection<'a> {
    pub(crate) study: &'a Study,
    pub(crate) folder: &'a RunFolder,
    pub(crate) pool: &'a ThreadPool,
    pub(crate) options: &'a RunOptions,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) stop: &'a AtomicBool,
}

impl ImageInspection<'_> {
    /// Decodes every image once and writes data.json and the splits; `None` where it was stopped.
    pub(crate) fn inspect(&self, plan: &mut Plan) -> Result<Option<InspectedImages>, RunError> {
        plan.dataset.set_pack(&self.folder.packs(), self.study.config.data.pack);
        let dataset = &plan.dataset;
        let inspected = self.pool.install(|| {
            dataset.inspect(self.options.strict, self.stop, &|done, total| {
                self.observer.event(Event::Inspecting { done, total });
            })
        });
        let inspection = match inspected {
            Ok(inspection) => inspection,
            Err(DataError::Stopped) => return Ok(None),
            Err(error) => return Err(PlanError::from(error).into()),
        };
        for warning in &inspection.warnings {
            self.observer.event(Event::Warning(&warning.to_string()));
        }
        if let Some((path, images, bytes)) = dataset.packed() {
            let size = bytes as f64 / (1 << 20) as f64;
            self.observer
                .event(Event::Note(&format!("pack: {}, {images} images, {size:.0} MiB", path.display())));
        }
        let (rule, threw_away) = self.hold_against_earlier(plan, &inspection)?;
        let admitted = Admitted::of(&inspection, rule);
        let (mut record, note) = data_record(self.study, dataset, &inspection, &admitted, rule)?;
        // What groups that are declared do was said with the plan.
        record.warnings.retain(|warning| !plan.record.warnings.contains(warning));
        if let Some(note) = note {
            self.observer.event(Event::Note(&note));
        }
        write_sealed(&self.folder.data_path(), &record)?;
        splits::write(self.study, dataset, &admitted, self.folder, &plan.record.seeds)?;
        for warning in &record.warnings {
            self.observer.event(Event::Warning(warning));
        }
        self.observer.event(Event::Inspected(&record));
        Ok(Some(InspectedImages { admitted, threw_away }))
    }

    /// The rule by which the run splits, and whether trials were thrown away: of other images, or split in another way.
    fn hold_against_earlier(
        &self,
        plan: &Plan,
        inspection: &Inspection,
    ) -> Result<(SplitRule, bool), RunError> {
        let folder_of = |key: &TrialKey| self.folder.trial_folder(&key.recipe, key.seed);
        let begun: Vec<(u64, PathBuf)> = plan
            .record
            .trials
            .iter()
            .map(|key| (key.seed, folder_of(key)))
            .filter(|(_, path)| path.exists())
            .collect();
        let before = if_whole(self.folder.data())?;
        if begun.is_empty() {
            return Ok((SplitRule::Groups, false));
        }
        let Some(before) = before else {
            self.observer.event(Event::Warning(
                "data.json is damaged or gone: whether the images are still those that the trials of this folder saw cannot be told",
            ));
            return Ok((SplitRule::Groups, false));
        };
        let mut seeds: Vec<u64> = begun.iter().map(|(seed, _)| *seed).collect();
        seeds.dedup();
        match self.changed(&plan.dataset, inspection, &before, &seeds)? {
            Changed::Nothing => Ok((SplitRule::Groups, false)),
            Changed::RuleAlone => Ok((SplitRule::Images, false)),
            Changed::Images(error) if !self.options.fresh => Err(error),
            Changed::Images(_) => {
                begun.iter().try_for_each(|(_, path)| remove_folder(path))?;
                Ok((SplitRule::Groups, true))
            }
        }
    }

    /// What is not as `before` has it.
    fn changed(
        &self,
        dataset: &Dataset,
        inspection: &Inspection,
        before: &DataRecord,
        seeds: &[u64],
    ) -> Result<Changed, RunError> {
        let (path, data) = (self.folder.path().to_owned(), dataset.path().to_owned());
        if before.content != inspection.content {
            return Ok(Changed::Images(RunError::DataChanged { path, data }));
        }
        let rule_matters = before.rule == SplitRule::Images && differ(self.study, dataset, inspection, seeds);
        if before.rule == SplitRule::Images && !self.options.fresh {
            return Ok(if rule_matters { Changed::RuleAlone } else { Changed::Nothing });
        }
        let admitted = Admitted::of(inspection, SplitRule::Groups);
        let differs =
            splits::compare(self.study, dataset, &admitted, self.folder, seeds)?.map_err(PlanError::from)?;
        let what = match differs {
            Some(Differs::Test) => Some("the test split".to_owned()),
            Some(Differs::Validation(seed)) => Some(format!("the validation split of seed {seed}")),
            None => rule_matters.then(String::new),
        };
        Ok(what
            .map_or(Changed::Nothing, |what| Changed::Images(RunError::SplitsChanged { path, data, what })))
    }
}

/// What is not as an earlier sitting left it.
enum Changed {
    Nothing,
    /// Images are split by the rule of an earlier version, and by today's rule they would be split in another way.
    RuleAlone,
    /// Images, or their splits.
    Images(RunError),
}

/// Whether groups change the splits of some seeds.
fn differ(study: &Study, dataset: &Dataset, inspection: &Inspection, seeds: &[u64]) -> bool {
    let [apart, together] = [SplitRule::Images, SplitRule::Groups].map(|rule| Admitted::of(inspection, rule));
    seeds.iter().any(|&seed| {
        match (apart.splits(study, dataset, seed), together.splits(study, dataset, seed)) {
            (Ok(apart), Ok(together)) => apart != together,
            // What cannot be split any more was split before.
            _ => true,
        }
    })
}

/// The record, and a word about copies that are kept together.
fn data_record(
    study: &Study,
    dataset: &Dataset,
    inspection: &Inspection,
    admitted: &Admitted,
    rule: SplitRule,
) -> Result<(DataRecord, Option<String>), RunError> {
    let mut counts = None;
    let mut shared: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut shared_looks: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut uneven = Vec::new();
    for seed in study.seeds() {
        let splits = admitted.splits(study, dataset, seed).map_err(PlanError::from)?;
        counts.get_or_insert((splits.train.len(), splits.validation.len(), splits.test.len()));
        shared.extend(splits.shared(&inspection.duplicates).into_iter().map(|set| set.ids.clone()));
        shared_looks.extend(splits.shared(&inspection.alike).into_iter().map(|set| set.ids.clone()));
        for found in splits.uneven {
            // Once for a class, whatever the seed.
            let known = |other: &Uneven| (&other.class, &other.split) == (&found.class, &found.split);
            if !uneven.iter().any(known) {
                uneven.push(found);
            }
        }
    }
    let of_group = |set: &Duplicates| {
        let first = admitted.groups.first_of(set.samples[0]);
        set.samples.iter().all(|&sample| admitted.groups.first_of(sample) == first)
    };
    let copies: Vec<CopiesRecord> =
        [(&inspection.duplicates, &shared, true), (&inspection.alike, &shared_looks, false)]
            .into_iter()
            .flat_map(|(sets, shared, identical)| sets.iter().map(move |set| (set, shared, identical)))
            .map(|(set, shared, identical)| CopiesRecord {
                images: set.ids.clone(),
                identical,
                together: of_group(set),
                across_splits: shared.contains(&set.ids),
                across_classes: set.across_classes,
            })
            .collect();
    let (train, validation, test) = counts.unwrap_or_default();
    let rejected: Vec<RejectedRecord> = inspection
        .rejected
        .iter()
        .map(|rejected| RejectedRecord { image: rejected.id.clone(), reason: rejected.reason.clone() })
        .collect();
    let mut warnings = Vec::new();
    if let Some(first) = rejected.first() {
        warnings.push(format!(
            "{} cannot be used and {are} left out, {} for one: {}. data.json lists {them}; repair or remove {them}, or refuse \
             {them} with --strict",
            number(rejected.len(), "image"),
            first.image,
            first.reason, are = form(rejected.len(), "is", "are"), them = form(rejected.len(), "it", "them")));
    }
    if let Some(first) = shared.iter().next() {
        warnings.push(format!(
            "{} of byte-identical images {stand} in more than one of train, validation and test, {} for one: the \
             network is judged on images it was trained on. data.json lists them; remove one of each",
            number(shared.len(), "set"),
            named(first), stand = form(shared.len(), "stands", "stand")));
    }
    if let Some(first) = shared_looks.iter().next() {
        warnings.push(format!(
            "{} of images that look the same {stand} in more than one of train, validation and test, {} for one: the \
             network may be judged on images it was trained on. data.json lists them; look at them with `bakeoff data check --html`, \
             and leave one of each out (data.exclude), or let Bakeoff split (data.test = {{ from = \"all\" }}), which keeps copies together",
            number(shared_looks.len(), "set"),
            named(first), stand = form(shared_looks.len(), "stands", "stand")));
    }
    if rule == SplitRule::Images {
        warnings.push(
            "this run was begun by a version of Bakeoff that let copies of an image stand on both sides of its own splits; it goes on \
             with those splits, so that its trials can be compared. A new folder (--out), or --fresh, keeps copies on one side"
                .to_owned(),
        );
    }
    for (sets, what) in
        [(&inspection.duplicates, "byte-identical images"), (&inspection.alike, "images that look the same")]
    {
        let confused: Vec<_> = sets.iter().filter(|set| set.across_classes).collect();
        if let Some(first) = confused.first() {
            warnings.push(format!(
                "{} of {what} {are} labelled as different classes, {} for one: correct their labels",
                number(confused.len(), "set"),
                named(&first.ids),
                are = form(confused.len(), "is", "are")
            ));
        }
    }
    warnings.extend(uneven.iter().take(NAMED).map(uneven_warning));
    if uneven.len() > NAMED {
        let more = uneven.len() - NAMED;
        warnings
            .push(format!("{more} more splits of a class are off their share because groups stay together"));
    }
    let kept: Vec<&CopiesRecord> = copies.iter().filter(|set| set.together && !set.across_splits).collect();
    let note = kept.first().map(|first| {
        format!(
            "{} of copies ({} images), {} for one, {stand} on one side of the splits. data.json lists them",
            number(kept.len(), "set"),
            kept.iter().map(|set| set.images.len()).sum::<usize>(),
            named(&first.images),
            stand = form(kept.len(), "stands", "stand")
        )
    });
    warnings.extend(crate::enlargement::known(study, dataset, &inspection.shorter_sides));
    if train < study.config.train.batch {
        warnings.push(format!(
            "train.batch is {} but there are {train} training images: every epoch is a single smaller step",
            study.config.train.batch
        ));
    }
    let record = DataRecord {
        rule,
        copies,
        groups: dataset.declared_groups().sets().len(),
        classes: dataset.classes().to_vec(),
        train,
        validation,
        test,
        rejected,
        duplicates: shared.into_iter().collect(),
        warnings,
        content: inspection.content.clone(),
    };
    Ok((record, note))
}

/// Classes that a warning names one by one.
const NAMED: usize = 3;

/// The first images of a set.
fn named(ids: &[String]) -> String {
    let more = if ids.len() > NAMED { format!(" = … ({} images)", ids.len()) } else { String::new() };
    ids.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(" = ") + &more
}
