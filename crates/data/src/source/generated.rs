//! Images that Bakeoff draws.

use std::path::Path;

use super::definition::{Precedence, Source};
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::{DataError, GeneratedConfig};

pub(super) const SOURCE: Source = Source {
    words: "Images made by Bakeoff itself, with planted truth (see [`GeneratedConfig`]).",
    precedence: Precedence::Remainder,
    claims_file: |_, _| false,
    claims_folder: |_| false,
    list: |_, options| list(options.generated.cloned().unwrap_or_default()),
};

fn list(world: GeneratedConfig) -> Result<Listing, DataError> {
    world.check().map_err(|wrong| DataError::unusable(Path::new("generated images"), wrong.join("\n")))?;
    let entries = world
        .samples()
        .into_iter()
        .map(|sample| Entry {
            id: sample.id,
            label: sample.label,
            split: sample.split,
            location: Location::Generated(sample.number),
        })
        .collect();
    Ok(Listing { classes: world.class_names(), entries, generated: Some(world), ..Listing::default() })
}
