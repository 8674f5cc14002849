//! What there is to say of one store.

use crate::Config;
use serde_json::{Value, json};
use std::path::Path;

/// Problems that are told one by one; others are counted.
const MAX_TOLD: u64 = 20;

/// What is asked about each store.
pub(super) struct Question<'a> {
    /// The data directory.
    pub(super) data: &'a Path,
    /// What should be in it, if that is known.
    pub(super) config: Option<&'a Config>,
    /// Whether to verify what is signed, which takes long.
    pub(super) verify: bool,
}

/// So many of something: "1 record", "2 records".
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    let what = if number == 1 { one } else { many };
    format!("{number} {what}")
}

/// One line, in both forms.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) json: Value,
}

/// What there is to say of one store of a data directory.
pub(super) struct Section {
    /// Its name in the directory.
    store: &'static str,
    /// What `show` tells.
    pub(super) facts: Vec<Line>,
    pub(super) problems: Problems,
    /// What `check` has looked at, unless it failed.
    pub(super) looked_at: Option<Line>,
    /// Why it could not be looked at.
    pub(super) failed: Option<String>,
}

/// What is wrong in a store.
#[derive(Default)]
pub(super) struct Problems {
    told: Vec<String>,
    count: u64,
}

impl Section {
    pub(super) fn new(store: &'static str) -> Section {
        Section {
            store,
            facts: Vec::new(),
            problems: Problems::default(),
            looked_at: None,
            failed: None,
        }
    }

    /// The section of a store that could not be looked at.
    pub(super) fn failed(store: &'static str, why: impl ToString) -> Section {
        Section {
            failed: Some(why.to_string()),
            ..Section::new(store)
        }
    }

    pub(super) fn fact(&mut self, text: String, json: Value) {
        self.facts.push(Line { text, json });
    }

    /// What `show` prints.
    pub(super) fn shown(self) -> Vec<Line> {
        let mut lines = self.facts;
        lines.extend(self.problems.lines(self.store));
        lines
    }

    /// What `check` prints.
    pub(super) fn checked(self) -> Vec<Line> {
        let problems = self.problems.count;
        let mut lines = self.problems.lines(self.store);
        if let Some(looked_at) = self.looked_at {
            let found = match problems {
                0 => "nothing wrong".to_owned(),
                _ => count(problems, "problem", "problems"),
            };
            let mut json = json!({"event": "checked", "store": self.store, "problems": problems});
            if let (Value::Object(json), Value::Object(more)) = (&mut json, looked_at.json) {
                json.extend(more);
            }
            let text = format!("{}: {}: {found}", self.store, looked_at.text);
            lines.push(Line { text, json });
        }
        lines
    }
}

impl Problems {
    pub(super) fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.count <= MAX_TOLD {
            self.told.push(what());
        }
    }

    /// So many that nobody has words for.
    pub(super) fn more(&mut self, count: u64) {
        self.count += count;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn lines(mut self, store: &str) -> Vec<Line> {
        let more = self.count - self.told.len() as u64;
        if more > 0 {
            self.told.push(format!(
                "{} like these",
                count(more, "more record", "more records")
            ));
        }
        let line = |what| Line {
            text: format!("{store}: {what}"),
            json: json!({"event": "problem", "store": store, "what": what}),
        };
        self.told.into_iter().map(line).collect()
    }
}
