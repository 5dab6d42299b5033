//! The body of a request to the panel API, read by every request type.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_api::{
    CapabilityChange, EnrollRequest, FromBody, NewEnrollment, NewTunnel, NewUser, TunnelChange,
    UserChange,
};
use serde_json::Value;

// The panel's own reader, which the panel keeps to itself.
#[path = "../../crates/panel/src/strict_json.rs"]
mod strict_json;

fuzz_target!(|octets: &[u8]| {
    let Ok(body) = strict_json::parse(octets) else {
        return;
    };
    assert_eq!(
        serde_json::from_slice::<Value>(octets).ok().as_ref(),
        Some(&body)
    );
    read::<CapabilityChange>(&body);
    read::<EnrollRequest>(&body);
    read::<NewEnrollment>(&body);
    read::<NewTunnel>(&body);
    read::<NewUser>(&body);
    read::<TunnelChange>(&body);
    read::<UserChange>(&body);
});

fn read<T: FromBody>(body: &Value) {
    if let Err(issues) = T::from_body(body) {
        assert!(!issues.is_empty());
    }
}
