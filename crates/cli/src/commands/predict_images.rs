//! The images that `bakeoff predict` is given: files, folders and patterns.

use bakeoff_data::{form, number};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bakeoff_data::{image_files, is_image_file};

/// Image files, each once, in the order they were named and within a folder in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Images {
    pub(crate) files: Vec<PathBuf>,
    /// What was left out, and other things to be told.
    pub(crate) warnings: Vec<String>,
}

/// What people's arguments mean.
pub(crate) fn images(arguments: &[PathBuf]) -> Result<Images> {
    let mut images = Images::default();
    let mut seen = HashSet::new();
    let mut again: Option<(usize, PathBuf)> = None;
    for argument in arguments {
        for file in files(argument, &mut images.warnings)? {
            // One file may be named twice, in two ways.
            let real = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.insert(real) {
                images.files.push(file);
            } else {
                again.get_or_insert((0, file)).0 += 1;
            }
        }
    }
    if let Some((count, example)) = again {
        let example = example.display();
        images.warnings.push(format!(
            "{} {} named more than once, {example} for one: each is classified once",
            number(count, "image"),
            form(count, "was", "were")
        ));
    }
    Ok(images)
}

/// The files that one argument means.
fn files(argument: &Path, warnings: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    if argument.is_dir() {
        return of_folder(argument, warnings);
    }
    let pattern = argument.to_string_lossy();
    if !argument.exists() && pattern.contains(['*', '?', '[']) {
        return matching(&pattern, warnings);
    }
    if argument.extension().is_some_and(|extension| extension == "toml") {
        bail!(
            "{} is a study file, not an image; name images, or folders of them (what the networks of a run made of its test images \
             stands in RUN/trials/RECIPE/seed-N/predictions.parquet)",
            argument.display()
        );
    }
    // What cannot be read is told with its reason when its turn comes.
    Ok(vec![argument.to_owned()])
}

fn of_folder(folder: &Path, warnings: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    let run = ["plan.json", "trial.json"].iter().find(|file| folder.join(file).is_file());
    if let Some(file) = run {
        let (what, weights) = if *file == "plan.json" {
            ("a run folder", "one of its trials with --weights, as RUN/trials/RECIPE/seed-N")
        } else {
            ("a trial's folder", "this folder with --weights")
        };
        bail!(
            "{} is {what}: its pictures are previews and charts, not images to classify; name your images, and {weights}",
            folder.display()
        );
    }
    let (files, odd) = image_files(folder)?;
    if files.is_empty() {
        let there: Vec<String> = odd.iter().map(|warning| format!("; {warning}")).collect();
        bail!("{} holds no images{}", folder.display(), there.concat());
    }
    warnings.extend(odd.iter().map(|warning| format!("{}: {warning}", folder.display())));
    Ok(files)
}

/// All that matches a pattern which no shell expanded: the images among it, and those in the folders among it.
fn matching(pattern: &str, warnings: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    // As shells have it: hidden files are meant only by a pattern that begins with a dot.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let paths = glob::glob_with(pattern, options).with_context(|| format!("`{pattern}` is no pattern"))?;
    let (mut images, mut others, mut folders) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        match path {
            Ok(path) if path.is_dir() => folders.push(path),
            Ok(path) if is_image_file(&path) => images.push(path),
            Ok(path) => others.push(path),
            // Images could be missing.
            Err(error) => {
                return Err(error).with_context(|| format!("cannot list all that matches `{pattern}`"));
            }
        }
    }
    if images.is_empty() && others.is_empty() {
        for folder in &folders {
            images.extend(of_folder(folder, warnings)?);
        }
    }
    match (images.is_empty(), others.first()) {
        (true, None) => bail!("nothing matches `{pattern}`{}", there(pattern)),
        // Files of other names were asked for, it seems.
        (true, Some(_)) => Ok(others),
        (false, None) => Ok(images),
        (false, Some(example)) => {
            let (count, example) = (others.len(), example.display());
            warnings.push(format!(
                "`{pattern}`: {} that {} left out, {example} for one",
                number(count, "file"),
                form(count, "is no image was", "are no images were")
            ));
            Ok(images)
        }
    }
}

/// What there is in the folder in which a pattern that matches nothing begins.
fn there(pattern: &str) -> String {
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect();
    let folder = if fixed.as_os_str().is_empty() { Path::new(".") } else { &fixed };
    let entries = match std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return format!(": there is no folder {}", folder.display());
        }
        Err(error) => return format!(": {} cannot be listed ({error})", folder.display()),
    };
    let (mut folders, mut files, mut example) = (0usize, 0usize, None::<String>);
    for entry in entries {
        if entry.path().is_dir() {
            folders += 1;
        } else {
            files += 1;
            let name = entry.file_name().to_string_lossy().into_owned();
            example = Some(example.map_or(name.clone(), |before| before.min(name)));
        }
    }
    let example = example.map_or(String::new(), |name| format!(", {name} for one"));
    format!(
        ": {} holds {} and {}{example}",
        folder.display(),
        number(folders, "folder"),
        number(files, "file")
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder of photographs, other files, hidden ones and a folder below.
    fn photos() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("deep/er")).unwrap();
        for name in [
            "b.jpg",
            "a.PNG",
            "Thumbs.db",
            ".hidden.jpg",
            "deep/c.jpeg",
            "deep/er/d.jpg",
            "deep/er/notes.txt",
        ] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        folder
    }

    fn names(root: &Path, images: &Images) -> Vec<String> {
        let name = |file: &PathBuf| file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        images.files.iter().map(name).collect()
    }

    #[test]
    fn folders_and_patterns_give_the_images_in_order_and_count_the_rest() {
        let folder = photos();
        let root = folder.path();
        let of = |pattern: &str| {
            let found = images(&[root.join(pattern)]).unwrap();
            (names(root, &found), found.warnings.join("\n"))
        };
        let (found, said) = of("");
        assert_eq!(found, ["a.PNG", "b.jpg", "deep/c.jpeg", "deep/er/d.jpg"]);
        assert!(said.contains("1 file that is no image was left out, deep/er/notes.txt"), "{said}");
        assert_eq!(of("**/*.jpg").0, ["b.jpg", "deep/er/d.jpg"]);
        assert_eq!(of("*").0, ["a.PNG", "b.jpg"]);
        assert!(of("*").1.contains("Thumbs.db for one"));
        assert_eq!(of("de*").0, ["deep/c.jpeg", "deep/er/d.jpg"]);
        // Asked for by name, whatever it is.
        assert_eq!(of("Thumbs.db").0, ["Thumbs.db"]);
        assert_eq!(of("*.db").0, ["Thumbs.db"]);
        // A name that looks like a pattern is a name where there is such a file.
        fs::write(root.join("[1].jpg"), b"x").unwrap();
        assert_eq!(of("[1].jpg").0, ["[1].jpg"]);
    }

    #[test]
    fn what_is_named_twice_is_classified_once_and_said() {
        let folder = photos();
        let root = folder.path();
        let found = images(&[root.join("b.jpg"), root.into(), root.join("deep/../b.jpg")]).unwrap();
        assert_eq!(names(root, &found), ["b.jpg", "a.PNG", "deep/c.jpeg", "deep/er/d.jpg"]);
        assert!(
            found.warnings.iter().any(|w| w.starts_with("2 images were named more than once")),
            "{found:?}"
        );
    }

    #[test]
    fn what_holds_no_images_is_said_with_what_is_there() {
        let folder = photos();
        let root = folder.path();
        let error = |argument: PathBuf| images(&[argument]).unwrap_err().to_string();
        assert!(error(root.join("*.webp")).contains("holds 1 folder and 4 files, .hidden.jpg for one"));
        assert!(error(root.join("none/*.jpg")).contains("there is no folder"));
        assert!(error(root.join("study.toml")).contains("is a study file"));
        fs::create_dir(root.join("empty")).unwrap();
        assert!(error(root.join("empty")).ends_with("holds no images"));
        fs::write(root.join("empty/x.txt"), b"x").unwrap();
        assert!(
            error(root.join("empty"))
                .contains("holds no images; 1 file that is no image was left out, x.txt for one")
        );
        fs::write(root.join("plan.json"), b"{}").unwrap();
        let said = error(root.into());
        assert!(said.contains("is a run folder") && said.ends_with("RUN/trials/RECIPE/seed-N"), "{said}");
        fs::remove_file(root.join("plan.json")).unwrap();
        fs::write(root.join("trial.json"), b"{}").unwrap();
        let said = error(root.into());
        assert!(
            said.contains("is a trial's folder") && said.ends_with("this folder with --weights"),
            "{said}"
        );
        // One that is not there is told with its reason when it is read.
        assert_eq!(images(&[root.join("absent.jpg")]).unwrap().files.len(), 1);
    }
}
