//! What is kept of the rows of a table while it is read.

use std::collections::HashMap;

/// What a row says of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// 0 or 1.
    Correct(usize),
    /// Two classes that agree or do not.
    Classes(usize, usize),
    /// In [0, 1].
    Probability(usize),
    /// What a run came to.
    Value(usize),
}

/// Names numbered in the order they are met.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) numbers: HashMap<String, u32>,
    pub(super) names: Vec<String>,
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> u32 {
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

/// Which file and which line of it.
pub(super) type Place = (u16, u32);

/// A run's marks by image number, as far as they were read.
#[derive(Debug)]
pub(super) enum Kept {
    /// 0, 1, or [`ABSENT`].
    Correct(Vec<u8>),
    /// Number of the predicted class, or [`NO_CLASS`].
    Predicted(Vec<u32>),
    /// NaN where absent.
    Scores(Vec<f64>),
    /// A run without images.
    Value(f64),
}

pub(super) const ABSENT: u8 = 2;
pub(super) const NO_CLASS: u32 = u32::MAX;

impl Kept {
    /// As many images as there are numbers up to this one.
    pub(super) fn make_room(&mut self, at: usize) {
        let wanted = at + 1;
        match self {
            Self::Correct(marks) if marks.len() < wanted => marks.resize(wanted, ABSENT),
            Self::Predicted(marks) if marks.len() < wanted => marks.resize(wanted, NO_CLASS),
            Self::Scores(marks) if marks.len() < wanted => marks.resize(wanted, f64::NAN),
            _ => {}
        }
    }
}
