//! A key-value store as a state machine. It knows nothing of networks.

use hpaxos_client::{StateMachine, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be asked of the store: one line of JSON, such as `{"kv":"put","key":"k","value":"v"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(tag = "kv", rename_all = "lowercase", deny_unknown_fields)]
pub enum Command {
    /// Gives a key a value.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// The same, but only if the key has a certain value now; `null` if it must have none.
    Cas {
        /// The key.
        key: String,
        /// The value that it must have.
        old: Option<String>,
        /// The value that it gets.
        new: String,
    },
    /// Takes a key out.
    Delete {
        /// The key.
        key: String,
    },
    /// Asks for the value of a key.
    Get {
        /// The key.
        key: String,
    },
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not done: the key has this value.
    Differs(Option<String>),
    /// The key has this value.
    Found(Option<String>),
    /// It was no command.
    Nothing,
}

impl Command {
    /// The line.
    pub fn line(&self) -> Vec<u8> {
        // Strings in structs are always JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    entries: BTreeMap<String, String>,
}

impl Store {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(String::as_str)
    }

    /// All keys with their values.
    pub fn entries(&self) -> &BTreeMap<String, String> {
        &self.entries
    }

    fn run(&mut self, command: Command) -> Outcome {
        match command {
            Command::Put { key, value } => {
                self.entries.insert(key, value);
                Outcome::Done
            }
            Command::Cas { key, old, new } => {
                let now = self.get(&key);
                if now != old.as_deref() {
                    return Outcome::Differs(now.map(str::to_owned));
                }
                self.entries.insert(key, new);
                Outcome::Done
            }
            Command::Delete { key } => {
                self.entries.remove(&key);
                Outcome::Done
            }
            Command::Get { key } => Outcome::Found(self.get(&key).map(str::to_owned)),
        }
    }
}

impl StateMachine for Store {
    type Output = Outcome;

    fn apply(&mut self, value: &Value) -> Outcome {
        // A log is everybody's: what is no command is for somebody else.
        match serde_json::from_slice(&value.bytes) {
            Ok(command) => self.run(command),
            Err(_) => Outcome::Nothing,
        }
    }
}
