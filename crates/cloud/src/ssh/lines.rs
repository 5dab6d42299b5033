//! Octets as lines.

/// The longest line of a command's output that is kept, octets; what is longer is cut. The last
/// line of an installation holds two certificates.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// A line that has begun.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    pub(super) fn take(&mut self, octets: &[u8], on_line: &mut impl FnMut(&str)) {
        for octet in octets {
            match octet {
                b'\n' => self.end(on_line),
                _ if self.0.len() < MAX_LINE_BYTES => self.0.push(*octet),
                _ => {}
            }
        }
    }

    /// The line that has begun is over.
    pub(super) fn end(&mut self, on_line: &mut impl FnMut(&str)) {
        if !self.0.is_empty() {
            let line = String::from_utf8_lossy(&self.0);
            on_line(line.trim_end_matches('\r'));
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_without_an_end_takes_no_memory_without_an_end() {
        let mut cut = Lines::default();
        for _ in 0..3 {
            cut.take(&[b'x'; MAX_LINE_BYTES], &mut |_: &str| {});
        }
        let mut length = 0;
        cut.end(&mut |line: &str| length = line.len());
        assert_eq!(length, MAX_LINE_BYTES);
    }

    proptest! {
        #[test]
        fn output_is_cut_into_lines_wherever_it_arrives(
            lines in proptest::collection::vec("[a-z ]{1,20}", 0..8),
            at in 0usize..100,
        ) {
            let text = lines.join("\n");
            let (first, rest) = text.as_bytes().split_at(at.min(text.len()));
            let mut seen = Vec::new();
            let mut cut = Lines::default();
            cut.take(first, &mut |line: &str| seen.push(line.to_owned()));
            cut.take(rest, &mut |line: &str| seen.push(line.to_owned()));
            cut.end(&mut |line: &str| seen.push(line.to_owned()));
            prop_assert_eq!(seen, lines);
        }
    }
}
