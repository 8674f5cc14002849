//! Words and colours for a terminal. No I/O.

use crate::observe::Batch;
use std::sync::LazyLock;
use std::time::Duration;

/// The digest of a batch without values.
static EMPTY: LazyLock<String> = LazyLock::new(|| consensus::Batch::default().digest().to_string());

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Colours only if `on`.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Paint { on }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Something good.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Something to be looked at.
    #[must_use]
    pub fn warn(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Something broken.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// Something of less importance.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }
}

/// Whether to paint: only on a terminal, and never against the user's wish.
#[must_use]
pub fn wants_colour(terminal: bool, no_color: Option<&str>, term: Option<&str>) -> bool {
    terminal && no_color.is_none_or(str::is_empty) && term != Some("dumb")
}

/// A time as a person reads it.
#[must_use]
pub fn time(time: Duration) -> String {
    match time.as_millis() {
        0..10 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        ms @ 10..1000 => format!("{ms} ms"),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// A text that fits into so many characters.
#[must_use]
pub fn elide(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A value in quotes, harmless to a terminal whatever is in it.
#[must_use]
pub fn value(bytes: &[u8], width: usize) -> String {
    let inner = width.saturating_sub(2);
    // No need to escape what would be cut off.
    let start = &bytes[..bytes.len().min(width * 4)];
    let text: String = match std::str::from_utf8(start).map_err(|e| e.error_len()) {
        Ok(text) => text.escape_debug().collect(),
        // Cut inside a character.
        Err(None) if start.len() < bytes.len() => {
            String::from_utf8_lossy(start).escape_debug().collect()
        }
        Err(_) => start.escape_ascii().to_string(),
    };
    format!("\"{}\"", elide(&text, inner))
}

/// A batch that shows no values: an empty one, or one in which nothing was new to the learner.
fn nothing(batch: &Batch) -> String {
    let empty = batch.digest.is_empty() || *batch.digest == *EMPTY;
    match empty {
        true => "(empty)".to_owned(),
        false => {
            let start: String = batch.digest.chars().take(8).collect();
            format!("(nothing new, batch {})", start.escape_debug())
        }
    }
}

/// The values of a batch in one line: the first one, and how many more.
#[must_use]
pub fn batch(batch: &Batch, width: usize) -> String {
    match &batch.items[..] {
        [] => nothing(batch),
        [one] => value(&one.bytes, width),
        [first, rest @ ..] => {
            let more = format!(" +{}", rest.len());
            format!(
                "{}{more}",
                value(&first.bytes, width.saturating_sub(more.len()))
            )
        }
    }
}

/// The values of a batch, one a line, at most so many of them.
#[must_use]
pub fn batch_lines(batch: &Batch, width: usize, most: usize) -> Vec<String> {
    let items = &batch.items;
    let mut lines: Vec<String> = items
        .iter()
        .take(most)
        .map(|i| value(&i.bytes, width))
        .collect();
    if items.is_empty() {
        lines.push(nothing(batch));
    }
    if items.len() > most {
        lines.push(format!("and {} more", items.len() - most));
    }
    lines
}

/// `alice, bob and carol`.
#[must_use]
pub fn list<S: AsRef<str>>(names: &[S]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.as_ref().to_owned(),
        [start @ .., last] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", start.join(", "), last.as_ref())
        }
    }
}

/// `1 value`, `2 values`.
#[must_use]
pub fn count(n: usize, of: &str) -> String {
    if n == 1 {
        format!("1 {of}")
    } else {
        format!("{n} {of}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Item;

    #[test]
    fn colours_follow_the_terminal_and_the_user() {
        assert!(wants_colour(true, None, Some("xterm")));
        assert!(wants_colour(true, Some(""), None));
        assert!(!wants_colour(false, None, Some("xterm")));
        assert!(!wants_colour(true, Some("1"), Some("xterm")));
        assert!(!wants_colour(true, None, Some("dumb")));
        assert_eq!(Paint::new(false).bad("x"), "x");
        assert_eq!(Paint::new(true).good("x"), "\x1b[32mx\x1b[0m");
    }

    #[test]
    fn values_cannot_harm_a_terminal() {
        assert_eq!(value(b"hello", 20), "\"hello\"");
        assert_eq!(value(b"\x1b[2J", 20), "\"\\u{1b}[2J\"");
        assert_eq!(value(b"\xff\x00", 20), "\"\\xff\\x00\"");
        assert_eq!(
            value("ä".repeat(50).as_bytes(), 10),
            format!("\"{}…\"", "ä".repeat(7))
        );
        assert_eq!(value(&vec![b'x'; 1 << 20], 10), "\"xxxxxxx…\"");
    }

    #[test]
    fn batches_say_how_many() {
        let item = Item {
            key: String::new(),
            bytes: b"v".to_vec(),
        };
        let of = |n: usize, digest: &str| Batch {
            ballot: 1,
            digest: digest.into(),
            items: vec![item.clone(); n].into(),
        };
        let items = |n: usize| of(n, "0123456789");
        assert_eq!(batch(&of(0, ""), 20), "(empty)");
        assert_eq!(batch(&of(0, &EMPTY), 20), "(empty)");
        assert_eq!(batch(&items(0), 40), "(nothing new, batch 01234567)");
        assert_eq!(batch(&items(1), 20), "\"v\"");
        assert_eq!(batch_lines(&of(0, ""), 20, 2), ["(empty)"]);
        assert_eq!(batch_lines(&items(2), 20, 2), ["\"v\"", "\"v\""]);
        assert_eq!(
            batch_lines(&items(3), 20, 2),
            ["\"v\"", "\"v\"", "and 1 more"]
        );
        assert_eq!(batch(&items(9), 20), "\"v\" +8");
    }

    #[test]
    fn times_and_lists() {
        assert_eq!(time(Duration::from_micros(1_240)), "1.2 ms");
        assert_eq!(time(Duration::from_millis(12)), "12 ms");
        assert_eq!(time(Duration::from_millis(2_340)), "2.34 s");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list::<&str>(&[]), "nobody");
        assert_eq!(
            (count(1, "value"), count(0, "value")),
            ("1 value".into(), "0 values".into())
        );
    }
}
