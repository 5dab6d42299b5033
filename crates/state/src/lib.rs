//! The state directory: JSON documents, runtime.db, commit, lock, migrations.
