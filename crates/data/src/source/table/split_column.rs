//! Which of a table's columns says the split.

use std::collections::BTreeMap;

use super::super::split_name::{Match, split_by_word, split_in_name};
use super::cells::{MOST_SPLITS, are_splits, few_numbers, is_called_split, marked, split_of_cell, truth};
use super::layout::{Labels, Layout, NoLayout, Splits};
use crate::columns::{self, ColumnRole, Found};
use crate::{ColumnConfig, Warning};

impl Layout<'_> {
    pub(super) fn split_column(
        &mut self,
        table: &str,
        wanted: &ColumnConfig,
    ) -> Result<Option<Splits>, NoLayout> {
        if let Some(name) = &wanted.split {
            let at = self.asked("data.columns.split", name)?;
            return Ok(Some(
                marked(&self.names[at]).map_or(Splits::Named(at), |(yes, no)| Splits::Marked(at, yes, no)),
            ));
        }
        let taken = |at: usize| {
            at == self.path
                || match &self.labels {
                    Labels::Column(label) => at == *label,
                    Labels::OneHot(columns) => columns.contains(&at),
                }
        };
        let no_split = |at: usize, reason: String| Warning::NoSplitColumn {
            table: table.to_owned(),
            column: self.names[at].clone(),
            reason,
        };
        let mut warnings = Vec::new();
        let fold =
            |name: &String| matches!(columns::plain(name).as_str(), "fold" | "folds" | "kfold" | "cv_fold");
        let by_content: Vec<usize> =
            (0..self.names.len()).filter(|&at| !taken(at) && are_splits(self.cells(at))).collect();
        let is_fold = |at: usize| !taken(at) && !by_content.contains(&at) && fold(&self.names[at]);
        for at in (0..self.names.len()).filter(|&at| is_fold(at)) {
            let reason = "folds of a cross-validation are no splits; write a column `split` of train, validation and test".into();
            warnings.push(no_split(at, reason));
        }
        let candidates = match columns::find(ColumnRole::Split, &self.names, |at| !taken(at)) {
            Found::Literal(at) => {
                let others = by_content.iter().filter(|&&other| other != at);
                warnings.extend(others.map(|&other| {
                    let reason = format!(
                        "`{}` was; if another is meant, name it in data.columns.split",
                        self.names[at]
                    );
                    no_split(other, reason)
                }));
                warnings.extend(self.other_words(table, at));
                return self.with(warnings, Some(Splits::Named(at)));
            }
            Found::Synonym(at) => vec![at],
            Found::Several(several) => several,
            Found::Nothing => Vec::new(),
        };
        let mut found = Vec::new();
        for at in (0..self.names.len()).filter(|&at| !taken(at) && !fold(&self.names[at])) {
            if candidates.contains(&at) || by_content.contains(&at) {
                continue;
            }
            let said = self.cells(at).filter(|cell| split_by_word(cell).is_some()).count();
            let numbers = few_numbers(self.cells(at)).filter(|_| is_called_split(&self.names[at]));
            let reason = if said * 2 > self.rows.len() {
                let other = self.rows.iter().find(|row| split_of_cell(row.cell(at)).is_none());
                let other =
                    other.map(|row| format!("line {} holds {:?}, which is no split", row.line, row.cell(at)));
                other.unwrap_or_else(|| "all of its rows say the same".to_owned())
            } else if let Some(numbers) = numbers {
                format!("it holds {numbers}, and nobody knows which number is which split")
            } else {
                continue;
            };
            let remedy = "write train, validation or test into every row of a column `split`, or name the column in data.columns.split to be \
                 told what is wrong with it";
            warnings.push(no_split(at, format!("{reason}; {remedy}")));
        }
        let more = by_content.iter().copied().filter(|at| !candidates.contains(at));
        for at in candidates.iter().copied().chain(more) {
            let marks = marked(&self.names[at]);
            let says = |cell: &str| match marks {
                Some(_) => truth(cell).is_some(),
                None => split_of_cell(cell).is_some(),
            };
            let said = self.rows.iter().filter(|row| says(row.cell(at))).count();
            if said == self.rows.len() && said > 0 {
                found.push(marks.map_or(Splits::Named(at), |(yes, no)| Splits::Marked(at, yes, no)));
            } else if let Some(row) = self.rows.iter().find(|row| !says(row.cell(at))) {
                // Most columns of such a name are about something else.
                if said > 0 || marks.is_some() {
                    let reason = format!(
                        "line {} holds {:?}, which is no split; write train, validation or test into every row, or name the column in \
                         data.columns.split to be told every such line",
                        row.line,
                        row.cell(at)
                    );
                    warnings.push(no_split(at, reason));
                } else if let Some(numbers) = few_numbers(self.cells(at)) {
                    let reason = format!(
                        "it holds {numbers}, and nobody knows which number is which split; write train, validation or test into every row"
                    );
                    warnings.push(no_split(at, reason));
                }
            }
        }
        let column = |split: &Splits| match split {
            Splits::Named(at) | Splits::Marked(at, ..) => *at,
        };
        match found.as_slice() {
            [] => self.with(warnings, None),
            &[only] => {
                let at = column(&only);
                let (name, of) = (self.names[at].clone(), self.all());
                warnings.push(Warning::ColumnTaken { column: name.clone(), role: ColumnRole::Split, of });
                if let Splits::Marked(_, yes, no) = only {
                    let note = format!(
                        "`{name}` was understood so that 1 or true means {} and 0 or false {}",
                        yes.name(),
                        no.name()
                    );
                    warnings.push(Warning::TableNote { table: table.to_owned(), note });
                }
                warnings.extend(self.other_words(table, at));
                self.with(warnings, Some(only))
            }
            several => Err(NoLayout::from(format!(
                "the columns {} may all be the split; say which is meant with data.columns.split in the study file",
                columns::list(several.iter().map(|split| &self.names[column(split)]))
            ))),
        }
    }

    /// A word about cells that say their split in other words than train, validation and test.
    fn other_words(&self, table: &str, at: usize) -> Option<Warning> {
        if marked(&self.names[at]).is_some() {
            return None;
        }
        let mut said = BTreeMap::new();
        for cell in self.cells(at) {
            if let Some(found) = split_in_name(cell).filter(|found| found.how != Match::Exact) {
                said.insert(cell, found.split.name());
            }
        }
        let taken: Vec<String> = said
            .iter()
            .take(MOST_SPLITS)
            .map(|(cell, split)| format!("{cell:?} was taken for {split}"))
            .collect();
        let note = format!(
            "in column `{}`, {}; write train, validation and test to leave no doubt",
            self.names[at],
            taken.join(", ")
        );
        (!taken.is_empty()).then(|| Warning::TableNote { table: table.to_owned(), note })
    }

    fn with(&mut self, warnings: Vec<Warning>, splits: Option<Splits>) -> Result<Option<Splits>, NoLayout> {
        self.warnings.extend(warnings);
        Ok(splits)
    }
}
