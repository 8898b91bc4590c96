//! Named tensors in torchvision's layout.

use std::collections::{HashMap, HashSet};

use bakeoff_random::Stream;
use rayon::prelude::*;

use crate::{Model, NnError, Parameter, ParameterKind, kernels::normal::normals, zoo};

/// Numbers with a shape, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor {
    /// Extents, outermost first; convolution kernels are output × input × height × width.
    pub shape: Vec<usize>,
    /// As many numbers as the product of the extents.
    pub data: Vec<f32>,
}

impl Tensor {
    /// A tensor of one value.
    #[must_use]
    pub fn filled(shape: &[usize], value: f32) -> Self {
        Self { shape: shape.to_vec(), data: vec![value; shape.iter().product()] }
    }
}

/// Tensors by name, in insertion order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    names: Vec<String>,
    tensors: Vec<Tensor>,
    positions: HashMap<String, usize>,
}

impl Weights {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        let name = name.into();
        if let Some(&position) = self.positions.get(&name) {
            self.tensors[position] = tensor;
        } else {
            self.positions.insert(name.clone(), self.names.len());
            self.names.push(name);
            self.tensors.push(tensor);
        }
    }

    /// The tensor of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.positions.get(name).map(|&i| &self.tensors[i])
    }

    /// The tensor of this name, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        self.positions.get(name).map(|&i| &mut self.tensors[i])
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(&self.tensors)
    }

    /// [`Weights::iter`], giving them away.
    pub(crate) fn into_tensors(self) -> impl ExactSizeIterator<Item = (String, Tensor)> {
        self.names.into_iter().zip(self.tensors)
    }

    /// How many tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// No tensors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Fresh weights as torchvision initialises its ResNets: convolutions normal with variance 2 / fan-out, batch-norm
    /// scale 1 and shift 0, linear layers uniform within ± 1/√inputs (`kaiming_uniform_(a=√5)`, PyTorch's default).
    ///
    /// Every draw is addressed by (seed, parameter name), so that one seed gives one head whatever else differs.
    #[must_use]
    pub fn initial(model: &Model, seed: u64) -> Self {
        let mut weights = Self::new();
        for parameter in model.parameters() {
            let tensor = initial_tensor(model, &parameter, seed);
            weights.insert(parameter.name, tensor);
        }
        weights
    }

    /// These weights for `model`: the same names and shapes, with a fresh head (as [`Weights::initial`] draws it) where
    /// the number of classes differs. The notes say what was done, one line each; `num_batches_tracked` is dropped.
    ///
    /// # Errors
    /// Names missing, unexpected or mis-shaped beyond the head; values that are not finite.
    pub fn adapt(&self, model: &Model, seed: u64) -> Result<(Self, Vec<String>), NnError> {
        let notes = self.notes(model, seed)?;
        let mut adapted = Self::new();
        for parameter in &model.parameters() {
            let tensor = match self.get(&parameter.name) {
                Some(tensor) if notes.is_empty() || !parameter.is_head() => tensor.clone(),
                _ => initial_tensor(model, parameter, seed),
            };
            adapted.insert(parameter.name.clone(), tensor);
        }
        adapted.check_finite()?;
        Ok((adapted, notes))
    }

    /// What [`Weights::adapt`] would have to do to the head; none where the weights fit as they are.
    pub(crate) fn notes(&self, model: &Model, seed: u64) -> Result<Vec<String>, NnError> {
        let parameters = model.parameters();
        let mut notes = Vec::new();
        let (mut missing, mut misshaped) = (Vec::new(), Vec::new());
        for parameter in &parameters {
            match self.get(&parameter.name) {
                None => missing.push(parameter.name.clone()),
                Some(tensor) if tensor.shape == parameter.shape => {}
                // The head of another number of classes: everything but the first extent agrees.
                Some(tensor)
                    if parameter.is_head()
                        && tensor.shape.len() == parameter.shape.len()
                        && tensor.shape[1..] == parameter.shape[1..] =>
                {
                    if notes.is_empty() {
                        notes.push(format!(
                            "head replaced: the weights tell {} classes apart, the data has {}; fresh head from seed {seed}",
                            tensor.shape[0],
                            model.classes()
                        ));
                    }
                }
                Some(tensor) => misshaped.push(format!(
                    "{} is {:?} where {:?} is expected",
                    parameter.name, tensor.shape, parameter.shape
                )),
            }
        }
        let heads: Vec<&str> = parameters.iter().filter(|p| p.is_head()).map(|p| p.name.as_str()).collect();
        let unexpected: Vec<String> = self
            .names
            .iter()
            .filter(|n| !n.ends_with("num_batches_tracked") && !parameters.iter().any(|p| p.name == **n))
            .cloned()
            .collect();
        // Where something else stands, it may be the head under another name.
        if !heads.is_empty()
            && unexpected.is_empty()
            && heads.iter().all(|h| missing.iter().any(|m| m == h))
            && missing.len() == heads.len()
        {
            notes.push(format!("head added: the weights have none; fresh head from seed {seed}"));
            missing.clear();
        }
        let absent: Vec<&Parameter> =
            parameters.iter().filter(|parameter| missing.contains(&parameter.name)).collect();
        let in_place = self.in_place_of(&absent, &unexpected);
        let only_the_head = !unexpected.is_empty()
            && misshaped.is_empty()
            && parameters.iter().all(|parameter| parameter.is_head() || self.get(&parameter.name).is_some());
        let unexpected = unexpected.iter().map(|name| self.with_shape(name)).collect();
        let mut problems = Vec::new();
        for (what, names) in [("missing", missing), ("unexpected", unexpected), ("mis-shaped", misshaped)] {
            if !names.is_empty() {
                let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
                let more =
                    if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
                problems.push(format!("{} {what}: {}{more}", names.len(), first.join(", ")));
            }
        }
        if !problems.is_empty() {
            let hint = match self.looks_like() {
                Some(other) if other != model.name() => {
                    format!("; they look like `{other}`: set the model to that, or use another file")
                }
                _ if only_the_head => format!(
                    "{in_place}. All but the head fits: rename a head of one layer to {} before it is saved; leave one of several \
                     layers, and what else is unexpected, out of the file",
                    heads.join(" and ")
                ),
                _ => format!("{in_place}; use weights saved from this network with torchvision's names"),
            };
            return Err(NnError::WrongNetwork {
                file: String::new(),
                model: model.name().into(),
                problems: problems.join("; "),
                hint,
            });
        }
        Ok(notes)
    }

    /// A name with its tensor's shape.
    fn with_shape(&self, name: &str) -> String {
        self.get(name).map_or(name.to_owned(), |tensor| format!("{name} {:?}", tensor.shape))
    }

    /// What stands in the place of the first absent parameter: of the unexpected tensors those that could be it by their shape,
    /// the ones with the most alike names first.
    fn in_place_of(&self, absent: &[&Parameter], unexpected: &[String]) -> String {
        let Some(parameter) = absent.first() else { return String::new() };
        let alike = |name: &&String| {
            self.get(name).is_some_and(|tensor| {
                // A head of another number of classes is a head.
                let from = usize::from(parameter.is_head());
                tensor.shape.len() == parameter.shape.len() && tensor.shape[from..] == parameter.shape[from..]
            })
        };
        // Names can be long and many; whole words of theirs are compared, not letters.
        let words = |name: &str| name.split(['.', '_']).map(str::to_owned).collect::<HashSet<String>>();
        let wanted = words(&parameter.name);
        let mut candidates: Vec<&String> = unexpected.iter().filter(alike).collect();
        candidates.sort_by_key(|name| std::cmp::Reverse(words(name).intersection(&wanted).count()));
        let listed: Vec<String> = candidates.iter().take(3).map(|name| self.with_shape(name)).collect();
        match listed.as_slice() {
            [] => String::new(),
            listed => format!("; in place of {} there is {}", parameter.name, listed.join(", ")),
        }
    }

    /// The known network whose parameters these are, whatever the number of classes.
    #[must_use]
    pub fn looks_like(&self) -> Option<&'static str> {
        zoo::models().iter().map(|info| info.name).find(|name| {
            let Ok(model) = Model::by_name(name, 2, 64) else { return false };
            let parameters = model.parameters();
            parameters
                .iter()
                .filter(|p| p.kind == ParameterKind::ConvWeight)
                .all(|p| self.get(&p.name).is_some_and(|t| t.shape == p.shape))
                && self.names.iter().filter(|n| n.contains(".conv")).count()
                    == parameters.iter().filter(|p| p.name.contains(".conv")).count()
        })
    }

    /// Names the first tensor with NaN or infinite values, or with variances below 0, whose roots would be NaN.
    ///
    /// # Errors
    /// [`NnError::NotFinite`], [`NnError::NegativeVariance`].
    pub fn check_finite(&self) -> Result<(), NnError> {
        for (name, tensor) in self.iter() {
            // All of a chunk are looked at: a loop without an early end is one of vectors.
            let finite = |chunk: &[f32]| chunk.iter().fold(true, |finite, value| finite & value.is_finite());
            if tensor.data.par_chunks(CHECKED).all(finite) {
                if name.ends_with("running_var") {
                    let mut negative = tensor.data.iter().enumerate().filter(|(_, value)| **value < 0.0);
                    if let Some((first, _)) = negative.next() {
                        let count = 1 + negative.count();
                        return Err(NnError::NegativeVariance { name: name.into(), count, first });
                    }
                }
                continue;
            }
            let mut bad = tensor.data.iter().enumerate().filter(|(_, v)| !v.is_finite());
            if let Some((first, _)) = bad.next() {
                let count = 1 + bad.count();
                return Err(NnError::NotFinite { file: String::new(), name: name.into(), count, first });
            }
        }
        Ok(())
    }
}

/// Numbers a thread checks at once.
const CHECKED: usize = 1 << 16;

/// Draws per random stream: a unit of parallel work, part of the address.
const DRAWS: usize = 4096;

/// A parameter as [`Weights::initial`] draws it.
pub(crate) fn initial_tensor(model: &Model, parameter: &Parameter, seed: u64) -> Tensor {
    let operation = format!("initial/{}", parameter.name);
    // `draw` makes pairs of numbers: two at a time, as Box–Muller gives normals.
    type Draw<'a> = &'a (dyn Fn(&mut Stream, &mut [f64], &mut [f64]) + Sync);
    let fill = |draw: Draw<'_>| {
        let mut tensor = Tensor::filled(&parameter.shape, 0.0);
        tensor.data.par_chunks_mut(DRAWS).enumerate().for_each(|(chunk, values)| {
            let mut stream = Stream::new(seed, &operation, 0, chunk as u64);
            let (mut first, mut second) = ([0.0; DRAWS / 2], [0.0; DRAWS / 2]);
            let count = values.len().div_ceil(2);
            let (first, second) = (&mut first[..count], &mut second[..count]);
            draw(&mut stream, first, second);
            for (pair, (a, b)) in values.chunks_mut(2).zip(first.iter().zip(&*second)) {
                pair.iter_mut().zip([*a, *b]).for_each(|(value, drawn)| *value = drawn as f32);
            }
        });
        tensor
    };
    match parameter.kind {
        ParameterKind::ConvWeight => {
            let fan_out = parameter.shape[0] * parameter.shape[2] * parameter.shape[3];
            let deviation = (2.0 / fan_out as f64).sqrt();
            fill(&|stream, first, second| {
                normals(stream, first, second);
                first.iter_mut().chain(second).for_each(|value| *value *= deviation);
            })
        }
        ParameterKind::LinearWeight | ParameterKind::LinearBias => {
            let layer = &model.layers[parameter.layer];
            let bound = 1.0 / (model.input_shape(layer).len() as f64).sqrt();
            fill(&|stream, first, second| {
                stream.uniform_pairs(first, second);
                first.iter_mut().chain(second).for_each(|value| *value = 2.0 * bound * *value - bound);
            })
        }
        ParameterKind::NormScale | ParameterKind::RunningVariance => Tensor::filled(&parameter.shape, 1.0),
        ParameterKind::NormShift | ParameterKind::RunningMean => Tensor::filled(&parameter.shape, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_weights_have_torchvisions_spread() {
        let model = Model::by_name("resnet18", 10, 64).unwrap();
        let weights = Weights::initial(&model, 1);
        let moments = |name: &str| {
            let data = &weights.get(name).unwrap().data;
            let mean = data.iter().map(|&v| f64::from(v)).sum::<f64>() / data.len() as f64;
            let square = data.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / data.len() as f64;
            (mean, (square - mean * mean).sqrt())
        };
        let (mean, deviation) = moments("layer3.1.conv2.weight");
        let expected = (2.0 / (256.0 * 9.0f64)).sqrt();
        assert!(
            mean.abs() < expected * 0.01 && (deviation / expected - 1.0).abs() < 0.01,
            "{mean} {deviation}"
        );
        let (_, deviation) = moments("fc.weight");
        let bound = 1.0 / 512f64.sqrt();
        assert!((deviation / (bound / 3f64.sqrt()) - 1.0).abs() < 0.03, "{deviation}");
        assert!(weights.get("fc.weight").unwrap().data.iter().all(|v| f64::from(v.abs()) <= bound));
    }

    #[test]
    fn a_seed_gives_one_head_and_another_seed_another() {
        let (a, b) =
            (Model::by_name("resnet18", 10, 64).unwrap(), Model::by_name("resnet18", 10, 32).unwrap());
        let head = |model, seed| Weights::initial(model, seed).get("fc.weight").cloned();
        assert_eq!(head(&a, 5), head(&b, 5));
        assert_ne!(head(&a, 5), head(&a, 6));
    }

    #[test]
    fn another_number_of_classes_replaces_the_head_and_nothing_else() {
        let source = Weights::initial(&Model::by_name("resnet18", 1000, 64).unwrap(), 1);
        let model = Model::by_name("resnet18", 120, 64).unwrap();
        let (adapted, notes) = source.adapt(&model, 9).unwrap();
        assert!(notes.len() == 1 && notes[0].contains("1000") && notes[0].contains("120"), "{notes:?}");
        assert_eq!(adapted.get("fc.weight"), Weights::initial(&model, 9).get("fc.weight"));
        assert_eq!(adapted.get("layer4.1.conv2.weight"), source.get("layer4.1.conv2.weight"));
        let (same, notes) = adapted.adapt(&model, 3).unwrap();
        assert!(notes.is_empty() && same == adapted);
    }

    #[test]
    fn weights_of_another_network_are_refused_by_name() {
        let source = Weights::initial(&Model::by_name("resnet34", 10, 64).unwrap(), 1);
        let error = source.adapt(&Model::by_name("resnet18", 10, 64).unwrap(), 1).unwrap_err().to_string();
        assert!(error.contains("unexpected: layer1.2.conv1.weight"), "{error}");
        assert!(error.contains("look like `resnet34`"), "{error}");
        let mut source = Weights::initial(&Model::by_name("resnet18", 10, 64).unwrap(), 1);
        source.insert("conv1.weight", Tensor::filled(&[64, 3, 3, 3], 0.0));
        let error = source.adapt(&Model::by_name("resnet18", 10, 64).unwrap(), 1).unwrap_err().to_string();
        assert!(error.contains("conv1.weight is [64, 3, 3, 3] where [64, 3, 7, 7]"), "{error}");
    }

    #[test]
    fn a_negative_variance_is_named() {
        let model = Model::by_name("resnet18", 10, 64).unwrap();
        let mut weights = Weights::initial(&model, 1);
        weights.get_mut("layer2.0.bn1.running_var").unwrap().data[7] = -1e-9;
        weights.get_mut("layer2.0.bn1.running_mean").unwrap().data[7] = -1.0;
        weights.get_mut("layer2.0.bn2.running_var").unwrap().data[7] = 0.0;
        let error = weights.adapt(&model, 1).unwrap_err().to_string();
        assert!(error.contains("`layer2.0.bn1.running_var` holds 1 negative variances"), "{error}");
    }

    #[test]
    fn a_nan_weight_is_named() {
        let model = Model::by_name("resnet18", 10, 64).unwrap();
        let mut weights = Weights::initial(&model, 1);
        weights.get_mut("layer2.0.bn1.bias").unwrap().data[7] = f32::NAN;
        let error = weights.adapt(&model, 1).unwrap_err().to_string();
        assert!(error.contains("`layer2.0.bn1.bias` holds 1 values") && error.contains("index 7"), "{error}");
    }
}
