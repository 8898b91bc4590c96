//! PuzzleMix (Kim, Choo & Song, ICML 2020): which blocks of two images are kept, and where their salient blocks move to. From the
//! paper and the published code; the mask is the exact minimum of the energy whose local minimum the code finds by swaps.

use std::sync::Arc;

use super::blend::Patch;
use super::cut;

/// Blocks of an image are moved on a grid of this many a side at most.
const FINEST: usize = 16;

/// Units of the integers that costs are rounded to, for each block.
const UNITS: f64 = (1 << 20) as f64;

/// Costs beyond this are as good as this: sums stay far from the end of the integers.
const MOST: i64 = 1 << 44;

/// The numbers of a PuzzleMix, beside the drawn ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Levels of the mask, 2 to 4.
    pub(crate) n_labels: usize,
    /// Weight of label smoothness.
    pub(crate) beta: f64,
    /// Weight of data smoothness, in [0, 1].
    pub(crate) gamma: f64,
    /// Weight of the prior of lambda.
    pub(crate) eta: f64,
    /// Side of the cells whose means are compared at the border of two blocks, in pixels.
    pub(crate) neigh_size: usize,
    /// What moving a block costs, and the side of the blocks that move where it is not the mask's, in pixels.
    pub(crate) transport: Option<(f64, Option<usize>)>,
}

/// Columns and rows of a part of an image, `[from, to)` each.
type Window = [[usize; 2]; 2];

/// One of the two images.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// Interleaved RGB.
    pub(crate) pixels: &'a [f32],
    /// Saliency of every pixel; `None` where nothing is known.
    pub(crate) saliency: Option<&'a [f64]>,
}

/// Root of the mean square over the channels of the loss's gradient at each pixel, the published code's saliency.
pub(crate) fn saliency(gradient: &[f32]) -> Vec<f64> {
    let square = |value: &f32| f64::from(*value) * f64::from(*value);
    gradient
        .as_chunks::<3>()
        .0
        .iter()
        .map(|pixel| (pixel.iter().map(square).sum::<f64>() / 3.0).sqrt())
        .collect()
}

/// An image cut into side × side blocks, along each axis as PyTorch's `interpolate(mode = "nearest")` enlarges a mask.
#[derive(Clone, Debug, PartialEq)]
struct Blocks {
    side: usize,
    width: usize,
    height: usize,
}

impl Blocks {
    /// Where block `index` begins and ends along `length` pixels.
    fn span(&self, index: usize, length: usize) -> [usize; 2] {
        [index, index + 1].map(|index| (index * length).div_ceil(self.side))
    }

    /// The block a pixel lies in.
    fn of(&self, x: usize, y: usize) -> usize {
        y * self.side / self.height * self.side + x * self.side / self.width
    }

    /// Shares of the saliency, block by block; sums to one.
    fn salience(&self, saliency: Option<&[f64]>) -> Vec<f64> {
        let even = || vec![1.0 / (self.side * self.side) as f64; self.side * self.side];
        let Some(saliency) = saliency else { return even() };
        let mut means = Vec::with_capacity(self.side * self.side);
        for row in 0..self.side {
            let [y0, y1] = self.span(row, self.height);
            for column in 0..self.side {
                let [x0, x1] = self.span(column, self.width);
                let sum: f64 = (y0..y1).flat_map(|y| &saliency[y * self.width..][x0..x1]).sum();
                means.push(sum / ((x1 - x0) * (y1 - y0)) as f64);
            }
        }
        let total: f64 = means.iter().sum();
        // A gradient that vanishes, or is no number, says nothing.
        if total > 0.0 && total.is_finite() {
            means.into_iter().map(|mean| mean / total).collect()
        } else {
            even()
        }
    }
}

/// Mean of each channel over a window.
fn mean(pixels: &[f32], width: usize, [[x0, x1], [y0, y1]]: Window) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for y in y0..y1 {
        for pixel in pixels[(y * width + x0) * 3..(y * width + x1) * 3].as_chunks::<3>().0 {
            sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    }
    sums.map(|sum| sum / ((x1 - x0) * (y1 - y0)) as f64)
}

/// How a block of the one image would look beside a block of the other: mean absolute difference of the cells on both sides of
/// their border, `[image of the first block][image of the second]`, with `[partner, own]` as images.
fn difference(images: [&[f32]; 2], cells: &[[Window; 2]], width: usize) -> [[f64; 2]; 2] {
    let mut sums = [[0.0; 2]; 2];
    for cell in cells {
        let means = images.map(|pixels| cell.map(|window| mean(pixels, width, window)));
        for (first, sums) in sums.iter_mut().enumerate() {
            for (second, sum) in sums.iter_mut().enumerate() {
                let (a, b) = (means[first][0], means[second][1]);
                *sum += a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 3.0;
            }
        }
    }
    sums.map(|sums| sums.map(|sum| sum / cells.len().max(1) as f64))
}

/// What the mask's blocks cost, before rounding.
#[derive(Clone, Debug, PartialEq)]
struct Energy {
    /// Cost of every level of every block; level 0 keeps the own image, the last one the partner's.
    costs: Vec<f64>,
    /// Weight between a block and the one below it.
    below: Vec<f64>,
    /// Weight between a block and the one right of it.
    right: Vec<f64>,
}

impl Energy {
    fn new(blocks: &Blocks, own: Piece<'_>, partner: Piece<'_>, lambda: f64, settings: &Settings) -> Self {
        let &Blocks { side, width, height } = blocks;
        // Keeping a block costs what the partner's has to tell.
        let (mut keep, mut give) = (blocks.salience(partner.saliency), blocks.salience(own.saliency));
        let beta = settings.beta / side as f64 / 16.0;
        let images = [partner.pixels, own.pixels];
        let mut edge = |first: usize, second: usize, cells: &[[Window; 2]]| {
            let [[both_given, given_kept], [kept_given, both_kept]] =
                difference(images, cells, width).map(|row| row.map(|d| beta * settings.gamma * d));
            keep[first] += (kept_given + both_kept) / 2.0;
            give[first] += (given_kept + both_given) / 2.0;
            keep[second] += (given_kept + both_kept) / 2.0;
            give[second] += (kept_given + both_given) / 2.0;
            // Values outside [0, 1] may differ by more than one, and would then reward a border.
            ((kept_given + given_kept - both_kept - both_given) / 2.0 + beta).max(0.0)
        };
        let (mut below, mut right) = (Vec::new(), Vec::new());
        for row in 0..side {
            let rows = blocks.span(row, height);
            for column in 0..side {
                let columns = blocks.span(column, width);
                let block = row * side + column;
                if row + 1 < side {
                    let next = blocks.span(row + 1, height);
                    let [before, after] = beside(rows, next, settings.neigh_size, columns);
                    let cells: Vec<_> = along(columns, settings.neigh_size, rows)
                        .map(|x| [[x, before], [x, after]])
                        .collect();
                    below.push(edge(block, block + side, &cells));
                }
                if column + 1 < side {
                    let next = blocks.span(column + 1, width);
                    let [before, after] = beside(columns, next, settings.neigh_size, rows);
                    let cells: Vec<_> = along(rows, settings.neigh_size, columns)
                        .map(|y| [[before, y], [after, y]])
                        .collect();
                    right.push(edge(block, block + 1, &cells));
                }
            }
        }
        let steps = settings.n_labels.clamp(2, 4) - 1;
        let prior = prior(lambda, steps).map(|cost| settings.eta * cost / (side * side) as f64);
        let cost = |(keep, give): (&f64, &f64)| {
            (0..=steps)
                .map(|level| (level as f64 / steps as f64, prior[level]))
                .map(|(share, prior)| (1.0 - share) * keep + share * give + prior)
                .collect::<Vec<f64>>()
        };
        let costs = keep.iter().zip(&give).flat_map(cost).collect();
        Self { costs, below, right }
    }

    /// In whole numbers.
    fn grid(&self, side: usize, steps: usize) -> cut::Grid {
        let units = UNITS * (side * side) as f64;
        let whole = |cost: &f64| ((cost * units).round() as i64).clamp(-MOST, MOST);
        // Between levels l and m an edge costs weight · ((l − m) / steps)²: everything times steps².
        let square = (steps * steps) as i64;
        cut::Grid {
            side,
            steps,
            costs: self.costs.iter().map(|cost| whole(cost) * square).collect(),
            below: self.below.iter().map(whole).collect(),
            right: self.right.iter().map(whole).collect(),
        }
    }
}

/// The cells' extent across the border between two blocks, on both sides of it.
fn beside(block: [usize; 2], next: [usize; 2], size: usize, across: [usize; 2]) -> [[usize; 2]; 2] {
    let size = cell(size, [block, next, across]);
    [[block[1] - size, block[1]], [next[0], next[0] + size]]
}

/// The cells' extents along the border; what no whole cell covers is left out.
fn along(block: [usize; 2], size: usize, across: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
    let size = cell(size, [block, across, across]);
    (0..(block[1] - block[0]) / size).map(move |cell| [block[0] + cell * size, block[0] + (cell + 1) * size])
}

/// No cell is larger than a block.
fn cell(size: usize, blocks: [[usize; 2]; 3]) -> usize {
    blocks.iter().map(|[start, end]| end - start).min().unwrap_or(1).min(size).max(1)
}

/// −ln of the binomial probability of every level: of `steps` votes, each for the partner with probability 1 − lambda.
fn prior(lambda: f64, steps: usize) -> [f64; 4] {
    let mut choose = 1.0;
    let mut costs = [0.0; 4];
    for (level, cost) in costs.iter_mut().enumerate().take(steps + 1) {
        let probability = choose * lambda.powi((steps - level) as i32) * (1.0 - lambda).powi(level as i32);
        *cost = -(probability + 1e-8).ln();
        choose = choose * (steps - level) as f64 / (level + 1) as f64;
    }
    costs
}

/// For each place the block that comes there: all blocks bid at once for the place among those of the mask that pays them most
/// (their saliency, less what the way costs), each place takes the best bid, and who lost bids elsewhere, for as many rounds as
/// there are blocks a side. A place that nobody wants keeps its block.
fn transport(salience: &[f64], wanted: &[bool], side: usize, cost: f64) -> Vec<usize> {
    let places = side * side;
    let mut winners: Vec<usize> = (0..places).collect();
    if side < 2 {
        return winners;
    }
    // In single precision as the published code, so that equal bids are equal there and here.
    let (scale, cost) = (((side - 1) * (side - 1)) as f32, cost as f32);
    let price = |block: usize, place: usize| {
        let apart = |a: usize, b: usize| a.abs_diff(b) * a.abs_diff(b);
        let squares = apart(block / side, place / side) + apart(block % side, place % side);
        cost * (squares as f32 / scale) - salience[block] as f32
    };
    let mut lost = vec![false; places * places];
    let mut bids: Vec<Option<usize>> = vec![None; places];
    let mut bidding: Vec<usize> = (0..places).collect();
    for _ in 0..side {
        for &block in &bidding {
            // The first of equal ones. Only bids below zero can win.
            let mut best = (0.0, None);
            for place in (0..places).filter(|&place| wanted[place] && !lost[block * places + place]) {
                let price = price(block, place);
                if price < best.0 {
                    best = (price, Some(place));
                }
            }
            bids[block] = best.1;
        }
        let mut best: Vec<Option<(f32, usize)>> = vec![None; places];
        for (block, place) in bids.iter().enumerate().filter_map(|(block, bid)| Some((block, (*bid)?))) {
            let price = price(block, place);
            if best[place].is_none_or(|(least, _)| price < least) {
                best[place] = Some((price, block));
            }
        }
        for (place, best) in best.iter().enumerate() {
            winners[place] = best.map_or(place, |(_, block)| block);
        }
        bidding.clear();
        for (block, place) in bids.iter().enumerate().filter_map(|(block, bid)| Some((block, (*bid)?))) {
            if winners[place] != block {
                lost[block * places + place] = true;
                bidding.push(block);
            }
        }
        if bidding.is_empty() {
            break;
        }
    }
    winners
}

/// Which parts of two images make one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Puzzle {
    /// The partner's share of each pixel.
    pub(crate) mask: Arc<[f32]>,
    /// Blocks that move.
    blocks: Blocks,
    /// For each of them the block of the own image that comes there.
    own: Vec<usize>,
    /// The same of the partner's.
    partner: Vec<usize>,
}

impl Patch for Puzzle {
    fn pixels(&self, image: &[f32], partner: &[f32], _: [usize; 2], _: [usize; 2]) -> Vec<f32> {
        self.assemble(image, partner)
    }
}

impl Puzzle {
    /// Decides for images of `size` (width, height), with blocks_a_side² blocks (fewer where there are no more pixels) and the
    /// drawn lambda.
    pub(crate) fn new(
        own: Piece<'_>,
        partner: Piece<'_>,
        [width, height]: [usize; 2],
        blocks_a_side: usize,
        lambda: f64,
        settings: &Settings,
    ) -> Self {
        let shorter = width.min(height);
        let side = blocks_a_side.clamp(1, shorter);
        let blocks = Blocks { side, width, height };
        let steps = settings.n_labels.clamp(2, 4) - 1;
        let levels = Energy::new(&blocks, own, partner, lambda, settings).grid(side, steps).cheapest();
        let share = |block: usize| levels[block] as f32 / steps as f32;
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let mask = pixels.map(|(x, y)| share(blocks.of(x, y))).collect();
        let Some((cost, size)) = settings.transport else {
            let stay: Vec<usize> = (0..side * side).collect();
            return Self { mask, blocks, own: stay.clone(), partner: stay };
        };
        // Each block of the mask is so many blocks that move, a side.
        let finer = size.map_or(1, |size| shorter / side / size.max(1)).clamp(1, (FINEST / side).max(1));
        let fine = Blocks { side: side * finer, ..blocks };
        let level = |place: usize| levels[place / fine.side / finer * side + place % fine.side / finer];
        let places = 0..fine.side * fine.side;
        let kept: Vec<bool> = places.clone().map(|place| level(place) < steps).collect();
        let given: Vec<bool> = places.map(|place| level(place) > 0).collect();
        Self {
            mask,
            own: transport(&fine.salience(own.saliency), &kept, fine.side, cost),
            partner: transport(&fine.salience(partner.saliency), &given, fine.side, cost),
            blocks: fine,
        }
    }

    /// The image that is put together.
    fn assemble(&self, own: &[f32], partner: &[f32]) -> Vec<f32> {
        let Blocks { width, height, .. } = self.blocks;
        let mut values = Vec::with_capacity(own.len());
        for y in 0..height {
            for x in 0..width {
                let at = |sources: &[usize]| self.source(sources, x, y);
                let share = self.mask[y * width + x];
                let (a, b) = (at(&self.own), at(&self.partner));
                values.extend((0..3).map(|c| (1.0 - share) * own[a + c] + share * partner[b + c]));
            }
        }
        values
    }

    /// Where in an image the pixel comes from. Blocks of a size that does not divide the image differ by a pixel, whose
    /// neighbour stands in.
    fn source(&self, sources: &[usize], x: usize, y: usize) -> usize {
        let Blocks { side, width, height } = self.blocks;
        let place = self.blocks.of(x, y);
        let block = sources[place];
        let along = |at: usize, place: usize, block: usize, length: usize| {
            let ([from, _], [to, end]) = (self.blocks.span(place, length), self.blocks.span(block, length));
            (to + at - from).min(end - 1)
        };
        let x = along(x, place % side, block % side, width);
        let y = along(y, place / side, block / side, height);
        (y * width + x) * 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, floats, list, number, read};
    use serde_json::Value;

    fn settings(case: &Value) -> Settings {
        Settings {
            n_labels: count(&case["n_labels"]),
            beta: number(&case["beta"]),
            gamma: number(&case["gamma"]),
            eta: number(&case["eta"]),
            neigh_size: count(&case["neigh"]),
            transport: Some((
                number(&case["t_eps"]),
                (!case["t_size"].is_null()).then(|| count(&case["t_size"])),
            )),
        }
    }

    const USUAL: Settings = Settings {
        n_labels: 3,
        beta: 1.2,
        gamma: 0.5,
        eta: 0.2,
        neigh_size: 4,
        transport: Some((0.8, None)),
    };

    #[test]
    fn puzzles_are_those_of_the_published_code() {
        let fixture = read("puzzlemix.json");
        let size = count(&fixture["size"]);
        let (images, gradient) = (floats(&fixture["images"]), floats(&fixture["gradient"]));
        let images: Vec<&[f32]> = images.chunks_exact(size * size * 3).collect();
        let saliency: Vec<Vec<f64>> = gradient.chunks_exact(size * size * 3).map(saliency).collect();
        let piece = |index: usize| Piece { pixels: images[index], saliency: Some(&saliency[index]) };
        let (mut same, mut all) = (0, 0);
        for case in list(&fixture["cases"]) {
            let (side, lambda, settings) = (count(&case["blocks"]), number(&case["lambda"]), settings(case));
            let blocks = Blocks { side, width: size, height: size };
            for own in 0..2 {
                let partner = 1 - own;
                let half = |key: &str| {
                    let values = list(&case[key]);
                    values[own * values.len() / 2..][..values.len() / 2]
                        .iter()
                        .map(number)
                        .collect::<Vec<f64>>()
                };
                let energy = Energy::new(&blocks, piece(own), piece(partner), lambda, &settings);
                for (key, ours) in
                    [("costs", &energy.costs), ("below", &energy.below), ("right", &energy.right)]
                {
                    let theirs = half(key);
                    assert_eq!(ours.len(), theirs.len(), "{key}");
                    // Theirs are sums of f32.
                    assert!(
                        ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 2e-7 + 1e-5 * b.abs()),
                        "{case} {key}"
                    );
                }
                let grid = energy.grid(side, settings.n_labels - 1);
                let theirs: Vec<usize> = half("levels").iter().map(|level| *level as usize).collect();
                let ours = grid.cheapest();
                // Swaps end where no swap helps; they know costs to a thousandth of a block's mean.
                assert!(grid.energy(&ours) <= grid.energy(&theirs), "{case}");
                all += 1;
                if ours != theirs {
                    continue;
                }
                same += 1;
                let puzzle = Puzzle::new(piece(own), piece(partner), [size; 2], side, lambda, &settings);
                let mean =
                    puzzle.mask.iter().map(|share| f64::from(*share)).sum::<f64>() / (size * size) as f64;
                assert!((1.0 - mean - number(&case["ratio"][own])).abs() < 1e-6);
                // Written to four decimals.
                let mixed: Vec<f32> = half("mixed").iter().map(|value| *value as f32).collect();
                assert_close(
                    &puzzle.assemble(images[own], images[partner]),
                    &mixed,
                    6e-5,
                    &case["blocks"].to_string(),
                );
            }
        }
        assert!(same * 4 >= all * 3, "{same} masks of {all} are the same");
    }

    #[test]
    fn images_of_any_size_are_put_together_from_their_own_pixels() {
        for (width, height) in [(1, 1), (1, 5), (5, 1), (7, 3), (13, 17), (30, 22)] {
            let len = width * height;
            let own: Vec<f32> = (0..len * 3).map(|i| (i % 97) as f32 / 200.0).collect();
            let partner: Vec<f32> = (0..len * 3).map(|i| 0.5 + (i % 89) as f32 / 200.0).collect();
            let noise: Vec<f64> = (0..len).map(|i| (i * 7919 % 101) as f64).collect();
            for saliency in [None, Some(noise.as_slice()), Some(&vec![0.0; len]), Some(&vec![f64::NAN; len])]
            {
                for (side, t_size) in [(1, None), (2, Some(1)), (4, Some(2)), (16, None)] {
                    let settings = Settings { n_labels: 2, transport: Some((0.1, t_size)), ..USUAL };
                    let piece = |pixels| Piece { pixels, saliency };
                    let puzzle =
                        Puzzle::new(piece(&own), piece(&partner), [width, height], side, 0.5, &settings);
                    let image = puzzle.assemble(&own, &partner);
                    assert_eq!(image.len(), own.len());
                    for (value, share) in image.chunks_exact(3).zip(puzzle.mask.iter()) {
                        let from = if *share == 0.0 { &own } else { &partner };
                        assert!(*share == 0.0 || *share == 1.0);
                        assert!(from.chunks_exact(3).any(|pixel| pixel == value));
                    }
                }
            }
        }
    }

    #[test]
    fn the_prior_alone_keeps_one_image_or_the_other() {
        let pixels = vec![0.5; 8 * 8 * 3];
        let piece = Piece { pixels: &pixels, saliency: None };
        for (lambda, share) in [(0.9, 0.0), (0.1, 1.0), (0.5, 0.5)] {
            let puzzle = Puzzle::new(piece, piece, [8, 8], 4, lambda, &USUAL);
            assert!(puzzle.mask.iter().all(|&value| value == share), "{lambda}: {:?}", puzzle.mask);
        }
    }

    #[test]
    fn salient_blocks_move_to_the_nearest_place_the_mask_shows_and_no_block_comes_twice() {
        // One salient block in the first of four columns, of which the mask shows the last two.
        let mut salience = vec![0.01; 16];
        salience[4] = 0.85;
        let wanted: Vec<bool> = (0..16).map(|place| place % 4 >= 2).collect();
        let moved = transport(&salience, &wanted, 4, 0.8);
        assert_eq!(moved[6], 4, "the same row, two columns on");
        let mut shown: Vec<usize> =
            (0..16).filter(|&place| wanted[place]).map(|place| moved[place]).collect();
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown.len(), 8);
        // Where moving costs more than it pays, everything stays.
        assert_eq!(transport(&salience, &wanted, 4, 100.0), (0..16).collect::<Vec<_>>());
        assert_eq!(transport(&[1.0], &[true], 1, 0.8), [0]);
    }
}
