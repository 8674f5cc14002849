//! The file that says whose a data directory is: `docs/storage.md` describes it.

use super::{DirectoryError, sync_names};
use crate::config::NodeConfig;
use crypto::PublicKey;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Its name in the directory.
pub(crate) const OWNER: &str = "node.toml";
/// The name that it has until it is complete.
const UNFINISHED: &str = "node.toml.new";
/// The version of the format.
const FORMAT: u32 = 1;

/// The node that a directory belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// What it is called in the configuration.
    pub(crate) name: String,
    /// Its public key.
    pub(crate) key: PublicKey,
    /// Whether it signs what others rely on.
    member: bool,
}

/// The file's contents.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    name: String,
    key: String,
    member: bool,
}

impl Owner {
    pub(super) fn of(node: &NodeConfig) -> Owner {
        Owner {
            name: node.name.clone(),
            key: node.key,
            member: node.member.is_some(),
        }
    }

    /// Whose directory this is; `None` if nothing says so.
    ///
    /// # Errors
    /// [`DirectoryError`], if there is a file that cannot be read or understood.
    pub(crate) fn read(data: &Path) -> Result<Option<Owner>, DirectoryError> {
        let path = data.join(OWNER);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DirectoryError::io(&path, "read")(error)),
        };
        let unreadable = |why: String| DirectoryError::Unreadable { path, why };
        match Owner::parse(&text) {
            Ok(owner) => Ok(Some(owner)),
            Err(why) => Err(unreadable(why)),
        }
    }

    fn parse(text: &str) -> Result<Owner, String> {
        let table: toml::Table = text.parse().map_err(|_| "it is no TOML".to_owned())?;
        // Whatever else a newer program has written.
        let format = table.get("format").and_then(toml::Value::as_integer);
        if format != Some(FORMAT.into()) {
            let found = format.map_or("none".to_owned(), |format| format.to_string());
            return Err(format!(
                "its format is {found}, and this program reads {FORMAT}"
            ));
        }
        let written: Written = table
            .try_into()
            .map_err(|error: toml::de::Error| error.message().to_owned())?;
        let key = written.key.parse();
        Ok(Owner {
            name: written.name,
            key: key.map_err(|error: crypto::PublicKeyError| format!("its key: {error}"))?,
            member: written.member,
        })
    }

    /// What the file says.
    pub(super) fn text(&self) -> String {
        let written = Written {
            format: FORMAT,
            name: self.name.clone(),
            key: self.key.to_string(),
            member: self.member,
        };
        toml::to_string(&written).expect("texts and a number are TOML")
    }

    /// Puts the file into the directory, durably: as a whole or not at all.
    pub(super) fn write(&self, data: &Path) -> Result<(), DirectoryError> {
        let (path, unfinished) = (data.join(OWNER), data.join(UNFINISHED));
        let text = self.text();
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(DirectoryError::io(&unfinished, "write"))?;
        fs::rename(&unfinished, &path).map_err(DirectoryError::io(&path, "name"))?;
        sync_names(data)
    }

    /// Refuses another node. A node is its key, whatever it is called; but keys that never signed anything
    /// may change.
    pub(super) fn must_be(&self, data: &Path, node: &NodeConfig) -> Result<(), DirectoryError> {
        let signs = self.member || node.member.is_some();
        if self.key == node.key || (!signs && self.name == node.name) {
            return Ok(());
        }
        Err(DirectoryError::OtherNode {
            path: data.to_owned(),
            owner: self.to_string(),
            node: node.name.clone(),
            key: node.key.to_string(),
        })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node '{}' with the key {}", self.name, self.key)
    }
}
