//! The cheapest assignment of levels to the cells of a grid, exactly, by one minimal cut.
//!
//! The energy is Σ cost(cell, level) + Σ weight(edge) · (level − level')² with weights that are not negative. Each cell has a node
//! for each step between two levels ("is the level above it?"), and (Σx − Σy)² is a sum of |x − y| and linear terms since nodes
//! of a cell can only be above in order (Ishikawa, "Exact optimization for Markov random fields with convex priors", PAMI 2003).
//! The maximal flow is found by shortest paths in layers (Dinitz 1970); costs are integers, so nothing is rounded.

/// A flow network over `nodes` nodes, a source and a sink.
struct Network {
    source: usize,
    /// First edge of every node, or `NONE`.
    first: Vec<usize>,
    /// The node's next edge.
    next: Vec<usize>,
    to: Vec<usize>,
    /// What an edge can still take. Edge e has its way back at e ^ 1.
    left: Vec<i64>,
}

const NONE: usize = usize::MAX;

impl Network {
    fn new(nodes: usize) -> Self {
        Self {
            source: nodes,
            first: vec![NONE; nodes + 2],
            next: Vec::new(),
            to: Vec::new(),
            left: Vec::new(),
        }
    }

    fn sink(&self) -> usize {
        self.source + 1
    }

    fn edge(&mut self, from: usize, to: usize, there: i64, back: i64) {
        for (from, to, capacity) in [(from, to, there), (to, from, back)] {
            self.next.push(self.first[from]);
            self.first[from] = self.to.len();
            self.to.push(to);
            self.left.push(capacity);
        }
    }

    /// What it costs to have the node on the source's side.
    fn cost(&mut self, node: usize, cost: i64) {
        if cost > 0 {
            self.edge(node, self.sink(), cost, 0);
        } else if cost < 0 {
            self.edge(self.source, node, -cost, 0);
        }
    }

    /// Edges from the source that every node can be reached in, by edges with room; `NONE` where it cannot.
    fn layers(&self) -> Vec<usize> {
        let mut layers = vec![NONE; self.first.len()];
        layers[self.source] = 0;
        let mut queue = vec![self.source];
        let mut at = 0;
        while let Some(&node) = queue.get(at) {
            at += 1;
            let mut edge = self.first[node];
            while edge != NONE {
                let to = self.to[edge];
                if self.left[edge] > 0 && layers[to] == NONE {
                    layers[to] = layers[node] + 1;
                    queue.push(to);
                }
                edge = self.next[edge];
            }
        }
        layers
    }

    /// Whether each node is on the source's side of the minimal cut; of several such cuts the one with the fewest nodes there, so
    /// that it does not depend on the flow found.
    fn cut(mut self) -> Vec<bool> {
        loop {
            let mut layers = self.layers();
            if layers[self.sink()] == NONE {
                layers.truncate(self.source);
                return layers.into_iter().map(|layer| layer != NONE).collect();
            }
            let mut current = self.first.clone();
            let mut path: Vec<usize> = Vec::new();
            loop {
                let node = path.last().map_or(self.source, |&edge| self.to[edge]);
                if node == self.sink() {
                    let room = path.iter().map(|&edge| self.left[edge]).min().unwrap_or(0);
                    for &edge in &path {
                        self.left[edge] -= room;
                        self.left[edge ^ 1] += room;
                    }
                    let full = path.iter().position(|&edge| self.left[edge] == 0).unwrap_or(0);
                    path.truncate(full);
                    continue;
                }
                while current[node] != NONE {
                    let edge = current[node];
                    if self.left[edge] > 0 && layers[self.to[edge]] == layers[node] + 1 {
                        break;
                    }
                    current[node] = self.next[edge];
                }
                match current[node] {
                    NONE if path.is_empty() => break,
                    // A dead end: nobody comes here again in this round.
                    NONE => {
                        layers[node] = NONE - 1;
                        path.pop();
                    }
                    edge => path.push(edge),
                }
            }
        }
    }
}

/// A grid of cells that each take one of `steps + 1` levels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Cells a side.
    pub(crate) side: usize,
    /// Levels, less one.
    pub(crate) steps: usize,
    /// Cost of every level of every cell, cell by cell.
    pub(crate) costs: Vec<i64>,
    /// Weight between a cell and the one below it, row by row; not negative.
    pub(crate) below: Vec<i64>,
    /// Weight between a cell and the one right of it, row by row; not negative.
    pub(crate) right: Vec<i64>,
}

impl Grid {
    /// Edges: two cells and their weight.
    fn edges(&self) -> impl Iterator<Item = (usize, usize, i64)> {
        let side = self.side;
        let below = self.below.iter().enumerate().map(move |(cell, &weight)| (cell, cell + side, weight));
        let right = self.right.iter().enumerate().map(move |(edge, &weight)| {
            let cell = edge / (side - 1) * side + edge % (side - 1);
            (cell, cell + 1, weight)
        });
        below.chain(right)
    }

    /// What these levels cost.
    #[cfg(test)]
    pub(crate) fn energy(&self, levels: &[usize]) -> i64 {
        let costs = self.costs.chunks_exact(self.steps + 1).zip(levels).map(|(costs, &level)| costs[level]);
        let apart = |(a, b, weight): (usize, usize, i64)| {
            let apart = levels[a].abs_diff(levels[b]) as i64;
            weight * apart * apart
        };
        costs.sum::<i64>() + self.edges().map(apart).sum::<i64>()
    }

    /// The levels that cost least; of several such assignments the one that is nowhere above another.
    pub(crate) fn cheapest(&self) -> Vec<usize> {
        let steps = self.steps;
        let mut linear: Vec<i64> = self
            .costs
            .chunks_exact(steps + 1)
            .flat_map(|costs| costs.windows(2).map(|pair| pair[1] - pair[0]))
            .collect();
        let mut network = Network::new(linear.len());
        for (a, b, weight) in self.edges().filter(|(_, _, weight)| *weight > 0) {
            for step in 0..steps {
                let square = weight * (2 * step as i64 + 1 - steps as i64);
                linear[a * steps + step] += square;
                linear[b * steps + step] += square;
                for other in 0..steps {
                    network.edge(a * steps + step, b * steps + other, weight, weight);
                }
            }
        }
        // More than anything else together.
        let never = linear.iter().map(|cost| cost.saturating_abs()).fold(1i64, i64::saturating_add);
        for (node, &cost) in linear.iter().enumerate() {
            network.cost(node, cost);
            if node % steps != 0 {
                network.edge(node, node - 1, never, 0);
            }
        }
        let above = network.cut();
        above.chunks_exact(steps).map(|above| above.iter().filter(|above| **above).count()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid() -> impl Strategy<Value = Grid> {
        (1..4usize, 1..4usize).prop_flat_map(|(side, steps)| {
            let edges = side * (side - 1);
            (
                prop::collection::vec(-20..20i64, side * side * (steps + 1)),
                prop::collection::vec(0..8i64, edges),
                prop::collection::vec(0..8i64, edges),
            )
                .prop_map(move |(costs, below, right)| Grid { side, steps, costs, below, right })
        })
    }

    /// Every assignment, one after the other, the first cell turning fastest.
    fn assignments(grid: &Grid) -> impl Iterator<Item = Vec<usize>> {
        let (levels, cells) = (grid.steps + 1, grid.side * grid.side);
        (0..levels.pow(cells as u32))
            .map(move |number| (0..cells).map(|cell| number / levels.pow(cell as u32) % levels).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

        #[test]
        fn nothing_is_cheaper(grid in grid().prop_filter("can be counted", |grid| grid.side < 3 || grid.steps < 2)) {
            let found = grid.cheapest();
            let least = assignments(&grid).map(|levels| grid.energy(&levels)).min().unwrap();
            prop_assert_eq!(grid.energy(&found), least);
            // Of the cheapest ones the lowest.
            for levels in assignments(&grid).filter(|levels| grid.energy(levels) == least) {
                prop_assert!(found.iter().zip(&levels).all(|(ours, other)| ours <= other));
            }
        }
    }

    #[test]
    fn without_edges_every_cell_takes_its_own_cheapest_level() {
        let grid = Grid { side: 1, steps: 3, costs: vec![4, 2, 9, 2], below: Vec::new(), right: Vec::new() };
        assert_eq!(grid.cheapest(), [1]);
    }
}
