//! Learner graphs: quorum expressions, TrustLive, TrustSafe, entanglement and their checks.
//!
//! ```text
//!  TOML text ─ parse_graph ─► GraphSection ─ build ─► LearnerGraph ─► is_quorum    (TrustLive)
//!                                              │          │           trust_safe   (TrustSafe)
//!                  problems with line, column ◄┘          │           ent          (Ent)
//!                  (shape, names, validity,               │           connected    (evidence)
//!                   self-agreement, uniformity)           └─ explain ─► Report (text, serde)
//! ```
//!
//! A *learner* decides by *quorums* of acceptors (TrustLive), and pairs of learners name sets of
//! acceptors that, if all safe, keep the two from deciding differently (TrustSafe). Both are
//! families closed under supersets, written as nested weighted thresholds, and never multiplied
//! out: a quorum test is a walk over a compiled expression, and the closure of TrustSafe under
//! symmetry and transitivity is reachability for the one set that is asked about.
//!
//! # The file
//!
//! ```
//! let text = r#"
//! acceptors = ["a1", "a2", "a3", "a4"]     # numbered in this order
//!
//! [define]                                 # optional: expressions with a name
//! any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
//!
//! [learners]                               # TrustLive, one expression per learner
//! alice = "any3"
//! bob = { threshold = 2, of = ["a1", { threshold = 2, of = ["a2", "a3", "a4"] }] }
//! carol = { threshold = 4, of = [{ weight = 2, of = "a1" }, "a2", "a3", "a4"] }
//! dora = { sets = [["a1", "a2", "a3"], ["any3", "a4"]] }
//!
//! [[safe]]                                 # TrustSafe
//! between = ["alice", "bob", "carol"]
//! when = "any3"
//!
//! [[safe]]
//! between = ["dora"]
//! when = "any3"
//! "#;
//! let (graph, warnings) = learner_graph::parse_graph(text).expect("a valid graph");
//! assert!(warnings.is_empty());
//! let alice = graph.learner("alice").expect("a learner");
//! assert!(graph.is_quorum(alice, &learner_graph::AcceptorSet::first(3)));
//! ```
//!
//! An *expression* is the name of an acceptor or of a definition, a threshold
//! `{ threshold = n, of = [members] }` that counts members (each one expression, or
//! `{ weight = n, of = expression }` to count n times), or `{ sets = [[members], …] }`: all
//! members of at least one of the sets.
//!
//! A `[[safe]]` entry says that the learners in `between` agree while the safe acceptors satisfy
//! `when`. With **one** learner that is its agreement with itself. With **two or more** it is
//! every pair of them; agreement of each with itself follows by transitivity. Several entries add
//! up. Symmetry, transitivity and upward closure are computed, never written.
//!
//! `[groups.KIND]` tables name acceptors that may fail together, by any kind of thing that they
//! share, as in `[groups.organisation]` with `acme = ["a1", "a2"]`. They change nothing in what
//! the graph means; analyses ask with them what the loss of a whole group does.
//!
//! Protocols in which nobody lies need no learner graph, but quorums that meet: [`QuorumSection`]
//! reads the same expressions, and makes a graph of them in which all learners are alike.
//!
//! A node's configuration file is such a file with more tables ([`CONFIG_FIELDS`]), which
//! [`parse_graph`] skips.

mod analysis;
mod builtin;
mod chains;
mod checks;
mod closure;
mod effort;
mod expr;
mod family;
mod flat;
mod formula;
mod graph;
mod greedy;
mod groups;
mod id;
mod kinds;
mod known;
mod meant;
mod minimal;
mod named;
mod problem;
mod quorums;
mod read;
mod read_expr;
mod reader;
mod report;
mod report_text;
mod search;
mod set;
mod slices;
pub mod stellar;
mod suspicion;
mod symmetry;
mod text;
mod through;
mod tree;
mod uniform;
mod validity;
mod written;

pub use analysis::{
    AgreementChange, Analysis, Analyzer, Borne, Change, Changes, Comparison, Conflict, Declared,
    FaultReport, LearnerFaults, Limit, MAX_DISENTANGLED_NAMED, MAX_PAIR_GROUPS, MAX_PAIRS_NAMED,
    Options, Outline, OutlinedLearners, OutlinedPairs, OutlinedUnits, PATTERNS_SHOWN, PairFaults,
    Part, Pattern, Price, ProgressChange, Redundant, Repair, Scope, Shown, SlicesAnalysis,
    SlicesAnalyzer, Standing, Starved, Strongest, UnitId, UnitSet, Units, Unrolled, Verdict,
    ViolationReport, Weight, analyze, analyze_slices, compare, outline,
};
pub use builtin::builtin;
pub use effort::{Effort, out_of};
pub use graph::LearnerGraph;
pub use groups::MAX_GROUP_KINDS;
pub use id::{AcceptorId, Id, LearnerId};
pub use meant::meant;
pub use minimal::Minimal;
pub use named::{acceptor_list, node_list};
pub use problem::{Position, Problem, Severity};
pub use quorums::{Meeting, QuorumSection, Quorums, Voters};
pub use read::{MAX_MEMBERS, MAX_NAME_BYTES, MAX_PROBLEMS, MAX_SAFE_ENTRIES};
pub use read_expr::{MAX_DEPTH, MAX_WEIGHT};
pub use report::{
    Agreement, Assumption, Check, Entangled, LearnerReport, MAX_AGREEMENTS_SHOWN, MAX_SETS_SHOWN,
    Names, Report, check, explain,
};
pub use set::{AcceptorSet, IdSet, Iter, LearnerSet, MAX_ACCEPTORS, MAX_LEARNERS};
pub use slices::{QuorumSet, Slices};
pub use suspicion::Suspicion;
pub use text::{
    CONFIG_FIELDS, GRAPH_FIELDS, GraphSection, MAX_FILE_BYTES, no_toml, parse_graph,
    parse_unchecked,
};
pub use through::Link;
pub use tree::Tree;
pub use uniform::{Difference, UNIFORMITY_STEPS, Uniformity};
pub use validity::{Steps, VALIDITY_STEPS, Validity, Violation};
pub use written::Place;
