//! A network to simulate: what its nodes have in common, and what each of them plays.
//!
//! Whoever has read a configuration makes a [`Cast`] of it. Networks whose nodes are numbered as their acceptors, or
//! processors, are made here.

use super::oracle::{Place, Violation};
use consensus::disk_paxos::ProcessorId;
use consensus::{MAX_BATCH_BYTES, Member, Mode, Network};
use crypto::{Keypair, MemberId};
use learner_graph::{
    AcceptorId, LearnerGraph, LearnerId, Problem, QuorumSection, Quorums, Tree, Voters, parse_graph,
};
use std::fmt::Display;
use std::iter::repeat_n;
use std::sync::Arc;
use toml::Spanned;

/// What networks that are made here are called, as those of the testnet are.
const NETWORK: &str = "testnet";

/// A network's nodes, by place, and what they have in common.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The protocol.
    pub mode: Mode,
    /// The graph, the members and their keys: those of [`key`].
    pub network: Arc<Network>,
    /// Paxos: a graph with one learner, whose quorums are the read quorums. The network's graph has the write
    /// quorums.
    pub read_quorums: Option<LearnerGraph>,
    /// The nodes.
    pub parts: Vec<Part>,
    /// What each of them takes from clients at most.
    pub bounds: Bounds,
}

/// What a node plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The node's name.
    pub name: String,
    /// Its number as a signer; `None` if it only learns.
    pub member: Option<MemberId>,
    /// The acceptor that it plays.
    pub acceptor: Option<AcceptorId>,
    /// Disk Paxos: its number as a processor.
    pub processor: Option<ProcessorId>,
    /// The learners that it plays.
    pub learners: Vec<LearnerId>,
}

/// What a node takes from clients at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// With so many bytes of values a batch is full.
    pub batch_bytes: usize,
    /// How many values may wait to be proposed.
    pub max_waiting: usize,
    /// How many bytes they may have.
    pub max_waiting_bytes: usize,
}

impl Default for Bounds {
    /// Those of a node whose configuration says nothing of them.
    fn default() -> Self {
        Bounds {
            batch_bytes: MAX_BATCH_BYTES,
            max_waiting: 4096,
            max_waiting_bytes: 48 << 20,
        }
    }
}

impl Cast {
    /// Heterogeneous Paxos: a node for each acceptor of the graph in this text, and so many more that only learn. Every
    /// node plays every learner.
    ///
    /// # Errors
    /// If there is no such network.
    pub fn hpaxos(graph: &str, learn: usize) -> Result<Cast, Violation> {
        let (graph, _) = parse_graph(graph).map_err(problems)?;
        let learners: Vec<LearnerId> = graph.learners().iter().collect();
        let acceptors = graph.acceptors().iter().map(Some);
        let acceptors = acceptors.chain(repeat_n(None, learn));
        let part = |(place, acceptor)| Part {
            acceptor,
            learners: learners.clone(),
            ..Part::nothing(place)
        };
        let parts: Vec<Part> = acceptors.enumerate().map(part).collect();
        let network = Network::new(NETWORK, Mode::Hpaxos.name(), graph, members(&parts));
        let network = network.map_err(|e| impossible(&e))?;
        Ok(Cast::of(Mode::Hpaxos, network, None, parts))
    }

    /// Classic Paxos: so many acceptors, of which any `read` answer in phase 1 and any `write` decide, with a node for
    /// each. Every node is the learner of its own name.
    ///
    /// # Errors
    /// If there is no such network, as when these quorums need not meet.
    pub fn paxos(acceptors: usize, read: usize, write: usize) -> Result<Cast, Violation> {
        let names = names("a", acceptors);
        let any = |count: usize| -> Result<_, Violation> {
            let text = format!("threshold = {count}\nof = {names:?}");
            let tree: Tree = toml::from_str(&text).map_err(|e| impossible(&e))?;
            Ok(Some(Spanned::new(0..0, tree)))
        };
        let section = quorums(Voters::Acceptors, &names, any(read)?, any(write)?);
        let part = |(place, acceptor)| Part {
            acceptor: Some(AcceptorId(acceptor)),
            ..Part::nothing(place)
        };
        let parts = (0..).take(acceptors).enumerate().map(part);
        Cast::of_quorums(Mode::Paxos, &section, parts.collect())
    }

    /// Disk Paxos: so many processors and disks, any majority of which decides. Every node is a processor, and the
    /// learner of its own name.
    ///
    /// # Errors
    /// If there is no such network.
    pub fn disk_paxos(processors: u8, disks: usize) -> Result<Cast, Violation> {
        let section = quorums(Voters::Disks, &names("d", disks), None, None);
        let part = |(place, number)| Part {
            processor: ProcessorId::new(number),
            ..Part::nothing(place)
        };
        let parts = (1..=processors).enumerate().map(part);
        Cast::of_quorums(Mode::DiskPaxos, &section, parts.collect())
    }

    fn of_quorums(
        mode: Mode,
        section: &QuorumSection,
        mut parts: Vec<Part>,
    ) -> Result<Cast, Violation> {
        let (quorums, _) = section.build().map_err(problems)?;
        let names = parts.iter().map(|part| part.name.clone());
        let graph = quorums.network(names.collect());
        let graph = graph.ok_or_else(|| impossible(&"there are too many nodes"))?;
        for part in &mut parts {
            part.learners = graph.learner(&part.name).into_iter().collect();
        }
        let text = quorums.pair().canonical();
        let network = Network::of_quorums(NETWORK, mode.name(), &text, graph, members(&parts));
        let network = network.map_err(|e| impossible(&e))?;
        let read = (mode == Mode::Paxos).then_some(&quorums);
        Ok(Cast::of(mode, network, read.map(Quorums::read), parts))
    }

    fn of(
        mode: Mode,
        network: Network,
        read_quorums: Option<LearnerGraph>,
        mut parts: Vec<Part>,
    ) -> Cast {
        for part in &mut parts {
            part.member = network.member_named(&part.name);
        }
        Cast {
            mode,
            network: Arc::new(network),
            read_quorums,
            parts,
            bounds: Bounds::default(),
        }
    }
}

impl Part {
    fn nothing(place: Place) -> Part {
        Part {
            name: format!("n{}", place + 1),
            member: None,
            acceptor: None,
            processor: None,
            learners: Vec::new(),
        }
    }
}

/// The key of the node at a place.
#[must_use]
pub fn key(place: Place) -> Keypair {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(place as u64).to_le_bytes());
    Keypair::from_seed(seed)
}

/// Whoever plays an acceptor or is a processor signs, and owns ballots.
fn members(parts: &[Part]) -> Vec<Member> {
    let signs = |part: &Part| part.acceptor.is_some() || part.processor.is_some();
    let all = parts.iter().enumerate().filter(|(_, part)| signs(part));
    let member = |(place, part): (Place, &Part)| Member {
        name: part.name.clone(),
        key: key(place).public(),
        acceptor: part.acceptor,
        proposer: true,
    };
    all.map(member).collect()
}

fn names(letter: &str, count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("{letter}{n}")).collect()
}

fn quorums(
    voters: Voters,
    names: &[String],
    read: Option<Spanned<Tree>>,
    write: Option<Spanned<Tree>>,
) -> QuorumSection {
    let nowhere = |name: &String| Spanned::new(0..0, name.clone());
    QuorumSection {
        voters,
        names: Some(Spanned::new(0..0, Tree::names(names.iter().map(nowhere)))),
        define: None,
        read,
        write,
    }
}

fn problems(problems: Vec<Problem>) -> Violation {
    let words: Vec<String> = problems.iter().map(Problem::to_string).collect();
    impossible(&words.join("\n"))
}

fn impossible(why: &dyn Display) -> Violation {
    Violation::of("a network", why.to_string())
}
