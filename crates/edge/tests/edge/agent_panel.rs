//! The panels of agents: for the admin's certificate and the agent's own, and nobody else.

use portlama_control::NewTunnel;
use portlama_model::{AccessMode, Capability};
use portlama_testkit::SecurityLines;

use crate::client::{Line, Raw, ask};
use crate::house::{AGENT_PANEL, Credentials, House, PANEL_PORT, PUBLIC};
use crate::origin::Seen;
use crate::websocket::FIELDS as WEBSOCKET;
use crate::zones::rcgen_stranger;

async fn house() -> House {
    let house = House::new().await;
    let rights = vec![Capability::TunnelsRead, Capability::PanelExpose];
    house
        .control
        .set_capabilities(&house.admin, &house.agent, rights)
        .await
        .expect("rights");
    let port = PANEL_PORT.try_into().expect("a port");
    house
        .control
        .expose_agent_panel(&house.agent_identity(), port)
        .await
        .expect("exposed");
    house
}

async fn open(house: &House, credentials: Option<&Credentials>) -> Line {
    Line::with(house.https, AGENT_PANEL, house.tls(credentials))
        .await
        .expect("a handshake")
}

async fn request(
    house: &House,
    credentials: Option<&Credentials>,
    line: &str,
    fields: &str,
) -> Raw {
    let mut connection = open(house, credentials).await;
    let authority = house.authority_of(AGENT_PANEL);
    connection
        .send(format!(
            "{line} HTTP/1.1\r\nhost: {authority}\r\n{fields}\r\n"
        ))
        .await;
    connection.answer().await
}

#[tokio::test]
async fn the_admin_and_the_agent_itself_pass_and_nobody_is_named() {
    let house = house().await;
    for credentials in [&house.admin_credentials, &house.agent_credentials] {
        let forged = "remote-user: root\r\nx-ssl-client-dn: CN=admin\r\nx_ssl_client_verify: SUCCESS\r\n\
            x-forwarded-for: 10.0.0.1\r\ncookie: a=b; __Host-portlama_session=tok\r\n";
        let answer = request(&house, Some(credentials), "GET /x", forged).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = Seen {
            head: answer.text(),
        };
        for name in ["remote-user", "x-ssl-client-dn", "x_ssl_client_verify"] {
            assert_eq!(seen.values(name), Vec::<String>::new(), "{name}");
        }
        assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
        assert_eq!(seen.values("cookie"), ["a=b"]);
    }
}

#[tokio::test]
async fn without_a_good_certificate_there_is_the_help_page_and_no_panel() {
    let house = house().await;
    let other = house.enroll("cellar").await;
    let page = request(&house, None, "GET /", "accept: text/html\r\n").await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("client.p12"), "{}", page.text());
    for fields in [
        WEBSOCKET,
        "remote-user: admin\r\n",
        "x-ssl-client-verify: SUCCESS\r\n",
    ] {
        assert_eq!(request(&house, None, "GET /ws", fields).await.status, 400);
    }
    assert_eq!(request(&house, Some(&other), "GET /", "").await.status, 403);
    let agent = "cellar".parse().expect("a label");
    house
        .control
        .revoke_agent(&house.admin, &agent)
        .await
        .expect("revoked");
    assert_eq!(request(&house, Some(&other), "GET /", "").await.status, 403);
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn other_websites_cannot_use_the_certificate_to_change_things() {
    let house = house().await;
    let admin = Some(&house.admin_credentials);
    let own = format!("https://{}", house.authority_of(AGENT_PANEL));
    let sibling = format!("https://{}", house.authority_of(PUBLIC));
    let empty = "content-length: 0\r\n";
    for foreign in [
        format!("origin: {sibling}\r\n"),
        format!("origin: {sibling}\r\nsec-fetch-site: same-site\r\n"),
        "origin: https://evil.example\r\nsec-fetch-site: cross-site\r\n".to_owned(),
        "sec-fetch-site: cross-site\r\n".to_owned(),
        "origin: null\r\n".to_owned(),
    ] {
        for line in ["POST /", "PUT /", "DELETE /"] {
            let answer = request(&house, admin, line, &format!("{foreign}{empty}")).await;
            assert_eq!(answer.status, 403, "{line} {foreign}");
        }
        let socket = request(&house, admin, "GET /ws", &format!("{foreign}{WEBSOCKET}")).await;
        assert_eq!(socket.status, 403, "{foreign}");
    }
    assert!(house.origin.seen().is_empty());
    for ours in [
        String::new(),
        format!("origin: {own}\r\n"),
        format!("origin: {own}\r\nsec-fetch-site: same-origin\r\n"),
    ] {
        let answer = request(&house, admin, "POST /", &format!("{ours}{empty}")).await;
        assert_eq!(answer.status, 200, "{ours}");
    }
}

#[tokio::test]
async fn nobody_is_told_of_for_what_another_website_made_their_browser_show() {
    let house = house().await;
    let stranger = Some(rcgen_stranger());
    let lines = SecurityLines::listen();
    for (site, told) in [("same-site", 0), ("cross-site", 0), ("same-origin", 1)] {
        let fields = format!(
            "sec-fetch-site: {site}\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n"
        );
        let answer = request(&house, stranger.as_ref(), "GET /", &fields).await;
        assert_eq!(answer.status, 400, "{site}");
        assert_eq!(lines.take().len(), told, "{site}");
    }
}

#[tokio::test]
async fn retracting_cuts_what_is_open_and_the_name_is_gone() {
    let house = house().await;
    let mut socket = open(&house, Some(&house.admin_credentials)).await;
    let authority = house.authority_of(AGENT_PANEL);
    socket
        .send(format!(
            "GET /ws HTTP/1.1\r\nhost: {authority}\r\n{WEBSOCKET}\r\n"
        ))
        .await;
    assert_eq!(socket.answer().await.status, 101);
    assert_eq!(socket.exactly(5).await, b"hello");
    let mut kept = open(&house, Some(&house.admin_credentials)).await;
    house
        .control
        .retract_agent_panel(&house.agent_identity())
        .await
        .expect("retracted");
    let (left, _) = socket.rest().await;
    assert!(left.is_empty());
    kept.send(format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    assert_eq!(kept.answer().await.status, 421);
    let again = Line::with(house.https, AGENT_PANEL, house.tls(None)).await;
    assert!(again.is_err());
}

#[tokio::test]
async fn a_revoked_agent_loses_its_open_connection_to_its_panel() {
    let house = house().await;
    let mut line = open(&house, Some(&house.agent_credentials)).await;
    let authority = house.authority_of(AGENT_PANEL);
    line.send(format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    assert_eq!(line.answer().await.status, 200);
    house
        .control
        .revoke_agent(&house.admin, &house.agent)
        .await
        .expect("revoked");
    let (left, _) = line.rest().await;
    assert!(left.is_empty());
    let admin = request(&house, Some(&house.admin_credentials), "GET /", "").await;
    assert_eq!(admin.status, 503);
}

#[tokio::test]
async fn a_panel_belongs_to_its_own_handshake() {
    let house = house().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = open(&house, Some(&house.admin_credentials)).await;
    line.send(format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    assert_eq!(line.answer().await.status, 421);
    let authority = house.authority_of(AGENT_PANEL);
    let head = format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    assert_eq!(ask(&house, PUBLIC, &head).await.status, 421);
    let mut line = Line::panel(&house, Some(&house.admin_credentials)).await;
    line.send(head).await;
    assert_eq!(line.answer().await.status, 421);
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn an_app_named_like_a_panel_cannot_be_made() {
    let house = House::new().await;
    let name = "agent-cellar".parse().expect("a name");
    let mut new = NewTunnel::new(name, 8007.try_into().expect("a port"));
    new.access_mode = Some(AccessMode::Public);
    let refused = house.control.create_tunnel(&house.admin, new).await;
    assert!(refused.is_err());
}
