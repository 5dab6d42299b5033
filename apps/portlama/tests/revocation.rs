//! A revoked agent is nobody at once: on new connections, on open ones, in the middle of a download.
// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stderr)]

mod common;

use std::time::Duration;

use anyhow::Result;
use portlama_testkit::{Demo, Oracle, Origin};

#[test]
fn revoking_an_agent_cuts_its_downloads_and_its_api() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "public")?;
    let oracle = Oracle::before(&demo, &[])?;
    let file = demo.file("running");
    let mut running = demo
        .visitor()
        .start(&demo.url("probe", "/bytes/8000000000"), &file)?;
    common::within(Duration::from_secs(15), || {
        std::fs::metadata(&file).ok().filter(|m| m.len() > 100_000)
    })
    .expect("a download runs");

    let identity = demo
        .ready
        .state_dir
        .join("agent/agents")
        .join(&demo.ready.agent_label);
    let as_agent = || {
        demo.visitor()
            .identity(&identity.join("client.crt"), &identity.join("client.key"))
    };
    assert_eq!(
        as_agent().send(&demo.api("tunnels/agent-config"))?.status,
        200
    );

    let path = format!("certs/agent/{}", demo.ready.agent_label);
    let answer = demo
        .admin()
        .options(["-X", "DELETE"])
        .send(&demo.api(&path))?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (status, after) =
        common::within(Duration::from_secs(2), || running.try_wait().ok().flatten())
            .expect("the download is cut");
    assert!(!status.success(), "a cut download must not look whole");
    eprintln!("the running download was cut {after:?} after the revocation's answer");

    let refused = as_agent().send(&demo.api("tunnels/agent-config"))?;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.json()?["details"]["hint"].is_string());
    let page = demo.visitor().send(&demo.url("probe", "/bytes/1"))?;
    assert_eq!(page.status, 503, "{}", page.text());
    let again = demo
        .admin()
        .options(["-X", "DELETE"])
        .send(&demo.api(&path))?;
    assert_eq!(again.status, 404, "revoked twice");
    std::fs::remove_file(&file)?;
    oracle.after(&demo)
}
