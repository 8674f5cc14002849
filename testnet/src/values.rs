//! The values that a run submits.

use node::MAX_VALUE_BYTES;
use std::io;
use std::path::Path;

/// A value to submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its idempotency key: equal values under different keys are decided separately.
    pub key: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is submitted when the user brings no values.
#[must_use]
pub fn built_in() -> Vec<Value> {
    let text = b"first light\nalice pays bob 5\nbob pays carol 3\ncarol pays alice 1\nlast call\n";
    from_lines(text)
}

/// Reads a file with one value per line.
///
/// # Errors
/// If the file cannot be read.
pub fn from_file(path: &Path) -> io::Result<Vec<Value>> {
    std::fs::read(path).map(|bytes| from_lines(&bytes))
}

/// The first value that no node would accept, in words.
#[must_use]
pub fn too_long(values: &[Value]) -> Option<String> {
    let long = values.iter().find(|v| v.bytes.len() > MAX_VALUE_BYTES)?;
    let (line, bytes) = (long.key.replace('-', " "), long.bytes.len());
    Some(format!(
        "{line} has {bytes} bytes; a value has at most {MAX_VALUE_BYTES}"
    ))
}

/// One value per line, any bytes but the newline. Empty lines are skipped but counted: the key of a
/// value is `line-<number>`, the number an editor shows.
#[must_use]
pub fn from_lines(text: &[u8]) -> Vec<Value> {
    text.split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(at, line)| Value {
            key: format!("line-{}", at + 1),
            bytes: line.to_vec(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_bytes_and_numbers() {
        let values = from_lines(b"same\n\nsame\n\xff\x00\r\nno newline");
        let seen: Vec<_> = values
            .iter()
            .map(|v| (v.key.as_str(), v.bytes.as_slice()))
            .collect();
        let expected: [(&str, &[u8]); 4] = [
            ("line-1", b"same"),
            ("line-3", b"same"),
            ("line-4", b"\xff\x00\r"),
            ("line-5", b"no newline"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(too_long(&values), None);
        assert!(from_lines(b"").is_empty());
        assert!(from_lines(b"\n\n").is_empty());
    }

    #[test]
    fn a_value_that_is_too_long_is_found_with_its_line() {
        let most = vec![b'x'; MAX_VALUE_BYTES];
        assert_eq!(too_long(&from_lines(&most)), None);
        let text = [b"short\n\n".as_slice(), &most, b"x\n"].concat();
        let words = too_long(&from_lines(&text)).expect("one byte too many");
        assert!(words.starts_with("line 3 has 1048577 bytes"), "{words}");
    }
}
