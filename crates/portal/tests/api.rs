//! Signing in and out with a program.

mod house;

use house::{Answer, HELLO, House, PASSWORD, USER, browser};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

#[tokio::test]
async fn signs_in_with_two_requests() {
    let house = House::new().await;
    let body = json!({ "username": USER, "password": PASSWORD, "keepMeLoggedIn": false,
        "targetURL": format!("{HELLO}/"), "requestMethod": "GET" });
    let answer = house.json("/api/firstfactor", body.to_string(), None).await;
    assert_eq!(
        (answer.status, read(&answer)),
        (StatusCode::OK, json!({ "status": "OK" }))
    );
    let first = answer.token().expect("a cookie");
    let state = house.get("/api/state", Some(&first)).await;
    let expected = json!({ "status": "OK", "data": { "username": USER,
        "authentication_level": 1, "default_redirection_url": "" } });
    assert_eq!(read(&state), expected);

    let target = format!("{HELLO}/notes?page=2");
    let body = json!({ "token": house.code(), "targetURL": target });
    let answer = house
        .json("/api/secondfactor/totp", body.to_string(), Some(&first))
        .await;
    let expected = json!({ "status": "OK", "data": { "redirect": target } });
    assert_eq!((answer.status, read(&answer)), (StatusCode::OK, expected));
    let second = answer.token().expect("a cookie");
    assert_ne!(first, second);
    assert_eq!(
        (house.level(&first).await, house.level(&second).await),
        (0, 2)
    );
}

#[tokio::test]
async fn a_foreign_target_is_left_out() {
    let house = House::new().await;
    let sso = house.first_factor().await;
    let body = json!({ "token": house.code(), "targetURL": "https://evil.example/" });
    let answer = house
        .json("/api/secondfactor/totp", body.to_string(), Some(&sso))
        .await;
    assert_eq!(read(&answer), json!({ "status": "OK" }));
}

#[tokio::test]
async fn nobody_is_at_level_nought() {
    let house = House::new().await;
    let expected = json!({ "status": "OK", "data": { "username": "",
        "authentication_level": 0, "default_redirection_url": "" } });
    for sso in [None, Some("forged")] {
        assert_eq!(read(&house.get("/api/state", sso).await), expected);
    }
}

#[tokio::test]
async fn unknown_wrong_too_long_and_banned_are_answered_alike() {
    let house = House::new().await;
    let long = "x".repeat(1000);
    let cut = format!("{PASSWORD}\0");
    let tries = [
        ("nobody", PASSWORD),
        (USER, "wrong horse"),
        (USER, &*long),
        (USER, &*cut),
        ("a b", "x"),
    ];
    let mut answers = Vec::new();
    for (username, password) in tries {
        answers.push(first_factor(&house, username, password).await);
    }
    for _ in 0..5 {
        first_factor(&house, USER, "wrong horse").await;
    }
    answers.push(first_factor(&house, USER, PASSWORD).await);
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers, answers[0].headers);
        assert_eq!(answer.body, answers[0].body);
        assert_eq!(read(answer)["status"], "KO");
    }
}

#[tokio::test]
async fn a_code_needs_the_password_first() {
    let house = House::new().await;
    let body = json!({ "token": house.code() }).to_string();
    for sso in [None, Some("forged")] {
        let answer = house
            .json("/api/secondfactor/totp", body.clone(), sso)
            .await;
        assert_eq!(
            (answer.status, answer.set_cookie()),
            (StatusCode::UNAUTHORIZED, None)
        );
    }
}

#[tokio::test]
async fn a_code_is_six_ascii_digits() {
    let house = House::new().await;
    let sso = house.first_factor().await;
    for token in [
        "",
        "12345",
        "1234567",
        "abcdef",
        "١٢٣٤٥٦",
        "12345\u{0}",
        "-12345",
    ] {
        let body = json!({ "token": token }).to_string();
        let answer = house.json("/api/secondfactor/totp", body, Some(&sso)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{token:?}");
    }
    // None of them counted as a wrong try.
    let body = json!({ "token": house.code() }).to_string();
    let answer = house.json("/api/secondfactor/totp", body, Some(&sso)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn logs_out_with_or_without_a_body() {
    let house = House::new().await;
    let body = json!({ "targetURL": format!("{HELLO}/") }).to_string();
    let sso = house.first_factor().await;
    let answer = house.json("/api/logout", body, Some(&sso)).await;
    assert_eq!(
        read(&answer),
        json!({ "status": "OK", "data": { "safeTargetURL": true } })
    );
    assert_eq!(house.level(&sso).await, 0);

    let sso = house.first_factor().await;
    let answer = house
        .send(browser("POST", "/api/logout", Some(&sso)), "")
        .await;
    assert_eq!(
        read(&answer),
        json!({ "status": "OK", "data": { "safeTargetURL": false } })
    );
    assert!(
        answer
            .set_cookie()
            .expect("a cookie")
            .ends_with("Max-Age=0")
    );
    assert_eq!(house.level(&sso).await, 0);
}

#[tokio::test]
async fn malformed_bodies_are_400() {
    let house = House::new().await;
    let deep = format!(
        "{{\"username\":\"a\",\"password\":\"b\",\"x\":{}",
        "[".repeat(10_000)
    );
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "\u{feff}{}",
        "{\"username\":\"a\"}",
        "{\"username\":1,\"password\":\"b\"}",
        "{\"username\":\"a\",\"password\":null}",
        "{\"username\":\"a\",\"password\":\"\"}",
        "{\"username\":\" \",\"password\":\"b\"}",
        "{\"username\":\"a\",\"username\":\"b\",\"password\":\"c\"}",
        "{\"username\":\"a\",\"password\":\"b\"} trailing",
        &deep,
    ];
    for body in bodies {
        let answer = house.json("/api/firstfactor", body.to_owned(), None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:.60}");
        assert_eq!(read(&answer)["status"], "KO", "{body:.60}");
    }
    let answer = house
        .json("/api/firstfactor", b"{\"username\":\"\xff\"".to_vec(), None)
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

async fn first_factor(house: &House, username: &str, password: &str) -> Answer {
    let body = json!({ "username": username, "password": password }).to_string();
    house.json("/api/firstfactor", body, None).await
}

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
    serde_json::from_str(&answer.body).expect("JSON")
}
