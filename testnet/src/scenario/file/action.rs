//! Which action a step is, and what a misspelt one was meant to be.

use crate::show::words;
use toml::Table;

/// What a step can be.
pub(super) const ACTIONS: [&str; 10] = [
    "submit",
    "expect",
    "kill",
    "start",
    "pause",
    "resume",
    "partition",
    "delay",
    "heal",
    "byzantine",
];
/// Letters that may be wrong in a word that is still known again.
const TYPOS: usize = 2;

/// The one action of a step.
///
/// # Errors
/// If there is none, or several, or something else beside it that does not belong there.
pub(super) fn action(step: &Table) -> Result<&'static str, String> {
    let has = |action: &&str| step.contains_key(*action);
    let found: Vec<&'static str> = ACTIONS.into_iter().filter(has).collect();
    let mut others = step.keys().filter(|key| !ACTIONS.contains(&key.as_str()));
    match (found.as_slice(), others.next()) {
        ([], None) => Err(format!("it says nothing; a step is one of {}", all())),
        ([], Some(word)) => Err(format!(
            "there is no action '{word}'{}; a step is one of {}",
            meant(word, ACTIONS),
            all()
        )),
        ([one], None) => Ok(one),
        (["submit"], Some(_)) => Ok("submit"),
        ([one], Some(word)) => Err(format!(
            "'{word}' does not belong to {one}: nothing stands beside it{}",
            meant(word, ACTIONS)
        )),
        (several, _) => Err(format!(
            "one action per step: it has {}",
            words::list(several)
        )),
    }
}

fn all() -> String {
    ACTIONS.join(", ")
}

/// ` (did you mean 'kill'?)`, if one of the words is near.
pub(super) fn meant<'a>(word: &str, all: impl IntoIterator<Item = &'a str>) -> String {
    let near = all.into_iter().map(|known| (distance(word, known), known));
    let near = near.filter(|(typos, known)| *typos <= TYPOS && *typos < known.len());
    near.min().map_or(String::new(), |(_, known)| {
        format!(" (did you mean '{known}'?)")
    })
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
        assert_eq!(meant("kil", ACTIONS), " (did you mean 'kill'?)");
        assert_eq!(meant("expekt", ACTIONS), " (did you mean 'expect'?)");
        assert_eq!(meant("explode", ACTIONS), "");
    }
}
