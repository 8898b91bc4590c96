//! How much memory reading and decoding may take, all threads together.
//!
//! Small images cost nothing here. One that needs more than [`COUNTED`] asks before it is begun, and waits while others hold what all of
//! them may take together. Nothing waits for ever: where nobody holds memory, anyone may begin, and whoever has held some for the longest
//! always goes on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bakeoff_machine::available_memory;

use crate::ImageError;

/// Who needs no more than this need not ask.
const COUNTED: u64 = 32 << 20;
/// The most that one image may take while it is decoded, its file included.
pub(crate) const MOST: u64 = 2 << 30;
/// What all images together may always take.
const LEAST_BUDGET: u64 = 256 << 20;

/// Whether so many bytes more can be had. Little is never asked about.
pub(crate) fn can_have(bytes: u64) -> bool {
    bytes <= COUNTED || available_memory().is_none_or(|available| bytes.saturating_add(COUNTED) <= available)
}

/// What all images together may take.
fn budget() -> u64 {
    static BUDGET: OnceLock<u64> = OnceLock::new();
    *BUDGET.get_or_init(|| available_memory().map_or(1 << 30, |available| available / 4).max(LEAST_BUDGET))
}

/// Who holds memory: bytes, by the order in which they came.
#[derive(Default)]
struct MemoryHolders {
    bytes: BTreeMap<u64, u64>,
    next: u64,
}

impl MemoryHolders {
    /// Whether this much more may be had now by who came as number `own`, or by a newcomer.
    fn admits(&self, own: Option<u64>, more: u64, budget: u64) -> bool {
        let held: u64 = self.bytes.values().sum();
        let first = self.bytes.first_key_value().map(|(&number, _)| number);
        first == own || held.saturating_add(more) <= budget
    }
}

static HOLDERS: Mutex<MemoryHolders> = Mutex::new(MemoryHolders { bytes: BTreeMap::new(), next: 0 });
static RELEASED: Condvar = Condvar::new();

fn holders() -> MutexGuard<'static, MemoryHolders> {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one thread holds.
#[derive(Clone, Copy, Default)]
struct HeldByThread {
    /// Scopes that are open, one in the other.
    depth: u32,
    /// Bytes that were asked for.
    bytes: u64,
    /// Its number among those who hold enough to be counted.
    number: Option<u64>,
}

thread_local! {
    static HELD: Cell<HeldByThread> = const { Cell::new(HeldByThread { depth: 0, bytes: 0, number: None }) };
}

/// While it lives, this thread holds what [`need`] was told. Nothing that other threads of a pool are waited for may be done in it.
pub(crate) struct Scope(PhantomData<*const ()>);

impl Scope {
    pub(crate) fn begin() -> Self {
        HELD.with(|held| held.set(HeldByThread { depth: held.get().depth + 1, ..held.get() }));
        Self(PhantomData)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let held = HELD.with(Cell::get);
        if held.depth > 1 {
            return HELD.with(|cell| cell.set(HeldByThread { depth: held.depth - 1, ..held }));
        }
        HELD.with(|cell| cell.set(HeldByThread::default()));
        if let Some(number) = held.number {
            holders().bytes.remove(&number);
            RELEASED.notify_all();
        }
    }
}

/// Asks for memory until the scope ends; waits until others have released enough.
///
/// # Errors
/// More than any image may take, or than the system gives.
pub(crate) fn need(bytes: u64) -> Result<(), ImageError> {
    let held = HELD.with(Cell::get);
    let all = held.bytes.saturating_add(bytes);
    if all > MOST {
        return Err(ImageError::Memory { mebibytes: all >> 20, reason: too_much() });
    }
    let mut number = held.number;
    // Outside of a scope nobody would release it.
    if all > COUNTED && held.depth > 0 {
        let mut holders = holders();
        let more = if number.is_some() { bytes } else { all };
        while !holders.admits(number, more, budget()) {
            holders = RELEASED.wait(holders).unwrap_or_else(PoisonError::into_inner);
        }
        let own = number.unwrap_or(holders.next);
        holders.next = holders.next.max(own + 1);
        *holders.bytes.entry(own).or_default() += more;
        number = Some(own);
    }
    if held.depth > 0 {
        HELD.with(|cell| cell.set(HeldByThread { bytes: all, number, ..held }));
    }
    while !can_have(bytes) {
        let holders = holders();
        let first = holders.bytes.first_key_value().map(|(&own, _)| own);
        if first.is_none() || first == number {
            // There is nobody whose memory would come free.
            return Err(ImageError::Shortage { mebibytes: bytes >> 20 });
        }
        // Other threads' memory comes free without a word where it was too little to be counted.
        let waited = RELEASED.wait_timeout(holders, AGAIN);
        drop(waited);
    }
    Ok(())
}

/// How long to wait before memory is asked for again.
const AGAIN: Duration = Duration::from_millis(50);

fn too_much() -> String {
    format!(
        "more than the {} MiB that one may take; make it smaller, or save it anew as an ordinary JPEG or an 8-bit PNG",
        MOST >> 20
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn whoever_has_held_memory_longest_goes_on_and_an_empty_house_takes_anyone() {
        let mut holders = MemoryHolders::default();
        assert!(holders.admits(None, 900, 100), "nobody else is there");
        holders.bytes.insert(3, 900);
        holders.bytes.insert(5, 10);
        assert!(holders.admits(Some(3), 900, 100), "the first one is never stopped");
        assert!(!holders.admits(Some(5), 1, 100) && !holders.admits(None, 1, 100));
        assert!(holders.admits(None, 1, 1000));
    }

    #[test]
    fn many_threads_that_want_more_than_there_is_all_come_to_an_end() {
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let size = budget() / 3 + 1;
        // More than an image may take would be refused, whatever the machine has.
        let size = size.min(MOST / 4);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _scope = Scope::begin();
                        need(size).unwrap();
                        let _inner = Scope::begin();
                        need(size).unwrap();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(HELD.with(Cell::get).number.is_none());
        assert!(most.load(Ordering::SeqCst) >= 1);
    }

    #[test]
    fn an_image_that_needs_too_much_is_told_how_much() {
        let _scope = Scope::begin();
        let error = need(MOST + (1 << 20)).unwrap_err().to_string();
        assert!(error.contains("2049 MiB") && error.contains("2048 MiB"), "{error}");
        assert!(!can_have(u64::MAX));
    }
}
