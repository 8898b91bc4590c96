//! A list of labelled images, decoded on demand.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::decode::{Notes, decode_noting};
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::pack::{Pack, PackKey};
use crate::store::Store;
use crate::{
    Copies, DataError, DeclaredSplit, GeneratedConfig, Groups, ImageError, LimitConfig, OpenImage, PackMode,
    RgbImage, SourceConfig, SourceKind, Warning, detect, groups, source,
};
use bakeoff_machine::available_memory;

/// One labelled image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Stable name within the data set: the path relative to the source, with forward slashes.
    pub id: String,
    /// Index into [`Dataset::classes`].
    pub label: usize,
    /// The split the source itself declares.
    pub split: DeclaredSplit,
}

/// A data set: class names and labelled images. Holds no pixels but those its cache keeps.
#[derive(Debug)]
pub struct Dataset {
    pub(crate) path: PathBuf,
    pub(crate) classes: Vec<String>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) limit: LimitConfig,
    /// Groups that are declared; those of copies are known when images were looked at.
    pub(crate) groups: Groups,
    pub(crate) copies: Copies,
    draft: Option<usize>,
    locations: Vec<Location>,
    store: Store,
    generated: Option<GeneratedConfig>,
    warnings: Vec<Warning>,
    cache: Cache,
    /// Where and whether to keep a pack.
    pub(crate) packing: (PathBuf, PackMode),
    pub(crate) pack: OnceLock<Pack>,
}

impl Dataset {
    /// Lists the images of a source. Decodes nothing.
    ///
    /// # Errors
    /// The source is missing, empty, or no data set of its kind; it has fewer than two classes, or test images of a
    /// class without train images. The message names the file and the remedy.
    pub fn open(config: &SourceConfig) -> Result<Self, DataError> {
        let path = &config.path;
        let kind = match config.kind {
            Some(kind) => kind,
            None if config.generated.is_some() => SourceKind::Generated,
            None => detect(path).ok_or_else(|| missing(path))?,
        };
        if !config.columns.is_none() && !matches!(kind, SourceKind::Csv | SourceKind::Parquet) {
            return Err(DataError::unusable(
                path,
                "has no columns: data.columns is for tables and Parquet files only; remove it",
            ));
        }
        let listing = match kind {
            SourceKind::Generated => source::list(kind, config)?,
            _ if !path.exists() => return Err(missing(path)),
            _ => source::list(kind, config)?,
        };
        Self::from_listing(path, kind, listing, config)
    }

    fn from_listing(
        path: &Path,
        kind: SourceKind,
        mut listing: Listing,
        config: &SourceConfig,
    ) -> Result<Self, DataError> {
        listing.settle_names();
        if let Some(group) = &config.group {
            let folders = matches!(kind, SourceKind::Folder | SourceKind::Archive);
            groups::declare(&mut listing, path, group, folders)?;
        }
        if let Some(file) = &config.groups {
            groups::read_groups(&mut listing, path, file)?;
        }
        if let Some(file) = &config.exclude {
            groups::exclude(&mut listing, path, file)?;
        }
        listing.keep_classes(path, config.classes.as_deref())?;
        listing.entries.sort_by(|a, b| a.id.cmp(&b.id));
        listing.limit(config.limit);
        listing.check(path)?;
        let groups = groups::declared(&listing);
        let Listing { classes, entries, store, generated, warnings, .. } = listing;
        let (samples, locations): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|Entry { id, label, split, location }| (Sample { id, label, split }, location))
            .unzip();
        let cache = Cache::new(samples.len(), Self::DEFAULT_CACHE_BYTES);
        Ok(Self {
            path: path.to_owned(),
            limit: config.limit,
            groups,
            copies: config.copies,
            draft: config.draft,
            classes,
            samples,
            locations,
            store,
            generated,
            warnings,
            cache,
            packing: (PathBuf::new(), PackMode::Off),
            pack: OnceLock::new(),
        })
    }

    /// The most bytes of decoded pixels that are kept, unless [`Dataset::set_cache`] says otherwise: 1 GiB.
    pub const DEFAULT_CACHE_BYTES: usize = 1 << 30;

    /// Sets the most bytes of decoded pixels that are kept, and forgets those kept so far. Zero keeps none; more than half of the memory
    /// that is available now is never kept.
    pub fn set_cache(&mut self, bytes: usize) {
        self.cache = Cache::new(self.samples.len(), bytes);
    }

    /// From the next [`Dataset::inspect`] on, decoded images are kept in, and read from, a pack in this folder. Which pack of the
    /// folder is theirs the images decide. Without this there is none.
    pub fn set_pack(&mut self, folder: &Path, mode: PackMode) {
        self.packing = (folder.to_owned(), mode);
        self.pack = OnceLock::new();
    }

    /// The pack that images are read from, how many images it holds, and its bytes.
    #[must_use]
    pub fn packed(&self) -> Option<(PathBuf, usize, u64)> {
        let (images, bytes) = self.pack.get()?.size();
        Some((self.pack_path(), images, bytes))
    }

    pub(crate) fn pack_path(&self) -> PathBuf {
        self.packing.0.join(self.pack_key().file_name())
    }

    pub(crate) fn pack_key(&self) -> PackKey {
        let making = match self.draft {
            None => "decoded, upright, RGB8".to_owned(),
            Some(shortest) => format!("decoded as a draft of {shortest}, upright, RGB8"),
        };
        PackKey::new(&making, self.samples.iter().map(|sample| sample.id.as_str()))
    }

    /// Whether an image stands in a file of some image format: others need no decoding.
    pub(crate) fn is_encoded(&self, index: usize) -> bool {
        matches!(self.location(index), Ok(location) if !matches!(location, Location::Generated(_) | Location::Raw { .. }))
    }

    /// Whether images are made by Bakeoff itself.
    pub(crate) fn is_generated(&self) -> bool {
        self.generated.is_some()
    }

    /// Folder or file the data set was opened from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Class names, in label order (sorted by name unless the source gives an order).
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// All samples, in a stable order (sorted by id).
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The groups that `data.group` and `data.groups` declare. Copies of each other are found by [`Dataset::inspect`].
    #[must_use]
    pub fn declared_groups(&self) -> &Groups {
        &self.groups
    }

    /// What is odd about the source.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// One image as 8-bit RGB, orientation applied: from the pack, the cache, or decoded. Safe to call from many threads.
    ///
    /// # Errors
    /// The file cannot be read or is no image.
    pub fn load(&self, index: usize) -> Result<Arc<RgbImage>, ImageError> {
        match self.kept(index) {
            Some(image) => Ok(image),
            None => self.fetch(index, |_, _| ()),
        }
    }

    /// One image, of which [`OpenImage::pixels`] gives a region: the same pixels as [`Dataset::load`], without the work for the
    /// others where they would be decoded for this once.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn open_image(&self, index: usize) -> Result<OpenImage, ImageError> {
        match self.kept(index) {
            Some(image) => Ok(OpenImage::decoded(image)),
            None if !self.is_encoded(index) || self.cache.has_room() => {
                self.fetch(index, |_, _| ()).map(OpenImage::decoded)
            }
            None => OpenImage::of_file(self.bytes(index)?, self.draft),
        }
    }

    /// An image whose pixels need not be made.
    fn kept(&self, index: usize) -> Option<Arc<RgbImage>> {
        let packed = || self.pack.get()?.image(index).map(Arc::new);
        self.cache.get(index).or_else(packed)
    }

    /// The bytes an image is stored in: a file of some image format, or, of CIFAR, MNIST and generated images, samples as
    /// their source orders them.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, ImageError> {
        match self.location(index)? {
            Location::Generated(number) => Ok(self.render(index, *number)?.pixels().to_vec()),
            location => self.store.read(location),
        }
    }

    /// Decodes an image anew, shows its stored bytes and what it lost to `see`, and keeps its pixels while the cache has room.
    pub(crate) fn fetch(
        &self,
        index: usize,
        see: impl FnOnce(&[u8], Notes),
    ) -> Result<Arc<RgbImage>, ImageError> {
        let image = Arc::new(self.make(index, see)?);
        self.cache.keep(index, &image);
        Ok(image)
    }

    /// [`Dataset::fetch`] for someone who keeps the pixels elsewhere.
    pub(crate) fn make(&self, index: usize, see: impl FnOnce(&[u8], Notes)) -> Result<RgbImage, ImageError> {
        match self.location(index)? {
            Location::Generated(number) => {
                let image = self.render(index, *number)?;
                see(image.pixels(), Notes::default());
                Ok(image)
            }
            location => {
                let bytes = self.store.read(location)?;
                let (image, notes) = match location {
                    Location::Raw { form, .. } => {
                        (form.image(&bytes).ok_or(ImageError::Missing)?, Notes::default())
                    }
                    _ => decode_noting(&bytes, self.draft)?,
                };
                see(&bytes, notes);
                Ok(image)
            }
        }
    }

    /// Images and bytes of pixels the cache holds.
    #[must_use]
    pub fn cached(&self) -> (usize, usize) {
        self.cache.held()
    }

    fn location(&self, index: usize) -> Result<&Location, ImageError> {
        self.locations.get(index).ok_or(ImageError::NoSample(index))
    }

    fn render(&self, index: usize, number: usize) -> Result<RgbImage, ImageError> {
        match (&self.generated, self.samples.get(index)) {
            (Some(world), Some(sample)) => Ok(world.render(sample.split, number)),
            _ => Err(ImageError::NoSample(index)),
        }
    }
}

fn missing(path: &Path) -> DataError {
    // A folder above it that may not be entered hides whether it is there.
    if let Err(error) = path.try_exists() {
        return DataError::io(path)(error);
    }
    if path.exists() {
        if let Some(what) = source::no_data_set(path) {
            return DataError::unusable(path, what);
        }
        return DataError::unusable(
            path,
            "is no data set that can be told by its name; name a folder of images, a .csv table, a .parquet file, an archive \
             (.tar, .tar.gz, .zip) or the folder of a data set in its published layout, or say which it is in data.source",
        );
    }
    if path.as_os_str().is_empty() {
        return DataError::unusable(
            Path::new("data.path"),
            "is not set: name the folder or file of the data set",
        );
    }
    DataError::unusable(path, "there is no such file or folder; check the path of the data set")
}

/// Decoded pixels, up to a number of bytes. First come, first kept: which images those are changes nothing but speed.
#[derive(Debug)]
struct Cache {
    slots: Vec<OnceLock<Arc<RgbImage>>>,
    bytes_left: AtomicUsize,
}

impl Cache {
    fn new(images: usize, bytes: usize) -> Self {
        let most = available_memory()
            .map_or(bytes, |available| bytes.min(usize::try_from(available / 2).unwrap_or(usize::MAX)));
        Self { slots: (0..images).map(|_| OnceLock::new()).collect(), bytes_left: AtomicUsize::new(most) }
    }

    fn get(&self, index: usize) -> Option<Arc<RgbImage>> {
        self.slots.get(index)?.get().cloned()
    }

    fn keep(&self, index: usize, image: &Arc<RgbImage>) {
        let Some(slot) = self.slots.get(index) else { return };
        let size = image.pixels().len();
        let taken =
            self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
        if taken.is_ok() && slot.set(Arc::clone(image)).is_err() {
            // Another thread decoded the same image meanwhile.
            self.bytes_left.fetch_add(size, Ordering::Relaxed);
        }
    }

    /// Whether another image may fit.
    fn has_room(&self) -> bool {
        self.bytes_left.load(Ordering::Relaxed) > 1 << 20
    }

    fn held(&self) -> (usize, usize) {
        let images = self.slots.iter().filter_map(OnceLock::get);
        images.fold((0, 0), |(count, bytes), image| (count + 1, bytes + image.pixels().len()))
    }
}
