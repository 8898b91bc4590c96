//! One row per prediction, or one row per run.

use super::cells::{correct_of, run_value, seed_of, share_of};
use super::error::ResultsError;
use super::kept::{ABSENT, Kept, Mark, NO_CLASS, Names, Place};
use super::kind::Kind;
use super::metric;
use super::opened::{Header, Opened, failure, plain};
use super::records::{MetricUnit, Results, ResultsOptions, Run};
use super::told::{Told, shown, shown_path};
use super::vocabulary::{self, Classes, Confusion, key};
use bakeoff_data::delimited::{DecimalSign, Row};
use bakeoff_data::normalised;
use bakeoff_stats::{Direction, Marks, Measure, Unit};
use bakeoff_study::Headline;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// All rows read so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    recipes: Names,
    images: Names,
    classes: Names,
    /// Class of each image, where a row named one.
    labels: Vec<Option<u32>>,
    runs: HashMap<(u32, u64), (Kept, Vec<Place>)>,
    scores: bool,
    /// The column of runs without images.
    value: Option<String>,
    measure: Measure,
    /// Whether some shares were written in percent, and some as fractions.
    percent: bool,
    fractions: bool,
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
    /// Beside `correct`.
    predicted: Option<usize>,
    /// Name of the data set.
    data_set: Option<usize>,
}

impl Columns {
    fn of(header: &Header, kind: Kind, options: &ResultsOptions) -> Result<Self, ResultsError> {
        let (recipe, seed) = (header.need("recipe")?, header.need("seed")?);
        let once = |name: &str| header.find(name).map(|_| header.need(name)).transpose();
        let label = once("label")?;
        let asked = options.metric.as_deref();
        let (image, mark) = match kind {
            Kind::Runs => {
                let known = Header::value_names().find(|name| header.find(name).is_some());
                (None, Mark::Value(header.need(asked.or(known).unwrap_or("accuracy"))?))
            }
            _ => {
                let image = header.need("image")?;
                // `--metric` chooses, where there is a choice.
                let (right, score) = match asked.map(plain).as_deref() {
                    None => (true, true),
                    Some("correct" | "top1" | "accuracy" | "acc" | "predicted") => (true, false),
                    Some("probability") => (false, true),
                    Some(_) => {
                        return Err(ResultsError::MetricOfPredictions {
                            path: header.path.clone(),
                            metric: shown(asked.unwrap_or_default()),
                        });
                    }
                };
                let mark = if let Some(correct) = once("correct")?.filter(|_| right) {
                    Mark::Correct(correct)
                } else if let Some((label, predicted)) = label.zip(once("predicted")?).filter(|_| right) {
                    Mark::Classes(label, predicted)
                } else if let Some(probability) = once("probability")?.filter(|_| score) {
                    Mark::Probability(probability)
                } else {
                    return Err(header.missing(if right { "correct" } else { "probability" }));
                };
                (Some(image), mark)
            }
        };
        let predicted = header.find("predicted");
        let no_use = |option, of| Err(kind.no_use(&header.path, option, of));
        if options.headline != Headline::default() {
            return no_use("--headline", "the epochs of training logs");
        }
        if options.pattern.is_some() {
            return no_use("--pattern", "the paths of training logs");
        }
        match mark {
            Mark::Value(_) => {}
            _ if options.direction == Some(Direction::LowerIsBetter) => {
                return no_use(
                    "--lower-is-better",
                    "training logs and tables of runs, the metrics of which differ",
                );
            }
            Mark::Correct(_) | Mark::Classes(..) if options.unit.is_some() => {
                return no_use("--unit", "training logs, tables of runs and probabilities");
            }
            Mark::Probability(_) if options.unit == Some(MetricUnit::Plain) => {
                return no_use("--unit plain", "losses and the like, which are no shares");
            }
            _ => {}
        }
        Ok(Self { recipe, seed, label, image, mark, predicted, data_set: header.data_set() })
    }

    /// Columns that hold numbers.
    fn numeric(&self) -> Vec<usize> {
        match self.mark {
            Mark::Probability(column) | Mark::Value(column) => vec![self.seed, column],
            Mark::Correct(_) | Mark::Classes(..) => vec![self.seed],
        }
    }
}

/// One table per data set that a column names; a single one without a name where none does.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    options: &'a ResultsOptions,
    sets: Vec<(String, Table)>,
    /// The first file, and whether its rows name data sets.
    first: Option<(PathBuf, bool)>,
    files: Vec<PathBuf>,
    comma: bool,
}

/// What a row is read with.
struct Reading<'a> {
    columns: &'a Columns,
    header: &'a Header,
    options: &'a ResultsOptions,
    /// Decimal signs of seeds and of values.
    signs: [DecimalSign; 2],
    /// The files so far, this one included.
    files: &'a [PathBuf],
}

impl<'a> Tables<'a> {
    pub(super) fn new(options: &'a ResultsOptions) -> Self {
        Self { options, sets: Vec::new(), first: None, files: Vec::new(), comma: false }
    }

    pub(super) fn read(&mut self, opened: &Opened, kind: Kind, told: &mut Told) -> Result<(), ResultsError> {
        let header = &opened.header;
        let columns = Columns::of(header, kind, self.options)?;
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
        let numeric = columns.numeric();
        let found = opened.signs(&numeric);
        let sign = |column: usize| {
            found.of(column).map_err(|error| header.cell(error.line(), column, error.to_string()))
        };
        let value = *numeric.last().unwrap_or(&columns.seed);
        let signs = [sign(columns.seed)?, sign(value)?];
        self.comma |= value != columns.seed && signs[1] == DecimalSign::Comma;
        self.files.push(header.path.clone());
        let reading = Reading { columns: &columns, header, options: self.options, signs, files: &self.files };
        let mut any = false;
        let mut at = 0;
        for row in opened.rows() {
            let row = row.map_err(|error| failure(&header.path, &error))?;
            header.whole(&row)?;
            any = true;
            let name = normalised(columns.data_set.map_or("", |column| row.cell(column)));
            if let Some(column) = columns.data_set.filter(|_| name.is_empty()) {
                return Err(header.cell(
                    row.line,
                    column,
                    "is empty; every row needs a data set, or none has one",
                ));
            }
            if self.sets.get(at).is_none_or(|(set, _)| *set != name) {
                at = self.sets.iter().position(|(set, _)| *set == name).unwrap_or(self.sets.len());
                if at == self.sets.len() {
                    ResultsError::too_many("data sets", at + 1, super::MOST)?;
                    self.sets.push((name.into_owned(), Table::default()));
                }
            }
            self.sets[at].1.row(&row, &reading, told)?;
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
        let comma = self.comma;
        let finished = self.sets.into_iter().map(|(name, table)| {
            let mut results = table.finish(first)?;
            if comma {
                results.notes.push("numbers are written with decimal commas".into());
            }
            Ok(Results { name, ..results })
        });
        finished.collect()
    }
}

impl Table {
    fn row(&mut self, row: &Row<'_>, reading: &Reading<'_>, told: &mut Told) -> Result<(), ResultsError> {
        let &Reading { columns, header, options, signs, files } = reading;
        let &Columns { recipe, seed, label, image, mark, .. } = columns;
        let line = row.line;
        if let Mark::Value(column) = mark
            && self.value.is_none()
        {
            let name = header.names[column].trim();
            self.measure = metric::measure(name, options, &header.path)?;
            let usual = Header::value_names().any(|usual| usual == plain(name));
            self.value = Some(if usual { plain(name) } else { name.to_owned() });
        }
        self.scores |= matches!(mark, Mark::Probability(_));
        let text = |column: usize| row.cell(column);
        let name = text(recipe);
        if name.is_empty() {
            return Err(header.cell(line, recipe, "is empty; every row needs a recipe"));
        }
        let recipe_number = match &self.last {
            Some((same, number)) if same == name => *number,
            _ => {
                let number = self.recipes.number(&normalised(name));
                self.last = Some((name.to_owned(), number));
                number
            }
        };
        let seed = seed_of(text(seed), Some(signs[0])).map_err(|message| header.cell(line, seed, message))?;
        let wrong = |(column, message): (usize, String)| header.cell(line, column, message);
        let run = (recipe_number, seed);
        let place: Place = ((files.len() - 1) as u16, u32::try_from(line).unwrap_or(u32::MAX));
        let told_place = |(file, line): Place| {
            let file = &files[usize::from(file)];
            if *file == header.path { format!("line {line}") } else { format!("{}:{line}", shown_path(file)) }
        };
        let Some(image) = image else {
            let Mark::Value(column) = mark else { return Ok(()) };
            self.unit(text(column), signs[1], options.unit);
            let value = run_value(text(column), signs[1], self.measure.unit, options.unit);
            let value = value.map_err(|message| wrong((column, message)))?;
            let Some((kept, places)) = self.runs.get(&run) else {
                self.runs.insert(run, (Kept::Value(value), vec![place]));
                return Ok(());
            };
            let before = told_place(places[0]);
            if matches!(kept, Kept::Value(kept) if *kept == value) {
                told.tell("row twice", || {
                    format!(
                        "{}: line {line} says of recipe {}, seed {seed} what {before} said, and was left out.",
                        shown_path(&header.path),
                        shown(name)
                    )
                });
                return Ok(());
            }
            let message = format!(
                "recipe \"{}\" has seed {seed} a second time, with another value on {before}",
                shown(name)
            );
            return Err(header.row(line, message));
        };
        let image_name = text(image);
        if image_name.is_empty() {
            return Err(header.cell(line, image, "is empty; every prediction needs the image's name"));
        }
        let at = self.images.number(&normalised(image_name)) as usize;
        if let Some(column) = label {
            let class = self.class(text(column));
            if self.labels.len() <= at {
                self.labels.resize(at + 1, None);
            }
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
        let predicted = match mark {
            Mark::Classes(label, predicted) => {
                if let Some(&column) = [label, predicted].iter().find(|column| text(**column).is_empty()) {
                    return Err(header.cell(line, column, "is empty; must be a class"));
                }
                self.class(text(predicted))
            }
            _ => NO_CLASS,
        };
        if let Mark::Probability(column) = mark {
            self.unit(text(column), signs[1], options.unit);
        }
        let (kept, places) = self.runs.entry(run).or_insert_with(|| {
            let kept = match mark {
                Mark::Classes(..) => Kept::Predicted(Vec::new()),
                Mark::Probability(_) => Kept::Scores(Vec::new()),
                Mark::Correct(_) | Mark::Value(_) => Kept::Correct(Vec::new()),
            };
            (kept, Vec::new())
        });
        kept.make_room(at);
        if places.len() <= at {
            places.resize(at + 1, (0, 0));
        }
        // Whether the image was there, and the same was said of it.
        let twice = match (&mut *kept, mark) {
            (Kept::Correct(marks), Mark::Correct(column)) => {
                let value = correct_of(text(column)).map_err(|message| wrong((column, message)))?;
                if let Some((label, predicted)) = label.zip(columns.predicted)
                    && !text(predicted).is_empty()
                    && (key(text(label)) == key(text(predicted))) != (value == 1)
                {
                    told.tell("contradiction", || {
                        format!(
                            "{}: line {line}: `{}` is `{}`, but the label is \"{}\" and the prediction \"{}\". The first of these counts.",
                            shown_path(&header.path),
                            shown(&header.names[column]),
                            shown(text(column)),
                            shown(text(label)),
                            shown(text(predicted))
                        )
                    });
                }
                let before = std::mem::replace(&mut marks[at], value);
                (before != ABSENT).then_some(before == value)
            }
            (Kept::Predicted(marks), Mark::Classes(..)) => {
                let before = std::mem::replace(&mut marks[at], predicted);
                (before != NO_CLASS).then_some(before == predicted)
            }
            (Kept::Scores(marks), Mark::Probability(column)) => {
                let value = share_of(text(column), signs[1], options.unit)
                    .map_err(|message| wrong((column, message)))?;
                let before = std::mem::replace(&mut marks[at], value);
                (!before.is_nan()).then_some(before == value)
            }
            _ => {
                let message = format!(
                    "recipe \"{}\", seed {seed} is told of in another way in an earlier file, by other columns",
                    shown(name)
                );
                return Err(header.row(line, message));
            }
        };
        match twice {
            None => {
                places[at] = place;
                Ok(())
            }
            Some(true) => {
                let before = told_place(places[at]);
                told.tell("prediction twice", || {
                    format!(
                        "{}: line {line} says of recipe {}, seed {seed} and image {} what {before} said, as padded samplers do, and was left out.",
                        shown_path(&header.path),
                        shown(name),
                        shown(image_name)
                    )
                });
                Ok(())
            }
            Some(false) => {
                let message = format!(
                    "recipe \"{}\", seed {seed} has image \"{}\" a second time, and says something else of it than {}",
                    shown(name),
                    shown(image_name),
                    told_place(places[at])
                );
                Err(header.row(line, message))
            }
        }
    }

    /// Notes the unit a share is written in.
    fn unit(&mut self, text: &str, sign: DecimalSign, unit: Option<MetricUnit>) {
        let percent = text.ends_with('%') && sign.read(text).is_some_and(|number| number.percent);
        let percent = percent || unit == Some(MetricUnit::Percent);
        self.percent |= percent;
        self.fractions |= !percent;
    }

    fn class(&mut self, text: &str) -> u32 {
        let key = key(text);
        if let Some(&number) = self.classes.numbers.get(key.as_ref()) {
            return number;
        }
        let number = self.classes.names.len() as u32;
        self.classes.numbers.insert(key.into_owned(), number);
        self.classes.names.push(text.to_owned());
        number
    }

    fn finish(self, first: &Path) -> Result<Results, ResultsError> {
        let mut keys: Vec<(u32, u64)> = self.runs.keys().copied().collect();
        keys.sort_unstable();
        let images = &self.images.names;
        let labels: Option<Vec<u32>> =
            if self.labels.len() == images.len() { self.labels.iter().copied().collect() } else { None };
        let labels = labels.unwrap_or_default();
        let classes = Classes::new(&self.classes.names, &labels);
        let mut kept = self.runs;
        let mut runs = Vec::with_capacity(keys.len());
        let mut kinds = [false; 2];
        let mut told = Told::default();
        let mut strangers = Told::default();
        let mut confusions: BTreeMap<u32, Confusion> = BTreeMap::new();
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
            let marks = match kept.remove(&(number, seed)) {
                None => continue,
                Some((Kept::Value(value), _)) => {
                    runs.push(Run { recipe, seed, value, top5: None, marks: None, epochs: Vec::new() });
                    continue;
                }
                Some((Kept::Correct(marks), _)) => {
                    missing(&|at| marks.get(at).is_none_or(|&m| m == ABSENT))?;
                    kinds[0] = true;
                    Marks::Correct(marks.into_iter().map(|m| m == 1).collect())
                }
                Some((Kept::Predicted(predicted), _)) => {
                    missing(&|at| predicted.get(at).is_none_or(|&p| p == NO_CLASS))?;
                    kinds[0] = true;
                    let run =
                        vocabulary::Run { recipe: &recipe, seed, predicted: &predicted, labels: &labels };
                    if let Some((kind, sentence)) = classes.check(&run)? {
                        told.tell(kind, || sentence);
                    }
                    let mut confusion = Confusion::default();
                    confusion.add(&predicted, &labels);
                    if let Some(sentence) = classes.strangers(Some((&recipe, seed)), &confusion) {
                        strangers.tell("strangers", || sentence);
                    }
                    confusions.entry(number).or_default().join(&confusion);
                    Marks::Correct(predicted.iter().zip(&labels).map(|(p, l)| p == l).collect())
                }
                Some((Kept::Scores(marks), _)) => {
                    missing(&|at| marks.get(at).is_none_or(|m| m.is_nan()))?;
                    kinds[1] = true;
                    Marks::Scores(marks)
                }
            };
            let value = marks.mean();
            runs.push(Run { recipe, seed, value, top5: None, marks: Some(marks), epochs: Vec::new() });
        }
        if kinds == [true, true] {
            return Err(ResultsError::Mixed {
                path: first.to_owned(),
                kind: "right and wrong",
                other: "another file".into(),
                other_kind: "probabilities",
            });
        }
        let mut warnings = told.sentences();
        let mut all = Confusion::default();
        for (number, confusion) in &confusions {
            let recipe = &self.recipes.names[*number as usize];
            warnings.extend(classes.check_recipe(recipe, confusion, images.len())?);
            all.join(confusion);
        }
        // Of all runs this says more than of one.
        match classes.strangers(None, &all) {
            Some(sentence) => warnings.push(sentence),
            None => warnings.extend(strangers.sentences()),
        }
        let valued = self.value.is_some();
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
        // Of right and wrong it is plain.
        let notes = match (self.measure.unit, self.scores || valued) {
            (_, false) => Vec::new(),
            (Unit::Plain, _) => vec![format!("no unit, {}", metric::way(self.measure.direction))],
            (Unit::Percent, _) => {
                let unit = match (self.percent, self.fractions) {
                    (true, true) => "in percent where a percent sign says so, else in fractions",
                    (true, false) => "in percent",
                    _ => "in fractions",
                };
                vec![format!("{unit}, {}", metric::way(self.measure.direction))]
            }
        };
        Ok(Results {
            name: String::new(),
            metric,
            measure: self.measure,
            headline: "as given".into(),
            runs,
            images: self.images.names,
            labels,
            classes: self.classes.names,
            warnings,
            notes,
        })
    }
}
