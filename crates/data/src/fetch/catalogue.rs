//! The data sets that are fetched by their names.

use super::error::FetchError;
use crate::nearest;

/// A data set and where it is.
#[derive(Clone, Debug)]
pub struct Published {
    /// What people call it here: `oxford-iiit-pet`.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// The page that describes it and says what it may be used for.
    pub home: String,
    /// Its files.
    pub files: Vec<Remote>,
    /// The source, below the folder it is fetched into; empty: the folder itself.
    pub path: String,
}

/// A file of a data set.
#[derive(Clone, Debug)]
pub struct Remote {
    /// The official address.
    pub url: String,
    /// Its size in bytes, where it is known.
    pub bytes: Option<u64>,
    /// SHA-256 in hex, where one is known.
    pub sha256: Option<String>,
    /// A `.tar.gz` that is unpacked, and then removed; other files are used as they are.
    pub unpack: bool,
}

impl Remote {
    /// The file's name: the end of its address.
    #[must_use]
    pub fn name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

/// The data sets that can be fetched. Sizes and SHA-256 are those that TensorFlow Datasets 4.9.10 recorded for the same
/// addresses; of none of them do the authors publish a SHA-256.
#[must_use]
pub fn published() -> Vec<Published> {
    let set = |name: &str, title: &str, home: &str, files: Vec<Remote>| Published {
        name: name.into(),
        title: title.into(),
        home: home.into(),
        files,
        path: String::new(),
    };
    let file = |url: &str, bytes: u64, sha256: &str| Remote {
        url: url.into(),
        bytes: Some(bytes),
        sha256: Some(sha256.into()),
        unpack: url.ends_with(".tgz") || url.ends_with(".tar.gz"),
    };
    let dogs = "http://vision.stanford.edu/aditya86/ImageNetDogs";
    let vgg = "https://www.robots.ox.ac.uk/~vgg/data";
    let kriz = "https://www.cs.toronto.edu/~kriz";
    let fast = "https://s3.amazonaws.com/fast-ai-imageclas";
    let imagenette = |name: &str, size: &str, archive: &str, bytes: u64, sha256: &str| {
        let title =
            format!("Imagenette, {size}: 10 easy classes of ImageNet, 9,469 train / 3,925 validation");
        let url = format!("{fast}/{archive}");
        let path = archive.trim_end_matches(".tgz").to_owned();
        let set = set(name, &title, "https://github.com/fastai/imagenette", vec![file(&url, bytes, sha256)]);
        Published { path, ..set }
    };
    vec![
        set(
            "stanford-dogs",
            "Stanford Dogs: 120 breeds, 12,000 train / 8,580 test",
            dogs,
            vec![
                file(
                    &format!("{dogs}/images.tar"),
                    793_579_520,
                    "a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58",
                ),
                file(
                    &format!("{dogs}/lists.tar"),
                    481_280,
                    "34b47cacd9a98b5d150e084f24d29391c084c55272295ec65c85651bc35f4d6c",
                ),
            ],
        ),
        set(
            "oxford-iiit-pet",
            "Oxford-IIIT Pet: 37 breeds of cats and dogs, 3,680 train / 3,669 test",
            &format!("{vgg}/pets/"),
            vec![
                file(
                    "https://thor.robots.ox.ac.uk/~vgg/data/pets/images.tar.gz",
                    791_918_971,
                    "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
                ),
                file(
                    "https://thor.robots.ox.ac.uk/~vgg/data/pets/annotations.tar.gz",
                    19_173_078,
                    "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
                ),
            ],
        ),
        set(
            "cub-200",
            "CUB-200-2011: 200 species of birds, 5,994 train / 5,794 test",
            "https://www.vision.caltech.edu/datasets/cub_200_2011/",
            vec![file(
                "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1",
                1_150_585_339,
                "0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
            )],
        ),
        set(
            "flowers-102",
            "Oxford Flowers-102: 102 kinds of flowers, 1,020 train / 1,020 validation / 6,149 test",
            &format!("{vgg}/flowers/102/"),
            vec![
                file(
                    &format!("{vgg}/flowers/102/102flowers.tgz"),
                    344_862_509,
                    "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
                ),
                file(
                    &format!("{vgg}/flowers/102/imagelabels.mat"),
                    502,
                    "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
                ),
                file(
                    &format!("{vgg}/flowers/102/setid.mat"),
                    14_989,
                    "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
                ),
            ],
        ),
        set(
            "cifar-10",
            "CIFAR-10: 10 classes of 32×32 pixels, 50,000 train / 10,000 test",
            &format!("{kriz}/cifar.html"),
            vec![file(
                &format!("{kriz}/cifar-10-binary.tar.gz"),
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            )],
        ),
        set(
            "cifar-100",
            "CIFAR-100: 100 classes of 32×32 pixels, 50,000 train / 10,000 test",
            &format!("{kriz}/cifar.html"),
            vec![file(
                &format!("{kriz}/cifar-100-binary.tar.gz"),
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            )],
        ),
        imagenette(
            "imagenette",
            "full size",
            "imagenette2.tgz",
            1_557_161_267,
            "6cbfac238434d89fe99e651496f0812ebc7a10fa62bd42d6874042bf01de4efd",
        ),
        imagenette(
            "imagenette-320",
            "320 px",
            "imagenette2-320.tgz",
            341_663_724,
            "569b4497c98db6dd29f335d1f109cf315fe127053cedf69010d047f0188e158c",
        ),
        imagenette(
            "imagenette-160",
            "160 px",
            "imagenette2-160.tgz",
            99_003_388,
            "64d0c4859f35a461889e0147755a999a48b49bf38a7e0f9bd27003f10db02fe5",
        ),
    ]
}

/// The published data set of a name.
///
/// # Errors
/// There is none; the message names the nearest and all.
pub fn find_published(name: &str) -> Result<Published, FetchError> {
    let sets = published();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let nearest = nearest(name, names.iter().copied());
    let unknown = FetchError::Unknown {
        name: name.to_owned(),
        nearest: nearest.map(|known| format!(" (did you mean {known:?}?)")).unwrap_or_default(),
        known: names.join(", "),
    };
    sets.into_iter().find(|set| set.name == name).ok_or(unknown)
}
