//! Large files by HTTPS: octets go on as they come, and none are believed. Whoever keeps them
//! checks them.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::https::{Target, leads_to};
use crate::{Https, HttpsError};

/// How often a download is followed elsewhere. Places that keep releases send on once or twice.
pub const MAX_REDIRECTS: usize = 5;

/// How large and how slow a download may be.
#[derive(Debug, Clone, Copy)]
pub struct DownloadLimits {
    /// The largest file, octets.
    pub bytes: u64,
    /// How long nothing may come, before the first octet as well.
    pub silence: Duration,
    /// How long all may take.
    pub whole: Duration,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No answer.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// An answer that is no file.
    #[error("`{address}` answers with {status}")]
    Status {
        /// What was asked for.
        address: Uri,
        /// What came.
        status: StatusCode,
    },
    /// It leads to an address that is none, or on and on.
    #[error("`{address}` leads to `{to}`, which is not followed")]
    Redirect {
        /// What was asked for.
        address: Uri,
        /// Where it leads.
        to: String,
    },
    /// Larger than it may be.
    #[error("`{address}` has more than {limit} octets")]
    TooLarge {
        /// What was asked for.
        address: Uri,
        /// What it may have.
        limit: u64,
    },
    /// Nothing came for too long, or all took too long.
    #[error("`{address}` did not come within {} s", .limit.as_secs())]
    TooSlow {
        /// What was asked for.
        address: Uri,
        /// How long was waited.
        limit: Duration,
    },
    /// It cannot be kept.
    #[error("what was fetched cannot be written: {0}")]
    Write(#[source] io::Error),
}

impl Https {
    /// Writes the file at `address` to `to`, wherever https addresses lead from there;
    /// `progress` is told the octets so far, and all there will be if that was said. Returns the
    /// octets. What was written before an error is no file.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub async fn download(
        &self,
        address: &Uri,
        limits: DownloadLimits,
        to: &mut (impl AsyncWrite + Unpin),
        progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<u64, DownloadError> {
        let all = async {
            let (_line, body) = self.follow(address, limits).await?;
            write(body, address, limits, to, progress).await
        };
        timeout(limits.whole, all)
            .await
            .unwrap_or_else(|_| Err(too_slow(address, limits.whole)))
    }

    /// The first answer that leads nowhere else, and the connection that it comes from.
    async fn follow(
        &self,
        address: &Uri,
        limits: DownloadLimits,
    ) -> Result<(impl Sized + use<>, Incoming), DownloadError> {
        let mut at = address.clone();
        for _ in 0..=MAX_REDIRECTS {
            let target = Target::of(&at)?;
            let request = Request::get(at.clone()).body(Full::<Bytes>::default());
            let request = request.map_err(|_| HttpsError::NotHttps(at.to_string()))?;
            let (line, answer) = timeout(limits.silence, self.send(&target, request))
                .await
                .unwrap_or_else(|_| {
                    Err(HttpsError::TimedOut {
                        host: target.host.clone(),
                        limit: limits.silence,
                    })
                })?;
            let Some(to) = leads_to(&answer) else {
                return match answer.status() {
                    StatusCode::OK => Ok((line, answer.into_body())),
                    status => Err(DownloadError::Status {
                        address: at,
                        status,
                    }),
                };
            };
            at = next(&at, &to).ok_or(DownloadError::Redirect { address: at, to })?;
        }
        Err(DownloadError::Redirect {
            address: address.clone(),
            to: at.to_string(),
        })
    }
}

/// A whole address, or a path at the same host; [`Target::of`] looks whether it is https.
fn next(at: &Uri, to: &str) -> Option<Uri> {
    let to: Uri = to.parse().ok()?;
    if to.authority().is_some() {
        return Some(to);
    }
    let mut parts = at.clone().into_parts();
    parts.path_and_query = to.into_parts().path_and_query;
    Uri::from_parts(parts).ok()
}

async fn write(
    mut body: Incoming,
    address: &Uri,
    limits: DownloadLimits,
    to: &mut (impl AsyncWrite + Unpin),
    progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<u64, DownloadError> {
    let expected = hyper::body::Body::size_hint(&body).exact();
    let too_large = || DownloadError::TooLarge {
        address: address.clone(),
        limit: limits.bytes,
    };
    let mut so_far = 0;
    if expected.is_some_and(|all| all > limits.bytes) {
        return Err(too_large());
    }
    loop {
        let frame = timeout(limits.silence, body.frame())
            .await
            .map_err(|_| too_slow(address, limits.silence))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|source| HttpsError::Broken {
            host: address.host().unwrap_or_default().to_owned(),
            source,
        })?;
        let Ok(octets) = frame.into_data() else {
            continue;
        };
        so_far += octets.len() as u64;
        if so_far > limits.bytes {
            return Err(too_large());
        }
        to.write_all(&octets).await.map_err(DownloadError::Write)?;
        progress(so_far, expected);
    }
    to.flush().await.map_err(DownloadError::Write)?;
    Ok(so_far)
}

fn too_slow(address: &Uri, limit: Duration) -> DownloadError {
    DownloadError::TooSlow {
        address: address.clone(),
        limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_same_host_and_an_address_elsewhere() {
        let at: Uri = "https://releases.example.org:8443/one?x=1"
            .parse()
            .expect("a URI");
        let to = |text: &str| next(&at, text).map(|uri| uri.to_string());
        assert_eq!(
            to("/two?y=2").as_deref(),
            Some("https://releases.example.org:8443/two?y=2")
        );
        assert_eq!(
            to("https://cdn.example.net/three").as_deref(),
            Some("https://cdn.example.net/three")
        );
        assert_eq!(to("not a place"), None);
    }
}
