//! How what was found is printed, and how the command ends.

use super::super::{Exit, print};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::io::{self, IsTerminal};

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
            let text = text.to_string();
            return match width() {
                Some(width) => print(wrapped(text.trim_end(), width)),
                None => print(text.trim_end()),
            };
        }
        let facts = serde_json::to_value(facts);
        if let (Ok(Value::Object(facts)), Some(about)) = (facts, about.as_object_mut()) {
            about.extend(facts);
        }
        print(about);
    }
}

/// How wide the terminal is, if standard output is one.
fn width() -> Option<usize> {
    let terminal = io::stdout().is_terminal();
    let size = terminal.then(|| ratatui::crossterm::terminal::size().ok());
    size.flatten().map(|(columns, _)| usize::from(columns))
}

/// The lines of a text, broken between words where they are too long, and what comes after moved in. What can be put
/// into a file stays as it is.
fn wrapped(text: &str, width: usize) -> String {
    /// A narrower terminal is none to read in.
    const NARROWEST: usize = 40;
    let width = width.max(NARROWEST);
    let mut lines = Vec::new();
    for line in text.lines() {
        let is_file = ["when = ", "between = "]
            .iter()
            .any(|key| line.starts_with(key));
        if is_file || line.chars().count() <= width {
            lines.push(line.to_owned());
            continue;
        }
        let (first, more) = indents(line, width);
        let mut current = " ".repeat(first);
        let mut is_empty = true;
        for word in line.trim_start().split(' ') {
            if !is_empty && current.chars().count() + 1 + word.chars().count() > width {
                lines.push(current.trim_end().to_owned());
                current = " ".repeat(more);
                is_empty = true;
            }
            if !is_empty {
                current.push(' ');
            }
            current.push_str(word);
            is_empty &= word.is_empty();
        }
        lines.push(current.trim_end().to_owned());
    }
    lines.join("\n")
}

/// How far a line is moved in, and what is broken off from it: into the last column, where it is a row of a table and
/// that is wide enough.
fn indents(line: &str, width: usize) -> (usize, usize) {
    /// The least room to read in.
    const ROOM: usize = 12;
    let length = |text: &str| text.chars().count();
    let first = length(line) - length(line.trim_start());
    let column = line.rfind("  ").map_or(first, |at| length(&line[..at + 2]));
    let fits = |at: &usize| *at + 2 + ROOM <= width;
    match Some(column).filter(fits) {
        Some(column) => (first, column + 2),
        None => {
            let first = first.min(width / 2);
            (first, first + 2)
        }
    }
}

/// Nobody can rely on what was not decided.
pub(super) fn verdict(good: Option<bool>) -> Exit {
    match good {
        Some(true) => Exit::Done,
        Some(false) | None => Exit::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let long = "  a and b shall agree while {a1, a2} are safe; {a3} is a quorum of both";
        let narrow = "  a and b shall agree while {a1, a2} are\n    safe; {a3} is a quorum of both";
        assert_eq!(wrapped(long, 40), narrow);
        assert_eq!(wrapped(long, 80), long);
        let row = format!("  x         y{}z", " ".repeat(20));
        assert_eq!(wrapped(&row, 40), row);
        let row = "  alice  1  2: any 3 of {a1, a2, a3, a4, a5}";
        let broken = "  alice  1  2: any 3 of {a1, a2, a3, a4,\n              a5}";
        assert_eq!(wrapped(row, 40), broken);
        let word = "x".repeat(50);
        assert_eq!(wrapped(&word, 40), word);
        let file = format!("when = [{}]", "\"a\", ".repeat(20));
        assert_eq!(wrapped(&file, 40), file);
    }
}
