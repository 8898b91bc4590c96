//! What a data set holds and what is wrong with it, as one page.

use std::fmt::Write as _;
use std::io::Cursor;

use bakeoff_data::{Check, Dataset, DeclaredSplit, Duplicates};
use base64::Engine as _;

use crate::page::style;
use crate::text::{ClassNames, bdi, escape};

/// Sets of images, images of a set and rejected images that are shown; the JSON holds all.
const SETS: usize = 60;
const OF_A_SET: usize = 6;
const REJECTED: usize = 200;
/// Longer side of a picture.
const PICTURE: u32 = 160;

const STYLE: &str = ".pairs{list-style:none;padding:0;margin:0}.pairs li{max-width:none;padding:14px 0;border-top:1px solid var(--rule)}\
.pairs .row{display:flex;flex-wrap:wrap;gap:14px}.pairs figure{margin:0;max-width:200px}.pairs img{display:block;max-width:160px;max-height:160px;border-radius:3px}\
.pairs figcaption{margin-top:4px;font-size:12.5px;overflow-wrap:anywhere}.pairs p{margin:0 0 8px;font-size:14px}\
.bar{display:block;height:9px;border-radius:2px;background:var(--base);min-width:1px}td.share{width:34%;min-width:6em}tfoot>tr>*{border-top:1px solid var(--ink)}\
.facts{display:flex;flex-wrap:wrap;gap:8px 36px;margin:28px 0;padding:0;list-style:none}.facts b{display:block;font-size:24px;font-weight:600;letter-spacing:-.015em}\
.facts span{color:var(--soft);font-size:14px}\n";

/// The page: one file, pictures inside. Loads the images it shows.
#[must_use]
pub fn data_page(dataset: &Dataset, check: &Check) -> String {
    let mut html = String::with_capacity(1 << 18);
    let name = dataset.path().file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| "generated images".to_owned());
    // Writing to a String cannot fail.
    let _ = writeln!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name} – Bakeoff data check</title>\n<style>\n{}{STYLE}</style>\n</head>\n<body>\n\
         <header><p class=\"kicker\">Bakeoff data check</p><h1>{}</h1><p class=\"meta\">{}</p></header>\n<main>",
        style(0),
        bdi(&name),
        bdi(&dataset.path().display().to_string()),
        name = escape(&name),
    );
    facts(&mut html, check);
    notices(&mut html, check);
    classes(&mut html, check);
    sets(
        &mut html,
        dataset,
        "The same file more than once",
        "Files that are the same byte for byte.",
        &check.duplicates,
    );
    sets(
        &mut html,
        dataset,
        "Images that look the same",
        "Found by their looks: of two difference hashes (128 bits) at most 14 bits differ, and the pictures, grey and 16×16, correlate by 0.95 or \
         more. Copies that were scaled, compressed again or cropped by a hair are found; look at them before you remove any.",
        &check.alike,
    );
    rejected(&mut html, check);
    let _ = writeln!(
        html,
        "</main>\n<footer>Made by <code>bakeoff data check</code> {}. Type: Inter, under the SIL Open Font License.</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    );
    html
}

fn facts(html: &mut String, check: &Check) {
    let across = |sets: &[Duplicates]| sets.iter().filter(|set| set.across_splits).count();
    let [width, height] = [check.sizes.width, check.sizes.height];
    let facts = [
        (check.images.to_string(), "images"),
        (check.classes.len().to_string(), "classes"),
        (check.rejected.len().to_string(), "cannot be used"),
        (across(&check.duplicates).to_string(), "files in more than one split"),
        (across(&check.alike).to_string(), "look-alikes across splits"),
        (format!("{} × {}", width[1], height[1]), "median size, px"),
        (
            format!("{} × {} to {} × {}", width[0], height[0], width[2], height[2]),
            "smallest to largest sides, px",
        ),
    ];
    html.push_str("<ul class=\"facts\">");
    for (value, what) in facts {
        let _ = write!(html, "<li><b>{value}</b><span>{what}</span></li>");
    }
    html.push_str("</ul>\n");
}

fn notices(html: &mut String, check: &Check) {
    let mut notices: Vec<String> = Vec::new();
    if let Some(why) = &check.imagenet {
        notices.push(format!(
            "These are images of ImageNet ({why}): a network that starts from ImageNet's weights has seen some of the test images, and \
             its accuracies are too high."
        ));
    }
    notices.extend(check.warnings.iter().cloned());
    for notice in notices {
        let _ = writeln!(html, "<div class=\"notice\"><p>{}</p></div>", escape(&notice));
    }
}

fn classes(html: &mut String, check: &Check) {
    let columns = [
        ("train", check.classes.iter().map(|class| class.train).collect::<Vec<_>>()),
        ("validation", check.classes.iter().map(|class| class.validation).collect()),
        ("test", check.classes.iter().map(|class| class.test).collect()),
        ("no split", check.classes.iter().map(|class| class.undeclared).collect()),
    ];
    let columns: Vec<_> =
        columns.into_iter().filter(|(_, counts)| counts.iter().any(|count| *count > 0)).collect();
    let most = check.balance.most.max(1);
    let names = ClassNames::new(check.classes.iter().map(|class| class.class.as_str()));
    html.push_str("<h2>Classes</h2>\n<div class=\"scroll\"><table><thead><tr><th>class</th>");
    for (name, _) in &columns {
        let _ = write!(html, "<th>{name}</th>");
    }
    html.push_str("<th class=\"left\">to learn from</th></tr></thead><tbody>");
    for (label, class) in check.classes.iter().enumerate() {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", names.html(&class.class));
        for (_, counts) in &columns {
            let _ = write!(html, "<td>{}</td>", counts[label]);
        }
        let share = 100.0 * class.learnt_from() as f64 / most as f64;
        let _ = write!(
            html,
            "<td class=\"share\"><span class=\"bar\" style=\"width:{share:.1}%\"></span></td></tr>"
        );
    }
    html.push_str("</tbody><tfoot><tr><th>all</th>");
    for (_, counts) in &columns {
        let _ = write!(html, "<td>{}</td>", counts.iter().sum::<usize>());
    }
    let balance = &check.balance;
    let sizes = if balance.most == balance.fewest {
        format!("Every class has {} to learn from.", balance.most)
    } else {
        let (largest, smallest) = (names.html(&balance.largest), names.html(&balance.smallest));
        let (most, fewest) = (balance.most, balance.fewest);
        format!("The largest class to learn from, {largest}, has {most}; the smallest, {smallest}, {fewest}.")
    };
    let _ = writeln!(html, "<td></td></tr></tfoot><caption>Usable images. {sizes}</caption></table></div>");
}

fn sets(html: &mut String, dataset: &Dataset, title: &str, what: &str, sets: &[Duplicates]) {
    let _ = writeln!(html, "<h2>{title}</h2>\n<p>{what}</p>");
    if sets.is_empty() {
        html.push_str("<p>None.</p>\n");
        return;
    }
    // What makes a test lie comes first.
    let mut order: Vec<&Duplicates> = sets.iter().collect();
    order.sort_by_key(|set| (!set.across_splits, !set.across_classes));
    let names = ClassNames::new(dataset.classes().iter().map(String::as_str));
    html.push_str("<ul class=\"pairs\">");
    for set in order.iter().take(SETS) {
        let mut words = Vec::new();
        if set.across_splits {
            words.push("in more than one split");
        }
        if set.across_classes {
            words.push("labelled as more than one class");
        }
        html.push_str("<li>");
        if !words.is_empty() {
            let _ = write!(html, "<p class=\"st-failed\">{}</p>", words.join(", "));
        }
        html.push_str("<div class=\"row\">");
        for (&sample, id) in set.samples.iter().zip(&set.ids).take(OF_A_SET) {
            let class = &dataset.classes()[dataset.samples()[sample].label];
            let split = match dataset.samples()[sample].split {
                DeclaredSplit::Train => "train",
                DeclaredSplit::Validation => "validation",
                DeclaredSplit::Test => "test",
                DeclaredSplit::Undeclared => "no split",
            };
            let picture = picture(dataset, sample).map(|uri| format!("<img alt=\"\" src=\"{uri}\">"));
            let _ = write!(
                html,
                "<figure>{}<figcaption><b>{split}</b>, {}<br>{}</figcaption></figure>",
                picture.unwrap_or_default(),
                names.html(class),
                bdi(id)
            );
        }
        html.push_str("</div>");
        if set.samples.len() > OF_A_SET {
            let _ = write!(html, "<p>… and {} more</p>", set.samples.len() - OF_A_SET);
        }
        html.push_str("</li>");
    }
    html.push_str("</ul>\n");
    if sets.len() > SETS {
        let _ = writeln!(html, "<p>… and {} more; <code>--json</code> lists all.</p>", sets.len() - SETS);
    }
}

fn picture(dataset: &Dataset, sample: usize) -> Option<String> {
    let image = dataset.load(sample).ok()?;
    let (width, height) = (image.width() as u32, image.height() as u32);
    let pixels = image::RgbImage::from_raw(width, height, image.pixels().to_vec())?;
    let small = match width.max(height) > PICTURE {
        true => image::DynamicImage::from(pixels).thumbnail(PICTURE, PICTURE).to_rgb8(),
        false => pixels,
    };
    let mut png = Vec::new();
    small.write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).ok()?;
    Some(format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(&png)))
}

fn rejected(html: &mut String, check: &Check) {
    html.push_str("<h2>Images that cannot be used</h2>\n");
    if check.rejected.is_empty() {
        html.push_str("<p>None.</p>\n");
        return;
    }
    html.push_str("<div class=\"scroll\"><table><thead><tr><th>image</th><th class=\"left\">why</th></tr></thead><tbody>");
    for image in check.rejected.iter().take(REJECTED) {
        let _ = write!(
            html,
            "<tr><th>{}</th><td class=\"left\">{}</td></tr>",
            bdi(&image.id),
            bdi(&image.reason)
        );
    }
    html.push_str("</tbody></table></div>\n");
    if check.rejected.len() > REJECTED {
        let _ = writeln!(
            html,
            "<p>… and {} more; <code>--json</code> lists all.</p>",
            check.rejected.len() - REJECTED
        );
    }
}
