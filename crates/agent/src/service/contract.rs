//! What every manager keeps, whatever the paths: the program starts with exactly these words and
//! variables. Read back by other parsers than ours where there are some.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Launchd, Service, ServiceManager, Systemd};

/// What a manager would run.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    words: Vec<String>,
    variables: BTreeMap<String, String>,
}

type Read = fn(&str) -> Run;

/// Each manager, with the way to read its definitions.
fn managers() -> Vec<(Box<dyn ServiceManager>, Read)> {
    let home = Path::new("/home/mira");
    vec![
        (Box::new(Systemd::of_person(home)), read_unit),
        (Box::new(Systemd::of_machine("mira")), read_unit),
        (Box::new(Launchd::of_person(home, 501)), read_plist),
    ]
}

fn keeps(program: &str, home: &str, value: &str) {
    let service = Service {
        label: "attic".parse().expect("valid"),
        program: PathBuf::from(program),
        home: PathBuf::from(home),
        environment: BTreeMap::from([("HTTPS_PROXY".to_owned(), value.to_owned())]),
    };
    for (manager, read) in managers() {
        let Ok(text) = manager.render(&service) else {
            // Told in words; what may be refused is said by the tests of each.
            assert!(
                [program, home].concat().contains(['"', '\'', '\\']),
                "{manager:?} refuses {service:?}"
            );
            continue;
        };
        let run = read(&text);
        let words = [program, "agent", "run", "--label", "attic", "--home", home];
        assert_eq!(run.words[..words.len()], words, "{text}");
        assert!(
            run.words[words.len()..]
                .iter()
                .all(|word| word == "--log-to" || word == "files"),
            "{text}"
        );
        assert_eq!(run.variables["HTTPS_PROXY"], value, "{text}");
    }
}

#[test]
fn names_that_mean_something_elsewhere_arrive_as_they_are() {
    for odd in [
        "/home/mira/a b",
        "/home/100%/%h",
        "/opt/$HOME/${USER}",
        "/opt/a;b#c=d",
        "/opt/<&>/é/日本",
        "/opt/a\"b'c\\d",
        "/opt/\\x41",
    ] {
        keeps("/usr/local/bin/portlama", odd, odd);
        keeps(odd, "/home/mira/.portlama", "http://proxy:3128");
    }
}

#[test]
fn a_definition_is_known_by_its_home_and_no_other() {
    let homes = [
        "/home/mira/.portlama",
        "/home/mira/.portlama/agents",
        "/home/mira",
        "/home/mira/$HOME 100% <&> \"q\" \\x41 é",
        "/home/mira/$$HOME 100%% <&> q \\\\x41 é",
    ];
    for (manager, _) in managers() {
        for home in homes {
            let service = Service {
                label: "attic".parse().expect("valid"),
                program: PathBuf::from("/usr/local/bin/portlama"),
                home: PathBuf::from(home),
                environment: BTreeMap::from([("NO_PROXY".to_owned(), homes.concat())]),
            };
            // Some paths cannot stand in a unit of the machine.
            let Ok(text) = manager.render(&service) else {
                continue;
            };
            for other in homes {
                let marks = manager.marks(Path::new(other)).expect("marks");
                let is_its = marks.iter().all(|mark| text.contains(mark));
                assert_eq!(is_its, home == other, "{manager:?} {other}: {text}");
            }
        }
    }
    let noahs = Systemd::of_machine("noah").marks(Path::new(homes[0]));
    let service = Service {
        label: "attic".parse().expect("valid"),
        program: PathBuf::from("/usr/local/bin/portlama"),
        home: PathBuf::from(homes[0]),
        environment: BTreeMap::new(),
    };
    let miras = Systemd::of_machine("mira")
        .render(&service)
        .expect("a unit");
    assert!(
        !noahs
            .expect("marks")
            .iter()
            .all(|mark| miras.contains(mark))
    );
}

#[test]
fn lines_of_a_strangers_making_are_refused() {
    let service = |home: &str| Service {
        label: "attic".parse().expect("valid"),
        program: PathBuf::from("/usr/local/bin/portlama"),
        home: PathBuf::from(home),
        environment: BTreeMap::new(),
    };
    for (manager, _) in managers() {
        for home in ["/home/mira\nExecStartPre=/bin/evil", "/home/mira\u{1b}[2J"] {
            let error = manager.render(&service(home)).expect_err("refused");
            assert!(error.to_string().contains("control"), "{error}");
        }
    }
}

#[test]
fn a_service_starts_by_itself_and_again_after_each_end() {
    let service = Service {
        label: "attic".parse().expect("valid"),
        program: PathBuf::from("/usr/local/bin/portlama"),
        home: PathBuf::from("/home/mira/.portlama"),
        environment: BTreeMap::new(),
    };
    for (manager, _) in managers() {
        let text = manager.render(&service).expect("a definition");
        let expected = match manager.name() {
            "launchd" => [
                "<key>RunAtLoad</key>\n  <true/>",
                "<key>KeepAlive</key>\n  <true/>",
            ],
            _ => ["WantedBy=", "\nRestart=always\n"],
        };
        for part in expected {
            assert!(text.contains(part), "{part}: {text}");
        }
        let file = manager.file(&service.label);
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("text");
        assert!(name.starts_with(&manager.unit(&service.label)), "{name}");
        assert!(manager.unit(&service.label).contains("attic"));
    }
}

proptest! {
    #[test]
    fn every_path_and_value_arrives_as_it_is(
        program in "/[ -~é]{1,24}", home in "/[ -~é%$\"]{1,24}", value in "[ -~é]{0,24}"
    ) {
        keeps(&program, &home, &value);
    }
}

/// By the `plist` crate.
fn read_plist(text: &str) -> Run {
    let value = plist::Value::from_reader_xml(text.as_bytes()).expect("a property list");
    let job = value.as_dictionary().expect("a dictionary");
    let string = |value: &plist::Value| value.as_string().expect("a string").to_owned();
    let words = job["ProgramArguments"].as_array().expect("an array");
    let variables = job["EnvironmentVariables"]
        .as_dictionary()
        .expect("a dictionary");
    Run {
        words: words.iter().map(string).collect(),
        variables: variables
            .iter()
            .map(|(name, value)| (name.clone(), string(value)))
            .collect(),
    }
}

/// By the rules of systemd.service(5); a real systemd reads such units in the machine tests.
fn read_unit(text: &str) -> Run {
    let values = |key: &str| -> Vec<Vec<String>> {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines
            .filter(|(known, _)| *known == key)
            .map(|(_, value)| words_of(value))
            .collect()
    };
    let commands = values("ExecStart");
    assert_eq!(commands.len(), 1, "{text}");
    let mut words = commands[0].clone();
    for word in words.iter_mut().skip(1) {
        assert!(!word.replace("$$", "").contains('$'), "a variable: {word}");
        *word = word.replace("$$", "$");
    }
    let variables = values("Environment").into_iter().flatten();
    let variables = variables.map(|pair| {
        let (name, value) = pair.split_once('=').expect("a pair");
        (name.to_owned(), value.to_owned())
    });
    Run {
        words,
        variables: variables.collect(),
    }
}

/// Words in double quotes, with escapes and then specifiers.
fn words_of(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut letters = value.chars().peekable();
    while letters.next_if_eq(&' ').is_some() || letters.peek().is_some() {
        assert_eq!(letters.next(), Some('"'), "unquoted: {value}");
        let mut word = String::new();
        loop {
            match letters.next().expect("the end of a word") {
                '"' => break,
                '\\' => word.push(letters.next().expect("an escape")),
                letter => word.push(letter),
            }
        }
        assert!(
            !word.replace("%%", "").contains('%'),
            "a specifier: {value}"
        );
        words.push(word.replace("%%", "%"));
    }
    words
}
