//! Where a batch stands in a training run: all that random draws depend on, besides the recipe.

use bakeoff_random::Stream;

/// A batch of a training run. Every draw is a function of it and of the operation that draws.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The trial's seed.
    pub seed: u64,
    /// Counted from 0.
    pub epoch: u32,
    /// Counted from 0 within the epoch.
    pub batch: u64,
    /// The batch's images: numbers that name them in the whole data set.
    pub ids: &'a [u64],
}

impl Address<'_> {
    pub(crate) fn of_batch(&self, operation: &str) -> Stream {
        Stream::new(self.seed, operation, self.epoch, self.batch)
    }

    pub(crate) fn of_image(&self, operation: &str, index: usize) -> Stream {
        Stream::new(self.seed, operation, self.epoch, self.ids[index])
    }
}

/// Where the draws of one image come from.
#[derive(Clone, Copy)]
pub(crate) struct ImageDraws {
    pub(crate) seed: u64,
    pub(crate) epoch: u32,
    pub(crate) sample: u64,
}

impl ImageDraws {
    pub(crate) fn of_image(address: &Address<'_>, index: usize) -> Self {
        Self { seed: address.seed, epoch: address.epoch, sample: address.ids[index] }
    }

    pub(crate) fn of(self, operation: &str) -> Stream {
        Stream::new(self.seed, operation, self.epoch, self.sample)
    }
}
