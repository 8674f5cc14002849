//! Which action a step is, and what a misspelt one was meant to be.

use crate::show::words;
use learner_graph::meant;
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
