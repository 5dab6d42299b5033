//! Whose agent it is, where root speaks for somebody.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::plain;

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
}

/// Why a user is not known.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// There is none.
    #[error("there is no user {0:?} on this machine")]
    Unknown(String),
    /// The user data base cannot be asked.
    #[error("cannot ask `getent` for users")]
    Getent(#[source] std::io::Error),
}

impl Person {
    /// The user of this name or number.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, PersonError> {
        let unknown = || PersonError::Unknown(name.to_owned());
        // Users need not stand in /etc/passwd.
        let output = Command::new("getent")
            .args(["passwd", "--", name])
            .stdin(Stdio::null())
            .output()
            .map_err(PersonError::Getent)?;
        let text = String::from_utf8(output.stdout).map_err(|_| unknown())?;
        parse(text.trim_end_matches('\n')).ok_or_else(unknown)
    }

    /// Whoever runs the program.
    ///
    /// # Errors
    /// When the user is not known.
    pub fn oneself() -> Result<Self, PersonError> {
        Self::named(&rustix::process::geteuid().as_raw().to_string())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the user.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The number of the first group.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }
}

/// A line of passwd(5). The name will stand in the definition of a service.
fn parse(line: &str) -> Option<Person> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, _] = fields.as_slice() else {
        return None;
    };
    let allowed = |letter: char| letter.is_alphanumeric() || "._-+@$".contains(letter);
    if name.is_empty() || !name.chars().all(allowed) {
        return None;
    }
    plain("a home directory", home).ok()?;
    let home = PathBuf::from(home);
    home.is_absolute().then_some(Person {
        name: (*name).to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_from_the_systems_data_base() {
        let person = parse("mira:x:1000:1001:Mira,,,:/home/mira:/bin/bash").expect("a user");
        assert_eq!(
            (person.name(), person.uid(), person.gid()),
            ("mira", 1000, 1001)
        );
        assert_eq!(person.home(), Path::new("/home/mira"));
    }

    #[test]
    fn what_could_bring_lines_of_its_own_is_no_user() {
        for line in [
            "",
            "mira:x:1000:1000:/home/mira",
            "mi ra:x:1000:1000::/home/mira:/bin/sh",
            "mira\nUser=root:x:1000:1000::/home/mira:/bin/sh",
            "mi%Hra:x:1000:1000::/home/mira:/bin/sh",
            "mira:x:1000:1000::home:/bin/sh",
            "mira:x:many:1000::/home/mira:/bin/sh",
        ] {
            assert_eq!(parse(line), None, "{line:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_runs_this_is_known_by_number() {
        let oneself = Person::oneself().expect("known");
        assert_eq!(oneself.uid(), rustix::process::geteuid().as_raw());
        let nobody = Person::named("no-such-user-here");
        assert!(matches!(nobody, Err(PersonError::Unknown(_))), "{nobody:?}");
    }
}
