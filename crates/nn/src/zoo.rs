//! The networks that ship: ResNets (He et al., "Deep residual learning for image recognition", CVPR 2016).

use std::collections::HashSet;

use crate::{
    NnError,
    model::{Builder, Model},
};

/// Sides beyond this are refused: a typing error, or a data set nobody trains at full size.
const LARGEST_IMAGE: usize = 4096;

/// One network of the zoo.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ModelInfo {
    /// Name for [`Model::by_name`].
    pub name: &'static str,
    /// What it is, in a line.
    pub description: &'static str,
    /// Side of the input it was designed for, px.
    pub image: usize,
    /// Smallest side it accepts, px.
    pub smallest_image: usize,
    /// Trained numbers with 1000 classes.
    pub parameters: usize,
    /// 10⁹ floating-point operations (two per multiply–add) of one image's forward pass at `image` px.
    pub gflops: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3 (with the stride: "v1.5"), 1×1 with four times the channels.
    Bottleneck,
}

#[derive(Clone, Copy, PartialEq)]
enum Stem {
    /// 7×7 stride 2, then 3×3 max-pool stride 2.
    ImageNet,
    /// 3×3 stride 2; above 40 px also the max-pool, so that the first stage sees at most 20 px up to 80 px.
    Small,
}

struct ResNet {
    name: &'static str,
    description: &'static str,
    image: usize,
    smallest_image: usize,
    stem: Stem,
    block: Block,
    depths: [usize; 4],
    width: usize,
}

const ZOO: [ResNet; 5] = [
    ResNet {
        name: "resnet18",
        description: "torchvision's ResNet-18: basic blocks 2-2-2-2",
        image: 224,
        smallest_image: 32,
        stem: Stem::ImageNet,
        block: Block::Basic,
        depths: [2, 2, 2, 2],
        width: 64,
    },
    ResNet {
        name: "resnet34",
        description: "torchvision's ResNet-34: basic blocks 3-4-6-3",
        image: 224,
        smallest_image: 32,
        stem: Stem::ImageNet,
        block: Block::Basic,
        depths: [3, 4, 6, 3],
        width: 64,
    },
    ResNet {
        name: "resnet50",
        description: "torchvision's ResNet-50 v1.5: bottleneck blocks 3-4-6-3, stride in the 3×3",
        image: 224,
        smallest_image: 32,
        stem: Stem::ImageNet,
        block: Block::Bottleneck,
        depths: [3, 4, 6, 3],
        width: 64,
    },
    ResNet {
        name: "resnet-small",
        description: "a ResNet-10 of half width for 16 to 80 px, from scratch; stem: 3×3 convolution of stride 2, above 40 px a 3×3 max-pool of stride 2 too",
        image: 64,
        smallest_image: 16,
        stem: Stem::Small,
        block: Block::Basic,
        depths: [1, 1, 1, 1],
        width: 32,
    },
    ResNet {
        name: "resnet-tiny",
        description: "a ResNet-10 of quarter width, seconds a trial at 32 px, for demonstrations; stem: 3×3 convolution of stride 2, above 40 px a 3×3 max-pool of stride 2 too",
        image: 32,
        smallest_image: 16,
        stem: Stem::Small,
        block: Block::Basic,
        depths: [1, 1, 1, 1],
        width: 16,
    },
];

/// The networks that can be named, with their sizes.
#[must_use]
pub fn models() -> Vec<ModelInfo> {
    ZOO.iter()
        .map(|net| {
            let model = net.build(1000, net.image);
            ModelInfo {
                name: net.name,
                description: net.description,
                image: net.image,
                smallest_image: net.smallest_image,
                parameters: model.parameter_count(),
                gflops: 2.0 * model.multiply_adds() as f64 / 1e9,
            }
        })
        .collect()
}

/// The parameter names of every network there is.
pub(crate) fn parameter_names() -> HashSet<String> {
    ZOO.iter()
        .flat_map(|net| net.build(2, net.smallest_image).parameters())
        .map(|parameter| parameter.name)
        .collect()
}

pub(crate) fn build(name: &str, classes: usize, image: usize) -> Result<Model, NnError> {
    let Some(net) = ZOO.iter().find(|net| net.name == name) else {
        return Err(NnError::UnknownModel { name: name.into(), nearest: nearest(name) });
    };
    if image < net.smallest_image {
        return Err(NnError::ImageTooSmall { model: name.into(), image, smallest: net.smallest_image });
    }
    if image > LARGEST_IMAGE {
        return Err(NnError::ImageTooLarge { image, largest: LARGEST_IMAGE });
    }
    if classes < 2 {
        return Err(NnError::TooFewClasses(classes));
    }
    Ok(net.build(classes, image))
}

/// Known names by edit distance.
fn nearest(name: &str) -> Vec<String> {
    let mut names: Vec<&str> = ZOO.iter().map(|net| net.name).collect();
    names.sort_by_key(|known| strsim::levenshtein(&name.to_lowercase(), known));
    names.into_iter().map(String::from).collect()
}

impl ResNet {
    fn build(&self, classes: usize, image: usize) -> Model {
        let mut net = Builder::new(image);
        let mut x = match self.stem {
            Stem::ImageNet => net.conv("conv1", 0, self.width, 7, 2, 3),
            Stem::Small => net.conv("conv1", 0, self.width, 3, 2, 1),
        };
        x = net.batch_norm("bn1", x);
        x = net.relu("relu", x);
        if self.stem == Stem::ImageNet || image > 40 {
            x = net.max_pool("maxpool", x, 3, 2, 1);
        }
        for (stage, &depth) in self.depths.iter().enumerate() {
            let channels = self.width << stage;
            for block in 0..depth {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                x = self.block(&mut net, &format!("layer{}.{block}", stage + 1), x, channels, stride);
            }
        }
        x = net.global_average_pool("avgpool", x);
        net.linear("fc", x, classes);
        net.finish(self.name, classes, image)
    }

    fn block(&self, net: &mut Builder, name: &str, from: usize, channels: usize, stride: usize) -> usize {
        // (kernel, stride, channels) of the main path's convolutions.
        let path = match self.block {
            Block::Basic => vec![(3, stride, channels), (3, 1, channels)],
            Block::Bottleneck => vec![(1, 1, channels), (3, stride, channels), (1, 1, 4 * channels)],
        };
        let mut x = from;
        for (i, &(kernel, stride, channels)) in path.iter().enumerate() {
            let n = i + 1;
            x = net.conv(&format!("{name}.conv{n}"), x, channels, kernel, stride, kernel / 2);
            x = net.batch_norm(&format!("{name}.bn{n}"), x);
            if n < path.len() {
                x = net.relu(&format!("{name}.relu{n}"), x);
            }
        }
        let mut skip = from;
        if net.shape(skip) != net.shape(x) {
            let channels = net.shape(x).channels;
            skip = net.conv(&format!("{name}.downsample.0"), from, channels, 1, stride, 0);
            skip = net.batch_norm(&format!("{name}.downsample.1"), skip);
        }
        x = net.add(&format!("{name}.add"), x, skip);
        net.relu(&format!("{name}.relu"), x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_torchvision_publishes() {
        let known = [
            ("resnet18", 11_689_512, 1.814_073_344),
            ("resnet34", 21_797_672, 3.663_761_408),
            ("resnet50", 25_557_032, 4.089_184_256),
        ];
        for (name, parameters, gmacs) in known {
            let model = Model::by_name(name, 1000, 224).unwrap();
            assert_eq!(model.parameter_count(), parameters, "{name}");
            assert!(
                (model.multiply_adds() as f64 / 1e9 - gmacs).abs() < 1e-6,
                "{name} {}",
                model.multiply_adds()
            );
        }
    }

    #[test]
    fn names_follow_the_state_dict_of_torchvision() {
        let names: Vec<String> =
            Model::by_name("resnet50", 10, 64).unwrap().parameters().into_iter().map(|p| p.name).collect();
        assert_eq!(names[0], "conv1.weight");
        assert_eq!(names[1..5], ["bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"]);
        let at = |name: &str| names.iter().position(|n| n == name).unwrap();
        assert!(at("layer1.0.bn3.running_var") < at("layer1.0.downsample.0.weight"));
        assert!(at("layer1.0.downsample.1.running_var") < at("layer1.1.conv1.weight"));
        assert_eq!(names[names.len() - 2..], ["fc.weight", "fc.bias"]);
        assert_eq!(names.len(), 53 + 53 * 4 + 2);
    }

    #[test]
    fn networks_say_what_they_are_at_a_size_and_what_sets_two_of_them_apart() {
        let small = |image| Model::by_name("resnet-small", 5, image).unwrap();
        assert_eq!(
            small(32).describe(),
            "resnet-small for 32 px: stem of a 3×3 convolution of stride 2 (32 channels), no max-pool; stages of 16, 8, 4, 2 px; \
             global average pool; linear layer to 5 classes"
        );
        let described = small(64).describe();
        assert!(
            described.contains("(32 channels), 3×3 max-pool of stride 2; stages of 16, 8, 4, 2 px"),
            "{described}"
        );
        assert_eq!(small(40).differs_from(&small(16)), None);
        assert_eq!(small(41).differs_from(&small(80)), None);
        let difference = "at 64 px it has `maxpool` (3×3 max-pool of stride 2), at 32 px it does not";
        assert_eq!(small(32).differs_from(&small(64)).as_deref(), Some(difference));
        assert_eq!(small(64).differs_from(&small(32)).as_deref(), Some(difference));
        let resnet = |image| Model::by_name("resnet18", 5, image).unwrap();
        assert_eq!(resnet(32).differs_from(&resnet(224)), None);
    }

    #[test]
    fn the_small_network_stays_small() {
        for image in [32, 64] {
            let model = Model::by_name("resnet-small", 120, image).unwrap();
            assert!(model.flops(false) < 40_000_000, "{} at {image} px", model.flops(false));
        }
    }

    #[test]
    fn wrong_requests_are_named() {
        let error = Model::by_name("resnet-50", 10, 224).unwrap_err().to_string();
        assert!(error.contains("did you mean `resnet50`"), "{error}");
        assert!(matches!(
            Model::by_name("resnet50", 10, 31),
            Err(NnError::ImageTooSmall { smallest: 32, .. })
        ));
        assert!(matches!(Model::by_name("resnet50", 10, 5000), Err(NnError::ImageTooLarge { .. })));
        for classes in [0, 1] {
            assert!(matches!(Model::by_name("resnet18", classes, 64), Err(NnError::TooFewClasses(_))));
        }
    }
}
