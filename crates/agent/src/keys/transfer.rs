//! Moving an agent's key from one store to another.

use portlama_model::Timestamp;

use super::{KeySlot, KeyStoreError, KeyStoreKind, key_store};
use crate::directory::AgentDir;

/// Moves an agent's keys; `false` when they are there already. The store before lets go of them
/// when the new one has them and the configuration says so, so that a crash loses none.
///
/// # Errors
/// When either store cannot be used; the agent then goes on with the one before.
pub fn move_key(agent: &AgentDir, to: KeyStoreKind, now: Timestamp) -> Result<bool, KeyStoreError> {
    let from = agent.key_store_kind()?;
    if from == to {
        return Ok(false);
    }
    let (before, after) = (key_store(from, agent), key_store(to, agent));
    for slot in [KeySlot::Next, KeySlot::Present] {
        match before.read(slot)? {
            Some(key) => after.write(slot, &key)?,
            None => after.remove(slot)?,
        }
    }
    agent.change_config(now, |config| config.auth_method = to.to_string())?;
    for slot in [KeySlot::Next, KeySlot::Present] {
        before.remove(slot)?;
    }
    Ok(true)
}
