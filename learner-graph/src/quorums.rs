//! Quorums that all learners share: those of the protocols in which nobody lies.
//!
//! ```text
//!  [quorums] ─ QuorumSection::build ─► every read quorum meets every write quorum ─► Quorums
//!                                                                                     │
//!                                       LearnerGraph of phase 1, of phase 2 ◄─────────┘
//! ```
//!
//! A *read quorum* answers in phase 1, a *write quorum* accepts in phase 2. Nothing else is asked
//! of them than that any two, one of each kind, have an acceptor in common: two write quorums need
//! not. In such graphs the acceptors may be disks.

use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::problem::Problem;
use crate::reader::Reader;
use crate::search::{Found, Search};
use crate::set::{AcceptorSet, LearnerSet, MAX_LEARNERS};
use crate::tree::Tree;
use crate::validity::{VALIDITY_STEPS, smallest};
use toml::Spanned;

/// Who makes up quorums, for messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voters {
    /// Acceptors.
    Acceptors,
    /// Disks.
    Disks,
}

impl Voters {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Acceptors => "acceptor",
            Self::Disks => "disk",
        }
    }

    pub(crate) fn one(self) -> &'static str {
        match self {
            Self::Acceptors => "an acceptor",
            Self::Disks => "a disk",
        }
    }
}

/// The part of a configuration file that is about quorums, not yet checked.
#[derive(Clone, Debug)]
pub struct QuorumSection {
    /// Who makes up the quorums.
    pub voters: Voters,
    /// Their names, in the order that numbers them.
    pub names: Option<Spanned<Tree>>,
    /// `[define]`: named expressions.
    pub define: Option<Spanned<Tree>>,
    /// The read quorums; any majority if not given.
    pub read: Option<Spanned<Tree>>,
    /// The write quorums; the read quorums if not given.
    pub write: Option<Spanned<Tree>>,
}

/// Read and write quorums that always meet.
#[derive(Clone)]
pub struct Quorums {
    acceptors: Vec<String>,
    exprs: Exprs,
    read: NodeId,
    write: NodeId,
}

impl QuorumSection {
    /// Reads the expressions and checks that every read quorum meets every write quorum.
    ///
    /// Returns the quorums with warnings, or every problem found. The problems carry byte spans;
    /// [`Problem::located`] turns them into lines and columns.
    pub fn build(&self) -> Result<(Quorums, Vec<Problem>), Vec<Problem>> {
        let mut reader = Reader::default();
        reader.voters = self.voters;
        let names = reader.acceptors(self.names.as_ref());
        reader.definitions(self.define.as_ref());
        let one_kind = self.write.is_none();
        let read = match &self.read {
            Some(tree) => reader.root(tree, if one_kind { "quorums" } else { "read quorums" }),
            None => {
                let ids = (0..names.len() as u16).map(crate::AcceptorId);
                let members: Vec<_> = ids.map(|id| (reader.exprs.acceptor(id), 1)).collect();
                Some(reader.exprs.threshold(names.len() as u64 / 2 + 1, members))
            }
        };
        let write = match &self.write {
            Some(tree) => reader.root(tree, "write quorums"),
            None => read,
        };
        reader.check_size(read.into_iter().chain(write));
        reader.finish()?;
        // Whatever is missing has been reported.
        let (Some(read), Some(write)) = (read, write) else {
            return Err(Vec::new());
        };
        let warnings = reader.unused(&names, [read, write].into_iter(), "quorum");
        let quorums = Quorums {
            acceptors: names.into_iter().map(Spanned::into_inner).collect(),
            exprs: reader.exprs,
            read,
            write,
        };
        match self.apart(&quorums.pair()) {
            problems if problems.is_empty() => Ok((quorums, warnings)),
            problems => Err(problems.into_iter().chain(warnings).collect()),
        }
    }

    /// The counterexample, said where each of the expressions stands.
    fn apart(&self, pair: &LearnerGraph) -> Vec<Problem> {
        let place = |tree: &Option<Spanned<Tree>>| tree.as_ref().map(Spanned::span);
        let (a, b) = match pair.meeting(LearnerId(0), LearnerId(1), VALIDITY_STEPS.search) {
            Meeting::Always => return Vec::new(),
            Meeting::Not(a, b) => (pair.names(&a), pair.names(&b)),
            Meeting::Undecided => {
                let what = format!(
                    "not decided within {} steps whether all quorums meet",
                    VALIDITY_STEPS.search
                );
                let mend = "quorums are used only if they are known to meet; simplify them";
                return vec![Problem::error(place(&self.read), what, mend)];
            }
        };
        if self.write.is_none() {
            let what = format!("the quorums {a} and {b} share nobody");
            let mend = "any two quorums must meet: use larger ones";
            return vec![Problem::error(place(&self.read), what, mend)];
        }
        let error = |at, kind: &str, a: &str, other: &str, b: &str| {
            let what = format!("the {kind} quorum {a} and the {other} quorum {b} share nobody");
            let mend = format!(
                "every read quorum must meet every write quorum: use larger {kind} quorums, or \
                 larger {other} quorums"
            );
            Problem::error(at, what, mend)
        };
        vec![
            error(place(&self.read), "read", &a, "write", &b),
            error(place(&self.write), "write", &b, "read", &a),
        ]
    }
}

impl Quorums {
    /// A graph with the learners `read` and `write`, whose quorums these are, and without
    /// TrustSafe: for explaining them, and for a text that identifies them
    /// ([`canonical`](LearnerGraph::canonical)).
    pub fn pair(&self) -> LearnerGraph {
        let learners = vec!["read".to_owned(), "write".to_owned()];
        self.graph(learners, &[self.read, self.write], &[])
    }

    /// A graph with one learner, whose quorums are the read quorums.
    pub fn read(&self) -> LearnerGraph {
        self.graph(vec!["read".to_owned()], &[self.read], &[])
    }

    /// The graph of a network: all of these learners decide by write quorums, and agree while a
    /// write quorum is safe. `None` for more learners than [`MAX_LEARNERS`].
    pub fn network(&self, mut learners: Vec<String>) -> Option<LearnerGraph> {
        let n = learners.len();
        if n > MAX_LEARNERS {
            return None;
        }
        learners.sort();
        let rules = [(LearnerSet::first(n), self.write)];
        Some(self.graph(learners, &vec![self.write; n], &rules))
    }

    fn graph(
        &self,
        learners: Vec<String>,
        live: &[NodeId],
        safe: &[(LearnerSet, NodeId)],
    ) -> LearnerGraph {
        let (acceptors, exprs) = (self.acceptors.clone(), self.exprs.clone());
        LearnerGraph::new(acceptors, learners, exprs, live, safe)
    }
}

/// Whether quorums of two learners meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meeting {
    /// Any two have an acceptor in common.
    Always,
    /// These two, both minimal, have none.
    Not(AcceptorSet, AcceptorSet),
    /// The steps ran out first.
    Undecided,
}

impl LearnerGraph {
    /// Whether every quorum of `l1` meets every quorum of `l2`, in at most `steps` steps
    /// ([`VALIDITY_STEPS`] has a good number). Undecided if one is not in the graph.
    pub fn meeting(&self, l1: LearnerId, l2: LearnerId, steps: u64) -> Meeting {
        let known = |l: LearnerId| usize::from(l.0) < self.n_learners();
        if !known(l1) || !known(l2) {
            return Meeting::Undecided;
        }
        let (first, second) = (Family::live(self, l1), Family::live(self, l2));
        if self.counts_suffice(&[&first, &second]) {
            return Meeting::Always;
        }
        let mut search = Search::new(&self.exprs, &Effort::steps(steps));
        match search.disjoint(&self.acceptors(), [&first, &second]) {
            Found::No => Meeting::Always,
            Found::Undecided => Meeting::Undecided,
            Found::Yes([a, b]) => Meeting::Not(
                smallest(a, |s| self.is_quorum(l1, s)),
                smallest(b, |s| self.is_quorum(l2, s)),
            ),
        }
    }
}
