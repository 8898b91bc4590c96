//! Numbers that stand on several pages, or on a page and in the code. Each group says one thing in several places: where one of them is
//! changed alone, the test names the others.

use crate::pages::{files, text};

/// A file, and words of it. Blanks and line breaks are alike.
type Place = (&'static str, &'static str);

const GUIDE: &str = "docs/guide.md";
const SECURITY: &str = "docs/security.md";
const STATISTICS: &str = "docs/statistics.md";
const PERFORMANCE: &str = "docs/performance.md";
const ENGINE: &str = "docs/decisions/0003-engine.md";
const TRIALS: &str = "docs/decisions/0004-trials-and-interruptions.md";
const SOURCES: &str = "docs/decisions/0005-sources.md";
const PACK: &str = "docs/decisions/0006-pack-and-input-path.md";
const PAGE: &str = "docs/decisions/0009-the-page.md";
const LOOKING: &str = "docs/decisions/0010-looking-at-trained-networks.md";
const RULE: &str = "docs/decisions/0002-verdict-rule.md";
const UNTIL: &str = "docs/decisions/0012-until-decided.md";
const COPIES: &str = "docs/decisions/0015-splits-without-leaks.md";

/// Limits of what is read.
const LIMITS: &[&[Place]] = &[
    &[
        (GUIDE, "178,956,970 pixels (as Pillow), and 2 GiB of memory"),
        (SECURITY, "| 178,956,970 (Pillow's) |"),
        (SECURITY, "| memory to decode one image | 2 GiB |"),
        ("crates/data/src/decode.rs", "PIXEL_LIMIT: u64 = 178_956_970;"),
        ("crates/data/src/memory.rs", "const MOST: u64 = 2 << 30;"),
    ],
    &[
        (GUIDE, "| 1 GiB; of a file above 1 MiB that begins as no image"),
        (SECURITY, "| 1 GiB; above 1 MiB its first bytes must be an image's |"),
        ("crates/data/src/image_file.rs", "MOST_BYTES: u64 = 1 << 30;"),
        ("crates/data/src/image_file.rs", "LONG: u64 = 1 << 20;"),
    ],
    &[
        (
            GUIDE,
            "a quarter of the memory available when the first large one comes, and 256 MiB always; images that need less than 32 MiB each do not count",
        ),
        (SECURITY, "a quarter of what is available, 256 MiB at least"),
        (SOURCES, "a quarter of the available memory"),
        (SOURCES, "An image that needs more than 32 MiB asks"),
        ("crates/data/src/memory.rs", "LEAST_BUDGET: u64 = 256 << 20;"),
        ("crates/data/src/memory.rs", "COUNTED: u64 = 32 << 20;"),
    ],
    &[
        (GUIDE, "| 2 GiB; 16 MiB; 100,000, and as many rows"),
        (SECURITY, "| table; a row; its cells | 2 GiB; 16 MiB; 100,000 |"),
        ("crates/data/src/delimited/error.rs", "MOST_BYTES: u64 = 2 << 30;"),
        ("crates/data/src/delimited/error.rs", "MOST_ROW_BYTES: usize = 16 << 20;"),
        ("crates/data/src/delimited/error.rs", "MOST_CELLS: usize = 100_000;"),
    ],
    &[
        (GUIDE, "a `.json` or `.cls` in a shard | 1 GiB; 16 MiB; 1 MiB |"),
        (SECURITY, "beside a WebDataset sample | 16 MiB; 1 MiB |"),
        ("crates/data/src/source/table/text.rs", "MOST_JSON: u64 = 1 << 30;"),
        ("crates/data/src/source/tfds.rs", "MOST_JSON: u64 = 16 << 20;"),
        ("crates/data/src/source/webdataset.rs", "MOST_LABEL: u64 = 1 << 20;"),
    ],
    &[
        (GUIDE, "MATLAB lists | 256 MiB; 16 MiB; 64 MiB, inflated or not |"),
        (SECURITY, "| list of groups or exclusions | 256 MiB |"),
        (SECURITY, "| MATLAB file, inflated; its depth | 64 MiB; 16 |"),
        ("crates/data/src/groups/named.rs", "MOST_BYTES: u64 = 256 << 20;"),
        ("crates/data/src/matlab.rs", "MAX_INFLATED: u64 = 64 << 20;"),
        ("crates/data/src/matlab.rs", "MAX_DEPTH: usize = 16;"),
    ],
    &[
        (GUIDE, "| a `.gz`, inflated | 100 times its size, or 64 MiB |"),
        (SECURITY, "| 100-fold, 64 MiB at least |"),
        (SOURCES, "Growth beyond a hundred times is refused"),
        ("crates/data/src/inflate.rs", "MOST_TIMES: u64 = 100;"),
        ("crates/data/src/inflate.rs", "ALWAYS_ALLOWED: u64 = 64 << 20;"),
    ],
    &[
        (GUIDE, "| 4,096 bytes and 64 folders deep; 2 MiB of headers before a member of a tar |"),
        (SECURITY, "| 2 MiB; 4,096 bytes, 64 folders deep |"),
        (SOURCES, "at most 2 MiB between two members"),
        ("crates/data/src/archive.rs", "LONGEST_NAME: u64 = 4096;"),
        ("crates/data/src/archive.rs", "DEEPEST: usize = 64;"),
        ("crates/data/src/archive.rs", "MOST_HEADERS: u64 = 2 << 20;"),
    ],
    &[
        (GUIDE, "a label or path | 1 GiB; 256 MiB; 64 KiB |"),
        (SECURITY, "| Parquet footer; a page | 256 MiB; 1 GiB, and no more than its bytes can hold |"),
        ("crates/data/src/parquet/believable.rs", "MOST_FOOTER: u64 = 256 << 20;"),
        ("crates/data/src/parquet.rs", "MOST_LABEL: usize = 64 << 10;"),
    ],
    &[
        (GUIDE, "| JPEG: scans | 256 |"),
        (SECURITY, "| scans of a JPEG | 256 |"),
        ("crates/data/src/decode/jpeg.rs", "MOST_SCANS: usize = 256;"),
    ],
    &[
        (GUIDE, "| 32; a folder may be reached by 100 ways through links |"),
        (SECURITY, "| depth of folders; ways that lead to one | 32; 100 |"),
        ("crates/data/src/source/folder.rs", "MAX_DEPTH: usize = 32;"),
        ("crates/data/src/source/folder.rs", "MOST_VISITS: usize = 100;"),
    ],
    &[
        (SECURITY, "| study file; what is told of its mistakes | 16 MiB; the first 30 |"),
        ("crates/study/src/study.rs", "MOST_BYTES: u64 = 16 << 20;"),
        ("crates/study/src/problem.rs", "MOST_TOLD: usize = 30;"),
    ],
    &[
        (SECURITY, "| 1,000; 200; 10,000; 100,000; 64 deep |"),
        ("crates/study/src/expansion.rs", "MOST: usize = 1000;"),
        ("crates/study/src/expansion.rs", "DEEPEST: usize = 64;"),
        ("crates/study/src/study.rs", "MOST_TRANSFORMS: usize = 200;"),
        ("crates/study/src/study.rs", "MOST_TRIALS: usize = 100_000;"),
        ("crates/study/src/config.rs", "MOST: u64 = 10_000;"),
    ],
    &[
        (
            GUIDE,
            "at most 1,000 recipes, 10,000 seeds of a recipe and 1,000 data sets. Of up to 64 recipes every pair",
        ),
        (SECURITY, "all pairs of up to 64 recipes"),
        ("crates/evidence/src/results.rs", "MOST: usize = 1000;"),
        ("crates/evidence/src/results.rs", "MOST_SEEDS: usize = 10_000;"),
        ("crates/findings/src/insight.rs", "ALL_PAIRS: usize = 64;"),
    ],
    &[
        (SECURITY, "| weights: file or all its parts; header | 4 GiB; 16 MiB |"),
        (SECURITY, "| index of weights; parts it names | 64 MiB; 10,000 |"),
        ("crates/nn/src/weight_file.rs", "LARGEST_FILE: u64 = 4 << 30;"),
        ("crates/nn/src/weight_file.rs", "LARGEST_HEADER: u64 = 16 << 20;"),
        ("crates/nn/src/weight_source.rs", "LARGEST_INDEX: u64 = 64 << 20;"),
        ("crates/nn/src/weight_source.rs", "MOST_PARTS: usize = 10_000;"),
    ],
    &[
        (SECURITY, "| 32 MiB each; 256 MiB, 4,000,000 images |"),
        ("crates/study/src/folder.rs", "MOST_BYTES: u64 = 32 << 20;"),
        ("crates/study/src/folder.rs", "MOST_PREDICTIONS: u64 = 256 << 20;"),
        ("crates/study/src/predictions.rs", "MOST_ROWS: usize = 4_000_000;"),
    ],
    &[
        (GUIDE, "says nothing for a minute, or sends less than 1 KiB a second"),
        (GUIDE, "five times in a row where nothing comes, a hundred times in all"),
        (SECURITY, "| 60 s; 5; 100 |"),
        ("crates/data/src/fetch/transfer.rs", "SLOWEST: u64 = 1024;"),
        ("crates/data/src/fetch/transfer.rs", "ATTEMPTS_IN_VAIN: u32 = 5;"),
        ("crates/data/src/fetch/transfer.rs", "ATTEMPTS: u32 = 100;"),
    ],
    &[
        (GUIDE, "up to four times the known size (and 1 GiB in any case)"),
        (GUIDE, "It may send us on five times"),
        (SECURITY, "| 64 KiB; 5; 4 times the known size, 1 GiB at least |"),
        ("crates/data/src/fetch/transfer.rs", "MOST_TIMES_UNCHECKED: u64 = 4;"),
        ("crates/data/src/fetch/transfer.rs", "ALWAYS_UNCHECKED: u64 = 1 << 30;"),
        ("crates/data/src/fetch/request.rs", "REDIRECTS: u32 = 5;"),
        ("crates/data/src/fetch/request.rs", "MOST_HEADERS: usize = 64 << 10;"),
    ],
    &[
        (SECURITY, "| live page: connections; head of a request; headers | 64; 16 KiB; 64 |"),
        (SECURITY, "| live page: time for a head; for a connection | 5 s; 20 s |"),
        (
            PAGE,
            "a head has 16 KiB and five seconds, a body is never read, a connection has one request and twenty seconds, and there are 64 at once",
        ),
        ("crates/live/src/server.rs", "MOST_CONNECTIONS: usize = 64;"),
        ("crates/live/src/server.rs", "MOST_HEAD: usize = 16 << 10;"),
        ("crates/live/src/server.rs", "MOST_HEADERS: usize = 64;"),
        ("crates/live/src/server.rs", "HEAD_TIME: Duration = Duration::from_secs(5);"),
        ("crates/live/src/server.rs", "CONNECTION_TIME: Duration = Duration::from_secs(20);"),
    ],
    &[
        (SECURITY, "| threads; trials at a time | 4 for each core |"),
        ("crates/cli/src/commands.rs", "MOST_PER_CORE: usize = 4;"),
    ],
    &[
        (SECURITY, "| image side of a network | 4,096 px |"),
        ("crates/nn/src/zoo.rs", "LARGEST_IMAGE: usize = 4096;"),
    ],
];

/// What statistics do, and how often they err.
const NUMBERS_OF_STATISTICS: &[&[Place]] = &[
    &[
        (GUIDE, "is 2^(1−S): five seeds cannot reach 0.05"),
        (RULE, "its smallest p is 2^(1 − S) for any number of recipes. So six seeds can, five cannot"),
    ],
    &[
        (RULE, "gives p ≤ 0.05"),
        (GUIDE, "at 5 % for all recipes of the study together"),
        ("crates/stats/src/comparison.rs", "pub const LEVEL: f64 = 0.05;"),
    ],
    &[
        (RULE, "at 2.5 %, or 1.25 % where there are several looks"),
        (UNTIL, "at most 2.5 %"),
        (UNTIL, "at most 1.25 % at each look"),
    ],
    &[
        (UNTIL, "of true differences of half a point 24 % are found instead of 33 %, of a whole point 84 %"),
        (UNTIL, "twelve seeds looked at once find 21 % and 83 %"),
        (STATISTICS, "| 0.5 | 16.7 % | 19.0 % | 20.7 % | 23.7 % | 11.8 |"),
        (STATISTICS, "| 1 | 60.7 % | 75.0 % | 83.3 % | 84.0 % | 11.0 |"),
    ],
    &[
        (UNTIL, "at 1.25 % it is 4.5 %, 3.8 % and 4.0 %"),
        (STATISTICS, "| until decided, 6 to 12 seeds | 4.5 % (without a margin 4.5 %) |"),
    ],
    &[
        (RULE, "found in 91 % of studies was found in 15 %, with eight times as much in 4 %"),
        (STATISTICS, "| 3.5 | 1× | 68.6 % (68.9) | 90.0 % (90.6) |"),
        (STATISTICS, "| 3.5 | 4× | 44.2 % (9.2) | 87.4 % (15.2) |"),
        (STATISTICS, "| 3.5 | 8× | 64.1 % (2.8) | 90.5 % (4.3) |"),
    ],
    &[(STATISTICS, "15 bins of equal width"), ("crates/stats/src/metric.rs", "BINS: usize = 15;")],
    &[
        (STATISTICS, "percentiles of 2,000 bootstrap samples"),
        ("crates/findings/src/aggregate.rs", "REPLICATES: usize = 2_000;"),
    ],
    &[
        (GUIDE, "fewer than ten test images, and recipes with fewer than three finished runs"),
        (STATISTICS, "fewer than six runs are warned of and fewer than three refused"),
        ("crates/findings/src/aggregate.rs", "FEWEST_RUNS: usize = 3;"),
        ("crates/stats/src/comparison.rs", "FEWEST_IMAGES: usize = 10;"),
    ],
    &[
        (STATISTICS, "Stanford Dogs at 64 px (120 breeds, 8,580 test images, 12 epochs"),
        ("docs/stanford-dogs.md", "All 12,000 training and 8,580 test images of Stanford Dogs"),
        (
            "docs/stanford-dogs.md",
            "`resnet-small` (1.3 M parameters with 120 classes) from scratch, 12 epochs of 169 steps",
        ),
    ],
    &[
        (STATISTICS, "`train.epochs=24`"),
        (STATISTICS, "twice the demo's epochs"),
        ("studies/demo.toml", "epochs = 12"),
    ],
];

/// The rest.
const OTHER_NUMBERS: &[&[Place]] = &[
    &[
        ("README.md", "Rust 1.90 or later"),
        ("CONTRIBUTING.md", "Rust 1.90 or later"),
        ("Cargo.toml", "rust-version = \"1.90\""),
    ],
    &[
        ("README.md", "75 interrupted and resumable"),
        (GUIDE, "with exit code 75"),
        ("crates/cli/src/main.rs", "75 interrupted and resumable"),
    ],
    &[("README.md", "The demo trains five recipes"), ("studies/demo.toml", "five recipes × eight seeds")],
    &[
        (GUIDE, "thirteen corruptions at five severities"),
        (LOOKING, "**Thirteen of its nineteen corruptions.**"),
        ("docs/stanford-dogs.md", "thirteen corruptions at five severities"),
        ("crates/augment/src/corruption.rs", "SEVERITIES: std::ops::RangeInclusive<u8> = 1..=5;"),
        // 13 × 5, undamaged, and seven shares hidden.
        (GUIDE, "Each network judges each image 73 times"),
        (LOOKING, "judges every image 73 times more"),
    ],
    &[
        (GUIDE, "# 500 test images, every finished trial"),
        (GUIDE, "(`--maps 6`, 24 at most)"),
        ("crates/study/src/analysis.rs", "images: 500,"),
        ("crates/study/src/analysis.rs", "maps: 6,"),
        ("crates/study/src/analysis.rs", "MOST_MAPS: usize = 24;"),
    ],
    &[
        (LOOKING, "Where more than one in a hundred differs"),
        ("crates/study/src/analysis.rs", "TOLERATED: usize = 100;"),
        (LOOKING, "cells of an 8 × 8 grid"),
        ("crates/augment/src/corruption.rs", "CELLS_A_SIDE: usize = 8;"),
    ],
    &[
        (GUIDE, "with ResNet-50, less than a quarter of the memory"),
        (PERFORMANCE, "| ResNet-50, training step, 16 × 224² | 265 | 80 % | 1357 |"),
        (PERFORMANCE, "| ResNet-50, head only, 16 × 224² | 319 | 97 % | 302 |"),
    ],
    &[(PERFORMANCE, "`data.cache` (2,048 MiB unless told otherwise)"), (GUIDE, "| `data.cache` | `2048` |")],
    &[
        (PERFORMANCE, "stays below 10⁻⁵ in all three passes"),
        (ENGINE, "Its relative rms error against f64 stays below 10⁻⁵"),
    ],
    &[
        (PACK, "take more than 64 MiB when decoded"),
        (PACK, "1 GiB is left to others"),
        (PACK, "Since version 3 a pack also holds what each image looks like"),
        (COPIES, "the pack (from version 3 on) holds it too"),
        ("crates/data/src/inspection.rs", "WORTH_PACKING: u64 = 64 << 20;"),
        ("crates/data/src/inspection.rs", "SPARE_DISK: u64 = 1 << 30;"),
    ],
    &[
        (COPIES, "a grey picture of 24 × 24 is kept"),
        (COPIES, "at most 14 of 128 bits apart"),
        (COPIES, "fewer than 96 of the 128 steps"),
        (COPIES, "that hold more than 512"),
        ("crates/data/src/likeness.rs", "SIDE: usize = 24;"),
        ("crates/data/src/likeness.rs", "HASH_BITS: u32 = 14;"),
        ("crates/data/src/likeness.rs", "PLAIN: u32 = 96;"),
        ("crates/data/src/likeness.rs", "MOST_IN_BUCKET: usize = 512;"),
    ],
    &[
        (GUIDE, "of planted copies of photographs 99 to 100 % are found"),
        (COPIES, "| 5 % cut off all around | 98.7 % | 99.4 % |"),
        (COPIES, "| 2.5 % cut off all around | 99.7 % | 99.9 % |"),
        (COPIES, "| 1.2 times as bright | 99.8 % | 99.7 % |"),
    ],
    &[
        ("docs/decisions/0014-no-enlarging.md", "by `plan` from a hundred images spread over the data set"),
        (GUIDE, "`plan` says how many of a hundred images are enlarged"),
        ("crates/study/src/enlargement.rs", "SAMPLED: usize = 100;"),
    ],
    &[
        (TRIALS, "Below about 20 GFLOP a step"),
        ("crates/study/src/coordinator.rs", "SMALL: u64 = 20_000_000_000;"),
    ],
    &[
        (TRIALS, "(unless the last is less than a second old), every five minutes"),
        ("crates/study/src/trial.rs", "SHORT: Duration = Duration::from_secs(1);"),
        ("crates/study/src/options.rs", "checkpoint_every: Duration::from_secs(300)"),
    ],
    &[
        (SOURCES, "up to 256 MiB of pages are kept"),
        ("crates/data/src/parquet.rs", "KEPT: usize = 256 << 20;"),
    ],
    &[
        (PAGE, "asks `/state` every two seconds"),
        ("crates/report/src/page/script.js", "setTimeout(ask, 2000)"),
        (PAGE, "Up to 200 classes are drawn"),
        ("crates/findings/src/confusion.rs", "MOST_CLASSES: usize = 200;"),
        (PAGE, "Twenty pairs of classes"),
        ("crates/report/src/tables.rs", "PAIRS: usize = 20;"),
        (PAGE, "the eight classes that gain and the eight that lose most"),
        ("crates/report/src/figures.rs", "ENDS: usize = 8;"),
        (PAGE, "folded away when there are more than sixteen"),
        ("crates/report/src/page/classes.rs", "OPEN: usize = 16;"),
        (PAGE, "about 72 at most, at 112 px"),
        ("crates/report/src/thumbnails.rs", "MOST: usize = 72;"),
        ("crates/report/src/thumbnails.rs", "SIDE: u32 = 112;"),
    ],
];

/// The text with all blanks and line breaks alike.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a file says so. A constant that went to another file of its crate is looked for there.
fn says(&(file, words): &Place) -> bool {
    let words = flowing(words);
    let here = text(file).map(|text| flowing(&text)).unwrap_or_default();
    let name = words.split('=').next().unwrap_or_default();
    if here.contains(&words) || !file.starts_with("crates/") || here.contains(name) {
        return here.contains(&words);
    }
    let folder = file.split_inclusive("/src/").next().unwrap_or_default();
    files(folder.trim_end_matches('/'))
        .iter()
        .filter_map(|file| text(file))
        .any(|text| flowing(&text).contains(&words))
}

fn hold_together(groups: &[&[Place]]) {
    let mut parted = Vec::new();
    for group in groups {
        let gone: Vec<&Place> = group.iter().filter(|place| !says(place)).collect();
        if !gone.is_empty() {
            parted.push(format!("no longer said: {gone:?}\n  of what is said together: {group:?}"));
        }
    }
    assert!(parted.is_empty(), "change all places of a group, and the group:\n{}", parted.join("\n"));
}

#[test]
fn limits_are_the_same_in_the_guide_the_page_on_security_and_the_code() {
    hold_together(LIMITS);
}

#[test]
fn numbers_of_the_statistics_are_the_same_on_every_page_and_in_the_code() {
    hold_together(NUMBERS_OF_STATISTICS);
}

#[test]
fn other_numbers_that_stand_twice_are_the_same() {
    hold_together(OTHER_NUMBERS);
}
