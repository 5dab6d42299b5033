//! A real server without sockets: `control` over a temporary directory, the portal before
//! it, a browser's cookie and a clock that stands still until it is moved.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use portlama_access::{Identity, Presented};
use portlama_auth::TotpSeed;
use portlama_control::http::{ClientInfo, Handler, RequestBody};
use portlama_control::setup::{Setup, initialise};
use portlama_control::{
    Activation, Clock, Control, DataPlane, HostCertificates, NewInvitation, NewTunnel, NewUser,
    PrepareError, Settings, TunnelChange,
};
use portlama_model::{
    AccessMode, CertificateAuthority, Desired, Hostname, Secret, Timestamp, TunnelPort,
};
use portlama_portal::Portal;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

pub(crate) const SITE: &str = "auth.lab.example.org";
pub(crate) const HERE: &str = "https://auth.lab.example.org:8443";
/// An app that asks for the sign-in.
pub(crate) const HELLO: &str = "https://hello.lab.example.org:8443";
/// An app that is public.
pub(crate) const BLOG: &str = "https://blog.lab.example.org:8443";
/// An app that is switched off.
pub(crate) const OFF: &str = "https://off.lab.example.org:8443";
pub(crate) const USER: &str = "mira";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// What the browser keeps at the app.
pub(crate) const NONCE_COOKIE: &str = "W1xbcGVyaGFwcy0zMi1yYW5kb20tb2N0ZXRzLWhlcmU";

pub(crate) struct House {
    pub(crate) control: Arc<Control>,
    portal: Portal,
    clock: Arc<StandingClock>,
    admin: Identity,
    seed: TotpSeed,
    _dir: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl House {
    /// A server with one user and three apps.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let clock = Arc::new(StandingClock::default());
        let made = initialise(
            dir.path(),
            Setup {
                ip: "198.51.100.23".parse().expect("valid"),
                domain: Some("lab.example.org".parse().expect("valid")),
                email: None,
                certificate_authority: CertificateAuthority::Internal,
                acme: Default::default(),
                dns: Default::default(),
                now: clock.now(),
            },
        )
        .expect("a new server");
        let settings = Settings {
            https_port: 8443,
            ..Settings::default()
        };
        let control = Control::start(dir.path(), settings, clock.clone(), |_| Arc::new(NoPlane))
            .await
            .expect("the server starts");
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_file_iter(&made.admin_cert_path)
                .expect("readable")
                .collect::<Result<_, _>>()
                .expect("PEM");
        let client = control
            .live()
            .client_trust()
            .verify(&chain)
            .expect("our certificate");
        let admin = control
            .live()
            .identify(&Presented::Client(client))
            .expect("the admin");
        let seed = Self::furnish(&control, &admin).await;
        let portal = Portal::new(control.clone());
        Self {
            control,
            portal,
            clock,
            admin,
            seed,
            _dir: dir,
        }
    }

    /// The user and the apps; answers with the user's seed.
    async fn furnish(control: &Control, admin: &Identity) -> TotpSeed {
        let username: portlama_model::Username = USER.parse().expect("valid");
        let new = NewUser {
            username: username.clone(),
            displayname: "Mira <b>O'Neill</b>".parse().expect("valid"),
            email: "mira@example.net".parse().expect("valid"),
            password: Secret::new(PASSWORD),
            groups: vec![],
        };
        control.create_user(admin, new).await.expect("a user");
        let uri = control.reset_totp(admin, &username).await.expect("a seed");
        for (name, port, access) in [
            ("hello", 8400, AccessMode::Authenticated),
            ("blog", 8401, AccessMode::Public),
            ("off", 8402, AccessMode::Authenticated),
        ] {
            let port = TunnelPort::try_from(port).expect("valid");
            let mut new = NewTunnel::new(name.parse().expect("valid"), port);
            new.access_mode = Some(access);
            let made = control.create_tunnel(admin, new).await.expect("a tunnel");
            if name == "off" {
                let change = TunnelChange {
                    enabled: Some(false),
                    ..TunnelChange::default()
                };
                control
                    .change_tunnel(admin, made.tunnel.id, change)
                    .await
                    .expect("off");
            }
        }
        let secret = uri
            .expose()
            .split(['?', '&'])
            .find_map(|p| p.strip_prefix("secret="));
        TotpSeed::from_base32(&Secret::new(secret.expect("a seed"))).expect("base32")
    }

    pub(crate) fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("short");
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// The code the authenticator app shows.
    pub(crate) fn code(&self) -> String {
        self.seed
            .code_at(self.clock.now())
            .expose()
            .expose()
            .to_owned()
    }

    /// The code of another seed, base32.
    pub(crate) fn code_of(&self, seed: &str) -> String {
        let seed = TotpSeed::from_base32(&Secret::new(seed)).expect("base32");
        seed.code_at(self.clock.now()).expose().expose().to_owned()
    }

    /// Invites somebody for a week; the token of the link.
    pub(crate) async fn invite(&self, username: &str) -> String {
        let new = NewInvitation {
            username: username.parse().expect("valid"),
            email: "guest@example.net".parse().expect("valid"),
            groups: vec![],
            lifetime: Duration::from_secs(7 * 24 * 60 * 60),
        };
        let invited = self.control.invite(&self.admin, new).await;
        invited.expect("an invitation").token.expose().to_owned()
    }

    pub(crate) async fn delete_app(&self, name: &str) {
        let tunnels = self.control.tunnels();
        let tunnel = tunnels
            .iter()
            .find(|t| t.tunnel.subdomain.as_str() == name)
            .expect("there");
        self.control
            .delete_tunnel(&self.admin, tunnel.tunnel.id)
            .await
            .expect("deleted");
    }

    pub(crate) async fn get(&self, path: &str, sso: Option<&str>) -> Answer {
        self.send(browser("GET", path, sso), Bytes::new()).await
    }

    /// Posts a form as a browser does from one of the portal's own pages.
    pub(crate) async fn form(
        &self,
        path: &str,
        pairs: &[(&str, &str)],
        sso: Option<&str>,
    ) -> Answer {
        let request = browser("POST", path, sso)
            .header(ORIGIN, HERE)
            .header("sec-fetch-site", "same-origin")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, query(pairs)).await
    }

    /// Posts JSON as a program does.
    pub(crate) async fn json(
        &self,
        path: &str,
        body: impl Into<Bytes>,
        sso: Option<&str>,
    ) -> Answer {
        let request = browser("POST", path, sso).header(CONTENT_TYPE, "application/json");
        self.send(request, body).await
    }

    pub(crate) async fn send(
        &self,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Answer {
        let body = Full::new(body.into())
            .map_err(|never| match never {})
            .boxed_unsync();
        self.send_body(request, body).await
    }

    pub(crate) async fn send_body(
        &self,
        request: http::request::Builder,
        body: RequestBody,
    ) -> Answer {
        let client = ClientInfo {
            address: "203.0.113.7:50123".parse().expect("valid"),
            presented: Arc::new(Presented::None),
            served_origin: HERE.into(),
            host: SITE.into(),
        };
        let request = request.extension(client).body(body).expect("a request");
        let (head, body) = self.portal.call(request).await.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    /// Signs in with the password; the token of the session that waits for the code.
    pub(crate) async fn first_factor(&self) -> String {
        let pairs = [("username", USER), ("password", PASSWORD)];
        let answer = self.form("/sign-in", &pairs, None).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.token().expect("a cookie")
    }

    /// Signs in with password and code; the token.
    pub(crate) async fn two_factor(&self) -> String {
        let sso = self.first_factor().await;
        let answer = self
            .form("/code", &[("code", &self.code())], Some(&sso))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.token().expect("a cookie")
    }

    /// The level that `/api/state` reports.
    pub(crate) async fn level(&self, sso: &str) -> u64 {
        let answer = self.get("/api/state", Some(sso)).await;
        let state: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        state["data"]["authentication_level"]
            .as_u64()
            .expect("a number")
    }
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map(|v| v.to_str().expect("ASCII"))
            .unwrap_or_default()
    }

    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.headers
            .get(SET_COOKIE)
            .map(|v| v.to_str().expect("ASCII"))
    }

    /// The token that the answer's cookie holds.
    pub(crate) fn token(&self) -> Option<String> {
        let pair = self.set_cookie()?.split(';').next()?;
        let value = pair.strip_prefix("__Host-portlama_sso=")?;
        (!value.is_empty()).then(|| value.to_owned())
    }
}

/// A body that sends an octet each second and never ends.
pub(crate) fn dripping() -> RequestBody {
    let drops = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok(Frame::data(Bytes::from_static(b"a"))), ()))
    });
    BodyExt::boxed_unsync(StreamBody::new(drops))
}

pub(crate) fn browser(method: &str, path: &str, sso: Option<&str>) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match sso {
        Some(sso) => request.header(COOKIE, format!("other=1; __Host-portlama_sso={sso}")),
        None => request,
    }
}

pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The nonce of the address, made from the cookie as the edge makes it.
pub(crate) fn nonce() -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, NONCE_COOKIE.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

/// One value of the query of an address.
pub(crate) fn value(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.into_owned())
}

pub(crate) fn host(name: &str) -> Hostname {
    name.parse().expect("a host name")
}

/// Serves nobody, and is always ready to.
struct NoPlane;

impl DataPlane for NoPlane {
    fn prepare(
        &self,
        _: Arc<Desired>,
        _: &Arc<HostCertificates>,
    ) -> Result<Box<dyn Activation>, PrepareError> {
        Ok(Box::new(NoPlane))
    }
}

impl Activation for NoPlane {
    fn activate(self: Box<Self>) {}
}

/// Milliseconds since 1970.
struct StandingClock(AtomicI64);

impl Default for StandingClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_900_000_000_000))
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}
