//! The keys of nodes: made here, or by those whose nodes they are.

use super::out::Out;
use crate::failure::Failure;
use crate::launch::layout::NodePlan;
use crypto::PublicKey;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// They are made here.
    Ours,
    /// Each node's operator has made its own, and handed over the public half: by the names of nodes.
    Theirs(BTreeMap<String, PublicKey>),
}

impl Keys {
    /// Reads the public keys of all nodes: lines of a file, `NODE KEY`, or the files of a directory, `NODE.pub`.
    pub(super) fn read(path: Option<&Path>, nodes: &[NodePlan]) -> Result<Keys, Failure> {
        let Some(path) = path else {
            return Ok(Keys::Ours);
        };
        let text = if path.is_dir() {
            of_directory(path, nodes)?
        } else {
            read(path)?
        };
        let place = path.display();
        let bad = |why: String| Failure::usage(format!("--public-keys {place}: {why}"));
        let mut keys = BTreeMap::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, key] = words.as_slice() else {
                return Err(bad(format!(
                    "'{line}': write NODE KEY, as n1 and what `hpaxos keygen` printed"
                )));
            };
            if !nodes.iter().any(|node| node.name == *name) {
                let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
                return Err(bad(format!(
                    "there is no node {name}; there are {}",
                    names.join(", ")
                )));
            }
            let key = key.parse().map_err(|e| bad(format!("node {name}: {e}")))?;
            if let Some((other, _)) = keys.iter().find(|(_, known)| **known == key) {
                return Err(bad(format!(
                    "{other} and {name} have one key: each node needs its own"
                )));
            }
            if keys.insert((*name).to_owned(), key).is_some() {
                return Err(bad(format!("node {name} is there twice")));
            }
        }
        match nodes.iter().find(|node| !keys.contains_key(&node.name)) {
            Some(node) => Err(bad(format!("the key of node {} is missing", node.name))),
            None => Ok(Keys::Theirs(keys)),
        }
    }

    /// The public key of a node, whose key is made in this file if it is made here.
    pub(super) fn of(&self, node: &str, out: &Out, file: &str) -> Result<String, Failure> {
        match self {
            Keys::Ours => out.key(file),
            Keys::Theirs(keys) => {
                // All are there.
                let key = keys.get(node).map(ToString::to_string);
                Ok(key.unwrap_or_default())
            }
        }
    }

    /// What a README says of keys that are not here: `file` is what the key of `NODE` has to be called, `id` the network's.
    pub(super) fn note(&self, file: &str, id: &str) -> String {
        match self {
            Keys::Ours => String::new(),
            Keys::Theirs(_) => format!(
                "**No secret keys are here.** Whoever runs a node has made its key (`hpaxos keygen`), and {file}. Before anything is started, everybody compares the\nnetwork id over a way that whoever wrote these files does not control (docs/deployment.md):\n`{id}`"
            ),
        }
    }
}

fn of_directory(path: &Path, nodes: &[NodePlan]) -> Result<String, Failure> {
    let line = |node: &NodePlan| {
        let key = read(&path.join(format!("{}.pub", node.name)))?;
        Ok(format!("{} {}\n", node.name, key.trim()))
    };
    nodes.iter().map(line).collect()
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|e| Failure::could_not_run(format!("--public-keys {}: {e}", path.display())))
}
