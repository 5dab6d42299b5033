//! A server that is told to stop under traffic: answers end, agents are sent away, and only then
//! is it gone.
// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stderr)]

mod common;

use std::time::{Duration, Instant};

use anyhow::Result;
use portlama_testkit::{Demo, Origin};
use rustix::process::{Pid, Signal, kill_process};

/// How long the origin takes for its answer.
const ANSWER: Duration = Duration::from_secs(4);
/// How long anything may take to be back.
const HEALED: Duration = Duration::from_secs(15);

#[test]
fn answers_through_a_tunnel_end_before_a_server_that_stops_does() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "public")?;
    let ask = |path: &str| demo.visitor().send(&demo.url("probe", path));
    let serves = || (ask("/bytes/10").ok()?.status == 200).then_some(());
    common::within(HEALED, serves).expect("serves");
    let path = format!("/slow/{}", ANSWER.as_millis());
    let before = origin.requests();
    let mut slow = demo
        .visitor()
        .options(["--fail"])
        .start(&demo.url("probe", &path), &demo.file("slow"))?;
    common::within(HEALED, || (origin.requests() > before).then_some(())).expect("it is asked");
    let begun = Instant::now();
    let server = Pid::from_raw(i32::try_from(demo.ready.server_pid)?).expect("a process id");
    kill_process(server, Signal::TERM)?;
    let (status, _) = common::within(HEALED, || slow.try_wait().ok().flatten()).expect("it ends");
    assert!(
        status.success(),
        "the answer broke off after {:?}",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() > ANSWER / 2,
        "the server was stopped too late"
    );
    // The demo starts another one.
    let (_, healed) = common::within(HEALED, serves).expect("serves again");
    eprintln!("the answer ended; served again {healed:?} later");
    let log = demo.log();
    assert!(
        !log.contains("revoked"),
        "an agent was sent away as revoked"
    );
    assert!(!log.contains("panicked"));
    Ok(())
}
