//! Who guesses at the server itself is kept out for a while. What counts stands in
//! `docs/security-events.md`.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

pub(in crate::install) const FILTER: &str = "/etc/fail2ban/filter.d/portlama.conf";
pub(in crate::install) const JAIL: &str = "/etc/fail2ban/jail.d/portlama-server.local";
const FILTER_TEXT: &str = include_str!("../files/fail2ban-filter.conf");
const JAIL_TEXT: &str = include_str!("../files/fail2ban-jail.conf");

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let files = [(FILTER, FILTER_TEXT), (JAIL, JAIL_TEXT)];
    let is_there = |(path, text): &(&str, &str)| facts.has_file(path, text);
    if files.iter().all(is_there) && facts.fail2ban_runs && !facts.is_under_way("bans") {
        return Work::Nothing;
    }
    // The filter first: a jail without one keeps fail2ban from starting.
    let files = files.map(|(path, text)| Action::File {
        path,
        text: text.to_owned(),
    });
    let restart = [
        Action::run("systemctl enable fail2ban.service"),
        Action::run("systemctl restart fail2ban.service"),
    ];
    Work::Do(files.into_iter().chain(restart).collect())
}

#[cfg(test)]
mod tests {
    use portlama_control::security::{SECURITY_LINES_PER_MINUTE, SecurityEvent};

    use super::*;

    #[test]
    fn the_filter_counts_every_event_but_that_of_a_revoked_agent() {
        let words = FILTER_TEXT.split_once("(?:").expect("words").1;
        let words: Vec<_> = words
            .split_once(')')
            .expect("an end")
            .0
            .split('|')
            .collect();
        for event in SecurityEvent::ALL {
            let counts = event != SecurityEvent::StaleCertificate;
            assert_eq!(words.contains(&event.word()), counts, "{event:?}");
        }
        assert_eq!(words.len(), SecurityEvent::ALL.len() - 1);
    }

    #[test]
    fn a_guesser_is_out_within_the_lines_of_a_minute() {
        let line = JAIL_TEXT
            .lines()
            .find_map(|l| l.strip_prefix("maxretry = "));
        let tries: u32 = line.expect("a line").parse().expect("a number");
        assert_eq!(tries, SECURITY_LINES_PER_MINUTE);
    }

    /// A ban works from the first start on, whatever the unit's other names are.
    #[test]
    fn the_filter_reads_the_journal_of_the_installed_unit() {
        let service = std::path::Path::new(super::super::units::SERVICE);
        let unit = service.file_name().expect("a name").to_string_lossy();
        assert!(FILTER_TEXT.contains(&format!("journalmatch = _SYSTEMD_UNIT={unit}\n")));
    }
}
