//! Charts, drawn here and complete without a script.

mod curves;
mod forest;
mod intervals;
mod matrix;
mod reliability;
mod scale;
mod strip;

pub(crate) use curves::{Across, Curves, Point, Series, Unit, toggle};
pub(crate) use forest::{forest, mark};
pub(crate) use intervals::{Block, Intervals, Mark, Row};
pub(crate) use matrix::matrix;
pub(crate) use reliability::{FEW, Panel, Reliability};
pub(crate) use strip::{Strip, range};
