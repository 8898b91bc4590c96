//! Panics that are caught and told in our own words, and therefore not printed as well.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// How many guarded calls this thread is in.
    static GUARDED: Cell<usize> = const { Cell::new(0) };
}

/// A panic that was caught: its message, where it had one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught(pub Option<String>);

/// Runs something that may panic. A panic of this thread is caught and nothing of it is printed; threads that are not in a
/// guarded call report theirs as ever.
///
/// # Errors
/// It panicked.
pub fn catch_quietly<T>(work: impl FnOnce() -> T) -> Result<T, Caught> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            // A thread that is being torn down has no flag any more, and is in no guarded call.
            if GUARDED.try_with(Cell::get).unwrap_or(0) == 0 {
                before(info);
            }
        }));
    });
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            GUARDED.set(GUARDED.get() - 1);
        }
    }
    GUARDED.set(GUARDED.get() + 1);
    let guard = Guard;
    let outcome = catch_unwind(AssertUnwindSafe(work));
    drop(guard);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Caught(text.or_else(|| panic.downcast_ref::<&str>().copied()).map(str::to_owned))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_message_also_inside_another_guarded_call() {
        assert_eq!(catch_quietly(|| 3), Ok(3));
        let message = |text: &str| Err(Caught(Some(text.to_owned())));
        assert_eq!(catch_quietly(|| -> u8 { panic!("row {}", 7) }), message("row 7"));
        let inner = catch_quietly(|| catch_quietly(|| -> u8 { panic!("inside") }));
        assert_eq!(inner, Ok(message("inside")));
        assert_eq!(GUARDED.get(), 0);
    }
}
