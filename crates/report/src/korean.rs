//! What the statistics say in English sentences, said in Korean from the same numbers.

use crate::josa::Josa;
use crate::language::{Language, Words};
use bakeoff_findings::aggregate::{Aggregate, share};
use bakeoff_findings::answer::{Answer, Effect, Found, NotYet, Recommendation, Shortlist};
use bakeoff_findings::{Caveat, Summary};
use bakeoff_stats::curves::Course;
use bakeoff_stats::wording::{least_p, p_value, percent, probability};
use bakeoff_stats::{
    Comparison, Corrected, Direction, LEVEL, Obstacle, Outlook, Reason, Unit, Verdict, fewest_seeds,
    smallest_p,
};

fn words() -> &'static Words {
    Language::Korean.words()
}

fn seeds(n: usize) -> String {
    words().count(words().seeds_n, n)
}

/// The unit of differences.
fn point(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => "퍼센트포인트",
        Unit::Plain => "",
    }
}

fn amount(unit: Unit, value: f64, digits: usize) -> String {
    format!("{}{}", unit.number(value, digits), point(unit))
}

/// What several data sets together say.
pub(crate) fn aggregate_answer(aggregate: &Aggregate) -> String {
    const MOST: usize = 5;
    let all = aggregate.compared();
    let mut items: Vec<String> =
        all.iter().take(MOST).map(|(recipe, p)| format!("{} {}", recipe.name, share(*p))).collect();
    if all.len() > MOST {
        items.push(format!("그 밖에 {}개", all.len() - MOST));
    }
    let sets = words().count(words().data_sets_n, aggregate.data_sets.len());
    let (baseline, list) = (&aggregate.baseline, items.join("; "));
    let answer = format!("{sets}를 함께 볼 때, 실행이 {baseline}의 실행보다 나을 확률: {list}.");
    match aggregate.measure.direction {
        Direction::HigherIsBetter => answer,
        Direction::LowerIsBetter => {
            format!("{answer} ({} 낮을수록 좋습니다.)", Josa::Topic.after(&aggregate.metric))
        }
    }
}

/// The answer in a few sentences, the recommendation first.
pub(crate) fn answer(summary: &Summary) -> Vec<String> {
    let baseline = &summary.baseline;
    match Answer::new(summary) {
        Answer::NotYet(why) => vec![format!(
            "아직 결론이 없습니다: {}.",
            match why {
                NotYet::NothingFinished => "끝난 시행이 없습니다".to_owned(),
                NotYet::OnlyBaseline => format!("{baseline} 말고는 레시피가 없습니다"),
                NotYet::NoBaseline => format!("기준인 {baseline}의 시행이 하나도 끝나지 않았습니다"),
                NotYet::NoSeedInCommon =>
                    format!("{} 함께 끝난 시드를 가진 레시피가 없습니다", Josa::And.after(baseline)),
            }
        )],
        Answer::Found(found) => sentences(&found, summary),
    }
}

fn sentences(found: &Found, summary: &Summary) -> Vec<String> {
    let baseline = &summary.baseline;
    let by = |effect: &Effect| {
        let Some([mean, low, high]) = effect.difference else { return effect.name.clone() };
        let unit = summary.measure.unit;
        let digits = unit.decimals((high - low) / 2.0);
        let [low, high] = [low, high].map(|limit| unit.signed(limit, digits));
        format!("{} {} [{low}, {high}]", effect.name, size(unit, mean.abs(), digits))
    };
    let mut sentences: Vec<String> =
        found.recommendation.iter().map(|it| recommendation(it, summary)).collect();
    if !found.better.is_empty() {
        sentences.push(format!("{baseline}보다 나음: {}.", listed(&found.better, by)));
    } else if found.undecided.is_empty() {
        sentences.push(format!("{baseline}보다 나은 레시피가 없습니다."));
    }
    if !found.worse.is_empty() {
        sentences.push(format!("{baseline}보다 나쁨: {}.", listed(&found.worse, by)));
    }
    if !found.equivalent.is_empty() {
        sentences.push(format!(
            "{} {} 안에서 동등: {}.",
            Josa::And.after(baseline),
            margin(summary),
            listed(&found.equivalent, String::clone)
        ));
    }
    if !found.undecided.is_empty() {
        let why = found.too_few_seeds.map_or(String::new(), |n| {
            format!(
                " ({}로는 {}보다 작아질 수 없고, 판정에는 적어도 {}가 필요합니다)",
                seeds(n),
                least_p(smallest_p(n)),
                seeds(fewest_seeds(LEVEL))
            )
        });
        sentences.push(format!("{baseline} 대비 미정: {}{why}.", listed(&found.undecided, String::clone)));
    }
    if summary.measure.direction == Direction::LowerIsBetter {
        sentences.push(format!("({} 낮을수록 좋습니다.)", Josa::Topic.after(&summary.metric)));
    }
    sentences
}

fn recommendation(recommendation: &Recommendation, summary: &Summary) -> String {
    let baseline = &summary.baseline;
    let name = |recipe: &String| match recipe == baseline {
        true => format!("기준 레시피 {recipe}"),
        false => recipe.clone(),
    };
    let names = |recipes: &[String]| listed(&Shortlist::new(recipes.to_vec()), String::clone);
    match recommendation {
        Recommendation::Use { recipe, alike, of } if alike.is_empty() => match of {
            2 => format!("{} 쓰세요.", Josa::Object.after(&name(recipe))),
            n => format!(
                "{} 쓰세요. {} 가운데 가장 낫습니다.",
                Josa::Object.after(&name(recipe)),
                words().count(words().recipes_n, *n)
            ),
        },
        Recommendation::Use { recipe, alike, .. } => format!(
            "{} 쓰세요. {} 그보다 못하다고 할 수 없습니다.",
            Josa::Object.after(&name(recipe)),
            Josa::Topic.after(&names(alike))
        ),
        Recommendation::KeepBaseline { foremost } => format!(
            "{} 쓰세요. 평균은 {} 가장 높지만 {} {} 안에서 동등합니다.",
            Josa::Object.after(&name(baseline)),
            Josa::Subject.after(foremost),
            Josa::And.after(baseline),
            margin(summary)
        ),
        Recommendation::Open { foremost, excluded: 0, .. } => format!(
            "아직 권할 레시피가 없습니다. 평균은 {} 가장 낫지만 다른 어느 레시피와도 구별되지 않습니다.",
            Josa::Subject.after(&name(foremost))
        ),
        Recommendation::Open { foremost, alike, .. } => format!(
            "{baseline} 대신 권할 레시피가 아직 없습니다. 평균은 {} 가장 낫지만 {} 그와 구별되지 않습니다.",
            Josa::Subject.after(foremost),
            Josa::Topic.after(&names(alike))
        ),
    }
}

fn listed<T>(items: &Shortlist<T>, show: impl Fn(&T) -> String) -> String {
    let text = items.named.iter().map(show).collect::<Vec<_>>().join(", ");
    if items.others > 0 { format!("{text} 외 {}개", items.others) } else { text }
}

fn margin(summary: &Summary) -> String {
    format!("{}{}", summary.margin_number(), point(summary.measure.unit))
}

/// A size that never claims zero for what is not.
fn size(unit: Unit, value: f64, digits: usize) -> String {
    match unit.vanishes(value, digits) {
        Some(bound) => format!("{} 미만", amount(unit, bound, digits + 1)),
        None => amount(unit, value, digits),
    }
}

/// What a reader must know first; text that another crate wrote stays as it is.
pub(crate) fn caveat(caveat: &Caveat) -> String {
    let trials = |n: &usize| words().count(words().trials_n, *n);
    match caveat {
        Caveat::Told(text) => text.clone(),
        Caveat::NoPredictions { without, of } => format!(
            "끝난 {} 중 {without}회는 이미지별 예측을 남기지 않아, 구간은 시드별 정확도만으로 구했습니다.",
            trials(of)
        ),
        Caveat::OtherImages { first, second } => format!(
            "{} 시드 {}와(과) {} 시드 {}의 시험 이미지나 레이블이 서로 달라 이미지끼리 비교하지 않았습니다. 구간은 시드별 정확도만으로 구했습니다. \
             그 사이에 데이터가 바뀌었습니까?",
            first.0, first.1, second.0, second.1
        ),
        Caveat::Contradiction { recipe, seed, recorded, counted } => format!(
            "{recipe} 시드 {seed}: 시험 이미지의 top-1이 trial.json에는 {}, predictions.parquet에는 {}입니다. 둘 중 하나는 이 시행의 것이 아닙니다. \
             구간은 trial.json의 정확도만으로 구했습니다.",
            percent(*recorded, 2),
            percent(*counted, 2)
        ),
        Caveat::TooManyForPairs { recipes, most, baseline } => format!(
            "레시피가 {recipes}개입니다. 각각을 {baseline}와(과) 비교하며, {most}개까지만 하는 모든 쌍의 비교는 하지 않았습니다."
        ),
        Caveat::BaselineUnknown { baseline } => {
            format!("계획은 {baseline}을(를) 기준으로 정했지만 그런 레시피가 없습니다.")
        }
        Caveat::DamageUnfinished => {
            "손상된 이미지 전부로 살펴본 신경망이 아직 없습니다. `bakeoff analyse`가 이어서 합니다.".into()
        }
        Caveat::DamageUneven { left, of } => format!(
            "신경망 {of}개 중 {left}개는 나머지보다 적거나 다른 손상 이미지로 살펴보아 그 자리에서 뺐습니다. `bakeoff analyse`가 다시 살펴봅니다."
        ),
    }
}

/// The particle after a word, of the two that a template gives as `은(는)`: chosen where the word ends in Hangul or in a digit, left as
/// both where it ends in letters that may be read in more than one way. `html` may close elements in between.
pub(crate) fn particles(html: &str) -> String {
    const PAIRS: [(&str, &str, &str); 5] = [
        ("은(는)", "은", "는"),
        ("이(가)", "이", "가"),
        ("을(를)", "을", "를"),
        ("와(과)", "과", "와"),
        ("(으)로", "으로", "로"),
    ];
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((at, (both, closed, open))) =
        PAIRS.iter().filter_map(|pair| Some((rest.find(pair.0)?, *pair))).min_by_key(|(at, _)| *at)
    {
        text.push_str(&rest[..at]);
        rest = &rest[at + both.len()..];
        let chosen = match final_sound(&text) {
            Some(Final::None) => open,
            // 서울로, not 서울으로.
            Some(Final::L) if both == "(으)로" => open,
            Some(_) => closed,
            None => both,
        };
        text.push_str(chosen);
    }
    text + rest
}

/// What a word ends in, said aloud.
#[derive(Clone, Copy, PartialEq)]
enum Final {
    None,
    L,
    Other,
}

fn final_sound(html: &str) -> Option<Final> {
    let mut word = html;
    while word.ends_with('>') {
        word = &word[..word.rfind('<')?];
    }
    match word.chars().next_back()? {
        c @ '가'..='힣' => Some(match (u32::from(c) - 0xac00) % 28 {
            0 => Final::None,
            8 => Final::L,
            _ => Final::Other,
        }),
        '2' | '4' | '5' | '9' => Some(Final::None),
        '1' | '7' | '8' => Some(Final::L),
        '0' | '3' | '6' => Some(Final::Other),
        _ => None,
    }
}

/// How one learning curve stands to another.
pub(crate) fn course(first: &str, second: &str, course: Course) -> String {
    let unknown = "더 오래 학습하면 앞지를지는 미리 알 수 없습니다";
    let passes = |who: &str, whom: &str, [epoch, low, high]: [u32; 3]| {
        let (who, whom) = (Josa::Subject.after(who), Josa::Object.after(whom));
        format!("{who} 에폭 {epoch}에서 {whom} 앞지릅니다(95\u{a0}% {low}–{high}).")
    };
    let catches = |who: &str, whom: &str, epoch: u32| {
        let who = Josa::Topic.after(who);
        format!("{who} {whom}보다 뒤에서 시작해 에폭 {epoch}부터 비슷합니다. {unknown}.")
    };
    let topic = Josa::Topic.after(first);
    match course {
        Course::Passes { epoch, low, high } => passes(first, second, [epoch, low, high]),
        Course::IsPassed { epoch, low, high } => passes(second, first, [epoch, low, high]),
        Course::CatchesUp { epoch } => catches(first, second, epoch),
        Course::IsCaughtUp { epoch } => catches(second, first, epoch),
        Course::Ahead => {
            format!("{topic} 마지막 에폭에서 {second}보다 앞서 있고, 분명히 뒤진 에폭은 없었습니다.")
        }
        Course::Behind => format!("{topic} 마지막 에폭에서 {second}보다 뒤져 있습니다. {unknown}."),
        Course::Level => format!("{} {second}의 학습 곡선은 구별되지 않습니다.", Josa::And.after(first)),
    }
}

/// Why a verdict is what it is, and what would settle it.
pub(crate) fn explanation(c: &Comparison) -> String {
    let (name, baseline) = (&c.name, &c.baseline);
    let [both, topic, subject] = [Josa::And, Josa::Topic, Josa::Subject].map(|josa| josa.after(name));
    let (Some(mean), Some(interval)) = (c.mean, c.interval) else {
        return match c.mean {
            None => format!("{both} {baseline}에는 함께 끝난 시드가 없어 비교할 수 없습니다."),
            Some(_) => format!(
                "{both} {baseline}에는 함께 끝난 시드가 하나뿐입니다. 한 쌍으로는 다음 쌍에 대해 아무것도 말할 수 없습니다."
            ),
        };
    };
    let unit = c.measure.unit;
    let digits = unit.decimals((interval.high - interval.low) / 2.0);
    let range = |[low, high]: [f64; 2], confidence: f64| {
        let percent = (confidence * 100.0 * 10.0).round() / 10.0;
        format!("{percent}\u{a0}% 구간 {}에서 {}", unit.number(low, digits), unit.number(high, digits))
    };
    let wide = range([interval.low, interval.high], interval.confidence);
    let n = c.seeds.len();
    let [ahead, _, behind] = c.record();
    let size = size(unit, mean.abs(), digits);
    let reason = match c.reason {
        // Told above.
        Reason::NoSeedInCommon | Reason::OneSeedInCommon => String::new(),
        Reason::Differs { p } => {
            let p = corrected(p);
            match c.verdict {
                Verdict::Worse => format!(
                    "{topic} {baseline}보다 {size} 나쁩니다({wide}): {} 중 {behind}개에서 뒤짐, {p}.",
                    seeds(n)
                ),
                _ => format!(
                    "{topic} {baseline}보다 {size} 낫습니다({wide}): {} 중 {ahead}개에서 앞섬, {p}.",
                    seeds(n)
                ),
            }
        }
        Reason::Equivalent { margin, inside, confidence, there } => {
            let margin = match unit {
                Unit::Percent => amount(unit, margin, digits.max(usize::from(margin < 0.0095))),
                Unit::Plain => margin.to_string(),
            };
            let there = there.map_or(String::new(), |p| {
                format!(" 차이는 있지만({}) 중요하다고 선언한 허용 폭보다 작습니다.", corrected(p))
            });
            format!(
                "{both} {} {margin} 안에서 동등합니다: 차이 {}{}({}), {}.{there}",
                Josa::Topic.after(baseline),
                unit.signed(mean, digits),
                point(unit),
                range(inside, confidence),
                seeds(n)
            )
        }
        Reason::Undecided(obstacle) => {
            let gain = c.measure.direction.gain(mean);
            let clause = clause(obstacle, n);
            let (own, other, way) =
                if gain < 0.0 { (behind, ahead, "뒤집니다") } else { (ahead, behind, "앞섭니다") };
            let all = seeds(n);
            if gain == 0.0 {
                format!("{both} {} 같습니다({wide}). 그러나 {clause}.", Josa::Subject.after(baseline))
            } else if unit.vanishes(mean, digits).is_some() {
                format!(
                    "{both} {baseline}의 차이는 평균 {size}입니다({wide}). {all} 중 {ahead}개에서 앞서고 {behind}개에서 뒤집니다. {clause}."
                )
            } else if own > other {
                format!(
                    "{subject} {baseline}보다 평균 {size} {way}({wide}). {all} 중 {own}개에서 그렇습니다. 그러나 {clause}."
                )
            } else {
                format!(
                    "{subject} {baseline}보다 평균 {size} {way}({wide}). 그러나 {all} 중 {own}개에서만 그렇고, {clause}."
                )
            }
        }
    };
    let probably = "차이와 흩어짐이 지금과 같다면";
    let more = match c.outlook {
        Outlook::Decided => return reason,
        Outlook::Seeds { total } => format!("{probably} 모두 {} 정도면 아마 결판이 납니다.", seeds(total)),
        Outlook::Images { total } => format!(
            "시드만 늘려서는 결판이 나지 않습니다. 시험 이미지가 너무 적습니다. {probably} 약 {}이 필요합니다.",
            words().count(words().test_images_n, total)
        ),
        Outlook::FewImages { at_least } => format!(
            "무엇이든 판정하려면 적어도 {}이 필요하고, 작은 차이를 보려면 수백 장이 필요합니다.",
            words().count(words().test_images_n, at_least)
        ),
        Outlook::OutOfReach => {
            format!("{probably} 시드를 아무리 늘려도 아마 결판이 나지 않습니다. 더 싼 레시피를 쓰세요.")
        }
        Outlook::Unknown { at_least } => {
            format!("무엇이든 판정하려면 적어도 {}가 필요합니다.", seeds(at_least))
        }
    };
    format!("{reason} {more}")
}

fn corrected(p: Corrected) -> String {
    match p.comparisons {
        0 | 1 => p_value(p.p),
        n => format!("비교 {n}건 보정 후 {}", p_value(p.p)),
    }
}

fn clause(obstacle: Obstacle, n: usize) -> String {
    let agree =
        |p: Corrected| format!("시드는 일치해도({}) 다른 시험 이미지에서는 다를 수 있습니다", corrected(p));
    match obstacle {
        Obstacle::FewImages { images } => {
            format!("{}으로는 아무것도 알 수 없습니다", words().count(words().test_images_n, images))
        }
        Obstacle::FewSeeds { smallest_p, fewest } => format!(
            "{}로는 {}보다 작아질 수 없습니다. 판정에는 적어도 {}가 필요합니다",
            seeds(n),
            least_p(smallest_p),
            seeds(fewest)
        ),
        Obstacle::IntervalIncludesZero { p } => format!("{}. 구간이 0을 포함합니다", agree(p)),
        Obstacle::Images { p, images } => format!("{}. 시드와 이미지에 걸쳐 {}", agree(p), corrected(images)),
        Obstacle::Look { level, p } => format!(
            "시드를 더할 때마다 결과를 보므로 지금은 p가 {} 이하여야 하는데, {}입니다",
            probability(level),
            corrected(p)
        ),
        Obstacle::Chance { p, excludes_zero: true } if p.comparisons > 1 => format!(
            "레시피 {}개 가운데 하나쯤 그만한 차이가 나는 것은 우연으로도 드물지 않습니다, {}(구간은 이 레시피 하나만 본 것입니다)",
            p.comparisons,
            corrected(p)
        ),
        Obstacle::Chance { p, excludes_zero: true } => format!(
            "흩어짐이 정규분포라는 구간의 가정 없이 시드만 보면 우연으로도 드물지 않습니다, {}",
            corrected(p)
        ),
        Obstacle::Chance { p, excludes_zero: false } => {
            format!("그만한 차이는 우연으로도 드물지 않습니다, {}", corrected(p))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bakeoff_stats::{Arm, Options, Run, compare};

    #[test]
    fn particles_follow_what_is_said_and_stay_open_where_that_is_not_known() {
        for (both, one) in [
            ("<bdi>색상</bdi>은(는)", "<bdi>색상</bdi>은"),
            ("뒤집기은(는)", "뒤집기는"),
            ("자르기을(를) 서울(으)로", "자르기를 서울로"),
            ("섞기와(과) 색상와(과)", "섞기와 색상과"),
            ("레시피-3이(가)", "레시피-3이"),
            ("레시피-2이(가)", "레시피-2가"),
            ("3.4초이(가)", "3.4초가"),
            ("cutmix은(는) none을(를)", "cutmix은(는) none을(를)"),
        ] {
            assert_eq!(particles(both), one);
        }
    }

    #[test]
    fn every_caveat_is_told_in_both_languages_with_its_numbers() {
        let trial = |seed| ("cutmix".to_owned(), seed);
        let all = [
            (Caveat::NoPredictions { without: 3, of: 17 }, ["3", "17"]),
            (Caveat::OtherImages { first: trial(4), second: trial(9) }, ["4", "9"]),
            (
                Caveat::Contradiction { recipe: "mixup".into(), seed: 5, recorded: 0.5, counted: 0.25 },
                ["50.00", "25.00"],
            ),
            (Caveat::TooManyForPairs { recipes: 31, most: 12, baseline: "none".into() }, ["31", "12"]),
            (Caveat::BaselineUnknown { baseline: "none".into() }, ["none", "none"]),
            (Caveat::DamageUnfinished, ["bakeoff", "analyse"]),
            (Caveat::DamageUneven { left: 2, of: 7 }, ["2", "7"]),
        ];
        for (told, numbers) in all {
            for text in [told.to_string(), caveat(&told)] {
                assert!(numbers.iter().all(|number| text.contains(number)), "{told:?}: {text}");
            }
        }
    }

    #[test]
    fn every_obstacle_is_told_in_both_languages_with_its_numbers() {
        let arm = |name: &str, gain: f64| Arm {
            name: name.into(),
            runs: (0..8).map(|s| Run::from_accuracy(s, 0.5 + gain * (s as f64 - 3.0) / 100.0)).collect(),
        };
        let mut comparison =
            compare(&arm("none", 0.0), &[arm("cutmix", 1.0)], &Options::default()).unwrap().remove(0);
        let p = Corrected { p: 0.034, comparisons: 4 };
        let obstacles = [
            (Obstacle::FewImages { images: 7 }, "7"),
            (Obstacle::FewSeeds { smallest_p: 0.125, fewest: 6 }, "0.125"),
            (Obstacle::IntervalIncludesZero { p }, "0.034"),
            (Obstacle::Images { p, images: Corrected { p: 0.21, comparisons: 4 } }, "0.21"),
            (Obstacle::Look { level: 0.0125, p }, "0.01"),
            (Obstacle::Chance { p, excludes_zero: false }, "0.034"),
            (Obstacle::Chance { p, excludes_zero: true }, "4"),
        ];
        for (obstacle, number) in obstacles {
            comparison.reason = Reason::Undecided(obstacle);
            for text in [explanation(&comparison), comparison.explanation()] {
                assert!(text.contains(number), "{obstacle:?}: {text}");
                // In how many seeds it is ahead stands in both.
                assert!(text.contains('4') && text.contains("cutmix"), "{obstacle:?}: {text}");
            }
        }
    }
}
