//! What may be ordered, by whom, and what it makes of the machine. Nothing here does anything.

use portlama_control::{ServiceAction, Unit, may_act_on_unit};
use serde::{Deserialize, Serialize};

use crate::systemd::unit_name;
use crate::upgrade::UPGRADE_UNIT;

/// The longest order, octets; the longest real one has 50.
pub const MAX_ORDER_BYTES: usize = 256;
/// The one user besides root that is obeyed.
pub const SERVER_USER: &str = "portlama";

/// Something that the server wants of systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "Line")]
pub enum Order {
    /// Tell a known unit what to do.
    Unit(Unit, ServiceAction),
    /// Start the upgrade, and don't wait for it: it ends the server that asks.
    Upgrade,
}

/// An order as it is written: `{"do":"restart","unit":"ssh"}`, `{"do":"upgrade"}`.
#[derive(Serialize)]
struct Line {
    #[serde(rename = "do")]
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

impl From<Order> for Line {
    fn from(order: Order) -> Self {
        match order {
            Order::Unit(unit, action) => Self {
                what: action.as_str(),
                unit: Some(unit.as_str()),
            },
            Order::Upgrade => Self {
                what: "upgrade",
                unit: None,
            },
        }
    }
}

/// A program and its arguments. They can only be words that stand in this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The arguments of `systemctl`.
    pub arguments: Vec<&'static str>,
    /// Whether the order has failed when this fails.
    pub must_succeed: bool,
}

impl Order {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let of = |unit| ServiceAction::ALL.map(|action| Self::Unit(unit, action));
        Unit::ALL.into_iter().flat_map(of).chain([Self::Upgrade])
    }

    /// What is run for it, in this order.
    #[must_use]
    pub fn programs(self) -> Vec<Program> {
        let must = |arguments: &[&'static str]| Program {
            arguments: arguments.to_vec(),
            must_succeed: true,
        };
        match self {
            Self::Upgrade => vec![must(&["--no-block", "start", UPGRADE_UNIT])],
            // Whoever asked would be ended while waiting.
            Self::Unit(Unit::Panel, action) => vec![must(&[
                "--no-block",
                action.as_str(),
                unit_name(Unit::Panel),
            ])],
            Self::Unit(unit, action) => {
                let name = unit_name(unit);
                let mut programs = Vec::new();
                if matches!(action, ServiceAction::Start | ServiceAction::Restart) {
                    // systemd leaves a unit down that is started too often (`StartLimitBurst=`).
                    // With ssh, who could restart it could so shut the operator out.
                    programs.push(Program {
                        arguments: vec!["reset-failed", name],
                        must_succeed: false,
                    });
                }
                programs.push(must(&[action.as_str(), name]));
                programs
            }
        }
    }
}

/// Why octets are no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOrder {
    /// Too long.
    #[error("an order has at most {MAX_ORDER_BYTES} octets")]
    TooLong,
    /// Not one line.
    #[error("an order is one line and nothing after it")]
    NotOneLine,
    /// None of the known lines.
    #[error("there is no such order")]
    Unknown,
}

/// What becomes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is carried out.
    Obey(Order),
    /// It is not, and why.
    Refuse(String),
}

/// Judges what was sent by `peer`, as the kernel calls the sender; `server` is the user id of the
/// server, where there is such a user.
#[must_use]
pub fn judge(octets: &[u8], peer: u32, server: Option<u32>) -> Verdict {
    // The least is said to whoever may say nothing.
    if peer != 0 && Some(peer) != server {
        return Verdict::Refuse(format!(
            "user {peer} may order nothing: that is for root and {SERVER_USER}"
        ));
    }
    let order = match parse(octets) {
        Ok(order) => order,
        Err(error) => return Verdict::Refuse(error.to_string()),
    };
    // The server has asked itself the same. It may be in wrong hands.
    if let Order::Unit(unit, action) = order
        && let Err(refusal) = may_act_on_unit(unit, action)
    {
        return Verdict::Refuse(refusal.to_string());
    }
    Verdict::Obey(order)
}

fn parse(octets: &[u8]) -> Result<Order, NotAnOrder> {
    if octets.len() > MAX_ORDER_BYTES {
        return Err(NotAnOrder::TooLong);
    }
    let line = octets.strip_suffix(b"\n").ok_or(NotAnOrder::NotOneLine)?;
    if line.contains(&b'\n') {
        return Err(NotAnOrder::NotOneLine);
    }
    // There are so few that they are compared, octet by octet: nothing is parsed with root's rights.
    let is_it = |order: &Order| serde_json::to_vec(order).is_ok_and(|known| known == line);
    Order::all().find(is_it).ok_or(NotAnOrder::Unknown)
}

/// The ids of the user `name` and of their group in the text of `/etc/passwd` (passwd(5)).
#[must_use]
pub fn ids_in(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let mut lines = passwd.lines().map(|line| line.split(':'));
    let mut found = lines.find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    Some((found.nth(1)?.parse().ok()?, found.next()?.parse().ok()?))
}

/// What is answered, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Reply {
    /// It is done, or has been told to be done where nobody waits for it.
    Done,
    /// It may not be, and nothing was.
    Refused {
        /// Why.
        reason: String,
    },
    /// It was tried.
    Failed {
        /// What systemd says.
        reason: String,
    },
    /// It was ordered and took too long; it may still happen.
    TimedOut,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVER: u32 = 997;

    fn verdict(line: &str) -> Verdict {
        judge(line.as_bytes(), SERVER, Some(SERVER))
    }

    fn refused(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Refuse(_))
    }

    fn line_of(order: Order) -> String {
        serde_json::to_string(&order).expect("JSON") + "\n"
    }

    #[test]
    fn an_order_is_one_line_of_known_words() {
        for order in Order::all() {
            let line = line_of(order);
            assert!(line.len() <= 50, "{line}");
            match verdict(&line) {
                Verdict::Obey(read) => assert_eq!(read, order),
                Verdict::Refuse(why) => assert!(line.contains("stop"), "{line}: {why}"),
            }
        }
        assert_eq!(
            verdict("{\"do\":\"restart\",\"unit\":\"ssh\"}\n"),
            Verdict::Obey(Order::Unit(Unit::Ssh, ServiceAction::Restart))
        );
        assert_eq!(
            verdict("{\"do\":\"upgrade\"}\n"),
            Verdict::Obey(Order::Upgrade)
        );
    }

    #[test]
    fn what_is_not_exactly_an_order_is_refused() {
        for line in [
            "",
            "\n",
            "null\n",
            "[]\n",
            "{\"do\":\"upgrade\"}",
            "{\"do\":\"upgrade\"}\n\n",
            "{\"do\":\"upgrade\"}\n{\"do\":\"upgrade\"}\n",
            "{\"do\":\"upgrade\"} {\"do\":\"upgrade\"}\n",
            "{\"do\":\"upgrade\",\"unit\":\"ssh\"}\n",
            "{\"do\":\"upgrade\",\"file\":\"/tmp/x\"}\n",
            "{\"do\":\"upgrade\",\"do\":\"upgrade\"}\n",
            "{\"do\":\"restart\"}\n",
            "{\"do\":\"restart\",\"unit\":null}\n",
            "{\"do\":\"restart\",\"unit\":\"nginx\"}\n",
            "{\"do\":\"restart\",\"unit\":\"edge\"}\n",
            "{\"do\":\"restart\",\"unit\":\"ssh.service\"}\n",
            "{\"do\":\"restart\",\"unit\":[\"ssh\",\"dbus\"]}\n",
            "{\"do\":\"mask\",\"unit\":\"ssh\"}\n",
            "{\"do\":\"--help\",\"unit\":\"ssh\"}\n",
            "[\"restart\",\"ssh\"]\n",
            " {\"do\":\"upgrade\"}\n",
            "{\"do\":\"upgrade\"}\r\n",
        ] {
            assert!(refused(&verdict(line)), "{line:?}");
        }
        let long = format!("{{\"do\":\"upgrade\"}}{}\n", " ".repeat(MAX_ORDER_BYTES));
        assert_eq!(
            verdict(&long),
            Verdict::Refuse(NotAnOrder::TooLong.to_string())
        );
    }

    #[test]
    fn a_taken_server_cannot_shut_the_operator_out() {
        for unit in [Unit::Ssh, Unit::Panel] {
            let order = Order::Unit(unit, ServiceAction::Stop);
            assert!(refused(&verdict(&line_of(order))), "{order:?}");
        }
        let restart = Order::Unit(Unit::Ssh, ServiceAction::Restart).programs();
        assert_eq!(restart[0].arguments, ["reset-failed", "ssh.service"]);
        assert!(!restart[0].must_succeed);
        assert_eq!(restart[1].arguments, ["restart", "ssh.service"]);
    }

    #[test]
    fn nobody_waits_for_what_ends_them() {
        let own = Order::Unit(Unit::Panel, ServiceAction::Restart);
        for order in [own, Order::Upgrade] {
            let programs = order.programs();
            assert_eq!(programs.len(), 1);
            assert_eq!(programs[0].arguments[0], "--no-block", "{order:?}");
        }
    }

    #[test]
    fn root_and_the_server_are_obeyed_and_nobody_else() {
        let line = line_of(Order::Upgrade);
        let by = |peer, server| judge(line.as_bytes(), peer, server);
        assert_eq!(by(SERVER, Some(SERVER)), Verdict::Obey(Order::Upgrade));
        assert_eq!(by(0, Some(SERVER)), Verdict::Obey(Order::Upgrade));
        assert_eq!(by(0, None), Verdict::Obey(Order::Upgrade));
        for (peer, server) in [
            (1000, Some(SERVER)),
            (SERVER, None),
            (u32::MAX, Some(SERVER)),
        ] {
            assert!(refused(&by(peer, server)), "{peer}");
        }
    }

    #[test]
    fn the_server_is_known_by_its_line_in_the_list_of_users() {
        let list = "root:x:0:0:root:/root:/bin/bash\nportlama2:x:5:5::/:\nportlama:x:997:996::/:/bin/false\n";
        assert_eq!(ids_in(list, "portlama"), Some((997, 996)));
        assert_eq!(ids_in(list, "nobody"), None);
        assert_eq!(ids_in("portlama:x:-1:0\n", "portlama"), None);
        assert_eq!(ids_in("portlama:x:997\n", "portlama"), None);
        assert_eq!(ids_in("portlama\n", "portlama"), None);
        assert_eq!(ids_in("", "portlama"), None);
    }

    proptest! {
        #[test]
        fn no_octets_break_the_judge(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(refused(&judge(&octets, SERVER, Some(SERVER))));
        }

        #[test]
        fn whoever_is_obeyed_is_known(peer in any::<u32>(), server in any::<Option<u32>>()) {
            let line = line_of(Order::Upgrade);
            let obeyed = !refused(&judge(line.as_bytes(), peer, server));
            prop_assert_eq!(obeyed, peer == 0 || Some(peer) == server);
        }
    }
}
