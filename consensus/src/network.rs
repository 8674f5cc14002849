//! The network as configured: who trusts whom, who signs, who owns which ballot.

use crate::Ballot;
use crypto::{Digest, Keyring, MemberId, NetworkId, PublicKey};
use learner_graph::{AcceptorId, LearnerGraph};
use thiserror::Error;

/// A node that signs protocol messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node's name in the configuration.
    pub name: String,
    /// Its identity.
    pub key: PublicKey,
    /// The acceptor of the learner graph that it plays, if any.
    pub acceptor: Option<AcceptorId>,
    /// Whether it owns ballots.
    pub proposer: bool,
}

/// Why a set of members does not make a network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// Two members have one key: each node needs its own identity.
    #[error("nodes '{0}' and '{1}' have the same key; give each node its own (hpaxos keygen)")]
    SameKey(String, String),
    /// Two members play one acceptor.
    #[error("nodes '{0}' and '{1}' both play acceptor '{2}'; an acceptor is played by one node")]
    SameAcceptor(String, String, String),
    /// An acceptor of the graph that nobody plays could never answer.
    #[error("no node plays acceptor '{0}'; add `acceptor = \"{0}\"` to one node")]
    NobodyPlays(String),
    /// Without proposers nothing is ever proposed.
    #[error("no node is a proposer; set `proposer = true` on at least one")]
    NoProposer,
    /// More members than [`MemberId`] can number.
    #[error("{0} nodes are too many, the limit is 65535")]
    TooMany(usize),
    /// The keys do not make a key ring.
    #[error("{0}")]
    Keys(String),
}

/// What all nodes of one network have in common. Immutable while the network lives.
#[derive(Debug)]
pub struct Network {
    graph: LearnerGraph,
    members: Vec<Member>,
    keyring: Keyring,
    proposers: Vec<MemberId>,
    played_by: Vec<Option<MemberId>>,
}

impl Network {
    /// Puts a network together. `mode` and `name` tell networks with the same members apart.
    ///
    /// Members are ordered by name first, so that the order in a file means nothing.
    ///
    /// # Errors
    /// [`NetworkError`] names the members that clash or what is missing.
    pub fn new(
        name: &str,
        mode: &str,
        graph: LearnerGraph,
        members: Vec<Member>,
    ) -> Result<Self, NetworkError> {
        let network = Self::of_disks(name, mode, graph, members)?;
        match network.played_by.iter().position(Option::is_none) {
            None => Ok(network),
            Some(at) => {
                let name = network.graph.acceptors().iter().nth(at);
                let name = name.map_or("?", |a| network.graph.acceptor_name(a));
                Err(NetworkError::NobodyPlays(name.to_owned()))
            }
        }
    }

    /// Puts a network of Disk Paxos together: the graph's acceptors are disks, which nobody plays.
    ///
    /// # Errors
    /// [`NetworkError`] names the members that clash or what is missing.
    pub fn of_disks(
        name: &str,
        mode: &str,
        graph: LearnerGraph,
        members: Vec<Member>,
    ) -> Result<Self, NetworkError> {
        let trust = graph.canonical();
        Self::of_quorums(name, mode, &trust, graph, members)
    }

    /// Puts a network together whose learners differ in nothing but where they are. Its id covers
    /// `quorums` where that of others covers the graph, so that nodes that only learn may come and go.
    /// Nobody need play an acceptor: it may be a disk.
    ///
    /// # Errors
    /// [`NetworkError`] names the members that clash or what is missing.
    pub fn of_quorums(
        name: &str,
        mode: &str,
        quorums: &str,
        graph: LearnerGraph,
        mut members: Vec<Member>,
    ) -> Result<Self, NetworkError> {
        members.sort_by(|a, b| a.name.cmp(&b.name));
        if members.len() > usize::from(u16::MAX) {
            return Err(NetworkError::TooMany(members.len()));
        }
        let mut played: Vec<Option<usize>> = vec![None; graph.n_acceptors()];
        for (i, m) in members.iter().enumerate() {
            if let Some(other) = members[..i].iter().find(|o| o.key == m.key) {
                return Err(NetworkError::SameKey(other.name.clone(), m.name.clone()));
            }
            let Some(a) = m.acceptor else { continue };
            let place = &mut played[usize::from(a.0)];
            if let Some(other) = *place {
                return Err(NetworkError::SameAcceptor(
                    members[other].name.clone(),
                    m.name.clone(),
                    graph.acceptor_name(a).to_owned(),
                ));
            }
            *place = Some(i);
        }
        let member_id = |i: usize| MemberId(u16::try_from(i).unwrap_or(u16::MAX));
        let played_by = played.into_iter().map(|p| p.map(member_id)).collect();
        let proposers: Vec<MemberId> = members
            .iter()
            .enumerate()
            .filter(|(_, m)| m.proposer)
            .map(|(i, _)| member_id(i))
            .collect();
        if proposers.is_empty() {
            return Err(NetworkError::NoProposer);
        }
        let id = network_id([name, mode, quorums], &graph, &members);
        let keyring = Keyring::new(id, members.iter().map(|m| m.key).collect())
            .map_err(|e| NetworkError::Keys(e.to_string()))?;
        Ok(Network {
            graph,
            members,
            keyring,
            proposers,
            played_by,
        })
    }

    /// The learner graph.
    #[must_use]
    pub fn graph(&self) -> &LearnerGraph {
        &self.graph
    }

    /// The members' keys.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The hash of the canonical configuration: a message of one network means nothing in another.
    #[must_use]
    pub fn id(&self) -> NetworkId {
        self.keyring.network()
    }

    /// All members, by [`MemberId`].
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member of this id, if there is one.
    #[must_use]
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(usize::from(id.0))
    }

    /// The member with this name.
    #[must_use]
    pub fn member_named(&self, name: &str) -> Option<MemberId> {
        let i = self.members.iter().position(|m| m.name == name)?;
        u16::try_from(i).ok().map(MemberId)
    }

    /// The acceptor that a member plays.
    #[must_use]
    pub fn acceptor_of(&self, id: MemberId) -> Option<AcceptorId> {
        self.member(id)?.acceptor
    }

    /// The member that plays an acceptor; `None` for a disk.
    #[must_use]
    pub fn player(&self, acceptor: AcceptorId) -> Option<MemberId> {
        self.played_by.get(usize::from(acceptor.0)).copied()?
    }

    /// The proposers, in the order in which they own ballots.
    #[must_use]
    pub fn proposers(&self) -> &[MemberId] {
        &self.proposers
    }

    /// The proposer that a ballot belongs to: round robin, ballot 1 to the first. Only its 1a and 1c
    /// count in this ballot. Nobody owns ballot 0.
    #[must_use]
    pub fn owner(&self, ballot: Ballot) -> Option<MemberId> {
        let turn = ballot.0.checked_sub(1)? % self.proposers.len() as u64;
        self.proposers.get(usize::try_from(turn).ok()?).copied()
    }
}

fn network_id(parts: [&str; 3], graph: &LearnerGraph, members: &[Member]) -> NetworkId {
    // Every part is preceded by its length, so that no two configurations share one text.
    let mut text = String::new();
    let mut part = |s: &str| text.push_str(&format!("{}:{s}\n", s.len()));
    part("hpaxos network 1");
    parts.into_iter().for_each(&mut part);
    // Processors are no part of it: they may be added, and the disks know who is who.
    for m in members
        .iter()
        .filter(|_| members.iter().any(|m| m.acceptor.is_some()))
    {
        part(&m.name);
        part(&m.key.to_string());
        part(m.acceptor.map_or("", |a| graph.acceptor_name(a)));
        part(if m.proposer { "proposer" } else { "" });
    }
    NetworkId(Digest::of(text.as_bytes()))
}
