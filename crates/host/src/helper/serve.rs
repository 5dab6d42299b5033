//! One order, from its octets to the answer.

use std::fs;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::order::{MAX_ORDER_BYTES, Order, Reply, SERVER_USER, Verdict, ids_in, judge};
use crate::systemd;

/// How long an order may take to arrive, and its answer to be taken.
pub const ORDER_READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the users of this machine stand.
pub const PASSWD: &str = "/etc/passwd";

/// What became of an order, for the journal.
#[derive(Debug)]
pub struct Served {
    /// Who sent it, as the kernel says.
    pub peer: u32,
    /// What was ordered, if it was obeyed.
    pub order: Option<Order>,
    /// What was answered.
    pub reply: Reply,
}

/// Reads one order, carries it out if its sender may give it, and answers.
///
/// # Errors
/// When the sender hangs up, says nothing, or does not take the answer.
pub async fn serve(mut stream: UnixStream) -> io::Result<Served> {
    let peer = stream.peer_cred()?.uid();
    let octets = timeout(ORDER_READ_TIMEOUT, read(&mut stream)).await??;
    let server = ids_in(&fs::read_to_string(PASSWD)?, SERVER_USER).map(|(user, _)| user);
    let (order, reply) = match judge(&octets, peer, server) {
        Verdict::Obey(order) => (Some(order), systemd::carry_out(order).await.into()),
        Verdict::Refuse(reason) => (None, Reply::Refused { reason }),
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    timeout(ORDER_READ_TIMEOUT, stream.write_all(&line)).await??;
    Ok(Served { peer, order, reply })
}

/// What has come up to the end of the first line, or one octet more than an order may have.
async fn read(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut octets = Vec::with_capacity(MAX_ORDER_BYTES + 1);
    while !octets.contains(&b'\n') && octets.len() <= MAX_ORDER_BYTES {
        let left = MAX_ORDER_BYTES + 1 - octets.len();
        let left = u64::try_from(left).unwrap_or_default();
        if (&mut *stream).take(left).read_buf(&mut octets).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    use super::*;

    async fn said_to_the_helper(octets: &[u8]) -> (io::Result<Served>, String) {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair");
        let octets = octets.to_owned();
        let asking = async move {
            let _ = ours.write_all(&octets).await;
            let mut answer = String::new();
            // What was not read of ours ends the line with an error, after the answer.
            let _ = BufReader::new(ours).read_line(&mut answer).await;
            answer
        };
        tokio::join!(serve(theirs), asking)
    }

    #[tokio::test]
    async fn what_is_no_order_is_answered_with_a_reason_and_not_carried_out() {
        for octets in [
            &b"what?\n"[..],
            b"\xff\xfe\n",
            &[b'{'; 100_000],
            b"{\"do\":\"stop\",\"unit\":\"ssh\"}\n",
            b"{\"do\":\"restart\",\"unit\":\"ssh\"}\n{\"do\":\"upgrade\"}\n",
        ] {
            let (served, answer) = said_to_the_helper(octets).await;
            let served = served.expect("answered");
            assert_eq!(served.order, None);
            let reply: Reply = serde_json::from_str(&answer).expect("a line");
            assert_eq!(reply, served.reply);
            assert!(matches!(reply, Reply::Refused { .. }), "{reply:?}");
            assert_eq!(answer.matches('\n').count(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_holds_it_by_saying_nothing_or_little() {
        for little in [&b""[..], b"{\"do\":"] {
            let (mut ours, theirs) = UnixStream::pair().expect("a pair");
            ours.write_all(little).await.expect("written");
            let served = serve(theirs).await;
            assert_eq!(
                served.expect_err("no order").kind(),
                io::ErrorKind::TimedOut
            );
        }
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        drop(ours);
        serve(theirs).await.expect_err("nobody is there");
    }
}
