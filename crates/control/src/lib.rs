//! All operations, the only writer: prepare, commit, activate; and what is observed.
