//! The same for small changes of many tunnels, which go into a log.

use std::sync::Arc;

use portlama_model::{State, Tunnel};
use serde_json::json;

use super::disk::FaultyDisk;
use super::{EIO, LOSSES, World, journal, old};
use crate::StateError;
use crate::commit::Commit;
use crate::store::{initialise, open};

#[test]
fn a_logged_change_is_there_after_a_crash_at_any_step_when_it_was_acknowledged() {
    let steps = history(|_| false).1;
    for n in 1..=steps {
        for loss in LOSSES {
            let (history, _) = history(move |step| step >= n);
            history.judge(loss, n);
        }
    }
}

#[test]
fn a_logged_change_that_was_refused_does_not_come_back_and_the_next_ones_heal() {
    let steps = history(|_| false).1;
    for first in 1..=steps {
        for second in first..=first + 2 {
            for loss in LOSSES {
                let (history, _) = history(move |step| step == first || step == second);
                history.judge(loss, first);
            }
        }
    }
}

/// Many tunnels, to which one after the other is added, with the document written in between.
struct History {
    world: World,
    /// What may be found after a restart: the tunnels acknowledged, and after
    /// [`StateError::Undecided`] perhaps one more.
    possible: Vec<Vec<u32>>,
}

/// Goes through it on such a disk; answers how many steps it took, too.
fn history(plan: impl Fn(usize) -> bool + Send + Sync + 'static) -> (History, usize) {
    let mut world = World::empty(|_| false);
    let mut state = old();
    state.tunnels = (0..FEWEST_LOGGED).map(tunnel).collect();
    initialise(&world.journal, &state, &[]).expect("initialise");
    world.disk = FaultyDisk::new(plan, EIO);
    world.journal = journal(&world.disk, &world.dir);
    let mut possible = vec![Vec::new()];
    for more in 0..5 {
        let mut next = state.clone();
        next.tunnels.push(tunnel(FEWEST_LOGGED + more));
        let with = |list: &Vec<u32>| [list.as_slice(), &[FEWEST_LOGGED + more]].concat();
        match world
            .journal
            .commit(Commit::between(&state, &next).expect("encode"))
        {
            Ok(_) => {
                possible = vec![with(&numbers_after(&state))];
                state = next;
            }
            Err(StateError::Undecided { .. }) => possible.push(with(&numbers_after(&state))),
            Err(_) => {}
        }
        if more == 2 {
            // What it says is tried again by the next start, at the latest.
            let _ = world.journal.fold(&state);
        }
    }
    let steps = world.disk.steps();
    (History { world, possible }, steps)
}

impl History {
    fn judge(&self, loss: fn(usize) -> bool, n: usize) {
        self.world.disk.crash(loss);
        let open = || open(&journal(&FaultyDisk::sound(), &self.world.dir), &[]).expect("open");
        let found = numbers_after(&open());
        let possible = &self.possible;
        assert!(
            possible.contains(&found),
            "step {n}: {found:?}, not {possible:?}"
        );
        assert!(!self.world.dir.tunnel_log_path().exists(), "step {n}");
        assert_eq!(numbers_after(&open()), found, "step {n}");
    }
}

const FEWEST_LOGGED: u32 = crate::LOGGED_FROM_TUNNELS as u32;

/// The numbers of the tunnels beyond those of the beginning.
fn numbers_after(state: &State) -> Vec<u32> {
    let ports = state
        .tunnels
        .iter()
        .map(|tunnel| u32::from(tunnel.port.get()) - 1024);
    ports.filter(|number| *number >= FEWEST_LOGGED).collect()
}

fn tunnel(number: u32) -> Arc<Tunnel> {
    let tunnel = json!({
        "id": format!("00000000-0000-4000-8000-{number:012}"), "subdomain": format!("app-{number}"),
        "fqdn": format!("app-{number}.lab.example.org"), "port": 1024 + number, "description": null,
        "createdAt": "2027-02-03T08:15:00.000Z",
    });
    serde_json::from_value(tunnel).expect("a tunnel")
}
