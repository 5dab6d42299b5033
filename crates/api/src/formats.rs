//! The forms of names and words, as the OpenAPI document says them.
//!
//! The types of `model` parse, and know nothing of documents; each has its description here, which
//! members and path segments name: `#[schema(value_type = formats::Username)]`. Tests hold every
//! form against the parser that it describes.

use serde_json::{Value, json};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Texts of a form: a pattern (ECMA-262), an example, and the fewest and most characters where the
/// pattern does not say.
macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident $pattern:expr, $example:literal $(, $least:literal to $most:literal)?;)*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let text = text(concat!($($doc),+), $pattern, $example);
                    $(let text = text.min_length(Some($least)).max_length(Some($most));)?
                    text.into()
                }
            }

            impl ToSchema for $name {}
        )*

        /// The name, the pattern and the example of every form.
        #[cfg(test)]
        const TEXTS: &[(&str, &str, &str)] = &[$((stringify!($name), $pattern, $example)),*];
    };
}

fn text(description: &str, pattern: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description.trim()))
        .pattern(Some(pattern))
        .examples([example])
}

texts! {
    /// The label of a tunnel below the base domain.
    Subdomain r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "wiki";
    /// The name of a static site; at most 63 characters for one below the base domain.
    SiteName r"^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$", "handbook";
    /// A whole host name in lower case, without a trailing dot.
    Hostname r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$", "wiki.lab.example.org", 3 to 253;
    /// A host name of the owner's: in any case, with or without a trailing dot, with letters of any
    /// language.
    CustomDomain r"^[^\s/@:]+$", "www.example.net", 3 to 253;
    /// The base domain; its last label has letters only.
    Domain r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", "lab.example.org", 4 to 189;
    /// A base domain as people type it: in any case, with or without a trailing dot, in letters of
    /// any language.
    TypedDomain r"^[^\s/@:]+$", "lab.example.org", 4 to 253;
    /// The label of an agent.
    AgentLabel r"^[a-z0-9][a-z0-9-]{0,49}$", "attic-nas";
    /// A label as paths may have it: those of other versions are well-formed, too.
    PathLabel r"^[a-z0-9][a-z0-9:-]{0,149}$", "attic-nas";
    /// The name with which somebody signs in.
    Username r"^[a-z0-9_-]{2,32}$", "mira";
    /// The name under which somebody is shown: one line.
    DisplayName r"^[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+$", "Mira Müller", 1 to 100;
    /// A note: one line.
    Description r"^[^\u0000-\u001f\u007f-\u009f]*$", "The wiki of the attic", 0 to 200;
    /// An e-mail address in ASCII, without quotes.
    Email r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,62}[A-Za-z0-9!#$%&'*+/=?^_`{|}~-])?@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$", "mira@example.org", 5 to 254;
    /// A group of users; neither commas nor outer spaces.
    Group r"^[^\s,\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+( [^\s,\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+)*$", "staff", 1 to 63;
    /// Thirty-two random octets: shown once, used once.
    Token64 r"^[0-9a-f]{64}$", "4b1d0f6ec2a97d358ef0b14a6c7d29e05f83a1b2c4d6e8f00112233445566778";
    /// `ptl1.<token>.<fingerprint of the authority>`: token and pin in one.
    SetupToken r"^ptl1\.[0-9a-f]{64}\.[0-9a-f]{64}$", "ptl1.4b1d0f6ec2a97d358ef0b14a6c7d29e05f83a1b2c4d6e8f00112233445566778.9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// The serial of a certificate: two upper-case hexadecimal digits an octet.
    Serial r"^([0-9A-F]{2}){1,20}$", "0A1B";
    /// A version of Portlama.
    ReleaseVersion r"^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}$", "1.2.3";
    /// A time code of six digits.
    TotpCode r"^[0-9]{6}$", "492039";
    /// What an authenticator app takes; shown once.
    TotpUri r"^otpauth://totp/", "otpauth://totp/Portlama:mira?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Portlama&algorithm=SHA1&digits=6&period=30";
    /// A PKCS#10 request in PEM. Its self-signature must verify; nothing but its key counts.
    Csr "-----BEGIN CERTIFICATE REQUEST-----", "-----BEGIN CERTIFICATE REQUEST-----\nMIH…\n-----END CERTIFICATE REQUEST-----\n", 1 to 8192;
    /// A certificate in PEM.
    CertificatePem r"^-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nMII…\n-----END CERTIFICATE-----\n";
    /// The password of a PKCS#12 file; shown once.
    P12Password r"^[0-9a-f]{32}$", "4b1d0f6ec2a97d358ef0b14a6c7d29e0";
    /// An IPv4 or IPv6 address.
    IpAddress r"^[0-9a-f.:]+$", "192.0.2.10", 2 to 45;
    /// The path of a file or folder in a site, from its root on.
    SitePath r"^[^\u0000]+$", "assets/img/logo.svg", 1 to 500;
}

/// What a person signs in with: 8 characters to 72 octets.
#[derive(Debug)]
pub struct Password;

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("8 characters to 72 octets."))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(8))
            .max_length(Some(72))
            .into()
    }
}

impl ToSchema for Password {}

/// A moment: ISO 8601 in UTC, with milliseconds.
#[derive(Debug)]
pub struct Time;

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$";
        text(
            "A moment: ISO 8601 in UTC, with milliseconds.",
            pattern,
            "2027-02-03T08:15:00.000Z",
        )
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .into()
    }
}

impl ToSchema for Time {}

/// The port of a tunnel, as its agent knows it.
#[derive(Debug)]
pub struct TunnelPort;

impl PartialSchema for TunnelPort {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some("The port of a tunnel, as its agent knows it."))
            .minimum(Some(1024))
            .maximum(Some(65_535))
            .examples([8400])
            .into()
    }
}

impl ToSchema for TunnelPort {}

/// The words of an enum of `model`, as it writes them itself. A variant that is missing here does
/// not compile.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident { $($variant:ident),+ $(,)? })*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    const fn none_is_missing(word: portlama_model::$name) {
                        match word {
                            $(portlama_model::$name::$variant => {})+
                        }
                    }
                    let _ = none_is_missing;
                    let words = [$(json!(portlama_model::$name::$variant)),+];
                    one_of(concat!($($doc),+), words)
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

fn one_of(description: &str, words: impl IntoIterator<Item = Value>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description.trim()))
        .enum_values(Some(words))
        .into()
}

words! {
    /// How far the first set-up has come.
    OnboardingStatus { Fresh, DomainSet, DnsReady, Provisioning, Completed }
    /// What kind of service a tunnel leads to; `plugin` is kept from other versions, never made.
    TunnelType { App, Panel, Plugin }
    /// Who may visit. Nobody passes `restricted` until grants exist.
    AccessMode { Public, Authenticated, Restricted }
    /// How the agent speaks to the service.
    OriginScheme { Http, Https }
    /// Which `Host` the service sees.
    HostHeader { Public, Local }
    /// Below the base domain (`managed`) or anywhere (`custom`).
    SiteType { Managed, Custom }
    /// How an agent's certificate came to be.
    EnrollmentMethod { P12, HardwareBound, Delegated }
    /// Who made the admin's key: the server (`p12`) or the admin's own machine.
    AdminAuthMode { P12, HardwareBound }
    /// What an agent may ask of the API.
    Capability {
        TunnelsRead, TunnelsWrite, ServicesRead, ServicesWrite, SystemRead, SitesRead, SitesWrite,
        PanelExpose, IdentityRead, IdentityQuery,
    }
}

/// The kinds of tunnels that can be asked for.
#[derive(Debug)]
pub struct NewTunnelType;

impl PartialSchema for NewTunnelType {
    fn schema() -> RefOr<Schema> {
        use portlama_model::TunnelType;
        let words = [TunnelType::App, TunnelType::Panel].map(|word| json!(word));
        one_of("What kind of service the tunnel leads to.", words)
    }
}

impl ToSchema for NewTunnelType {}

/// Any JSON value, where the shape is another's to say.
#[derive(Debug)]
pub struct Json;

impl PartialSchema for Json {
    fn schema() -> RefOr<Schema> {
        let itself = || RefOr::<Schema>::Ref(Ref::from_schema_name("Json"));
        let plain = [Type::String, Type::Number, Type::Boolean, Type::Null];
        OneOfBuilder::new()
            .description(Some("Any JSON value, where the shape is another's to say."))
            .item(ObjectBuilder::new().schema_type(SchemaType::from_iter(plain)))
            .item(ArrayBuilder::new().items(itself()))
            .item(ObjectBuilder::new().additional_properties(Some(itself())))
            .into()
    }
}

impl ToSchema for Json {}

#[cfg(test)]
mod tests {
    use proptest::string::string_regex;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;

    /// Whether the parser of a form takes a text; `None` where the form has no parser of its own.
    fn parses(form: &str, text: &str) -> Option<bool> {
        fn ok<T: std::str::FromStr>(text: &str) -> Option<bool> {
            Some(text.parse::<T>().is_ok())
        }
        match form {
            "Subdomain" => ok::<portlama_model::Subdomain>(text),
            "SiteName" => ok::<portlama_model::SiteName>(text),
            "Hostname" => ok::<portlama_model::Hostname>(text),
            "Domain" => ok::<portlama_model::Domain>(text),
            "AgentLabel" => ok::<portlama_model::AgentLabel>(text),
            "Username" => ok::<portlama_model::Username>(text),
            "DisplayName" => ok::<portlama_model::DisplayName>(text),
            "Description" => ok::<portlama_model::Description>(text),
            "Email" => ok::<portlama_model::Email>(text),
            "Group" => ok::<portlama_model::Group>(text),
            "SetupToken" => ok::<portlama_model::SetupToken>(text),
            "Token64" => ok::<portlama_model::EnrollmentToken>(text),
            "Serial" => ok::<portlama_model::Serial>(text),
            "ReleaseVersion" => ok::<portlama_model::ReleaseVersion>(text),
            "SitePath" => ok::<portlama_model::SitePath>(text),
            "IpAddress" => ok::<std::net::IpAddr>(text),
            _ => None,
        }
    }

    #[test]
    fn every_example_is_what_its_parser_takes() {
        for (form, _, example) in TEXTS {
            assert_ne!(parses(form, example), Some(false), "{form}: {example}");
        }
    }

    #[test]
    fn what_a_pattern_allows_its_parser_takes() {
        // Those whose pattern says all that the parser asks for.
        for exact in [
            "Subdomain",
            "SiteName",
            "AgentLabel",
            "Username",
            "SetupToken",
            "Token64",
            "Serial",
            "ReleaseVersion",
        ] {
            let form = TEXTS.iter().find(|(name, ..)| *name == exact);
            let (_, pattern, _) = form.expect("a form");
            let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
            let texts = string_regex(pattern).expect("a pattern");
            let mut runner = TestRunner::new(Config::with_cases(64));
            let held = runner.run(&texts, |text| {
                proptest::prop_assert_eq!(parses(exact, &text), Some(true), "{}", text);
                Ok(())
            });
            held.expect(exact);
        }
    }
}
