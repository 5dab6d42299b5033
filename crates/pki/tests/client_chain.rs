//! Which client certificates prove something (cases T3 to T5, K9).
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{DAY, agent, authority, label, now, params, rogue_issuer};
use portlama_pki::{Authority, ChainError, MAX_CHAIN_BYTES, MAX_CHAIN_CERTIFICATES, Subject};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair,
};
use rustls_pki_types::CertificateDer;

/// A certificate that our own code would never issue, signed by our own authority.
fn rogue(authority: &Authority, params: &CertificateParams) -> CertificateDer<'static> {
    params
        .signed_by(&KeyPair::generate().unwrap(), &rogue_issuer(authority))
        .unwrap()
        .into()
}

fn client_params(common_names: &[&str]) -> CertificateParams {
    let mut params = params(common_names);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn refusal(authority: &Authority, leaf: &CertificateDer<'static>) -> ChainError {
    authority
        .client_trust()
        .verify(std::slice::from_ref(leaf))
        .map(drop)
        .unwrap_err()
}

#[test]
fn an_agent_is_who_its_certificate_says() {
    let authority = authority();
    let (issued, _) = agent(&authority);
    let client = authority
        .client_trust()
        .verify(&[issued.der().clone()])
        .unwrap();
    assert_eq!(client.subject(), &Subject::Agent(label("attic")));
    assert_eq!(client.common_name(), "agent:attic");
    assert_eq!(client.serial(), issued.serial());
    assert_eq!(client.key_digest(), issued.key_digest());
    assert_eq!(client.validity(), issued.validity());
}

#[test]
fn the_time_is_judged_apart_to_the_second() {
    let authority = authority();
    let (issued, _) = agent(&authority);
    let client = authority
        .client_trust()
        .verify(&[issued.der().clone()])
        .unwrap();
    let (first, last) = (issued.validity().not_before, issued.validity().not_after);
    let second = Duration::from_secs(1);
    assert!(!client.is_current(first.minus(second)));
    assert!(client.is_current(first));
    assert!(client.is_current(last));
    assert!(!client.is_current(last.plus(second)));
}

#[test]
fn a_certificate_holds_no_longer_than_its_authority() {
    let authority = authority();
    let mut long = client_params(&["admin"]);
    long.not_before = now().minus(10_000 * DAY).to_offset_date_time();
    long.not_after = now().plus(10_000 * DAY).to_offset_date_time();
    let client = authority
        .client_trust()
        .verify(&[rogue(&authority, &long)])
        .unwrap();
    assert_eq!(client.validity(), authority.validity());
    assert!(!client.is_current(authority.validity().not_after.plus(DAY)));
}

#[test]
fn refuses_a_certificate_that_never_holds_with_its_authority() {
    let authority = authority();
    let mut past = client_params(&["admin"]);
    past.not_before = now().minus(100 * DAY).to_offset_date_time();
    past.not_after = now().minus(50 * DAY).to_offset_date_time();
    assert_eq!(
        refusal(&authority, &rogue(&authority, &past)),
        ChainError::NeverValid
    );
}

#[test]
fn refuses_the_same_names_from_another_authority() {
    let (ours, theirs) = (authority(), authority());
    let admin = theirs.issue_admin(now()).unwrap();
    assert!(matches!(
        refusal(&ours, admin.certificate().der()),
        ChainError::Issuer(_)
    ));
    // The CA's key identifier is repeated, too.
    let mut forged = client_params(&["admin"]);
    forged.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let issuer =
        Issuer::from_ca_cert_der(ours.certificate_der(), KeyPair::generate().unwrap()).unwrap();
    let forged: CertificateDer<'_> = forged.signed_by(&key, &issuer).unwrap().into();
    assert!(matches!(
        refusal(&ours, &forged),
        ChainError::Issuer(webpki::Error::InvalidSignatureForPublicKey)
    ));
}

#[test]
fn refuses_a_leaf_signed_by_a_leaf_even_with_the_leaf_at_hand() {
    let authority = authority();
    let pair = authority.issue_admin(now()).unwrap();
    let key = KeyPair::from_pem(pair.key_pem().expose()).unwrap();
    let issuer = Issuer::from_ca_cert_der(pair.certificate().der(), key).unwrap();
    let child = client_params(&["admin"])
        .signed_by(&KeyPair::generate().unwrap(), &issuer)
        .unwrap();
    let chain = [
        child.into(),
        pair.certificate().der().clone(),
        authority.certificate_der().clone(),
    ];
    let verdict = authority.client_trust().verify(&chain).map(drop);
    assert!(matches!(verdict, Err(ChainError::Issuer(_))), "{verdict:?}");
}

#[test]
fn refuses_an_authority_below_the_authority() {
    let authority = authority();
    let mut middle = params(&["Portlama CA"]);
    middle.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let middle_certificate: CertificateDer<'static> = middle
        .signed_by(&key, &rogue_issuer(&authority))
        .unwrap()
        .into();
    let issuer = Issuer::new(middle, key);
    let leaf = client_params(&["admin"])
        .signed_by(&KeyPair::generate().unwrap(), &issuer)
        .unwrap();
    let verdict = authority
        .client_trust()
        .verify(&[leaf.into(), middle_certificate])
        .map(drop);
    assert!(matches!(verdict, Err(ChainError::Issuer(_))), "{verdict:?}");
}

#[test]
fn refuses_a_self_signed_admin_and_the_authority_itself() {
    let authority = authority();
    let forged = client_params(&["admin"])
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap();
    assert!(matches!(
        refusal(&authority, &forged.into()),
        ChainError::Issuer(_)
    ));
    assert!(matches!(
        refusal(&authority, authority.certificate_der()),
        ChainError::Issuer(_)
    ));
}

#[test]
fn refuses_every_purpose_but_client_alone() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    let authority = authority();
    for purposes in [
        vec![],
        vec![ServerAuth],
        vec![ClientAuth, ServerAuth],
        vec![Any],
        vec![ClientAuth, Any],
        vec![ClientAuth, CodeSigning],
        vec![ClientAuth, ExtendedKeyUsagePurpose::Other(vec![1, 2, 3, 4])],
    ] {
        let mut leaf = params(&["admin"]);
        leaf.extended_key_usages = purposes.clone();
        let error = refusal(&authority, &rogue(&authority, &leaf));
        let refused = matches!(
            error,
            ChainError::Purpose | ChainError::Issuer(webpki::Error::RequiredEkuNotFoundContext(_))
        );
        assert!(refused, "{purposes:?}: {error:?}");
    }
    let server = authority
        .issue_server(
            &[std::net::IpAddr::from([203, 0, 113, 7]).into()],
            now(),
            DAY,
        )
        .unwrap();
    let error = refusal(&authority, server.certificate().der());
    assert!(matches!(error, ChainError::Issuer(_)), "{error:?}");
}

#[test]
fn refuses_none_or_several_common_names() {
    let authority = authority();
    assert_eq!(
        refusal(&authority, &rogue(&authority, &client_params(&[]))),
        ChainError::CommonName
    );
    // The maker of these certificates keeps one common name, so the second is written as an
    // attribute of the same number.
    let mut two = client_params(&["agent:attic"]);
    two.distinguished_name
        .push(rcgen::DnType::CustomDnType(vec![2, 5, 4, 3]), "admin");
    assert_eq!(
        refusal(&authority, &rogue(&authority, &two)),
        ChainError::CommonName
    );
}

#[test]
fn refuses_an_unknown_critical_extension() {
    let authority = authority();
    let mut leaf = client_params(&["admin"]);
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    leaf.custom_extensions.push(extension);
    let error = refusal(&authority, &rogue(&authority, &leaf));
    assert_eq!(
        error,
        ChainError::Issuer(webpki::Error::UnsupportedCriticalExtension)
    );
}

#[test]
fn bounds_the_certificates_it_looks_at() {
    let authority = authority();
    let trust = authority.client_trust();
    let (issued, _) = agent(&authority);
    let leaf = issued.der().clone();
    assert_eq!(trust.verify(&[]).map(drop), Err(ChainError::Empty));
    assert!(
        trust
            .verify(&vec![leaf.clone(); MAX_CHAIN_CERTIFICATES])
            .is_ok()
    );
    let many = vec![leaf.clone(); MAX_CHAIN_CERTIFICATES + 1];
    assert_eq!(trust.verify(&many).map(drop), Err(ChainError::TooLarge));
    let room = MAX_CHAIN_BYTES - leaf.len();
    let filled = |octets| [leaf.clone(), CertificateDer::from(vec![0; octets])];
    assert!(trust.verify(&filled(room)).is_ok());
    assert_eq!(
        trust.verify(&filled(room + 1)).map(drop),
        Err(ChainError::TooLarge)
    );
}

#[test]
fn a_common_name_names_admin_an_agent_or_nobody() {
    assert_eq!(Subject::of("admin"), Subject::Admin);
    assert_eq!(Subject::of("agent:attic"), Subject::Agent(label("attic")));
    for name in [
        "",
        "Admin",
        "admin ",
        " admin",
        "admin\0",
        "agent",
        "agent:",
        "agent:Attic",
        "agent:-a",
        "agent:a b",
        "Agent:attic",
        "agent:attic\n",
        "agent:agent:attic",
        "Portlama CA",
    ] {
        assert_eq!(Subject::of(name), Subject::Nobody, "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_changed_certificate_proves_nothing(at in any::<proptest::sample::Index>(), flip in 1..=255_u8) {
        let authority = authority();
        let (issued, _) = agent(&authority);
        let mut octets = issued.der().to_vec();
        let at = at.index(octets.len());
        octets[at] ^= flip;
        prop_assert!(authority.client_trust().verify(&[octets.into()]).is_err());
    }

    #[test]
    fn any_octets_are_judged_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let authority = authority();
        prop_assert!(authority.client_trust().verify(&[octets.into()]).is_err());
    }
}
