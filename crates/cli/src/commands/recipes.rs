//! `bakeoff recipes`: what there is; the card of one.

use anyhow::{Result, bail};
use bakeoff_augment::{builtin, card};

use crate::exit::{Exit, out};
use crate::table::Table;

/// List the recipes, or print the card of one.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Print a card: where it comes from, definition, effect on labels, options.
    Show {
        /// A recipe, or a kind of transform or mixer.
        name: String,
    },
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let recipes = builtin(224);
    match arguments.action {
        Some(Action::Show { name }) => match card(&name) {
            Some(card) => out(card.trim_end()),
            None => {
                let names: Vec<&str> = recipes.iter().map(|recipe| recipe.config.name.as_str()).collect();
                let near = bakeoff_data::nearest(&name, names.iter().copied());
                let near = near.map_or("; the".to_owned(), |near| format!("; did you mean `{near}`? The"));
                bail!(
                    "no recipe, transform or mixer is called `{name}`{near} recipes are {}",
                    names.join(", ")
                );
            }
        },
        None if arguments.json => {
            let list: Vec<_> = recipes
                .iter()
                .map(|recipe| serde_json::json!({"recipe": recipe.config, "summary": recipe.summary}))
                .collect();
            out(serde_json::to_string_pretty(&list)?);
        }
        None => {
            let mut table = Table::new(["recipe", "what it does"]);
            for recipe in &recipes {
                table.row(vec![recipe.config.name.clone(), recipe.summary.to_owned()]);
            }
            table.print();
            out("\n`bakeoff recipes show NAME` prints a recipe's card.");
        }
    }
    Ok(Exit::Done)
}
