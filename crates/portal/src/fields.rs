//! Forms and queries: `name=value` pairs, each name once.

/// The pairs of a query or of a form.
pub(crate) struct Fields(Vec<(String, String)>);

/// A field stands there more than once, so two readers could read it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doubled;

impl Fields {
    /// Reads `application/x-www-form-urlencoded`. Every input is some list of pairs.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The value of `name`: `None` when it is absent or empty.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Doubled> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Doubled),
            (value, None) => Ok(value.map(String::as_str).filter(|v| !v.is_empty())),
        }
    }
}

/// Writes pairs as a query.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_or_not_at_all() {
        let fields = Fields::parse(b"a=1&b=&c=x+y%2Fz&a=2");
        assert_eq!(fields.one("a"), Err(Doubled));
        assert_eq!(fields.one("b"), Ok(None));
        assert_eq!(fields.one("c"), Ok(Some("x y/z")));
        assert_eq!(fields.one("d"), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(bytes: Vec<u8>) {
            let _ = Fields::parse(&bytes).one("rd");
        }

        #[test]
        fn what_is_written_is_read_back(value in "\\PC{1,60}") {
            let text = query(&[("rd", &value), ("nonce", "n")]);
            let fields = Fields::parse(text.as_bytes());
            proptest::prop_assert_eq!(fields.one("rd"), Ok(Some(&*value)));
        }
    }
}
