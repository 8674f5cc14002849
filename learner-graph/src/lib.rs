//! Learner graphs: quorum expressions, TrustLive, TrustSafe, entanglement and their checks.

mod builtin;
mod checks;
mod closure;
mod expr;
mod flat;
mod graph;
mod id;
mod problem;
mod read;
mod read_expr;
mod search;
mod set;
mod suspicion;
mod text;
mod tree;
mod uniform;
mod validity;

pub use builtin::builtin;
pub use graph::LearnerGraph;
pub use id::{AcceptorId, Id, LearnerId};
pub use problem::{Position, Problem, Severity};
pub use read::{MAX_MEMBERS, MAX_NAME_BYTES, MAX_PROBLEMS, MAX_SAFE_ENTRIES};
pub use read_expr::{MAX_DEPTH, MAX_WEIGHT};
pub use set::{AcceptorSet, IdSet, Iter, LearnerSet, MAX_ACCEPTORS, MAX_LEARNERS};
pub use suspicion::Suspicion;
pub use text::{
    CONFIG_FIELDS, GRAPH_FIELDS, GraphSection, MAX_FILE_BYTES, parse_graph, parse_unchecked,
};
pub use tree::Tree;
pub use uniform::{Difference, UNIFORMITY_STEPS, Uniformity};
pub use validity::{VALIDITY_STEPS, Validity, Violation};
