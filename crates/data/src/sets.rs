//! Sets that are joined one pair at a time.

use std::collections::HashMap;

/// Disjoint sets.
pub(crate) struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    pub(crate) fn new(count: usize) -> Self {
        Self { parent: (0..count).collect() }
    }

    /// The first of its set.
    pub(crate) fn root(&self, mut index: usize) -> usize {
        while self.parent[index] != index {
            index = self.parent[index];
        }
        index
    }

    pub(crate) fn join(&mut self, a: usize, b: usize) {
        let (first, second) = (self.root(a), self.root(b));
        let root = first.min(second);
        // Whatever was passed on the way points to the root from now on, so that ways stay short.
        for mut index in [a, b] {
            while self.parent[index] != index {
                index = std::mem::replace(&mut self.parent[index], root);
            }
            self.parent[index] = root;
        }
    }

    pub(crate) fn of_several(&self) -> Vec<Vec<usize>> {
        let mut sets: HashMap<usize, Vec<usize>> = HashMap::new();
        for index in 0..self.parent.len() {
            sets.entry(self.root(index)).or_default().push(index);
        }
        let mut sets: Vec<Vec<usize>> = sets.into_values().filter(|set| set.len() > 1).collect();
        sets.sort_unstable();
        sets
    }
}
