//! Whether servers are well, one of them at a time or all of them for as long as somebody looks.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use portlama_api::client::{ClientError, PanelClient};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::registry::ServerEntry;

/// How often each server is asked.
pub const INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// States that wait for whoever looks; then servers are asked no more until some were taken.
const WAITING: usize = 16;

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Health {
    /// It says that it is well.
    Online {
        /// The version that runs there.
        version: String,
    },
    /// It does not, or somebody else answers.
    Offline {
        /// Why.
        reason: String,
    },
}

/// Asks one server. Its authority is pinned, so nobody else can answer for it.
pub async fn check(server: &ServerEntry) -> Health {
    match ask(server).await {
        Ok(version) => Health::Online { version },
        Err(reason) => Health::Offline { reason },
    }
}

async fn ask(server: &ServerEntry) -> Result<String, String> {
    let pinned = server.ca_fingerprint.clone().ok_or(
        "the authority of this server is not known: remove it from the list and add it again",
    )?;
    let url = server.panel_url.parse();
    let url = url.map_err(|error: portlama_api::client::UrlError| error.to_string())?;
    let panel = PanelClient::new(url, pinned, None, None).map_err(in_words)?;
    let health = panel.with_timeout(TIMEOUT).health().await;
    let health = health.map_err(in_words)?;
    match health.status == "ok" {
        true => Ok(health.version),
        false => Err(format!("it says that it is {:?}", health.status)),
    }
}

/// Errors whose text leaves the cause to their source.
fn in_words(error: ClientError) -> String {
    let source = std::error::Error::source(&error);
    let cause = source.map(|source| format!(": {source}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// The states of servers, each told whenever it was asked for. Servers don't wait for each other.
/// Ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    states: mpsc::Receiver<(Uuid, Health)>,
    _asking: JoinSet<()>,
}

/// Asks these servers now, and again after each `every`.
#[must_use]
pub fn watch(servers: impl IntoIterator<Item = ServerEntry>, every: Duration) -> Watch {
    let (tell, states) = mpsc::channel(WAITING);
    let mut asking = JoinSet::new();
    for server in servers {
        let tell = tell.clone();
        asking.spawn(async move {
            let mut ticks = interval(every);
            // A computer that slept does not make up for what it missed.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let state = check(&server).await;
                if tell.send((server.id, state)).await.is_err() {
                    break;
                }
            }
        });
    }
    Watch {
        states,
        _asking: asking,
    }
}

impl Stream for Watch {
    type Item = (Uuid, Health);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.states.poll_recv(context)
    }
}
