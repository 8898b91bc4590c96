//! Batches for the network: order, decoding, augmenting, mixing, normalising. One path for training and for pictures of it.

use std::sync::mpsc::sync_channel;

use bakeoff_augment::{
    ActivationMaps, Address, Answers, BatchError, BatchPlace, Mixed, Mixer, NetworkInput, Pipeline,
    PixelBatch, Questions, Targets, Written,
};
use bakeoff_data::{Dataset, ImageError};
use bakeoff_nn::{HiddenMix, NnError, Regularisation, Session};
use bakeoff_random::Stream;
use rayon::ThreadPool;

use crate::config::Sampling;

/// A batch that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// An image that could be read when the study began cannot be read now.
    #[error(
        "image {id}: {source}. It could be read before; see that the data set is still there and whole, then run the same \
         command again: finished trials are kept"
    )]
    Image {
        /// Sample id.
        id: String,
        /// Why.
        source: ImageError,
    },
    /// Images that do not make a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// The training images of one trial, batch by batch. Every batch is a function of (seed, epoch, step).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) seed: u64,
    /// Images of a batch; the last one of an epoch takes what is left.
    pub(crate) batch: usize,
    /// Samples trained on.
    pub(crate) train: &'a [usize],
    /// Which of them an epoch shows.
    pub(crate) sampling: Sampling,
}

/// Below this stands the sample in a place of an epoch's order, above how often it came before: shown again, an image is augmented
/// in another way.
const REPEATED: u32 = 40;

/// The sample in a place of the order.
fn sample_of(place: u64) -> usize {
    (place & ((1 << REPEATED) - 1)) as usize
}

/// A batch as the recipe's transforms made it, not normalised; mixed or not yet.
pub(crate) struct AugmentedBatch {
    pub(crate) samples: Vec<usize>,
    /// Places of the order.
    ids: Vec<u64>,
    epoch: u32,
    step: usize,
    pub(crate) pixels: PixelBatch,
    labels: Vec<usize>,
    pub(crate) targets: Targets,
    /// What the mixer wants to know of the network.
    questions: Questions,
}

/// A batch as the network takes it.
pub(crate) struct TrainingBatch {
    pub(crate) images: NetworkInput,
    pub(crate) targets: Targets,
    /// The same images where they are not mixed yet: the network is to be asked about them first.
    unmixed: Option<Box<AugmentedBatch>>,
    /// What was mixed with what; partners and own shares are the network's to mix where a stage is named.
    stage: Option<usize>,
    partners: Vec<usize>,
    lambdas: Vec<f32>,
    /// Weight of the divergence among the views of an image.
    consistency: Option<f64>,
    /// How much each image counts, where not all count the same.
    weights: Option<Vec<f32>>,
}

impl TrainingBatch {
    /// The network's answers, as it is now, to what the mixer wants to know.
    pub(crate) fn answers(&self, network: &mut Session) -> Result<Answers, NnError> {
        match &self.unmixed {
            None => Ok(Answers::default()),
            Some(unmixed) => unmixed.answers(&self.images, network),
        }
    }

    /// What the network does besides.
    pub(crate) fn regularisation(&self) -> Regularisation<'_> {
        match (self.stage, self.consistency, &self.weights) {
            (Some(stage), ..) => Regularisation::HiddenMix(HiddenMix {
                stage,
                partners: &self.partners,
                lambdas: &self.lambdas,
            }),
            (None, Some(weight), _) => Regularisation::JensenShannon { weight },
            (None, None, Some(weights)) => Regularisation::Weights(weights),
            (None, None, None) => Regularisation::None,
        }
    }
}

/// Stages of the network after which a recipe's mixer may ask for activations to be mixed.
pub(crate) fn hidden_stages(pipeline: &Pipeline) -> Vec<usize> {
    pipeline.mixer().map(Mixer::stages).unwrap_or_default().into_iter().map(|(_, stage)| stage).collect()
}

impl Feed<'_> {
    /// Steps of an epoch.
    pub(crate) fn steps(&self) -> usize {
        self.train.len().div_ceil(self.batch.max(1))
    }

    /// The order of an epoch (from zero): samples, and how often each came before. The same for every recipe of a seed.
    pub(crate) fn order(&self, epoch: u32) -> Vec<u64> {
        let shown: Vec<u64> = match self.sampling {
            Sampling::Shuffled => self.train.iter().map(|&sample| sample as u64).collect(),
            Sampling::Balanced => self.balanced(epoch),
        };
        let order = Stream::new(self.seed, "order", epoch, 0).permutation(shown.len());
        order.into_iter().map(|position| shown[position]).collect()
    }

    /// Whether the image in a place of the order can be decoded.
    pub(crate) fn readable(&self, place: u64) -> bool {
        self.dataset.load(sample_of(place)).is_ok()
    }

    /// As many images as there are, the same number of every class (one more of some, drawn by lot, where that does not come
    /// out even). Of a small class each image is shown again and again, equally often; of a large one others every epoch.
    fn balanced(&self, epoch: u32) -> Vec<u64> {
        let mut classes = vec![Vec::new(); self.dataset.classes().len()];
        for &sample in self.train {
            if let Some(class) = classes.get_mut(self.dataset.samples()[sample].label) {
                class.push(sample as u64);
            }
        }
        classes.retain(|class| !class.is_empty());
        let (each, more) = (self.train.len() / classes.len().max(1), self.train.len() % classes.len().max(1));
        let lot = Stream::new(self.seed, "balanced/classes", epoch, 0).permutation(classes.len());
        let mut shown = Vec::with_capacity(self.train.len());
        for (class, lot) in classes.iter().zip(lot) {
            let mut left = each + usize::from(lot < more);
            for round in 0.. {
                if left == 0 {
                    break;
                }
                // The class's first sample tells its stream from those of others.
                let mut order =
                    Stream::new(self.seed, "balanced/images", epoch, class[0] | round << REPEATED)
                        .permutation(class.len());
                order.truncate(left);
                left -= order.len();
                shown.extend(order.into_iter().map(|position| class[position] | round << REPEATED));
            }
        }
        shown
    }

    /// The places of one step of an epoch.
    fn places<'o>(&self, order: &'o [u64], step: usize) -> &'o [u64] {
        order.chunks(self.batch.max(1)).nth(step).unwrap_or_default()
    }

    /// Augmented, not mixed.
    pub(crate) fn augmented(
        &self,
        order: &[u64],
        epoch: u32,
        step: usize,
    ) -> Result<AugmentedBatch, FeedError> {
        let ids = self.places(order, step).to_vec();
        let samples: Vec<usize> = ids.iter().map(|&place| sample_of(place)).collect();
        let labels: Vec<usize> = samples.iter().map(|&sample| self.dataset.samples()[sample].label).collect();
        let address = Address { seed: self.seed, epoch, batch: step as u64, ids: &ids };
        let pixels =
            self.pipeline.train_batch_of(&address, |place| write_image(self.dataset, &samples, place))?;
        let targets = Targets::one_hot(&labels, self.dataset.classes().len())?;
        let questions = self.pipeline.questions(&address);
        Ok(AugmentedBatch { samples, ids, epoch, step, pixels, labels, targets, questions })
    }

    /// Mixes with the help of the network's answers, and says what was mixed with what.
    pub(crate) fn mix(&self, batch: &mut AugmentedBatch, answers: &Answers) -> Result<Vec<Mixed>, FeedError> {
        let AugmentedBatch { ids, epoch, step, pixels, targets, .. } = batch;
        let address = Address { seed: self.seed, epoch: *epoch, batch: *step as u64, ids };
        Ok(self.pipeline.mix(pixels, targets, &address, answers)?)
    }

    /// Ready for the network, or for what it is to be asked first.
    pub(crate) fn batch(&self, order: &[u64], epoch: u32, step: usize) -> Result<TrainingBatch, FeedError> {
        let unmixed = self.augmented(order, epoch, step)?;
        if !unmixed.asks() {
            return self.finished(unmixed, &Answers::default());
        }
        Ok(TrainingBatch {
            images: unmixed.input(self.pipeline),
            targets: unmixed.targets.clone(),
            unmixed: Some(Box::new(unmixed)),
            stage: None,
            partners: Vec::new(),
            lambdas: Vec::new(),
            consistency: None,
            weights: None,
        })
    }

    /// Mixed, if it was not yet, and ready.
    pub(crate) fn ready(
        &self,
        mut batch: TrainingBatch,
        answers: &Answers,
    ) -> Result<TrainingBatch, FeedError> {
        match batch.unmixed.take() {
            None => Ok(batch),
            Some(unmixed) => self.finished(*unmixed, answers),
        }
    }

    /// Mixed and normalised.
    fn finished(&self, unmixed: AugmentedBatch, answers: &Answers) -> Result<TrainingBatch, FeedError> {
        let AugmentedBatch { ids, epoch, step, pixels, mut targets, .. } = unmixed;
        let (pipeline, seed) = (self.pipeline, self.seed);
        let address = Address { seed, epoch, batch: step as u64, ids: &ids };
        let (images, mixed) = pipeline.mix_and_normalise(pixels, &mut targets, &address, answers)?;
        let weights: Vec<f32> = mixed.iter().map(|mixed| mixed.weight).collect();
        Ok(TrainingBatch {
            images,
            targets,
            unmixed: None,
            stage: mixed.iter().map(|mixed| mixed.stage).find(|&stage| stage > 0),
            partners: mixed.iter().map(|mixed| mixed.partner).collect(),
            lambdas: mixed.iter().map(|mixed| mixed.lambda).collect(),
            consistency: pipeline.consistency(),
            weights: weights.iter().any(|&weight| weight != 1.0).then_some(weights),
        })
    }
}

impl AugmentedBatch {
    /// Whether the mixer wants to know something.
    pub(crate) fn asks(&self) -> bool {
        self.questions.any()
    }

    /// The images as the network takes them.
    pub(crate) fn input(&self, pipeline: &Pipeline) -> NetworkInput {
        pipeline.normalise(self.pixels.clone())
    }

    /// What the network says about its `input`.
    pub(crate) fn answers(&self, input: &NetworkInput, network: &mut Session) -> Result<Answers, NnError> {
        let mut answers = Answers::default();
        if self.questions.activation_maps {
            let maps = network.class_activation_maps(input.values(), &self.labels)?;
            let (rows, columns, values) = (maps.rows, maps.columns, maps.values);
            answers.activation_maps = Some(ActivationMaps { rows, columns, values });
        }
        if self.questions.input_gradient {
            answers.input_gradient = Some(network.input_gradient(input.values(), self.targets.values())?);
        }
        Ok(answers)
    }
}

/// Evaluation images: preprocessing only.
pub(crate) fn evaluation(
    dataset: &Dataset,
    pipeline: &Pipeline,
    samples: &[usize],
) -> Result<NetworkInput, FeedError> {
    Ok(pipeline.normalise(evaluation_pixels(dataset, pipeline, samples)?))
}

/// [`evaluation`] before normalisation.
pub(crate) fn evaluation_pixels(
    dataset: &Dataset,
    pipeline: &Pipeline,
    samples: &[usize],
) -> Result<PixelBatch, FeedError> {
    pipeline.eval_batch_of(samples.len(), |place| write_image(dataset, samples, place))
}

/// Opens an image, reads the pixels that are shown of it, and writes them into its place of a batch.
fn write_image<'b>(
    dataset: &Dataset,
    samples: &[usize],
    place: BatchPlace<'_, 'b>,
) -> Result<Written<'b>, FeedError> {
    let sample = samples[place.index()];
    let unreadable = |source| FeedError::Image {
        id: dataset.samples().get(sample).map(|sample| sample.id.clone()).unwrap_or_default(),
        source,
    };
    let image = dataset.open_image(sample).map_err(unreadable)?;
    let view = place.view(image.width(), image.height());
    let photograph = image.pixels(view.region()).map_err(unreadable)?;
    Ok(view.write(&photograph))
}

/// Batches made before they are asked for.
pub(crate) const AHEAD: usize = 3;

/// Makes things in `pool`, at most `ahead` of them before they are asked for.
pub(crate) fn prefetch<J: Send, T: Send, R>(
    pool: &ThreadPool,
    ahead: usize,
    jobs: impl Iterator<Item = J> + Send,
    mut make: impl FnMut(J) -> T + Send,
    consume: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(ahead);
        scope.spawn(move || {
            for job in jobs {
                // The consumer has gone: it was stopped or it failed.
                if sender.send(pool.install(|| make(job))).is_err() {
                    return;
                }
            }
        });
        // Dropped before the scope waits for the thread, which would else wait for room in the channel.
        let result = consume(&mut receiver.iter());
        drop(receiver);
        result
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bakeoff_augment::{Preprocess, RecipeConfig};
    use bakeoff_data::{GeneratedConfig, SourceConfig};

    use super::*;

    #[test]
    fn balanced_epochs_show_every_class_equally_often_and_every_image_of_a_small_one() {
        let config = SourceConfig { generated: Some(GeneratedConfig::default()), ..SourceConfig::default() };
        let dataset = Dataset::open(&config).unwrap();
        let recipe = RecipeConfig { name: "none".to_owned(), transforms: Vec::new(), mix: None };
        let pipeline = Pipeline::new(&recipe, &Preprocess::default(), 16).unwrap();
        // Four images of the first class, thirty of the second, seven of the third.
        let mut train = Vec::new();
        for (class, count) in [(0, 4), (1, 30), (2, 7)] {
            let of_class = dataset.samples().iter().enumerate().filter(|(_, sample)| sample.label == class);
            train.extend(of_class.map(|(index, _)| index).take(count));
        }
        let feed = |sampling| Feed {
            dataset: &dataset,
            pipeline: &pipeline,
            seed: 3,
            batch: 8,
            train: &train,
            sampling,
        };
        let balanced = feed(Sampling::Balanced);
        let mut seen = HashMap::new();
        for epoch in 0..20 {
            let order = balanced.order(epoch);
            assert_eq!(order, balanced.order(epoch));
            assert_eq!(order.len(), train.len());
            let mut distinct = order.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), order.len(), "the same image is never augmented the same way twice");
            let mut classes = [0; 3];
            let mut first = [0; 4];
            for sample in order.into_iter().map(sample_of) {
                classes[dataset.samples()[sample].label] += 1;
                if let Some(place) = train[..4].iter().position(|&other| other == sample) {
                    first[place] += 1;
                }
                *seen.entry(sample).or_insert(0) += 1;
            }
            assert!(classes.iter().all(|count| (13..=14).contains(count)), "{classes:?}");
            assert!(first.iter().all(|count| (3..=4).contains(count)), "{first:?}");
        }
        assert_eq!(seen.len(), train.len(), "every image of the large class has its turn");
        let mut shuffled = feed(Sampling::Shuffled).order(1);
        assert_ne!(shuffled, feed(Sampling::Shuffled).order(2));
        shuffled.sort_unstable();
        let mut all: Vec<u64> = train.iter().map(|&sample| sample as u64).collect();
        all.sort_unstable();
        assert_eq!(shuffled, all);
    }

    #[test]
    fn answers_of_the_network_decide_how_a_batch_is_mixed() {
        let config = SourceConfig { generated: Some(GeneratedConfig::default()), ..SourceConfig::default() };
        let dataset = Dataset::open(&config).unwrap();
        // Of several classes.
        let all = dataset.samples().len();
        let train: Vec<usize> = (0..all).step_by(all / 6).take(6).collect();
        let model = bakeoff_nn::Model::by_name("resnet-tiny", dataset.classes().len(), 32).unwrap();
        let session = bakeoff_nn::SessionConfig {
            batch: 6,
            backend: bakeoff_nn::BackendKind::Cpu,
            threads: 1,
            train: true,
            trainable: bakeoff_nn::Trainable::All,
        };
        let mut network = Session::new(&model, &bakeoff_nn::Weights::initial(&model, 1), session).unwrap();
        for (name, weighs) in [("snapmix", true), ("puzzlemix", false), ("cutmix", false)] {
            let shipped = bakeoff_augment::builtin(32).into_iter().find(|recipe| recipe.config.name == name);
            let mut recipe = shipped.unwrap().config;
            // By saliency alone: a network at its beginning has little to say against the prior.
            if let Some(Mixer::Puzzlemix(bakeoff_augment::Puzzlemix { n_labels, beta, eta, .. })) =
                &mut recipe.mix
            {
                (*n_labels, *beta, *eta) = (2, 0.0, 0.0);
            }
            let pipeline = Pipeline::new(&recipe, &Preprocess::default(), 32).unwrap();
            let sampling = Sampling::Shuffled;
            let feed =
                Feed { dataset: &dataset, pipeline: &pipeline, seed: 1, batch: 6, train: &train, sampling };
            let order = feed.order(0);
            let mut made = [true, false].map(|asking| {
                let batch = feed.batch(&order, 0, 0).unwrap();
                assert_eq!(batch.unmixed.is_some(), name != "cutmix");
                let answers = if asking { batch.answers(&mut network).unwrap() } else { Answers::default() };
                feed.ready(batch, &answers).unwrap()
            });
            // What a network at its beginning sees is not the same everywhere.
            let [asked, unasked] = &mut made;
            let same = asked.images == unasked.images && asked.targets == unasked.targets;
            assert_eq!(same, name == "cutmix", "{name}");
            assert_eq!(matches!(asked.regularisation(), Regularisation::Weights(_)), weighs, "{name}");
        }
    }

    #[test]
    fn prefetching_keeps_the_order_and_ends_when_the_consumer_does() {
        let pool = crate::threads::pool(1).unwrap();
        let all = prefetch(&pool, 2, 0..100, |n| n * n, |items| items.collect::<Vec<_>>());
        assert_eq!(all, (0..100).map(|n| n * n).collect::<Vec<_>>());
        let first = prefetch(&pool, 2, 0.., |n: u64| n, |items| items.take(3).collect::<Vec<_>>());
        assert_eq!(first, [0, 1, 2]);
    }
}
