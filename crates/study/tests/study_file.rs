//! What a study file's reader says, word for word.

use std::path::Path;

use bakeoff_data::SourceKind;
use bakeoff_study::{Headline, Study, json_schema};

const GOOD: &str = r#"
[data]
source = "generated"

[model]
name = "resnet-small"

[train]
epochs = 2
batch = 16
image = 32
optimizer = { name = "sgd", lr = 0.1, momentum = 0.9 }

[compare]
seeds = 6
baseline = "none"

[[recipe]]
name = "none"

[[recipe]]
name = "cutmix"
mix = { kind = "cutmix", alpha = 1.0 }
"#;

fn errors(text: &str, overrides: &[&str]) -> String {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Study::parse(text, Path::new("s.toml"), &overrides).unwrap_err().to_string()
}

/// The errors without the lines that show the file.
fn lines(text: &str, overrides: &[&str]) -> Vec<String> {
    errors(text, overrides).lines().filter(|line| !line.starts_with(' ')).map(str::to_owned).collect()
}

fn good(overrides: &[&str]) -> Study {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Study::parse(GOOD, Path::new("s.toml"), &overrides).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_error_of_a_file_is_reported_at_once_with_its_line_and_the_nearest_name() {
    let text = r#"nme = "x"
[data]
source = "fodler"
validation = { from = "test", fraction = 1.5 }

[model]
name = "resnet-small"
weight = "w.safetensors"

[train]
epoch = 10
batch = "sixteen"
image = -3
lr = 0.1
optimizer = { name = "sdg", lr = 0.1 }
schedule = { kind = "cosine", warmup_epochs = nan }

[compare]
seeds = 0
headline = "best"
baseline = "nome"

[[recipe]]
name = "none"
transforms = [{ kind = "flip" }, { probability = 0.5 }, "hue", { kind = "random-resized-crop", scale = [0.1] }]

[[recipe]]
name = "none"
mix = { kind = "cutmix", alpha = "x", prob = 1 }

[[recipe]]
mix = []
"#;
    let expected = "\
s.toml:1:1: nme: unknown key; did you mean `name`? Known here: `name`, `data`, `preprocess`, `model`, `train`, `compare`, `recipe`
s.toml:2:1: data: missing key `path`: where the images are; set it in the file or with --set data.path=FOLDER
s.toml:3:10: data.source: unknown value `fodler`; did you mean `folder`? Accepted: SOURCES
s.toml:4:23: data.validation.from: unknown value `test`; Accepted: `train`, `source`
s.toml:4:42: data.validation.fraction: 1.5 is out of range: must be more than 0 and less than 1
s.toml:8:1: model.weight: unknown key; did you mean `weights`? Known here: `name`, `weights`, `weights_prefix`
s.toml:10:1: train: missing key `epochs` (Passes over the training split)
s.toml:11:1: train.epoch: unknown key; did you mean `epochs`? Known here: `epochs`, `batch`, `image`, `sampling`, `optimizer`, `schedule`, `label_smoothing`, `trainable`, `evaluation_batch`, `backend`
s.toml:12:9: train.batch: must be an integer, not the string \"sixteen\"
s.toml:13:9: train.image: -3 is out of range: must be at least 1 and at most 8192
s.toml:14:1: train.lr: unknown key; did you mean `train.optimizer.lr`? Known here: `epochs`, `batch`, `image`, `sampling`, `optimizer`, `schedule`, `label_smoothing`, `trainable`, `evaluation_batch`, `backend`
s.toml:15:22: train.optimizer.name: unknown value `sdg`; did you mean `sgd`? Accepted: `sgd`
s.toml:16:47: train.schedule.warmup_epochs: must be a finite number, not NaN
s.toml:19:9: compare.seeds: 0 is out of range: must be at least 1 and at most 10000
s.toml:20:12: compare.headline: unknown headline `best`; accepted: `last`, `best-on-validation`, or `median-of-last-k` with k an odd number, e.g. `median-of-last-5`
s.toml:21:12: compare.baseline: no recipe is named `nome`; did you mean `none`? The recipes are `none`, `none`
s.toml:25:24: recipe.none.transforms[0].kind: unknown value `flip`; did you mean `horizontal-flip`? Accepted: KINDS
s.toml:25:34: recipe.none.transforms[1]: missing key `kind`: one of KINDS
s.toml:25:57: recipe.none.transforms[2]: must be a table such as { kind = … }, not the string \"hue\"
s.toml:25:104: recipe.none.transforms[3].scale: must have exactly 2 elements, not 1
s.toml:28:8: recipe.none.name: a recipe is named `none` already in line 24; names must differ
s.toml:29:34: recipe.none.mix.alpha: must be a number, not the string \"x\"
s.toml:29:39: recipe.none.mix.prob: unknown key; did you mean `probability`? Known here: `kind`, `alpha`, `probability`, `lambda`, `partner`, `correct_label`
s.toml:31:1: recipe[2]: missing key `name` (Name in tables and folders: letters, digits, `-`, `_`, `.`, `+`; unique in the study)
s.toml:32:7: recipe[2].mix: must be a table such as { kind = … }, not a list";
    // Every kind of transform there is, in the order of the schema.
    let schema = json_schema();
    let kinds = schema["$defs"]["Transform"]["oneOf"].as_array().unwrap();
    let kinds =
        kinds.iter().map(|kind| format!("`{}`", kind["properties"]["kind"]["const"].as_str().unwrap()));
    let expected = expected.replace("KINDS", &kinds.collect::<Vec<_>>().join(", "));
    let sources = SourceKind::ALL.iter().map(|kind| format!("`{}`", kind.name()));
    let expected = expected.replace("SOURCES", &sources.collect::<Vec<_>>().join(", "));
    let found = lines(text, &[]).join("\n");
    assert_eq!(found, expected, "\n{found}\n");
}

#[test]
fn an_error_shows_the_line_and_marks_the_place() {
    let text = GOOD.replace("batch = 16", "\tbatch = 1.5 # é");
    assert_eq!(
        errors(&text, &[]),
        "s.toml:10:10: train.batch: must be an integer, not the number 1.5\n 10 | \tbatch = 1.5 # é\n    | \t        ^^^"
    );
}

#[test]
fn missing_tables_are_named_and_explained() {
    let expected = "\
s.toml: missing table `[data]` (Where the images come from and how they are split)
s.toml: missing table `[model]` (The network)
s.toml: missing table `[train]` (The budget, the same for every recipe)
s.toml: missing table `[compare]` (What is compared with what, declared before anything is trained)
s.toml: no `[[recipe]]` (The recipes, each under its own `[[recipe]]`)";
    assert_eq!(lines("", &[]).join("\n"), expected);
    let single = GOOD.replace("[[recipe]]\nname = \"none\"\n", "").replace("[[recipe]]", "[recipe]");
    assert_eq!(
        lines(&single, &[]),
        [
            "s.toml:19:1: recipe: must be a list of tables, not a table; write `[[recipe]]` with double brackets"
        ]
    );
}

#[test]
fn a_study_without_a_baseline_is_an_error() {
    let text = GOOD.replace("baseline = \"none\"\n", "");
    assert_eq!(
        lines(&text, &[]),
        [
            "s.toml:14:1: compare: missing key `baseline` (Name of the recipe every other one is compared with)"
        ]
    );
}

#[test]
fn what_only_the_whole_file_can_tell_is_placed_too() {
    let text = r#"
[data]
path = "no/such/folder"
[preprocess]
resize = { kind = "shorter-side", size = 16 }
[model]
name = "resnet5"
weights = "no-weights.safetensors"
[train]
epochs = 2
batch = 1
image = 32
optimizer = { name = "sgd", lr = 0, momentum = 1, nesterov = true }
schedule = { warmup_epochs = 3 }
[compare]
seeds = [1, 2, 1]
baseline = "NONE"
headline = "median-of-last-3"
[[recipe]]
name = "none"
[[recipe]]
name = "None"
transforms = [{ kind = "random-crop", size = 32 }]
[[recipe]]
name = "a/b"
mix = { kind = "mixup", alpha = 0.0 }
"#;
    let found = lines(text, &[]);
    let starts = [
        "s.toml:3:8: data.path: there is nothing at /",
        "s.toml:5:42: preprocess.resize.size: a shorter side of 16 px is less than the study's image size of 32 px",
        "s.toml:7:8: model.name: unknown model `resnet5`; did you mean `resnet50`? Known: ",
        "s.toml:8:11: model.weights: there is nothing at /",
        "s.toml:13:34: train.optimizer.lr: 0 is out of range: must be more than 0",
        "s.toml:13:48: train.optimizer.momentum: 1 is out of range: must be less than 1",
        "s.toml:14:30: train.schedule.warmup_epochs: 3 warm-up epochs are more than the 2 epochs of a trial",
        "s.toml:16:16: compare.seeds[2]: seed 1 is listed twice",
        "s.toml:17:12: compare.baseline: no recipe is named `NONE`; did you mean `none`?",
        "s.toml:18:12: compare.headline: there are no 3 last epochs: train.epochs is 2",
        "s.toml:22:8: recipe.None.name: a recipe is named `none` already in line 20; names must differ",
        "s.toml:23:46: recipe.None.transforms[0].size: this crop never crops",
        "s.toml:25:8: recipe.a/b.name: `a/b` cannot name a folder",
        "s.toml:26:7: recipe.a/b.mix: a batch of one image holds no partner to mix with",
        "s.toml:26:33: recipe.a/b.mix.alpha: 0 is out of range",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (line, start) in found.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\n{start}");
    }
}

#[test]
fn an_image_too_small_for_the_network_is_an_error_at_the_image_size() {
    let found = lines(GOOD, &["train.image=8"]);
    assert!(
        found[0]
            .starts_with("--set train.image=8: train.image: `resnet-small` needs images of at least 16 px"),
        "{found:?}"
    );
}

#[test]
fn errors_of_overrides_name_the_override() {
    assert_eq!(
        lines(GOOD, &["train.epochs=ten", "train.bach=3", "recipe.cutmx.mix.alpha=1"]),
        [
            "--set recipe.cutmx.mix.alpha=1: nothing named `cutmx` there; did you mean `cutmix`? (the file has `none`, `cutmix`)"
        ]
    );
    let found = lines(GOOD, &["train.epochs=ten", "train.bach=3"]);
    assert_eq!(found[0], "--set train.epochs=ten: train.epochs: must be an integer, not the string \"ten\"");
    assert!(found[1].starts_with("--set train.bach=3: train.bach: unknown key; did you mean `batch`?"));
    let found = lines(GOOD, &["data.path=2024"]);
    assert!(
        found[0].ends_with("must be a string, not the integer 2024; quote it: --set 'key=\"value\"'"),
        "{found:?}"
    );
}

#[test]
fn overrides_are_in_the_resolved_study_and_in_the_names_of_its_keys() {
    let study = good(&[
        "recipe.cutmix.mix.alpha=0.4",
        "compare.headline=median-of-last-1",
        "compare.seeds=[7, 8, 9, 1, 2, 3]",
    ]);
    let json = serde_json::to_value(&study.config).unwrap();
    assert_eq!(json["recipe"][1]["mix"]["alpha"], 0.4);
    assert_eq!(json["recipe"][1]["mix"]["partner"], "permutation");
    assert_eq!(study.config.compare.headline, Headline::MedianOfLast(1));
    assert_eq!(study.seeds(), [7, 8, 9, 1, 2, 3]);
    assert_eq!(json["preprocess"]["normalisation"], "imagenet");
    assert_eq!(study.name, "s");
    // The resolved study is a study file of its own.
    assert_eq!(serde_json::from_value::<bakeoff_study::StudyConfig>(json).unwrap(), study.config);
}

#[test]
fn few_seeds_warn_before_anything_is_trained() {
    let warnings = |set: &str| -> Vec<String> {
        good(&[set]).warnings.iter().map(|problem| problem.message.clone()).collect()
    };
    assert!(warnings("compare.seeds=6").is_empty());
    assert!(
        warnings("compare.seeds=5")[0].contains("5 seeds cannot reach p < 0.05")
            && warnings("compare.seeds=5")[0].contains("0.0625")
    );
    assert!(warnings("compare.seeds=[4]")[0].contains("one seed cannot tell"));
    assert!(warnings("train.trainable=head")[0].contains("set model.weights"));
    assert!(warnings("recipe.cutmix={ name = \"again\" }")[0].contains("does the same as `none`"));
}

#[test]
fn a_path_is_taken_from_the_files_folder_first_and_from_the_current_one_else() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        std::fs::create_dir_all(folder.path().join("images/train").join(class)).unwrap();
    }
    let file = folder.path().join("s.toml");
    std::fs::write(&file, GOOD.replace("source = \"generated\"", "path = \"images\"")).unwrap();
    let study = Study::read(&file, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(study.config.data.path.as_deref(), Some(folder.path().join("images").as_path()));
    assert_eq!(study.config.data.source, Some(bakeoff_data::SourceKind::Folder));
    let study = Study::read(&file, &["data.path=src".into()]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(study.config.data.path, std::path::absolute("src").ok());
}

#[test]
fn a_missing_file_is_named() {
    let message = Study::read(Path::new("absent.toml"), &[]).unwrap_err().to_string();
    assert_eq!(message, "absent.toml: there is no such study file");
}

#[test]
fn weights_of_the_wrong_network_and_odd_preprocessing_are_found_before_training() {
    use bakeoff_nn::{Model, Weights};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let weights = Weights::initial(&Model::by_name("resnet-small", 5, 32).unwrap(), 1);
    weights.write(&path, Default::default()).unwrap();
    let set = format!("model.weights={}", path.display());
    let warnings = good(&[&set, "preprocess.normalisation=unit"]).warnings;
    let [taken, overridden] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!((taken.key.as_str(), overridden.key.as_str()), ("model.weights", "preprocess.normalisation"));
    // Only what the study does not say itself is taken for granted.
    let said = "taken as torchvision's (shorter side to train.image × 256/224, central square); preprocess.resize changes it";
    assert!(taken.message.contains(said), "{warnings:?}");
    assert!(
        overridden.message.contains("overrides the weights' own normalisation (\"imagenet\")"),
        "{warnings:?}"
    );

    let found = lines(GOOD, &[&set, "model.name=resnet18"]);
    assert!(found[0].contains("do not fit `resnet18`"), "{found:?}");
    std::fs::write(&path, "text").unwrap();
    assert!(lines(GOOD, &[&set])[0].contains("not a whole safetensors file"));
}

#[test]
fn the_schema_is_one_an_editor_can_use() {
    let schema = json_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema["$defs"]["Mixer"]["oneOf"].as_array().unwrap().len() >= 3);
}

#[test]
fn every_study_that_ships_is_right_and_says_what_it_does_and_needs() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../studies");
    let data = tempfile::tempdir().unwrap();
    let set = format!("data.path={}", data.path().display());
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(shipped).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for heading in ["# What it does", "# What it needs", "# How to run"] {
            assert!(text.contains(heading), "{}: no {heading:?}", path.display());
        }
        let generated = text.contains("source = \"generated\"");
        let overrides = if generated { Vec::new() } else { vec![set.clone()] };
        let study = Study::read(&path, &overrides).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(study.config.compare.baseline, "none");
        seen.push(study.name.clone());
        if study.name == "notebook" {
            let words: Vec<Vec<String>> =
                study.pipelines().iter().map(|pipeline| pipeline.describe()).collect();
            assert_eq!(words.len(), 5);
            assert!(words[0][0].contains("224") && words[0][0].contains("no antialiasing"), "{words:#?}");
            assert!(words[2].iter().any(|line| line.contains("[0.2, 0.5)") && line.contains("not clipped")));
        }
    }
    seen.sort();
    for name in ["dogs-64", "folder", "notebook", "stanford-dogs"] {
        assert!(seen.iter().any(|seen| seen == name), "{seen:?}");
    }
}

#[test]
fn no_broken_text_makes_the_reader_panic_or_fill_the_memory() {
    let read = |text: &str| {
        if let Err(errors) = Study::parse(text, Path::new("s.toml"), &[]) {
            assert!(!errors.to_string().is_empty());
        }
    };
    read("");
    for (at, _) in GOOD.char_indices() {
        read(&GOOD[..at]);
        read(&GOOD[at..]);
        for other in ["\0", "\"", "[", "=", "é", "-", "9", "\n"] {
            read(&[&GOOD[..at], other, &GOOD[at + 1..]].concat());
        }
    }
    let deep = ["[", "{a=", "\"\"\"", "a."].map(|piece| format!("name = {}", piece.repeat(20_000)));
    deep.iter().for_each(|text| read(text));
    for huge in [
        "9223372036854775807",
        "-9223372036854775808",
        "1e308",
        "nan",
        "inf",
        "4294967295",
        "99999999999999999999",
    ] {
        for (key, value) in
            [("epochs", "2"), ("batch", "16"), ("image", "32"), ("seeds", "6"), ("alpha", "1.0")]
        {
            read(&GOOD.replace(&format!("{key} = {value}"), &format!("{key} = {huge}")));
        }
    }
    // A grid of 10¹² recipes, a list of many seeds.
    let list = (1..=100).map(|n| format!("{n}.0")).collect::<Vec<_>>().join(",");
    let keys = ["a", "b", "c", "d", "e", "f"].map(|key| format!("{key} = [{list}]")).join(", ");
    read(&format!("{GOOD}grid = {{ {keys} }}\n"));
}

/// The study with a data path as the file writes it.
fn with_path(written: &str) -> String {
    GOOD.replace("source = \"generated\"", &format!("path = {written}"))
}

#[test]
fn home_and_variables_are_filled_in_wherever_a_study_names_a_path() {
    // Cargo sets this for tests; the folder is there.
    let variable = "CARGO_MANIFEST_DIR";
    let folder = std::env::var(variable).unwrap();
    for written in
        [format!("\"${variable}/src\""), format!("'${{{variable}}}/src'"), format!("'%{variable}%\\src'")]
    {
        let study = Study::parse(&with_path(&written), Path::new("s.toml"), &[]).unwrap();
        assert_eq!(study.config.data.path.unwrap(), Path::new(&folder).join("src"), "{written}");
        let set = [format!("data.path={}", written.trim_matches(['"', '\'']))];
        let study = Study::parse(&with_path("'nowhere'"), Path::new("s.toml"), &set).unwrap();
        assert_eq!(study.config.data.path.unwrap(), Path::new(&folder).join("src"), "{written}");
    }
    let home = std::env::var("HOME").unwrap();
    let study = Study::parse(&with_path("\"~\""), Path::new("s.toml"), &[]).unwrap();
    assert_eq!(study.config.data.path.unwrap(), Path::new(&home));
    for (key, set) in [
        ("data.path", "data.path=$NO_SUCH_THING_HERE/x"),
        ("data.test_path", "data.test_path=$NO_SUCH_THING_HERE/x"),
        ("model.weights", "model.weights=${NO_SUCH_THING_HERE}/x"),
    ] {
        let text = errors(&with_path("\"src\""), &["data.source=csv", set]);
        let told = format!(
            "{key}: {}: the environment variable NO_SUCH_THING_HERE is not set",
            &set[key.len() + 1..]
        );
        assert!(text.contains(&told), "{text}");
    }
}

#[test]
fn a_path_that_an_escape_has_broken_is_an_error_that_says_so() {
    for (written, control) in [
        ("C:\\new", "a line break (`\\n`)"),
        ("C:\\tests", "a tab (`\\t`)"),
        ("C:\\birds", "a backspace (`\\b`)"),
        ("C:\\fish", "a form feed (`\\f`)"),
        ("C:\\real", "a carriage return (`\\r`)"),
    ] {
        let text = errors(&with_path(&format!("\"{written}\"")), &[]);
        assert!(text.contains("data.path: holds ") && text.contains(control), "{text}");
        assert!(text.contains("in single quotes"), "{text}");
    }
    let text = errors(&with_path("\"C:\\photos\""), &[]);
    assert!(text.contains("in single quotes") && text.contains("C:\\photos"), "{text}");
    if cfg!(unix) {
        let text = errors(&with_path("'C:\\photos'"), &[]);
        assert!(text.contains("data.path: C:\\photos is a path of Windows"), "{text}");
    }
}

#[test]
fn a_study_file_is_read_in_whatever_encoding_an_editor_saved_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("# Größe der Bilder\r\nname = \"größe\"\r\n{}", GOOD.replace('\n', "\r\n"));
    let utf16 = |unit: fn(u16) -> [u8; 2], bom: bool| -> Vec<u8> {
        let mark = if bom { "\u{feff}" } else { "" };
        format!("{mark}{text}").encode_utf16().flat_map(unit).collect()
    };
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    for (encoding, bytes, warned) in [
        ("UTF-8", text.clone().into_bytes(), false),
        ("UTF-8 with a mark", format!("\u{feff}{text}").into_bytes(), false),
        ("UTF-16 LE", utf16(u16::to_le_bytes, true), false),
        ("UTF-16 BE", utf16(u16::to_be_bytes, true), false),
        ("UTF-16 LE without a mark", utf16(u16::to_le_bytes, false), false),
        ("Windows-1252", latin, true),
    ] {
        let file = folder.path().join("s.toml");
        std::fs::write(&file, bytes).unwrap();
        let study = Study::read(&file, &[]).unwrap_or_else(|errors| panic!("{encoding}: {errors}"));
        assert_eq!(study.name, "größe", "{encoding}");
        let said = study.warnings.iter().any(|warning| warning.message.contains("Windows-1252"));
        assert_eq!(said, warned, "{encoding}");
    }
    std::fs::write(folder.path().join("s.toml"), b"\x7fELF\0\0\x01").unwrap();
    let errors = Study::read(&folder.path().join("s.toml"), &[]).unwrap_err().to_string();
    assert!(errors.contains("is no text"), "{errors}");
    let errors = Study::read(folder.path(), &[]).unwrap_err().to_string();
    assert!(errors.contains("is a folder"), "{errors}");
}

#[test]
fn a_file_of_nothing_but_mistakes_is_answered_shortly() {
    let unknown: String = (0..20_000).map(|n| format!("key{n} = 1\n")).collect();
    let recipes: String =
        (0..900).map(|n| format!("[[recipe]]\nname = \"r{n}\"\ninherit = \"nowhere{n}\"\n")).collect();
    let steps = "{ kind = \"horizontal-flip\" }, ".repeat(100_000);
    let endless = format!("name = \"none\"\ntransforms = [{steps}]\n");
    let long_name = format!("{} = 1\n", "k".repeat(1 << 20));
    let texts = [
        ("lines that say nothing", "x\n".repeat(30_000)),
        ("signs that mean nothing", format!("[x]\n{}", "%\n".repeat(3000))),
        ("a long line of them", format!("x = {}", "%".repeat(50_000))),
        ("brackets", format!("x = {}", "[".repeat(100_000))),
        ("unknown keys", unknown),
        ("recipes that inherit from nowhere", recipes),
        ("a key as long as a book", long_name),
        ("a recipe of a hundred thousand steps", GOOD.replacen("name = \"none\"\n", &endless, 1)),
    ];
    for (what, text) in texts {
        let errors = Study::parse(&text, Path::new("s.toml"), &[]).unwrap_err();
        let told = errors.to_string();
        assert!(told.len() < 64 << 10, "{what}: {} bytes", told.len());
        assert!(told.starts_with("s.toml:"), "{what}: {told}");
    }
}
