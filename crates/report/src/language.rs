//! Every fixed text of the page, in the languages it speaks: one table, a line a text.
//!
//! Texts are HTML where they stand in paragraphs and captions; those of charts hold no markup. `{name}` is filled in by
//! [`fill`]; `one|many` is chosen by [`Words::count`]. What the statistics say in whole English sentences is said again in
//! Korean by [`crate::korean`], from the numbers.

use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// A language the page is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean, the language of the course this tool came from.
    Korean,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// A page's part in this language, once every name stands in it: Korean particles follow what they stand after.
    pub(crate) fn finished(self, html: String) -> String {
        match self {
            Self::English => html,
            Self::Korean => crate::korean::particles(&html),
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
        }
    }
}

/// `template` with every `{name}` replaced. Values go in as they are: what stands in HTML is escaped by the caller.
pub(crate) fn fill(template: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('}').map_or(rest.len(), |end| end + 1);
        let value = values.iter().find(|(name, _)| rest[..end] == format!("{{{name}}}"));
        match value {
            Some((_, value)) => text.push_str(&value.to_string()),
            None => text.push_str(&rest[..end]),
        }
        rest = &rest[end..];
    }
    text + rest
}

macro_rules! words {
    ($($name:ident: $english:literal, $korean:literal;)*) => {
        /// The fixed texts of one language.
        pub(crate) struct Words {
            pub(crate) language: Language,
            $(pub(crate) $name: &'static str,)*
        }
        static ENGLISH: Words = Words { language: Language::English, $($name: $english,)* };
        static KOREAN: Words = Words { language: Language::Korean, $($name: $korean,)* };
        #[cfg(test)]
        const TABLE: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $korean),)*];
    };
}

impl Words {
    /// `1 seed`, `2 seeds`, `시드 2개`: of a text `one|many`, or one for both.
    pub(crate) fn count(&self, forms: &str, n: usize) -> String {
        fill(Self::form(forms, n == 1), &[("n", &thousands(n))])
    }

    fn form(forms: &str, one: bool) -> &str {
        match forms.split_once('|') {
            Some((singular, _)) if one => singular,
            Some((_, many)) => many,
            None => forms,
        }
    }

    /// `1 point`, `0.5 points`.
    pub(crate) fn points(&self, points: f64) -> String {
        fill(Self::form(self.points_n, points == 1.0), &[("n", &points)])
    }

    /// `3.4 s`, `12 min`, `2.5 h`.
    pub(crate) fn duration(&self, seconds: f64) -> String {
        let (number, unit) = match seconds {
            s if s < 99.5 => (format!("{s:.1}"), self.seconds_unit),
            s if s < 5_970.0 => (format!("{:.0}", s / 60.0), self.minutes_unit),
            s => (format!("{:.1}", s / 3_600.0), self.hours_unit),
        };
        format!("{number}{unit}")
    }

    /// A warning that came as English text, as HTML: on a page of another language it is said to be.
    pub(crate) fn warning(&self, text: &str) -> String {
        let text = format!("<span lang=\"en\">{}</span>", crate::text::escape(text));
        fill(self.warning_in_english, &[("warning", &text)])
    }

    /// A verdict in a word.
    pub(crate) fn verdict(&self, verdict: bakeoff_stats::Verdict) -> &'static str {
        use bakeoff_stats::Verdict::{Better, Equivalent, Undecided, Worse};
        match verdict {
            Better => self.better,
            Worse => self.worse,
            Equivalent => self.equivalent,
            Undecided => self.undecided,
        }
    }
}

/// `12,000`.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

words! {
    // Units and counts.
    seconds_unit: "\u{a0}s", "초";
    minutes_unit: "\u{a0}min", "분";
    hours_unit: "\u{a0}h", "시간";
    seeds_n: "{n}\u{a0}seed|{n}\u{a0}seeds", "시드\u{a0}{n}개";
    recipes_n: "{n}\u{a0}recipe|{n}\u{a0}recipes", "레시피\u{a0}{n}개";
    epochs_n: "{n}\u{a0}epoch|{n}\u{a0}epochs", "에폭\u{a0}{n}회";
    points_n: "{n}\u{a0}point|{n}\u{a0}points", "{n}\u{a0}퍼센트포인트";
    classes_n: "{n}\u{a0}class|{n}\u{a0}classes", "클래스\u{a0}{n}개";
    trials_n: "{n}\u{a0}trial|{n}\u{a0}trials", "시행\u{a0}{n}회";
    images_n: "{n}\u{a0}image|{n}\u{a0}images", "이미지\u{a0}{n}장";
    test_images_n: "{n}\u{a0}test image|{n}\u{a0}test images", "시험 이미지\u{a0}{n}장";
    comparisons_n: "{n}\u{a0}comparison|{n}\u{a0}comparisons", "비교\u{a0}{n}건";
    sets_n: "{n}\u{a0}set|{n}\u{a0}sets", "묶음\u{a0}{n}개";
    files_n: "{n}\u{a0}identical file|{n}\u{a0}identical files", "같은 파일\u{a0}{n}개";

    // Verdicts.
    better: "better", "더 나음";
    worse: "worse", "더 나쁨";
    equivalent: "equivalent", "동등";
    undecided: "undecided", "미정";
    baseline: "baseline", "기준";

    // Head.
    report: "Bakeoff report", "Bakeoff 보고서";
    skip: "To the answer", "결론으로 바로 가기";
    contents: "Contents", "차례";
    this_language: "English", "한국어";
    figure: "Figure", "그림";
    table: "Table", "표";
    before_relying: "Before you rely on this", "믿기 전에 읽어 주세요";
    footer: "Run with Bakeoff {version}. Beside this page: <code>summary.json</code>, <code>figures/</code> (every chart as SVG and PNG), <code>tables/</code> (every table as CSV, Markdown and LaTeX, and the methods’ references as BibTeX). Type: Inter, under the SIL Open Font License.",
        "Bakeoff {version} 버전으로 실행했습니다. 이 페이지 옆에 <code>summary.json</code>, <code>figures/</code>(모든 그림의 SVG·PNG), <code>tables/</code>(모든 표의 CSV·Markdown·LaTeX, 참고 문헌 BibTeX)가 있습니다. 글꼴: Inter, SIL Open Font License.";

    live: "Live: {done} of {all} trials done{left}", "실행 중: 시행 {all}회 중 {done}회 끝남{left}";
    live_left: ", about {time} left", ", 약 {time} 남음";
    live_ended: "Stopped: {done} of {all} trials done{left}", "멈춤: 시행 {all}회 중 {done}회 끝남{left}";
    live_over: "All trials have ended", "모든 시행이 끝났습니다";

    // Section names.
    s_answer: "Answer", "결론";
    s_learning: "Learning curves", "학습 곡선";
    s_results: "Results on the test images", "시험 이미지 결과";
    s_results_elsewhere: "Results", "결과";
    s_pictures: "What the network is shown", "신경망이 보는 이미지";
    s_classes: "Classes it helps and hurts", "도움이 되는 클래스와 해가 되는 클래스";
    s_confusion: "What is taken for what", "무엇을 무엇으로 착각하는가";
    s_changes: "Images that change", "판정이 바뀌는 이미지";
    s_calibration: "How sure, and how right", "확신과 정답률";
    s_robustness: "When images are damaged", "이미지가 손상되면";
    s_maps: "Where the networks look", "신경망이 보는 곳";
    s_cost: "Time", "시간";
    s_trials: "Trials", "시행";
    s_pairs: "Appendix: all pairs", "부록: 모든 쌍";
    s_data: "Data", "데이터";
    s_method: "Method", "방법";
    s_repeat: "Repeat it", "다시 실행하기";

    // Answer.
    partial: "{finished} of {planned} planned trials have finished{failures}. This report shows what there is; <a href=\"#{trials}\">which are missing</a>.",
        "계획한 시행 {planned}회 중 {finished}회가 끝났습니다{failures}. 지금까지 있는 것만 보여 줍니다. <a href=\"#{trials}\">빠진 시행 보기</a>.";
    partial_failed: ", {n} failed", " ({n}회 실패)";
    duplicates_notice: "{files} in more than one split, so what was trained on is also tested on; <a href=\"#{data}\">listed below</a>.",
        "{files}가 둘 이상의 분할에 들어 있어, 학습에 쓴 것으로 시험도 했습니다. <a href=\"#{data}\">아래 목록</a>을 보세요.";
    forest_title: "Difference in {metric} of each recipe from {baseline}, with 95 % intervals",
        "{baseline} 대비 레시피별 {metric} 차이와 95 % 구간";
    forest_worse: "← worse than {baseline}", "← {baseline}보다 나쁨";
    forest_better: "better than {baseline} →", "{baseline}보다 나음 →";
    forest_better_left: "← better than {baseline}", "← {baseline}보다 나음";
    forest_worse_right: "worse than {baseline} →", "{baseline}보다 나쁨 →";
    forest_axis: "points of {metric}", "{metric}, 퍼센트포인트";
    forest_axis_plain: "difference in {metric}", "{metric} 차이";
    forest_axis_margin: "points of {metric}; shaded: within ±{margin} of the baseline", "{metric}, 퍼센트포인트. 음영: 기준 ±{margin} 이내";
    forest_axis_margin_plain: "difference in {metric}; shaded: within ±{margin} of the baseline", "{metric} 차이. 음영: 기준 ±{margin} 이내";
    forest_no_seed: "no finished seed in common", "함께 끝난 시드 없음";
    forest_one_seed: "one seed in common: no interval", "함께 끝난 시드 1개: 구간 없음";
    forest_empty: "no recipe to compare", "비교할 레시피 없음";
    forest_caption: "Difference in {metric} from {baseline}, in points. Large mark: mean of the paired differences, filled where a verdict was reached; bar: its 95&nbsp;% interval; small dots: single seeds.{same}",
        "{baseline} 대비 {metric} 차이(퍼센트포인트). 큰 표시: 짝지은 차이의 평균(판정이 나면 채움), 막대: 95&nbsp;% 구간, 작은 점: 시드 하나하나.{same}";
    forest_caption_plain: "Difference in {metric} from {baseline}. Large mark: mean of the paired differences, filled where a verdict was reached; bar: its 95&nbsp;% interval; small dots: single seeds.{same}",
        "{baseline} 대비 {metric} 차이. 큰 표시: 짝지은 차이의 평균(판정이 나면 채움), 막대: 95&nbsp;% 구간, 작은 점: 시드 하나하나.{same}";
    forest_lower: " Lower is better.", " 낮을수록 좋습니다.";
    forest_same: " A seed gives every recipe the same split, the same initial weights and the same order of images.", " 같은 시드는 모든 레시피에 같은 분할, 같은 초기 가중치, 같은 이미지 순서를 줍니다.";

    // Curves.
    show_recipes: "Show recipes", "레시피 보이기";
    no_epoch: "No epoch has been finished yet.", "아직 끝난 에폭이 없습니다.";
    no_validation: "There are no validation images in this study, so there is no validation curve.", "이 연구에는 검증 이미지가 없어 검증 곡선이 없습니다.";
    uneven: " Later epochs come from fewer seeds, since some trials are unfinished.", " 끝나지 않은 시행이 있어 뒤쪽 에폭은 더 적은 시드에서 나왔습니다.";
    curve_title: "{quantity} per epoch, mean over seeds and range of seeds", "에폭별 {quantity}: 시드 평균과 범위";
    validation_accuracy: "Validation accuracy", "검증 정확도";
    validation_accuracy_axis: "Validation accuracy, %", "검증 정확도, %";
    validation_loss: "Validation loss", "검증 손실";
    training_loss: "Training loss", "학습 손실";
    training_accuracy: "Accuracy on plain training images", "원본 학습 이미지 정확도";
    training_accuracy_axis: "Accuracy on plain training images, %", "원본 학습 이미지 정확도, %";
    time_title: "Validation accuracy against training time, mean over seeds and range of seeds", "학습 시간에 따른 검증 정확도: 시드 평균과 범위";
    epoch: "epoch", "에폭";
    at_epoch: "Epoch {x}", "에폭 {x}";
    time_axis: "training time of a trial, {unit}", "시행 하나의 학습 시간, {unit}";
    at_time: "About {x} {unit}", "약 {x} {unit}";
    unit_seconds: "s", "초";
    unit_minutes: "min", "분";
    unit_hours: "h", "시간";
    nothing_measured: "nothing measured yet", "아직 측정값 없음";
    of_seeds: "{n} seeds", "시드 {n}개";
    zoom_in: "Zoom in on the last epochs; press again for fewer", "뒤쪽 에폭 확대. 다시 누르면 더 좁게";
    zoom_last: "last epochs", "뒤쪽 에폭";
    zoom_out: "Show all epochs again", "모든 에폭 다시 보기";
    zoom_all: "all epochs", "모든 에폭";
    matrix_in: "enlarge", "확대";
    matrix_out: "reduce", "축소";
    curves_hint: "Point at a chart for the values (or use the arrow keys), drag across it to zoom, and press a name to hide a recipe.",
        "그림 위에 포인터를 올리거나 화살표 키를 누르면 값이, 끌면 확대가, 이름을 누르면 레시피 숨기기가 됩니다.";
    validation_caption: "Validation accuracy per epoch, on unmixed and unaugmented images. Line: mean over seeds; band: lowest to highest seed.{uneven} Selection looks at this; the verdict is of the test images.",
        "섞지도 변형하지도 않은 이미지에서 잰 에폭별 검증 정확도. 선: 시드 평균, 띠: 가장 낮은 시드부터 가장 높은 시드까지.{uneven} 선택은 이것만 보고, 판정은 시험 이미지로 합니다.";
    metric_caption: "{metric} per epoch, as the logs give it. Line: mean over seeds; band: lowest to highest seed.{uneven}",
        "로그에 적힌 에폭별 {metric}. 선: 시드 평균, 띠: 가장 낮은 시드부터 가장 높은 시드까지.{uneven}";
    losses_caption: "Losses and training accuracy. The training loss is of what each recipe trains on, mixed images and soft labels included, so it cannot be compared between recipes that mix and recipes that do not; accuracy on plain training images can.",
        "손실과 학습 정확도. 학습 손실은 레시피가 실제로 학습하는 것(섞은 이미지와 부드러운 레이블 포함)의 손실이라 섞는 레시피와 섞지 않는 레시피 사이에 비교할 수 없습니다. 원본 학습 이미지 정확도는 비교할 수 있습니다.";

    courses_title: "Where the curves cross", "곡선이 만나는 곳";
    courses_intro: "Over the seeds both recipes finished, curves smoothed seed by seed. <i>At epoch 18 (95&nbsp;% 14–27)</i> means: certainly behind before epoch 14, certainly ahead from 27 on, epoch by epoch. Nothing is said beyond the last epoch.",
        "두 레시피가 함께 끝낸 시드에서, 시드마다 매끄럽게 한 곡선. <i>에폭 18(95&nbsp;% 14–27)</i>은 에폭 14 전에는 분명히 뒤지고 27부터는 분명히 앞선다는 뜻입니다(에폭마다 따로 본 한계). 마지막 에폭 너머는 말하지 않습니다.";
    courses_few: "Whether and where learning curves cross takes at least three seeds that both recipes finished.",
        "학습 곡선이 만나는지, 어디서 만나는지 말하려면 함께 끝낸 시드가 적어도 세 개 필요합니다.";
    gain_title: "What each epoch added to validation accuracy, mean over seeds and 95 % interval", "에폭마다 검증 정확도에 보탠 값: 시드 평균과 95 % 구간";
    gain_axis: "Added by an epoch, points", "에폭 하나가 보탠 값, 퍼센트포인트";
    gain_caption: "What each epoch added to validation accuracy: the slope of the smoothed curve, in points. Line: mean over seeds; band: 95&nbsp;% interval. Where the band has come down to zero, a further epoch was not seen to add anything; a schedule that ends later would have another curve.",
        "에폭마다 검증 정확도에 보탠 값(매끄럽게 한 곡선의 기울기, 퍼센트포인트). 선: 시드 평균, 띠: 95&nbsp;% 구간. 띠가 0까지 내려온 곳에서는 에폭을 더해도 나아지는 것이 보이지 않았습니다. 더 늦게 끝나는 학습률 일정이라면 곡선이 다릅니다.";
    h_at_end: "After the last epoch, %", "마지막 에폭 뒤, %";
    h_last_gain: "Last epoch added, points", "마지막 에폭이 보탠 값";
    h_epoch_time: "An epoch", "에폭 하나";
    h_epoch: "Epoch", "에폭";
    gain_table_caption: "Validation accuracy at the end (smoothed), what the last epoch added to it, and what an epoch took; 95&nbsp;% intervals over seeds.",
        "끝났을 때의 검증 정확도(매끄럽게 한 값), 마지막 에폭이 보탠 값, 에폭 하나에 든 시간. 95&nbsp;% 구간은 시드에 걸친 것입니다.";

    // Results.
    no_result: "No trial has finished, so there is no test result yet.", "끝난 시행이 없어 아직 시험 결과가 없습니다.";
    h_recipe: "Recipe", "레시피";
    h_seeds: "Seeds", "시드";
    h_top1: "Top-1, %", "Top-1, %";
    h_top5: "Top-5, %", "Top-5, %";
    h_each: "Each seed", "시드별";
    h_difference: "Difference, 95\u{a0}% interval", "차이, 95\u{a0}% 구간";
    h_corrected: "p, corrected", "보정한 p";
    h_better: "P(better)", "P(나음)";
    h_time: "Time", "시간";
    h_verdict: "Verdict", "판정";
    strip_title: "{name}, {metric} of each seed: {values}", "{name}의 시드별 {metric}: {values}";
    results_caption: "{what}: mean ± standard deviation over seeds, and each seed as a dot (scale: {low} to {high}&nbsp;%, the line is the mean). Differences are points against {baseline}, recipe minus baseline, over the seeds both finished; <i>p</i> by exact sign-flip permutation over seeds, corrected for {comparisons}. <i>p</i>, images: whether other test images would agree, over seeds and images, corrected by Holm. P(better): probability that a run of the recipe beats a run of the baseline.{top5}",
        "{what}: 시드에 걸친 평균 ± 표준편차, 점은 시드 하나(눈금 {low}–{high}&nbsp;%, 선은 평균). 차이는 두 레시피가 함께 끝낸 시드에서 레시피 빼기 {baseline}(퍼센트포인트). <i>p</i>는 정확한 부호 뒤집기 순열 검정이며 {comparisons}에 대해 보정했습니다. 이미지 <i>p</i>: 다른 시험 이미지에서도 그럴지(시드와 이미지에 걸친 검정, Holm 보정). P(나음): 레시피의 실행 하나가 기준의 실행 하나를 이길 확률.{top5}";
    results_caption_plain: "{what}: mean ± standard deviation over seeds, and each seed as a dot (scale: {low} to {high}, the line is the mean). Differences are against {baseline}, recipe minus baseline, over the seeds both finished; <i>p</i> by exact sign-flip permutation over seeds, corrected for {comparisons}. <i>p</i>, images: whether other test images would agree, over seeds and images, corrected by Holm. P(better): probability that a run of the recipe beats a run of the baseline.{top5}",
        "{what}: 시드에 걸친 평균 ± 표준편차, 점은 시드 하나(눈금 {low}–{high}, 선은 평균). 차이는 두 레시피가 함께 끝낸 시드에서 레시피 빼기 {baseline}. <i>p</i>는 정확한 부호 뒤집기 순열 검정이며 {comparisons}에 대해 보정했습니다. 이미지 <i>p</i>: 다른 시험 이미지에서도 그럴지(시드와 이미지에 걸친 검정, Holm 보정). P(나음): 레시피의 실행 하나가 기준의 실행 하나를 이길 확률.{top5}";
    same_in_every_seed: "in every seed", "모든 시드에서";
    zero_width: " <i>In every seed</i>: the same difference in all of them, so that seeds alone give no interval.", " <i>모든 시드에서</i>: 모든 시드에서 차이가 같아, 시드만으로는 구간이 없습니다.";
    cut_off: " Values far above the rest are cut off at the top; a triangle marks where a curve leaves the chart, and pointing at it tells its value.",
        " 나머지보다 훨씬 큰 값은 위에서 잘랐습니다. 삼각형은 곡선이 그림을 벗어나는 곳이며, 포인터를 올리면 값이 보입니다.";
    warning_in_english: "{warning}", "프로그램이 남긴 경고(영어 원문): {warning}";
    no_top5: " Top-5 is left out: there are no more than five classes.", " 클래스가 다섯 개 이하라 top-5는 뺐습니다.";

    h_images_p: "p, images", "이미지 p";
    h_against: "Against", "상대";
    h_balanced: "Balanced accuracy, %", "균형 정확도, %";
    h_macro_f1: "Macro-F1, %", "매크로 F1, %";
    h_nll: "NLL", "NLL";
    h_brier: "Brier score", "브라이어 점수";
    h_ece: "ECE, %", "ECE, %";
    measures_caption: "Other measures on the test images, with 95&nbsp;% intervals over seeds and images; below each, its difference from {baseline}. The verdict is of top-1 alone: these intervals are not corrected for how many there are.",
        "시험 이미지에서 잰 다른 척도와 95&nbsp;% 구간(시드와 이미지에 걸친 것). 아래 줄은 {baseline} 대비 차이. 판정은 top-1로만 하며, 이 구간들은 개수에 대해 보정하지 않았습니다.";

    // Classes.
    classes_none: "It is not known of every test image which class it is of and whether it was classified correctly, so nothing can be said of single classes.",
        "시험 이미지마다 어느 클래스인지, 맞았는지를 다 알 수 없어 클래스마다는 말할 수 없습니다.";
    classes_pairless: "No recipe shares a finished seed with {baseline}, so no class can be compared.", "{baseline} 레시피와 함께 끝난 시드를 가진 레시피가 없어 클래스를 비교할 수 없습니다.";
    classes_found: "{recipe}: {up} of {all} classes certainly gain, {down} certainly lose.", "{recipe}: 클래스 {all}개 중 {up}개가 분명히 나아지고 {down}개가 분명히 나빠집니다.";
    classes_title: "Difference in accuracy from {baseline} of the classes each recipe helps and hurts most, with 95 % intervals", "레시피마다 가장 도움이 되는 클래스와 가장 해가 되는 클래스의 {baseline} 대비 정확도 차이와 95 % 구간";
    classes_axis: "points of the class’s accuracy", "클래스 정확도, 퍼센트포인트";
    classes_claimed: "certain: false discovery rate 5 %", "분명함: 거짓 발견율 5 %";
    classes_unclaimed: "could be chance", "우연일 수 있음";
    classes_caption: "Accuracy on each class minus that under {baseline}, in points: of every recipe the {n} classes that gain and that lose most. Filled: certain at a false discovery rate of 5&nbsp;% over the recipe’s classes (Benjamini and Hochberg). Bars: 95&nbsp;% intervals over seeds and images, not corrected. The ends of a long list look more extreme than they are; hollow ones are mostly luck.",
        "클래스별 정확도에서 {baseline}의 것을 뺀 값(퍼센트포인트). 레시피마다 가장 많이 나아진 클래스와 나빠진 클래스를 {n}개씩 보입니다. 채움: 그 레시피의 클래스 전체에서 거짓 발견율 5&nbsp;%로 분명함(Benjamini·Hochberg). 막대: 시드와 이미지에 걸친 95&nbsp;% 구간(보정하지 않음). 긴 목록의 양 끝은 실제보다 극단으로 보이며, 빈 표시는 대개 운입니다.";
    classes_all: "All {n} classes", "클래스 {n}개 모두";
    h_class: "Class", "클래스";
    h_images: "Images", "이미지";
    h_base_accuracy: "{baseline}, %", "{baseline}, %";
    classes_table_caption: "Accuracy under {baseline} in percent, and each recipe’s difference from it in points; the class that gains most over all recipes first. Bold and marked ▲ or ▼: certain at a false discovery rate of 5&nbsp;% over the recipe’s classes. {shown}All intervals and <i>p</i>: <code>classes.csv</code>.",
        "{baseline}의 정확도(퍼센트)와 레시피별 차이(퍼센트포인트). 모든 레시피를 통틀어 가장 나아진 클래스부터. 굵은 글씨와 ▲·▼: 그 레시피의 클래스 전체에서 거짓 발견율 5&nbsp;%로 분명함. {shown}모든 구간과 <i>p</i>: <code>classes.csv</code>.";
    classes_shown: "Of {all} classes, the {n} that change most. ", "클래스 {all}개 중 가장 많이 바뀐 {n}개. ";

    // Images that change.
    changes_intro: "Test images that more than half of the seeds classify correctly under one of the two recipes and fewer than half under the other; those that change in most seeds first. Single images change by luck too: with few seeds most of these would not change again. All of them stand in <code>flips.csv</code>.",
        "한쪽 레시피에서는 시드의 절반 넘게 맞히고 다른 쪽에서는 절반도 못 맞힌 시험 이미지. 가장 많은 시드에서 바뀐 것부터. 이미지 하나하나는 운으로도 바뀌며, 시드가 적으면 대부분 다시 바뀌지 않을 것입니다. 모두 <code>flips.csv</code>에 있습니다.";
    h_to_wrong: "Right → wrong", "맞음 → 틀림";
    h_to_right: "Wrong → right", "틀림 → 맞음";
    h_net: "Net", "합계";
    changes_caption: "Test images whose classification changes from {baseline} to the recipe, of {n}.", "{baseline}에서 레시피로 바꿀 때 판정이 바뀌는 시험 이미지 수(전체 {n}장).";
    changes_to_wrong: "Right under {baseline}, wrong under {recipe}", "{baseline}에서 맞고 {recipe}에서 틀림";
    changes_to_right: "Wrong under {baseline}, right under {recipe}", "{baseline}에서 틀리고 {recipe}에서 맞음";
    changes_seeds: "{before} → {after} of {seeds}", "{seeds}개 중 {before} → {after}";
    changes_spoken: "Seeds that classify it correctly: {before} of {seeds} under {baseline}, {after} of {seeds} under {recipe}", "맞힌 시드: {baseline}에서 {seeds}개 중 {before}개, {recipe}에서 {seeds}개 중 {after}개";
    changes_taken: "taken for {class}", "{class} 클래스로 착각";
    changes_more: "and {n} more", "그 밖에 {n}장";
    changes_no_pictures: "The images themselves could not be read when this page was made, so they are named.", "이 페이지를 만들 때 이미지를 읽을 수 없어 이름만 적었습니다.";
    no_changes: "No test image changes from {baseline} to another recipe in most seeds.", "{baseline}에서 다른 레시피로 바꿀 때 대부분의 시드에서 판정이 바뀌는 시험 이미지가 없습니다.";
    models_fold: "Two trained models at a time: McNemar’s exact test, seed by seed", "학습된 모델 두 개씩: 시드별 McNemar 정확 검정";
    h_only_recipe: "Only the recipe’s right", "레시피만 맞음";
    h_only_baseline: "Only {baseline}’s right", "{baseline}만 맞음";
    models_caption: "How often one of two trained models classifies a test image correctly that the other does not, and McNemar’s exact <i>p</i>, uncorrected. It speaks of these two trained models, never of the recipes: another seed gives other models.",
        "학습된 두 모델 중 하나만 맞힌 시험 이미지 수와 McNemar의 정확한 <i>p</i>(보정하지 않음). 이 두 모델에 대한 말일 뿐 레시피에 대한 말이 아닙니다. 시드가 다르면 모델도 다릅니다.";

    // Calibration.
    calibration_none: "The confidence of single predictions was not kept, so there is no reliability diagram, no Brier score and no calibration error.", "예측마다의 확신이 저장되지 않아 신뢰도 그림, 브라이어 점수, 보정 오차가 없습니다.";
    reliability_title: "Reliability diagrams: share of right predictions against confidence, all seeds of a recipe together", "신뢰도 그림: 확신에 따른 정답 비율, 레시피의 모든 시드를 합침";
    reliability_sure: "confidence, %", "확신, %";
    reliability_right: "share right, %", "정답 비율, %";
    reliability_caption: "Reliability: how often predictions of a confidence (across) were right (upwards), all seeds of a recipe together; on the dashed line the two agree, below it the network is too sure of itself, above it too timid. Points: {bins} bins of equal width, their area by how many predictions they hold; pale and beside the line: fewer than {few}, which may lie anywhere. Bars at the foot: how many there are.",
        "신뢰도: 어떤 확신(가로)의 예측이 실제로 맞은 비율(세로), 레시피의 모든 시드를 합침. 점선 위에서는 둘이 같고, 아래면 지나치게 확신하며, 위면 지나치게 조심합니다. 점: 같은 너비의 구간 {bins}개(넓이는 예측 수), 옅고 선에서 떨어진 점: 예측이 {few}개보다 적어 어디에나 놓일 수 있음, 바닥의 막대: 예측 수.";
    calibration_caption: "Negative log-likelihood of the true class (nats), Brier score (0 to 2) and expected calibration error ({bins} bins of equal width): smaller is better. 95&nbsp;% intervals over seeds and images, uncorrected; below each, the difference from {baseline}. Mixing and label smoothing make networks less sure on purpose. The calibration error is biased upwards with few images: compare it, do not believe it.",
        "실제 클래스의 음의 로그우도(NLL, 내트), 브라이어 점수(0–2), 기대 보정 오차(ECE, 같은 너비의 구간 {bins}개): 작을수록 좋습니다. 95&nbsp;% 구간은 시드와 이미지에 걸친 것으로 보정하지 않았으며, 아래 줄은 {baseline} 대비 차이. 섞기와 레이블 스무딩은 일부러 확신을 낮춥니다. 보정 오차는 이미지가 적으면 실제보다 크게 나오므로 값을 믿기보다 비교에 쓰세요.";

    // All pairs.
    pairs_appendix: "Every recipe against every other, over the seeds both finished: no verdict, since the study declared one baseline. <i>p</i> by exact sign-flip permutation, then corrected by Holm for all {n}.",
        "모든 레시피를 서로 비교합니다(함께 끝낸 시드에서). 연구가 기준 하나를 정했으므로 판정은 없습니다. <i>p</i>는 정확한 부호 뒤집기 순열 검정, 이어서 {n} 전체에 대해 Holm 보정.";
    pairs_n: "{n}\u{a0}pair|{n}\u{a0}pairs", "쌍\u{a0}{n}개";
    pairs_table_caption: "First recipe minus second, in points, with its uncorrected 95&nbsp;% interval.{reach}", "첫째 레시피 빼기 둘째(퍼센트포인트)와 보정하지 않은 95&nbsp;% 구간.{reach}";
    pairs_table_caption_plain: "First recipe minus second, with its uncorrected 95&nbsp;% interval.{reach}", "첫째 레시피 빼기 둘째와 보정하지 않은 95&nbsp;% 구간.{reach}";
    pairs_reach: " With {seeds} and {n} Holm’s correction cannot give less than {p}, so nothing here can be claimed at 5&nbsp;%.", " {seeds}와 {n}로는 Holm 보정한 값이 {p}보다 작아질 수 없어, 5&nbsp;%에서 주장할 수 있는 것이 없습니다.";
    h_holm: "p, Holm", "Holm p";

    // Pictures.
    no_pictures: "No pictures were kept with this run.", "이 실행에는 저장된 그림이 없습니다.";
    no_pictures_of: "No pictures of this recipe were kept.", "이 레시피의 그림은 저장되지 않았습니다.";
    pictures_intro: "Each recipe on the same few training images: above, the image after preprocessing alone; below, what the network trains on, before normalisation. A dashed box is the part pasted from another image. The bar shows how the label is shared; λ is the share of the image above.",
        "같은 학습 이미지 몇 장에 레시피를 적용한 모습. 위: 전처리만 한 이미지, 아래: 정규화 직전 신경망이 학습하는 이미지. 점선 상자는 다른 이미지에서 붙인 부분, 막대는 레이블이 나뉜 몫, λ는 위 이미지의 몫입니다.";
    picture_missing: "picture missing", "그림 없음";
    original_of: "{image}, original", "{image}, 원본";
    augmented_of: "{image}, augmented{partner}; label {labels}", "{image}, 증강{partner}; 레이블 {labels}";
    mixed_with: ", mixed with {partner}", ", {partner}와(과) 섞음";
    after_stage: " inside, stage {stage}", " (신경망 단계 {stage})";
    weight_in_loss: ", weight {weight}", ", 가중치 {weight}";
    range_inside: "Pixel values {low} to {high} (nominal 0 to 1).", "픽셀값 {low}–{high} (정상 범위 0–1).";
    range_beyond: "Pixel values {low} to {high}: beyond the nominal 0 to 1, pictures are clipped to show them.", "픽셀값 {low}–{high}: 정상 범위 0–1을 벗어나며, 보여 주려고 잘랐습니다.";

    // Confusion.
    no_confusion: "No predictions of single images were kept, so it cannot be said which classes are taken for which.", "이미지별 예측이 저장되지 않아 어떤 클래스를 착각하는지 말할 수 없습니다.";
    confusion_title: "Confusion matrix of {name}: rows are true classes, columns predicted ones, shares of a row", "{name}의 혼동 행렬: 행은 실제, 열은 예측, 행 안의 비율";
    confusion_true: "true class ↓", "실제 클래스 ↓";
    confusion_predicted: "predicted class →", "예측 클래스 →";
    confusion_caption: "Confusion matrix, all seeds of a recipe together. A row is a true class, a column what it was taken for; the darker, the larger the share of the row. {shown}Point at a cell, or move with the arrow keys; zoom with + and −, drag to move.",
        "레시피의 모든 시드를 합친 혼동 행렬. 행은 실제 클래스, 열은 예측한 클래스이며, 진할수록 그 행에서 차지하는 몫이 큽니다. {shown}칸에 포인터를 올리거나 화살표 키로 움직이고, +와 −로 확대하고, 끌어서 옮깁니다.";
    confusion_shown: "Of {all} classes, the {n} most often misjudged are shown. ", "클래스 {all}개 중 가장 자주 틀린 {n}개만 보입니다. ";
    confusion_recipe: "Recipe", "레시피";
    confusion_order: "Order", "순서";
    order_similar: "similar classes together", "비슷한 클래스끼리";
    order_given: "as in the data set", "데이터 순서";
    order_hard: "hardest first", "어려운 것부터";
    confusion_find: "Find a class", "클래스 찾기";
    confusion_cell: "{true} taken for {predicted}: {n} of {all} ({share})", "{true} → {predicted}: {all}회 중 {n}회 ({share})";
    confusion_right: "{true} recognised: {n} of {all} ({share})", "{true} 맞힘: {all}회 중 {n}회 ({share})";
    confusion_label: "Confusion matrix; use the arrow keys to read it cell by cell", "혼동 행렬. 화살표 키로 한 칸씩 읽습니다";
    h_true: "True class", "실제 클래스";
    h_predicted: "Taken for", "예측 클래스";
    pairs_caption: "The classes most often taken for one another: share of the test images of the true class, over all seeds of a recipe, in percent.",
        "가장 자주 착각하는 클래스 쌍: 실제 클래스의 시험 이미지 중 비율(레시피의 모든 시드, 퍼센트).";
    no_errors: "No test image was misjudged by any recipe.", "어떤 레시피도 시험 이미지를 틀리지 않았습니다.";

    // Damaged and hidden images.
    robustness_none: "Nobody has looked yet. <code>bakeoff analyse RUN_FOLDER</code> shows the trained networks damaged and partly hidden test images and writes this page again.",
        "아직 살펴보지 않았습니다. <code>bakeoff analyse RUN_FOLDER</code>가 학습된 신경망에 손상된, 그리고 일부를 가린 시험 이미지를 보여 주고 이 페이지를 다시 씁니다.";
    robustness_intro: "The tested networks on {images} (of {all}, evenly spread) that were damaged in thirteen ways at five severities each, after Hendrycks and Dietterich (2019), with the constants published as {set}. All networks see the same damage. It decided no verdict: it tells what a recipe is worth where pictures are worse than those it was tested on.",
        "시험을 마친 신경망을, Hendrycks와 Dietterich(2019)를 따라 열세 가지 방법과 다섯 단계로 손상한 {images}(전체 {all}장에서 고르게 뽑음)에서 잰 것입니다. 상수는 {set}의 공개된 값입니다. 모든 신경망이 같은 손상을 봅니다. 판정에는 쓰지 않았으며, 시험보다 나쁜 사진에서 레시피가 얼마나 버티는지를 말해 줍니다.";
    severities_title: "Accuracy by severity of damage, mean over thirteen corruptions, with 95 % intervals", "손상 단계별 정확도: 손상 열세 가지의 평균과 95 % 구간";
    damaged_axis: "Accuracy, %", "정확도, %";
    severity_axis: "severity (0: undamaged)", "손상 단계 (0: 손상 없음)";
    at_severity: "Severity {x}", "단계 {x}";
    hidden_axis: "share of the image hidden, %", "가린 비율, %";
    at_hidden: "{x} % hidden", "{x} % 가림";
    severities_caption: "Accuracy by severity, mean over all corruptions. Severity 0: the same images undamaged. Line: mean over seeds; band: 95&nbsp;% interval over seeds and images.",
        "손상 단계별 정확도(모든 손상의 평균). 단계 0: 같은 이미지, 손상 없음. 선: 시드 평균, 띠: 시드와 이미지에 걸친 95&nbsp;% 구간.";
    damage_pictures: "What the damage looks like, on one of the test images: severity {above} above, {below} below.", "손상의 모습(시험 이미지 한 장): 위는 단계 {above}, 아래는 단계 {below}.";
    h_plain: "Undamaged, %", "손상 없음, %";
    h_damaged: "Damaged, %", "손상됨, %";
    h_lost: "Lost, points", "잃은 값";
    h_mce: "mCE, %", "mCE, %";
    robustness_caption: "Accuracy on the same images undamaged and damaged (mean over corruptions and severities), what was lost by it, and the mean corruption error: a recipe’s errors as a share of those of {baseline}, averaged over corruptions (below 100&nbsp;%: fewer errors; published values are shares of AlexNet’s and cannot be compared). 95&nbsp;% intervals over seeds and images, uncorrected; below each, its difference from {baseline}.",
        "같은 이미지를 손상 없이, 그리고 손상해서 잰 정확도(모든 손상과 단계의 평균), 그 때문에 잃은 값, 평균 손상 오류(mCE): 레시피의 오류를 {baseline}의 오류로 나누어 손상에 걸쳐 평균한 것(100&nbsp;%보다 작으면 오류가 적음. 논문의 값은 AlexNet에 대한 비율이라 비교할 수 없음). 시드와 이미지에 걸친 95&nbsp;% 구간(보정하지 않음), 아래 줄은 {baseline} 대비 차이.";
    corruptions_title: "Difference in accuracy from {baseline} under each corruption, with 95 % intervals", "손상별 {baseline} 대비 정확도 차이와 95 % 구간";
    corruptions_axis: "points of accuracy", "정확도, 퍼센트포인트";
    corruptions_caption: "Accuracy under each corruption (mean over severities) minus that of {baseline}, in points. Filled: certain at a false discovery rate of 5&nbsp;% over the recipe’s corruptions (Benjamini and Hochberg). Bars: 95&nbsp;% intervals over seeds and images, not corrected. They hold what the recipe gains on undamaged images too.",
        "손상별 정확도(단계 평균)에서 {baseline}의 것을 뺀 값(퍼센트포인트). 채움: 그 레시피의 손상 전체에서 거짓 발견율 5&nbsp;%로 분명함(Benjamini·Hochberg). 막대: 시드와 이미지에 걸친 95&nbsp;% 구간(보정하지 않음). 손상되지 않은 이미지에서 나아진 만큼도 들어 있습니다.";
    corruptions_fold: "Every corruption in numbers", "모든 손상을 숫자로";
    corruptions_table_caption: "Accuracy under {baseline} in percent (mean over severities), and each recipe’s difference from it in points. Bold and marked ▲ or ▼: certain at a false discovery rate of 5&nbsp;% over the recipe’s corruptions. Every severity: <code>tables/corruption-severities.csv</code>.",
        "{baseline}의 정확도(퍼센트, 단계 평균)와 레시피별 차이(퍼센트포인트). 굵은 글씨와 ▲·▼: 그 레시피의 손상 전체에서 거짓 발견율 5&nbsp;%로 분명함. 단계마다의 값: <code>tables/corruption-severities.csv</code>.";
    h_damage: "Damage", "손상";
    h_severity: "Severity", "단계";
    h_hidden: "{n}\u{a0}% hidden", "{n}\u{a0}% 가림";
    damage_gaussian_noise: "Gaussian noise", "가우스 잡음";
    damage_shot_noise: "shot noise", "산탄 잡음";
    damage_impulse_noise: "impulse noise", "임펄스 잡음";
    damage_defocus_blur: "defocus blur", "초점 흐림";
    damage_glass_blur: "glass blur", "유리 흐림";
    damage_motion_blur: "motion blur", "움직임 흐림";
    damage_zoom_blur: "zoom blur", "줌 흐림";
    damage_fog: "fog", "안개";
    damage_brightness: "brightness", "밝기";
    damage_contrast: "contrast", "대비";
    damage_saturate: "saturation", "채도";
    damage_pixelate: "pixelation", "픽셀화";
    damage_jpeg: "JPEG", "JPEG";
    occlusion_title: "When a part is hidden", "일부를 가리면";
    occlusion_intro: "The same images with a part of them covered by grey: cells of an 8 × 8 grid, scattered by lot, the same for all networks (random patch drop, Naseer et al. 2021). A curve that falls late rests on many parts of an image rather than on one.",
        "같은 이미지의 일부를 회색으로 가린 것입니다. 8 × 8 격자의 칸을 제비로 흩어 뽑으며 모든 신경망에 같습니다(무작위 조각 가리기, Naseer 외 2021). 늦게 떨어지는 곡선은 이미지의 한 곳이 아니라 여러 곳에 기대고 있다는 뜻입니다.";
    occlusion_chart_title: "Accuracy by the share of the image that is hidden, with 95 % intervals", "가린 비율에 따른 정확도와 95 % 구간";
    occlusion_caption: "Accuracy by the share of the image that is hidden. Line: mean over seeds; band: 95&nbsp;% interval over seeds and images.",
        "가린 비율에 따른 정확도. 선: 시드 평균, 띠: 시드와 이미지에 걸친 95&nbsp;% 구간.";
    occlusion_fold: "In numbers", "숫자로";
    occlusion_table_caption: "Accuracy in percent by the share of the image that is hidden, with uncorrected 95&nbsp;% intervals over seeds and images; below each, its difference from {baseline} in points.",
        "가린 비율에 따른 정확도(퍼센트)와 시드와 이미지에 걸친 95&nbsp;% 구간(보정하지 않음). 아래 줄은 {baseline} 대비 차이(퍼센트포인트).";
    maps_intro: "Class activation maps (Zhou et al. 2016) of the true class, of the networks of seed {seed}: bright where the last feature map, summed over its channels with the class’s weights, is high, dark where it is low. Each map reaches from its own lowest to its own highest value (the line runs halfway between), so brightness cannot be compared between maps. The {n} images were chosen without asking any network: of classes spread evenly over all, the first test image of each.",
        "실제 클래스의 클래스 활성화 지도(Zhou 외 2016), 시드 {seed}의 신경망. 마지막 특징 지도를 그 클래스의 가중치로 채널에 걸쳐 더한 값이 높은 곳은 밝고 낮은 곳은 어둡습니다. 지도마다 자기의 가장 낮은 값부터 가장 높은 값까지 쓰므로(선은 그 한가운데 값) 지도 사이에 밝기를 비교할 수 없습니다. 이미지 {n}장은 어떤 신경망에도 묻지 않고 골랐습니다. 전체 클래스에서 고르게 뽑은 클래스마다 첫 시험 이미지입니다.";
    maps_title: "Class activation maps of the true class under each recipe", "레시피별 실제 클래스의 활성화 지도";
    maps_no_pictures: "The images could not be read when this page was made; the table tells where each map is highest.",
        "이 페이지를 만들 때 이미지를 읽을 수 없었습니다. 지도마다 가장 높은 곳은 표에 있습니다.";
    map_itself: "as shown", "보여 준 그대로";
    map_of: "Class activation map under {recipe}: {told}", "{recipe}의 클래스 활성화 지도: {told}";
    map_right: "right, {share} % sure", "맞음, 확률 {share} %";
    map_taken: "taken for {class}", "{class} 클래스로 봄";
    map_share: "its class: {share} %", "실제 클래스: {share} %";
    map_peak: "{x} % from the left, {y} % from the top", "왼쪽에서 {x} %, 위에서 {y} %";
    map_even: "nowhere in particular", "특별한 곳 없음";
    maps_fold: "Where each map is highest", "지도마다 가장 높은 곳";
    maps_table_caption: "What each network took the image for, the probability of its true class in percent, and where the map of the true class is highest.",
        "신경망이 이미지를 무엇으로 보았는지, 실제 클래스의 확률(퍼센트), 실제 클래스의 지도가 가장 높은 곳.";
    h_image: "Image", "이미지";
    h_probability: "Probability, %", "확률, %";
    h_peak: "Highest", "가장 높은 곳";
    m_c_damaged: "<b>Damaged images</b>: t over seeds and images, false discovery rate 5&nbsp;% over the corruptions of one recipe (Benjamini and Hochberg), not over recipes. Intervals of means, of mCE (by linearisation of the ratio) and of hidden images are uncorrected.",
        "<b>손상된 이미지</b>: 시드와 이미지에 걸친 t 검정, 한 레시피의 손상 전체에 대한 거짓 발견율 5&nbsp;%(Benjamini·Hochberg), 레시피 사이에는 보정하지 않음. 평균, mCE(비의 선형화), 가린 이미지의 구간은 보정하지 않았습니다.";

    // Cost.
    h_trials: "Trials", "시행";
    h_per_trial: "A trial", "시행 하나";
    h_ratio: "Against {baseline}", "{baseline} 대비";
    h_speed: "Images/s", "이미지/초";
    h_total: "All trials", "모든 시행";
    cost_caption: "Time of finished trials, training and evaluation; images per second while training, the median of all epochs. Trials that ran side by side share the machine, so times of single trials are not those of a machine to itself. In all: {total}.",
        "끝난 시행의 시간(학습과 평가). 초당 이미지는 학습 중 모든 에폭의 중앙값. 나란히 돌린 시행은 기계를 나눠 쓰므로 혼자 돌릴 때의 시간이 아닙니다. 모두 합쳐 {total}.";
    time_caption: "Validation accuracy against the time a trial has trained: the recipe that is ahead at the same number of epochs need not be ahead at the same time. Line: mean over seeds at the mean time of each epoch; band: lowest to highest seed.",
        "시행이 학습한 시간에 따른 검증 정확도. 같은 에폭에서 앞선 레시피가 같은 시간에서도 앞선다는 법은 없습니다. 선: 각 에폭의 평균 시간에서 시드 평균, 띠: 가장 낮은 시드부터 가장 높은 시드까지.";

    equal_title: "Difference in validation accuracy from {baseline} at equal training time and after equally many epochs, with 95 % intervals", "같은 학습 시간과 같은 에폭 수에서 {baseline} 대비 검증 정확도 차이와 95 % 구간";
    equal_time_key: "at equal time", "같은 시간에서";
    equal_epochs_key: "after equal epochs", "같은 에폭에서";
    equal_axis: "points of validation accuracy", "검증 정확도, 퍼센트포인트";
    equal_caption: "Validation accuracy minus that of {baseline}, with 95&nbsp;% intervals over seeds. Filled: when every recipe had trained for {time}, the time of the quickest. Hollow: when every recipe had trained for {epochs}. A learning-rate schedule made to end at that time would have given other numbers; the verdict is of equal epochs, on test images.",
        "검증 정확도에서 {baseline}의 것을 뺀 값과 시드에 걸친 95&nbsp;% 구간. 채움: 모든 레시피가 {time}(가장 빠른 레시피의 시간) 학습했을 때. 빈 표시: 모든 레시피가 {epochs} 학습했을 때. 그 시간에 끝나도록 짠 학습률 일정이라면 값이 달랐을 것입니다. 판정은 같은 에폭, 시험 이미지에서 합니다.";
    h_epochs_by_then: "Epochs by then", "그때까지 에폭";
    h_at_time: "At equal time, %", "같은 시간에서, %";
    h_at_epochs: "After equal epochs, %", "같은 에폭에서, %";
    equal_table_caption: "Validation accuracy after {time} of training and after {epochs}, with 95&nbsp;% intervals over seeds; below each, its difference from {baseline} in points.",
        "학습 {time} 뒤와 {epochs} 뒤의 검증 정확도와 시드에 걸친 95&nbsp;% 구간. 아래 줄은 {baseline} 대비 차이(퍼센트포인트).";
    cost_spent: "All trials together, finished or not, took {time}.", "끝났든 아니든 모든 시행을 합쳐 {time}이(가) 걸렸습니다.";

    // Trials.
    seed: "seed", "시드";
    failed: "failed", "실패";
    not_begun: "not begun", "시작 전";
    results_what: "Accuracy on the test images", "시험 이미지 정확도";
    results_elsewhere: "Of every run that was read, {metric}", "읽은 실행마다의 {metric}";
    trials_elsewhere: "Of every run that was read: {metric}, in percent. A dash: no run of that seed.", "읽은 모든 실행의 {metric}(퍼센트). 줄표: 그 시드의 실행 없음.";
    trials_elsewhere_plain: "Of every run that was read: {metric}. A dash: no run of that seed.", "읽은 모든 실행의 {metric}. 줄표: 그 시드의 실행 없음.";
    trials_caption: "Test top-1 of every planned trial, in percent. A fraction counts the epochs of an unfinished one; a dash: not begun.",
        "계획한 모든 시행의 시험 top-1(퍼센트). 분수는 끝나지 않은 시행의 에폭, 줄표는 시작 전.";
    failed_list: "Failed: {trials}", "실패: {trials}";
    unfinished_list: "Not finished: {trials}", "끝나지 않음: {trials}";
    one_trial: "{recipe} seed {seed}: {reason}", "{recipe} 시드 {seed}: {reason}";
    more_in: "and {n} more, all in <code>{file}</code>", "그 밖에 {n}개, 모두 <code>{file}</code>에 있음";
    all_finished: "Every planned trial has finished.", "계획한 모든 시행이 끝났습니다.";

    h_level: "Claimed up to p", "주장하는 p의 한계";
    h_spent: "Error spent so far", "지금까지 쓴 오류율";
    looks_caption: "Looks at the results so far: after how many seeds, up to which corrected <i>p</i> a recipe was called better or worse, and how much of the 5&nbsp;% error had been spent with it.",
        "지금까지 결과를 본 때: 시드 몇 개 뒤였는지, 보정한 <i>p</i>가 얼마 이하일 때 낫다거나 나쁘다고 했는지, 그때까지 오류율 5&nbsp;% 중 얼마를 썼는지.";
    standing_open: "{recipe}: open, gets further seeds", "{recipe}: 미결, 시드를 더 받음";
    standing_decided: "{recipe}: decided with {seeds}", "{recipe}: {seeds}에서 판정됨";
    standing_hopeless: "{recipe}: given up with {seeds}; {most} would probably not decide it", "{recipe}: {seeds}에서 그만둠. {most}로도 판정되지 않을 듯함";

    // Data.
    no_data: "The run stopped before the images were looked at.", "이미지를 살펴보기 전에 실행이 멈췄습니다.";
    d_classes: "Classes", "클래스";
    d_train: "Training images", "학습 이미지";
    d_validation: "Validation images", "검증 이미지";
    d_test: "Test images", "시험 이미지";
    none_left_out: "No image was left out.", "빠진 이미지가 없습니다.";
    left_out: "Left out: {images}", "뺀 것: {images}";
    no_duplicates: "No file stands in more than one split.", "둘 이상의 분할에 든 파일이 없습니다.";
    duplicates: "In more than one split: {files}", "둘 이상의 분할에 있음: {files}";
    copies_counts: "Copies found: {sets} of {images}; the same byte for byte: {identical}, only by their looks: {alike}.",
        "찾은 복사본: {sets}({images}). 바이트까지 같은 묶음 {identical}개, 모습만 같은 묶음 {alike}개.";
    copies_kept: "Kept on one side of the splits: {sets}.", "분할의 한쪽에 함께 둔 것: {sets}.";
    copies_across: "In more than one of train, validation and test: {sets}. Bakeoff keeps copies together only where it splits itself.",
        "학습·검증·시험 가운데 둘 이상에 든 것: {sets}. Bakeoff가 직접 나눌 때만 복사본을 함께 둡니다.";
    copies_classes: "Labelled as different classes: {sets}.", "서로 다른 클래스로 표시된 것: {sets}.";
    copies_list: "Sets of copies ({n})", "복사본 묶음 ({n})";
    copies_mark_across: "across splits", "분할에 걸침";
    copies_mark_classes: "across classes", "클래스가 다름";
    class_names: "Names of the {n} classes", "클래스 {n}개의 이름";

    // Method.
    m_network: "Network", "신경망";
    m_scratch: "from scratch", "처음부터";
    m_weights: "starting from {path}", "{path}에서 시작";
    m_budget: "Budget", "예산";
    m_budget_text: "{epochs} of batches of {batch}, images of {side} × {side} pixels", "{epochs}, 배치 {batch}, {side} × {side} 픽셀 이미지";
    m_optimiser: "Optimiser", "최적화";
    m_rate: "Learning rate", "학습률";
    m_trained: "Trained", "학습 대상";
    m_head_only: "the head alone, on a frozen backbone", "고정한 몸통 위의 머리만";
    m_smoothing: "Label smoothing", "레이블 스무딩";
    m_evaluation: "Test and validation images", "시험·검증 이미지";
    m_tested: "Tested", "시험한 가중치";
    m_last: "the weights after the last epoch", "마지막 에폭 뒤의 가중치";
    m_best: "the weights of the epoch with the best validation accuracy", "검증 정확도가 가장 높은 에폭의 가중치";
    m_median: "the weights of the epoch with the median validation accuracy of the last {k}", "마지막 {k} 에폭 중 검증 정확도가 중앙인 에폭의 가중치";
    m_margin: "Margin", "허용 차이";
    m_margin_text: "{margin}: a smaller difference was declared not to matter", "{margin}: 이보다 작은 차이는 중요하지 않다고 미리 정함";
    m_margin_none: "none declared: no difference counts as too small to matter", "정하지 않음: 중요하지 않다고 볼 만큼 작은 차이는 없음";
    m_pairs: "<b>Pairs.</b> A seed gives every recipe the same validation split, the same initial weights and the same order of images, so that only the recipe differs. The effect of a recipe is the mean over seeds of its test accuracy minus that of {baseline} with the same seed.",
        "<b>짝.</b> 한 시드는 모든 레시피에 같은 검증 분할, 같은 초기 가중치, 같은 이미지 순서를 주므로 레시피만 다릅니다. 레시피의 효과는 같은 시드에서 레시피의 시험 정확도에서 {baseline}의 것을 뺀 값의 시드 평균입니다.";
    m_crossed: "The 95&nbsp;% interval treats seeds and test images as two crossed random samples (two-way random-effects analysis of variance, degrees of freedom after Hillis 2007), so it speaks of other seeds and of other images like these.",
        "95&nbsp;% 구간은 시드와 시험 이미지를 교차하는 두 무작위 표본으로 봅니다(이원 임의효과 분산분석, 자유도는 Hillis 2007). 그래서 다른 시드와, 이와 비슷한 다른 이미지에 대해서도 말합니다.";
    m_paired_t: "The 95&nbsp;% interval is the paired t interval over seeds; the test images are taken as fixed.", "95&nbsp;% 구간은 시드에 대한 짝지은 t 구간이며, 시험 이미지는 고정된 것으로 봅니다.";
    m_uncertainty: "<b>Uncertainty.</b> {interval} The interval of each recipe stands for itself, uncorrected.", "<b>불확실성.</b> {interval} 레시피마다의 구간은 보정하지 않았습니다.";
    m_reach_short: "This study plans {seeds}, whose smallest possible <i>p</i> is {p}: no recipe can be called better or worse with fewer than {fewest}.",
        "이 연구는 {seeds}를 계획했고 가능한 가장 작은 <i>p</i>는 {p}입니다. {fewest}개보다 적으면 어떤 레시피도 낫다거나 나쁘다고 할 수 없습니다.";
    m_reach: "With {seeds} the smallest possible <i>p</i> is {p}.", "{seeds}로 가능한 가장 작은 <i>p</i>는 {p}입니다.";
    m_tests: "<b>Tests.</b> <i>p</i> is the exact two-sided sign-flip permutation test over seeds. It is corrected for all recipes compared by the step-down maximum statistic of Westfall and Young, which swaps the names of recipe and baseline in all recipes at once; Holm’s correction and a paired t test stand beside it in <code>summary.json</code>. {reach}",
        "<b>검정.</b> <i>p</i>는 시드에 대한 정확한 양측 부호 뒤집기 순열 검정입니다. 비교한 모든 레시피에 대해 Westfall과 Young의 단계 하강 최대 통계량으로 보정합니다(모든 레시피에서 레시피와 기준의 이름을 한꺼번에 바꿈). Holm 보정과 짝지은 t 검정은 <code>summary.json</code>에 함께 있습니다. {reach}";
    m_verdicts: "<b>Verdicts.</b> <i>Equivalent</i>: two one-sided tests put the difference inside the margin (5&nbsp;%, Holm). <i>Better</i> or <i>worse</i>: corrected <i>p</i> over seeds at most {level}, an interval that excludes zero{images}. <i>Undecided</i>: neither; the seeds that would probably (four times in five) settle it assume that mean and spread stay as seen. Recipes are compared with the baseline, not with each other: two that are both better than it are not thereby ranked.",
        "<b>판정.</b> <i>동등</i>: 두 단측 검정(5&nbsp;%, Holm)이 차이를 허용 범위 안에 둡니다. <i>더 나음·더 나쁨</i>: 시드에 걸친 보정한 <i>p</i>가 {level} 이하이고, 구간이 0을 포함하지 않습니다{images}. <i>미정</i>: 둘 다 아님. 결판에 필요할 시드 수(다섯 번 중 네 번)는 평균과 흩어짐이 지금과 같다고 가정합니다. 레시피는 기준과만 비교하며 서로 비교하지 않습니다. 둘 다 기준보다 낫다고 해서 둘의 순위가 정해지지는 않습니다.";
    m_verdict_images: ", and <i>p</i> over seeds and images at most 0.025", "(이미지 <i>p</i>도 0.025 이하여야 함)";
    m_recommended: "<b>Recommendation.</b> Each recipe in turn was compared with all others by these tests. Those that no other is better than may be the best; of them the one with the best mean is recommended, and the others cannot be told from it. In at most 5&nbsp;% of studies the best recipe is left out (subset selection, Gupta 1965).",
        "<b>권장.</b> 레시피마다 그것을 기준으로 삼아 나머지 모두와 같은 검정으로 비교했습니다. 그보다 나은 레시피가 없는 것들이 가장 나은 레시피일 수 있고, 그 가운데 평균이 가장 좋은 것을 권합니다. 나머지는 그것과 구별되지 않습니다. 가장 나은 레시피가 빠지는 연구는 많아야 5&nbsp;%입니다(Gupta 1965).";
    m_level_look: "the level of its look", "그때의 한계";
    m_elsewhere_pairs: "<b>Pairs.</b> These results were trained elsewhere. Runs are paired by the seed that the files give, and the effect of a recipe is the mean over seeds of its {metric} minus that of {baseline} with the same seed. Whether a seed gave every recipe the same split, the same initial weights and the same order of images is not known here. Where it did not, the pairs are no sharper than unpaired runs would be; where recipes were tested on different images, or seeds were chosen after looking, the <i>p</i>-values mean nothing.",
        "<b>짝.</b> 이 결과는 다른 곳에서 학습했습니다. 파일에 적힌 시드로 실행을 짝짓고, 레시피의 효과는 같은 시드에서 레시피의 {metric}에서 {baseline}의 것을 뺀 값의 시드 평균입니다. 한 시드가 모든 레시피에 같은 분할, 같은 초기 가중치, 같은 이미지 순서를 주었는지는 여기서 알 수 없습니다. 그렇지 않았다면 짝지어도 짝짓지 않은 것보다 날카롭지 않습니다. 레시피를 서로 다른 이미지에서 시험했거나 결과를 본 뒤 시드를 골랐다면 <i>p</i>에는 아무 뜻이 없습니다.";
    m_elsewhere_measured: "<b>Measured on.</b> As the files say: which images these are, whether they were mixed or augmented, and whether they also chose the epoch or the settings is not known here. A recipe chosen on the images it is judged by looks better than it is.",
        "<b>측정 대상.</b> 파일에 적힌 대로입니다. 어떤 이미지인지, 섞거나 변형했는지, 에폭이나 설정을 고르는 데도 썼는지는 여기서 알 수 없습니다. 평가하는 이미지로 고른 레시피는 실제보다 좋아 보입니다.";
    m_compared: "Compared", "비교한 값";
    m_source: "Trained", "학습";
    m_source_elsewhere: "elsewhere; read from CSV files", "다른 곳에서. CSV 파일에서 읽음";
    m_as_given: "as the files give it", "파일에 적힌 대로";
    m_corrections: "What is corrected, and for what", "무엇을 무엇에 대해 보정하는가";
    m_c_seeds: "<b>Better or worse, over seeds</b>: exact sign-flip permutation, step-down maximum statistic over the {n}; wrong in at most 5&nbsp;% of studies.",
        "<b>나음·나쁨, 시드에 걸쳐</b>: 정확한 부호 뒤집기 순열 검정, {n}에 대한 단계 하강 최대 통계량. 틀리는 연구는 많아야 5&nbsp;%.";
    m_c_images: "<b>Better or worse, over images</b>: the mean difference over its standard error over seeds and test images, normal <i>p</i>, Holm over the recipes, at most 2.5&nbsp;% (<code>p_images</code>). It guards against a sample of test images that happens to suit one recipe, about which a test over seeds says nothing.",
        "<b>나음·나쁨, 이미지에 걸쳐</b>: 차이의 평균을 시드와 시험 이미지에 걸친 표준오차로 나눈 값의 정규 <i>p</i>, 레시피 전체에 대한 Holm 보정, 2.5&nbsp;% 이하(<code>p_images</code>). 우연히 한 레시피에 맞는 시험 이미지가 뽑힌 경우를 막습니다. 시드에 걸친 검정은 이에 대해 아무 말도 못 합니다.";
    m_c_no_images: "<b>Better or worse, over images</b>: not tested, since it is not known image by image what was right. A sample of test images that happens to suit one recipe would not be noticed.",
        "<b>나음·나쁨, 이미지에 걸쳐</b>: 이미지마다 맞았는지 알 수 없어 검정하지 않았습니다. 우연히 한 레시피에 맞는 시험 이미지가 뽑혔어도 알아차리지 못합니다.";
    m_c_equivalent: "<b>Equivalent</b>: two one-sided tests at 5&nbsp;%, Holm over the recipes.", "<b>동등</b>: 5&nbsp;% 단측 검정 두 번, 레시피 전체에 대한 Holm 보정.";
    m_c_looks: "<b>Seeds added until decided</b>: first look after {first}, then after each further seed, {most} at most, both declared beforehand. The 5&nbsp;% are spent over the looks by the function of Hwang, Shih and De Cani (γ = 2), exactly, over the sign flips not claimed before. Equivalence has its own 5&nbsp;%, in equal parts over looks and recipes (Bonferroni). The test over images is at most 1.25&nbsp;% here. Intervals are those of a recipe’s last look and are not widened for the looks.",
        "<b>판정될 때까지 시드 더하기</b>: {first} 뒤에 처음 보고 그다음부터 시드마다 보며, 많아야 {most}(둘 다 미리 정함). 5&nbsp;%는 Hwang·Shih·De Cani의 함수(γ = 2)로 볼 때마다 나눠 쓰며, 앞서 주장하지 않은 부호 뒤집기에 대해 정확합니다. 동등은 따로 5&nbsp;%를 볼 때와 레시피에 똑같이 나눕니다(Bonferroni). 이미지에 걸친 검정은 여기서 1.25&nbsp;% 이하여야 합니다. 구간은 레시피를 마지막으로 본 때의 것이며 여러 번 본 것에 대해 넓히지 않았습니다.";
    m_c_pairs: "<b>All pairs</b> (appendix): Holm over all {n}; intervals uncorrected; no verdict.", "<b>모든 쌍</b>(부록): {n} 전체에 대한 Holm 보정, 구간은 보정하지 않음, 판정 없음.";
    m_c_classes: "<b>Classes</b>: t over seeds and images, false discovery rate 5&nbsp;% over the classes of one recipe (Benjamini and Hochberg), not over recipes.", "<b>클래스</b>: 시드와 이미지에 걸친 t 검정, 한 레시피의 클래스 전체에서 거짓 발견율 5&nbsp;%(Benjamini·Hochberg). 레시피에 대해서는 보정하지 않음.";
    m_c_none: "<b>Not corrected</b>: the intervals of other measures, calibration and equal time; limits of learning curves, which hold epoch by epoch; McNemar’s test of two trained models. Images that change are counted, not tested.",
        "<b>보정하지 않음</b>: 다른 척도·보정 정도·같은 시간의 구간, 에폭마다 따로 본 학습 곡선의 한계, 학습된 두 모델의 McNemar 검정. 판정이 바뀌는 이미지는 세기만 하고 검정하지 않습니다.";
    metric_top1: "test top-1 accuracy", "시험 top-1 정확도";
    metric_balanced: "test balanced accuracy", "시험 균형 정확도";
    metric_accuracy: "accuracy", "정확도";
    metric_probability: "mean probability of the true class", "실제 클래스의 평균 확률";
    lower_is_better: "lower is better", "낮을수록 좋음";
    higher_is_better: "higher is better", "높을수록 좋음";
    m_measured: "<b>Measured on.</b> All accuracies are of unmixed, unaugmented images. The test images were used once per trial, at its end.",
        "<b>측정 대상.</b> 모든 정확도는 섞지도 변형하지도 않은 이미지에서 쟀습니다. 시험 이미지는 시행마다 끝에 한 번만 썼습니다.";
    m_references: "References", "참고 문헌";

    // Repeat.
    r_system: "System", "시스템";
    r_processor: "Processor", "프로세서";
    r_instructions: "Instructions", "명령어";
    r_threads: "Threads", "스레드";
    r_backend: "Back end", "백엔드";
    r_begun: "Begun", "시작";
    r_same: "On the same kind of machine the same study gives the same weights, bit for bit, with any number of threads.", "같은 종류의 기계에서 같은 연구는 스레드 수와 상관없이 비트까지 같은 가중치를 냅니다.";
    r_all_again: "all trials again", "모든 시행 다시";
    r_this_page: "this page", "이 페이지";
    r_elsewhere: "From the same files the same numbers come out, whatever the machine.", "같은 파일에서는 어떤 기계에서도 같은 수가 나옵니다.";
    r_files: "the files these results were read from", "이 결과를 읽은 파일들";
    r_study_file: "The study file", "연구 파일";

    // Several data sets.
    data_sets_n: "{n}\u{a0}data set|{n}\u{a0}data sets", "데이터 세트\u{a0}{n}개";
    runs_n: "{n}\u{a0}run|{n}\u{a0}runs", "실행\u{a0}{n}회";
    h_data_set: "Data set", "데이터 세트";
    h_runs: "Runs", "실행";
    h_mean: "Mean, %", "평균, %";
    h_mean_plain: "Mean", "평균";
    h_iqm: "Interquartile mean, %, 95\u{a0}% interval", "사분위 평균, %, 95\u{a0}% 구간";
    h_iqm_plain: "Interquartile mean, 95\u{a0}% interval", "사분위 평균, 95\u{a0}% 구간";
    h_iqm_difference: "Minus {baseline}, 95\u{a0}% interval", "{baseline} 대비 차이, 95\u{a0}% 구간";
    h_improvement: "P(beats {baseline}), 95\u{a0}% interval", "{baseline}보다 나을 확률, 95\u{a0}% 구간";
    aggregate_heading: "Over several data sets", "여러 데이터 세트에 걸쳐";
    aggregate_all: "all, interquartile mean", "전체, 사분위 평균";
    aggregate_title: "Differences from {baseline} on each data set and over all", "데이터 세트별과 전체의 {baseline} 대비 차이";
    aggregate_axis: "difference, points", "차이, 퍼센트포인트";
    aggregate_axis_plain: "difference", "차이";
    aggregate_claimed: "better or worse on this data set", "이 데이터 세트에서 나음 또는 나쁨";
    aggregate_unclaimed: "no such claim", "그런 판정 없음";
    aggregate_caption: "Differences from {baseline} with their 95&nbsp;% intervals: on each data set the mean over seeds, over all the interquartile mean of all paired differences. The most promising recipe first.",
        "{baseline} 대비 차이와 95&nbsp;% 구간. 데이터 세트마다 시드 평균, 전체는 모든 짝지은 차이의 사분위 평균. 가장 유망한 레시피부터.";
    aggregate_table_caption: "Over {sets} together. No verdict is given over data sets.", "{sets}를 함께 볼 때. 데이터 세트 전체에 대한 판정은 내리지 않습니다.";
    aggregate_sets_caption: "Each data set by itself: differences, intervals and verdicts as in its own report.", "데이터 세트별: 차이, 구간, 판정은 각각의 보고서와 같습니다.";
    aggregate_method: "The <b>interquartile mean</b> is the mean of the middle half of all runs on all data sets. The <b>probability of improvement</b> is the share of pairs of a run of the recipe and a run of {baseline} in which the recipe’s is ahead, ties counting half, averaged over data sets, each of which counts the same (Agarwal et al. 2021). Intervals are percentiles of {replicates} bootstrap samples in which runs are drawn again within each data set. With few runs they are too narrow. They are of these data sets, had they been run with other seeds; of other data sets they say nothing.",
        "<b>사분위 평균</b>은 모든 데이터 세트의 모든 실행 가운데 중간 절반의 평균입니다. <b>나을 확률</b>은 레시피의 실행과 {baseline}의 실행을 짝지었을 때 레시피가 앞서는 비율(동점은 절반)을 데이터 세트마다 같은 비중으로 평균한 값입니다(Agarwal et al. 2021). 구간은 데이터 세트 안에서 실행을 다시 뽑은 부트스트랩 {replicates}회의 백분위수입니다. 실행이 적으면 지나치게 좁습니다. 이 데이터 세트를 다른 시드로 실행했을 경우에 대한 것이며, 다른 데이터 세트에 대해서는 아무것도 말하지 않습니다.";
    aggregate_footer: "Made by Bakeoff {version}. Beside this page: <code>aggregate.json</code>, <code>figures/</code>, <code>tables/</code> (CSV, Markdown, LaTeX). Type: Inter, under the SIL Open Font License.",
        "Bakeoff {version} 버전으로 만들었습니다. 이 페이지 옆에 <code>aggregate.json</code>, <code>figures/</code>, <code>tables/</code>(CSV, Markdown, LaTeX)가 있습니다. 글꼴: Inter, SIL Open Font License.";
}

#[cfg(test)]
mod tests;
