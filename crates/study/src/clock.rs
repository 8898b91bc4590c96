//! The time of day, as records and logs tell it.

use jiff::Timestamp;

/// Now: RFC 3339 in UTC, to the second.
pub(crate) fn now() -> String {
    utc(Timestamp::now())
}

fn utc(time: Timestamp) -> String {
    format!("{time:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_as_rfc_3339_to_the_second() {
        let at = |seconds| utc(Timestamp::new(seconds, 987_654_321).unwrap());
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_826_154), "2000-02-29T12:09:14Z");
        assert_eq!(at(1_795_454_399), "2026-11-23T17:19:59Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
