//! Every name and word that is parsed once at the boundary: what is accepted keeps its spelling
//! or has one that is accepted again.
#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use portlama_auth::{PasswordHash, SessionToken, TotpCode, TotpSeed};
use portlama_model::{
    AgentLabel, CaFingerprint, Capability, DisplayName, Domain, Email, Group, Hostname, Secret,
    Serial, Subdomain, Timestamp, Username,
};

fuzz_target!(|text: &str| {
    keeps_its_spelling::<AgentLabel>(text);
    keeps_its_spelling::<CaFingerprint>(text);
    keeps_its_spelling::<Capability>(text);
    keeps_its_spelling::<DisplayName>(text);
    keeps_its_spelling::<Email>(text);
    keeps_its_spelling::<Group>(text);
    keeps_its_spelling::<Hostname>(text);
    keeps_its_spelling::<Serial>(text);
    keeps_its_spelling::<Subdomain>(text);
    keeps_its_spelling::<Username>(text);
    if let Ok(domain) = text.parse::<Domain>() {
        keeps_its_spelling::<Domain>(domain.as_str());
    }
    if let Ok(host) = Hostname::normalise(text) {
        keeps_its_spelling::<Hostname>(host.as_str());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        assert_eq!(at.to_string().parse::<Timestamp>(), Ok(at));
    }
    if let Ok(code) = text.parse::<TotpCode>() {
        assert_eq!(code.expose().expose(), text);
    }
    if let Ok(token) = text.parse::<SessionToken>() {
        assert_eq!(token.expose().expose(), text);
    }
    let secret = Secret::new(text);
    if let Ok(seed) = TotpSeed::from_base32(&secret) {
        assert!(TotpSeed::from_base32(&seed.to_base32()).is_ok());
    }
    if let Ok(hash) = PasswordHash::parse(&secret) {
        assert!(PasswordHash::parse(hash.expose()).is_ok());
    }
});

fn keeps_its_spelling<T: FromStr + Display>(text: &str) {
    if let Ok(name) = text.parse::<T>() {
        assert_eq!(name.to_string(), text);
    }
}
