//! What the server, or whoever has taken it over, sends to root's helper.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_host::helper::{MAX_ORDER_BYTES, Order, Verdict, ids_in, judge};

/// Every word that may reach a program.
const WORDS: [&str; 11] = [
    "--no-block",
    "start",
    "stop",
    "restart",
    "reload",
    "reset-failed",
    "portlama.service",
    "portlama-upgrade.service",
    "ssh.service",
    "fail2ban.service",
    "systemd-timesyncd.service",
];

fuzz_target!(|octets: &[u8]| {
    // The first octet chooses who asks: root, the server, somebody else.
    let Some((peer, line)) = octets.split_first() else {
        return;
    };
    let (peer, server) = (u32::from(peer % 3), Some(1));
    if let Verdict::Obey(order) = judge(line, peer, server) {
        assert!(peer < 2 && line.len() <= MAX_ORDER_BYTES);
        let known = Order::all().find(|known| *known == order);
        let known = serde_json::to_vec(&known).expect("JSON");
        assert_eq!(line.strip_suffix(b"\n"), Some(known.as_slice()));
        let programs = order.programs();
        let mut words = programs.iter().flat_map(|program| &program.arguments);
        assert!(words.all(|word| WORDS.contains(word)));
    }
    if let Ok(passwd) = std::str::from_utf8(line)
        && ids_in(passwd, "portlama").is_some()
    {
        assert!(passwd.contains("portlama:"));
    }
});
