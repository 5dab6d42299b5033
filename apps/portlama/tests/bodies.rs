//! Large bodies in both directions: whole, unchanged, and without filling memory.

mod common;

use std::time::Duration;

use anyhow::Result;
use portlama_testkit::{Demo, Oracle, Origin, sha256_of_pattern};

/// 1 GiB with the binary that users run; less with a debug build.
fn size() -> u64 {
    if common::is_release() {
        1 << 30
    } else {
        64 << 20
    }
}

/// How much the server may grow while a body of any size passes, KiB.
const GROWTH_KIB: u64 = 32 * 1024;

#[test]
fn a_large_body_passes_both_ways_in_flat_memory() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "authenticated")?;
    demo.sign_in("jar")?;
    demo.visitor_with_jar("jar")
        .follow()
        .send(&demo.url("probe", "/headers"))?;
    let oracle = Oracle::before(&demo, &[])?;
    let hash = sha256_of_pattern(size());

    let file = demo.file("body");
    for version in ["--http1.1", "--http2"] {
        let before = resident_kib(demo.ready.server_pid);
        let url = demo.url("probe", &format!("/bytes/{}", size()));
        let mut child = demo
            .visitor_with_jar("jar")
            .options([version])
            .start(&url, &file)?;
        let peak = peak_while_running(&mut child, demo.ready.server_pid)?;
        assert_eq!(sha256_of(&file)?, hash, "download {version}");
        assert!(
            peak <= before + GROWTH_KIB,
            "download {version}: from {before} to {peak} KiB"
        );

        let before = resident_kib(demo.ready.server_pid);
        let answer = demo.file("answer");
        let upload = ["-T".into(), file.clone().into_os_string(), version.into()];
        let mut child = demo
            .visitor_with_jar("jar")
            .options(upload)
            .start(&demo.url("probe", "/upload"), &answer)?;
        let peak = peak_while_running(&mut child, demo.ready.server_pid)?;
        let answer: serde_json::Value = serde_json::from_slice(&std::fs::read(&answer)?)?;
        assert_eq!(answer["sha256"], hash, "upload {version}");
        assert!(
            peak <= before + GROWTH_KIB,
            "upload {version}: from {before} to {peak} KiB"
        );
    }
    oracle.after(&demo)
}

#[test]
fn a_slow_reader_delays_nobody() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "public")?;
    let file = demo.file("slow");
    let slow = demo
        .visitor()
        .options(["--limit-rate", "10k", "--max-time", "60"]);
    let mut child = slow.start(&demo.url("probe", "/bytes/1000000000"), &file)?;
    common::within(Duration::from_secs(10), || {
        std::fs::metadata(&file).ok().filter(|m| m.len() > 0)
    })
    .expect("the slow download begins");
    for _ in 0..20 {
        let answer = demo
            .visitor()
            .options(["--max-time", "5"])
            .send(&demo.url("probe", "/bytes/1000000"))?;
        assert_eq!(answer.body.len(), 1_000_000);
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn peak_while_running(child: &mut std::process::Child, pid: u32) -> Result<u64> {
    let mut peak = 0;
    loop {
        peak = peak.max(resident_kib(pid));
        if let Some(status) = child.try_wait()? {
            assert!(status.success(), "curl ended with {status}");
            return Ok(peak);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .expect("the server runs")
}

fn sha256_of(file: &std::path::Path) -> Result<String> {
    let output = std::process::Command::new("sha256sum").arg(file).output()?;
    Ok(String::from_utf8(output.stdout)?
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}
