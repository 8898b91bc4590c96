//! `bakeoff preview`: a contact sheet per recipe.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bakeoff_report::Graphics;
use bakeoff_study::{PreviewContext, RunFolder};

use crate::exit::{Exit, note, out, out_raw};
use crate::interrupt;
use crate::progress::Bar;

/// Show what each recipe does to your images: a contact sheet per recipe, with boxes, lambda and soft labels.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study file.
    #[arg(value_parser = super::path())]
    study: PathBuf,
    /// Folder for the sheets [default: `runs/STUDY/preview`].
    #[arg(long, value_parser = super::path())]
    out: Option<PathBuf>,
    /// Overrides a value of the study file. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Images per recipe.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    count: u16,
    /// Seed of the draws [default: the study's first].
    #[arg(long)]
    seed: Option<u64>,
    /// Show the sheets in the terminal, too: by what it can where that can be told, or by one way; `auto` shows nothing
    /// where the output is no terminal.
    #[arg(long, value_enum, default_value_t = Show::Auto)]
    show: Show,
}

/// How sheets are shown in the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Show {
    /// By what the terminal can.
    Auto,
    /// Kitty graphics protocol.
    Kitty,
    /// Sixel.
    Sixel,
    /// Coloured half blocks.
    Blocks,
    /// Not at all.
    None,
}

impl Show {
    fn graphics(self) -> Option<Graphics> {
        let variable = |name: &str| std::env::var(name).ok();
        match self {
            Self::Auto => Graphics::detect(variable).filter(|_| crate::exit::stdout_is_terminal()),
            Self::Kitty => Some(Graphics::Kitty),
            Self::Sixel => Some(Graphics::Sixel),
            Self::Blocks => {
                let truecolour =
                    variable("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
                Some(Graphics::Blocks { truecolour })
            }
            Self::None => None,
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    super::in_pool(super::threads(None)?, || write_sheets(&arguments))
}

fn write_sheets(arguments: &Arguments) -> Result<Exit> {
    let Some(study) = super::read_study(&arguments.study, &arguments.set) else {
        return Ok(Exit::Usage);
    };
    for problem in &study.warnings {
        note(format!("warning: {}", problem.line(&study.file)));
    }
    let folder = arguments.out.clone().unwrap_or_else(|| Path::new("runs").join(&study.name).join("preview"));
    let seed = arguments.seed.or_else(|| study.seeds().first().copied()).unwrap_or(0);
    let graphics = arguments.show.graphics();
    let columns = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    // What a run found out of the images need not be found out again.
    let run = RunFolder::open(Path::new("runs").join(&study.name)).ok();
    let stop = interrupt::flag("stopping");
    let bar = Bar::new("looking at images");
    let beside = PreviewContext {
        run: run.as_ref(),
        stop,
        progress: &|done, total| bar.show(done, total),
        tell: &|warning| note(format!("warning: {warning}")),
    };
    let previews =
        bakeoff_study::preview_beside(&study, &folder, usize::from(arguments.count), seed, &beside);
    bar.finish();
    for preview in previews? {
        let [_, png] = bakeoff_report::write_contact_sheet(&preview.record, &preview.folder)?;
        let record = &preview.record;
        if let Some(graphics) = graphics {
            let sheet = bakeoff_report::terminal_sheet(record, &preview.folder, graphics, columns)?;
            out_raw(sheet.trim_end_matches('\n'));
        }
        out(format!(
            "{:20} {}  (pixel values {:.2} to {:.2})",
            record.recipe,
            png.display(),
            record.range[0],
            record.range[1]
        ));
    }
    Ok(Exit::Done)
}
