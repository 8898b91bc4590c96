//! Maps of networks by the image they are of.

use bakeoff_evidence::Evidence;
use bakeoff_study::MOST_MAPS;
use bakeoff_study::records::{MapRecord, MapsRecord};
use base64::Engine;

/// The maps of one image, one per network that has one.
pub(crate) struct Mapped<'a> {
    pub(crate) image: &'a str,
    pub(crate) class: &'a str,
    pub(crate) maps: Vec<(&'a MapsRecord, &'a MapRecord)>,
}

/// By image, in the order of the records, recipes in study order; all of one seed.
pub(crate) fn mapped(evidence: &Evidence) -> Vec<Mapped<'_>> {
    let classes = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    // The seed with maps of most recipes, of several the first.
    let recipes = |seed: u64| evidence.maps.iter().filter(|record| record.seed == seed).count();
    let seed = evidence.maps.iter().map(|record| record.seed).rev().max_by_key(|&seed| recipes(seed));
    let of_seed = || evidence.maps.iter().filter(|record| Some(record.seed) == seed);
    let of_recipe = |name: &str| of_seed().find(|record| record.recipe == name);
    let records: Vec<&MapsRecord> =
        evidence.plan.recipes.iter().filter_map(|recipe| of_recipe(&recipe.name)).collect();
    let Some(&first) = records.first() else { return Vec::new() };
    let mut all = Vec::new();
    for map in first.maps.iter().take(MOST_MAPS) {
        let same = |record: &MapsRecord| record.maps.iter().position(|other| other.image == map.image);
        let maps = records.iter().filter_map(|record| Some((*record, &record.maps[same(record)?]))).collect();
        let class = classes.get(map.label as usize).map_or("", String::as_str);
        all.push(Mapped { image: &map.image, class, maps });
    }
    all
}

pub(crate) fn uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:image/{kind};base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}
