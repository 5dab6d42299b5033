//! Parts of a file (RFC 9110 §14): what is asked for, read without believing it.

use crate::limits::MAX_RANGES;

/// What a `Range` field asks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing that is honoured: the whole file.
    Whole,
    /// These parts, in the order asked, none beyond the end, none overlapping.
    Parts(Vec<Part>),
    /// Nothing that the file has.
    Unsatisfiable,
}

/// Octets `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Part {
    /// Never 0.
    pub(crate) fn len(self) -> u64 {
        self.last - self.first + 1
    }

    fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Reads the value of `Range` for a file of `len` octets.
///
/// What is malformed is as if it were not there, and so is what only an attacker asks: more
/// than [`MAX_RANGES`] parts, or parts that overlap (RFC 9110 §14.2 allows both).
pub(crate) fn asked(value: &[u8], len: u64) -> Asked {
    let Some(specs) = specs(value) else {
        return Asked::Whole;
    };
    let parts: Vec<Part> = specs.iter().filter_map(|spec| spec.of(len)).collect();
    let overlap = parts
        .iter()
        .enumerate()
        .any(|(at, part)| parts.iter().skip(at + 1).any(|other| part.overlaps(*other)));
    match parts.as_slice() {
        [] => Asked::Unsatisfiable,
        _ if overlap => Asked::Whole,
        _ => Asked::Parts(parts),
    }
}

#[derive(Clone, Copy)]
enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl Spec {
    fn of(self, len: u64) -> Option<Part> {
        let end = len.checked_sub(1)?;
        let (first, last) = match self {
            Self::From(first) => (first, end),
            Self::Between(first, last) => (first, last.min(end)),
            Self::Last(0) => return None,
            Self::Last(count) => (len.saturating_sub(count), end),
        };
        (first <= last).then_some(Part { first, last })
    }
}

/// `bytes=0-1, 5-, -3`.
fn specs(value: &[u8]) -> Option<Vec<Spec>> {
    const UNIT: &[u8] = b"bytes=";
    let (unit, list) = value.split_at_checked(UNIT.len())?;
    if !unit.eq_ignore_ascii_case(UNIT) {
        return None;
    }
    let mut specs = Vec::new();
    for text in list.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
        // RFC 9110 §5.6.1: a reader of lists passes over empty members.
        if text.is_empty() {
            continue;
        }
        if specs.len() == MAX_RANGES {
            return None;
        }
        specs.push(spec(text)?);
    }
    (!specs.is_empty()).then_some(specs)
}

fn spec(text: &[u8]) -> Option<Spec> {
    let dash = text.iter().position(|b| *b == b'-')?;
    let (first, last) = (text.get(..dash)?, text.get(dash + 1..)?);
    match (first, last) {
        ([], last) => Some(Spec::Last(number(last)?)),
        (first, []) => Some(Spec::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// Digits alone; a number beyond all files is the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0_u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(parts: &[(u64, u64)]) -> Asked {
        let part = |&(first, last): &(u64, u64)| Part { first, last };
        Asked::Parts(parts.iter().map(part).collect())
    }

    #[test]
    fn parts_are_read_as_rfc_9110_has_them() {
        for (value, expected) in [
            ("bytes=0-0", parts(&[(0, 0)])),
            ("Bytes=2-", parts(&[(2, 9)])),
            ("bytes=-3", parts(&[(7, 9)])),
            ("bytes=-99", parts(&[(0, 9)])),
            ("bytes=5-99999999999999999999999", parts(&[(5, 9)])),
            ("bytes=0-1, 4-5,,8-", parts(&[(0, 1), (4, 5), (8, 9)])),
            ("bytes=8-9,0-1", parts(&[(8, 9), (0, 1)])),
            ("bytes=0-1,20-", parts(&[(0, 1)])),
            ("bytes=10-", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=99999999999999999999999-", Asked::Unsatisfiable),
        ] {
            assert_eq!(asked(value.as_bytes(), 10), expected, "{value}");
        }
        assert_eq!(asked(b"bytes=0-", 0), Asked::Unsatisfiable);
    }

    #[test]
    fn what_is_malformed_or_greedy_means_the_whole_file() {
        let thousand = format!("bytes={}", vec!["0-"; 1000].join(","));
        let apart: Vec<_> = (0..1000).map(|n| format!("{}-{}", n * 2, n * 2)).collect();
        let apart = format!("bytes={}", apart.join(","));
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "bytes=3-1",
            "bytes=0 -1",
            "bytes=+1-2",
            "bytes=1--2",
            "items=0-1",
            "bytes =0-1",
            "bytes=0-1;2-3",
            "bytes=0-5,3-8",
            "bytes=0-,-1",
            &thousand,
            &apart,
        ] {
            assert_eq!(asked(value.as_bytes(), 10_000), Asked::Whole, "{value}");
        }
    }

    proptest! {
        #[test]
        fn parts_lie_within_the_file_and_apart(value in "bytes=[0-9,\\- ]{0,40}", len in 0_u64..50) {
            if let Asked::Parts(parts) = asked(value.as_bytes(), len) {
                prop_assert!(!parts.is_empty() && parts.len() <= MAX_RANGES);
                prop_assert!(parts.iter().map(|p| p.len()).sum::<u64>() <= len);
                prop_assert!(parts.iter().all(|p| p.first <= p.last && p.last < len));
            }
        }

        #[test]
        fn no_octets_panic(value in proptest::collection::vec(any::<u8>(), 0..60), len: u64) {
            let _ = asked(&value, len);
        }
    }
}
