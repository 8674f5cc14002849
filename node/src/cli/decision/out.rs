//! Where decisions are written: a file that was not there before, or standard output.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Takes whole lines only, so that whatever is there when something goes wrong can be used.
#[derive(Debug)]
pub(super) struct Out {
    file: Option<(PathBuf, File)>,
    lines: u64,
}

impl Out {
    /// A new file; what exists is never overwritten. Without a path, or for `-`, standard output.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Out> {
        let file = match path {
            None => None,
            Some(path) if path == Path::new("-") => None,
            Some(path) => {
                let file = File::create_new(path);
                Some((path.to_owned(), file.map_err(|error| told(path, &error))?))
            }
        };
        Ok(Out { file, lines: 0 })
    }

    /// Writes one line, and its end.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        match &mut self.file {
            Some((path, file)) => file
                .write_all(line.as_bytes())
                .map_err(|error| told(path, &error))?,
            None => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(line.as_bytes());
                written
                    .and_then(|()| stdout.flush())
                    .map_err(|error| told(Path::new("standard output"), &error))?;
            }
        }
        self.lines += 1;
        Ok(())
    }

    /// How many lines were written.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// The file, if it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    /// Makes the file durable. A file without any line is taken away again.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.file {
            Some((path, _)) if self.lines == 0 => {
                fs::remove_file(&path).map_err(|error| told(&path, &error))
            }
            Some((path, file)) => file.sync_all().map_err(|error| told(&path, &error)),
            None => Ok(()),
        }
    }
}

fn told(path: &Path, error: &io::Error) -> io::Error {
    let path = path.display();
    let why = match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{path} exists, and is not overwritten; name another file, or move it away")
        }
        _ => format!("cannot write {path}: {error}"),
    };
    io::Error::new(error.kind(), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_nothing_empty_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        let empty = Out::open(Some(&path)).unwrap();
        assert!(path.exists());
        empty.finish().unwrap();
        assert!(!path.exists());
        let mut out = Out::open(Some(&path)).unwrap();
        out.line("one").unwrap();
        out.line("two").unwrap();
        assert_eq!((out.lines(), out.path()), (2, Some(path.as_path())));
        out.finish().unwrap();
        let refused = Out::open(Some(&path)).unwrap_err().to_string();
        assert!(refused.contains("not overwritten"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
