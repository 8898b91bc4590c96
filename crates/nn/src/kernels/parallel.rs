//! Work split by shape: tasks are numbered, threads take the next number, and no result depends on who took it.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::ThreadPool;

/// The threads of a session.
pub(crate) struct Threads {
    pool: ThreadPool,
}

impl Threads {
    /// A pool of `count` threads. One thread is a pool too: on the caller's own, Rayon's loops would run in whatever pool
    /// that one is in, or in the global one. The error is the system's.
    pub(crate) fn new(count: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(count.max(1));
        Ok(Self { pool: builder.thread_name(|i| format!("nn-{i}")).build()? })
    }

    pub(crate) fn count(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Whether several tasks are worth handing out.
    fn shared_out(&self, tasks: usize) -> bool {
        tasks > 1 && self.count() > 1
    }

    /// Runs `work` on a thread of the pool, so that the parallel regions inside need not cross into it each time.
    pub(crate) fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// `task(number, thread)` for every number below `tasks`, each once. `thread` is below [`Threads::count`].
    pub(crate) fn run(&self, tasks: usize, task: impl Fn(usize, usize) + Sync) {
        if !self.shared_out(tasks) {
            return (0..tasks).for_each(|number| task(number, 0));
        }
        let next = AtomicUsize::new(0);
        self.pool.broadcast(|context| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tasks {
                    break;
                }
                task(number, context.index());
            }
        });
    }
}

impl Threads {
    /// As [`Threads::run`], and `task` learns which number the same thread will work on next, so that it can ask for that
    /// memory early.
    pub(crate) fn run_ahead(&self, tasks: usize, task: impl Fn(usize, Option<usize>, usize) + Sync) {
        if !self.shared_out(tasks) {
            return (0..tasks).for_each(|number| task(number, Some(number + 1).filter(|&n| n < tasks), 0));
        }
        let next = AtomicUsize::new(0);
        let claim = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&number| number < tasks);
        self.pool.broadcast(|context| {
            let mut current = claim();
            while let Some(number) = current {
                let following = claim();
                task(number, following, context.index());
                current = following;
            }
        });
    }
}

/// A slice whose parts tasks write at the same time.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    data: *mut T,
    len: usize,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a `&mut [T]` which may be sent between threads where T may; that tasks touch disjoint parts is the
// obligation of `Shared::part`.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above; sharing it only hands out what `part` vouches for.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { data: slice.as_mut_ptr(), len: slice.len(), life: PhantomData }
    }

    /// The place of number `start`, for parts that are not contiguous.
    pub(crate) fn part_pointer(&self, start: usize) -> *mut T {
        assert!(start <= self.len, "a part outside its slice");
        self.data.wrapping_add(start)
    }

    /// Numbers `start..start + len`.
    ///
    /// # Safety
    /// No other live part overlaps this one.
    pub(crate) unsafe fn part(&self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start <= self.len && len <= self.len - start, "a part outside its slice");
        // SAFETY: inside the slice by the line above, not aliased by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), len) }
    }
}

/// Rounds up the quotient.
pub(crate) fn blocks(total: usize, most: usize) -> usize {
    total.div_ceil(most).max(1)
}

/// The `index`-th of `count` nearly equal parts of `total`.
pub(crate) fn part(total: usize, count: usize, index: usize) -> std::ops::Range<usize> {
    index * total / count..(index + 1) * total / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_for_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let threads = Threads::new(threads).unwrap();
            let counts: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            threads.enter(|| {
                threads.run_ahead(100, |task, _, thread| {
                    assert!(thread < threads.count());
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
                threads.run(100, |task, thread| {
                    assert!(thread < threads.count());
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
            });
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 2));
        }
    }

    #[test]
    fn parts_cover_without_overlap() {
        for (total, count) in [(10, 3), (3, 10), (0, 1), (196, 14)] {
            let ends: Vec<_> = (0..count).map(|i| part(total, count, i)).collect();
            assert_eq!(ends[0].start, 0);
            assert_eq!(ends[count - 1].end, total);
            assert!(ends.windows(2).all(|w| w[0].end == w[1].start));
        }
    }
}
