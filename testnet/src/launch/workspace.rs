//! The directory of a network: keys, configuration, data and logs.
//!
//! ```text
//!   DIR/network.toml        the configuration all nodes share
//!   DIR/n1.toml      …      the same with links in the places of the other nodes, if there are links
//!   DIR/keys/n1.key  …      one secret key per node
//!   DIR/data/n1/     …      one data directory per node
//!   DIR/disks/d1     …      one file per disk
//!   DIR/logs/n1.log  …      what each node writes to standard error
//! ```

use super::guard::Guard;
use super::layout::Layout;
use crate::failure::Failure;
use crypto::Keypair;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The part of the directory for disks.
pub const DISKS: &str = "disks";

/// The directory; a temporary one goes away with this value, or with the process.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    /// Held for its drop.
    _guard: Option<Guard>,
}

impl Workspace {
    /// A directory of the user's, or a temporary one if none is given.
    ///
    /// # Errors
    /// As those of [`at`](Self::at) and [`temporary`](Self::temporary).
    pub fn new(root: Option<&Path>, testnet: &Path) -> Result<Workspace, Failure> {
        match root {
            Some(root) => Workspace::at(root),
            None => Workspace::temporary(testnet),
        }
    }

    /// A temporary directory, kept by a guard process.
    ///
    /// # Errors
    /// If the guard cannot be started or cannot make the directory.
    pub fn temporary(testnet: &Path) -> Result<Workspace, Failure> {
        let guard = Guard::start(testnet)
            .map_err(|e| Failure::could_not_run(format!("no temporary directory: {e}")))?;
        Workspace::make(guard.path().to_owned(), Some(guard))
    }

    /// A directory of the user's that is kept. It must be empty or not exist yet: keys and data of
    /// another network would be mixed up with this one's.
    ///
    /// # Errors
    /// If it is not empty or cannot be made.
    pub fn at(root: &Path) -> Result<Workspace, Failure> {
        let refuse = |e: io::Error| could_not(root, &e);
        fs::create_dir_all(root).map_err(refuse)?;
        if fs::read_dir(root).map_err(refuse)?.next().is_some() {
            let root = root.display();
            return Err(Failure::could_not_run(format!(
                "directory '{root}' is not empty; name a new one"
            )));
        }
        let root = root.canonicalize().map_err(refuse)?;
        Workspace::make(root, None)
    }

    fn make(root: PathBuf, guard: Option<Guard>) -> Result<Workspace, Failure> {
        for part in ["keys", "data", DISKS, "logs"] {
            let dir = root.join(part);
            fs::create_dir(&dir).map_err(|e| could_not(&dir, &e))?;
        }
        Ok(Workspace {
            root,
            _guard: guard,
        })
    }

    /// Generates a key per node and returns the public ones.
    pub(super) fn make_keys(&self, layout: &Layout) -> Result<Vec<String>, Failure> {
        let make = |name: &str| {
            let pair = Keypair::create(self.key(name))
                .map_err(|e| Failure::could_not_run(format!("key of node {name}: {e}")))?;
            Ok(pair.public().to_string())
        };
        layout.nodes.iter().map(|node| make(&node.name)).collect()
    }

    pub(super) fn write_config(&self, text: &str) -> Result<(), Failure> {
        let path = self.config();
        fs::write(&path, text).map_err(|e| could_not(&path, &e))
    }

    pub(super) fn write_view(&self, node: &str, text: &str) -> Result<(), Failure> {
        let path = self.view(node);
        fs::write(&path, text).map_err(|e| could_not(&path, &e))
    }

    /// Forgets what nodes stored so far.
    pub(super) fn clear_data(&self) -> Result<(), Failure> {
        ["data", DISKS].into_iter().try_for_each(|part| {
            let dir = self.root.join(part);
            let cleared = fs::remove_dir_all(&dir).and_then(|()| fs::create_dir(&dir));
            cleared.map_err(|e| could_not(&dir, &e))
        })
    }

    /// Takes a disk away from everybody who uses it; its file is kept under another name.
    ///
    /// # Errors
    /// If the file cannot be renamed.
    pub fn kill_disk(&self, name: &str) -> Result<(), Failure> {
        let (from, to) = (self.disk(name), self.disk(&format!("{name}.killed")));
        fs::rename(&from, to).map_err(|e| could_not(&from, &e))
    }

    /// Gives back a disk that was taken away.
    ///
    /// # Errors
    /// If the file cannot be renamed.
    pub fn return_disk(&self, name: &str) -> Result<(), Failure> {
        let (from, to) = (self.disk(&format!("{name}.killed")), self.disk(name));
        fs::rename(&from, to).map_err(|e| could_not(&from, &e))
    }

    /// A disk's file.
    #[must_use]
    pub fn disk(&self, name: &str) -> PathBuf {
        self.root.join(DISKS).join(name)
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("network.toml")
    }

    /// The configuration as one node sees it, where there are links; paths in it are from the same place.
    #[must_use]
    pub fn view(&self, node: &str) -> PathBuf {
        self.root.join(format!("{node}.toml"))
    }

    /// A node's secret key.
    #[must_use]
    pub fn key(&self, node: &str) -> PathBuf {
        self.root.join("keys").join(format!("{node}.key"))
    }

    /// A node's data directory, which the node makes itself.
    #[must_use]
    pub fn data(&self, node: &str) -> PathBuf {
        self.root.join("data").join(node)
    }

    /// A node's log.
    #[must_use]
    pub fn log(&self, node: &str) -> PathBuf {
        self.root.join("logs").join(format!("{node}.log"))
    }
}

fn could_not(path: &Path, error: &io::Error) -> Failure {
    Failure::could_not_run(format!("'{}': {error}", path.display()))
}
