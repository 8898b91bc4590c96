//! What a walk tells of files that are not used.

use super::splits::Layout;
use super::tally::{Tally, Unread, by_format, counted, listed, remedy};
use super::tree::Contents;
use super::walk::{ImagesByClass, Walk};
use crate::Warning;
use crate::format::Format;
use crate::listing::Lost;
use crate::names::name_of;
use crate::number::{form, number};

impl Walk<'_> {
    /// What there is where no image was found in a class.
    pub(super) fn nothing(&self, top: &Contents, layout: &Layout) -> String {
        let mut there = Vec::new();
        let formats = self.unread.iter().filter(|(format, _)| **format != Format::Archive);
        there.extend(formats.map(|(format, tally)| {
            let convert = format.convert().map_or(String::new(), |line| format!(", for example with {line}"));
            format!(
                "{}: not read, convert {}{convert}",
                counted(tally, &format!("{format} file")),
                form(tally.count, "it", "them")
            )
        }));
        if let Some(archives) = self.unread.get(&Format::Archive) {
            there.push(format!("{}: unpack it, or name it in data.path", counted(archives, "archive")));
        }
        if self.tables.count > 0 {
            there.push(format!(
                "{}: if it lists the images, name it in data.path",
                counted(&self.tables, "table")
            ));
        }
        if self.special.count > 0 {
            let what = form(self.special.count, "pipe, socket or device", "pipes, sockets or devices");
            there.push(format!("{} {what} ({})", self.special.count, self.special.example));
        }
        if self.others.count > 0 {
            there.push(counted(&self.others, "other file"));
        }
        if !self.passed.is_empty() {
            there.push(format!("folders that are passed over: {}", self.passed_over()));
        }
        let there = there.join("; ");
        let table = "name the classes in a table (source = \"csv\")";
        let message = match self.loose.count {
            0 if there.is_empty() => {
                return "holds no images; expected <class>/<image> or {train,test}/<class>/<image>"
                    .to_owned();
            }
            0 => return format!("holds nothing that is read as an image, but {there}"),
            count if layout.splits.is_empty() || top.folders.is_empty() => {
                format!(
                    "holds {count} images but no class folders; put the images of each class into a folder of its own, or {table}"
                )
            }
            count => {
                let splits = listed(layout.splits.iter().map(|(folder, _)| name_of(folder)));
                format!(
                    "holds {count} images that stand in no class folder ({} for one); make a folder for each class in {splits} and move \
                     the images there, or {table}",
                    self.loose.example
                )
            }
        };
        if there.is_empty() { message } else { format!("{message}; it also holds {there}") }
    }

    /// Classes of which nothing is left but pictures that are not read.
    pub(super) fn lost(&mut self, found: &ImagesByClass) -> Vec<Lost> {
        let mut lost = Vec::new();
        let mut heavy = Vec::new();
        let mut all = Unread::new();
        for (class, unread) in &self.unread_by_class {
            let count: usize = unread.values().map(|tally| tally.count).sum();
            let read = found.get(class).map_or(0, Vec::len);
            if read == 0 {
                lost.push(Lost { class: class.clone(), what: by_format(unread), remedy: remedy(unread) });
            } else if count * 10 > count + read {
                heavy.push(format!("{class} loses {} of {}", by_format(unread), count + read));
            }
            for (format, tally) in unread.iter().filter(|_| read > 0) {
                let sum = all.entry(*format).or_default();
                *sum = Tally { count: sum.count + tally.count, example: tally.example.clone() };
            }
        }
        let count: usize = all.values().map(|tally| tally.count).sum();
        if let Some(first) = all.values().next() {
            let (formats, remedy, example) = (by_format(&all), remedy(&all), first.example.clone());
            // First in the list: nothing else matters as much.
            self.warnings.insert(
                0,
                match heavy.is_empty() {
                    true => Warning::UnreadPictures { count, formats, example, remedy },
                    false => Warning::ClassesLosePictures {
                        count,
                        classes: listed(heavy.into_iter()),
                        example,
                        remedy,
                    },
                },
            );
        }
        lost
    }

    fn passed_over(&self) -> String {
        let each = self.passed.iter().map(|(name, (folders, images))| {
            let many = if *folders == 1 { String::new() } else { format!(" ({folders} folders)") };
            format!("{name}{many} with {}", number(images, "image"))
        });
        listed(each)
    }

    pub(super) fn all_warnings(self) -> Vec<Warning> {
        let passed = (!self.passed.is_empty()).then(|| Warning::PassedOver { folders: self.passed_over() });
        let mut warnings = self.warnings;
        warnings.extend(passed);
        let said = |tally: Tally| (tally.count > 0).then_some((tally.count, tally.example));
        if let Some((count, example)) = said(self.deep) {
            warnings.push(Warning::TooDeep { count, example });
        }
        if let Some((count, example)) = said(self.special) {
            warnings.push(Warning::NoFiles { count, example });
        }
        if let Some((count, example)) = said(self.looked_into) {
            warnings.push(Warning::LookedInto { count, example });
        }
        // Pictures are told by class.
        let formats: Unread = self.unread.into_iter().filter(|(format, _)| !format.is_picture()).collect();
        if let Some(first) = formats.values().next() {
            warnings
                .push(Warning::OtherFormats { formats: by_format(&formats), example: first.example.clone() });
        }
        let count = self.others.count + self.tables.count;
        if let Some((_, example)) = said(self.others).or(said(self.tables)) {
            warnings.push(Warning::OtherFiles { count, example });
        }
        warnings
    }
}
