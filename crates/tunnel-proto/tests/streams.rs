//! Streams between two honest ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod pair;

use std::collections::BTreeMap;
use std::time::Duration;

use pair::{Pair, agent_config, pattern, request};
use portlama_tunnel_proto::{
    CloseCode, Config, DEAD_AFTER, Detail, Event, GoAwayReason, INITIAL_WINDOW_BYTES, OpenFault,
    ReadOutcome, RefusalReason, ResetCode, StreamFault, StreamId,
};
use proptest::prelude::*;

#[test]
fn each_half_ends_by_itself() {
    let mut pair = Pair::new();
    let id = pair.open();
    pair.server.write(id, b"question").unwrap();
    pair.server.connection.finish(id).unwrap();
    let (mut to_agent, mut to_server) = (Vec::new(), Vec::new());
    pair.transfer(id, &mut to_agent, &mut to_server);
    assert_eq!(to_agent, b"question");
    assert_eq!(
        pair.agent.connection.read(id, 1, pair.now),
        Ok(ReadOutcome::End)
    );

    pair.agent.write(id, b"answer").unwrap();
    pair.agent.connection.finish(id).unwrap();
    pair.transfer(id, &mut to_agent, &mut to_server);
    assert_eq!(to_server, b"answer");
    assert_eq!(
        pair.server.connection.read(id, 1, pair.now),
        Ok(ReadOutcome::End)
    );
    assert_eq!(pair.server.write(id, b"more"), Err(StreamFault::Finished));

    pair.server.connection.release(id, ResetCode::Cancelled);
    pair.agent.connection.release(id, ResetCode::Cancelled);
    pair.run();
    assert_eq!(
        (pair.server.connection.open_streams(), pair.server.code()),
        (0, None)
    );
    assert_eq!(
        (pair.agent.connection.open_streams(), pair.agent.code()),
        (0, None)
    );
}

#[test]
fn data_may_follow_open_at_once() {
    let mut pair = Pair::new();
    let id = pair.server.connection.open(request()).unwrap();
    pair.server.write(id, b"early").unwrap();
    pair.run();
    pair.agent.connection.accept(id).unwrap();
    let mut read = Vec::new();
    pair.agent.read_into(id, &mut read, pair.now);
    assert_eq!(read, b"early");
}

#[test]
fn a_refusal_says_why_and_frees_the_stream() {
    let mut pair = Pair::new();
    let id = pair.server.connection.open(request()).unwrap();
    pair.server.write(id, b"early").unwrap();
    assert_eq!(pair.server.connection.poll_opened(id), Ok(false));
    pair.run();
    let detail = Detail::new("portlama agent allow 8400");
    pair.agent
        .connection
        .refuse(id, RefusalReason::NotAllowed, detail.clone());
    // Late data of the refused stream is no violation.
    pair.server.write(id, &[1; 1000]).unwrap();
    pair.run();
    assert!(pair.server.took(|e| *e == Event::Readable(id)));
    let refused = StreamFault::Refused(RefusalReason::NotAllowed, detail);
    assert_eq!(pair.server.connection.poll_opened(id), Err(refused));
    pair.server.connection.release(id, ResetCode::Cancelled);
    pair.run();
    assert_eq!((pair.server.code(), pair.agent.code()), (None, None));
    assert_eq!(
        pair.agent.connection.open_streams() + pair.server.connection.open_streams(),
        0
    );
}

#[test]
fn a_reset_reaches_the_other_end_and_late_data_is_ignored() {
    let mut pair = Pair::new();
    let id = pair.open();
    assert_eq!(
        pair.agent.connection.read(id, 1, pair.now),
        Ok(ReadOutcome::Blocked)
    );
    pair.server.connection.release(id, ResetCode::Aborted);
    // Under way while the reset is, too.
    pair.agent.write(id, &pattern(60_000, 1)).unwrap();
    pair.run();
    assert!(pair.agent.took(|e| *e == Event::Readable(id)));
    let reset = Err(StreamFault::Reset(ResetCode::Aborted));
    assert_eq!(pair.agent.connection.read(id, 1, pair.now), reset);
    assert_eq!((pair.server.code(), pair.agent.code()), (None, None));
}

#[test]
fn what_was_written_before_the_end_is_delivered_after_the_user_left() {
    let mut pair = Pair::new();
    let id = pair.open();
    let sent = pattern(50_000, 2);
    assert_eq!(pair.server.write(id, &sent), Ok(50_000));
    pair.server.connection.finish(id).unwrap();
    pair.server.connection.release(id, ResetCode::Cancelled);
    let mut read = Vec::new();
    while pair.step() {
        pair.agent.read_into(id, &mut read, pair.now);
    }
    assert_eq!(read, sent);
    assert_eq!(pair.server.connection.open_streams(), 0);
}

#[test]
fn a_slow_reader_stalls_its_own_stream_only() {
    let mut pair = Pair::new();
    let (slow, fast) = (pair.open(), pair.open());
    let mut stalled = 0;
    loop {
        let count = pair.agent.write(slow, &[1; 4096]).unwrap();
        if count == 0 {
            break;
        }
        stalled += count;
        pair.run();
    }
    assert_eq!(stalled, INITIAL_WINDOW_BYTES as usize);

    let sent = pattern(2_000_000, 3);
    let mut received = Vec::new();
    let mut written = 0;
    while received.len() < sent.len() {
        written += pair.agent.write(fast, &sent[written..]).unwrap();
        pair.transfer(fast, &mut Vec::new(), &mut received);
    }
    assert!(received == sent);

    // Reading makes the stalled stream writable.
    let mut drained = Vec::new();
    pair.server.read_into(slow, &mut drained, pair.now);
    pair.run();
    assert_eq!(drained.len(), stalled);
    assert!(pair.agent.took(|e| *e == Event::Writable(slow)));
    assert!(pair.agent.write(slow, b"x").unwrap() == 1);
}

#[test]
fn small_sends_overtake_bulk() {
    let mut pair = Pair::new();
    let (bulk, small) = (pair.open(), pair.open());
    pair.agent.write(bulk, &pattern(64_000, 0)).unwrap();
    pair.agent.write(small, b"now").unwrap();
    let sent = pair.agent.sent();
    assert_eq!(
        &sent[..11],
        [&[5, 0, 0, 3, 0, 0, 0, 2][..], b"now"].concat()
    );
}

#[test]
fn streams_beyond_the_limit_are_refused_and_slots_are_reused() {
    let mut pair = Pair::with(
        Config {
            max_streams: 3,
            ..Config::server("s")
        },
        agent_config(),
    );
    let ids: Vec<StreamId> = (0..3).map(|_| pair.open()).collect();
    assert_eq!(
        pair.server.connection.open(request()),
        Err(OpenFault::Limit)
    );
    pair.server.connection.release(ids[0], ResetCode::Cancelled);
    pair.run();
    pair.agent.connection.release(ids[0], ResetCode::Cancelled);
    assert_eq!(pair.open(), StreamId(4));
    pair.server.write(ids[1], b"untouched").unwrap();
}

#[test]
fn an_agent_refuses_streams_beyond_its_limit() {
    let agent = Config {
        max_streams: 1,
        ..agent_config()
    };
    let mut pair = Pair::with(Config::server("s"), agent);
    pair.open();
    // An honest server knows the agent's limit.
    assert_eq!(
        pair.server.connection.open(request()),
        Err(OpenFault::Limit)
    );
    pair.agent.feed(
        &[2, 0, 0, 8, 0, 0, 0, 9, 32, 208, 0, 0, 0, 1, 0, 0],
        pair.now,
    );
    assert_eq!(
        pair.agent.sent(),
        [4, 0, 0, 1, 0, 0, 0, 9, RefusalReason::Limit.to_wire()]
    );
    assert_eq!(pair.agent.code(), None);
}

#[test]
fn many_streams_one_after_another_leave_nothing_behind() {
    let mut pair = Pair::new();
    for _ in 0..20_000 {
        let id = pair.server.connection.open(request()).unwrap();
        pair.server.write(id, b"x").unwrap();
        pair.step();
        pair.agent.connection.accept(id).unwrap();
        pair.agent.connection.release(id, ResetCode::Cancelled);
        pair.server.connection.release(id, ResetCode::Cancelled);
        pair.agent.took(|_| true);
        pair.server.took(|_| true);
    }
    pair.run();
    assert_eq!(pair.server.connection.open_streams(), 0);
    assert_eq!(pair.agent.connection.open_streams(), 0);
    assert_eq!((pair.server.code(), pair.agent.code()), (None, None));
    assert_eq!(
        (pair.server.budget.unread(), pair.agent.budget.unread()),
        (0, 0)
    );
}

#[test]
fn a_carrier_whose_ids_run_out_retires_and_ends_with_its_last_stream() {
    let mut pair = Pair::with(
        Config {
            retire_at: 3,
            ..Config::server("s")
        },
        agent_config(),
    );
    let first = pair.open();
    let last = pair.open();
    let retired = Event::GoAway {
        reason: GoAwayReason::Retired,
        retry_after: Duration::ZERO,
    };
    assert!(pair.agent.took(|e| *e == retired));
    assert_eq!(
        pair.server.connection.open(request()),
        Err(OpenFault::Unavailable)
    );
    for id in [first, last] {
        pair.server.write(id, b"still works").unwrap();
        pair.run();
        assert_eq!(pair.server.code(), None);
        pair.server.connection.release(id, ResetCode::Cancelled);
    }
    pair.run();
    assert_eq!(pair.agent.code(), Some(CloseCode::Normal));
}

#[test]
fn a_silent_network_is_noticed_by_both_ends() {
    let mut pair = Pair::new();
    let id = pair.open();
    pair.pass(Duration::from_secs(3600));
    assert_eq!((pair.server.code(), pair.agent.code()), (None, None));
    assert_eq!(pair.agent.connection.rtt(), Some(2 * pair::DELAY));

    pair.silent = true;
    pair.pass(DEAD_AFTER);
    for end in [&mut pair.server, &mut pair.agent] {
        assert_eq!(end.code(), Some(CloseCode::Dead));
        let ended = Err(StreamFault::CarrierEnded(CloseCode::Dead));
        assert_eq!(end.connection.read(id, 1, pair.now), ended);
    }
}

#[test]
fn an_end_that_is_not_greeted_gives_up() {
    let mut pair = Pair::new();
    let config = Config::server("s");
    let budget = pair.server.budget.clone();
    pair.server.connection = portlama_tunnel_proto::Connection::new(config, budget, pair.now);
    let due = pair.server.connection.poll_timeout().unwrap();
    pair.server.connection.handle_timeout(due);
    assert_eq!(pair.server.code(), Some(CloseCode::HelloTimeout));
}

#[test]
fn reading_fast_grows_the_window_and_closing_gives_it_back() {
    let mut pair = Pair::new();
    let id = pair.open();
    pair.pass(Duration::from_secs(6));
    let sent = pattern(4_000_000, 9);
    let (mut written, mut received) = (0, Vec::new());
    while received.len() < sent.len() {
        written += pair.agent.write(id, &sent[written..]).unwrap();
        pair.transfer(id, &mut Vec::new(), &mut received);
    }
    assert!(received == sent);
    assert!(pair.server.budget.grown() > 0);
    pair.server.connection.release(id, ResetCode::Cancelled);
    assert_eq!(pair.server.budget.grown(), 0);
}

/// What one end does with one of three streams.
#[derive(Debug, Clone)]
enum Act {
    Write {
        agent: bool,
        stream: usize,
        length: usize,
    },
    Read {
        agent: bool,
        stream: usize,
        limit: usize,
    },
    Finish {
        agent: bool,
        stream: usize,
    },
    Move,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (any::<bool>(), 0..3usize, 1..60_000usize)
            .prop_map(|(agent, stream, length)| Act::Write { agent, stream, length }),
        4 => (any::<bool>(), 0..3usize, 1..40_000usize)
            .prop_map(|(agent, stream, limit)| Act::Read { agent, stream, limit }),
        1 => (any::<bool>(), 0..3usize).prop_map(|(agent, stream)| Act::Finish { agent, stream }),
        4 => Just(Act::Move),
    ];
    proptest::collection::vec(act, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the order of reads and writes and wherever the link cuts, each stream's octets
    /// arrive whole and in order, and its halves end where they were ended.
    #[test]
    fn octets_arrive_whole_and_in_order(
        acts in acts(),
        pieces in proptest::collection::vec(1..5_000usize, 1..8),
    ) {
        let mut pair = Pair::new();
        pair.pieces = pieces;
        let ids = [pair.open(), pair.open(), pair.open()];
        let mut sent: BTreeMap<(bool, usize), Vec<u8>> = BTreeMap::new();
        let mut received: BTreeMap<(bool, usize), Vec<u8>> = BTreeMap::new();
        let mut finished: BTreeMap<(bool, usize), bool> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Write { agent, stream, length } => {
                    let from = sent.entry((agent, stream)).or_default();
                    let data = &pattern(from.len() + length, stream)[from.len()..];
                    let end = if agent { &mut pair.agent } else { &mut pair.server };
                    match end.write(ids[stream], data) {
                        Ok(count) => from.extend(&data[..count]),
                        Err(fault) => {
                            prop_assert_eq!(fault, StreamFault::Finished);
                            prop_assert!(finished[&(agent, stream)]);
                        }
                    }
                }
                Act::Read { agent, stream, limit } => {
                    let end = if agent { &mut pair.agent } else { &mut pair.server };
                    if let ReadOutcome::Data(bytes) =
                        end.connection.read(ids[stream], limit, pair.now).unwrap()
                    {
                        prop_assert!(bytes.len() <= limit);
                        received.entry((!agent, stream)).or_default().extend(&bytes);
                    }
                }
                Act::Finish { agent, stream } => {
                    let end = if agent { &mut pair.agent } else { &mut pair.server };
                    end.connection.finish(ids[stream]).unwrap();
                    finished.insert((agent, stream), true);
                }
                Act::Move => {
                    pair.step();
                }
            }
        }
        for (stream, id) in ids.into_iter().enumerate() {
            pair.server.connection.finish(id).unwrap();
            pair.agent.connection.finish(id).unwrap();
            let mut to_agent = received.remove(&(false, stream)).unwrap_or_default();
            let mut to_server = received.remove(&(true, stream)).unwrap_or_default();
            pair.transfer(id, &mut to_agent, &mut to_server);
            prop_assert!(to_agent == sent.remove(&(false, stream)).unwrap_or_default());
            prop_assert!(to_server == sent.remove(&(true, stream)).unwrap_or_default());
            for end in [&mut pair.server, &mut pair.agent] {
                prop_assert_eq!(end.connection.read(id, 1, pair.now), Ok(ReadOutcome::End));
                end.connection.release(id, ResetCode::Cancelled);
                prop_assert_eq!(end.code(), None);
            }
        }
        pair.run();
        for end in [&pair.server, &pair.agent] {
            prop_assert_eq!(end.connection.open_streams(), 0);
            prop_assert_eq!(end.connection.queued_bytes(), 0);
            prop_assert_eq!(end.budget.unread(), 0);
            prop_assert_eq!(end.budget.grown(), 0);
        }
    }
}
