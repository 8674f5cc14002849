//! What the colours and sizes of a picture mean, in lines no wider than the picture.

use super::svg::{KINDS, class};
use super::undecided::undecided;
use learner_graph::Analysis;
use std::fmt::Write as _;

/// The width of a letter, at most, of the small font.
const LETTER: f64 = 6.5;
const LINE: f64 = 18.0;
const MARGIN: f64 = 20.0;
/// The length of a piece of an edge, and the room between two words of the legend.
const EDGE: f64 = 26.0;
const GAP: f64 = 16.0;

const ACCEPTORS: &str = "acceptors: as large as what hangs, or may hang, on each; red, what one ends alone; dotted, not all decided";

/// Words, with the kind of edge that they are about.
type Entry = (Option<&'static str>, String);

/// The lines of it.
pub(super) struct Legend(Vec<Vec<Entry>>);

impl Legend {
    /// That of what was found, in a picture of this width.
    pub(super) fn new(found: &Analysis, width: f64) -> Legend {
        let classes: Vec<&str> = found.pairs.iter().map(class).collect();
        let kinds = KINDS.iter().filter(|(kind, _)| classes.contains(kind));
        let kinds = kinds.map(|(kind, words)| (Some(*kind), String::from(*words)));
        let promises = std::iter::once((None, String::from("the promise to agree:")));
        let mut lines = filled(promises.chain(kinds), width);
        let mut sentence = |text: &str| {
            let words = text.split(' ').map(|word| (None, word.to_owned()));
            let line = |line: Vec<Entry>| {
                let words: Vec<String> = line.into_iter().map(|(_, word)| word).collect();
                vec![(None, words.join(" "))]
            };
            lines.extend(filled(words, width).into_iter().map(line));
        };
        sentence(ACCEPTORS);
        let open = undecided(found);
        if !open.is_empty() {
            sentence(&format!("not decided: {}", open.join("; ")));
        }
        Legend(lines)
    }

    /// The room that it needs.
    pub(super) fn height(&self) -> f64 {
        self.0.len() as f64 * LINE + 2.0 * MARGIN
    }

    /// Draws it from there on downwards.
    pub(super) fn draw(&self, svg: &mut String, top: f64) {
        let mut y = top + MARGIN + LINE / 2.0;
        for line in &self.0 {
            let mut x = MARGIN;
            for entry in line {
                let (kind, words) = entry;
                let mut from = x;
                if let Some(kind) = kind {
                    let (at, end) = (y - 4.0, x + EDGE);
                    let _ = write!(
                        svg,
                        "<path class=\"edge {kind}\" d=\"M{x:.0} {at:.0}H{end:.0}\"/>"
                    );
                    from = end + 6.0;
                }
                let _ = writeln!(
                    svg,
                    "<text class=\"dim\" x=\"{from:.0}\" y=\"{y:.0}\">{words}</text>"
                );
                x += room(entry);
            }
            y += LINE;
        }
    }
}

fn room((kind, words): &Entry) -> f64 {
    let words = words.chars().count() as f64 * LETTER;
    match kind {
        Some(_) => EDGE + 6.0 + words + GAP,
        None => words + LETTER,
    }
}

/// Entries in lines.
fn filled(entries: impl IntoIterator<Item = Entry>, width: f64) -> Vec<Vec<Entry>> {
    let mut lines: Vec<Vec<Entry>> = vec![Vec::new()];
    let mut x = MARGIN;
    for entry in entries {
        let room = room(&entry);
        if x > MARGIN && x + room > width - MARGIN {
            lines.push(Vec::new());
            x = MARGIN;
        }
        x += room;
        if let Some(line) = lines.last_mut() {
            line.push(entry);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_picture() {
        let words = |n: usize| (0..n).map(|i| (None, "x".repeat(1 + i % 9)));
        let kinds = || (0..7).map(|_| (Some("t0"), String::from("three or more")));
        for width in [200.0, 600.0] {
            for lines in [filled(words(60), width), filled(kinds(), width)] {
                assert!(lines.len() > 1);
                for line in &lines {
                    let wide: f64 = line.iter().map(room).sum();
                    assert!(MARGIN + wide <= width - MARGIN, "{line:?}");
                }
            }
        }
        let all: usize = filled(words(60), 600.0).iter().map(Vec::len).sum();
        assert_eq!(all, 60);
    }
}
