use super::*;
use crate::progress::TrialProgress;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn epoch(epoch: u32, accuracy: f64) -> EpochRecord {
    EpochRecord {
        waiting: 0.0,
        epoch,
        train_loss: 2.0,
        train_top1: accuracy,
        validation_loss: 1.5,
        validation_top1: accuracy,
        validation_top5: 1.0,
        learning_rate: 0.1,
        images_per_second: 120.0,
        seconds: 30.0,
    }
}

fn progress() -> Progress {
    let trial = |recipe: &str, seed, state, epochs: u32| TrialProgress {
        recipe: recipe.into(),
        seed,
        state,
        epochs: (1..=epochs).map(|e| epoch(e, 0.1 * f64::from(e))).collect(),
    };
    Progress {
        study: "dogs\u{1b}[2J".into(),
        baseline: "none".into(),
        recipes: vec!["none".into(), "cutmix".into()],
        seeds: vec![1, 2, 3],
        epochs: 4,
        trials: vec![
            trial("none", 1, TrialState::Finished(0.412), 4),
            trial("cutmix", 1, TrialState::Running, 2),
            trial("none", 2, TrialState::Failed, 1),
            trial("cutmix", 2, TrialState::Planned, 0),
            trial("none", 3, TrialState::Planned, 0),
            trial("cutmix", 3, TrialState::Planned, 0),
        ],
        log: vec!["2026-01-01T00:00:00Z trial cutmix seed 1: epoch 2 of 4".into()],
        ended: false,
    }
}

fn screen(width: u16, height: u16, progress: Result<&Progress, &str>, view: &mut View) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, progress, Note::default(), view)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_screen_shows_trials_rate_time_left_and_curves() {
    let text = screen(90, 30, Ok(&progress()), &mut View::default());
    for part in [
        "2 of 6 trials · 1 failed · 120 images/s · about 7 min left",
        "41.2",
        "2/4",
        "failed",
        "validation accuracy",
        "epoch 4",
        "epoch 2 of 4",
        "cutmix",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "a name must not move the cursor");
    assert!(text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "no curve was drawn\n{text}");
}

#[test]
fn cells_stand_under_their_seeds_whatever_the_script_of_names() {
    let name = |progress: &mut Progress, name: &str| {
        progress.recipes[1] = name.into();
        progress.trials.iter_mut().filter(|t| t.recipe == "cutmix").for_each(|t| t.recipe = name.into());
    };
    for other in
        ["가로 뒤집기", "🐶🐱", "a name of more than twenty-four columns", "스물네 칸보다 긴 이름은 잘린다"]
    {
        let mut named = progress();
        name(&mut named, other);
        let text = screen(60, 12, Ok(&named), &mut View::default());
        // Wide characters take two cells, of which the second is a space.
        let place = |part: &str| {
            let line = text.lines().find(|line| line.contains(part)).unwrap();
            line[..line.find(part).unwrap()].chars().count() + part.len()
        };
        assert_eq!(place("41.2"), place("2/4"), "{text}");
    }
}

#[test]
fn time_left_counts_epochs_at_their_mean_side_by_side() {
    // 2 of the running trial, 4 of each of three planned ones, 30 s each, one at a time.
    assert_eq!(progress().time_left(), Some(Duration::from_secs(14 * 30)));
    assert_eq!(progress().share(), 1.0 - 14.0 / 24.0);
}

#[test]
fn any_size_and_an_empty_run_can_be_drawn() {
    let mut empty = progress();
    empty.trials.iter_mut().for_each(|t| {
        t.epochs.clear();
        t.state = TrialState::Planned;
    });
    for (width, height) in [(1, 1), (3, 40), (200, 2), (20, 8), (300, 100)] {
        for progress in [Ok(&progress()), Ok(&empty), Err("no such folder")] {
            screen(width, height, progress, &mut View { quantity: 1, from: [99, 99] });
        }
    }
    assert!(screen(60, 24, Ok(&empty), &mut View::default()).contains("no epoch has been finished yet"));
}

#[test]
fn short_and_narrow_screens_show_every_trial_first_and_say_what_is_out_of_sight() {
    let mut many = progress();
    many.recipes = (0..20).map(|k| format!("recipe-{k}")).collect();
    many.seeds = (1..=12).collect();
    // Trials whole, and no curve squeezed into lines that cannot show it.
    let text = screen(40, 10, Ok(&progress()), &mut View::default());
    assert!(text.contains("41.2") && text.contains("cutmix") && text.contains("failed"), "{text}");
    assert!(!text.contains("validation accuracy") && text.contains("00:00:00Z trial"), "{text}");
    let text = screen(60, 15, Ok(&progress()), &mut View::default());
    assert!(text.contains("cutmix") && text.contains("validation accuracy"), "{text}");
    // More than fits: what is seen is said, and the last can be reached.
    let text = screen(40, 10, Ok(&many), &mut View::default());
    assert!(text.contains("recipes 1–6/20, seeds 1–3/12"), "{text}");
    let mut end = View { quantity: 0, from: [99, 99] };
    let text = screen(80, 24, Ok(&many), &mut end);
    assert!(
        text.contains("recipe-19") && text.contains("/20") && text.contains("validation accuracy"),
        "{text}"
    );
    for height in 0..80 {
        for recipes in [0, 1, 5, 30, 100_000] {
            let Shares { gauge, grid, curves, log, foot } = shares(height, recipes);
            let all =
                u32::from(gauge) + u32::from(grid) + u32::from(curves) + u32::from(log) + u32::from(foot);
            assert!(all < u32::from(height.max(1)), "{height} {recipes}");
            assert!(curves == 0 || curves >= 6);
        }
    }
}

#[test]
fn only_keys_that_mean_something_are_named_and_none_is_cut() {
    let ours = Note { url: Some("http://127.0.0.1:8000"), ours: true };
    assert_eq!(
        keys(ours, true, 200),
        "q close   ctrl-c interrupt   tab other curves   arrows scroll   http://127.0.0.1:8000"
    );
    assert_eq!(keys(Note::default(), false, 200), "q close   arrows scroll");
    assert_eq!(keys(ours, true, 40), "q close   ctrl-c interrupt");
    assert_eq!(time_of_day("2026-01-01T00:00:00Z trial"), "00:00:00Z trial");
    assert_eq!(time_of_day("Trial T"), "Trial T");
}

#[test]
fn keys_turn_the_curves_and_scroll_the_grid() {
    let mut view = View::default();
    assert!(
        view.key(KeyCode::BackTab)
            && view.key(KeyCode::Down)
            && view.key(KeyCode::Right)
            && view.key(KeyCode::Left)
    );
    assert_eq!(view, View { quantity: 3, from: [1, 0] });
    assert!(!view.key(KeyCode::Char('x')));
}
