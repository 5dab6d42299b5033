//! Signing in and out: what passes, what does not, and what a stranger can tell.
#![allow(clippy::unwrap_used)]

mod world;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use portlama_auth::{
    BAN_DURATION, HANDOVER_LIFETIME, MAX_FAILURES, SESSION_ABSOLUTE, SESSION_IDLE,
};
use portlama_control::{FIRST_FACTOR_LIFETIME, SignInError, SsoState, TunnelChange};
use portlama_model::{AccessMode, Hostname, Secret};
use world::{HERE, PASSWORD, World, challenge, open_host};

const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

fn right() -> Secret {
    Secret::new(PASSWORD)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_factors_open_a_protected_host() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    let seed = world.user("mira").await;
    let first = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
    let half = first.sso_token.expose().to_owned();
    assert!(matches!(
        world.control.sso_state(Some(&half)),
        SsoState::FirstFactor { .. }
    ));
    let target = world
        .control
        .return_target("https://wiki.lab.example.org/")
        .unwrap();
    let early = world.control.handover(&half, &target, &challenge("nonce"));
    assert_eq!(early.unwrap_err(), SignInError::FirstFactorRequired);

    let whole = world
        .control
        .second_factor(&half, &world.code(&seed), HERE)
        .await
        .unwrap();
    assert_ne!(whole.expose(), half);
    // The token of the lower level is dead.
    assert_eq!(world.control.sso_state(Some(&half)), SsoState::Anonymous);
    assert!(matches!(
        world.control.sso_state(Some(whole.expose())),
        SsoState::TwoFactor { .. }
    ));
    let (host, token) = open_host(&world, whole.expose(), "wiki").await;
    let signed_in = world
        .control
        .live()
        .sessions()
        .visitor(&host, &token)
        .unwrap();
    assert_eq!(signed_in.visitor.username.as_str(), "mira");
    assert!(world.control.live().sessions().is_live(&signed_in.session));

    let world = world.restart().await;
    assert!(
        world
            .control
            .live()
            .sessions()
            .visitor(&host, &token)
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_cost_the_same_check_and_answer() {
    let world = World::new().await;
    world.user("mira").await;
    let before = world.control.password_checks();
    for name in ["mira", "nobody", "Not A Name", ""] {
        let answer = world
            .control
            .first_factor(None, name, Secret::new("wrong password"), HERE)
            .await;
        assert_eq!(answer.unwrap_err(), SignInError::Wrong, "{name}");
    }
    assert_eq!(world.control.password_checks(), before + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_checks_nothing_survives_a_restart_and_is_of_one_network() {
    let world = World::new().await;
    world.user("mira").await;
    for _ in 0..MAX_FAILURES {
        let answer = world
            .control
            .first_factor(None, "mira", Secret::new("wrong password"), HERE)
            .await;
        assert_eq!(answer.unwrap_err(), SignInError::Wrong);
    }
    let world = world.restart().await;
    let before = world.control.password_checks();
    let banned = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await;
    assert_eq!(banned.unwrap_err(), SignInError::Banned);
    assert_eq!(world.control.password_checks(), before);
    world
        .control
        .first_factor(None, "mira", right(), ELSEWHERE)
        .await
        .unwrap();

    world.clock.advance(BAN_DURATION);
    world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_tries_do_not_outrun_the_ban() {
    let world = World::new().await;
    world.user("mira").await;
    let before = world.control.password_checks();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let control = world.control.clone();
        tasks.spawn(async move {
            control
                .first_factor(None, "mira", Secret::new("wrong password"), HERE)
                .await
        });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_err));
    assert_eq!(
        world.control.password_checks() - before,
        MAX_FAILURES as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_is_abandoned_counts() {
    let world = World::new().await;
    world.user("mira").await;
    for _ in 0..MAX_FAILURES {
        let before = world.control.password_checks();
        let (control, wrong) = (world.control.clone(), Secret::new("wrong password"));
        let abandoned =
            tokio::spawn(async move { control.first_factor(None, "mira", wrong, HERE).await });
        while world.control.password_checks() == before {
            tokio::task::yield_now().await;
        }
        abandoned.abort();
        let _ = abandoned.await;
    }
    let answer = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await;
    assert_eq!(answer.unwrap_err(), SignInError::Banned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_accepted_once() {
    let world = World::new().await;
    let seed = world.user("mira").await;
    world.sign_in("mira", &seed).await;
    let code = world.code(&seed);
    let world = world.restart().await;
    let first = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
    let again = world
        .control
        .second_factor(first.sso_token.expose(), &code, HERE)
        .await;
    assert_eq!(again.unwrap_err(), SignInError::Wrong);
    world.clock.advance(Duration::from_secs(30));
    let next = world
        .control
        .second_factor(first.sso_token.expose(), &world.code(&seed), HERE)
        .await;
    assert!(next.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_lead_to_a_ban_that_a_new_session_keeps() {
    let world = World::new().await;
    let seed = world.user("mira").await;
    let first = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
    let wrong = if world.code(&seed) == "000000" {
        "000001"
    } else {
        "000000"
    };
    for bad in ["12345", "1234567", "abcdef", "１２３４５６", ""] {
        let answer = world
            .control
            .second_factor(first.sso_token.expose(), bad, HERE)
            .await;
        assert_eq!(answer.unwrap_err(), SignInError::Wrong, "{bad}");
    }
    for _ in 0..MAX_FAILURES {
        let answer = world
            .control
            .second_factor(first.sso_token.expose(), wrong, HERE)
            .await;
        assert_eq!(answer.unwrap_err(), SignInError::Wrong);
    }
    let right_one = world
        .control
        .second_factor(first.sso_token.expose(), &world.code(&seed), HERE)
        .await;
    assert_eq!(right_one.unwrap_err(), SignInError::Banned);
    let afresh = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await;
    assert_eq!(afresh.unwrap_err(), SignInError::Banned);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_one_time_code_nobody_gets_through() {
    let world = World::new().await;
    world
        .control
        .create_user(&world.admin, world::new_user("mira"))
        .await
        .unwrap();
    let first = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
    let answer = world
        .control
        .second_factor(first.sso_token.expose(), "123456", HERE)
        .await;
    assert_eq!(answer.unwrap_err(), SignInError::Wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_needs_the_first() {
    let world = World::new().await;
    let seed = world.user("mira").await;
    let code = world.code(&seed);
    for token in ["", "x", &"A".repeat(43)] {
        let answer = world.control.second_factor(token, &code, HERE).await;
        assert_eq!(answer.unwrap_err(), SignInError::FirstFactorRequired);
    }
    let first = world
        .control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
    world.clock.advance(FIRST_FACTOR_LIFETIME);
    let late = world
        .control
        .second_factor(first.sso_token.expose(), &world.code(&seed), HERE)
        .await;
    assert_eq!(late.unwrap_err(), SignInError::FirstFactorRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_code_is_bound_to_host_and_browser_and_works_once() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    world.tunnel("blog", 8401).await;
    let seed = world.user("mira").await;
    let sso = world.sign_in("mira", &seed).await;
    let host: Hostname = "wiki.lab.example.org".parse().unwrap();
    let other: Hostname = "blog.lab.example.org".parse().unwrap();
    let target = world
        .control
        .return_target("https://wiki.lab.example.org/a?b")
        .unwrap();
    let code = || {
        world
            .control
            .handover(&sso, &target, &challenge("nonce"))
            .unwrap()
    };
    let redeem = |code: String, host: Hostname, nonce: &'static str| {
        let control = world.control.clone();
        async move { control.redeem(&code, &host, nonce).await }
    };

    let good = code().expose().to_owned();
    assert!(redeem(good.clone(), host.clone(), "nonce").await.is_some());
    assert!(
        redeem(good, host.clone(), "nonce").await.is_none(),
        "a second time"
    );
    assert!(
        redeem(code().expose().to_owned(), other, "nonce")
            .await
            .is_none(),
        "another host"
    );
    assert!(
        redeem(code().expose().to_owned(), host.clone(), "other")
            .await
            .is_none(),
        "another browser"
    );
    let spent = code().expose().to_owned();
    assert!(redeem(spent.clone(), host.clone(), "other").await.is_none());
    assert!(
        redeem(spent, host.clone(), "nonce").await.is_none(),
        "a failed try uses it up"
    );
    let late = code().expose().to_owned();
    world.clock.advance(HANDOVER_LIFETIME);
    assert!(
        redeem(late, host.clone(), "nonce").await.is_none(),
        "too late"
    );
    let orphan = code().expose().to_owned();
    world.control.sign_out(&sso).await;
    assert!(
        redeem(orphan, host, "nonce").await.is_none(),
        "after the sign-out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_session_opens_no_other_host() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    world.tunnel("blog", 8401).await;
    let seed = world.user("mira").await;
    let sso = world.sign_in("mira", &seed).await;
    let (_, token) = open_host(&world, &sso, "wiki").await;
    let blog: Hostname = "blog.lab.example.org".parse().unwrap();
    assert!(
        world
            .control
            .live()
            .sessions()
            .visitor(&blog, &token)
            .is_none()
    );
    // Nor does the portal's token open a host.
    assert!(
        world
            .control
            .live()
            .sessions()
            .visitor(&blog, &sso)
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_anywhere_ends_everything() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    world.tunnel("blog", 8401).await;
    let seed = world.user("mira").await;
    let sso = world.sign_in("mira", &seed).await;
    let (wiki, on_wiki) = open_host(&world, &sso, "wiki").await;
    let (blog, on_blog) = open_host(&world, &sso, "blog").await;
    let mut denials = world.control.live().denials();
    denials.mark_unchanged();
    world.control.sign_out_host(&wiki, &on_wiki).await;
    assert!(denials.has_changed().unwrap());
    let sessions = world.control.live().sessions();
    assert!(sessions.visitor(&wiki, &on_wiki).is_none());
    assert!(sessions.visitor(&blog, &on_blog).is_none());
    assert_eq!(world.control.sso_state(Some(&sso)), SsoState::Anonymous);
    let world = world.restart().await;
    assert!(
        world
            .control
            .live()
            .sessions()
            .visitor(&blog, &on_blog)
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_old_sessions_end_and_the_clock_does_not_bring_them_back() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    let seed = world.user("mira").await;
    let sso = world.sign_in("mira", &seed).await;
    let (host, token) = open_host(&world, &sso, "wiki").await;
    let visit = || {
        world
            .control
            .live()
            .sessions()
            .visitor(&host, &token)
            .is_some()
    };
    let pause = SESSION_IDLE - Duration::from_secs(61);
    let mut used = Duration::ZERO;
    while used + pause < SESSION_ABSOLUTE {
        world.clock.advance(pause);
        used += pause;
        assert!(visit(), "used every now and then, after {used:?}");
    }
    world.clock.advance(SESSION_ABSOLUTE - used);
    assert!(!visit(), "too old");
    world.clock.set_back(SESSION_IDLE);
    assert!(!visit(), "revived");

    let sso = world.sign_in("mira", &seed).await;
    let (host, token) = open_host(&world, &sso, "wiki").await;
    world.clock.advance(SESSION_IDLE);
    assert!(
        world
            .control
            .live()
            .sessions()
            .visitor(&host, &token)
            .is_none(),
        "idle"
    );
    world.clock.set_back(Duration::from_secs(60));
    assert!(
        world
            .control
            .live()
            .sessions()
            .visitor(&host, &token)
            .is_none(),
        "revived"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_enabled_apps_of_this_server_are_returned_to() {
    let world = World::new().await;
    let wiki = world.tunnel("wiki", 8400).await;
    let good = |url: &str| world.control.return_target(url).map(|target| target.url());
    let home = Some("https://wiki.lab.example.org/".to_owned());
    assert_eq!(good("https://wiki.lab.example.org"), home);
    assert_eq!(good("HTTPS://WIKI.lab.example.org.:443/#top"), home);
    let page = good("https://wiki.lab.example.org?a=b/c").unwrap();
    assert_eq!(page, "https://wiki.lab.example.org/?a=b/c");
    for bad in [
        "http://wiki.lab.example.org/",
        "https://wiki.lab.example.org:8443/",
        "https://evil.example/",
        "https://panel.lab.example.org/",
        "https://auth.lab.example.org/",
        "https://wiki.lab.example.org@evil.example/",
        "https://evil.example\\@wiki.lab.example.org/",
        "https://wiki.lab.example.org:443:443/",
        "https://wiki.lab.example.org:/",
        "https://wiki.lab.example.org//evil.example",
        "https://wiki.lab.example.org/\r\nx",
        "//wiki.lab.example.org/",
        "javascript:alert(1)",
        "https://",
        "",
        &format!("https://wiki.lab.example.org/{}", "a".repeat(8192)),
    ] {
        assert_eq!(good(bad), None, "{bad}");
    }
    let off = TunnelChange {
        enabled: Some(false),
        ..TunnelChange::default()
    };
    world
        .control
        .change_tunnel(&world.admin, wiki.tunnel.id, off)
        .await
        .unwrap();
    assert_eq!(good("https://wiki.lab.example.org/"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_protected_hosts_get_sessions() {
    let world = World::new().await;
    let wiki = world.tunnel("wiki", 8400).await;
    let seed = world.user("mira").await;
    let sso = world.sign_in("mira", &seed).await;
    let target = world
        .control
        .return_target("https://wiki.lab.example.org/")
        .unwrap();
    let code = world
        .control
        .handover(&sso, &target, &challenge("nonce"))
        .unwrap();
    let open = TunnelChange {
        access_mode: Some(AccessMode::Public),
        ..TunnelChange::default()
    };
    world
        .control
        .change_tunnel(&world.admin, wiki.tunnel.id, open)
        .await
        .unwrap();
    assert!(
        world
            .control
            .redeem(code.expose(), target.host(), "nonce")
            .await
            .is_none()
    );
    let refused = world.control.handover(&sso, &target, &challenge("nonce"));
    assert_eq!(refused.unwrap_err(), SignInError::Wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_hash_becomes_ours_after_a_right_password() {
    let world = World::new().await;
    world.user("mira").await;
    // "correct horse" as Authelia stores it, with cheap parameters.
    let adopted = argon2id(PASSWORD);
    let dir = world.state_dir();
    let World {
        dir: _kept,
        clock,
        control,
        ..
    } = world;
    control.shutdown().await;
    drop(control);
    {
        let (store, state) =
            portlama_state::Store::open(&portlama_state::StateDir::new(&dir)).unwrap();
        let mut users = state.users;
        users
            .users
            .values_mut()
            .for_each(|user| user.password = Secret::new(&adopted));
        let _ = store
            .commit(portlama_state::Commit::new().users(&users).unwrap())
            .unwrap();
    }
    let (control, _) = world::start_in(&dir, &clock).await;
    control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
    let file = dir.join("users.yml");
    let replaced = async {
        while std::fs::read_to_string(&file)
            .unwrap()
            .contains("$argon2id$")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), replaced)
        .await
        .unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().contains("$2b$12$"));
    control
        .first_factor(None, "mira", right(), HERE)
        .await
        .unwrap();
}

/// The password `correct horse`, hashed with argon2id (m = 64 KiB, t = 1, p = 1).
fn argon2id(password: &str) -> String {
    use argon2::password_hash::PasswordHasher;
    let hasher = argon2::Argon2::from(argon2::Params::new(64, 1, 1, None).unwrap());
    hasher
        .hash_password_with_salt(password.as_bytes(), b"0123456789abcdef")
        .unwrap()
        .to_string()
}
