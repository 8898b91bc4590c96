//! Which classes are taken for which.

use super::{Writer, put};
use crate::figures;
use crate::language::fill;
use crate::tables;
use crate::text::{ClassNames, escape};
use bakeoff_evidence::Origin;
use bakeoff_findings::Confusion;
use std::collections::BTreeMap;

impl Writer<'_> {
    pub(super) fn confusion(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        if evidence.finished() == 0 || (evidence.origin != Origin::Run && self.shared.confusion.is_none()) {
            return;
        }
        self.open_section("confusion", words.s_confusion);
        let Some(confusion) = &self.shared.confusion else {
            put!(self, "<p>{}</p>\n", words.no_confusion);
            self.close_section();
            return;
        };
        let table = tables::confused_pairs(evidence, confusion, words);
        if table.rows.is_empty() {
            put!(self, "<p>{}</p>\n", words.no_errors);
        } else {
            self.table(&table, "pairs", words.pairs_caption);
        }
        // Shown only with the script, which fills it; without it, the figure below stays what it is.
        put!(
            self,
            "<figure class=\"confusion\"><div class=\"tools\" hidden><label>{} <select data-role=\"recipe\">",
            words.confusion_recipe
        );
        for (index, counts) in confusion.recipes.iter().enumerate() {
            put!(self, "<option value=\"{index}\">{}</option>", escape(&counts.recipe));
        }
        put!(
            self,
            "</select></label><label>{} <select data-role=\"order\"><option value=\"similar\">{}</option><option value=\"given\">{}</option><option value=\"hard\">{}</option></select></label>\
             <label>{} <input data-role=\"find\" type=\"search\" list=\"{}\" autocomplete=\"off\"></label>\
             <button type=\"button\" data-role=\"in\">+ {}</button><button type=\"button\" data-role=\"out\">− {}</button></div>",
            words.confusion_order,
            words.order_similar,
            words.order_given,
            words.order_hard,
            words.confusion_find,
            self.id("class-list"),
            words.matrix_in,
            words.matrix_out,
        );
        put!(
            self,
            "<div class=\"chart matrix\" data-cell=\"{}\" data-right=\"{}\" data-label=\"{}\" data-name=\"confusion\">{}</div>",
            escape(words.confusion_cell),
            escape(words.confusion_right),
            escape(words.confusion_label),
            figures::confusion(evidence, confusion, 0, words).inline("")
        );
        let classes = evidence.data.as_ref().map_or(0, |data| data.classes.len());
        let shown = if confusion.shown.len() < classes {
            fill(words.confusion_shown, &[("all", &classes), ("n", &confusion.shown.len())])
        } else {
            String::new()
        };
        self.caption(&fill(words.confusion_caption, &[("shown", &shown)]));
        self.close_section();
    }
}

/// What the page's script draws: per recipe, cells as increments of `row × n + column` and counts, in turn.
pub(super) fn data(confusion: &Confusion, names: &[String], shown: &ClassNames) -> serde_json::Value {
    let n = confusion.shown.len() as u32;
    let place: BTreeMap<u32, u32> = confusion.shown.iter().copied().zip(0..).collect();
    let recipes = confusion.recipes.iter().map(|counts| {
        let mut cells = Vec::new();
        let mut before = 0;
        for (&(truth, predicted), &count) in &counts.cells {
            let (Some(row), Some(column)) = (place.get(&truth), place.get(&predicted)) else { continue };
            let at = row * n + column;
            cells.push(at - before);
            cells.push(count);
            before = at;
        }
        let rows: Vec<u32> = confusion.shown.iter().map(|c| counts.rows[*c as usize]).collect();
        serde_json::json!({"name": counts.recipe, "rows": rows, "cells": cells})
    });
    let recipes: Vec<_> = recipes.collect();
    let classes: Vec<&str> =
        confusion.shown.iter().map(|c| names.get(*c as usize).map_or("", |name| shown.shown(name))).collect();
    serde_json::json!({"classes": classes, "similar": confusion.similar_together(), "hard": confusion.hardest_first(), "recipes": recipes})
}

#[cfg(test)]
mod tests {
    use super::*;
    use bakeoff_findings::Counts;

    #[test]
    fn cells_are_sent_as_increments() {
        let names = ["a", "b", "c"].map(String::from);
        let cells = BTreeMap::from([((0, 1), 2), ((1, 1), 3), ((2, 0), 1)]);
        let counts = Counts { recipe: "cutmix".to_owned(), cells, rows: vec![2, 3, 1] };
        let data =
            data(&Confusion { recipes: vec![counts], shown: vec![0, 1, 2] }, &names, &ClassNames::default());
        assert_eq!(data["recipes"][0]["cells"], serde_json::json!([1, 2, 3, 3, 2, 1]));
    }
}
