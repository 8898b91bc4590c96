//! Reading of what other libraries computed, for tests.

use serde_json::Value;

/// A file of `tests/fixtures`.
pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

pub(crate) fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a count")).expect("small")
}

pub(crate) fn floats(value: &Value) -> Vec<f32> {
    list(value).iter().map(|v| number(v) as f32).collect()
}

pub(crate) fn counts<const N: usize>(value: &Value) -> [usize; N] {
    let counts: Vec<usize> = list(value).iter().map(count).collect();
    counts.try_into().expect("as many as asked for")
}

/// An 8-bit image, written as hexadecimal digits.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hexadecimal digits").as_bytes();
    let digit = |d: u8| char::from(d).to_digit(16).expect("a hexadecimal digit") as u8;
    digits.as_chunks::<2>().0.iter().map(|[high, low]| digit(*high) * 16 + digit(*low)).collect()
}

/// Every value within `bound`.
#[track_caller]
pub(crate) fn assert_close(ours: &[f32], theirs: &[f32], bound: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= bound, "{what}: value {i} is {a}, theirs is {b}");
    }
}
