//! Who is admitted as whom, with real certificates of a throw-away authority.

use std::time::Duration;

use portlama_access::{
    Caller, Denied, Identities, Identity, NotIdentified, Presented, Rule, SecondFactor, When, Who,
    may_call,
};
use portlama_auth::{PanelSession, TOTP_SEED_BYTES, TotpSeed};
use portlama_model::{
    AdminIdentity, AgentEntry, Capability, CapabilitySet, EnrollmentMethod, Onboarding,
    OnboardingStatus, PanelConfig, Registry, Revocation, Revocations, Serial, State, Timestamp,
    Users,
};
use portlama_pki::{AgentKey, Authority, CLIENT_VALIDITY, IssuedCertificate, ParsedRequest};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn now() -> Timestamp {
    NOW.plus(Duration::from_secs(1_900_000_000))
}

struct House {
    authority: Authority,
    admin: IssuedCertificate,
    agent: IssuedCertificate,
}

impl House {
    fn new() -> Self {
        let (authority, _) = Authority::create(now()).expect("authority");
        let admin = authority
            .issue_admin(now())
            .expect("admin")
            .certificate()
            .clone();
        let agent = agent_certificate(&authority, "attic-nas");
        Self {
            authority,
            admin,
            agent,
        }
    }

    fn state(&self) -> State {
        State {
            panel: PanelConfig {
                admin: AdminIdentity {
                    serials: vec![self.admin.serial().clone()],
                    ..AdminIdentity::default()
                },
                ..panel()
            },
            tunnels: vec![],
            users: Users::default(),
            registry: Registry {
                agents: vec![entry(self.agent.serial())],
                ..Registry::default()
            },
            revoked: Revocations::default(),
            sites: vec![],
            invitations: vec![],
        }
    }

    fn present(&self, certificate: &IssuedCertificate) -> Presented {
        let chain = [certificate.der().clone()];
        match self.authority.client_trust().verify(&chain) {
            Ok(client) => Presented::Client(client),
            Err(why) => Presented::Untrusted(why),
        }
    }
}

fn agent_certificate(authority: &Authority, label: &str) -> IssuedCertificate {
    let label = label.parse().expect("label");
    let request = AgentKey::generate()
        .expect("key")
        .request(&label)
        .expect("request");
    let request = ParsedRequest::parse(&request).expect("parses");
    let admitted = request
        .admit(authority, &Default::default())
        .expect("admitted");
    authority
        .sign_agent(&label, &admitted, now())
        .expect("signed")
}

fn entry(serial: &Serial) -> AgentEntry {
    AgentEntry {
        label: "attic-nas".parse().expect("label"),
        serial: serial.clone(),
        capabilities: CapabilitySet::default(),
        allowed_sites: vec![],
        enrollment_method: EnrollmentMethod::HardwareBound,
        created_at: now(),
        expires_at: now().plus(CLIENT_VALIDITY),
        revoked: false,
        revoked_at: None,
        successor: None,
        predecessor: None,
        extra: serde_json::Map::new(),
    }
}

fn panel() -> PanelConfig {
    PanelConfig {
        ip: [198, 51, 100, 23].into(),
        domain: None,
        email: None,
        data_dir: String::new(),
        server_id: "5b1f3a52-3f0e-4a53-9a0a-1d4c1f0c7b11"
            .parse()
            .expect("uuid"),
        max_site_size: 0,
        admin_auth_mode: Default::default(),
        admin: AdminIdentity::default(),
        certificate_authority: Default::default(),
        acme: Default::default(),
        dns: Default::default(),
        releases: None,
        panel_2fa: Default::default(),
        session_secret: None,
        epoch: 0,
        onboarding: Onboarding {
            status: OnboardingStatus::Completed,
            extra: serde_json::Map::new(),
        },
        extra: serde_json::Map::new(),
    }
}

#[test]
fn admin_is_the_name_and_a_known_serial() {
    let house = House::new();
    let identities = Identities::of(&house.state());
    let known = identities.identify(&house.present(&house.admin), now());
    assert!(known.is_ok_and(|identity| identity.is_admin()));

    let other = house.authority.issue_admin(now()).expect("admin");
    let unknown = identities.identify(&house.present(other.certificate()), now());
    assert_eq!(unknown, Err(NotIdentified::Nobody));
}

#[test]
fn agent_is_a_live_entry_with_that_serial() {
    let house = House::new();
    let mut state = house.state();
    let presented = house.present(&house.agent);
    let found = Identities::of(&state)
        .identify(&presented, now())
        .expect("an agent");
    assert_eq!(found.agent().map(|a| a.label().as_str()), Some("attic-nas"));

    let renewed = agent_certificate(&house.authority, "attic-nas");
    state.registry.agents[0].serial = renewed.serial().clone();
    assert_eq!(
        Identities::of(&state).identify(&presented, now()),
        Err(NotIdentified::Nobody)
    );

    state.registry.agents[0].serial = house.agent.serial().clone();
    state.registry.agents[0].revoked = true;
    assert_eq!(
        Identities::of(&state).identify(&presented, now()),
        Err(NotIdentified::Nobody)
    );

    state.registry.agents.clear();
    assert_eq!(
        Identities::of(&state).identify(&presented, now()),
        Err(NotIdentified::Nobody)
    );
}

#[test]
fn revoked_serials_are_nobody_even_when_listed_as_live() {
    let house = House::new();
    let mut state = house.state();
    state.revoked.revoked.push(Revocation {
        serial: house.admin.serial().clone(),
        label: "admin".to_owned(),
        revoked_at: now(),
        public_key: None,
    });
    let refused = Identities::of(&state).identify(&house.present(&house.admin), now());
    assert_eq!(refused, Err(NotIdentified::Revoked));
}

#[test]
fn certificates_count_from_their_first_to_their_last_second() {
    let house = House::new();
    let identities = Identities::of(&house.state());
    let presented = house.present(&house.agent);
    let validity = house.agent.validity();
    let second = Duration::from_secs(1);
    for (at, expected) in [
        (
            validity.not_before.minus(second),
            Err(NotIdentified::NotYetValid),
        ),
        (validity.not_before, Ok(())),
        (validity.not_after, Ok(())),
        (validity.not_after.plus(second), Err(NotIdentified::Expired)),
    ] {
        assert_eq!(
            identities.identify(&presented, at).map(|_| ()),
            expected,
            "{at}"
        );
    }
}

#[test]
fn certificates_of_another_authority_are_untrusted() {
    let (house, other) = (House::new(), House::new());
    let identities = Identities::of(&house.state());
    let presented = house.present(&other.admin);
    let refused = identities.identify(&presented, now());
    assert!(
        matches!(refused, Err(NotIdentified::Untrusted(_))),
        "{refused:?}"
    );
    let absent = identities.identify(&Presented::None, now());
    assert_eq!(absent, Err(NotIdentified::NoCertificate));
}

#[test]
fn routes_ask_for_identity_then_onboarding_then_role() {
    let house = House::new();
    let identities = Identities::of(&house.state());
    let agent = || identities.identify(&house.present(&house.agent), now());
    let admin = || identities.identify(&house.present(&house.admin), now());
    let rule = |who, when| Rule { who, when };
    let open = SecondFactor::NotAsked;
    let call = |rule, caller, status| may_call(rule, caller, &open, status).map(|_| ());
    use OnboardingStatus::{Completed, Fresh};

    let managed = rule(Who::Admin, When::Management);
    assert_eq!(call(managed, admin(), Completed), Ok(()));
    assert_eq!(
        call(managed, admin(), Fresh),
        Err(Denied::OnboardingIncomplete(Fresh))
    );
    assert_eq!(
        call(managed, Err(NotIdentified::NoCertificate), Fresh),
        Err(Denied::NotIdentified(NotIdentified::NoCertificate))
    );
    assert_eq!(
        call(managed, agent(), Completed),
        Err(Denied::Role {
            required: &["admin"],
            current: "agent"
        })
    );
    assert_eq!(
        call(rule(Who::Admin, When::Onboarding), admin(), Completed),
        Err(Denied::OnboardingComplete)
    );
    assert_eq!(
        call(rule(Who::AnyIdentity, When::Always), agent(), Fresh),
        Ok(())
    );
    assert!(call(rule(Who::AgentItself, When::Always), admin(), Completed).is_err());
    assert!(matches!(
        may_call(
            rule(Who::Public, When::Always),
            Err(NotIdentified::NoCertificate),
            &SecondFactor::Missing,
            Fresh
        ),
        Ok(Caller::Anonymous)
    ));
}

#[test]
fn the_admin_shows_the_second_factor_before_anything_else_is_judged() {
    use OnboardingStatus::{Completed, Fresh};
    let house = House::new();
    let identities = Identities::of(&house.state());
    let agent = || identities.identify(&house.present(&house.agent), now());
    let admin = || identities.identify(&house.present(&house.admin), now());
    let session = |serial: &Serial| {
        let seed = TotpSeed::from_random([7; TOTP_SEED_BYTES]);
        let proof = seed.verify(&seed.code_at(now()), None, now());
        let session = PanelSession::begin(proof.expect("right"), serial.clone(), now());
        SecondFactor::Shown(session)
    };
    let own = session(admin().expect("the admin").serial());
    let others = session(agent().expect("the agent").serial());
    let call = |who, when, caller, shown: &SecondFactor, status| {
        may_call(Rule { who, when }, caller, shown, status).map(|_| ())
    };
    for shown in [&SecondFactor::Missing, &others] {
        for (who, when, status) in [
            (Who::Admin, When::Management, Completed),
            (Who::Admin, When::Management, Fresh),
            (Who::Admin, When::Onboarding, Completed),
            (Who::AnyIdentity, When::Always, Fresh),
            (Who::AgentItself, When::Always, Completed),
            (
                Who::Capability(Capability::TunnelsRead),
                When::Always,
                Completed,
            ),
        ] {
            let refused = call(who, when, admin(), shown, status);
            assert_eq!(refused, Err(Denied::SecondFactor), "{who:?} {when:?}");
        }
        let by_certificate = call(
            Who::AdminByCertificate,
            When::Management,
            admin(),
            shown,
            Completed,
        );
        assert_eq!(by_certificate, Ok(()));
        let public = call(Who::Public, When::Always, admin(), shown, Completed);
        assert_eq!(public, Ok(()));
        let agent = call(Who::AnyIdentity, When::Always, agent(), shown, Completed);
        assert_eq!(agent, Ok(()));
    }
    for shown in [&SecondFactor::NotAsked, &own] {
        let passed = call(Who::Admin, When::Management, admin(), shown, Completed);
        assert_eq!(passed, Ok(()));
    }
    let agent = call(
        Who::AdminByCertificate,
        When::Always,
        agent(),
        &own,
        Completed,
    );
    assert!(matches!(agent, Err(Denied::Role { .. })));
}

#[test]
fn agents_need_the_capability_and_the_admin_does_not() {
    let house = House::new();
    let mut state = house.state();
    let rule = Rule {
        who: Who::Capability(Capability::TunnelsWrite),
        when: When::Always,
    };
    let call = |state: &State, certificate| {
        let caller: Result<Identity, _> =
            Identities::of(state).identify(&house.present(certificate), now());
        let open = SecondFactor::NotAsked;
        may_call(rule, caller, &open, OnboardingStatus::Completed).map(|_| ())
    };
    assert_eq!(call(&state, &house.admin), Ok(()));
    assert!(matches!(
        call(&state, &house.agent),
        Err(Denied::Capability {
            required: Capability::TunnelsWrite,
            ..
        })
    ));
    state.registry.agents[0].capabilities = [Capability::TunnelsWrite].into_iter().collect();
    assert_eq!(call(&state, &house.agent), Ok(()));
}
