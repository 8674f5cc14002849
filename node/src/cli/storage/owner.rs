//! Whose the directory is: `DIR/node.toml`.

use super::section::{Question, Section};
use crate::directory::{DirectoryError, Owner};
use serde_json::json;

/// A directory without the file is from before there was one: the next start writes it.
pub(super) fn look(question: &Question<'_>) -> Section {
    let mut section = Section::new("node");
    match Owner::read(question.data) {
        Ok(None) => {}
        Ok(Some(owner)) => {
            let place = question.data.display().to_string();
            let (name, key) = (&owner.name, owner.key.to_string());
            section.fact(
                format!("{place} is the data directory of {owner}"),
                json!({"event": "node", "path": place, "node": name, "key": key}),
            );
            let config = question.config;
            if config.is_some_and(|c| c.nodes.iter().all(|n| n.key != owner.key)) {
                let what = format!("the configuration has no node with the key of {owner}");
                section.problems.add(|| what);
            }
        }
        Err(error @ DirectoryError::Io { .. }) => section.failed = Some(error.to_string()),
        Err(error) => section.problems.add(|| error.to_string()),
    }
    section
}
