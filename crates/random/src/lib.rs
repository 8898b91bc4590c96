//! Counter-based random streams.
//!
//! Every draw Bakeoff makes is a function of an address, (seed, operation, epoch, sample, draw number), and of nothing
//! else: not of the number of threads, not of the order of work, not of where a run was interrupted. The generator is
//! Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), the generator behind the
//! counter-based streams of NumPy, JAX's alternatives, TensorFlow and cuRAND, checked against the authors' known answers.
//!
//! The crate stands left of all others because splitting a data set, augmenting an image, initialising a head and
//! bootstrapping an interval all draw.
//!
//! ```
//! use bakeoff_random::Stream;
//! let mut a = Stream::new(7, "random-flip", 3, 12_345);
//! let mut b = Stream::new(7, "random-flip", 3, 12_345);
//! assert_eq!(a.uniform(), b.uniform());
//! ```

#![warn(clippy::print_stderr)]

const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

const ROUNDS: usize = 10;

/// Blocks made at a time: a vector of words.
const LANES: usize = 16;

/// One block of Philox4x32-10: 128 bits out of a 128-bit counter and a 64-bit key.
#[inline]
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        counter = round(counter, key);
        key = next(key);
    }
    counter
}

#[inline(always)]
fn round(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let product0 = u64::from(MULTIPLIER[0]) * u64::from(counter[0]);
    let product1 = u64::from(MULTIPLIER[1]) * u64::from(counter[2]);
    [
        (product1 >> 32) as u32 ^ counter[1] ^ key[0],
        product1 as u32,
        (product0 >> 32) as u32 ^ counter[3] ^ key[1],
        product0 as u32,
    ]
}

/// The key of the next round.
#[inline(always)]
fn next(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])]
}

/// A number in [0, 1) of 53 bits.
#[inline(always)]
fn unit(high: u32, low: u32) -> f64 {
    (((u64::from(high) << 32) | u64::from(low)) >> 11) as f64 / (1u64 << 53) as f64
}

/// The finaliser of SplitMix64: spreads every bit of the input over the whole word.
fn spread(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// FNV-1a, so that an operation is addressed by a readable name.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// A sequence of random numbers at one address.
///
/// Draws beyond 2³² blocks at one address wrap around; no operation comes near.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    epoch: u32,
    sample: u64,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of `operation` on `sample` in `epoch` under `seed`.
    ///
    /// Where an operation has no sample or epoch (a split, an initialisation) give zero.
    #[must_use]
    pub fn new(seed: u64, operation: &str, epoch: u32, sample: u64) -> Self {
        let key = spread(spread(seed) ^ name_hash(operation));
        Self { key: [key as u32, (key >> 32) as u32], epoch, sample, block: 0, words: [0; 4], used: 4 }
    }

    /// A uniform 32-bit word.
    #[inline]
    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            let counter = [self.block, self.epoch, self.sample as u32, (self.sample >> 32) as u32];
            self.words = philox(counter, self.key);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// Uniform in [0, 1), 53 bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit(self.word(), self.word())
    }

    /// Pairs of [`Stream::uniform`], `first[i]` before `second[i]`, as many as the shorter slice has room for: the same numbers
    /// as one by one, several blocks at a time. It is inlined, so that a caller compiled for wider vectors has them here too.
    #[inline(always)]
    pub fn uniform_pairs(&mut self, first: &mut [f64], second: &mut [f64]) {
        let count = first.len().min(second.len());
        let (first, second) = (&mut first[..count], &mut second[..count]);
        let mut at = 0;
        while at < count {
            if self.used == 4 && count - at >= LANES {
                let words = self.blocks();
                for lane in 0..LANES {
                    first[at + lane] = unit(words[0][lane], words[1][lane]);
                    second[at + lane] = unit(words[2][lane], words[3][lane]);
                }
                at += LANES;
            } else {
                (first[at], second[at]) = (self.uniform(), self.uniform());
                at += 1;
            }
        }
    }

    /// The next blocks, word by word.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "a lane of four arrays, not an item of one")]
    fn blocks(&mut self) -> [[u32; LANES]; 4] {
        let mut counter = [
            [0; LANES],
            [self.epoch; LANES],
            [self.sample as u32; LANES],
            [(self.sample >> 32) as u32; LANES],
        ];
        for lane in 0..LANES {
            counter[0][lane] = self.block.wrapping_add(lane as u32);
        }
        let mut key = self.key;
        for _ in 0..ROUNDS {
            for lane in 0..LANES {
                let block =
                    round([counter[0][lane], counter[1][lane], counter[2][lane], counter[3][lane]], key);
                [counter[0][lane], counter[1][lane], counter[2][lane], counter[3][lane]] = block;
            }
            key = next(key);
        }
        self.block = self.block.wrapping_add(LANES as u32);
        counter
    }

    /// Uniform in [low, high). `low` itself where the range is empty.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with the given probability.
    pub fn coin(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform over 0..n without bias (Lemire 2019). Zero where n is zero.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        if n <= 1 {
            return 0;
        }
        let threshold = n.wrapping_neg() % n;
        loop {
            let word = (u64::from(self.word()) << 32) | u64::from(self.word());
            let product = u128::from(word) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// Standard normal (Box–Muller, one value a call, so that the number of draws is fixed).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma with the given shape and unit scale (Marsaglia & Tsang 2000). `shape` must be positive.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.uniform()).powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.uniform()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta(a, b), both positive; Beta(1, 1) is one uniform draw.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        if a == 1.0 && b == 1.0 {
            return self.uniform();
        }
        let (x, y) = (self.gamma(a), self.gamma(b));
        // Tiny shapes underflow both gammas; the mass is then at the ends.
        if x + y > 0.0 { x / (x + y) } else { f64::from(u8::from(self.coin(a / (a + b)))) }
    }

    /// A uniform permutation of 0..n (Fisher–Yates).
    #[must_use]
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_authors_known_answers() {
        // Random123, kat_vectors, philox4x32 with 10 rounds.
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn many_pairs_are_those_drawn_one_by_one() {
        for (drawn, count) in [(0, 1), (0, 16), (0, 100), (2, 40), (1, 33)] {
            let mut stream = Stream::new(5, "pairs", 1, 1 << 40);
            (0..drawn).for_each(|_| {
                stream.word();
            });
            let mut one_by_one = stream.clone();
            let (mut first, mut second) = (vec![0.0; count], vec![0.0; count]);
            stream.uniform_pairs(&mut first, &mut second);
            for (a, b) in first.into_iter().zip(second) {
                assert_eq!((a, b), (one_by_one.uniform(), one_by_one.uniform()));
            }
            assert_eq!(stream.word(), one_by_one.word());
        }
    }

    #[test]
    fn every_part_of_the_address_matters() {
        let first = |seed, operation, epoch, sample| Stream::new(seed, operation, epoch, sample).word();
        let here = first(1, "flip", 2, 3);
        for other in
            [first(2, "flip", 2, 3), first(1, "crop", 2, 3), first(1, "flip", 3, 3), first(1, "flip", 2, 4)]
        {
            assert_ne!(here, other);
        }
    }

    fn mean_and_variance(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let values: Vec<f64> = (0..200_000).map(|_| draw()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut stream = Stream::new(3, "moments", 0, 0);
        for (a, b) in [(1.0, 1.0), (0.2, 0.2), (0.4, 0.4), (2.0, 5.0), (8.0, 1.0)] {
            let (mean, variance) = mean_and_variance(|| stream.beta(a, b));
            assert!((mean - a / (a + b)).abs() < 0.005, "Beta({a},{b}) mean {mean}");
            let expected = a * b / ((a + b) * (a + b) * (a + b + 1.0));
            assert!((variance - expected).abs() < 0.005, "Beta({a},{b}) variance {variance}");
        }
        let (mean, variance) = mean_and_variance(|| stream.normal());
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02);
    }

    #[test]
    fn below_is_uniform_and_permutation_is_complete() {
        let mut stream = Stream::new(5, "below", 0, 0);
        let mut counts = [0usize; 7];
        (0..70_000).for_each(|_| counts[stream.below(7)] += 1);
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 500), "{counts:?}");
        let mut order = stream.permutation(1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
