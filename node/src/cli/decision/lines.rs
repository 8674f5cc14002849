//! Files of decisions, line by line, whatever they are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A line without its end, or why it can be none of a decision.
pub(super) type Line = Result<String, String>;

/// The lines of a file, or of standard input for `-`. Holds one of them at a time.
pub(super) struct Lines {
    input: Box<dyn BufRead>,
    limit: usize,
}

impl Lines {
    /// Lines of at most so many bytes.
    pub(super) fn open(path: &Path, limit: usize) -> io::Result<Lines> {
        let input: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(path)?))
        };
        Ok(Lines { input, limit })
    }

    /// The next line, if there is one. What is too long is passed over without being kept.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let bound = self.limit as u64 + 1;
        if self
            .input
            .as_mut()
            .take(bound)
            .read_until(b'\n', &mut bytes)?
            == 0
        {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() > self.limit {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Err(format!("it has more than {} bytes", self.limit))));
        }
        Ok(Some(
            String::from_utf8(bytes).map_err(|_| "it is not text (UTF-8)".to_owned()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<Line> {
        let mut lines = Lines {
            input: Box::new(io::Cursor::new(text.to_vec())),
            limit: 3,
        };
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn lines_end_with_a_line_break_or_the_file() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n"), [Ok(String::new())]);
        let two = [Ok("a".to_owned()), Ok("bcd".to_owned())];
        assert_eq!(lines(b"a\nbcd\n"), two);
        assert_eq!(lines(b"a\nbcd"), two);
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_does_not_hide_the_next() {
        let found = lines(b"abcdefgh\na\n\xff\nb");
        let good: Vec<_> = found.iter().map(|l| l.as_deref().unwrap_or("?")).collect();
        assert_eq!(good, ["?", "a", "?", "b"]);
        assert!(lines(b"abcd")[0].is_err());
    }
}
