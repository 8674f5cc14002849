//! The values to submit, from wherever they come, one after the other.

use crate::cli::Exit;
use clap::Args;
use consensus::MAX_VALUE_BYTES;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Where values come from.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub(super) struct Sources {
    /// The values, in this order; `-` stands for the lines of standard input. Not together with files: a value would
    /// be submitted before them, wherever it stands
    #[arg(value_name = "VALUE", conflicts_with_all = ["files", "raw"])]
    values: Vec<String>,
    /// The lines of this file, each a value, the empty ones too; `-` is standard input; may be given several times
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Then this whole file as one value, byte for byte; `-` is standard input
    #[arg(long, value_name = "FILE")]
    raw: Vec<PathBuf>,
}

/// A value, or why there is none; then nothing follows.
pub(super) type Next = Result<Vec<u8>, Unread>;

/// A value that cannot be had, and how the command ends for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) exit: Exit,
    pub(super) why: String,
}

impl Sources {
    /// How many values there are, if that is known before they are read.
    pub(super) fn count(&self) -> Option<u64> {
        let from_input = self.values.iter().any(|value| value == "-");
        let count = self.values.len() + self.raw.len();
        (!from_input && self.files.is_empty()).then_some(count as u64)
    }

    /// Reads one value after the other, until there are no more, one cannot be read, or nobody wants them: then `give`
    /// says `false`. Blocks.
    pub(super) fn read(&self, mut give: impl FnMut(Next) -> bool) {
        for value in &self.values {
            let go_on = match value.as_str() {
                "-" => lines(io::stdin().lock(), "the input", &mut give),
                value => give(fits(value.as_bytes().to_vec(), || "a value".to_owned())),
            };
            if !go_on {
                return;
            }
        }
        for path in &self.files {
            let name = path.display();
            let go_on = match path == Path::new("-") {
                true => lines(io::stdin().lock(), "the input", &mut give),
                false => match File::open(path) {
                    Ok(file) => lines(BufReader::new(file), &name.to_string(), &mut give),
                    Err(error) => give(Err(unread(&name, &error))),
                },
            };
            if !go_on {
                return;
            }
        }
        for path in &self.raw {
            if !give(whole(path)) {
                return;
            }
        }
    }
}

/// Whether more is wanted.
fn lines(mut input: impl BufRead, name: &str, give: &mut impl FnMut(Next) -> bool) -> bool {
    for number in 1u64.. {
        let mut line = Vec::new();
        let bound = MAX_VALUE_BYTES as u64 + 2;
        match (&mut input).take(bound).read_until(b'\n', &mut line) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return give(Err(unread(&name, &error))),
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let next = fits(line, || format!("line {number} of {name}"));
        let over = next.is_err();
        if !give(next) || over {
            return false;
        }
    }
    true
}

fn whole(path: &Path) -> Next {
    let mut bytes = Vec::new();
    let bound = MAX_VALUE_BYTES as u64 + 1;
    let read = match path == Path::new("-") {
        true => io::stdin().lock().take(bound).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(bound).read_to_end(&mut bytes)),
    };
    read.map_err(|error| unread(&path.display(), &error))?;
    fits(bytes, || path.display().to_string())
}

fn fits(value: Vec<u8>, what: impl Fn() -> String) -> Next {
    if value.len() <= MAX_VALUE_BYTES {
        return Ok(value);
    }
    let why = format!(
        "{} is too long: a value has at most {MAX_VALUE_BYTES} bytes; nothing was submitted from here on",
        what()
    );
    let exit = Exit::Bad;
    Err(Unread { exit, why })
}

fn unread(name: &dyn std::fmt::Display, error: &io::Error) -> Unread {
    Unread {
        exit: Exit::Failed,
        why: format!("cannot read {name}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sources: &Sources) -> Vec<Next> {
        let mut all = Vec::new();
        sources.read(|next| {
            all.push(next);
            true
        });
        all
    }

    #[test]
    fn values_come_in_order_from_everywhere() {
        let dir = tempfile::tempdir().unwrap();
        let (lines, raw) = (dir.path().join("lines"), dir.path().join("raw"));
        std::fs::write(&lines, b"one\n\n\xff\x00\r\nlast").unwrap();
        std::fs::write(&raw, b"a\nb\n").unwrap();
        let mut sources = Sources {
            values: vec!["first".to_owned()],
            files: vec![lines],
            raw: vec![raw],
        };
        let expected: [&[u8]; 6] = [b"first", b"one", b"", b"\xff\x00\r", b"last", b"a\nb\n"];
        assert_eq!(read(&sources), expected.map(|value| Ok(value.to_vec())));
        assert_eq!(sources.count(), None, "the lines of a file are not counted");
        sources.files.clear();
        assert_eq!(sources.count(), Some(2));
    }

    #[test]
    fn nothing_follows_what_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("long");
        let most = vec![b'x'; MAX_VALUE_BYTES];
        let text = [&most, b"\nshort\n".as_slice(), &most, b"x\nnot this\n"].concat();
        std::fs::write(&long, text).unwrap();
        let sources = Sources {
            values: Vec::new(),
            files: vec![long.clone()],
            raw: Vec::new(),
        };
        let mut all = read(&sources);
        assert_eq!(all.len(), 3);
        let refused = all.pop().unwrap().unwrap_err();
        assert_eq!(refused.exit, Exit::Bad);
        assert!(refused.why.starts_with("line 3 of "), "{}", refused.why);
        let sources = Sources {
            values: Vec::new(),
            files: Vec::new(),
            raw: vec![long, dir.path().join("none")],
        };
        let mut all = read(&sources);
        let missing = all.pop().unwrap().unwrap_err();
        assert_eq!(missing.exit, Exit::Failed);
        assert_eq!(all.pop().unwrap().unwrap_err().exit, Exit::Bad);
    }
}
