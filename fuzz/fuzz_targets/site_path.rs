//! Paths of files inside a static site: whatever is accepted stays inside, in one spelling.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use portlama_model::{MAX_SITE_PATH_BYTES, MAX_SITE_PATH_DEPTH, SitePath};

fuzz_target!(|text: &str| {
    let Ok(path) = text.parse::<SitePath>() else {
        return;
    };
    assert_eq!(path.as_str().parse::<SitePath>(), Ok(path.clone()));
    assert!(path.as_str().len() <= MAX_SITE_PATH_BYTES);
    if path.is_root() {
        return;
    }
    let components: Vec<_> = Path::new(path.as_str()).components().collect();
    assert!(components.len() <= MAX_SITE_PATH_DEPTH);
    assert_eq!(components.len(), path.segments().count());
    for component in components {
        assert!(matches!(component, Component::Normal(_)));
    }
    assert!(!path.segments().any(|name| name.starts_with('.')));
    assert!(!path.as_str().contains(['\\', '\0', '\n', '\r']));
    let name = path.file_name().expect("not the root");
    let parent = path.parent().expect("not the root");
    assert_eq!(parent.join(name), Ok(path));
});
