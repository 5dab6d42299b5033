//! The command line as a stranger uses it.

mod common;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::Result;
use portlama_testkit::{Demo, DemoOptions};

fn portlama(arguments: &[&str]) -> Output {
    Command::new(common::binary())
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_is_an_answer_and_a_usage_error_exits_with_2() {
    for words in [&["--help"][..], &["agent", "allowed", "--help"]] {
        let output = portlama(words);
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && help.contains("Examples:"),
            "{words:?}"
        );
    }
    for words in [
        &["demo", "--port", "x"][..],
        &["server", "fly"],
        &["--no-such-flag"],
    ] {
        assert_eq!(portlama(words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn a_demo_on_a_taken_port_says_so_and_leaves_nothing_running() -> Result<()> {
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port().to_string();
    let output = portlama(&["demo", "--port", &port, "--panel-port", "0"]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains(&format!("port {port}")), "{message}");
    let sentence = message.trim().lines().last().unwrap_or_default();
    assert_eq!(sentence.matches("error:").count(), 1, "{message}");
    Ok(())
}

#[test]
fn a_demo_in_an_unusable_directory_says_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "not a directory")?;
    let other = folder.path().join("other");
    std::fs::create_dir(&other)?;
    std::fs::write(other.join("notes.txt"), "mine")?;
    for (place, word) in [(&file, "file"), (&other, "half-finished")] {
        let output = portlama(&[
            "demo",
            "--port",
            "0",
            "--state-dir",
            &place.to_string_lossy(),
        ]);
        assert_eq!(output.status.code(), Some(1));
        let message = stderr(&output);
        assert!(message.contains(word), "{message}");
        assert_eq!(
            message.trim().lines().count(),
            1,
            "one clear sentence: {message}"
        );
    }
    assert_eq!(std::fs::read_to_string(other.join("notes.txt"))?, "mine");
    Ok(())
}

#[test]
fn a_kept_demo_comes_back_with_the_same_user_and_the_same_agent() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("demo");
    let options = || DemoOptions {
        state_dir: Some(place.clone()),
        port: None,
    };
    let mut first = Demo::start_with(&common::binary(), options())?;
    let second = portlama(&[
        "demo",
        "--port",
        "0",
        "--state-dir",
        &place.to_string_lossy(),
    ]);
    assert_eq!(second.status.code(), Some(1), "two demos in one directory");
    assert!(
        stderr(&second).contains("another demo"),
        "{}",
        stderr(&second)
    );
    assert_eq!(first.stop()?.code(), Some(0));
    assert!(
        gone(first.ready.server_pid) && gone(first.ready.agent_pid),
        "left running"
    );

    let taken = TcpListener::bind(("127.0.0.1", first.ready.https_port))?;
    let refused = portlama(&[
        "demo",
        "--port",
        "0",
        "--state-dir",
        &place.to_string_lossy(),
    ]);
    assert_eq!(refused.status.code(), Some(1), "its port is taken");
    let message = stderr(&refused);
    let errors: Vec<&str> = message.lines().filter(|l| !l.starts_with('·')).collect();
    let [sentence] = errors[..] else {
        panic!("one clear sentence, and nothing of the earlier run's log: {message}");
    };
    assert!(
        sentence.contains(&first.ready.https_port.to_string()),
        "{message}"
    );
    drop(taken);

    let again = Demo::start_with(&common::binary(), options())?;
    assert_eq!(again.ready.password, first.ready.password);
    assert_eq!(again.ready.https_port, first.ready.https_port);
    let page = again.sign_in_to_app("jar")?;
    assert!(page.text().contains(&again.ready.username));
    Ok(())
}

#[test]
fn children_end_with_a_killed_demo() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut demo = Command::new(common::binary())
        .args(["demo", "--port", "0", "--json", "--state-dir"])
        .arg(folder.path().join("demo"))
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(demo.stdout.take().expect("piped")),
        &mut line,
    )?;
    let ready: serde_json::Value = serde_json::from_str(&line)?;
    demo.kill()?;
    demo.wait()?;
    for pid in ["serverPid", "agentPid"] {
        let pid = u32::try_from(ready[pid].as_u64().expect("a process id"))?;
        common::within(Duration::from_secs(35), || gone(pid).then_some(()))
            .expect("the child ends");
    }
    Ok(())
}

fn gone(pid: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else {
        return true;
    };
    status
        .lines()
        .any(|line| line.starts_with("State:") && line.contains('Z'))
}

#[test]
fn server_init_says_how_to_run_what_it_made() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("state").to_string_lossy().into_owned();
    let made = portlama(&["server", "init", "--ip", "::1", "--state-dir", &place]);
    let next = format!("portlama server run --state-dir {place}");
    assert!(stderr(&made).contains(&next), "{}", stderr(&made));
    Ok(())
}

#[test]
fn wrong_flags_of_the_authority_are_named_with_the_way_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (state, empty) = (folder.path().join("state"), folder.path().join("empty.pem"));
    std::fs::write(&empty, "")?;
    let (place, empty) = (state.to_string_lossy(), empty.to_string_lossy());
    let missing = format!("{empty}.missing");
    for (flags, words) in [
        (
            ["--acme-directory", "http://acme.example.org/dir"],
            [
                "--acme-directory",
                "https://acme-v02.api.letsencrypt.org/directory",
            ],
        ),
        (
            ["--acme-directory", "nonsense"],
            ["--acme-directory", "`nonsense`"],
        ),
        (
            ["--acme-directory", "https://me@acme.example.org/"],
            ["--acme-directory", "https address"],
        ),
        (
            ["--acme-ca-file", &missing],
            ["--acme-ca-file", "cannot read"],
        ),
        (
            ["--acme-ca-file", &empty],
            ["--acme-ca-file", "holds no certificate"],
        ),
        (
            ["--acme-challenge", "dns-01"],
            ["--acme-challenge", "tls-alpn-01"],
        ),
    ] {
        let init = ["server", "init", "--ip", "::1", "--state-dir", &place];
        let output = portlama(&[&init[..], &flags].concat());
        assert_eq!(output.status.code(), Some(1), "{flags:?}");
        let message = stderr(&output);
        for word in words {
            assert!(message.contains(word), "{flags:?}: {message}");
        }
        assert!(!state.exists(), "{flags:?}: nothing is made");
    }
    let init = ["server", "init", "--ip", "::1", "--state-dir", &place];
    let output = portlama(&[&init[..], &["--acme-challenge", "http-01"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("tls-alpn-01"),
        "{}",
        stderr(&output)
    );
    let internal = [
        "--certificates",
        "internal",
        "--acme-challenge",
        "tls-alpn-01",
    ];
    let output = portlama(&[&init[..], &internal].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--certificates internal"));
    assert!(!state.exists());
    Ok(())
}

#[test]
fn server_init_signs_a_request_and_refuses_a_bad_one_before_anything_is_made() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state");
    let requests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/pki/tests/requests");
    let init = |request: &Path| {
        let (place, request) = (state.to_string_lossy(), request.to_string_lossy());
        let init = ["server", "init", "--json", "--ip", "::1", "--state-dir"];
        portlama(&[&init[..], &[&place, "--admin-csr", &request]].concat())
    };
    let written = |name: &str, text: &str| -> Result<std::path::PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let good = std::fs::read_to_string(requests.join("good-p256.pem"))?;
    let mut bad = vec![
        requests.join("none.pem"),
        written("empty", "")?,
        written("two", &format!("{good}{good}"))?,
        written("large", &"x".repeat(1 << 20))?,
        written(
            "key",
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        )?,
    ];
    for entry in std::fs::read_dir(&requests)? {
        let path = entry?.path();
        if !path.to_string_lossy().contains("/good-") {
            bad.push(path);
        }
    }
    assert!(bad.len() > 15, "{bad:?}");
    for request in bad {
        let output = init(&request);
        assert_eq!(output.status.code(), Some(1), "{}", request.display());
        let message = stderr(&output);
        let name = request.to_string_lossy().into_owned();
        assert!(message.contains(&name), "{name}: {message}");
        assert!(!state.exists(), "{name}: nothing is made");
    }
    let made = init(&requests.join("good-p256.pem"));
    assert!(made.status.success(), "{}", stderr(&made));
    let said: serde_json::Value = serde_json::from_slice(&made.stdout)?;
    for (file, text) in [("caCert", "caCertPem"), ("adminCert", "adminCertPem")] {
        let path = said[file].as_str().unwrap_or_default();
        assert_eq!(said[text], std::fs::read_to_string(path)?, "{said}");
    }
    assert_eq!(said["caFingerprint"].as_str().map(str::len), Some(64));
    Ok(())
}

#[test]
fn server_init_refuses_a_directory_that_holds_a_server() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("state");
    let init = || {
        portlama(&[
            "server",
            "init",
            "--ip",
            "198.51.100.23",
            "--state-dir",
            &place.to_string_lossy(),
        ])
    };
    assert!(init().status.success());
    let before = digest_of(&place)?;
    let again = init();
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("state"), "{}", stderr(&again));
    assert_eq!(digest_of(&place)?, before, "nothing was changed");
    Ok(())
}

/// Every file with its content, for a comparison.
fn digest_of(folder: &Path) -> Result<Vec<(std::path::PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(digest_of(&path)?);
        } else if path.file_name().is_some_and(|n| n != "lock") {
            files.push((path.clone(), std::fs::read(&path)?));
        }
    }
    files.sort();
    Ok(files)
}
