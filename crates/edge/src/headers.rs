//! Header fields between visitor and app: what must not cross, and what we say ourselves.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use portlama_access::Visitor;

use crate::cookies;
use crate::limits::{HSTS_SECONDS, MAX_HOPS};

/// RFC 8586: which servers a request passed.
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");
/// Our name there.
const OUR_HOP: &str = "portlama";

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const REMOTE_USER: HeaderName = HeaderName::from_static("remote-user");
const REMOTE_GROUPS: HeaderName = HeaderName::from_static("remote-groups");
const REMOTE_NAME: HeaderName = HeaderName::from_static("remote-name");
const REMOTE_EMAIL: HeaderName = HeaderName::from_static("remote-email");

/// The request passed too many servers of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loop;

/// What the app is told about a request.
pub(crate) struct Told<'a> {
    /// The visitor's address.
    pub(crate) address: &'a HeaderValue,
    /// RFC 7239 `for=…`, the same address in that field's spelling.
    pub(crate) forwarded: &'a HeaderValue,
    /// `<host>[:port]` as the visitor asked.
    pub(crate) authority: &'a HeaderValue,
    /// The `Host` that the app shall see.
    pub(crate) host: HeaderValue,
    /// Who is signed in.
    pub(crate) visitor: Option<&'a Visitor>,
}

/// Makes a visitor's fields fit to go to an app: connection fields end here, everything that
/// could be taken for our word is replaced by our word, our cookies stay here.
///
/// # Errors
/// [`Loop`] when the request passed [`MAX_HOPS`] servers.
pub(crate) fn to_app(headers: &mut HeaderMap, told: &Told<'_>) -> Result<(), Loop> {
    let hops = passed_hops(headers);
    if hops >= MAX_HOPS {
        return Err(Loop);
    }
    remove_connection_fields(headers);
    remove_all(headers, is_our_word);
    cookies::keep_from_app(headers);
    headers.remove(header::EXPECT);
    headers.append(CDN_LOOP, HeaderValue::from_static(OUR_HOP));
    headers.insert(header::HOST, told.host.clone());
    headers.insert(X_FORWARDED_FOR, told.address.clone());
    headers.insert(X_REAL_IP, told.address.clone());
    headers.insert(header::FORWARDED, told.forwarded.clone());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("https"));
    headers.insert(X_FORWARDED_HOST, told.authority.clone());
    if let Some(visitor) = told.visitor {
        let groups: Vec<_> = visitor.groups.iter().map(|g| g.as_str()).collect();
        for (name, text) in [
            (REMOTE_USER, visitor.username.as_str()),
            (REMOTE_GROUPS, &groups.join(",")),
            (REMOTE_NAME, visitor.displayname.as_str()),
            (REMOTE_EMAIL, visitor.email.as_str()),
        ] {
            headers.insert(name, identity_value(text));
        }
    }
    Ok(())
}

/// Makes an app's fields fit to go to a visitor.
pub(crate) fn to_visitor(headers: &mut HeaderMap) {
    remove_connection_fields(headers);
    // Another way to the app would lead around this server (RFC 7838).
    headers.remove(header::ALT_SVC);
    cookies::keep_from_visitor(headers);
}

/// `Strict-Transport-Security`, unless the app has a policy of its own.
pub(crate) fn add_hsts(headers: &mut HeaderMap) {
    if !headers.contains_key(header::STRICT_TRANSPORT_SECURITY) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts());
    }
}

fn hsts() -> HeaderValue {
    use std::sync::LazyLock;
    static VALUE: LazyLock<HeaderValue> = LazyLock::new(|| {
        HeaderValue::try_from(format!("max-age={HSTS_SECONDS}")).expect("digits are a valid value")
    });
    VALUE.clone()
}

/// A name as a header value. What is not printable ASCII is percent-encoded as UTF-8, and so
/// is `%`, so that the app can decode without guessing (`Mira M%C3%BCller`).
fn identity_value(text: &str) -> HeaderValue {
    let plain = |b: u8| (b' '..=b'~').contains(&b) && b != b'%';
    if text.bytes().all(plain)
        && let Ok(value) = HeaderValue::from_str(text)
    {
        return value;
    }
    let mut encoded = String::with_capacity(text.len() * 3);
    for octet in text.bytes() {
        if plain(octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    HeaderValue::from_str(&encoded).expect("printable ASCII is a valid value")
}

fn passed_hops(headers: &HeaderMap) -> usize {
    let values = headers
        .get_all(CDN_LOOP)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let names = values
        .flat_map(|v| v.split(','))
        .map(|hop| hop.split(';').next().unwrap_or("").trim());
    names
        .filter(|name| name.eq_ignore_ascii_case(OUR_HOP))
        .count()
}

/// RFC 9110 §7.6.1: what `Connection` names, and the fields that are known to be of one
/// connection only, named or not.
fn remove_connection_fields(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::try_from(name.trim()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in [
        header::CONNECTION,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("http2-settings"),
    ] {
        headers.remove(name);
    }
}

fn remove_all(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers
        .keys()
        .filter(|name| unwanted(name.as_str()))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

/// Fields that apps take for the word of the proxy in front of them. Gateways to CGI and WSGI
/// turn `-` into `_`, some every other sign as well (lighttpd), and so read all spellings;
/// all go. `Proxy` would become `HTTP_PROXY` there (CVE-2016-5385).
fn is_our_word(name: &str) -> bool {
    const FAMILIES: [&str; 4] = ["x-forwarded-", "x-ssl-", "remote-", "portlama-"];
    const FIELDS: [&str; 4] = ["forwarded", "x-forwarded", "x-real-ip", "proxy"];
    let spelled = |real: &str| {
        name.bytes()
            .zip(real.bytes())
            .all(|(a, b)| a == b || (b == b'-' && !a.is_ascii_alphanumeric()))
    };
    // One comparison settles most names.
    if !matches!(name.as_bytes().first(), Some(b'x' | b'r' | b'f' | b'p')) {
        return false;
    }
    FAMILIES.iter().any(|f| name.len() > f.len() && spelled(f))
        || FIELDS.iter().any(|f| name.len() == f.len() && spelled(f))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(visitor: Option<&Visitor>) -> HeaderMap {
        sent(HeaderMap::new(), visitor).expect("no loop")
    }

    fn sent(mut headers: HeaderMap, visitor: Option<&Visitor>) -> Result<HeaderMap, Loop> {
        let told = Told {
            address: &HeaderValue::from_static("198.51.100.7"),
            forwarded: &HeaderValue::from_static("for=198.51.100.7;proto=https"),
            authority: &HeaderValue::from_static("wiki.a.org:8443"),
            host: HeaderValue::from_static("wiki.a.org:8443"),
            visitor,
        };
        to_app(&mut headers, &told).map(|()| headers)
    }

    fn mira() -> Visitor {
        Visitor {
            username: "mira".parse().expect("valid"),
            displayname: "Mira Müller 100%".parse().expect("valid"),
            email: "mira@example.net".parse().expect("valid"),
            groups: vec![
                "staff".parse().expect("valid"),
                "café".parse().expect("valid"),
            ],
        }
    }

    #[test]
    fn forged_words_are_removed_in_every_spelling() {
        let clean = told(None);
        let mut forged = HeaderMap::new();
        for name in [
            "x-forwarded-for",
            "x_forwarded_for",
            "x-forwarded_proto",
            "x-forwarded-user",
            "forwarded",
            "x-real-ip",
            "x_real_ip",
            "remote-user",
            "remote_user",
            "remote-groups",
            "remote-name",
            "remote_email",
            "x-ssl-client-verify",
            "x_ssl_client_dn",
            "remote.user",
            "remote~groups",
            "x.forwarded!for",
            "proxy",
            "x-ssl-client-serial",
            "portlama-anything",
            "cdn_loop_is_fine",
        ] {
            let name = HeaderName::try_from(name).expect("a name");
            forged.append(name.clone(), HeaderValue::from_static("6.6.6.6"));
            forged.append(name, HeaderValue::from_static("evil"));
        }
        let mut sent = sent(forged, None).expect("no loop");
        sent.remove("cdn_loop_is_fine");
        assert_eq!(sent, clean);
    }

    #[test]
    fn what_connection_names_cannot_remove_our_word() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONNECTION,
            HeaderValue::from_static("close, X-Custom, remote-user, x-real-ip"),
        );
        headers.insert("x-custom", HeaderValue::from_static("1"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        let sent = sent(headers, Some(&mira())).expect("no loop");
        assert!(!sent.contains_key("x-custom") && !sent.contains_key(header::TE));
        assert!(!sent.contains_key(header::CONNECTION));
        assert_eq!(sent[REMOTE_USER], "mira");
        assert_eq!(sent[X_REAL_IP], "198.51.100.7");
    }

    #[test]
    fn names_beyond_ascii_are_percent_encoded() {
        let sent = told(Some(&mira()));
        assert_eq!(sent[REMOTE_NAME], "Mira M%C3%BCller 100%25");
        assert_eq!(sent[REMOTE_GROUPS], "staff,caf%C3%A9");
        assert_eq!(sent[REMOTE_EMAIL], "mira@example.net");
    }

    #[test]
    fn a_loop_ends_at_the_hop_limit() {
        let mut headers = HeaderMap::new();
        for _ in 0..MAX_HOPS {
            headers = sent(headers, None).expect("no loop yet");
        }
        assert_eq!(sent(headers, None).map(|_| ()), Err(Loop));
    }

    #[test]
    fn an_apps_own_policy_stays() {
        let mut headers = HeaderMap::new();
        add_hsts(&mut headers);
        assert_eq!(
            headers[header::STRICT_TRANSPORT_SECURITY],
            "max-age=63072000"
        );
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=1"),
        );
        add_hsts(&mut headers);
        assert_eq!(headers[header::STRICT_TRANSPORT_SECURITY], "max-age=1");
    }
}
