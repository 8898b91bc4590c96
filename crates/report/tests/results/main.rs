//! Results of other trainers: read as they write them, and refused with the place of what is wrong.

mod agreement;
mod doubts;
mod kinds;
mod metrics;
mod refusals;
mod rows;
mod support;
mod words;
