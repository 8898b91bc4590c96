//! Which of a file's tensors are a network's: parameter names behind a prefix, and several networks in one file.

use std::collections::{HashMap, HashSet};

use crate::{Weights, zoo};

/// Known parameter names that a prefix must have behind it to be that of a network: a third of the smallest one's. Blocks repeat
/// a few of the names that stand at the top (`layer1.0.conv1.weight`), so that a few are no sign.
const FEWEST: usize = 20;

/// Networks looked for in one file.
const MOST: usize = 16;

/// The longest known name has so many parts, `layer1.0.downsample.0.weight` for one.
const PARTS: usize = 8;

/// Ways to cut a name into a prefix that is empty or ends with a dot, and the name of a parameter.
fn cuts<'n>(name: &'n str, known: &HashSet<String>) -> impl Iterator<Item = &'n str> {
    let ends = name.rmatch_indices('.').map(|(at, _)| at + 1).take(PARTS).chain([0]);
    ends.filter(|&end| known.contains(&name[end..])).map(|end| &name[..end])
}

/// Prefixes of the networks whose parameters these are, the one with the most parameters first, of equals the one with the
/// shorter prefix. No prefix is the empty one.
fn networks<'n>(names: impl Iterator<Item = &'n str>, known: &HashSet<String>) -> Vec<&'n str> {
    let mut left: Vec<&str> = names.collect();
    let mut found = Vec::new();
    while found.len() < MOST {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for name in &left {
            for prefix in cuts(name, known) {
                *counts.entry(prefix).or_default() += 1;
            }
        }
        let order = |&(prefix, count): &(&'n str, usize)| (count, std::cmp::Reverse((prefix.len(), prefix)));
        let Some((prefix, count)) = counts.into_iter().max_by_key(order) else { break };
        if count < FEWEST {
            break;
        }
        left.retain(|name| !name.strip_prefix(prefix).is_some_and(|rest| known.contains(rest)));
        found.push(prefix);
    }
    found
}

/// How the tensors of one network were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selected {
    /// All names are what they are.
    AsTheyAre,
    /// Of one or several networks this one's prefix was taken off; the other prefixes follow.
    Behind(String, Vec<String>),
}

/// Why no network was chosen. Prefixes that there are go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotSelected {
    /// Nobody said which.
    Several(Vec<String>),
    /// The prefix asked for is not there.
    Absent(Vec<String>),
}

/// The tensors of one network under its own names: of the network behind `asked`, or where nothing is asked of the only one, or
/// of the one without a prefix.
pub(crate) fn select(weights: Weights, asked: Option<&str>) -> Result<(Weights, Selected), NotSelected> {
    let known = zoo::parameter_names();
    let names: Vec<String> = weights.iter().map(|(name, _)| name.to_owned()).collect();
    let prefixes = networks(names.iter().map(String::as_str), &known);
    let listed = |except: Option<&str>| -> Vec<String> {
        prefixes.iter().filter(|prefix| Some(**prefix) != except).map(|prefix| (*prefix).to_owned()).collect()
    };
    let chosen = match asked {
        Some(asked) => {
            // With or without its dot, or only its beginning where there is no other of that beginning.
            let exactly = |prefix: &&&str| **prefix == asked || prefix.strip_suffix('.') == Some(asked);
            let mut begin = prefixes.iter().filter(|prefix| !asked.is_empty() && prefix.starts_with(asked));
            let one = begin.next().filter(|_| begin.next().is_none());
            prefixes.iter().find(exactly).or(one).ok_or_else(|| NotSelected::Absent(listed(None)))?
        }
        None => match prefixes.as_slice() {
            [] => return Ok((weights, Selected::AsTheyAre)),
            [only] => only,
            several => {
                several.iter().find(|prefix| prefix.is_empty()).ok_or(NotSelected::Several(listed(None)))?
            }
        },
    };
    if prefixes.len() == 1 && chosen.is_empty() {
        return Ok((weights, Selected::AsTheyAre));
    }
    // A prefix may begin with another one, or even be the beginning of a parameter's name: a parameter is the first network's that
    // has it, as they were found, and what is no parameter its longest prefix's.
    let owner = |name: &str| {
        let of_network =
            |prefix: &&&str| name.strip_prefix(**prefix).is_some_and(|rest| known.contains(rest));
        prefixes.iter().find(of_network).or_else(|| {
            prefixes.iter().filter(|prefix| name.starts_with(**prefix)).max_by_key(|prefix| prefix.len())
        })
    };
    let mut kept = Weights::new();
    for (name, tensor) in weights.into_tensors() {
        match owner(&name) {
            Some(prefix) if prefix == chosen => kept.insert(&name[prefix.len()..], tensor),
            Some(_) => {}
            // No network's: whoever wants the weights is told of it.
            None => kept.insert(name, tensor),
        }
    }
    Ok((kept, Selected::Behind((*chosen).to_owned(), listed(Some(chosen)))))
}

/// Prefixes for people.
pub(crate) fn words(prefixes: &[String]) -> String {
    let word = |prefix: &String| match prefix.as_str() {
        "" => "no prefix".to_owned(),
        prefix => format!("`{prefix}`"),
    };
    match prefixes.iter().map(word).collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Model, Tensor, models};

    fn behind(prefixes: &[&str], model: &Model) -> Weights {
        let mut weights = Weights::new();
        for (number, prefix) in prefixes.iter().enumerate() {
            for (name, tensor) in Weights::initial(model, number as u64 + 1).iter() {
                weights.insert(format!("{prefix}{name}"), tensor.clone());
            }
        }
        weights
    }

    const PREFIXES: [&str; 12] = [
        "module.",
        "model.",
        "_orig_mod.",
        "backbone.",
        "encoder.",
        "net.",
        "student.",
        "state_dict_ema.module.",
        "module._orig_mod.",
        "model.module.backbone.",
        "layer1.",
        "a.b.c.d.e.f.g.h.i.j.k.",
    ];

    #[test]
    fn one_prefix_is_taken_off_whatever_it_is_and_whatever_the_network() {
        for info in models().iter().filter(|info| info.name != "resnet34" && info.name != "resnet50") {
            let model = Model::by_name(info.name, 5, 64).unwrap();
            let plain = behind(&[""], &model);
            assert_eq!(select(plain.clone(), None).unwrap(), (plain.clone(), Selected::AsTheyAre));
            for prefix in PREFIXES {
                let (found, how) = select(behind(&[prefix], &model), None).unwrap();
                assert!(found == plain, "{prefix} {}", info.name);
                assert_eq!(how, Selected::Behind(prefix.to_owned(), Vec::new()));
                let (found, _) = select(behind(&[prefix], &model), Some(prefix)).unwrap();
                assert!(found == plain);
            }
        }
    }

    #[test]
    fn of_two_networks_the_one_with_plain_names_is_used_or_the_one_asked_for() {
        let model = Model::by_name("resnet-tiny", 5, 32).unwrap();
        let of_seed = |seed| Weights::initial(&model, seed);
        for other in PREFIXES {
            let (found, how) = select(behind(&["", other], &model), None).unwrap();
            assert!(found == of_seed(1), "{other}");
            assert_eq!(how, Selected::Behind(String::new(), vec![other.to_owned()]));
            for asked in [other, other.trim_end_matches('.')] {
                let (found, how) = select(behind(&["", other], &model), Some(asked)).unwrap();
                assert!(found == of_seed(2), "{other}");
                assert_eq!(how, Selected::Behind(other.to_owned(), vec![String::new()]));
            }
            assert!(select(behind(&["", other], &model), Some("")).unwrap().0 == of_seed(1));
        }
        for pair in [["teacher.", "student."], ["model.", "model_ema."], ["model.", "model.ema."]] {
            let Err(NotSelected::Several(mut listed)) = select(behind(&pair, &model), None) else {
                panic!("{pair:?}")
            };
            listed.sort();
            let mut expected = pair.map(str::to_owned);
            expected.sort();
            assert_eq!(listed, expected);
            for (number, prefix) in pair.iter().enumerate() {
                let (found, _) = select(behind(&pair, &model), Some(prefix)).unwrap();
                assert!(found == of_seed(number as u64 + 1), "{prefix}");
            }
        }
        let absent = select(behind(&["a.", "b."], &model), Some("ema."));
        assert!(matches!(absent, Err(NotSelected::Absent(listed)) if listed.len() == 2));
        // The beginning is enough where only one network's prefix begins so.
        let two = behind(&["state_dict.module.", "state_dict_ema.module."], &model);
        assert!(select(two.clone(), Some("state_dict_ema")).unwrap().0 == of_seed(2));
        assert!(select(two, Some("state_dict")).is_err());
    }

    #[test]
    fn what_belongs_to_no_network_stays() {
        let model = Model::by_name("resnet-tiny", 5, 32).unwrap();
        let mut weights = behind(&["backbone."], &model);
        weights.insert("head.fc.weight", Tensor::filled(&[5, 128], 0.0));
        let (found, _) = select(weights, None).unwrap();
        assert!(found.get("head.fc.weight").is_some() && found.get("fc.weight").is_some());
        let mut foreign = Weights::new();
        for block in 0..30 {
            foreign.insert(format!("blocks.{block}.conv1.weight"), Tensor::filled(&[1], 0.0));
        }
        assert_eq!(select(foreign.clone(), None).unwrap(), (foreign, Selected::AsTheyAre));
    }

    proptest! {
        #[test]
        fn no_names_are_too_odd(names in prop::collection::vec("[.a-c]{0,12}(conv1\\.weight|fc\\.bias|)", 0..60), asked in "[.a-c]{0,3}") {
            let mut weights = Weights::new();
            for name in names {
                weights.insert(name, Tensor::filled(&[1], 0.0));
            }
            let _ = select(weights.clone(), None);
            let _ = select(weights, Some(&asked));
        }
    }
}
