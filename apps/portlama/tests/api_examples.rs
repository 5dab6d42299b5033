//! The examples of `docs/api.md` do what the page says.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::{Demo, Oracle};
use serde_json::Value;

/// A shell example and the answer shown after it.
struct Example {
    line: usize,
    script: String,
    answer: Option<Value>,
}

#[test]
fn every_example_runs_and_answers_with_the_members_shown() -> Result<()> {
    let page = std::fs::read_to_string(docs().join("api.md"))?;
    let examples = examples(&page)?;
    ensure!(examples.len() > 10, "the page has lost its examples");
    let demo = Demo::start(&common::binary())?;
    let oracle = Oracle::before(&demo, &[])?;
    let folder = tempfile::tempdir()?;
    run(&demo, folder.path(), &examples)?;
    for (i, example) in examples.iter().enumerate() {
        let Some(shown) = &example.answer else {
            continue;
        };
        let printed = std::fs::read_to_string(folder.path().join(output(i)))?;
        let at = format!("docs/api.md:{}", example.line);
        let answer = serde_json::from_str(&printed).with_context(|| format!("{at}: {printed}"))?;
        compare(shown, &answer, "").with_context(|| format!("{at}: {printed}"))?;
    }
    oracle.after(&demo)
}

/// All in one shell, as a reader would, so that an example may use what those before it made.
fn run(demo: &Demo, folder: &Path, examples: &[Example]) -> Result<()> {
    let mut script = String::new();
    for (i, example) in examples.iter().enumerate() {
        let (line, body) = (example.line, &example.script);
        script += &format!("echo {line} > reached\n{{\n{body}\n}} > {}\n", output(i));
    }
    let shell = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(folder)
        .env("PANEL", demo.ready.panel_url.trim_end_matches('/'))
        .env("CA", &demo.ready.ca_cert)
        .env("ADMIN_P12", &demo.ready.admin_p12)
        .env("ADMIN_P12_PASSWORD", &demo.ready.admin_p12_password)
        .env("NO_PROXY", "*")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .context("cannot start sh")?;
    let reached = std::fs::read_to_string(folder.join("reached")).unwrap_or_default();
    ensure!(
        shell.status.success(),
        "the example at docs/api.md:{} failed: {}\n{}",
        reached.trim(),
        String::from_utf8_lossy(&shell.stderr),
        last_output(folder, examples, reached.trim())
    );
    Ok(())
}

fn last_output(folder: &Path, examples: &[Example], line: &str) -> String {
    let place = examples.iter().position(|e| e.line.to_string() == line);
    let file = folder.join(output(place.unwrap_or_default()));
    std::fs::read_to_string(file).unwrap_or_default()
}

fn output(i: usize) -> String {
    format!("example-{i}.out")
}

/// Everything shown is there and of the same kind. Literals that clients match on, yes and no, and
/// words that are not cut short with `…` are the same; ids, times, hosts and addresses are not.
fn compare(shown: &Value, answer: &Value, at: &str) -> Result<()> {
    match (shown, answer) {
        (Value::Object(shown), Value::Object(answer)) => {
            for (name, member) in shown {
                let at = format!("{at}.{name}");
                let found = answer.get(name).with_context(|| format!("no `{at}`"))?;
                let literal = [
                    "error",
                    "status",
                    "type",
                    "openapi",
                    "accessMode",
                    "certificate",
                ];
                if literal.contains(&name.as_str()) {
                    ensure!(member == found, "`{at}` is {found}, not {member}");
                }
                compare(member, found, &at)?;
            }
        }
        (Value::Array(shown), Value::Array(answer)) => {
            for (i, item) in shown.iter().enumerate() {
                let at = format!("{at}[{i}]");
                let found = answer.get(i).with_context(|| format!("no `{at}`"))?;
                compare(item, found, &at)?;
            }
        }
        (Value::Bool(_), _) => ensure!(shown == answer, "`{at}` is {answer}, not {shown}"),
        _ => ensure!(
            std::mem::discriminant(shown) == std::mem::discriminant(answer),
            "`{at}` is {answer}, not of the kind of {shown}"
        ),
    }
    Ok(())
}

/// The blocks of the page in `sh`, each with the block in `json` that is next to it.
fn examples(page: &str) -> Result<Vec<Example>> {
    let mut examples: Vec<Example> = vec![];
    let mut lines = page.lines().enumerate().map(|(i, line)| (i + 1, line));
    while let Some((line, fence)) = lines.next() {
        let Some(language) = fence.strip_prefix("```") else {
            continue;
        };
        let inside = lines.by_ref().take_while(|(_, text)| *text != "```");
        let block: Vec<&str> = inside.map(|(_, text)| text).collect();
        let block = block.join("\n");
        match language {
            "sh" => examples.push(Example {
                line,
                script: block,
                answer: None,
            }),
            "json" => {
                let of = examples
                    .last_mut()
                    .context("an answer without an example")?;
                ensure!(of.answer.is_none(), "docs/api.md:{line}: a second answer");
                let shown = serde_json::from_str(&block);
                of.answer = Some(shown.with_context(|| format!("docs/api.md:{line}"))?);
            }
            _ => {}
        }
    }
    Ok(examples)
}

/// In the checkout that the test runs for, which need not be the one it was compiled in.
fn docs() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.join("../../docs")
}
