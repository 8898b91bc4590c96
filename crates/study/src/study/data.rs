//! What a study says of its images.

use std::collections::HashSet;

use bakeoff_data::{SourceKind, ValidationFrom, detect};

use super::resolver::Resolver;
use crate::config::DataConfig;
use crate::document::Document;

impl Resolver<'_> {
    pub(super) fn data(&mut self, data: &mut DataConfig) {
        let generated = data.generated.is_some() && data.source.is_none();
        if generated || data.source == Some(SourceKind::Generated) {
            data.source = Some(SourceKind::Generated);
            if data.path.is_some() {
                self.error(
                    "data.path",
                    "generated images have no path; remove it, or choose another `source`",
                );
            }
            let world = data.generated.clone().unwrap_or_default();
            if let Err(problems) = world.check() {
                for problem in problems {
                    let key =
                        problem.split([' ', ':']).next().unwrap_or_default().trim_matches('`').to_owned();
                    self.error(&format!("data.generated.{key}"), problem);
                }
            }
            data.generated = Some(world);
        } else {
            if data.generated.is_some() {
                self.error("data.generated", "is only for `source = \"generated\"`; remove one of the two");
            }
            let remedy = "set it in the file or with --set data.path=FOLDER";
            match data.path.clone() {
                // One of another type was reported.
                None if self.complained_of.contains(&Document::steps("data.path")) => {}
                None => self.error("data", format!("missing key `path`: where the images are; {remedy}")),
                Some(path) => {
                    if let Some(found) = self.path("data.path", &path, remedy) {
                        data.source = data.source.or_else(|| detect(&found));
                        data.path = Some(found);
                    }
                }
            }
        }
        if let Some(path) = data.test_path.clone() {
            if data.source.is_some_and(|source| source != SourceKind::Csv) {
                self.error("data.test_path", "is only for `source = \"csv\"`; remove it");
            } else if let Some(found) = self.path("data.test_path", &path, "name the table of the test split")
            {
                data.test_path = Some(found);
            }
        }
        if !data.columns.is_none()
            && data.source.is_some_and(|source| !matches!(source, SourceKind::Csv | SourceKind::Parquet))
        {
            self.error("data.columns", "is only for tables and Parquet files; remove it");
        }
        for (key, file, remedy) in [
            ("data.groups", &mut data.groups, "name a table `image,group`"),
            ("data.exclude", &mut data.exclude, "name a file of images to leave out, one a line"),
        ] {
            if let Some(path) = file.clone()
                && let Some(found) = self.path(key, &path, remedy)
            {
                *file = Some(found);
            }
        }
        let mut seen = HashSet::new();
        for (index, class) in data.classes.iter().flatten().enumerate() {
            if !seen.insert(class) {
                self.error(&format!("data.classes[{index}]"), format!("class `{class}` is listed twice"));
            }
        }
        if let Some(validation) = &data.validation
            && validation.from == ValidationFrom::Source
            && self
                .document
                .root
                .get("data")
                .and_then(|data| data.get("validation")?.get("fraction"))
                .is_some()
        {
            self.error(
                "data.validation.fraction",
                "has no meaning with `from = \"source\"`; remove one of the two",
            );
        }
    }
}
