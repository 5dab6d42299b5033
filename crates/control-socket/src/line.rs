//! One line, and no more of it than fits.

use std::io;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest question, octets: an action and the path of a state directory (4 KiB at most on
/// Linux, with escapes twice that).
pub const MAX_QUESTION_BYTES: usize = 16 * 1024;
/// The longest answer, octets: a status with tunnels on thousands of ports.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// A value as one line.
pub(crate) fn to_line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Reads up to the end of the line, which is left out.
pub(crate) async fn read_line(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(line);
        }
        if line.len() > most {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a line of more than {most} octets"),
            ));
        }
        if stream.read_buf(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
