//! A folder in which everything lies that the documents speak of: photographs, studies, results of other trainers.

use std::fs;
use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};

use crate::support::Project;

/// What makes a shipped study end in seconds: a tiny network, one epoch, two seeds.
pub(crate) const SMALL: [&str; 4] =
    ["model.name=resnet-tiny", "train.epochs=1", "compare.seeds=2", "train.batch=4"];

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A committed fixture of the data crate.
pub(crate) fn fixture(name: &str) -> PathBuf {
    repository().join("crates/data/tests/fixtures").join(name)
}

/// A picture like no other: coloured blocks, the first channel of which tells the class.
pub(crate) fn picture(number: u32, label: u32, side: u32) -> RgbImage {
    let noise = |x: u32, y: u32, channel: u32| {
        let mut bits =
            number.wrapping_mul(0x9E37_79B9) ^ (y * 8 + x).wrapping_mul(0x85EB_CA6B) ^ channel << 13;
        for _ in 0..3 {
            bits ^= bits << 13;
            bits ^= bits >> 17;
            bits ^= bits << 5;
            // Shifts alone would make copies of each other of pictures whose numbers are.
            bits = bits.wrapping_mul(0x9E37_79B1).wrapping_add(number);
        }
        (bits >> 9) as u8
    };
    RgbImage::from_fn(side, side, |x, y| {
        let (x, y) = (x * 6 / side, y * 6 / side);
        Rgb([(noise(x, y, 0) / 2).saturating_add(100 * label as u8), noise(x, y, 1), noise(x, y, 2)])
    })
}

/// Writes a picture as JPEG.
pub(crate) fn photograph(path: &Path, number: u32, label: u32, side: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture(number, label, side).save_with_format(path, ImageFormat::Jpeg).unwrap();
}

/// `<folder>/{train,test}/<class>/<n>.jpg`.
pub(crate) fn photographs(project: &Project, folder: &str, classes: &[&str], each: u32) {
    let mut number = 0;
    for split in ["train", "test"] {
        for (label, class) in classes.iter().enumerate() {
            for n in 0..each {
                let path = project.path(format!("{folder}/{split}/{class}/{n}.jpg"));
                photograph(&path, number, label as u32, 40);
                number += 1;
            }
        }
    }
}

/// A small study of what lies at `path`.
pub(crate) fn small_study(path: &str) -> String {
    format!(
        "[data]\npath = \"{path}\"\n\n[model]\nname = \"resnet-tiny\"\n\n\
         [train]\nepochs = 1\nbatch = 4\nimage = 32\noptimizer = {{ name = \"sgd\", lr = 0.01 }}\n\n\
         [compare]\nseeds = 3\nbaseline = \"none\"\n\n[[recipe]]\nname = \"none\"\n\n\
         [[recipe]]\nname = \"cutmix\"\nmix = {{ kind = \"cutmix\" }}\n"
    )
}

/// A log as timm, Keras and others write them.
fn log(project: &Project, path: &str, header: &str, accuracy: f64) {
    let mut text = format!("{header}\n");
    for epoch in 0..3 {
        let value = accuracy + f64::from(epoch) / 100.0;
        let columns = header.split(',').map(|column| match column {
            "epoch" => epoch.to_string(),
            column if column.contains("loss") => format!("{:.3}", 2.0 - value),
            // timm writes percent.
            column if column.starts_with("eval_top") => format!("{:.2}", 100.0 * value),
            _ => format!("{value:.4}"),
        });
        text += &(columns.collect::<Vec<_>>().join(",") + "\n");
    }
    let path = project.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Everything that the documents' commands name.
pub(crate) fn documented(project: &Project) {
    for folder in ["studies", "recipes"] {
        fs::create_dir_all(project.path(folder)).unwrap();
        for file in fs::read_dir(repository().join(folder)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), project.path(folder).join(file.file_name())).unwrap();
        }
    }
    for folder in ["photos", "images"] {
        photographs(project, folder, &["cats", "dogs"], 6);
    }
    fs::write(project.path("my-study.toml"), small_study("photos")).unwrap();
    let mut table = String::from("photo,species,shot\n");
    for (n, class) in [(0, "cats"), (1, "cats"), (2, "cats"), (0, "dogs"), (1, "dogs"), (2, "dogs")] {
        table += &format!("photos/train/{class}/{n}.jpg,{class},{n}\n");
    }
    fs::write(project.path("labels.csv"), table).unwrap();
    let dogs = project.path("stanford");
    fs::create_dir(&dogs).unwrap();
    for file in ["images.tar", "lists.tar"] {
        fs::copy(fixture("dogs").join(file), dogs.join(file)).unwrap();
    }
    for (seed, offset) in [(1, 0.0), (2, 0.01), (3, 0.02)] {
        for (recipe, accuracy) in [("none", 0.60), ("cutmix", 0.65)] {
            let timm = "epoch,train_loss,eval_loss,eval_top1";
            log(project, &format!("output/{recipe}/seed-{seed}/summary.csv"), timm, accuracy + offset);
            for (set, harder) in [("pets", 0.0), ("dogs", 0.1)] {
                let keras = "epoch,accuracy,loss,val_accuracy,val_loss";
                let path = format!("{set}/{recipe}/seed-{seed}/log.csv");
                log(project, &path, keras, accuracy + offset - harder);
            }
        }
    }
    log(project, "a/metrics.csv", "epoch,train_loss,val_acc", 0.5);
    log(project, "b/metrics.csv", "epoch,train_loss,val_acc", 0.6);
    let mut predictions = String::from("recipe,seed,image,label,predicted\n");
    let mut all = String::from("dataset,recipe,seed,accuracy\n");
    let mut runs = ["pets", "dogs", "birds"].map(|_| String::from("recipe,seed,accuracy\n"));
    for seed in 1..=6 {
        for (recipe, right) in [("none", 12), ("cutmix", 15)] {
            for image in 0..24 {
                let predicted = if (image * 7 + seed) % 24 < right { image % 3 } else { (image + 1) % 3 };
                predictions += &format!("{recipe},{seed},{image}.jpg,{},{predicted}\n", image % 3);
            }
            for (number, set) in ["pets", "dogs", "birds"].into_iter().enumerate() {
                let accuracy = f64::from(right) / 24.0 + f64::from(seed) / 100.0 + number as f64 / 20.0;
                all += &format!("{set},{recipe},{seed},{accuracy:.4}\n");
                runs[number] += &format!("{recipe},{seed},{accuracy:.4}\n");
            }
        }
    }
    fs::write(project.path("results.csv"), predictions).unwrap();
    fs::write(project.path("all.csv"), all).unwrap();
    for (set, text) in ["pets", "dogs", "birds"].into_iter().zip(runs) {
        fs::write(project.path(format!("{set}.csv")), text).unwrap();
    }
}
