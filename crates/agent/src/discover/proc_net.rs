//! The texts of Linux' `/proc` (proc(5)), read from bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `TCP_LISTEN` of the kernel's `net/tcp_states.h`, as the table writes it.
const LISTEN: &[u8] = b"0A";
/// Arguments of one process that are kept: a service shows in the first few.
pub(crate) const MAX_ARGUMENTS: usize = 32;

/// A line of `/proc/net/tcp` or `tcp6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpEntry {
    /// Where it listens.
    pub address: SocketAddr,
    /// The socket's number, by which its owner is found.
    pub inode: u64,
}

/// The listening sockets of `/proc/net/tcp` or `tcp6`. Lines of another form are passed over:
/// the first one is a heading, and a newer kernel may add members at the end.
#[must_use]
pub fn listening_sockets(table: &[u8]) -> Vec<TcpEntry> {
    table.split(|b| *b == b'\n').filter_map(entry).collect()
}

/// `sl local remote st tx:rx tr:when retransmits uid timeout inode …`
fn entry(line: &[u8]) -> Option<TcpEntry> {
    let mut fields = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?;
    if state != LISTEN {
        return None;
    }
    Some(TcpEntry {
        address: socket_address(local)?,
        inode: number(inode, 10)?,
    })
}

/// `0100007F:1F90`: the address as words of 32 bits in the machine's own order, the port as a
/// number.
fn socket_address(text: &[u8]) -> Option<SocketAddr> {
    let colon = text.iter().position(|b| *b == b':')?;
    let (address, port) = (text.get(..colon)?, text.get(colon + 1..)?);
    let port = u16::try_from(number(port, 16)?).ok()?;
    let words: Option<Vec<[u8; 4]>> = address.chunks(8).map(word).collect();
    let ip: IpAddr = match words?.as_slice() {
        [v4] => Ipv4Addr::from(*v4).into(),
        [a, b, c, d] => {
            let mut octets = [0; 16];
            for (part, word) in octets.chunks_mut(4).zip([a, b, c, d]) {
                part.copy_from_slice(word);
            }
            Ipv6Addr::from(octets).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn word(hex: &[u8]) -> Option<[u8; 4]> {
    let value = number(hex, 16).filter(|_| hex.len() == 8)?;
    Some(u32::try_from(value).ok()?.to_ne_bytes())
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    // A sign, which the standard library would take, is none of the kernel's.
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    u64::from_str_radix(text, radix).ok().filter(|_| plain)
}

/// The number in `socket:[4711]`, which is where a descriptor of a socket leads.
#[must_use]
pub fn socket_inode(link: &[u8]) -> Option<u64> {
    let inner = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    number(inner, 10)
}

/// Program and arguments of `/proc/<pid>/cmdline`. A program may write over them, with spaces
/// for what were ends of arguments.
#[must_use]
pub fn command_line(octets: &[u8]) -> Vec<String> {
    octets
        .split(|b| *b == 0)
        .filter(|argument| !argument.is_empty())
        .take(MAX_ARGUMENTS)
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A table as a machine of this byte order writes it.
    fn line(address: IpAddr, port: u16, state: u8, inode: u64) -> String {
        let octets = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let words = octets.chunks(4).map(|word| {
            let word: [u8; 4] = word.try_into().expect("four octets");
            format!("{:08X}", u32::from_ne_bytes(word))
        });
        let address: String = words.collect();
        let nobody = "0".repeat(address.len());
        format!(
            "   0: {address}:{port:04X} {nobody}:0000 {state:02X} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0000000035f10c7b 100 0 0 10 0\n"
        )
    }

    const HEADING: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    #[cfg(target_endian = "little")]
    #[test]
    fn reads_what_a_kernel_wrote() {
        let table = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n   0: 0100007F:A06B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2675189 1 0000000035f10c7b 100 0 0 10 0                   \n   1: 0100007F:949B 0100007F:A06B 01 00000000:00000000 00:00000000 00000000     0        0 2675203 1 00000000da6e9606 100 0 0 10 0                   \n";
        let expected = TcpEntry {
            address: "127.0.0.1:41067".parse().expect("an address"),
            inode: 2_675_189,
        };
        assert_eq!(listening_sockets(table), [expected]);
        let six = b"   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1";
        let found = listening_sockets(six);
        assert_eq!(found[0].address, "[::1]:8080".parse().expect("an address"));
    }

    #[test]
    fn passes_over_what_is_no_entry() {
        let good = line("127.0.0.1".parse().expect("address"), 80, 10, 5);
        for bad in [
            good.replace(" 0A ", " 0B "),
            good.replace(":0050", ":10050"),
            good.replace(":0050", ":+050"),
            good.replace(":0050", ""),
            good.replacen("0:", "", 1),
            good[..60].to_owned(),
            HEADING.to_owned(),
        ] {
            assert_eq!(listening_sockets(bad.as_bytes()), [], "{bad}");
        }
        assert_eq!(listening_sockets(good.as_bytes()).len(), 1);
    }

    #[test]
    fn reads_the_number_of_a_socket_and_of_nothing_else() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        for other in [
            "socket:[]",
            "socket:[+1]",
            "socket:[1",
            "pipe:[4711]",
            "/dev/null",
            "",
        ] {
            assert_eq!(socket_inode(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_command_line_is_its_arguments() {
        assert_eq!(
            command_line(b"node\0/usr/bin/n8n\0\0"),
            ["node", "/usr/bin/n8n"]
        );
        assert_eq!(command_line(b""), [""; 0]);
        assert_eq!(command_line(&b"x\0".repeat(100)).len(), MAX_ARGUMENTS);
    }

    proptest! {
        #[test]
        fn entries_round_trip(octets in any::<u128>(), v4 in any::<bool>(), port in any::<u16>(), inode in any::<u64>()) {
            let address: IpAddr = if v4 {
                Ipv4Addr::from(octets as u32).into()
            } else {
                Ipv6Addr::from(octets).into()
            };
            let table = format!("{HEADING}{}", line(address, port, 10, inode));
            let expected = TcpEntry { address: SocketAddr::new(address, port), inode };
            prop_assert_eq!(listening_sockets(table.as_bytes()), vec![expected]);
        }

        #[test]
        fn never_panics(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = listening_sockets(&octets);
            let _ = socket_inode(&octets);
            let _ = command_line(&octets);
        }

        #[test]
        fn never_panics_on_what_looks_like_a_table(text in "[ 0-9A-F:\n]{0,400}") {
            let _ = listening_sockets(text.as_bytes());
        }
    }
}
