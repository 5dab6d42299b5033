//! Points in time as the files and answers spell them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::ParseError;

const MILLIS_OF_DAY: i64 = 24 * 60 * 60 * 1000;

/// A point in time with millisecond precision, UTC; `2027-02-03T08:15:00.000Z` as text.
///
/// Reading accepts any RFC 3339 time. This crate never asks what time it is: callers pass
/// the present as a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The start of 1970.
    pub const UNIX_EPOCH: Self = Self(0);

    /// From milliseconds since the start of 1970, clamped to the years 0 to 9999.
    #[must_use]
    pub fn from_unix_millis(millis: i64) -> Self {
        Self(millis.clamp(-62_167_219_200_000, 253_402_300_799_999))
    }

    /// From whole seconds since the start of 1970.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the start of 1970.
    #[must_use]
    pub fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the start of 1970, rounded down.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// From the `time` crate's value.
    #[must_use]
    pub fn from_offset_date_time(at: OffsetDateTime) -> Self {
        Self::from_unix_millis(i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0))
    }

    /// As the `time` crate's value.
    #[must_use]
    pub fn to_offset_date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// This time and `by` later.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_add(millis))
    }

    /// This time and `by` earlier.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_sub(millis))
    }

    /// How long this is after `earlier`; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The text, written out by hand: a list of tunnels holds thousands of times, and a general
    /// formatter took a fifth of what the list cost.
    fn spelled(self) -> Spelled {
        let (year, month, day) = civil(self.0.div_euclid(MILLIS_OF_DAY));
        let millis = self.0.rem_euclid(MILLIS_OF_DAY);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (end, mut number) in [
            (4, year),
            (7, month),
            (10, day),
            (13, seconds / 3600),
            (16, seconds / 60 % 60),
            (19, seconds % 60),
            (23, millis),
        ] {
            for place in text.iter_mut().take(end).rev() {
                if number == 0 {
                    break;
                }
                *place = b"0123456789"[(number % 10) as usize];
                number /= 10;
            }
        }
        Spelled(text)
    }
}

/// The text of a time.
struct Spelled([u8; 24]);

impl Spelled {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and signs are ASCII")
    }
}

/// Year, month and day in the Gregorian calendar of the day so many days after the first of 1970.
///
/// Years are taken to begin in March, so that the day which comes and goes is their last; 400 of
/// them have 146,097 days. Day 0 here is the first of March of the year 0.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, five months have 153 days.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = 400 * era + year;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(at: std::time::SystemTime) -> Self {
        Self::from_offset_date_time(at.into())
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spelled().as_str())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.spelled().as_str())
    }
}

impl std::fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(Self::from_offset_date_time)
            .map_err(|_| ParseError("must be a time such as 2027-02-03T08:15:00.000Z"))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_spells_milliseconds_and_z() {
        let at: Timestamp = "2027-02-03T09:15:00.25+01:00".parse().expect("valid");
        assert_eq!(at.to_string(), "2027-02-03T08:15:00.250Z");
        assert_eq!(at.to_string().parse(), Ok(at));
    }

    #[test]
    fn the_ends_of_what_can_be_spelled_are_spelled() {
        let spelled = |millis| Timestamp::from_unix_millis(millis).to_string();
        assert_eq!(spelled(i64::MIN), "0000-01-01T00:00:00.000Z");
        assert_eq!(spelled(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(spelled(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(spelled(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(spelled(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    proptest::proptest! {
        #[test]
        fn every_time_is_read_back_from_its_text(millis in -62_167_219_200_000..=253_402_300_799_999_i64) {
            let at = Timestamp::from_unix_millis(millis);
            proptest::prop_assert_eq!(at.to_string().parse(), Ok(at));
        }
    }

    #[test]
    fn differences_never_go_below_zero() {
        let (early, late) = (
            Timestamp::from_unix_seconds(5),
            Timestamp::from_unix_seconds(9),
        );
        assert_eq!(late.since(early), Duration::from_secs(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
