//! Everything that is shown, made of what nodes tell. No I/O and no clock.
//!
//! ```text
//!   feed ──News──► Watch ──► draw (terminal), text (once)
//! ```

use super::compare::NAMED;
use super::graph::{Edge, Known, Trust, pair};
use super::lanes::{Dispute, Lanes};
use super::rates::Rates;
use crate::cli::printable;
use hpaxos_client::{Event, Evidence, EvidenceList, Graph, Phase, Status, Timeout};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Lines about events that are kept.
const LINES: usize = 500;
/// Pieces of evidence that are kept.
const EVIDENCE: usize = 1000;

/// What a node tells, or that it does not.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// It answers.
    Status(Box<Status>),
    /// It does not.
    Gone(String),
    /// The learner graph.
    Graph(Box<Graph>),
    /// All evidence that it knows.
    Evidence(Box<EvidenceList>),
    /// An event.
    Event(Box<Event>),
}

/// A node, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) url: String,
    /// What it told last.
    pub(super) status: Option<Box<Status>>,
    /// Why it does not answer, if it does not.
    pub(super) gone: Option<String>,
}

impl Node {
    /// Its name, or its address as long as that is not known.
    pub(super) fn name(&self) -> &str {
        self.status
            .as_ref()
            .map_or(&self.url, |status| &status.node)
    }

    /// What it is doing, in a word.
    pub(super) fn phase(&self) -> &'static str {
        match (&self.gone, &self.status) {
            (Some(_), _) => "gone",
            (None, Some(status)) => status.phase.name(),
            (None, None) => "asking",
        }
    }

    pub(super) fn is_fine(&self) -> bool {
        let phase = self.status.as_ref().map(|status| status.phase);
        self.gone.is_none() && phase == Some(Phase::Ready)
    }

    /// How long it waits for whoever leads, from the least patient learner to the most patient one; nothing if it
    /// gives no ballot up.
    pub(super) fn patience(&self) -> Option<String> {
        let waits = &self.status.as_ref()?.patience_ms;
        let (least, most) = (waits.values().min()?, waits.values().max()?);
        Some(if least == most {
            format!("{least} ms")
        } else {
            format!("{least} to {most} ms")
        })
    }

    /// How many ballots it has given up, and the last one in words.
    pub(super) fn given_up(&self) -> (u64, String) {
        let given_up = self.status.as_ref().map(|status| &status.given_up);
        let last = given_up.and_then(|given_up| given_up.last.as_ref());
        let times = given_up.map_or(0, |given_up| given_up.times);
        (times, last.map_or(String::new(), gives_up))
    }

    /// How much it has refused, and why.
    pub(super) fn refused(&self) -> (u64, String) {
        let Some(status) = &self.status else {
            return (0, String::new());
        };
        let all = status.refusals.iter().chain(&status.refused_by_protocol);
        let words: Vec<String> = all.clone().map(|(why, n)| format!("{why} {n}")).collect();
        (all.map(|(_, n)| n).sum(), words.join(", "))
    }
}

/// A line about something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Since the beginning.
    pub(super) at: Duration,
    pub(super) node: String,
    pub(super) words: String,
    /// Whether somebody should look.
    pub(super) bad: bool,
}

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    pub(super) nodes: Vec<Node>,
    pub(super) trust: Trust,
    pub(super) network: Option<Network>,
    pub(super) lanes: Lanes,
    pub(super) rates: Rates,
    pub(super) evidence: BTreeMap<String, Evidence>,
    pub(super) lines: VecDeque<Line>,
    /// When the last news came.
    pub(super) now: Duration,
}

/// What all nodes are to have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) mode: String,
}

impl Watch {
    /// Nothing is known of these nodes yet.
    pub(super) fn new(urls: &[String]) -> Watch {
        let node = |url: &String| Node {
            url: url.clone(),
            ..Node::default()
        };
        Watch {
            nodes: urls.iter().map(node).collect(),
            ..Watch::default()
        }
    }

    /// Takes in what a node tells.
    pub(super) fn take(&mut self, node: usize, at: Duration, news: News) {
        self.now = self.now.max(at);
        match news {
            News::Status(status) => self.status(node, at, status),
            News::Gone(why) => self.gone(node, at, printable(&why)),
            News::Graph(graph) if self.trust.learners.is_empty() => {
                self.trust = Trust::read(&graph);
            }
            News::Graph(_) => {}
            News::Evidence(list) => {
                for piece in list.evidence {
                    if self.evidence.len() < EVIDENCE {
                        self.evidence.entry(piece.digest.clone()).or_insert(piece);
                    }
                }
            }
            News::Event(event) => self.event(node, at, *event),
        }
    }

    fn status(&mut self, node: usize, at: Duration, status: Box<Status>) {
        let told = Network {
            name: printable(&status.network),
            id: printable(&status.network_id),
            mode: printable(&status.mode),
        };
        let first = self.network.get_or_insert_with(|| told.clone());
        let another = (*first != told).then(|| {
            format!(
                "belongs to another network: {} ({}), mode {}",
                told.name,
                short(&told.id),
                told.mode
            )
        });
        let known = &mut self.nodes[node];
        let back = known.gone.take().is_some();
        let before = known.status.replace(status).is_some();
        let name = known.name().to_owned();
        if let Some(words) = another.filter(|_| !before) {
            self.line(at, name.clone(), words, true);
        }
        if back && before {
            self.line(at, name, "answers again".to_owned(), false);
        }
    }

    fn gone(&mut self, node: usize, at: Duration, why: String) {
        let known = &mut self.nodes[node];
        let name = known.name().to_owned();
        if known.gone.replace(why.clone()).is_none() {
            self.line(at, name, format!("does not answer: {why}"), true);
        }
    }

    fn event(&mut self, node: usize, at: Duration, event: Event) {
        let name = self.nodes[node].name().to_owned();
        let (words, bad) = match event {
            Event::Decision(decision) => {
                let before = self.lanes.is_apart(decision.slot);
                if self.lanes.decided(&decision) {
                    self.rates.decided(at, &decision);
                }
                if before || !self.lanes.is_apart(decision.slot) {
                    return;
                }
                let slot = decision.slot;
                (format!("slot {slot} is decided differently"), true)
            }
            Event::Ballot { ballot, leader } => {
                let leader = leader.unwrap_or_else(|| "?".to_owned());
                (format!("ballot {ballot} begins, led by {leader}"), false)
            }
            Event::Timeout(timeout) => (gives_up(&timeout), false),
            Event::Evidence { words, .. } => (words, true),
            Event::Disconnected { learners } => match learners.as_slice() {
                [a, b] if a == b => (format!("{a} is no longer sure to agree with itself"), true),
                learners => {
                    let pair = learners.join(" and ");
                    (format!("{pair} are no longer sure to agree"), true)
                }
            },
            Event::Peer { peer, connected } => {
                let what = if connected {
                    "connected"
                } else {
                    "disconnected"
                };
                (format!("{peer} {what}"), false)
            }
            Event::Fork { learner, slot, .. } => {
                (format!("{learner} saw two decisions in slot {slot}"), true)
            }
            Event::Gap {} => ("older events are no longer kept".to_owned(), false),
            Event::Other => return,
        };
        self.line(at, name, printable(&words), bad);
    }

    fn line(&mut self, at: Duration, node: String, words: String, bad: bool) {
        let node = printable(&node);
        // All nodes say the same of some things.
        let said = |line: &Line| bad && line.bad && line.words == words && line.node != node;
        if self.lines.iter().any(said) {
            return;
        }
        self.lines.push_back(Line {
            at,
            node,
            words,
            bad,
        });
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// What any node knows of acceptors and learners.
    pub(super) fn known(&self) -> Known {
        let mut known = Known::default();
        for status in self.nodes.iter().filter_map(|node| node.status.as_ref()) {
            known.caught.extend(status.caught.iter().cloned());
            let forked = status.learners.iter().filter(|(_, l)| l.forks > 0);
            known.forked.extend(forked.map(|(name, _)| name.clone()));
            for (a, row) in &status.connected {
                let others = status.connected.keys().filter(|b| !row.contains(b));
                known.apart.extend(others.map(|b| pair(a, b)));
            }
        }
        known
    }

    /// What holds between the learners of whom the graph says something.
    pub(super) fn edges(&self) -> Vec<Edge> {
        self.trust.edges(&self.known())
    }

    /// How far a learner is, where it is furthest.
    pub(super) fn next(&self, learner: &str) -> u64 {
        let statuses = self.nodes.iter().filter_map(|node| node.status.as_ref());
        let nexts = statuses.filter_map(|status| status.learners.get(learner));
        nexts.map(|learner| learner.next).max().unwrap_or(0)
    }

    /// Whether learners have decided differently that must not, by what is known.
    pub(super) fn is_broken(&self) -> bool {
        self.disputes().iter().any(|dispute| !dispute.allowed)
            || self.trust.is_disproved(&self.known())
    }

    /// Who differs, and whether they may.
    pub(super) fn disputes(&self) -> Vec<Dispute> {
        self.lanes.disputes(&self.trust, &self.known())
    }

    /// The state of the agreement in a line, what must not be first, and whether somebody should look.
    pub(super) fn verdict(&self) -> (String, Look) {
        let mut disputes = self.disputes();
        disputes.sort_by_key(|dispute| dispute.allowed);
        match disputes.first() {
            Some(first) => {
                let look = if first.allowed {
                    Look::Allowed
                } else {
                    Look::Broken
                };
                let words = disputes.iter().map(|dispute| dispute.words.as_str());
                let words: Vec<&str> = words.collect();
                (printable(&words.join("; ")), look)
            }
            None if self.trust.is_disproved(&self.known()) => {
                let words = "VIOLATION: two certificates prove that learners decided differently, in a slot that was not \
                             compared here (see the evidence); more acceptors lie than was assumed";
                (words.to_owned(), Look::Broken)
            }
            None => self.agreement(),
        }
    }

    /// What is to be said where no two learners are known to differ.
    fn agreement(&self) -> (String, Look) {
        let Some(range) = self.lanes.compared() else {
            return ("nothing to compare yet".to_owned(), Look::Unknown);
        };
        let words = format!("all learners agree in {}", range.words());
        let missing = self.lanes.missing();
        if missing.is_empty() {
            return (words, Look::Good);
        }
        let pairs: Vec<String> = missing
            .iter()
            .take(NAMED)
            .map(|pair| pair.join(" with "))
            .collect();
        let more = match missing.len() - pairs.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let pairs = pairs.join(", ");
        let words = format!(
            "{words}; not compared yet, since no slot is known here of both: {pairs}{more}"
        );
        (printable(&words), Look::Unknown)
    }
}

/// That a node gave a ballot up, in words.
pub(super) fn gives_up(timeout: &Timeout) -> String {
    format!("ballot {} is given up: {}", timeout.ballot, timeout.words)
}

/// How a line is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// Nobody can say.
    Unknown,
    /// All is well.
    Good,
    /// Worth a look, and no more than the graph allows.
    Allowed,
    /// It must not be.
    Broken,
}

/// The beginning of an id.
pub(super) fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
