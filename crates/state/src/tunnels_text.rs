//! `tunnels.json` made from the one before.

use std::ops::Range;

use portlama_model::Tunnel;

use crate::document::{Fault, decode_json, encode_json, refuse_size, refuse_tunnel_twins};

/// What a tunnel takes in the document, octets, so that a large one is not moved while it grows.
const TUNNEL_BYTES: usize = 512;

/// Up to how many changed tunnels are compared with all others one by one.
const SINGLE_LOOKS: usize = 8;

/// The text of a list of tunnels, from which that of a list which differs little is made: tunnels
/// that stay as they are are copied, not encoded. It belongs to the list it was made of.
#[derive(Default)]
pub struct TunnelsText {
    document: Vec<u8>,
    /// Where each tunnel stands in it.
    places: Vec<Range<usize>>,
}

impl TunnelsText {
    /// The text of `new`; this is the text of `old`, or nothing is known. Proves that it can be
    /// read at the next start; `old` was proven when it was written or read.
    pub(crate) fn next(&self, old: &[Tunnel], new: &[Tunnel]) -> Result<Self, Fault> {
        let before = before(old, new);
        refuse_new_twins(new, &before)?;
        let mut next = Self {
            document: Vec::with_capacity(4 + new.len() * TUNNEL_BYTES),
            places: Vec::with_capacity(new.len()),
        };
        for (tunnel, before) in new.iter().zip(before) {
            let known = before.and_then(|index| self.places.get(index));
            match known.and_then(|place| self.document.get(place.clone())) {
                Some(text) => next.push(text),
                None => {
                    let list = encode_json(std::slice::from_ref(tunnel))?;
                    if before.is_none() {
                        decode_json::<Vec<Tunnel>>(&list)?;
                    }
                    let text = list.strip_prefix(b"[\n");
                    let text = text.and_then(|text| text.strip_suffix(b"\n]\n"));
                    next.push(text.ok_or_else(|| Fault::new("is no list"))?);
                }
            }
        }
        let end: &[u8] = if new.is_empty() { b"[]\n" } else { b"\n]\n" };
        next.document.extend_from_slice(end);
        refuse_size(&next.document)?;
        Ok(next)
    }

    /// The whole document.
    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

    fn push(&mut self, tunnel: &[u8]) {
        let between: &[u8] = if self.places.is_empty() {
            b"[\n"
        } else {
            b",\n"
        };
        self.document.extend_from_slice(between);
        let start = self.document.len();
        self.document.extend_from_slice(tunnel);
        self.places.push(start..self.document.len());
    }
}

/// Where each tunnel of `new` stands in `old`, if it is there as it is. Both have the order of
/// creation, so one walk through both finds them.
fn before(old: &[Tunnel], new: &[Tunnel]) -> Vec<Option<usize>> {
    let mut rest = old.iter().enumerate();
    let find = |tunnel: &Tunnel| {
        let mut ahead = rest.clone();
        let (index, known) = ahead.find(|(_, known)| known.id == tunnel.id)?;
        rest = ahead;
        (known == tunnel).then_some(index)
    };
    new.iter().map(find).collect()
}

/// Refuses two tunnels with one id or name, of which at least one is not as it was before.
fn refuse_new_twins(new: &[Tunnel], before: &[Option<usize>]) -> Result<(), Fault> {
    let changed = || {
        let all = new.iter().zip(before);
        all.filter(|(_, before)| before.is_none())
            .map(|(tunnel, _)| tunnel)
    };
    let has_twin = |tunnel: &Tunnel| {
        let same = |other: &&Tunnel| other.id == tunnel.id || other.fqdn == tunnel.fqdn;
        new.iter().filter(same).count() > 1
    };
    if changed().nth(SINGLE_LOOKS).is_some() || changed().any(has_twin) {
        refuse_tunnel_twins(new)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnels(numbers: impl IntoIterator<Item = u32>) -> Vec<Tunnel> {
        let tunnel = |number| {
            let text = format!(
                r#"{{ "id": "00000000-0000-4000-8000-{number:012}", "subdomain": "app-{number}",
                    "fqdn": "app-{number}.lab.example.org", "port": 8000, "description": "{number}\n[",
                    "createdAt": "2027-02-03T08:15:00.000Z", "unknown": [{{ "a": [] }}] }}"#,
            );
            decode_json(text.as_bytes()).expect("a tunnel")
        };
        numbers.into_iter().map(tunnel).collect()
    }

    #[test]
    fn a_text_made_from_the_one_before_is_the_text_of_the_list() {
        let mut changed = tunnels(0..30);
        changed[7].enabled = false;
        let (mut list, mut text) = (Vec::new(), TunnelsText::default());
        for next in [
            tunnels(0..30),
            changed,
            tunnels((0..30).rev()),
            tunnels((3..9).chain(11..50)),
            tunnels([]),
            tunnels(2..3),
        ] {
            text = text.next(&list, &next).expect("encodes");
            let whole = encode_json(&next).expect("encodes");
            assert_eq!(
                String::from_utf8_lossy(text.document()),
                String::from_utf8_lossy(&whole)
            );
            list = next;
        }
    }

    #[test]
    fn twins_are_refused_however_many_tunnels_change() {
        let old = tunnels(0..30);
        for more in [1, 20] {
            for twin in [0, 29, 30] {
                let new = tunnels((0..30 + more).chain([twin]));
                assert!(TunnelsText::default().next(&old, &new).is_err(), "{twin}");
            }
        }
    }
}
