//! The directory that everything is written to.

use crate::failure::Failure;
use crypto::Keypair;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody.
    All,
    /// Everybody, and it can be run.
    Program,
    /// Its owner alone.
    Secret,
}

/// The directory; its files are made, never overwritten.
#[derive(Debug)]
pub(super) struct Out(PathBuf);

impl Out {
    /// The directory, which must be empty or not exist yet: keys and manifests of two networks would be mixed up.
    pub(super) fn new(root: &Path) -> Result<Out, Failure> {
        let refuse = |e: io::Error| could_not(root, &e);
        fs::create_dir_all(root).map_err(refuse)?;
        if fs::read_dir(root).map_err(refuse)?.next().is_some() {
            let root = root.display();
            return Err(Failure::could_not_run(format!(
                "--out: directory '{root}' is not empty; name a new one"
            )));
        }
        Ok(Out(root.to_owned()))
    }

    /// Writes a file, in a directory that is made if need be.
    pub(super) fn write(&self, name: &str, text: &str, access: Access) -> Result<(), Failure> {
        let path = self.place(name)?;
        let mode = match access {
            Access::All => 0o644,
            Access::Program => 0o755,
            Access::Secret => 0o600,
        };
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|e| could_not(&path, &e))
    }

    /// Makes a key in a file, and returns its public half.
    pub(super) fn key(&self, name: &str) -> Result<String, Failure> {
        let made = Keypair::create(self.place(name)?);
        let pair = made.map_err(|e| Failure::could_not_run(e.to_string()))?;
        Ok(pair.public().to_string())
    }

    /// Takes a file back that was written here: its text.
    pub(super) fn take(&self, name: &str) -> Result<String, Failure> {
        let path = self.0.join(name);
        let text = fs::read_to_string(&path).map_err(|e| could_not(&path, &e))?;
        fs::remove_file(&path).map_err(|e| could_not(&path, &e))?;
        Ok(text)
    }

    fn place(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|e| could_not(parent, &e))?;
        }
        Ok(path)
    }
}

fn could_not(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::could_not_run(format!("'{}': {error}", path.display()))
}
