//! The machine that the tests run on.
// Skipped tests say so.
#![allow(clippy::print_stderr)]

use std::time::Duration;

use portlama_control::{Machine as _, MachineError, ServiceAction, Unit};
use portlama_host::Host;

#[tokio::test]
async fn without_systemd_there_are_figures_and_no_units() {
    let host = Host::without_systemd();
    assert_eq!(host.units().await, []);
    assert!(host.stats().await.is_ok());
    let refused = host.act(Unit::Ssh, ServiceAction::Restart).await;
    assert!(matches!(refused, Err(MachineError::Refused(_))));
    assert!(host.follow(Unit::Ssh).is_err());
}

#[tokio::test]
async fn figures_are_averaged_over_a_moment_and_not_made_up() {
    let host = Host::without_systemd();
    let stats = host.stats().await.expect("figures");
    let again = host.stats().await.expect("figures");
    assert_eq!(stats.memory_total, again.memory_total);
    assert_eq!(stats.cpu_cores, again.cpu_cores);
    assert!(again.uptime >= stats.uptime && again.uptime - stats.uptime < Duration::from_secs(60));
}

#[tokio::test]
async fn units_of_this_machine_have_a_plausible_age() {
    let host = Host::detect();
    if !host.has_systemd() {
        eprintln!("skipped: systemd does not run this machine");
        return;
    }
    let uptime = host.stats().await.expect("figures").uptime;
    for view in host.units().await {
        assert!(
            view.uptime
                .is_none_or(|age| age <= uptime + Duration::from_secs(5)),
            "{view:?}"
        );
    }
}
