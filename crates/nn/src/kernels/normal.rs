//! Normal numbers, many at a time.

use bakeoff_machine::vectorised;
use bakeoff_random::Stream;

vectorised! {
    /// Fills both slices with standard normal numbers, pair by pair from the stream's uniform ones (Box & Muller 1958):
    /// √(−2 ln(1 − a)) times cosine and sine of 2π·b.
    ///
    /// Logarithm, sine and cosine are plain sums and products here, so that neither vector units nor the system's mathematical
    /// library change a bit of a network's first weights. ResNet-50 has 25 million of them, and a study waits for them.
    pub(crate) fn normals(stream: &mut Stream, first: &mut [f64], second: &mut [f64]) {
        plain(stream, first, second);
    }
}

#[inline(always)]
fn plain(stream: &mut Stream, first: &mut [f64], second: &mut [f64]) {
    stream.uniform_pairs(first, second);
    box_muller(first, second);
}

#[inline(always)]
fn box_muller(first: &mut [f64], second: &mut [f64]) {
    for (a, b) in first.iter_mut().zip(second) {
        let radius = (-2.0 * ln(1.0 - *a)).sqrt();
        let (sine, cosine) = sine_cosine(*b);
        (*a, *b) = (radius * cosine, radius * sine);
    }
}

/// ln x for normal x > 0: 2·artanh((m − 1)/(m + 1)) of the mantissa, brought near one, and the exponent's share.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let mantissa = f64::from_bits(bits & MANTISSA | 1023 << 52);
    // 2⁵² + the biased exponent, as a number: an integer conversion that every vector unit has.
    let exponent = f64::from_bits(bits >> 52 | 1075 << 52) - (4_503_599_627_370_496.0 + 1023.0);
    let large = mantissa > std::f64::consts::SQRT_2;
    let (mantissa, exponent) = if large { (mantissa * 0.5, exponent + 1.0) } else { (mantissa, exponent) };
    let f = (mantissa - 1.0) / (mantissa + 1.0);
    let s = f * f;
    let mut sum = 1.0 / 23.0;
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * s + 1.0 / odd;
    }
    2.0 * f * sum + exponent * std::f64::consts::LN_2
}

/// Sine and cosine of 2π·turns for turns in [0, 1): Taylor's sums within an eighth of a turn of the nearest quarter.
#[inline(always)]
fn sine_cosine(turns: f64) -> (f64, f64) {
    // Adding 1.5 · 2⁵² rounds to an integer and leaves it in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = turns * 4.0 + ROUND;
    let quarter = shifted.to_bits() & 3;
    let x = (turns - (shifted - ROUND) * 0.25) * std::f64::consts::TAU;
    let s = x * x;
    let (mut sine, mut cosine) = (1.0, 1.0);
    for n in [16.0, 14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0] {
        cosine = 1.0 - cosine * s * (1.0 / (n * (n - 1.0)));
        sine = 1.0 - sine * s * (1.0 / (n * (n + 1.0)));
    }
    let sine = sine * x;
    let (sine, cosine) = if quarter & 1 == 1 { (cosine, -sine) } else { (sine, cosine) };
    if quarter & 2 == 2 { (-sine, -cosine) } else { (sine, cosine) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_the_mathematical_library() {
        let mut stream = Stream::new(1, "normal-test", 0, 0);
        let ends = [0.0, f64::EPSILON / 2.0, 0.125, 0.25, 0.5, 0.75, 0.875, 1.0 - f64::EPSILON / 2.0];
        let mut draw =
            |_| ends.into_iter().chain((0..20_001).map(|_| stream.uniform())).collect::<Vec<f64>>();
        let (mut first, mut second) = (draw(0), draw(1));
        let (a, b) = (first.clone(), second.clone());
        box_muller(&mut first, &mut second);
        for i in 0..a.len() {
            let radius = (-2.0 * (1.0 - a[i]).ln()).sqrt();
            let (sine, cosine) = (std::f64::consts::TAU * b[i]).sin_cos();
            let error = (first[i] - radius * cosine).abs().max((second[i] - radius * sine).abs());
            assert!(error < 4e-15 * radius.max(1.0), "{} {}: {error:e}", a[i], b[i]);
        }
    }

    #[test]
    fn vector_units_do_not_change_a_bit() {
        let draw = |draw: fn(&mut Stream, &mut [f64], &mut [f64])| {
            let mut pairs = (vec![0.0; 20_001], vec![0.0; 20_001]);
            draw(&mut Stream::new(1, "normal-test", 0, 0), &mut pairs.0, &mut pairs.1);
            pairs
        };
        assert!(draw(normals) == draw(plain));
    }
}
