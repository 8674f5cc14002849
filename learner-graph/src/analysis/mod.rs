//! What faults do to the learners of a graph, and what the graph could promise.
//!
//! ```text
//!  LearnerGraph ─┬─ Stops(l)        ─┐              ┌─ tolerance: the smallest set of faults
//!                ├─ Splits(l1, l2)   ├─ Harm ─ Faults
//!                └─ Disentangles     ─┘              └─ minimal: all of them, in patterns
//! ```
//!
//! A *harm* is something that faulty acceptors can do, and more of them as well. The smallest
//! set that does it is found by the search that knows of interchangeable acceptors
//! (`search/`), or by a SAT solver (`formula.rs`) where expressions are irregular; the minimal
//! sets by the solver. Nothing is enumerated but what is shown.

mod conditions;
mod counterexamples;
mod counting;
mod difference;
mod faults;
mod harm;
mod of_graph;
mod of_slices;
mod options;
mod outline;
mod pattern;
mod redundant;
mod repair;
mod report;
mod run;
mod strongest;
mod text;
mod together;
mod units;
mod unrolled;
mod violation;
mod weights;

pub use difference::{AgreementChange, Changes, Comparison, ProgressChange, Standing, compare};
pub(crate) use harm::Harm;
pub use of_graph::{Analyzer, analyze};
pub use of_slices::{SlicesAnalysis, SlicesAnalyzer, analyze_slices};
pub use options::{Options, Scope};
pub use outline::{
    Borne, MAX_DISENTANGLED_NAMED, MAX_PAIR_GROUPS, MAX_PAIRS_NAMED, Outline, OutlinedLearners,
    OutlinedPairs, OutlinedUnits, outline,
};
pub use pattern::Pattern;
pub use report::{
    Analysis, Conflict, Declared, FaultReport, LearnerFaults, Limit, PairFaults, Part, Redundant,
    Starved, Strongest, Verdict, Weight,
};
pub(crate) use text::words;
pub use text::{PATTERNS_SHOWN, Shown};
pub use units::{UnitId, UnitSet, Units};
pub use unrolled::Unrolled;
pub use violation::{Change, Price, Repair, ViolationReport};
