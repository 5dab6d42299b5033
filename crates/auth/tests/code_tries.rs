//! Wrong one-time codes at the panel, per network.

use std::net::Ipv4Addr;

use portlama_auth::{
    CODE_BAN, CODE_WINDOW, CodeTries, MAX_CODE_NETWORKS, MAX_WRONG_CODES, Network,
};
use portlama_model::Timestamp;

#[test]
fn the_request_after_the_fifth_wrong_code_begins_the_ban() {
    let mut tries = CodeTries::new();
    for _ in 0..MAX_WRONG_CODES {
        assert_eq!(tries.admit(network(1), at(0)), Ok(()));
        tries.wrong(network(1), at(0));
    }
    // It lasts from the request that meets it, not from the last wrong code.
    let ban = tries.admit(network(1), at(60)).expect_err("banned");
    assert_eq!(ban.retry_after, CODE_BAN);
    let ban = tries.admit(network(1), at(60 + 299)).expect_err("banned");
    assert_eq!(ban.retry_after.as_secs(), 1);
    assert_eq!(tries.admit(network(1), at(60 + 300)), Ok(()));
    assert_eq!(tries.admit(network(2), at(60)), Ok(()));
}

#[test]
fn wrong_codes_fade_with_their_window() {
    let mut tries = CodeTries::new();
    let window = CODE_WINDOW.as_secs().cast_signed();
    for second in 0..20 {
        let now = at(second * window / 4);
        assert_eq!(tries.admit(network(1), now), Ok(()));
        tries.wrong(network(1), now);
    }
}

#[test]
fn a_clock_set_back_prolongs_no_ban() {
    let mut tries = CodeTries::new();
    for _ in 0..MAX_WRONG_CODES {
        tries.wrong(network(1), at(0));
    }
    assert!(tries.admit(network(1), at(0)).is_err());
    let ban = tries.admit(network(1), at(-86_400)).expect_err("banned");
    assert_eq!(ban.retry_after, CODE_BAN);
    assert_eq!(tries.admit(network(1), at(-86_400 + 300)), Ok(()));
}

#[test]
fn a_full_table_forgets_no_ban_and_lets_new_networks_wait() {
    let mut tries = CodeTries::new();
    let networks = u32::try_from(MAX_CODE_NETWORKS).expect("a small number");
    for n in 0..networks {
        for _ in 0..MAX_WRONG_CODES {
            tries.wrong(network(n), at(0));
        }
        assert!(tries.admit(network(n), at(0)).is_err());
    }
    assert!(tries.admit(network(networks), at(1)).is_err());
    assert!(tries.admit(network(0), at(1)).is_err());
    assert_eq!(tries.admit(network(networks), at(300)), Ok(()));
}

fn network(n: u32) -> Network {
    std::net::IpAddr::from(Ipv4Addr::from_bits(n)).into()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}
