//! What somebody may have meant by a word that is not known.

/// So many letters may be wrong in a word that was meant.
const TYPOS: usize = 2;

/// ` (did you mean 'kill'?)`, if one of the known words is near; otherwise nothing.
#[must_use]
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    tip(near(word, known))
}

/// The same of the word that is near.
pub(crate) fn tip(near: Option<&str>) -> String {
    near.map_or(String::new(), |known| format!(" (did you mean '{known}'?)"))
}

/// The known word that is nearest to one, if it is near.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter();
    let known = known.map(|known| (distance(word, known), known));
    let near = known.filter(|(typos, known)| *typos <= TYPOS && *typos < known.len());
    near.min().map(|(_, known)| known)
}

/// How many letters must be put in, left out or replaced to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_near_is_meant() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!((distance("", "abc"), distance("abc", "abc")), (3, 0));
        let known = ["submit", "expect", "kill"];
        assert_eq!(meant("kil", known), " (did you mean 'kill'?)");
        assert_eq!(meant("expekt", known), " (did you mean 'expect'?)");
        assert_eq!(meant("explode", known), "");
    }
}
