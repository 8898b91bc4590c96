//! Every kind of source that the guide's table names: found out from its path, planned, run and looked at.

use std::fs;
use std::path::{Path, PathBuf};

use bakeoff_data::SourceKind;

use crate::scene::{fixture, photograph, photographs, small_study};
use crate::support::{Project, bakeoff};

/// Splits for sources that declare none, or too few images to take validation from every class.
const OWN_SPLITS: &str = "";

/// Copies what is in a folder.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).map(drop).unwrap()
        }
    }
}

/// A source: its kind as the guide names it, what is written in `data.path`, and what else the study must say of the data.
struct Source {
    kind: &'static str,
    path: PathBuf,
    more: &'static str,
}

/// Images whose names a list of theirs gives, each with its class.
fn named(project: &Project, folder: &str, names: &[(&str, u32)]) {
    for (number, (name, label)) in names.iter().enumerate() {
        photograph(&project.path(format!("{folder}/{name}")), number as u32, *label, 40);
    }
}

fn oxford_pets(project: &Project) {
    let names =
        ["Abyssinian_1", "Abyssinian_2", "Abyssinian_3", "great_dane_1", "great_dane_2", "great_dane_3"];
    let images: Vec<(String, u32)> = names
        .iter()
        .zip([0, 0, 0, 1, 1, 1])
        .map(|(name, label)| (format!("images/{name}.jpg"), label))
        .collect();
    let images: Vec<(&str, u32)> = images.iter().map(|(name, label)| (name.as_str(), *label)).collect();
    named(project, "oxford", &images);
    fs::create_dir_all(project.path("oxford/annotations")).unwrap();
    let trainval = "Abyssinian_1 1 1 1\nAbyssinian_2 1 1 1\ngreat_dane_1 2 2 1\ngreat_dane_2 2 2 1\n";
    fs::write(project.path("oxford/annotations/trainval.txt"), trainval).unwrap();
    fs::write(project.path("oxford/annotations/test.txt"), "Abyssinian_3 1 1 1\ngreat_dane_3 2 2 1\n")
        .unwrap();
}

fn cub(project: &Project) {
    let names = [
        "001.Auk/a.jpg",
        "001.Auk/b.jpg",
        "001.Auk/c.jpg",
        "002.Owl/d.jpg",
        "002.Owl/e.jpg",
        "002.Owl/f.jpg",
    ];
    let labels = [1, 1, 1, 2, 2, 2];
    let images: Vec<(&str, u32)> = names.into_iter().zip(labels.map(|label| label - 1)).collect();
    named(project, "birds/CUB_200_2011/images", &images);
    let lines = |of: &dyn Fn(usize) -> String| -> String {
        (0..names.len()).map(|number| format!("{} {}\n", number + 1, of(number))).collect()
    };
    for (file, text) in [
        ("images.txt", lines(&|number| names[number].to_owned())),
        ("image_class_labels.txt", lines(&|number| labels[number].to_string())),
        ("train_test_split.txt", lines(&|number| u8::from(number % 3 < 2).to_string())),
        ("classes.txt", "1 001.Auk\n2 002.Owl\n".to_owned()),
    ] {
        fs::write(project.path("birds/CUB_200_2011").join(file), text).unwrap();
    }
}

fn flowers(project: &Project) {
    copied(&fixture("sources/flowers"), &project.path("flowers"));
    let names: Vec<String> = (1..8).map(|number| format!("jpg/image_{number:05}.jpg")).collect();
    let images: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    named(project, "flowers", &images);
}

/// CIFAR's files hold three images of each of two classes.
fn cifar(project: &Project) {
    let folder = project.path("cifar/cifar-10-batches-bin");
    copied(&fixture("sources/cifar/cifar-10/cifar-10-batches-bin"), &folder);
    let record = |number: u32, label: u8| {
        let picture = crate::scene::picture(number, u32::from(label), 32);
        let plane = |channel: usize| picture.pixels().map(|pixel| pixel.0[channel]).collect::<Vec<u8>>();
        [vec![label], plane(0), plane(1), plane(2)].concat()
    };
    for batch in 0..6u32 {
        let bytes: Vec<u8> = (0..6).flat_map(|n| record(batch * 6 + n, (n % 2) as u8)).collect();
        let name =
            if batch == 5 { "test_batch.bin".to_owned() } else { format!("data_batch_{}.bin", batch + 1) };
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// MNIST's files of the same kind.
fn idx(project: &Project) {
    for (name, count, first) in [("train", 12u32, 0), ("t10k", 4, 100)] {
        let mut images = [0x803u32, count, 28, 28].map(u32::to_be_bytes).concat();
        let mut labels = [0x801u32, count].map(u32::to_be_bytes).concat();
        for n in 0..count {
            let picture = crate::scene::picture(first + n, n % 2, 28);
            images.extend(picture.pixels().map(|pixel| pixel.0[0]));
            labels.push((n % 2) as u8);
        }
        fs::create_dir_all(project.path("digits")).unwrap();
        fs::write(project.path(format!("digits/{name}-images-idx3-ubyte")), images).unwrap();
        fs::write(project.path(format!("digits/{name}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn every_kind_of_source_is_found_out_planned_run_and_looked_at() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 4);
    let mut table = String::from("path,label,split\n");
    for split in ["train", "test"] {
        for (class, n) in [("cats", 0), ("cats", 1), ("cats", 2), ("dogs", 0), ("dogs", 1), ("dogs", 2)] {
            table += &format!("photos/{split}/{class}/{n}.jpg,{class},{split}\n");
        }
    }
    fs::write(project.path("table.csv"), table).unwrap();
    oxford_pets(&project);
    cub(&project);
    flowers(&project);
    cifar(&project);
    idx(&project);
    // Some fixtures have one image of a class in a split: validation is the source's own there.
    let two_classes = "classes = [\"airplane\", \"automobile\"]\n";
    let halves = "validation = { from = \"train\", fraction = 0.5 }\n";
    let sources = [
        Source { kind: "folder", path: project.path("photos"), more: OWN_SPLITS },
        Source { kind: "csv", path: project.path("table.csv"), more: OWN_SPLITS },
        Source { kind: "archive", path: fixture("sources/packed/dogs.zip"), more: OWN_SPLITS },
        Source { kind: "archive", path: fixture("sources/packed/dogs.tar.gz"), more: OWN_SPLITS },
        Source { kind: "tfds", path: fixture("sources/tfds/tiny_dogs"), more: OWN_SPLITS },
        Source { kind: "parquet", path: fixture("sources/parquet/dogs"), more: OWN_SPLITS },
        Source { kind: "webdataset", path: fixture("sources/webdataset/dogs"), more: OWN_SPLITS },
        Source { kind: "cifar", path: project.path("cifar"), more: two_classes },
        Source { kind: "idx", path: project.path("digits"), more: OWN_SPLITS },
        Source { kind: "stanford-dogs", path: fixture("dogs"), more: halves },
        Source { kind: "oxford-iiit-pet", path: project.path("oxford"), more: halves },
        Source { kind: "cub-200", path: project.path("birds"), more: halves },
        Source {
            kind: "flowers-102",
            path: project.path("flowers"),
            more: "classes = [\"pink primrose\", \"passion flower\"]\n",
        },
    ];
    for (number, Source { kind, path, more }) in sources.iter().enumerate() {
        let path = path.to_str().unwrap();
        let text = small_study(path).replacen("\n\n", &format!("\n{more}\n"), 1);
        let study = format!("{number}-{kind}.toml");
        fs::write(project.path(&study), text).unwrap();
        let check = bakeoff(&project).args(["data", "check", path, "--json"]).run();
        assert_eq!(check.code, 0, "{kind}: {check:?}");
        assert!(check.json()["images"].as_u64() > Some(2), "{kind}: {check:?}");
        let planned = bakeoff(&project).args(["plan", &study, "--no-measure", "--json"]).run();
        assert_eq!(planned.code, 0, "{kind}: {planned:?}");
        assert_eq!(planned.json()["study"]["data"]["source"], *kind, "found out from the path");
        for command in ["preview", "run"] {
            let ended = bakeoff(&project).args([command, &study, "--set", "compare.seeds=1"]).run();
            assert_eq!(ended.code, 0, "{kind}: {command}: {ended:?}");
        }
        let named = bakeoff(&project).args(["plan", &study, "--no-measure"]);
        let named = named.args(["--set", &format!("data.source={kind}")]).run();
        assert_eq!(named.code, 0, "{kind}, by its name: {named:?}");
    }
    // Generated images have no path.
    let text = small_study("").replace(
        "path = \"\"",
        "source = \"generated\"\ngenerated = { train_per_class = 8, test_per_class = 4 }",
    );
    fs::write(project.path("generated.toml"), text).unwrap();
    let run = bakeoff(&project).args(["run", "generated.toml", "-q", "--set", "compare.seeds=1"]).run();
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn the_guide_and_the_schema_name_the_same_kinds_of_source() {
    let project = Project::new();
    let schema = bakeoff(&project).args(["schema"]).run().stdout;
    let guide = fs::read_to_string(crate::scene::repository().join("docs/guide.md")).unwrap();
    for kind in SourceKind::ALL.iter().filter(|kind| **kind != SourceKind::Generated).map(|kind| kind.name())
    {
        assert!(guide.contains(&format!("`{kind}`")), "the guide's table lacks {kind}");
        assert!(schema.contains(&format!("\"{kind}\"")), "the schema lacks {kind}");
    }
}
