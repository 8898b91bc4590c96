//! Matrix products: tiles kept in registers, over operands packed so that they stream.

use super::simd::{Simd, Tile, kernel};
use bakeoff_machine::Isa;

/// The right-hand side of a product, packed: panels of [`Tile::panel`] columns, each row by row, the last one filled up with
/// zeros.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    pub(crate) data: *const f32,
    /// Numbers from one panel to the next.
    pub(crate) step: usize,
    /// Columns that are not filling.
    pub(crate) columns: usize,
}

/// The left-hand side.
#[derive(Clone, Copy)]
pub(crate) enum Left {
    /// Row `i`, column `k` lies at `data + i · row + k · column`.
    Strided { data: *const f32, row: usize, column: usize },
    /// As [`pack_tiles`] wrote it.
    Tiles(*const f32),
}

/// The result, row by row.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    pub(crate) data: *mut f32,
    pub(crate) row: usize,
    /// Add to what is there.
    pub(crate) accumulate: bool,
}

/// Memory that will be needed soon, asked for line by line while products run: their arithmetic hides its latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    regions: [Region; 2],
    region: usize,
    /// Lines of the region that have been asked for.
    asked: usize,
    /// Lines to ask for during every tile.
    lines: usize,
}

/// Some lines of a region, in a row or over the end of one: what is asked for during one tile.
#[derive(Clone, Copy)]
struct Stretch {
    next: *const f32,
    /// Lines that are left.
    lines: usize,
    /// Lines that are left of this row, and of every row.
    of_row: usize,
    row: usize,
    /// Numbers from the end of a row's last line to the next row.
    gap: usize,
}

impl Stretch {
    /// Asks for one line.
    #[inline(always)]
    fn step<S: Simd>(&mut self) {
        if self.lines > 0 {
            S::prefetch(self.next);
            self.lines -= 1;
            self.of_row -= 1;
            self.next = self.next.wrapping_add(LINE);
            if self.of_row == 0 {
                self.of_row = self.row;
                self.next = self.next.wrapping_add(self.gap);
            }
        }
    }
}

/// A part of a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    start: *const f32,
    /// Numbers from row to row.
    stride: usize,
    /// Numbers of a row.
    columns: usize,
    rows: usize,
}

impl Default for Region {
    fn default() -> Self {
        Self { start: std::ptr::null(), stride: 0, columns: 0, rows: 0 }
    }
}

impl Region {
    /// `columns` numbers of each of `rows` rows that lie `stride` apart; never read, so that any address will do.
    pub(crate) fn rows(start: *const f32, stride: usize, columns: usize, rows: usize) -> Self {
        Self { start, stride, columns, rows }
    }

    /// All of a slice.
    pub(crate) fn whole(slice: &[f32]) -> Self {
        Self { start: slice.as_ptr(), stride: 0, columns: slice.len(), rows: usize::from(!slice.is_empty()) }
    }

    /// Lines of all rows.
    #[inline(always)]
    fn lines(&self) -> usize {
        self.rows * self.columns.div_ceil(LINE)
    }

    /// The first `columns` numbers of every `stride`.
    pub(crate) fn columns(slice: &[f32], stride: usize, columns: usize) -> Self {
        Self { start: slice.as_ptr(), stride, columns, rows: slice.len().div_ceil(stride.max(1)) }
    }
}

/// Numbers in a cache line.
const LINE: usize = 16;

impl Ahead {
    /// Nothing is known of what comes.
    pub(crate) fn nothing() -> Self {
        Self::new([Region::default(); 2], 1)
    }

    /// The lines of two regions, spread over `tiles` tiles.
    pub(crate) fn new(regions: [Region; 2], tiles: usize) -> Self {
        let lines: usize = regions.iter().map(Region::lines).sum();
        Self { regions, region: 0, asked: 0, lines: lines.div_ceil(tiles.max(1)) }
    }

    /// Tiles of a product on this instruction set.
    pub(crate) fn tiles(isa: Isa, rows: usize, columns: usize) -> usize {
        rows.div_ceil(isa.tile()) * columns.div_ceil(isa.panel())
    }

    /// What to ask for during the next tile.
    #[inline(always)]
    fn stretch(&mut self) -> Stretch {
        let mut region = self.regions[self.region];
        if self.asked >= region.lines() && self.region + 1 < self.regions.len() {
            (self.region, self.asked) = (self.region + 1, 0);
            region = self.regions[self.region];
        }
        let row = region.columns.div_ceil(LINE).max(1);
        let (at, column) = (self.asked / row, self.asked % row);
        let lines = self.lines.min(region.lines() - self.asked);
        self.asked += lines;
        Stretch {
            next: region.start.wrapping_add(at * region.stride + column * LINE),
            lines,
            of_row: row - column,
            row,
            gap: region.stride.wrapping_sub(row * LINE),
        }
    }
}

kernel! {
    /// out (+)= left · right with `rows` × `depth` on the left. Left has `rows` rows and `depth` columns to read, right
    /// `depth` rows a panel, out `rows` rows of `right.columns` to write, aliasing nothing.
    pub(crate) unsafe fn product(
        rows: usize, depth: usize, left: Left, right: Panels, out: Out, ahead: &mut Ahead,
    ) = product_body
}

/// The largest tile of any instruction set.
const MOST: usize = 14 * 32;

/// Numbers that [`pack_tiles`] writes for so many rows of that depth.
pub(crate) fn packed_tiles(isa: Isa, rows: usize, depth: usize) -> usize {
    rows.div_ceil(isa.tile()) * isa.packed_tile() * depth
}

#[inline(always)]
unsafe fn product_body<S: Simd>(
    rows: usize,
    depth: usize,
    left: Left,
    right: Panels,
    out: Out,
    ahead: &mut Ahead,
) {
    let width = 2 * S::LANES;
    let tiles = rows.div_ceil(S::ROWS);
    let mut column = 0;
    let mut panel = right.data;
    while column < right.columns {
        let mut tile = 0;
        while tile < tiles {
            // Nearly equal tiles: a remainder of one row would run at a fraction of the speed.
            let start = tile * rows / tiles;
            let height = (tile + 1) * rows / tiles - start;
            let ahead = ahead.stretch();
            // SAFETY: rows start..start + height and columns up to `right.columns` lie inside by the caller's promise; a
            // partial panel goes through a buffer that is as wide as a whole one.
            unsafe {
                let (a, row, column_step) = match left {
                    Left::Strided { data, row, column } => (data.add(start * row), row, column),
                    Left::Tiles(data) => (data.add(tile * S::PACKED * depth), 1, S::PACKED),
                };
                let c = out.data.add(start * out.row + column);
                if column + width <= right.columns {
                    tile_of::<S>(
                        height,
                        depth,
                        a,
                        row,
                        column_step,
                        panel,
                        c,
                        out.row,
                        out.accumulate,
                        ahead,
                    );
                } else {
                    let mut buffer = [0.0f32; MOST];
                    tile_of::<S>(
                        height,
                        depth,
                        a,
                        row,
                        column_step,
                        panel,
                        buffer.as_mut_ptr(),
                        width,
                        false,
                        ahead,
                    );
                    let mut i = 0;
                    while i < height {
                        let mut j = 0;
                        while j < right.columns - column {
                            let to = c.add(i * out.row + j);
                            let value = buffer[i * width + j];
                            *to = if out.accumulate { *to + value } else { value };
                            j += 1;
                        }
                        i += 1;
                    }
                }
            }
            tile += 1;
        }
        column += width;
        panel = panel.wrapping_add(right.step);
    }
}

/// Picks the tile compiled for `height` rows.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a kernel's operands")]
unsafe fn tile_of<S: Simd>(
    height: usize,
    depth: usize,
    a: *const f32,
    row: usize,
    column: usize,
    b: *const f32,
    c: *mut f32,
    out_row: usize,
    accumulate: bool,
    ahead: Stretch,
) {
    macro_rules! heights {
        ($($n:literal)*) => {
            match height {
                // SAFETY: passed on.
                $($n if $n <= S::ROWS => unsafe {
                    tile::<S, $n>(depth, a, row, column, b, c, out_row, accumulate, ahead);
                },)*
                _ => {}
            }
        };
    }
    heights!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
}

/// One tile of R rows × two registers.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a kernel's operands")]
unsafe fn tile<S: Simd, const R: usize>(
    depth: usize,
    a: *const f32,
    row: usize,
    column: usize,
    b: *const f32,
    c: *mut f32,
    out_row: usize,
    accumulate: bool,
    ahead: Stretch,
) {
    // SAFETY: `product`'s callers vouch for R rows and `depth` columns of a, `depth` rows of b, and R rows of c.
    unsafe {
        let mut sums = [[S::splat(0.0); 2]; R];
        for i in 0..R {
            S::prefetch_to_write(c.add(i * out_row));
            S::prefetch_to_write(c.add(i * out_row + S::LANES));
        }
        let (mut a, mut b, mut ahead) = (a, b, ahead);
        for _ in 0..depth {
            // One line at a time: asked for all at once they would fill the buffers that the product's own operands wait for.
            ahead.step::<S>();
            let (b0, b1) = (S::load(b), S::load(b.add(S::LANES)));
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = S::splat(*a.add(i * row));
                sums[0] = S::fma(x, b0, sums[0]);
                sums[1] = S::fma(x, b1, sums[1]);
            }
            a = a.wrapping_add(column);
            b = b.add(2 * S::LANES);
        }
        for (i, sums) in sums.iter().enumerate() {
            let (to0, to1) = (c.add(i * out_row), c.add(i * out_row + S::LANES));
            if accumulate {
                S::store(to0, S::add(S::load(to0), sums[0]));
                S::store(to1, S::add(S::load(to1), sums[1]));
            } else {
                S::store(to0, sums[0]);
                S::store(to1, sums[1]);
            }
        }
    }
}

kernel! {
    /// Packs `columns` columns of `rows` rows that lie `stride` apart into panels, `step` numbers from one to the next; the
    /// last one is filled up with zeros. `from` has the rows' columns to read.
    pub(crate) unsafe fn pack_panels(
        rows: usize, columns: usize, from: *const f32, stride: usize, to: *mut f32, step: usize,
    ) = pack_panels_body
}

#[inline(always)]
unsafe fn pack_panels_body<S: Simd>(
    rows: usize,
    columns: usize,
    from: *const f32,
    stride: usize,
    to: *mut f32,
    step: usize,
) {
    let width = 2 * S::LANES;
    // SAFETY: the caller vouches for the rows, and for whole panels of `rows` rows.
    unsafe {
        for row in 0..rows {
            let (from, mut to) = (from.add(row * stride), to.add(row * width));
            let mut column = 0;
            while column + width <= columns {
                S::store(to, S::load(from.add(column)));
                S::store(to.add(S::LANES), S::load(from.add(column + S::LANES)));
                column += width;
                to = to.wrapping_add(step);
            }
            if column < columns {
                for i in 0..width {
                    *to.add(i) = if column + i < columns { *from.add(column + i) } else { 0.0 };
                }
            }
        }
    }
}

kernel! {
    /// Packs `count` rows of the depth, from `first` of `depth` on, of a left-hand side that lies depth by depth: `rows` numbers
    /// at every `stride`. Tile after tile, each depth by depth, so that products read it in one stream. `from` has `readable`
    /// numbers, `to` [`packed_tiles`].
    pub(crate) unsafe fn pack_tiles(
        rows: usize, from: *const f32, readable: usize, stride: usize, first: usize, count: usize, depth: usize, to: *mut f32,
    ) = pack_tiles_body
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a kernel's operands")]
unsafe fn pack_tiles_body<S: Simd>(
    rows: usize,
    from: *const f32,
    readable: usize,
    stride: usize,
    first: usize,
    count: usize,
    depth: usize,
    to: *mut f32,
) {
    let tiles = rows.div_ceil(S::ROWS);
    // SAFETY: the caller vouches for `rows` numbers at every stride, and for room for all tiles.
    unsafe {
        for k in 0..count {
            for tile in 0..tiles {
                let start = tile * rows / tiles;
                let at = k * stride + start;
                let (from, to) = (from.add(at), to.add((tile * depth + first + k) * S::PACKED));
                if at + S::PACKED <= readable {
                    // What lies beyond the tile's rows is never used.
                    let mut i = 0;
                    while i < S::PACKED {
                        S::store(to.add(i), S::load(from.add(i)));
                        i += S::LANES;
                    }
                } else {
                    for i in 0..(tile + 1) * rows / tiles - start {
                        *to.add(i) = *from.add(i);
                    }
                }
            }
        }
    }
}

/// Packs rows `column..` of a row-major matrix as the columns of a panel: the transposed product's right-hand side.
pub(crate) fn pack_panel_transposed(
    isa: Isa,
    matrix: &[f32],
    stride: usize,
    rows: usize,
    total: usize,
    column: usize,
    panel: &mut [f32],
) {
    let width = isa.panel();
    let columns = (total - column).min(width);
    if columns < width {
        panel[..rows * width].fill(0.0);
    }
    // Few rows at a time: their part of the panel stays in the first-level cache while its columns come one by one.
    for first in (0..rows).step_by(64) {
        let last = (first + 64).min(rows);
        for j in 0..columns {
            let from = &matrix[(column + j) * stride + first..(column + j) * stride + last];
            for (to, &value) in panel[first * width + j..].iter_mut().step_by(width).zip(from) {
                *to = value;
            }
        }
    }
}
