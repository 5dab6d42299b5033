//! What a machine tells of itself: the tables of /proc, the answers of whatever listens, and
//! Docker's list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portlama_agent::discover::{
    MAX_SHOWN_CHARACTERS, Reading, command_line, listening_sockets, read_answer, read_containers,
    socket_inode,
};

fuzz_target!(|octets: &[u8]| {
    let lines = octets.split(|b| *b == b'\n').count();
    assert!(listening_sockets(octets).len() <= lines);
    let _ = socket_inode(octets);
    assert!(command_line(octets).iter().all(|word| !word.is_empty()));
    if let Reading::Http(answer) = read_answer(octets)
        && let Some(title) = answer.title
    {
        assert!(title.chars().count() <= MAX_SHOWN_CHARACTERS);
        assert!(!title.chars().any(char::is_control));
    }
    if let Ok(list) = read_containers(octets) {
        for container in list {
            let mut names = [&container.id, &container.name, &container.image].into_iter();
            assert!(names.all(|name| !name.chars().any(char::is_control)));
        }
    }
});
