//! Every option of every command is used once, and the table of uses is held against what the help lists.

use std::collections::BTreeSet;
use std::fs;

use crate::scene::documented;
use crate::support::{Project, bakeoff};

/// A use of a command: its words, how it ends, and words of what it says on either stream.
type OptionUse = (&'static str, i32, &'static str);

/// In this order, since some use what others made. Words are parted by blanks.
const USES: [(&str, &[OptionUse]); 17] = [
    (
        "run",
        &[
            (
                "my-study.toml --out made --set compare.seeds=2 --threads 2 --jobs 1 --lang ko --json",
                0,
                "\"recipes\"",
            ),
            (
                "my-study.toml --out made --set compare.seeds=2 --strict --retry-failed -q",
                0,
                "report: made/report.html",
            ),
            ("my-study.toml --out made --set train.epochs=2 --quiet", 1, "--fresh"),
            (
                "my-study.toml --out made --set train.epochs=2 --set compare.seeds=2 --quiet --fresh",
                0,
                "report:",
            ),
            ("my-study.toml --out until -q --until-decided --max-seeds 6", 0, "report:"),
            ("my-study.toml --out until -q --until-decided", 2, "--max-seeds"),
            (
                "my-study.toml --out made --set compare.seeds=2 --set train.epochs=2 --serve -q",
                0,
                "watch it at http://127.0.0.1:",
            ),
            ("my-study.toml --out made --tui", 1, "no terminal"),
            ("my-study.toml --threads 0", 1, "at least 1"),
            (
                "my-study.toml --out made --set compare.seeds=2 --set train.epochs=2 -q --threads 100000",
                0,
                "far more than",
            ),
        ],
    ),
    (
        "demo",
        &[
            ("--print-study", 0, "carries"),
            (
                "--set train.epochs=1 --set compare.seeds=1 --threads 2 --jobs 2 --strict --retry-failed --out demo --json",
                0,
                "\"flip-crop\"",
            ),
            (
                "--set train.epochs=1 --set compare.seeds=1 --out demo --fresh --lang ko -q --quiet",
                2,
                "cannot be used multiple times",
            ),
            (
                "--set train.epochs=1 --set compare.seeds=1 --out demo --fresh --lang ko --quiet --serve",
                0,
                "watch it",
            ),
            ("--until-decided --max-seeds 7", 1, "already has 8 seeds"),
            ("--tui", 1, "no terminal"),
        ],
    ),
    (
        "plan",
        &[
            ("my-study.toml --threads 1 --set train.batch=2", 0, "images/s"),
            ("my-study.toml --no-measure --json", 0, "\"estimate\""),
        ],
    ),
    (
        "preview",
        &[(
            "my-study.toml --out sheets --set train.batch=2 --count 2 --seed 5 --show blocks",
            0,
            "sheets/cutmix",
        )],
    ),
    (
        "report",
        &[
            ("made --out again --lang ko", 0, "again"),
            ("made --tensorboard board --mlflow store --json", 0, "\"recipes\""),
            ("photos", 1, "plan.json"),
        ],
    ),
    (
        "analyse",
        &[
            ("made --images 4 --seeds 1 --recipe cutmix --maps 1 --threads 1 --lang ko", 0, "undamaged"),
            ("made --images 4 --json", 0, "\"corruptions\""),
        ],
    ),
    (
        "compare",
        &[
            (
                "results.csv --baseline none --margin 2 --name mine --out compared --lang ko",
                0,
                "compared/report.html",
            ),
            (
                "output/*/seed-*/summary.csv --metric eval_top1 --headline best-on-validation --json",
                0,
                "\"recipes\"",
            ),
            (
                "output/*/seed-*/summary.csv --pattern {recipe}/seed-{seed}/summary.csv --headline median-of-last-3",
                0,
                "cutmix",
            ),
            ("output/*/seed-*/summary.csv --metric eval_loss --lower-is-better", 0, "eval_loss"),
            ("output/*/seed-*/summary.csv --metric eval_top1 --unit percent --higher-is-better", 0, "cutmix"),
            ("--run none/1=a/metrics.csv --run cutmix/1=b/metrics.csv --metric val_acc", 0, "cutmix"),
            ("--data-set a=pets.csv --data-set b=dogs.csv", 0, "cutmix"),
            ("made demo", 1, "recipe"),
        ],
    ),
    ("watch", &[("made --tui --lang ko", 1, "no terminal"), ("photos --serve=0", 1, "plan.json")]),
    (
        "recipes",
        &[
            ("--json", 0, "\"cutmix\""),
            ("", 0, "cutmix"),
            ("show cutmix", 0, "lambda"),
            ("show nothing", 1, "nothing"),
        ],
    ),
    ("models", &[("--json", 0, "\"resnet50\""), ("", 0, "resnet50")]),
    (
        "data check",
        &[
            ("photos --source folder --threads 1 --json", 0, "\"classes\""),
            ("train.csv --test-path test.csv --html check.html", 0, "wrote check.html"),
            ("train.csv --column label=label --column path=path", 0, "cats"),
            ("train.csv --column label=lable", 1, "did you mean `label`?"),
            ("train.csv --column colour=red", 2, "path=NAME"),
            ("photos --source fodler", 1, "fodler"),
            // No shell fills these in within quotation marks.
            ("${CARGO_MANIFEST_DIR}/no-such-folder", 1, "no-such-folder"),
            ("$NO_SUCH_THING_HERE/photos", 2, "variable NO_SUCH_THING_HERE is not set"),
        ],
    ),
    (
        "data pack",
        &[
            ("photos --packs packs --threads 1 --json", 0, "\"images\""),
            ("my-study.toml --packs packs --set data.limit.train_per_class=2", 0, "images"),
        ],
    ),
    (
        "data fetch",
        &[
            ("", 0, "flowers-102"),
            ("cifar-10 --to fetched --mirror http://127.0.0.1:1/ --keep --unchecked", 1, "--mirror"),
        ],
    ),
    (
        "predict",
        &[
            ("--weights made/trials/none/seed-1 photos/test/cats/0.jpg photos/test/dogs/1.jpg", 0, "cats"),
            (
                "--weights made/trials/none/seed-1/weights.safetensors --model resnet-tiny --image 32 --resize squash --no-antialias \
              --normalisation unit --backend reference --batch 1 --threads 1 --json photos/test/cats/0.jpg",
                0,
                "\"logits\"",
            ),
            ("--weights made/trials/none/seed-1 nothing.jpg", 1, "nothing.jpg"),
            (
                "--weights made/trials/none/seed-1 --no-enlarge --image 24 photos/test photos/**/*.jpg",
                0,
                "cats/5.jpg",
            ),
            (
                "--weights made/trials/none/seed-1 --weights-prefix ema. photos/test",
                1,
                "no network's names begin with",
            ),
        ],
    ),
    (
        "bench",
        &[
            (
                "train --model resnet-tiny --batch 2 --image 32 --classes 3 --threads 1 --rounds 1 --backend cpu --layers",
                0,
                "images/s",
            ),
            (
                "head --model resnet-tiny --batch 2 --image 32 --threads 1 --rounds 1 --json",
                0,
                "\"images_per_second\"",
            ),
            ("infer --model resnet-tiny --batch 2 --image 32 --rounds 1", 0, "images/s"),
            ("input --data photos --pack --recipe cutmix --image 32 --batch 4 --rounds 1", 0, "images/s"),
            ("input --data photos --recipe decode --rounds 1", 0, "images/s"),
        ],
    ),
    ("schema", &[("", 0, "\"properties\"")]),
    ("help", &[("run", 0, "--until-decided"), ("rum", 2, "unrecognized subcommand")]),
];

#[test]
fn every_option_of_every_command_does_what_its_help_says() {
    let project = Project::new();
    documented(&project);
    for (split, offset) in [("train", 0), ("test", 3)] {
        let mut table = String::from("path,label\n");
        for class in ["cats", "dogs"] {
            (offset..offset + 3).for_each(|n| table += &format!("photos/train/{class}/{n}.jpg,{class}\n"));
        }
        fs::write(project.path(format!("{split}.csv")), table).unwrap();
    }
    for (command, uses) in USES {
        let mut used = BTreeSet::new();
        for (words, code, says) in uses {
            let words: Vec<&str> = command.split(' ').chain(words.split_whitespace()).collect();
            let ended = bakeoff(&project).args(words.iter().copied()).run();
            assert_eq!(ended.code, *code, "{words:?}: {ended:?}");
            let told = format!("{}{}", ended.stdout, ended.stderr);
            assert!(told.contains(says), "{words:?} does not say {says:?}: {ended:?}");
            assert!(!told.contains("panicked"), "{words:?}: {ended:?}");
            used.extend(
                words
                    .iter()
                    .filter(|word| word.starts_with("--"))
                    .map(|word| word.split('=').next().unwrap_or_default().to_owned()),
            );
        }
        if command == "help" {
            continue;
        }
        let help = bakeoff(&project).args(["help"]).args(command.split(' ')).run();
        assert_eq!(help.code, 0, "{help:?}");
        let listed: BTreeSet<String> = help.stdout.lines().filter_map(option).collect();
        let unused: Vec<&String> = listed.difference(&used).filter(|name| *name != "--help").collect();
        assert!(unused.is_empty(), "{command}: no use of {unused:?} in the table");
    }
    // A command that the help lists and the table lacks.
    let help = bakeoff(&project).args(["help"]).run();
    let listed = help.stdout.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        let Some(name) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else { continue };
        let name = name.split_whitespace().next().unwrap_or_default();
        assert!(USES.iter().any(|(command, _)| command.split(' ').next() == Some(name)), "no use of {name}");
    }
}

/// The option that a line of help explains.
fn option(line: &str) -> Option<String> {
    let line = line.trim_start();
    let line = line.split_once(", --").map_or(line, |(_, rest)| &line[line.len() - rest.len() - 2..]);
    let name = line.strip_prefix("--")?;
    let name: String = name.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
    (!name.is_empty() && !line.contains("DIR`")).then(|| format!("--{name}"))
}
