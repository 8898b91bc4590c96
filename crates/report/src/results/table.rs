//! One row per prediction, or one row per run.

use super::{Header, Kind, Results, ResultsError, Rows, Run, row_error, shown};
use bakeoff_stats::Marks;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a row says of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// 0 or 1.
    Correct(usize),
    /// Two classes that agree or do not.
    Classes(usize, usize),
    /// In [0, 1].
    Probability(usize),
}

/// Names numbered in the order they are met.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        // More than 2^32 names do not fit into memory.
        let number = self.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }
}

/// A run's marks by image number, as far as they were read.
#[derive(Debug)]
enum Kept {
    /// 0, 1, or [`ABSENT`].
    Correct(Vec<u8>),
    /// NaN where absent.
    Scores(Vec<f64>),
    /// A run without images.
    Value(f64),
}

const ABSENT: u8 = 2;

/// All rows read so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    recipes: Names,
    images: Names,
    classes: Names,
    /// Class of each image, where a row named one.
    labels: Vec<Option<u32>>,
    runs: HashMap<(u32, u64), Kept>,
    scores: bool,
    /// The column of runs without images.
    value: Option<String>,
    /// The recipe met last: rows of a run mostly stand together.
    last: Option<(String, u32)>,
}

/// Where what stands in a row.
struct Columns {
    recipe: usize,
    seed: usize,
    label: Option<usize>,
    /// Absent where a row is a run.
    image: Option<usize>,
    mark: Mark,
    /// Name of the data set.
    data_set: Option<usize>,
}

impl Columns {
    fn of(header: &Header, kind: Kind) -> Result<Self, ResultsError> {
        let need = |name: &str| header.find(name).ok_or_else(|| header.missing(name));
        let (recipe, seed) = (need("recipe")?, need("seed")?);
        let label = header.find("label");
        let (image, mark) = match kind {
            Kind::Runs => {
                let value = Header::value_names()
                    .find_map(|name| header.find(name))
                    .ok_or_else(|| header.missing("accuracy"))?;
                (None, Mark::Probability(value))
            }
            _ => {
                let image = need("image")?;
                let mark = if let Some(correct) = header.find("correct") {
                    Mark::Correct(correct)
                } else if let Some((label, predicted)) = label.zip(header.find("predicted")) {
                    Mark::Classes(label, predicted)
                } else if let Some(probability) = header.find("probability") {
                    Mark::Probability(probability)
                } else {
                    return Err(header.missing("correct"));
                };
                (Some(image), mark)
            }
        };
        Ok(Self { recipe, seed, label, image, mark, data_set: header.data_set() })
    }
}

/// One table per data set that a column names; a single one without a name where none does.
#[derive(Debug, Default)]
pub(super) struct Tables {
    sets: Vec<(String, Table)>,
    /// The first file, and whether its rows name data sets.
    first: Option<(PathBuf, bool)>,
}

impl Tables {
    pub(super) fn read(&mut self, mut rows: Rows, header: &Header, kind: Kind) -> Result<(), ResultsError> {
        let columns = Columns::of(header, kind)?;
        let named = columns.data_set.is_some();
        let (other, others) = self.first.get_or_insert_with(|| (header.path.clone(), named));
        if *others != named {
            let words = |named| if named { "rows that name a data set" } else { "rows without a data set" };
            return Err(ResultsError::Mixed {
                path: header.path.clone(),
                kind: words(named),
                other: other.clone(),
                other_kind: words(*others),
            });
        }
        let mut record = csv::StringRecord::new();
        let mut any = false;
        let mut at = 0;
        while rows.read_record(&mut record).map_err(|error| row_error(&header.path, &error))? {
            any = true;
            let name = columns.data_set.map_or("", |column| record.get(column).unwrap_or_default().trim());
            let line = record.position().map_or(0, csv::Position::line);
            if let Some(column) = columns.data_set.filter(|_| name.is_empty()) {
                return Err(header.cell(
                    line,
                    column,
                    "is empty; every row needs a data set, or none has one",
                ));
            }
            if self.sets.get(at).is_none_or(|(set, _)| set != name) {
                at = self.sets.iter().position(|(set, _)| set == name).unwrap_or(self.sets.len());
                if at == self.sets.len() {
                    self.sets.push((name.to_owned(), Table::default()));
                }
            }
            self.sets[at].1.row(&record, line, &columns, header)?;
        }
        if any {
            Ok(())
        } else {
            Err(ResultsError::Empty {
                path: header.path.clone(),
                message: "it has a header line and no rows",
            })
        }
    }

    /// One per data set; without a name where no column told.
    pub(super) fn finish(self, first: &Path) -> Result<Vec<Results>, ResultsError> {
        let finished = self.sets.into_iter().map(|(name, table)| {
            let results = table.finish(first)?;
            Ok(Results { name, ..results })
        });
        finished.collect()
    }
}

impl Table {
    fn row(
        &mut self,
        record: &csv::StringRecord,
        line: u64,
        columns: &Columns,
        header: &Header,
    ) -> Result<(), ResultsError> {
        let &Columns { recipe, seed, label, image, mark, .. } = columns;
        match mark {
            Mark::Probability(column) if image.is_none() => {
                self.value.get_or_insert_with(|| super::plain(&header.names[column]));
            }
            _ => {}
        }
        self.scores |= matches!(mark, Mark::Probability(_));
        let text = |column: usize| record.get(column).unwrap_or_default().trim();
        let name = text(recipe);
        if name.is_empty() {
            return Err(header.cell(line, recipe, "is empty; every row needs a recipe"));
        }
        let recipe_number = match &self.last {
            Some((same, number)) if same == name => *number,
            _ => {
                let number = self.recipes.number(name);
                self.last = Some((name.to_owned(), number));
                number
            }
        };
        let seed = seed_of(text(seed)).map_err(|message| header.cell(line, seed, message))?;
        let value = value_of(mark, &text).map_err(|(column, message)| header.cell(line, column, message))?;
        let key = (recipe_number, seed);
        let Some(image) = image else {
            if self.runs.insert(key, Kept::Value(value)).is_some() {
                let message = format!("recipe \"{}\" has seed {seed} a second time", shown(name));
                return Err(ResultsError::Row { path: header.path.clone(), line, message });
            }
            return Ok(());
        };
        let image_name = text(image);
        if image_name.is_empty() {
            return Err(header.cell(line, image, "is empty; every prediction needs the image's name"));
        }
        let at = self.images.number(image_name) as usize;
        if let Some(column) = label {
            let class = self.classes.number(text(column));
            self.labels.resize(self.labels.len().max(at + 1), None);
            match self.labels[at] {
                Some(before) if before != class => {
                    let message = format!(
                        "image \"{}\" is of class \"{}\" here and \"{}\" in an earlier row",
                        shown(image_name),
                        shown(text(column)),
                        shown(&self.classes.names[before as usize])
                    );
                    return Err(header.cell(line, column, message));
                }
                _ => self.labels[at] = Some(class),
            }
        }
        let scores = matches!(mark, Mark::Probability(_));
        let kept = self
            .runs
            .entry(key)
            .or_insert_with(|| if scores { Kept::Scores(Vec::new()) } else { Kept::Correct(Vec::new()) });
        let twice = match kept {
            Kept::Correct(marks) if !scores => {
                marks.resize(marks.len().max(at + 1), ABSENT);
                let twice = marks[at] != ABSENT;
                marks[at] = u8::from(value == 1.0);
                twice
            }
            Kept::Scores(marks) if scores => {
                marks.resize(marks.len().max(at + 1), f64::NAN);
                let twice = !marks[at].is_nan();
                marks[at] = value;
                twice
            }
            _ => true,
        };
        if twice {
            let message = format!(
                "recipe \"{}\", seed {seed} has image \"{}\" a second time",
                shown(name),
                shown(image_name)
            );
            return Err(ResultsError::Row { path: header.path.clone(), line, message });
        }
        Ok(())
    }

    fn finish(self, first: &Path) -> Result<Results, ResultsError> {
        let images = self.images.names;
        let mut keys: Vec<(u32, u64)> = self.runs.keys().copied().collect();
        keys.sort_unstable();
        let mut kept = self.runs;
        let mut runs = Vec::with_capacity(keys.len());
        let mut kinds = [false; 2];
        for (number, seed) in keys {
            let recipe = self.recipes.names[number as usize].clone();
            let missing = |absent: &dyn Fn(usize) -> bool| {
                let lacking: Vec<usize> = (0..images.len()).filter(|&at| absent(at)).collect();
                match lacking.first() {
                    None => Ok(()),
                    Some(&example) => Err(ResultsError::ImagesDiffer {
                        recipe: recipe.clone(),
                        seed,
                        missing: lacking.len(),
                        images: images.len(),
                        example: shown(&images[example]),
                    }),
                }
            };
            let (value, marks) = match kept.remove(&(number, seed)) {
                None => continue,
                Some(Kept::Value(value)) => (value, None),
                Some(Kept::Correct(marks)) => {
                    missing(&|at| marks.get(at).is_none_or(|&m| m == ABSENT))?;
                    kinds[0] = true;
                    let marks = Marks::Correct(marks.into_iter().map(|m| m == 1).collect());
                    (marks.mean(), Some(marks))
                }
                Some(Kept::Scores(marks)) => {
                    missing(&|at| marks.get(at).is_none_or(|m| m.is_nan()))?;
                    kinds[1] = true;
                    let marks = Marks::Scores(marks);
                    (marks.mean(), Some(marks))
                }
            };
            runs.push(Run { recipe, seed, value, top5: None, marks, epochs: Vec::new() });
        }
        if kinds == [true, true] {
            return Err(ResultsError::Mixed {
                path: first.to_owned(),
                kind: "right and wrong",
                other: "another file".into(),
                other_kind: "probabilities",
            });
        }
        let mut warnings = Vec::new();
        let metric = match self.value {
            Some(value) => value,
            None if self.scores => {
                warnings.push(
                    "The files hold probabilities of the true class, not whether images were classified correctly: what is \
                     compared is the mean probability, not the accuracy."
                        .into(),
                );
                "probability".into()
            }
            None => "top1".into(),
        };
        let labels: Option<Vec<u32>> =
            if self.labels.len() == images.len() { self.labels.into_iter().collect() } else { None };
        Ok(Results {
            name: String::new(),
            metric,
            headline: "as given".into(),
            runs,
            images,
            labels: labels.unwrap_or_default(),
            classes: self.classes.names,
            warnings,
        })
    }
}

/// A whole number, also as data frames write it: `3.0`.
pub(super) fn seed_of(text: &str) -> Result<u64, String> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole.parse().map_err(|_| {
        let what = if text.is_empty() { "is empty".into() } else { format!("`{}` is no seed", shown(text)) };
        format!("{what}; a seed is a whole number from 0")
    })
}

fn value_of<'a>(mark: Mark, text: &impl Fn(usize) -> &'a str) -> Result<f64, (usize, String)> {
    let fail = |column: usize, why: &str| {
        let value = text(column);
        let what = if value.is_empty() { "is empty".into() } else { format!("`{}`", shown(value)) };
        Err((column, format!("{what}{why}")))
    };
    match mark {
        Mark::Correct(column) => match text(column) {
            "1" | "1.0" => Ok(1.0),
            "0" | "0.0" => Ok(0.0),
            word if word.eq_ignore_ascii_case("true") => Ok(1.0),
            word if word.eq_ignore_ascii_case("false") => Ok(0.0),
            _ => {
                fail(column, "; must be 0, 1, true or false (call the column `probability` if it holds one)")
            }
        },
        Mark::Classes(label, predicted) => {
            for column in [label, predicted] {
                if text(column).is_empty() {
                    return fail(column, "; must be a class");
                }
            }
            Ok(f64::from(u8::from(text(label) == text(predicted))))
        }
        Mark::Probability(column) => match text(column).parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
            Ok(value) if value.is_nan() => fail(column, " is not a number; was it a run that diverged?"),
            Ok(_) => fail(column, " is outside [0, 1]; divide percent by 100"),
            Err(_) => fail(column, " is not a number"),
        },
    }
}
