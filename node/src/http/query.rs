//! What stands behind the `?` of a request, and what is wrong with it in words of this API.

use super::problem::Problem;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

/// The query as axum hands it over.
pub(super) type Raw = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// The parameters of a request, each of a name that its route knows.
#[derive(Debug)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Refuses what the route does not know, and what is there twice.
    pub(super) fn read(raw: Raw, known: &[&str]) -> Result<Asked, Problem> {
        let Query(pairs) = raw.map_err(|e| Problem::bad_request(e.body_text()))?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                let words = format!("no parameter '{name}' here; there are: {known}");
                return Err(Problem::bad_request(words));
            }
            if pairs[..at].iter().any(|(before, _)| before == name) {
                return Err(Problem::bad_request(format!("{name}: is there twice")));
            }
        }
        Ok(Asked(pairs))
    }

    /// A parameter as it is.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.as_str())
    }

    /// A parameter that is a number: `what` says of what.
    pub(super) fn number(&self, name: &str, what: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let words = format!("{name}: '{text}' is not {what}; use a whole number from 0 on");
            Problem::bad_request(words)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<Asked, Problem> {
        let pairs = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Asked::read(Ok(Query(pairs.collect())), &["from", "limit"])
    }

    #[test]
    fn what_is_wrong_is_said_in_own_words() {
        let words = |pairs: &[(&str, &str)]| {
            let number = |asked: Asked| asked.number("from", "a slot number");
            asked(pairs).and_then(number).unwrap_err().detail
        };
        assert_eq!(
            words(&[("from", "x")]),
            "from: 'x' is not a slot number; use a whole number from 0 on"
        );
        assert!(words(&[("from", "-1")]).starts_with("from: '-1' is not a slot"));
        assert_eq!(
            words(&[("form", "1")]),
            "no parameter 'form' here; there are: from, limit"
        );
        assert_eq!(
            words(&[("from", "1"), ("from", "2")]),
            "from: is there twice"
        );
        let good = asked(&[("from", "7")]).unwrap();
        assert_eq!(good.number("from", "a slot number"), Ok(Some(7)));
        assert_eq!(good.number("limit", "a number of decisions"), Ok(None));
    }
}
