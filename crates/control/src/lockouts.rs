//! Who must wait after wrong passwords and codes, kept across restarts.

use std::sync::Arc;

use parking_lot::Mutex;
use portlama_auth::{Account, Attempt, FAILURE_WINDOW, Lockout, LockoutKey, LockoutRow, Refusal};
use portlama_model::Timestamp;
use portlama_state::{Runtime, StateError};
use serde_json::{Value, json};

/// The memory of wrong tries and its rows in the database.
pub(crate) struct Lockouts {
    table: Mutex<Lockout>,
    runtime: Arc<Runtime>,
}

impl Lockouts {
    /// Restores what was stored.
    pub(crate) fn load(runtime: Arc<Runtime>, now: Timestamp) -> Result<Self, StateError> {
        let rows = runtime.lockouts().all()?;
        let rows = rows.iter().filter_map(|row| read(&row.key, &row.value));
        Ok(Self {
            table: Mutex::new(Lockout::restore(rows, now)),
            runtime,
        })
    }

    /// Begins a try, which counts as wrong from here on.
    pub(crate) fn begin(&self, key: LockoutKey, now: Timestamp) -> Result<Attempt, Refusal> {
        self.table.lock().begin(key, now)
    }

    /// The try was right, or could not be judged.
    pub(crate) fn succeed(&self, attempt: Attempt, now: Timestamp) {
        self.table.lock().succeed(attempt, now);
    }

    /// The try was wrong. Blocks on the disk; what cannot be written still holds in memory.
    pub(crate) fn fail(&self, attempt: Attempt, now: Timestamp) {
        let key = *attempt.key();
        let row = {
            let mut table = self.table.lock();
            table.fail(attempt, now);
            table.row(&key)
        };
        let Some(row) = row else { return };
        if let Err(error) = self.runtime.lockouts().put(&stored(&row)) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a wrong sign-in could not be written down"
            );
        }
    }

    /// Forgets what no longer counts.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.table.lock().sweep(now);
    }
}

fn stored(row: &LockoutRow) -> portlama_state::Lockout {
    let failures: Vec<i64> = row.failures.iter().map(|at| at.unix_millis()).collect();
    let last = row.failures.iter().max().map(|at| at.plus(FAILURE_WINDOW));
    portlama_state::Lockout {
        key: format!(
            "{} {}",
            row.key.network(),
            hex::encode(row.key.account().as_bytes())
        ),
        value: json!({ "failures": failures, "bannedUntil": row.banned_until.map(Timestamp::unix_millis) }),
        expires: last.max(row.banned_until).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

/// A stored row; one that makes no sense is nobody's.
fn read(key: &str, value: &Value) -> Option<LockoutRow> {
    let (network, account) = key.split_once(' ')?;
    let account: [u8; 32] = hex::decode(account).ok()?.try_into().ok()?;
    let failures = value.get("failures")?.as_array()?.iter();
    Some(LockoutRow {
        key: LockoutKey::from_parts(Account::from_bytes(account), network.parse().ok()?),
        failures: failures
            .filter_map(Value::as_i64)
            .map(Timestamp::from_unix_millis)
            .collect(),
        banned_until: value
            .get("bannedUntil")
            .and_then(Value::as_i64)
            .map(Timestamp::from_unix_millis),
    })
}
