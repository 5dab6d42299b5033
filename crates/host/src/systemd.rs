//! Units of the machine, through `systemctl` with arguments that stand here.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use portlama_control::{MachineError, ServiceStatus, UNIT_ACTION_TIMEOUT, Unit, UnitView};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::helper::{Order, Program};

/// How long systemd may take to say how its units are.
pub const UNIT_LIST_TIMEOUT: Duration = Duration::from_secs(5);
/// What is read of an answer of `systemctl`, octets: a unit takes about 150.
pub const MAX_SYSTEMCTL_BYTES: usize = 16 * 1024;

const SYSTEMCTL: &str = "systemctl";

/// What is asked of every unit, each answered by a line `Name=value`.
const PROPERTIES: &str = "--property=LoadState,ActiveState,ActiveEnterTimestampMonotonic,CanReload";

/// How systemd asks a process to end (systemd.kill(5), `KillSignal=`).
const SIGTERM: i32 = 15;

/// The name of a unit for systemd.
pub(crate) fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Panel => "portlama.service",
        Unit::Ssh => "ssh.service",
        Unit::Fail2ban => "fail2ban.service",
        Unit::Timesyncd => "systemd-timesyncd.service",
    }
}

/// The known units that are installed. A systemd that does not answer has none to show.
pub(crate) async fn units() -> Vec<UnitView> {
    let mut command = systemctl(&["show", PROPERTIES]);
    command.args(Unit::ALL.map(unit_name));
    match run(command, UNIT_LIST_TIMEOUT).await {
        Ok(answer) if answer.status.success() => parse_units(&answer.stdout, monotonic_now()),
        _ => vec![],
    }
}

/// Does what an order takes, with the rights of this process.
pub(crate) async fn carry_out(order: Order) -> Result<(), MachineError> {
    let done = timeout(UNIT_ACTION_TIMEOUT, async {
        for program in order.programs() {
            let answer = run(command_of(&program), UNIT_ACTION_TIMEOUT).await?;
            if program.must_succeed {
                outcome(order, &answer)?;
            }
        }
        Ok(())
    });
    done.await.unwrap_or(Err(MachineError::TimedOut))
}

fn command_of(program: &Program) -> Command {
    let mut command = systemctl(&["--no-ask-password"]);
    command.args(&program.arguments);
    command
}

fn outcome(order: Order, answer: &Answer) -> Result<(), MachineError> {
    // Of a server that root runs as a unit, this program is of that unit, and a unit that restarts
    // ends all its processes (`KillMode=`): the order was given, and is being carried out.
    let ended_by_its_order = matches!(order, Order::Unit(Unit::Panel, _) | Order::Upgrade)
        && answer.status.signal() == Some(SIGTERM);
    if answer.status.success() || ended_by_its_order {
        return Ok(());
    }
    Err(MachineError::Refused(match answer.stderr.trim() {
        "" => format!("systemctl ended with {}", answer.status),
        words => words.to_owned(),
    }))
}

fn systemctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(SYSTEMCTL);
    command
        .args(["--no-pager", "--system"])
        .args(arguments)
        .env("LC_ALL", "C")
        .env("SYSTEMD_COLORS", "0");
    command
}

struct Answer {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Runs a program to its end, which comes by force after `limit`.
async fn run(mut command: Command, limit: Duration) -> Result<Answer, MachineError> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot_run)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = timeout(limit, async {
        let (stdout, stderr, status) = tokio::join!(text(stdout), text(stderr), child.wait());
        Ok(Answer {
            status: status.map_err(cannot_run)?,
            stdout,
            stderr,
        })
    });
    ended.await.unwrap_or(Err(MachineError::TimedOut))
}

fn cannot_run(error: std::io::Error) -> MachineError {
    MachineError::Program {
        program: SYSTEMCTL,
        reason: error.to_string(),
    }
}

/// What is said, up to the limit; the rest is read and thrown away, so that nobody waits.
async fn text(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else {
        return String::new();
    };
    let mut kept = Vec::new();
    let limit = u64::try_from(MAX_SYSTEMCTL_BYTES).unwrap_or(u64::MAX);
    let _ = (&mut from).take(limit).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}

/// The clock in which systemd says since when a unit is active.
fn monotonic_now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}

/// Reads the answer of `systemctl show`: one block of lines for each unit, in the order asked
/// for, with an empty line between them.
fn parse_units(answer: &str, now: Duration) -> Vec<UnitView> {
    let blocks = answer.split("\n\n").map(str::trim);
    Unit::ALL
        .into_iter()
        .zip(blocks)
        .filter_map(|(unit, block)| parse_unit(unit, block, now))
        .collect()
}

fn parse_unit(unit: Unit, block: &str, now: Duration) -> Option<UnitView> {
    let value = |name: &str| {
        let mut pairs = block.lines().filter_map(|line| line.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.trim())
    };
    if value("LoadState")? != "loaded" {
        return None;
    }
    let status = match value("ActiveState").unwrap_or_default() {
        "active" | "reloading" | "refreshing" => ServiceStatus::Active,
        "inactive" => ServiceStatus::Inactive,
        "failed" => ServiceStatus::Failed,
        _ => ServiceStatus::Unknown,
    };
    let active_since = value("ActiveEnterTimestampMonotonic")
        .and_then(|micros| micros.parse().ok())
        .filter(|micros| *micros > 0)
        .map(Duration::from_micros);
    Some(UnitView {
        unit,
        status,
        uptime: active_since
            .filter(|_| status == ServiceStatus::Active)
            .map(|since| now.saturating_sub(since)),
        can_reload: value("CanReload") == Some("yes"),
    })
}

#[cfg(test)]
mod tests {
    use portlama_control::ServiceAction;
    use proptest::prelude::*;

    use super::*;

    const RESTARTS_SSH: Order = Order::Unit(Unit::Ssh, ServiceAction::Restart);
    const RESTARTS_ITSELF: Order = Order::Unit(Unit::Panel, ServiceAction::Restart);

    /// What systemd 252 says, one unit running, one broken, one missing, one stopped.
    const ANSWER: &str = "\
CanReload=no
LoadState=loaded
ActiveState=active
ActiveEnterTimestampMonotonic=60000000

CanReload=yes
LoadState=loaded
ActiveState=failed
ActiveEnterTimestampMonotonic=1000

CanReload=no
LoadState=not-found
ActiveState=inactive
ActiveEnterTimestampMonotonic=0

CanReload=no
LoadState=loaded
ActiveState=inactive
ActiveEnterTimestampMonotonic=0
";

    #[test]
    fn units_are_read_in_the_order_asked_for_and_missing_ones_left_out() {
        let view = |unit, status, uptime: Option<u64>, can_reload| UnitView {
            unit,
            status,
            uptime: uptime.map(Duration::from_secs),
            can_reload,
        };
        assert_eq!(
            parse_units(ANSWER, Duration::from_secs(90)),
            [
                view(Unit::Panel, ServiceStatus::Active, Some(30), false),
                view(Unit::Ssh, ServiceStatus::Failed, None, true),
                view(Unit::Timesyncd, ServiceStatus::Inactive, None, false),
            ]
        );
    }

    #[test]
    fn a_unit_on_its_way_is_neither_active_nor_stopped() {
        let block = "LoadState=loaded\nActiveState=activating";
        let view = parse_unit(Unit::Ssh, block, Duration::ZERO).expect("a unit");
        assert_eq!((view.status, view.uptime), (ServiceStatus::Unknown, None));
    }

    fn said(status: i32, stderr: &str) -> Answer {
        Answer {
            status: ExitStatus::from_raw(status),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        }
    }

    #[test]
    fn an_order_that_ends_who_gave_it_is_done() {
        for order in [RESTARTS_ITSELF, Order::Upgrade] {
            assert_eq!(outcome(order, &said(SIGTERM, "")), Ok(()));
        }
        for (order, status) in [
            (RESTARTS_SSH, SIGTERM),
            (RESTARTS_ITSELF, 9),
            (RESTARTS_ITSELF, 1 << 8),
        ] {
            outcome(order, &said(status, "")).expect_err("not done");
        }
    }

    #[test]
    fn the_words_of_systemd_are_passed_on() {
        let words = "Failed to reload ssh.service: Job type reload is not applicable";
        assert_eq!(
            outcome(RESTARTS_SSH, &said(1 << 8, &format!("{words}\n"))),
            Err(MachineError::Refused(words.to_owned()))
        );
    }

    #[test]
    fn an_order_becomes_a_program_that_asks_nobody() {
        let program = &RESTARTS_ITSELF.programs()[0];
        let command = command_of(program);
        let arguments = command
            .as_std()
            .get_args()
            .map(|word| word.to_string_lossy());
        assert_eq!(
            arguments.collect::<Vec<_>>(),
            [
                "--no-pager",
                "--system",
                "--no-ask-password",
                "--no-block",
                "restart",
                "portlama.service"
            ]
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("600");
        let begun = std::time::Instant::now();
        let ended = run(command, Duration::from_millis(50)).await;
        assert_eq!(ended.err(), Some(MachineError::TimedOut));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_program_that_talks_without_end_is_read_in_part() {
        let mut command = Command::new("seq");
        command.arg("200000");
        let answer = run(command, Duration::from_secs(30))
            .await
            .expect("an answer");
        assert!(answer.status.success());
        assert_eq!(answer.stdout.len(), MAX_SYSTEMCTL_BYTES);
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let ended = run(Command::new("/nowhere/systemctl"), UNIT_LIST_TIMEOUT).await;
        assert!(matches!(
            ended,
            Err(MachineError::Program {
                program: "systemctl",
                ..
            })
        ));
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_reading(answer in any::<String>(), now in any::<u32>()) {
            parse_units(&answer, Duration::from_secs(now.into()));
        }

        #[test]
        fn no_value_breaks_the_reading(
            load in "loaded|masked|[a-z=\n]{0,9}", state in ".{0,20}", since in "[0-9-]{0,25}"
        ) {
            let block = format!(
                "LoadState={load}\nActiveState={state}\nActiveEnterTimestampMonotonic={since}\n\n"
            );
            for view in parse_units(&block.repeat(9), Duration::from_secs(5)) {
                prop_assert!(view.uptime.is_none_or(|uptime| uptime <= Duration::from_secs(5)));
            }
        }
    }
}
