//! Throw-away authorities, process harness and origins for tests. A dev-dependency only.
