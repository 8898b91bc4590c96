#![allow(dead_code)] // Each test program uses a part of it.
//! A folder of small photographs, a small study, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use image::{ImageFormat, Rgb, RgbImage};

/// A temporary folder in which the program is run.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// Which photographs to make.
pub(crate) struct Photos {
    pub(crate) classes: &'static [&'static str],
    /// In each split.
    pub(crate) per_class: u32,
}

impl Default for Photos {
    fn default() -> Self {
        Self { classes: &["green", "red"], per_class: 8 }
    }
}

impl Project {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// `photos/{train,test}/<class>/<n>.jpg`, each a little different.
    pub(crate) fn photos(&self, photos: &Photos) {
        for (split, offset) in [("train", 0), ("test", 1000)] {
            for (label, class) in photos.classes.iter().enumerate() {
                let folder = self.path(format!("photos/{split}/{class}"));
                fs::create_dir_all(&folder).unwrap();
                for n in 0..photos.per_class {
                    let picture = RgbImage::from_fn(24, 20, |x, y| {
                        let grain = (x * 31 + y * 17 + (n + offset) * 101) % 97;
                        let shade = 80 + grain as u8;
                        if label == 0 { Rgb([shade, 180, shade / 2]) } else { Rgb([180, shade, shade / 2]) }
                    });
                    picture.save_with_format(folder.join(format!("{n}.jpg")), ImageFormat::Jpeg).unwrap();
                }
            }
        }
    }

    /// `study.toml` with two recipes and two seeds; `more` replaces the table of the same name.
    pub(crate) fn study(&self, more: &str) -> String {
        let train = if more.starts_with("[train]") { more } else { "[train]\nepochs = 2\n" };
        let text = format!(
            "[data]\npath = \"photos\"\nvalidation = {{ from = \"train\", fraction = 0.25 }}\n\n\
             [model]\nname = \"resnet-small\"\n\n\
             {train}batch = 4\nimage = 16\noptimizer = {{ name = \"sgd\", lr = 0.01, momentum = 0.9 }}\n\n\
             [compare]\nseeds = 2\nbaseline = \"none\"\n\n\
             [[recipe]]\nname = \"none\"\n\n[[recipe]]\nname = \"mixup\"\nmix = {{ kind = \"mixup\" }}\n"
        );
        fs::write(self.path("study.toml"), text).unwrap();
        "study.toml".to_owned()
    }
}

/// A call of the program.
pub(crate) struct Call {
    command: Command,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program, in the project's folder.
pub(crate) fn bakeoff(project: &Project) -> Call {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bakeoff"));
    command.current_dir(project.folder.path()).env("NO_COLOR", "1").stdin(Stdio::null());
    Call { command }
}

impl Call {
    pub(crate) fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn run(mut self) -> Ended {
        let output = self.command.output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn spawn(mut self) -> Child {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

impl Ended {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A bitmap that claims to be so large, and ends after its header.
pub(crate) fn bmp_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend(54u32.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(54u32.to_le_bytes());
    bytes.extend(40u32.to_le_bytes());
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(24u16.to_le_bytes());
    bytes.extend([0; 24]);
    bytes
}
