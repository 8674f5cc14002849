//! `GET /v1/status`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a node stands. While it replays its storage, the fields from `ballot` on are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Status {
    /// This node.
    pub node: String,
    /// What it does: `acceptor`, `proposer`, `learner`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The acceptor that it plays.
    #[serde(default)]
    pub acceptor: Option<String>,
    /// The protocol: `hpaxos`, `paxos` or `disk-paxos`.
    pub mode: String,
    /// The network's name.
    pub network: String,
    /// The network's id, in hex.
    pub network_id: String,
    /// What it is doing.
    pub phase: Phase,
    /// The learners that it plays.
    #[serde(default)]
    pub plays: Vec<String>,
    /// The other nodes.
    #[serde(default)]
    pub peers: Peers,
    /// What peers sent and was refused before it reached the protocol, by reason.
    #[serde(default)]
    pub refusals: BTreeMap<String, u64>,
    /// Connections refused because their key is not in the file.
    #[serde(default)]
    pub foreign_connections: u64,
    /// What was stored since the start.
    #[serde(default)]
    pub storage: Storage,
    /// The highest ballot that this node knows to be joined.
    #[serde(default)]
    pub ballot: u64,
    /// The node that owns it.
    #[serde(default)]
    pub leader: Option<String>,
    /// For every learner, how long something may be outstanding for it now before the node gives a ballot up, in
    /// milliseconds; empty if it gives none up, being neither acceptor nor processor.
    #[serde(default)]
    pub patience_ms: BTreeMap<String, u64>,
    /// Ballots that the node has given up since its start.
    #[serde(default)]
    pub given_up: GivenUp,
    /// The ballot that the acceptor has joined; 0 if none.
    #[serde(default)]
    pub max_bal: u64,
    /// The slot below which the acceptor never signs again.
    #[serde(default)]
    pub low_water: u64,
    /// Slots that some learner has not decided, and that have left memory for the disk.
    #[serde(default)]
    pub frozen: u64,
    /// Client values that wait to be decided.
    #[serde(default)]
    pub waiting: u64,
    /// Every learner of the graph.
    #[serde(default)]
    pub learners: BTreeMap<String, LearnerStatus>,
    /// For every learner, those that it is still connected with.
    #[serde(default)]
    pub connected: BTreeMap<String, Vec<String>>,
    /// The same as groups of learners, transitively.
    #[serde(default)]
    pub groups: Vec<Vec<String>>,
    /// Acceptors proved not safe.
    #[serde(default)]
    pub caught: Vec<String>,
    /// What was refused in spite of a good signature, by reason.
    #[serde(default)]
    pub refused_by_protocol: BTreeMap<String, u64>,
    /// Mode disk-paxos: the disks as this node sees them.
    #[serde(default)]
    pub disks: Vec<DiskStatus>,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It replays its storage.
    #[default]
    Starting,
    /// It takes part.
    Ready,
    /// It ends.
    Stopping,
}

impl Phase {
    /// Its name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Ready => "ready",
            Phase::Stopping => "stopping",
        }
    }
}

/// The other nodes, as one sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Peers {
    /// How many are connected, as far as this one knows.
    pub connected: u64,
    /// How many of these are not silent; `None` if the node is older than this.
    #[serde(default)]
    pub heard: Option<u64>,
    /// How many there are.
    pub expected: u64,
    /// Which are connected.
    #[serde(default)]
    pub by_name: BTreeMap<String, bool>,
    /// Those that are connected, and of which nothing has come for longer than pings take.
    #[serde(default)]
    pub silent: Vec<String>,
    /// For how many seconds nothing has come from each; `None` if nothing ever came.
    #[serde(default)]
    pub silent_s: BTreeMap<String, Option<u64>>,
}

impl Peers {
    /// How many there are that this node hears, or is at least connected with if it does not say.
    #[must_use]
    pub fn there(&self) -> u64 {
        self.heard.unwrap_or(self.connected)
    }
}

/// Ballots that a node has given up since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct GivenUp {
    /// How many.
    pub times: u64,
    /// The last one.
    pub last: Option<Timeout>,
}

/// A ballot that a node has given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Timeout {
    /// The ballot.
    pub ballot: u64,
    /// The one that the node wishes for, or starts, instead.
    pub next: u64,
    /// Why: `patience` (the node's own ran out), `others` (theirs did) or `equivocated` (its leader did).
    pub reason: String,
    /// The same, in words.
    pub words: String,
    /// When, in milliseconds since 1970 by the node's clock; `None` in an event, which has it beside this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
}

/// What a node has stored since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Storage {
    /// Records replayed at the start.
    pub replayed_records: u64,
    /// Records appended.
    pub records: u64,
    /// Bytes appended.
    pub bytes: u64,
    /// Times that storage was made durable.
    pub syncs: u64,
    /// Times that the log was replaced by a checkpoint.
    pub checkpoints: u64,
}

/// How far a learner is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct LearnerStatus {
    /// The first slot that it has not decided here.
    pub next: u64,
    /// The same, as far as any node has told this one.
    #[serde(default)]
    pub ahead: u64,
    /// Its log, if the node plays it.
    #[serde(default)]
    pub delivered: Option<Delivered>,
    /// Second decisions of a slot that it has seen.
    #[serde(default)]
    pub forks: u64,
}

/// How far the log of a learner is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Delivered {
    /// The next slot of the log.
    pub next: u64,
    /// Decisions so far.
    pub decisions: u64,
}

/// A disk, as a node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct DiskStatus {
    /// Its name.
    pub name: String,
    /// Whether it answers.
    pub up: bool,
    /// Whether an operation is in progress.
    #[serde(default)]
    pub busy: bool,
    /// Why it cannot be used now; empty if it can.
    #[serde(default)]
    pub problem: String,
    /// The ballot of this node's block on it.
    #[serde(default)]
    pub mbal: u64,
    /// The first slot that this node's log on it lacks.
    #[serde(default)]
    pub logged: u64,
    /// Operations done.
    #[serde(default)]
    pub operations: u64,
}

impl Status {
    /// Who leads, as this node knows: the highest ballot, and its owner.
    #[must_use]
    pub fn leads(&self) -> Option<(u64, &str)> {
        let leader = self.leader.as_deref()?;
        Some((self.ballot, leader))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starting_node_says_little() {
        let text = r#"{"node":"n1","roles":["learner"],"acceptor":null,"mode":"hpaxos","network":"demo","network_id":"63",
            "phase":"starting","plays":["alice"],"peers":{"by_name":{"n2":false},"connected":0,"expected":1},"refusals":{},
            "foreign_connections":0,"storage":{"bytes":0,"records":0,"replayed_records":0,"syncs":0,"checkpoints":0}}"#;
        let status: Status = serde_json::from_str(text).expect("a status");
        assert_eq!((status.phase, status.leads()), (Phase::Starting, None));
    }

    #[test]
    fn a_ready_node_says_who_leads() {
        let text = r#"{"acceptor":"a1","ballot":7,"caught":["a4"],"connected":{"alice":["alice"]},"foreign_connections":0,"frozen":0,
            "groups":[["alice"]],"leader":"n2","learners":{"alice":{"delivered":{"decisions":3,"next":3},"forks":0,"next":3,"ahead":4},
            "bob":{"delivered":null,"forks":0,"next":3}},"low_water":0,"max_bal":7,"patience_ms":{"alice":4000},
            "given_up":{"times":2,"last":{"ballot":6,"next":7,"reason":"others","words":"w","at_ms":9}},"mode":"disk-paxos","network":"demo","network_id":"63",
            "node":"n1","peers":{"by_name":{},"connected":0,"expected":0},"phase":"ready","plays":["alice"],"refusals":{"frame":1},
            "refused_by_protocol":{},"roles":[],"storage":{"bytes":5179,"records":38,"replayed_records":0,"syncs":23},"waiting":2,
            "disks":[{"name":"d1","up":true,"busy":false,"problem":"","mbal":7,"logged":3,"operations":9}]}"#;
        let status: Status = serde_json::from_str(text).expect("a status");
        assert_eq!(status.leads(), Some((7, "n2")));
        assert_eq!(status.learners["alice"].delivered.map(|d| d.next), Some(3));
        assert_eq!(status.patience_ms["alice"], 4000);
        let last = status.given_up.last.expect("a ballot");
        assert_eq!((last.ballot, last.next, last.at_ms), (6, 7, Some(9)));
        assert_eq!((status.storage.syncs, status.disks[0].operations), (23, 9));
    }
}
