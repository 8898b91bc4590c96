//! Student's t, the normal and the symmetric binomial distribution: tail areas and quantiles.

/// P(Z ≤ z) of the standard normal.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Where the normal approximation of t below is closer than the continued fraction, whose log-gammas cancel.
const LARGE: f64 = 1e4;

/// P(T ≤ t) of Student's t with `degrees` > 0 of freedom (not necessarily a whole number, infinity allowed).
///
/// NaN where `t` is NaN or `degrees` is not positive.
#[must_use]
pub fn t_cdf(t: f64, degrees: f64) -> f64 {
    if t.is_nan() || degrees.is_nan() || degrees <= 0.0 {
        return f64::NAN;
    }
    let upper = upper_tail(t.abs(), degrees);
    if t > 0.0 { 1.0 - upper } else { upper }
}

/// P(|T| ≥ |t|): the two-sided p-value, without the cancellation of `1 − cdf`.
#[must_use]
pub fn t_two_sided(t: f64, degrees: f64) -> f64 {
    if t.is_nan() || degrees.is_nan() || degrees <= 0.0 {
        return f64::NAN;
    }
    2.0 * upper_tail(t.abs(), degrees)
}

/// P(T > t) for t ≥ 0.
fn upper_tail(t: f64, degrees: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    if degrees > LARGE {
        // Cornish–Fisher expansion of the normal deviate of t (Abramowitz & Stegun 26.7.8 carried to 1/ν³, Wallace 1959).
        return normal_cdf(-deviate(t, degrees));
    }
    let square = t * t;
    0.5 * incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + square), square / (degrees + square))
}

/// The standard normal deviate with the same tail area as t, to O(ν⁻³).
fn deviate(t: f64, degrees: f64) -> f64 {
    if degrees.is_infinite() {
        return t;
    }
    let (n, t2) = (degrees, t * t);
    let first = -(t2 + 1.0) / 4.0;
    let second = ((13.0 * t2 + 8.0) * t2 + 3.0) / 96.0;
    let third = -(((35.0 * t2 + 19.0) * t2 + 1.0) * t2 - 15.0) / 384.0;
    t * (1.0 + first / n + second / (n * n) + third / (n * n * n))
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's method; Numerical Recipes 6.4).
/// `y` is 1 − x, given apart because one of the two has lost its digits.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let scale = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    let log_x = if x < 0.5 { x.ln() } else { (-y).ln_1p() };
    let log_y = if y < 0.5 { y.ln() } else { (-x).ln_1p() };
    let front = (scale + a * log_x + b * log_y).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, y) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// Density of t.
fn density(t: f64, degrees: f64) -> f64 {
    if degrees > LARGE {
        // Only steers Newton's steps.
        return (-0.5 * t * t).exp() / std::f64::consts::TAU.sqrt();
    }
    let scale = libm::lgamma((degrees + 1.0) / 2.0) - libm::lgamma(degrees / 2.0);
    (scale - 0.5 * (degrees * std::f64::consts::PI).ln() - 0.5 * (degrees + 1.0) * (t * t / degrees).ln_1p())
        .exp()
}

/// The t with P(T ≤ t) = `probability`, in (0, 1). NaN outside it or for `degrees` ≤ 0.
#[must_use]
pub fn t_quantile(probability: f64, degrees: f64) -> f64 {
    if !(probability > 0.0 && probability < 1.0 && degrees > 0.0) {
        return f64::NAN;
    }
    if probability == 0.5 {
        return 0.0;
    }
    let tail = probability.min(1.0 - probability);
    let (mut low, mut high) = (0.0, 1.0);
    while upper_tail(high, degrees) > tail && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    // Newton's steps, and halving wherever one would leave the bracket: monotone, so it cannot fail.
    let mut t = 0.5 * (low + high);
    for _ in 0..200 {
        let excess = upper_tail(t, degrees) - tail;
        if excess > 0.0 {
            low = t
        } else {
            high = t
        }
        let step = t + excess / density(t, degrees);
        let next = if step > low && step < high { step } else { 0.5 * (low + high) };
        if (next - t).abs() <= 1e-15 * t {
            break;
        }
        t = next;
    }
    if probability < 0.5 { -t } else { t }
}

/// Two-sided p-value of `fewer` or fewer heads, or as many tails, in `tosses` of a fair coin.
#[must_use]
pub fn binomial_half_two_sided(fewer: u64, tosses: u64) -> f64 {
    if 2 * fewer >= tosses {
        return 1.0;
    }
    // Twice the lower tail: P(X ≤ k) = I_{1/2}(n − k, k + 1).
    let tail = incomplete_beta((tosses - fewer) as f64, (fewer + 1) as f64, 0.5, 0.5);
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_of_one_and_two_degrees_are_met() {
        for t in [-30.0f64, -2.0, -0.3, 0.0, 1e-9, 0.7, 1.0, 12.7, 1e6] {
            let cauchy = 0.5 + t.atan() / std::f64::consts::PI;
            assert!((t_cdf(t, 1.0) - cauchy).abs() < 1e-14, "{t}");
            let two = 0.5 + t / (2.0 * (2.0 + t * t).sqrt());
            assert!((t_cdf(t, 2.0) - two).abs() < 1e-14, "{t}");
        }
    }

    #[test]
    fn quantile_inverts_the_distribution() {
        for degrees in [0.7, 1.0, 2.0, 5.3, 40.0, 9_999.0, 10_001.0, 1e9, f64::INFINITY] {
            for p in [1e-6, 0.0125, 0.3, 0.5, 0.8, 0.975, 0.9999] {
                let back = t_cdf(t_quantile(p, degrees), degrees);
                assert!((back - p).abs() < 1e-12, "{degrees} {p} {back}");
            }
        }
    }

    #[test]
    fn the_two_ways_of_computing_a_tail_meet_where_they_change_over() {
        for t in [0.1, 1.0, 1.96, 4.0, 6.0] {
            let (below, above) = (upper_tail(t, LARGE), upper_tail(t, LARGE * (1.0 + 1e-12)));
            assert!((below / above - 1.0).abs() < 1e-9, "{t}: {below} {above}");
        }
    }

    #[test]
    fn arguments_without_an_answer_give_nan() {
        assert!(t_cdf(f64::NAN, 3.0).is_nan() && t_cdf(1.0, 0.0).is_nan() && t_two_sided(1.0, -1.0).is_nan());
        assert!(
            t_quantile(0.0, 3.0).is_nan() && t_quantile(1.0, 3.0).is_nan() && t_quantile(0.5, 0.0).is_nan()
        );
        assert_eq!(t_two_sided(f64::INFINITY, 3.0), 0.0);
    }
}
