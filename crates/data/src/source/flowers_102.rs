//! Oxford Flowers-102 (Nilsback and Zisserman 2008), <https://www.robots.ox.ac.uk/~vgg/data/flowers/102/>.

use std::path::{Path, PathBuf};

use super::definition::{Precedence, Source};
use super::published::{finish, folder_with, needed};
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::matlab::{self, Value};
use crate::paths::below;
use crate::stored_file::StoredFile;
use crate::{DataError, DeclaredSplit};

pub(super) const SOURCE: Source = Source {
    words: "Oxford Flowers-102 as published: `jpg`, `imagelabels.mat`, `setid.mat`.",
    precedence: Precedence::Published,
    claims_file: |_, _| false,
    claims_folder: |path| folder_of(path).is_some(),
    list: |path, _| list(path),
};

const FLOWERS: &str = "imagelabels.mat";

fn folder_of(path: &Path) -> Option<PathBuf> {
    folder_with(path, FLOWERS, &["flowers-102"])
}

/// 102 kinds of flowers. The split is the published one, 1,020 train, 1,020 validation, 6,149 test images.
fn list(path: &Path) -> Result<Listing, DataError> {
    let folder = needed(folder_of(path), path, "imagelabels.mat")?;
    let read = |name: &str, variables: &[&str]| -> Result<Vec<Vec<usize>>, DataError> {
        let file = folder.join(name);
        let wrong = |message: String| DataError::unusable(&file, message);
        let bytes = StoredFile::read_all(&file, 64 << 20)?;
        let mut values = matlab::read(&bytes).map_err(wrong)?;
        let numbers = variables.iter().map(|variable| match values.remove(*variable) {
            Some(Value::Numbers(numbers)) => numbers
                .into_iter()
                .map(|number| {
                    let whole = number.fract() == 0.0 && (1.0..=10_000_000.0).contains(&number);
                    whole
                        .then_some(number as usize)
                        .ok_or_else(|| wrong(format!("{variable} holds {number}")))
                })
                .collect(),
            _ => Err(wrong(format!("has no numeric array {variable}; fetch it again"))),
        });
        numbers.collect()
    };
    let labels = read(FLOWERS, &["labels"])?.remove(0);
    let splits = read("setid.mat", &["trnid", "valid", "tstid"])?;
    let declared = [DeclaredSplit::Train, DeclaredSplit::Validation, DeclaredSplit::Test];
    let names: Vec<&str> = NAMES.split(", ").collect();
    let mut entries = Vec::new();
    for (numbers, split) in splits.into_iter().zip(declared) {
        for number in numbers {
            let label = labels.get(number - 1).copied().filter(|label| *label <= names.len());
            let label = label.ok_or_else(|| {
                DataError::unusable(
                    &folder.join(FLOWERS),
                    format!("has no class of 1 to 102 for image {number}"),
                )
            })?;
            let id = format!("jpg/image_{number:05}.jpg");
            let location = Location::File(below(&folder, &id));
            entries.push(Entry { id, label, split, location });
        }
    }
    let classes = names.into_iter().enumerate().map(|(at, name)| (at + 1, name.to_owned())).collect();
    finish(&folder, classes, entries)
}

/// The categories in the order of their numbers, from the data set's page of categories (as TensorFlow Datasets lists them).
const NAMES: &str = "pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, \
     moon orchid, bird of paradise, monkshood, globe thistle, snapdragon, colt's foot, king protea, spear \
     thistle, yellow iris, globe-flower, purple coneflower, peruvian lily, balloon flower, giant white \
     arum lily, fire lily, pincushion flower, fritillary, red ginger, grape hyacinth, corn poppy, prince \
     of wales feathers, stemless gentian, artichoke, sweet william, carnation, garden phlox, love in the \
     mist, mexican aster, alpine sea holly, ruby-lipped cattleya, cape flower, great masterwort, siam \
     tulip, lenten rose, barbeton daisy, daffodil, sword lily, poinsettia, bolero deep blue, wallflower, \
     marigold, buttercup, oxeye daisy, common dandelion, petunia, wild pansy, primula, sunflower, \
     pelargonium, bishop of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia?, cautleya \
     spicata, japanese anemone, black-eyed susan, silverbush, californian poppy, osteospermum, spring \
     crocus, bearded iris, windflower, tree poppy, gazania, azalea, water lily, rose, thorn apple, \
     morning glory, passion flower, lotus, toad lily, anthurium, frangipani, clematis, hibiscus, \
     columbine, desert-rose, tree mallow, magnolia, cyclamen, watercress, canna lily, hippeastrum, bee \
     balm, ball moss, foxglove, bougainvillea, camellia, mallow, mexican petunia, bromelia, blanket \
     flower, trumpet creeper, blackberry lily";
