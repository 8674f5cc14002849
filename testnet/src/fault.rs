//! What can be done to a running network: the same words in scenarios, on the network's page and over HTTP.

mod check;

use crate::show::words;
use node::config::Byzantine;
use serde::{Deserialize, Deserializer, Serialize};

/// Something that is done to a running network. Nodes and disks are named as the configuration names them.
///
/// As JSON or TOML it is a table with one entry, for example `{ "kill": "n1" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// SIGKILL a node, or take a disk away from all processors.
    Kill(Names),
    /// Start a node again with what it has stored, or give a disk back.
    Start(Names),
    /// SIGSTOP: the process is there and does nothing.
    Pause(Names),
    /// SIGCONT: it goes on.
    Resume(Names),
    /// Nodes of different groups do not reach each other; those that are in none are a group together.
    Partition(Vec<Vec<String>>),
    /// Everything on the way between nodes takes longer.
    Delay(Delay),
    /// All nodes reach each other again, without delay.
    Heal(All),
    /// A node starts again and misbehaves from then on.
    Byzantine(Misbehaves),
}

/// One name or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "what it is done to is missing: write a name, or a list of names"
        )]
        enum OneOrMore {
            One(String),
            More(Vec<String>),
        }
        Ok(Names(match OneOrMore::deserialize(deserializer)? {
            OneOrMore::One(name) => vec![name],
            OneOrMore::More(names) => names,
        }))
    }
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// Every link.
    All,
}

/// How much longer something takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// In each direction, in milliseconds; at most a minute.
    pub ms: u64,
    /// Between these two nodes, of which one or both may be [`EVERY`]; between all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<(String, String)>,
}

/// The longest delay of a link.
pub const LONGEST_DELAY_MS: u64 = 60_000;

/// Why a fault was not done. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undone {
    /// It is none that this network can have, now or later.
    #[error("{0}")]
    Never(String),
    /// It makes no sense as things stand.
    #[error("{0}")]
    NotNow(String),
}

/// In place of a node's name: every other node.
pub const EVERY: &str = "all";

impl Delay {
    /// The links that it is about: those of two nodes, all of one node, or all there are.
    #[must_use]
    pub fn named(&self) -> Vec<&str> {
        let pair = self
            .between
            .iter()
            .flat_map(|(a, b)| [a.as_str(), b.as_str()]);
        pair.filter(|name| *name != EVERY).collect()
    }
}

impl std::fmt::Display for Delay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.ms {
            0 => write!(f, "no delay ")?,
            ms => write!(f, "{ms} ms more ")?,
        }
        match self.named().as_slice() {
            [a, b] => write!(f, "between {a} and {b}"),
            [one] => write!(f, "between {one} and every other node"),
            _ => write!(f, "between all nodes"),
        }
    }
}

/// Who misbehaves, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Misbehaves {
    /// The node. It plays an acceptor.
    pub node: String,
    /// What it does, in the word that configurations have for it.
    pub how: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |names: &Names| words::list(&names.0);
        match self {
            Fault::Kill(names) => write!(f, "kill {}", list(names)),
            Fault::Start(names) => write!(f, "start {}", list(names)),
            Fault::Pause(names) => write!(f, "pause {}", list(names)),
            Fault::Resume(names) => write!(f, "resume {}", list(names)),
            Fault::Partition(groups) => {
                let groups: Vec<_> = groups.iter().map(|group| group.join(" ")).collect();
                write!(f, "partition: {}", groups.join(" | "))
            }
            Fault::Delay(delay) => write!(f, "{delay}"),
            Fault::Heal(All::All) => write!(f, "heal all links"),
            // Any acceptor can be told to, and only a leader announces.
            Fault::Byzantine(Misbehaves { node, how })
                if how == Byzantine::DoubleAnnounce.name() =>
            {
                write!(
                    f,
                    "{node} misbehaves: {how}, which shows only while {node} leads"
                )
            }
            Fault::Byzantine(Misbehaves { node, how }) => write!(f, "{node} misbehaves: {how}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_tables_with_one_entry() {
        let names = |all: &[&str]| Names(all.iter().map(|n| (*n).to_owned()).collect());
        for (text, fault, words) in [
            (r#"{"kill":"n1"}"#, Fault::Kill(names(&["n1"])), "kill n1"),
            (
                r#"{"pause":["n1","n2"]}"#,
                Fault::Pause(names(&["n1", "n2"])),
                "pause n1 and n2",
            ),
            (
                r#"{"partition":[["n1","n2"],["n3"]]}"#,
                Fault::Partition(vec![names(&["n1", "n2"]).0, names(&["n3"]).0]),
                "partition: n1 n2 | n3",
            ),
            (
                r#"{"delay":{"ms":5,"between":["n1","n2"]}}"#,
                Fault::Delay(Delay {
                    ms: 5,
                    between: Some(("n1".into(), "n2".into())),
                }),
                "5 ms more between n1 and n2",
            ),
            (
                r#"{"delay":{"ms":5,"between":["n1","all"]}}"#,
                Fault::Delay(Delay {
                    ms: 5,
                    between: Some(("n1".into(), "all".into())),
                }),
                "5 ms more between n1 and every other node",
            ),
            (
                r#"{"delay":{"ms":0,"between":["all","all"]}}"#,
                Fault::Delay(Delay {
                    ms: 0,
                    between: Some(("all".into(), "all".into())),
                }),
                "no delay between all nodes",
            ),
            (r#"{"heal":"all"}"#, Fault::Heal(All::All), "heal all links"),
        ] {
            let read: Fault = serde_json::from_str(text).expect("a fault");
            assert_eq!((read, fault.to_string().as_str()), (fault, words));
        }
        for (bad, why) in [
            (r#"{"kil":"n1"}"#, "unknown variant `kil`"),
            (r#"{"kill":7}"#, "a name, or a list of names"),
            (
                r#"{"delay":{"ms":5,"betwen":["n1","n2"]}}"#,
                "unknown field `betwen`",
            ),
            (r#"{"kill":"n1","start":"n2"}"#, ""),
        ] {
            let error = serde_json::from_str::<Fault>(bad)
                .expect_err(bad)
                .to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
