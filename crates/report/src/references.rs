//! Where the methods come from: for the page, and as BibTeX for papers. Only what a study used is listed.

use bakeoff_evidence::{Evidence, State};
use bakeoff_study::Prediction;
use std::fmt::Write;

/// A publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    key: &'static str,
    kind: &'static str,
    authors: &'static str,
    title: &'static str,
    /// Journal or proceedings.
    venue: &'static str,
    year: u16,
    /// When it is used.
    when: When,
}

/// What in a study calls for a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Every comparison rests on it.
    Always,
    /// The interval over seeds and images, and what is said of single classes and models.
    Images,
    /// How sure the networks were.
    Confidence,
    /// Seeds added until decided.
    Looks,
    /// Damaged test images were looked at.
    Damaged,
    /// Class activation maps were made.
    Maps,
    /// Several data sets were taken together; never one run folder.
    DataSets,
    /// A transform, mixer, optimiser, schedule or network whose name is or starts with one of these.
    Named(&'static [&'static str]),
}

const fn paper(
    key: &'static str,
    authors: &'static str,
    title: &'static str,
    venue: &'static str,
    year: u16,
    when: When,
) -> Reference {
    Reference { key, kind: "inproceedings", authors, title, venue, year, when }
}

const fn article(
    key: &'static str,
    authors: &'static str,
    title: &'static str,
    venue: &'static str,
    year: u16,
    when: When,
) -> Reference {
    Reference { key, kind: "article", authors, title, venue, year, when }
}

use When::{Always, Confidence, Damaged, DataSets, Images, Looks, Maps, Named};

const REFERENCES: &[Reference] = &[
    article(
        "westfall1993",
        "Westfall, Peter H. and Young, S. Stanley",
        "Resampling-Based Multiple Testing: Examples and Methods for p-Value Adjustment",
        "Wiley",
        1993,
        Always,
    ),
    article(
        "romano2005",
        "Romano, Joseph P. and Wolf, Michael",
        "Exact and Approximate Stepdown Methods for Multiple Hypothesis Testing",
        "Journal of the American Statistical Association 100(469)",
        2005,
        Always,
    ),
    article(
        "holm1979",
        "Holm, Sture",
        "A Simple Sequentially Rejective Multiple Test Procedure",
        "Scandinavian Journal of Statistics 6(2)",
        1979,
        Always,
    ),
    article(
        "schuirmann1987",
        "Schuirmann, Donald J.",
        "A Comparison of the Two One-Sided Tests Procedure and the Power Approach for Assessing the Equivalence of Average Bioavailability",
        "Journal of Pharmacokinetics and Biopharmaceutics 15(6)",
        1987,
        Always,
    ),
    article(
        "hillis2007",
        "Hillis, Stephen L.",
        "A Comparison of Denominator Degrees of Freedom Methods for Multiple Observer ROC Analysis",
        "Statistics in Medicine 26(3)",
        2007,
        Images,
    ),
    article(
        "owen2007",
        "Owen, Art B.",
        "The Pigeonhole Bootstrap",
        "The Annals of Applied Statistics 1(2)",
        2007,
        Images,
    ),
    article(
        "benjamini1995",
        "Benjamini, Yoav and Hochberg, Yosef",
        "Controlling the False Discovery Rate: A Practical and Powerful Approach to Multiple Testing",
        "Journal of the Royal Statistical Society B 57(1)",
        1995,
        Images,
    ),
    article(
        "mcnemar1947",
        "McNemar, Quinn",
        "Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages",
        "Psychometrika 12(2)",
        1947,
        Images,
    ),
    article(
        "brier1950",
        "Brier, Glenn W.",
        "Verification of Forecasts Expressed in Terms of Probability",
        "Monthly Weather Review 78(1)",
        1950,
        Confidence,
    ),
    paper(
        "hendrycks2019",
        "Hendrycks, Dan and Dietterich, Thomas",
        "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
        "International Conference on Learning Representations",
        2019,
        Damaged,
    ),
    paper(
        "naseer2021",
        "Naseer, Muhammad Muzammal and Ranasinghe, Kanchana and Khan, Salman H. and Hayat, Munawar and Shahbaz Khan, Fahad and Yang, Ming-Hsuan",
        "Intriguing Properties of Vision Transformers",
        "Advances in Neural Information Processing Systems 34",
        2021,
        Damaged,
    ),
    paper(
        "zhou2016",
        "Zhou, Bolei and Khosla, Aditya and Lapedriza, Agata and Oliva, Aude and Torralba, Antonio",
        "Learning Deep Features for Discriminative Localization",
        "IEEE Conference on Computer Vision and Pattern Recognition",
        2016,
        Maps,
    ),
    paper(
        "guo2017calibration",
        "Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.",
        "On Calibration of Modern Neural Networks",
        "International Conference on Machine Learning",
        2017,
        Confidence,
    ),
    article(
        "hwang1990",
        "Hwang, Irving K. and Shih, Weichung J. and De Cani, John S.",
        "Group Sequential Designs Using a Family of Type I Error Probability Spending Functions",
        "Statistics in Medicine 9(12)",
        1990,
        Looks,
    ),
    article(
        "lan1983",
        "Lan, K. K. Gordon and DeMets, David L.",
        "Discrete Sequential Boundaries for Clinical Trials",
        "Biometrika 70(3)",
        1983,
        Looks,
    ),
    paper(
        "zhang2018mixup",
        "Zhang, Hongyi and Cisse, Moustapha and Dauphin, Yann N. and Lopez-Paz, David",
        "mixup: Beyond Empirical Risk Minimization",
        "International Conference on Learning Representations",
        2018,
        Named(&["mixup"]),
    ),
    paper(
        "yun2019cutmix",
        "Yun, Sangdoo and Han, Dongyoon and Oh, Seong Joon and Chun, Sanghyuk and Choe, Junsuk and Yoo, Youngjoon",
        "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features",
        "IEEE/CVF International Conference on Computer Vision",
        2019,
        Named(&["cutmix"]),
    ),
    paper(
        "verma2019manifold",
        "Verma, Vikas and Lamb, Alex and Beckham, Christopher and Najafi, Amir and Mitliagkas, Ioannis and Lopez-Paz, David and Bengio, Yoshua",
        "Manifold Mixup: Better Representations by Interpolating Hidden States",
        "International Conference on Machine Learning",
        2019,
        Named(&["manifold-mixup"]),
    ),
    article(
        "harris2020fmix",
        "Harris, Ethan and Marcu, Antonia and Painter, Matthew and Niranjan, Mahesan and Prügel-Bennett, Adam and Hare, Jonathon",
        "FMix: Enhancing Mixed Sample Data Augmentation",
        "arXiv:2002.12047",
        2020,
        Named(&["fmix"]),
    ),
    paper(
        "uddin2021saliencymix",
        "Uddin, A. F. M. Shahab and Monira, Mst. Sirazam and Shin, Wheemyung and Chung, TaeChoong and Bae, Sung-Ho",
        "SaliencyMix: A Saliency Guided Data Augmentation Strategy for Better Regularization",
        "International Conference on Learning Representations",
        2021,
        Named(&["saliencymix", "saliency-mix"]),
    ),
    paper(
        "kim2020puzzlemix",
        "Kim, Jang-Hyun and Choo, Wonho and Song, Hyun Oh",
        "Puzzle Mix: Exploiting Saliency and Local Statistics for Optimal Mixup",
        "International Conference on Machine Learning",
        2020,
        Named(&["puzzlemix", "puzzle-mix"]),
    ),
    paper(
        "qin2020resizemix",
        "Qin, Jie and Fang, Jiemin and Zhang, Qian and Liu, Wenyu and Wang, Xingang and Wang, Xinggang",
        "ResizeMix: Mixing Data with Preserved Object Information and True Labels",
        "arXiv:2012.11101",
        2020,
        Named(&["resizemix", "resize-mix"]),
    ),
    paper(
        "zhong2020random",
        "Zhong, Zhun and Zheng, Liang and Kang, Guoliang and Li, Shaozi and Yang, Yi",
        "Random Erasing Data Augmentation",
        "AAAI Conference on Artificial Intelligence",
        2020,
        Named(&["random-erasing", "erasing"]),
    ),
    article(
        "devries2017cutout",
        "DeVries, Terrance and Taylor, Graham W.",
        "Improved Regularization of Convolutional Neural Networks with Cutout",
        "arXiv:1708.04552",
        2017,
        Named(&["cutout"]),
    ),
    paper(
        "cubuk2019autoaugment",
        "Cubuk, Ekin D. and Zoph, Barret and Mane, Dandelion and Vasudevan, Vijay and Le, Quoc V.",
        "AutoAugment: Learning Augmentation Strategies from Data",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2019,
        Named(&["auto-augment", "autoaugment"]),
    ),
    paper(
        "cubuk2020randaugment",
        "Cubuk, Ekin D. and Zoph, Barret and Shlens, Jonathon and Le, Quoc V.",
        "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space",
        "Advances in Neural Information Processing Systems",
        2020,
        Named(&["rand-augment", "randaugment"]),
    ),
    paper(
        "muller2021trivialaugment",
        "Müller, Samuel G. and Hutter, Frank",
        "TrivialAugment: Tuning-Free Yet State-of-the-Art Data Augmentation",
        "IEEE/CVF International Conference on Computer Vision",
        2021,
        Named(&["trivial-augment", "trivialaugment"]),
    ),
    paper(
        "hendrycks2020augmix",
        "Hendrycks, Dan and Mu, Norman and Cubuk, Ekin D. and Zoph, Barret and Gilmer, Justin and Lakshminarayanan, Balaji",
        "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty",
        "International Conference on Learning Representations",
        2020,
        Named(&["augmix", "aug-mix"]),
    ),
    paper(
        "szegedy2015going",
        "Szegedy, Christian and Liu, Wei and Jia, Yangqing and Sermanet, Pierre and Reed, Scott and Anguelov, Dragomir and Erhan, Dumitru and Vanhoucke, Vincent and Rabinovich, Andrew",
        "Going Deeper with Convolutions",
        "IEEE Conference on Computer Vision and Pattern Recognition",
        2015,
        Named(&["random-resized-crop"]),
    ),
    paper(
        "szegedy2016rethinking",
        "Szegedy, Christian and Vanhoucke, Vincent and Ioffe, Sergey and Shlens, Jonathon and Wojna, Zbigniew",
        "Rethinking the Inception Architecture for Computer Vision",
        "IEEE Conference on Computer Vision and Pattern Recognition",
        2016,
        Named(&["label-smoothing"]),
    ),
    paper(
        "loshchilov2017sgdr",
        "Loshchilov, Ilya and Hutter, Frank",
        "SGDR: Stochastic Gradient Descent with Warm Restarts",
        "International Conference on Learning Representations",
        2017,
        Named(&["cosine"]),
    ),
    paper(
        "loshchilov2019adamw",
        "Loshchilov, Ilya and Hutter, Frank",
        "Decoupled Weight Decay Regularization",
        "International Conference on Learning Representations",
        2019,
        Named(&["adamw"]),
    ),
    paper(
        "he2016resnet",
        "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "Deep Residual Learning for Image Recognition",
        "IEEE Conference on Computer Vision and Pattern Recognition",
        2016,
        Named(&["resnet", "resnet*"]),
    ),
    paper(
        "khosla2011dogs",
        "Khosla, Aditya and Jayadevaprakash, Nityananda and Yao, Bangpeng and Fei-Fei, Li",
        "Novel Dataset for Fine-Grained Image Categorization",
        "First Workshop on Fine-Grained Visual Categorization, CVPR",
        2011,
        Named(&["stanford-dogs"]),
    ),
    paper(
        "agarwal2021",
        "Agarwal, Rishabh and Schwarzer, Max and Castro, Pablo Samuel and Courville, Aaron C. and Bellemare, Marc G.",
        "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
        "Advances in Neural Information Processing Systems 34",
        2021,
        DataSets,
    ),
];

/// Every name (`name`, `kind`, `source`) that a resolved study gives, and `label-smoothing` where it is on.
fn names(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("name" | "kind" | "source", serde_json::Value::String(text)) => {
                        found.push(text.to_lowercase())
                    }
                    ("label_smoothing", value) if value.as_f64().is_some_and(|v| v > 0.0) => {
                        found.push("label-smoothing".into())
                    }
                    _ => names(value, found),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

/// What the study behind `evidence` used.
pub(crate) fn used(evidence: &Evidence) -> Vec<&'static Reference> {
    let mut found = Vec::new();
    if let Some(study) = evidence.study.as_ref().and_then(|study| serde_json::to_value(study).ok()) {
        names(&study, &mut found);
    }
    let predictions = |keep: fn(&Prediction) -> bool| {
        evidence.trials.iter().any(|t| match &t.state {
            State::Finished { predictions: Some(predictions), .. } => predictions.first().is_some_and(keep),
            _ => false,
        })
    };
    let images = predictions(|_| true) || evidence.trials.iter().any(|t| t.marks.is_some());
    let confidence = predictions(|p| p.confidence.is_some());
    let named = |name: &str| match name.strip_suffix('*') {
        Some(start) => found.iter().any(|f| f.starts_with(start)),
        // `cutmix-notebook` is CutMix too.
        None => {
            found.iter().any(|f| f == name || f.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
        }
    };
    let wanted = |r: &&Reference| match r.when {
        Always => true,
        Images => images,
        Confidence => confidence,
        Looks => evidence.plan.until_decided.is_some(),
        Damaged => !evidence.robustness.is_empty(),
        Maps => !evidence.maps.is_empty(),
        DataSets => false,
        Named(list) => list.iter().any(|name| named(name)),
    };
    REFERENCES.iter().filter(wanted).collect()
}

impl Reference {
    /// For the page.
    pub(crate) fn line(&self) -> String {
        let authors: Vec<&str> =
            self.authors.split(" and ").map(|a| a.split(',').next().unwrap_or(a)).collect();
        let authors = match authors.as_slice() {
            [one] => (*one).to_owned(),
            [one, two] => format!("{one} and {two}"),
            [first, ..] => format!("{first} et al."),
            [] => String::new(),
        };
        format!("{authors} ({}). {}. {}.", self.year, self.title, self.venue)
    }

    fn bibtex(&self) -> String {
        let venue = if self.kind == "article" { "journal" } else { "booktitle" };
        // Double braces keep the title's capitals; names of people are UTF-8, as biber and modern BibTeX read.
        format!(
            "@{}{{{},\n  author = {{{}}},\n  title = {{{{{}}}}},\n  {venue} = {{{}}},\n  year = {{{}}},\n}}\n",
            self.kind, self.key, self.authors, self.title, self.venue, self.year
        )
    }
}

/// `references.bib` of a report.
pub(crate) fn bibtex(evidence: &Evidence) -> String {
    let version = evidence.environment.as_ref().map_or(env!("CARGO_PKG_VERSION"), |e| e.bakeoff.as_str());
    library(version, &used(evidence))
}

/// `references.bib` of several data sets taken together.
pub(crate) fn bibtex_over_data_sets() -> String {
    let used: Vec<_> = REFERENCES.iter().filter(|reference| reference.when == DataSets).collect();
    library(env!("CARGO_PKG_VERSION"), &used)
}

fn library(version: &str, references: &[&Reference]) -> String {
    let mut text = String::from("% Methods behind this report. Encoding: UTF-8.\n\n");
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "@software{{bakeoff,\n  title = {{{{Bakeoff}}}},\n  version = {{{}}},\n}}\n",
        crate::export::latex(version)
    );
    for reference in references {
        text.push('\n');
        text += &reference.bibtex();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_whole_and_their_keys_differ() {
        let mut keys: Vec<_> = REFERENCES.iter().map(|r| r.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), REFERENCES.len());
        for reference in REFERENCES {
            let entry = reference.bibtex();
            assert_eq!(entry.matches('{').count(), entry.matches('}').count(), "{entry}");
            assert!((1900..2100).contains(&reference.year));
        }
        let lines: Vec<_> = REFERENCES[..3].iter().map(Reference::line).collect();
        assert!(lines[0].starts_with("Westfall and Young (1993). ") && lines[2].starts_with("Holm (1979). "));
    }

    #[test]
    fn names_are_found_wherever_a_study_gives_them() {
        let study = serde_json::json!({
            "data": {"source": "stanford-dogs"},
            "train": {"label_smoothing": 0.1, "schedule": {"kind": "cosine"}},
            "recipe": [{"name": "a", "mix": {"kind": "cutmix-notebook"}, "transforms": [{"kind": "Cutout"}]}],
        });
        let mut found = Vec::new();
        names(&study, &mut found);
        found.sort();
        assert_eq!(found, ["a", "cosine", "cutmix-notebook", "cutout", "label-smoothing", "stanford-dogs"]);
    }
}
