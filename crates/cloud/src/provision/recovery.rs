//! What processes that died left behind.

use portlama_files::FileLock;

use super::clean::{Look, look, take_away_what_was_seen};
use super::means::Means;
use super::run::busy;
use super::{Leftover, Operation, ProvisionError};

/// What an operation that came to no end has left.
#[derive(Debug)]
pub struct Found {
    /// The operation.
    pub operation: Operation,
    look: Look,
}

impl Found {
    /// What is to go at DigitalOcean.
    #[must_use]
    pub fn leftovers(&self) -> &[Leftover] {
        &self.look.leftovers
    }

    /// For people: what there is, and what is not known, one line each. Nothing when all that is
    /// left is the journal itself.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let leftovers = self.look.leftovers.iter().map(Leftover::describe);
        let unknown = self.look.unknown.iter();
        let unknown = unknown.map(|why| format!("it is not known what is left: {why}"));
        leftovers.chain(unknown).collect()
    }
}

/// A turn at clearing away: nobody makes a server meanwhile, so whatever has a journal was left.
pub struct Recovery<'a> {
    means: &'a Means<'a>,
    _turn: FileLock,
}

impl<'a> Recovery<'a> {
    /// Takes the turn.
    ///
    /// # Errors
    /// [`ProvisionError::Busy`], [`ProvisionError::File`].
    pub fn begin(means: &'a Means<'a>) -> Result<Self, ProvisionError> {
        let turn = means.home.take_turn().map_err(busy)?;
        Ok(Self { means, _turn: turn })
    }

    /// Looks at every journal. Those of which nothing is left, and nothing can still appear, are
    /// forgotten; all others are given back.
    ///
    /// # Errors
    /// [`ProvisionError::File`], [`ProvisionError::DigitalOcean`] when the token is no good.
    pub async fn look(&self) -> Result<Vec<Found>, ProvisionError> {
        let operations = self.means.home.operations().all()?;
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        let servers = self.means.home.registry().read()?;
        let account = self.account().await?;
        let mut found = Vec::new();
        for mut operation in operations {
            // The list was written, and the journal not any more: it is its owner's server.
            let mut ids = servers.iter().map(|server| server.id);
            operation.registered |= ids.any(|id| Some(id) == operation.server);
            let look = match is_elsewhere(&operation, account.as_deref()) {
                Some(whose) => Look {
                    unknown: vec![format!(
                        "it was made in the account of {whose}, and this token is of another: use a token of that one"
                    )],
                    ..Look::default()
                },
                None => look(self.means, &operation).await,
            };
            let is_nothing = look.leftovers.is_empty() && look.unknown.is_empty();
            let one = Found { operation, look };
            match is_nothing {
                true => drop(self.take_away(one).await),
                false => found.push(one),
            }
        }
        Ok(found)
    }

    /// Takes away what was found; gives back what is left all the same, one line each.
    pub async fn take_away(&self, found: Found) -> Vec<String> {
        take_away_what_was_seen(self.means, &found.operation, found.look).await
    }

    /// Whose token it is, where it may say so.
    async fn account(&self) -> Result<Option<String>, ProvisionError> {
        match self.means.digital_ocean.account().await {
            Ok((account, _)) => Ok(Some(account.email)),
            Err(error) if error.status() == Some(403) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whose account an operation was made in, when that is surely another.
fn is_elsewhere<'a>(operation: &'a Operation, account: Option<&str>) -> Option<&'a str> {
    let whose = operation.account.as_deref()?;
    (whose != account?).then_some(whose)
}
