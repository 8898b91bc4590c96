//! Recipe and seed from a file's path.

use std::path::Path;

/// Where recipe and seed stand in a path: `{recipe}/seed-{seed}/summary.csv`, with `*` for anything within a folder's name.
/// It is held against the end of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Any,
    Recipe,
    Seed,
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, length) = if rest.starts_with("{recipe}") {
                (Part::Recipe, "{recipe}".len())
            } else if rest.starts_with("{seed}") {
                (Part::Seed, "{seed}".len())
            } else if rest.starts_with('*') {
                (Part::Any, 1)
            } else if rest.starts_with('{') {
                return Err(format!("`{rest}`: only {{recipe}} and {{seed}} are known"));
            } else {
                let length = rest.find(['{', '*']).unwrap_or(rest.len());
                (Part::Text(rest[..length].replace('\\', "/")), length)
            };
            parts.push(part);
            rest = &rest[length..];
        }
        for (part, name) in [(Part::Recipe, "{recipe}"), (Part::Seed, "{seed}")] {
            if parts.iter().filter(|p| **p == part).count() != 1 {
                return Err(format!("`{text}` must hold {name} once"));
            }
        }
        Ok(Self { parts })
    }
}

impl Pattern {
    /// Recipe and seed, where the end of the path is of this pattern.
    pub(crate) fn place(&self, path: &Path) -> Option<(String, u64)> {
        let text = path.to_string_lossy().replace('\\', "/");
        let starts = std::iter::once(0).chain(text.match_indices('/').map(|(at, _)| at + 1));
        starts.collect::<Vec<_>>().into_iter().rev().find_map(|start| {
            let (mut recipe, mut seed) = (None, None);
            fits(&self.parts, &text[start..], &mut recipe, &mut seed).then_some((recipe?, seed?))
        })
    }
}

/// Whether the whole text is of these parts; within a folder's name the longest fit is tried first.
fn fits(parts: &[Part], text: &str, recipe: &mut Option<String>, seed: &mut Option<u64>) -> bool {
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
    if let Part::Text(literal) = part {
        return text.strip_prefix(literal.as_str()).is_some_and(|text| fits(rest, text, recipe, seed));
    }
    let within = text.find('/').unwrap_or(text.len());
    let ends = text[..within].char_indices().map(|(at, c)| at + c.len_utf8());
    let mut ends: Vec<usize> = std::iter::once(0).chain(ends).collect();
    ends.reverse();
    ends.into_iter().any(|end| {
        let piece = &text[..end];
        let kept = match part {
            Part::Recipe if !piece.is_empty() => {
                *recipe = Some(piece.to_owned());
                true
            }
            Part::Seed => match piece.parse() {
                Ok(number) => {
                    *seed = Some(number);
                    true
                }
                Err(_) => false,
            },
            part => *part == Part::Any,
        };
        kept && fits(rest, &text[end..], recipe, seed)
    })
}

/// What a path says without a pattern: `cutmix/seed-3/summary.csv`, `cutmix_seed3.csv`, `cutmix-s3/log.csv`,
/// `cutmix/3/metrics.csv`, `cutmix/version_3/metrics.csv`.
pub(crate) fn guess(path: &Path) -> Option<(String, u64)> {
    let without = path.with_extension("");
    let parts: Vec<String> =
        without.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    let by = |read: fn(&str) -> Option<(&str, u64)>| {
        (0..parts.len()).rev().find_map(|at| {
            let (name, seed) = read(&parts[at])?;
            let name = name.trim_end_matches(['-', '_', '.', ' ', '=']);
            let above = || {
                let mut folders = parts[..at].iter().rev();
                folders.find(|p| *p != "lightning_logs" && *p != "/" && *p != "." && *p != "..")
            };
            let name = if name.is_empty() { above()?.clone() } else { name.to_owned() };
            Some((name, seed))
        })
    };
    by(after_seed).or_else(|| by(numbered)).or_else(|| by(bare))
}

/// `cutmix-seed-3`, `seed3`.
fn after_seed(part: &str) -> Option<(&str, u64)> {
    let lower = part.to_ascii_lowercase();
    let at = lower.rfind("seed")?;
    let rest = part.get(at + 4..)?.trim_start_matches(['-', '_', '.', '=', ' ']);
    Some((part.get(..at)?, rest.parse().ok()?))
}

/// `cutmix-s3`, `cutmix_3`.
fn numbered(part: &str) -> Option<(&str, u64)> {
    let at = part.rfind(['-', '_'])?;
    let number = &part[at + 1..];
    // `resnet50-224` and `20240101-120000` name no seeds, `version_3` and `seed-3` no recipe.
    let short = number.strip_prefix('s').unwrap_or(if number.len() < 3 { number } else { "" });
    let seed = short.parse().ok()?;
    (at > 0 && !["version", "seed"].contains(&&part[..at])).then_some((&part[..at], seed))
}

/// `3`, `s3`, `version_3`: the recipe is the folder above.
fn bare(part: &str) -> Option<(&str, u64)> {
    let number = part.strip_prefix("version_").or_else(|| part.strip_prefix('s')).unwrap_or(part);
    Some(("", number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_paths_say_recipe_and_seed() {
        for path in [
            "runs/cutmix/seed-3/summary.csv",
            "runs/cutmix/seed_3/a/metrics.csv",
            "out/cutmix-seed3/summary.csv",
            "cutmix_seed_3.csv",
            "cutmix-s3.csv",
            "logs/cutmix_3/log.csv",
            "cutmix/3/metrics.csv",
            "cutmix/lightning_logs/version_3/metrics.csv",
        ] {
            assert_eq!(guess(Path::new(path)), Some(("cutmix".into(), 3)), "{path}");
        }
        for path in ["summary.csv", "output/train/20240101-120000-resnet50-224/summary.csv", "seed-3.csv"] {
            assert_eq!(guess(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn a_pattern_says_where_they_stand() {
        let place = |pattern: &str, path: &str| pattern.parse::<Pattern>().unwrap().place(Path::new(path));
        let cutmix = Some(("cutmix".to_owned(), 3));
        assert_eq!(place("{recipe}/run{seed}-*/summary.csv", "a/b/cutmix/run3-x/summary.csv"), cutmix);
        assert_eq!(place("{seed}-{recipe}.csv", "3-cutmix.csv"), cutmix);
        assert_eq!(place("{recipe}-{seed}.csv", "flip-crop-12.csv"), Some(("flip-crop".into(), 12)));
        assert_eq!(place("{recipe}-{seed}.csv", "flip-crop.csv"), None);
        assert!("{recipe}.csv".parse::<Pattern>().unwrap_err().contains("{seed}"));
        assert!("{recipe}{sed}".parse::<Pattern>().unwrap_err().contains("only {recipe} and {seed}"));
    }
}
