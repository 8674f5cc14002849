//! Whose the directory is: `DIR/node.toml`.

use super::section::{Question, Section};
use crate::directory::{DirectoryError, OWNER, Owner};
use crate::storage::{LOG, examine};
use serde_json::json;

/// A directory without the file is one that nothing was stored in yet, or has lost it.
pub(super) fn look(question: &Question<'_>) -> Section {
    let mut section = Section::new("node");
    match Owner::read(question.data) {
        Ok(None) => {
            // What is wrong with the log is said elsewhere.
            let mut records = 0u64;
            let _ = examine(&question.data.join(LOG), None, &mut |_| records += 1);
            if records > 0 {
                let lost = question.data.join(OWNER).display().to_string();
                section.problems.add(|| {
                    format!(
                        "there is no {lost}, which says whose the records are: a node that signs does not start \
                         with them, and says what to write there"
                    )
                });
            }
        }
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
