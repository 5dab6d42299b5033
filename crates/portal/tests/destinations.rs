//! Where a sign-in may lead to.

mod house;

use house::{BLOG, HELLO, House, OFF, PASSWORD, USER, nonce, query, value};
use http::StatusCode;
use proptest::test_runner::{Config, TestRunner};

/// Addresses that are none of our apps, whatever they look like.
const BAD: [&str; 22] = [
    "https://evil.example/",
    "https://evil.example:8443/",
    "http://hello.lab.example.org:8443/",
    "https://hello.lab.example.org/",
    "https://hello.lab.example.org:443/",
    "https://hello.lab.example.org:8444/",
    "https://hello.lab.example.org:8443@evil.example/",
    "https://mira@hello.lab.example.org:8443/",
    "https://mira:secret@hello.lab.example.org:8443/",
    "https://hello.lab.example.org:8443\\@evil.example/",
    "https:\\\\hello.lab.example.org:8443/",
    "https:hello.lab.example.org:8443/",
    "//hello.lab.example.org:8443/",
    "//evil.example/",
    "/\\evil.example/",
    "/",
    "javascript:alert(1)",
    "https://nothere.lab.example.org:8443/",
    "https://off.lab.example.org:8443/",
    "https://auth.lab.example.org:8443/",
    "https://panel.lab.example.org:8443/",
    "https://hello.lab.example.org:8443/\r\nset-cookie: a=b",
];

#[tokio::test]
async fn other_addresses_are_dropped_and_the_visitor_is_told() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let nonce = nonce();
    for rd in BAD {
        let wish = query(&[("rd", rd), ("nonce", &nonce)]);
        for sso in [None, Some(&*sso)] {
            let page = house.get(&format!("/?{wish}"), sso).await;
            assert_eq!((page.status, page.location()), (StatusCode::OK, ""), "{rd}");
            assert!(page.body.contains("class=\"notice\""), "{rd}");
            assert!(!page.body.contains("name=\"rd\""), "{rd}");
        }
        let answer = house.get(&format!("/continue?{wish}"), Some(&sso)).await;
        assert_eq!(answer.location(), "/", "{rd}");
        let answer = house
            .form("/sign-out", &[("then", "sign-in"), ("rd", rd)], None)
            .await;
        assert_eq!(answer.location(), "/", "{rd}");
    }
    let doubled = query(&[("rd", &format!("{HELLO}/")), ("rd", &format!("{BLOG}/"))]);
    let page = house.get(&format!("/?{doubled}"), Some(&sso)).await;
    assert!(page.body.contains("class=\"notice\""));
    assert!(BAD.iter().any(|rd| rd.starts_with(OFF)));
}

#[tokio::test]
async fn a_finished_sign_in_leads_to_no_other_address() {
    let house = House::new().await;
    for rd in ["https://evil.example/", "//evil.example/"] {
        let pairs = [("username", USER), ("password", PASSWORD), ("rd", rd)];
        let answer = house.form("/sign-in", &pairs, None).await;
        assert_eq!(answer.location(), "/");
        let sso = answer.token().expect("a cookie");
        house.pass(portlama_auth::TOTP_PERIOD);
        let answer = house
            .form("/code", &[("code", &house.code()), ("rd", rd)], Some(&sso))
            .await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/")
        );
    }
}

#[tokio::test]
async fn without_a_nonce_the_app_begins_anew() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let rd = format!("{HELLO}/notes?page=2");
    for nonce in [
        None,
        Some(""),
        Some("short"),
        Some("a b"),
        Some(&*"=".repeat(43)),
    ] {
        let mut pairs = vec![("rd", &*rd)];
        pairs.extend(nonce.map(|nonce| ("nonce", nonce)));
        let answer = house.get(&format!("/?{}", query(&pairs)), Some(&sso)).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::FOUND, &*rd),
            "{nonce:?}"
        );
    }
}

#[tokio::test]
async fn a_public_app_gets_no_code() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let rd = format!("{BLOG}/today");
    let wish = query(&[("rd", &rd), ("nonce", &nonce())]);
    let answer = house.get(&format!("/?{wish}"), Some(&sso)).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::FOUND, &*rd)
    );
}

#[tokio::test]
async fn an_app_that_is_gone_is_no_destination() {
    let house = House::new().await;
    let sso = house.two_factor().await;
    let wish = query(&[("rd", &format!("{HELLO}/")), ("nonce", &nonce())]);
    house.delete_app("hello").await;
    let page = house.get(&format!("/?{wish}"), Some(&sso)).await;
    assert_eq!((page.status, page.location()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn only_two_factors_lead_to_the_app() {
    let house = House::new().await;
    let first = house.first_factor().await;
    let wish = query(&[("rd", &format!("{HELLO}/")), ("nonce", &nonce())]);
    for sso in [None, Some("forged"), Some(&*first)] {
        let page = house.get(&format!("/?{wish}"), sso).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::OK, ""),
            "{sso:?}"
        );
        let answer = house.get(&format!("/continue?{wish}"), sso).await;
        assert_eq!(answer.location(), format!("/?{wish}"), "{sso:?}");
    }
}

/// Whatever `rd` says, a redirect ends on one of our enabled apps.
#[test]
fn redirects_stay_in_the_house() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (house, sso) = runtime.block_on(async {
        let house = House::new().await;
        let sso = house.two_factor().await;
        (house, sso)
    });
    let nonce = nonce();
    let addresses = "(https?:)?[/\\\\@:]{0,3}(hello|off|evil)?(\\.lab\\.example\\.org)?(:8443|:443)?[/\\\\@:?#.%]{0,2}\\PC{0,12}";
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let checked = runner.run(&addresses, |rd| {
        let wish = query(&[("rd", &rd), ("nonce", &nonce)]);
        let answer = runtime.block_on(house.get(&format!("/?{wish}"), Some(&sso)));
        if answer.status == StatusCode::FOUND {
            let start = format!("{HELLO}/.portlama/session?code=");
            proptest::prop_assert!(answer.location().starts_with(&start), "{rd:?}");
            let path = value(answer.location(), "rd").unwrap_or_default();
            proptest::prop_assert!(path.starts_with('/') && !path.starts_with("//"), "{rd:?}");
        } else {
            proptest::prop_assert_eq!(answer.status, StatusCode::OK, "{:?}", rd);
        }
        Ok(())
    });
    checked.expect("every address");
}
