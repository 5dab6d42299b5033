//! What follows from what is seen. Nothing here reads a file or a clock.

use std::time::{Duration, Instant};

use portlama_model::ReleaseVersion;

use super::Phase;

/// Whether a release may take the place of what is installed.
///
/// # Errors
/// With the reason and the way out.
pub fn may_replace(
    installed: &ReleaseVersion,
    offered: &ReleaseVersion,
    allow_downgrade: bool,
) -> Result<(), String> {
    use std::cmp::Ordering;
    match offered.numbers().cmp(&installed.numbers()) {
        Ordering::Greater => Ok(()),
        _ if allow_downgrade => Ok(()),
        Ordering::Equal => Err(format!(
            "version {installed} is installed already; `--allow-downgrade` installs it again"
        )),
        Ordering::Less => Err(format!(
            "version {offered} is older than {installed}, which is installed, and may not \
             understand its state; `--allow-downgrade` tries it all the same"
        )),
    }
}

/// Which program is in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InPlace {
    /// The one that was kept.
    Previous,
    /// Another one.
    Another,
}

/// Where an upgrade that was cut short goes on, and why, when that is another place than where
/// it was.
#[must_use]
pub fn after_a_cut(phase: Phase, in_place: InPlace) -> (Phase, Option<&'static str>) {
    match (phase, in_place) {
        // The server may have run and changed its state since: a new try begins anew.
        (Phase::Forward, InPlace::Previous) => (
            Phase::Returned,
            Some("it was cut short before the program was replaced"),
        ),
        // Cut off between the two: the snapshot is whole, because it comes first.
        (Phase::Forward, InPlace::Another) => (Phase::Check, None),
        (Phase::Check, InPlace::Previous) => (
            Phase::Returned,
            Some("somebody has put the previous program back"),
        ),
        (phase @ (Phase::Check | Phase::Backward | Phase::Returned), _) => (phase, None),
    }
}

/// What one look at the server shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// This process runs, and the server answers with its version.
    Answer {
        /// The main process of the unit.
        pid: u32,
        /// What the server says it is.
        version: String,
    },
    /// Anything else.
    Trouble(String),
}

/// Judges a server that was started: well when one process has answered every time, as the
/// version that is expected, for long enough.
#[derive(Debug)]
pub struct Watch {
    expected: String,
    steady: Duration,
    well: Option<(u32, Instant)>,
    trouble: String,
}

impl Watch {
    /// Waits for `expected`, unbroken for `steady`.
    #[must_use]
    pub fn new(expected: &ReleaseVersion, steady: Duration) -> Self {
        Self {
            expected: expected.to_string(),
            steady,
            well: None,
            trouble: "it was not looked at".to_owned(),
        }
    }

    /// Takes a look into account; whether the server is well.
    pub fn see(&mut self, now: Instant, seen: Seen) -> bool {
        match seen {
            Seen::Answer { pid, version } if version == self.expected => {
                let (known, since) = *self.well.get_or_insert((pid, now));
                if known == pid {
                    return now.duration_since(since) >= self.steady;
                }
                self.trouble("it does not keep running".to_owned(), Some((pid, now)))
            }
            Seen::Answer { version, .. } => {
                let expected = &self.expected;
                let trouble = format!("version {version} answers and not {expected}");
                self.trouble(trouble, None)
            }
            Seen::Trouble(trouble) => self.trouble(trouble, None),
        }
    }

    /// The last thing that was wrong.
    #[must_use]
    pub fn last_trouble(&self) -> &str {
        &self.trouble
    }

    fn trouble(&mut self, trouble: String, well: Option<(u32, Instant)>) -> bool {
        self.trouble = trouble;
        self.well = well;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ReleaseVersion {
        text.parse().expect("a version")
    }

    #[test]
    fn only_a_newer_version_replaces_unless_older_ones_are_allowed() {
        let installed = version("1.9.0");
        for (offered, newer) in [
            ("1.10.0", true),
            ("2.0.0", true),
            ("1.9.1", true),
            ("1.9.0", false),
            ("01.9.00", false),
            ("1.8.99", false),
            ("0.99.99", false),
        ] {
            let offered = version(offered);
            assert_eq!(may_replace(&installed, &offered, false).is_ok(), newer);
            assert!(may_replace(&installed, &offered, true).is_ok());
        }
        let why = may_replace(&installed, &version("1.8.0"), false).expect_err("older");
        assert!(why.contains("--allow-downgrade"), "{why}");
    }

    #[test]
    fn a_cut_before_the_swap_changes_nothing_and_one_after_it_is_judged() {
        use InPlace::{Another, Previous};
        let next = |phase, in_place| after_a_cut(phase, in_place).0;
        assert_eq!(next(Phase::Forward, Previous), Phase::Returned);
        assert_eq!(next(Phase::Forward, Another), Phase::Check);
        assert_eq!(next(Phase::Check, Another), Phase::Check);
        assert_eq!(next(Phase::Check, Previous), Phase::Returned);
        for in_place in [Previous, Another] {
            assert_eq!(next(Phase::Backward, in_place), Phase::Backward);
            assert_eq!(next(Phase::Returned, in_place), Phase::Returned);
        }
    }

    const STEADY: Duration = Duration::from_secs(10);

    fn answer(pid: u32, version: &str) -> Seen {
        let version = version.to_owned();
        Seen::Answer { pid, version }
    }

    #[test]
    fn one_process_that_answers_long_enough_is_well() {
        let begun = Instant::now();
        let mut watch = Watch::new(&version("2.0.0"), STEADY);
        assert!(!watch.see(begun, Seen::Trouble("no answer".into())));
        assert!(!watch.see(begun + Duration::from_secs(1), answer(7, "2.0.0")));
        assert!(!watch.see(begun + Duration::from_secs(10), answer(7, "2.0.0")));
        assert!(watch.see(begun + Duration::from_secs(11), answer(7, "2.0.0")));
    }

    #[test]
    fn a_server_that_comes_and_goes_is_never_well() {
        let begun = Instant::now();
        let mut watch = Watch::new(&version("2.0.0"), STEADY);
        for second in 0..60 {
            let pid = 100 + second / 9;
            let seen = answer(pid, "2.0.0");
            assert!(!watch.see(begun + Duration::from_secs(second.into()), seen));
        }
        assert_eq!(watch.last_trouble(), "it does not keep running");
    }

    #[test]
    fn one_answer_that_fails_begins_the_time_anew() {
        let begun = Instant::now();
        let mut watch = Watch::new(&version("2.0.0"), STEADY);
        assert!(!watch.see(begun, answer(7, "2.0.0")));
        let later = begun + Duration::from_secs(9);
        assert!(!watch.see(later, Seen::Trouble("503".into())));
        assert!(!watch.see(begun + Duration::from_secs(11), answer(7, "2.0.0")));
        assert!(watch.see(begun + Duration::from_secs(21), answer(7, "2.0.0")));
    }

    #[test]
    fn another_version_that_serves_is_not_the_one_that_was_asked_for() {
        let begun = Instant::now();
        let mut watch = Watch::new(&version("2.0.0"), STEADY);
        for second in 0..30 {
            assert!(!watch.see(begun + Duration::from_secs(second), answer(7, "1.0.0")));
        }
        assert!(watch.last_trouble().contains("1.0.0"));
    }
}
