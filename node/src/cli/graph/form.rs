//! How what was found is printed, and how the command ends.

use super::super::{Exit, print};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// How facts are printed.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Form {
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Form {
    /// Prints the text, or one object with what it is about and the facts.
    pub(super) fn print(self, mut about: Value, facts: &impl Serialize, text: &impl fmt::Display) {
        if !self.json {
            return print(text.to_string().trim_end());
        }
        let facts = serde_json::to_value(facts);
        if let (Ok(Value::Object(facts)), Some(about)) = (facts, about.as_object_mut()) {
            about.extend(facts);
        }
        print(about);
    }
}

/// Nobody can rely on what was not decided.
pub(super) fn verdict(good: Option<bool>) -> Exit {
    match good {
        Some(true) => Exit::Done,
        Some(false) | None => Exit::Bad,
    }
}
