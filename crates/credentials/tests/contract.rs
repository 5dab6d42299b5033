//! What every store keeps to; and that the system's is the one that other programs see.
//!
//! The Keychain of macOS is tried on a Mac alone: `cargo test -p portlama-credentials --features system`.

#[cfg(all(feature = "system", target_os = "linux"))]
use std::process::Command;

use portlama_credentials::{CredentialName, CredentialStore, EncryptedFile};
use portlama_model::Secret;

const SERVICE: &str = "com.portlama.test";

fn contract(store: &dyn CredentialStore) {
    let names = [
        CredentialName::new(SERVICE, "one"),
        CredentialName::new(SERVICE, "two"),
        CredentialName::new("com.portlama.other", "one"),
    ];
    let read = |name| store.read(name).expect("asked");
    let secret = |text: &str| Secret::new(text);
    for name in &names {
        assert!(read(name).is_none(), "it begins empty");
        store.remove(name).expect("nothing to remove is no error");
    }
    store
        .write(&names[0], &secret("one\nof two lines\n"))
        .expect("kept");
    assert!(read(&names[0]) == Some(secret("one\nof two lines\n")));
    assert!(
        read(&names[1]).is_none() && read(&names[2]).is_none(),
        "one is not the other"
    );
    store.write(&names[1], &secret("ü")).expect("kept");
    store.write(&names[2], &secret("three")).expect("kept");
    store.write(&names[0], &secret("new")).expect("replaced");
    assert!(read(&names[0]) == Some(secret("new")));
    store.remove(&names[0]).expect("removed");
    assert!(read(&names[0]).is_none());
    assert!(read(&names[1]) == Some(secret("ü")) && read(&names[2]) == Some(secret("three")));
    for name in &names {
        store.remove(name).expect("removed");
        assert!(read(name).is_none());
    }
}

#[test]
fn an_encrypted_file_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |folder: &std::path::Path| {
        let ask = |_, _: &std::path::Path| Ok(Secret::new("correct horse battery"));
        EncryptedFile::at(folder.join("kept/credentials.age"), Box::new(ask))
    };
    contract(&file(folder.path()));
    // Another process, which asks again, finds what this one kept.
    let name = CredentialName::new(SERVICE, "one");
    let kept = Secret::new("kept");
    file(folder.path()).write(&name, &kept).expect("kept");
    assert!(file(folder.path()).read(&name).expect("read") == Some(kept));
}

/// In the login keychain of whoever runs it, under names of its own that are gone afterwards.
#[cfg(all(feature = "system", target_os = "macos"))]
#[test]
fn the_keychain_keeps_the_contract() {
    contract(&portlama_credentials::SystemStore);
}

/// Set where this program runs itself on the message bus of a test.
#[cfg(all(feature = "system", target_os = "linux"))]
const DEED: &str = "PORTLAMA_TEST_DEED";

/// The library takes the bus of its own environment, so what is tried there runs in a process of
/// its own: this test, again, with a deed.
#[cfg(all(feature = "system", target_os = "linux"))]
#[test]
fn the_store_of_a_desktop_keeps_the_contract_and_is_the_one_that_others_see() {
    use portlama_credentials::{CredentialError, SystemStore};
    use portlama_testkit::Desktop;

    let name = CredentialName::new(SERVICE, "shared");
    let text = |text: &str| Some(Secret::new(text));
    match std::env::var(DEED).as_deref() {
        Ok("contract") => return contract(&SystemStore),
        Ok("write") => {
            let written = SystemStore.write(&name, &Secret::new("ours"));
            return written.expect("kept");
        }
        Ok("read theirs and replace it") => {
            assert!(SystemStore.read(&name).expect("asked") == text("theirs"));
            let written = SystemStore.write(&name, &Secret::new("ours again"));
            return written.expect("kept");
        }
        Ok("nothing there") => {
            let refused = SystemStore.read(&name);
            assert!(
                matches!(refused, Err(CredentialError::Unavailable(_))),
                "{refused:?}"
            );
            return;
        }
        Ok("locked") => {
            let refused = SystemStore.write(&name, &Secret::new("no"));
            assert!(
                matches!(refused, Err(CredentialError::Locked(_))),
                "{refused:?}"
            );
            return;
        }
        _ => {}
    }

    let mut desktop = Desktop::start().expect("a bus");
    run(&desktop, "nothing there");
    desktop.sign_in().expect("a keyring");
    run(&desktop, "contract");
    run(&desktop, "write");
    let seen = |desktop: &Desktop| desktop.lookup(SERVICE, "shared").expect("asked");
    assert_eq!(seen(&desktop), "ours");
    desktop.store(SERVICE, "shared", "theirs").expect("kept");
    run(&desktop, "read theirs and replace it");
    assert_eq!(seen(&desktop), "ours again");
    desktop.sign_in_without_password().expect("a keyring");
    run(&desktop, "locked");
}

#[cfg(all(feature = "system", target_os = "linux"))]
fn run(desktop: &portlama_testkit::Desktop, deed: &str) {
    let done = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture"])
        .arg("the_store_of_a_desktop_keeps_the_contract_and_is_the_one_that_others_see")
        .envs(desktop.environment())
        .env(DEED, deed)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{deed}: {said}");
}
