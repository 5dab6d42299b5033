//! Many changes at the same moment: each is answered with what became of it, and afterwards the
//! server holds what the answers said, also when it dies.

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use common::list;
use portlama_testkit::{Curl, Server};
use serde_json::{Value, json};

/// A server in a directory of its own.
struct Lab {
    folder: tempfile::TempDir,
    server: Server,
}

impl Lab {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let state = folder.path().join("state");
        Server::init(&common::binary(), &state)?;
        let server = Server::start(&common::binary(), &state, &folder.path().join("log"))?;
        Ok(Self { folder, server })
    }

    /// Killed without a word, and started again.
    fn restart(self) -> Result<Self> {
        let Self { folder, server } = self;
        let (state, log) = (server.state_dir().to_owned(), folder.path().join("log"));
        server.kill()?;
        let server = Server::start(&common::binary(), &state, &log)?;
        Ok(Self { folder, server })
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends all at the same time; their statuses and answers in the order of the requests.
    fn all_at_once(&self, requests: Vec<Request>) -> Result<Vec<(u16, Value)>> {
        std::thread::scope(|scope| {
            let asking: Vec<_> = requests
                .into_iter()
                .map(|(method, path, body)| {
                    scope.spawn(move || {
                        let request = self.server.admin().json(method, &body);
                        let answer = request.send(&self.server.api(&path))?;
                        Ok((answer.status, answer.json()?))
                    })
                })
                .collect();
            asking
                .into_iter()
                .map(|one| one.join().expect("no panic"))
                .collect()
        })
    }

    /// The names in all four lists.
    fn names(&self) -> Result<BTreeSet<(Kind, String)>> {
        let mut names = BTreeSet::new();
        for kind in KINDS {
            let listed = list(&self.server, kind.path(), kind.key())?;
            let count = listed.len();
            let listed: BTreeSet<_> = listed.into_iter().map(|name| (kind, name)).collect();
            assert_eq!(listed.len(), count, "{kind:?}: a name is there twice");
            names.extend(listed);
        }
        // The person who was there first.
        names.remove(&(Kind::User, "admin".to_owned()));
        Ok(names)
    }
}

type Request = (&'static str, String, Value);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Tunnel,
    Site,
    User,
    Invitation,
}

const KINDS: [Kind; 4] = [Kind::Tunnel, Kind::Site, Kind::User, Kind::Invitation];

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Tunnel => "tunnels",
            Self::Site => "sites",
            Self::User => "users",
            Self::Invitation => "invitations",
        }
    }

    /// The member that no two may share.
    fn key(self) -> &'static str {
        match self {
            Self::Tunnel => "subdomain",
            Self::Site => "name",
            Self::User | Self::Invitation => "username",
        }
    }

    /// What the reference answers to whoever comes second.
    fn taken(self) -> u16 {
        match self {
            Self::Tunnel | Self::Site => 400,
            Self::User | Self::Invitation => 409,
        }
    }

    fn create(self, name: &str, port: u16) -> Request {
        let body = match self {
            Self::Tunnel => json!({ "subdomain": name, "port": port }),
            Self::Site => json!({ "name": name, "type": "managed" }),
            Self::User => json!({ "username": name, "displayname": name,
                "email": "g@example.net", "password": "quite a long one" }),
            Self::Invitation => json!({ "username": name, "email": "g@example.net" }),
        };
        ("POST", self.path().to_owned(), body)
    }

    /// What an answer calls the thing for later requests.
    fn id(self, answer: &Value) -> Result<String> {
        let (member, id) = match self {
            Self::Tunnel => ("tunnel", "id"),
            Self::Site => ("site", "id"),
            Self::User => ("user", "username"),
            Self::Invitation => ("invitation", "id"),
        };
        let id = answer[member][id].as_str().or(answer[id].as_str());
        Ok(id.with_context(|| format!("no id: {answer}"))?.to_owned())
    }
}

#[test]
fn a_hundred_mixed_changes_at_once_leave_what_their_answers_said() -> Result<()> {
    let lab = Lab::start()?;
    // Every name is asked for by two.
    let wanted: Vec<(Kind, String)> = (0..100)
        .map(|n| (KINDS[n % 4], format!("n{}", n / 8)))
        .map(|(kind, name)| match kind {
            // A tunnel and a site of one name would want the same host.
            Kind::Site => (kind, format!("s{name}")),
            _ => (kind, name),
        })
        .collect();
    let creations = wanted.iter().zip(3000..);
    let creations = creations.map(|((kind, name), port)| kind.create(name, port));
    let answers = lab.all_at_once(creations.collect())?;
    let mut model = BTreeSet::new();
    let mut made = Vec::new();
    for ((kind, name), (status, answer)) in wanted.iter().zip(&answers) {
        if *status == 201 {
            let is_first = model.insert((*kind, name.clone()));
            assert!(is_first, "{kind:?} {name} was made twice");
            made.push((*kind, name.clone(), kind.id(answer)?));
        } else {
            assert_eq!(*status, kind.taken(), "{kind:?} {name}: {answer}");
        }
    }
    assert_eq!(model, wanted.iter().cloned().collect(), "each once");
    assert_eq!(lab.names()?, model);

    // Every second thing goes, and two want to be who removed it; the others are changed.
    let mut requests = Vec::new();
    for (n, (kind, _, id)) in made.iter().enumerate() {
        let path = format!("{}/{id}", kind.path());
        if n % 2 == 0 {
            requests.extend(vec![("DELETE", path, json!({})); 2]);
            continue;
        }
        match kind {
            Kind::Tunnel => requests.push(("PATCH", path, json!({ "enabled": false }))),
            Kind::Site => requests.push(("PATCH", path, json!({ "spaMode": true }))),
            Kind::User => requests.push(("PUT", path, json!({ "displayname": "Changed" }))),
            Kind::Invitation => {}
        }
    }
    let answers = lab.all_at_once(requests.clone())?;
    for (n, (kind, name, id)) in made.iter().enumerate() {
        let path = format!("{}/{id}", kind.path());
        let mut statuses: Vec<u16> = requests
            .iter()
            .zip(&answers)
            .filter(|((_, asked, _), _)| *asked == path)
            .map(|(_, (status, _))| *status)
            .collect();
        statuses.sort_unstable();
        if n % 2 == 0 {
            assert_eq!(statuses, [200, 404], "{kind:?} {name}");
            model.remove(&(*kind, name.clone()));
        } else {
            assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        }
    }
    assert_eq!(lab.names()?, model);
    assert_changed(&lab)?;
    let lab = lab.restart()?;
    assert_eq!(lab.names()?, model);
    assert_changed(&lab)?;
    assert!(!lab.log().contains("panicked"), "{}", lab.log());
    Ok(())
}

/// Whatever is left of what can be changed, was.
fn assert_changed(lab: &Lab) -> Result<()> {
    for (path, member, value) in [
        ("tunnels", "enabled", json!(false)),
        ("sites", "spaMode", json!(true)),
        ("users", "displayname", json!("Changed")),
    ] {
        let listed = lab.server.admin().send(&lab.server.api(path))?.json()?;
        for item in listed[path].as_array().context("a list")? {
            if item["username"] != "admin" {
                assert_eq!(item[member], value, "{item}");
            }
        }
    }
    Ok(())
}

#[test]
fn of_fifty_at_once_who_want_one_name_or_port_one_gets_it() -> Result<()> {
    let lab = Lab::start()?;
    for kind in KINDS {
        let name = format!("one-{}", kind.path());
        let requests = (0..50).map(|n| kind.create(&name, 4000 + n)).collect();
        one_wins(&lab, requests, kind.taken())?;
        let listed = list(&lab.server, kind.path(), kind.key())?;
        assert_eq!(listed.iter().filter(|listed| **listed == name).count(), 1);
    }
    let one_port = (0..50).map(|n| Kind::Tunnel.create(&format!("port-{n}"), 5000));
    one_wins(&lab, one_port.collect(), Kind::Tunnel.taken())?;
    // A site and a tunnel want the same host.
    let one_host = (0..50).map(|n| {
        let kind = [Kind::Tunnel, Kind::Site][usize::from(n % 2 == 0)];
        kind.create("one-host", 6000 + n)
    });
    one_wins(&lab, one_host.collect(), 400)
}

fn one_wins(lab: &Lab, requests: Vec<Request>, taken: u16) -> Result<()> {
    let asked = format!("{:?}", requests.first());
    let answers = lab.all_at_once(requests)?;
    let count = |wanted: u16| {
        answers
            .iter()
            .filter(|(status, _)| *status == wanted)
            .count()
    };
    assert_eq!((count(201), count(taken)), (1, 49), "{asked}: {answers:?}");
    Ok(())
}

#[test]
fn fifty_different_tunnels_at_once_are_all_made() -> Result<()> {
    let lab = Lab::start()?;
    let requests = (0..50).map(|n| Kind::Tunnel.create(&format!("t{n}"), 7000 + n));
    let answers = lab.all_at_once(requests.collect())?;
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(made, 50, "{answers:?}");
    let expected: BTreeSet<_> = (0..50).map(|n| (Kind::Tunnel, format!("t{n}"))).collect();
    assert_eq!(lab.names()?, expected);
    assert_eq!(lab.restart()?.names()?, expected);
    Ok(())
}

#[test]
fn of_twenty_machines_with_one_enrolment_token_one_becomes_the_agent() -> Result<()> {
    let lab = Lab::start()?;
    let body = json!({ "label": "attic", "capabilities": ["tunnels:read"], "allowedSites": [] });
    let request = lab.server.admin().json("POST", &body);
    let made = request.send(&lab.server.api("certs/agent/enroll"))?;
    assert_eq!(made.status, 200, "{}", made.text());
    let token = made.json()?["token"].clone();
    let requests: Vec<(PathBuf, Value)> = (0..20)
        .map(|n| {
            let csr = certificate_request(&lab, n)?;
            let body = json!({ "token": token, "csr": csr });
            Ok((lab.server.state_dir().join("pki/ca.crt"), body))
        })
        .collect::<Result<_>>()?;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asking: Vec<_> = requests
            .iter()
            .zip(2..)
            .map(|((ca, body), host)| {
                let url = lab.server.api("enroll");
                // Each from an address of its own, because tries are counted by address.
                let from = format!("127.0.7.{host}");
                scope.spawn(move || {
                    let request = Curl::new(ca).json("POST", body);
                    Ok(request.options(["--interface", &from]).send(&url)?.status)
                })
            })
            .collect();
        asking
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect::<Result<_>>()
    })?;
    let won = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(won, 1, "{statuses:?}");
    let lost = statuses.iter().filter(|status| matches!(status, 401 | 409));
    assert_eq!(lost.count(), 19, "{statuses:?}");
    // A token that is used up stays so after a crash.
    let lab = lab.restart()?;
    let agents = lab.server.admin().send(&lab.server.api("certs/agent"))?;
    assert_eq!(agents.json()?["agents"].as_array().map(Vec::len), Some(1));
    let (ca, body) = requests.last().context("one")?;
    let again = Curl::new(ca).json("POST", body);
    let again = again.send(&lab.server.api("enroll"))?;
    assert!(matches!(again.status, 401 | 409), "{}", again.text());
    Ok(())
}

/// A request with a key of its own, as openssl makes it.
fn certificate_request(lab: &Lab, n: u32) -> Result<String> {
    let key = lab.folder.path().join(format!("key-{n}"));
    let output = std::process::Command::new("openssl")
        .args(["req", "-new", "-newkey", "ec", "-nodes", "-subj", "/CN=x"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout"])
        .arg(&key)
        .output()?;
    Ok(String::from_utf8(output.stdout)?)
}
