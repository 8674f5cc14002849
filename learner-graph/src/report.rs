//! What a graph means, for people and for programs.

use crate::checks::Checks;
use crate::effort::Effort;
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::kinds::{Kinds, Promise};
use crate::minimal::Minimal;
use crate::named::acceptor_list;
use crate::problem::Problem;
use crate::read::Read;
use crate::search::Search;
use crate::set::{AcceptorSet, LearnerSet};
use crate::text::{has_errors, ordered, read_text};
use crate::uniform::{UNIFORMITY_STEPS, Uniformity};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How many minimal sets are listed of one family.
pub const MAX_SETS_SHOWN: usize = 8;
/// How many pairs of learners are listed with their minimal TrustSafe sets.
pub const MAX_AGREEMENTS_SHOWN: usize = 300;

/// A set of acceptors by name.
pub type Names = Vec<String>;

/// An explanation of a graph. `Display` writes it for people, but for the warnings; serialising gives the same facts
/// to programs.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The acceptors' names in the order of their identities.
    pub acceptors: Names,
    /// The learners with their quorums, in the order of their identities.
    pub learners: Vec<LearnerReport>,
    /// The closed TrustSafe: a pair of learners each, those without any set left out.
    pub agreements: Vec<Agreement>,
    /// How many pairs with TrustSafe sets are not listed in `agreements`.
    pub agreements_left_out: usize,
    /// Whether the graph is uniform; absent if the search for a difference was given up.
    pub uniform: Option<bool>,
    /// What happens under the assumption that was asked about.
    pub assumption: Option<Assumption>,
    /// What the file's author may not expect.
    pub warnings: Vec<Problem>,
}

/// A learner and its TrustLive.
#[derive(Clone, Debug, Serialize)]
pub struct LearnerReport {
    /// The learner.
    pub name: String,
    /// Its minimal quorums.
    pub quorums: Minimal<Names>,
    /// Whether it has the same TrustSafe sets with all that it can agree with; absent if that
    /// was not decided.
    pub uniform: Option<bool>,
}

/// Two learners, or one with itself, and their closed TrustSafe.
#[derive(Clone, Debug, Serialize)]
pub struct Agreement {
    /// The two; the same name twice for a learner with itself.
    pub between: [String; 2],
    /// Their minimal TrustSafe sets.
    pub safe_sets: Minimal<Names>,
}

/// What follows if exactly these acceptors are safe.
#[derive(Clone, Debug, Serialize)]
pub struct Assumption {
    /// The acceptors assumed to be safe.
    pub safe: Names,
    /// All others: they may do anything.
    #[serde(rename = "unsafe")]
    pub not_safe: Names,
    /// Ent: one row per learner, in the order of the learners.
    pub entangled: Vec<Entangled>,
    /// The learners in groups that agree with each other; those without self-agreement are in
    /// none.
    pub groups: Vec<Names>,
}

/// A learner's row of Ent.
#[derive(Clone, Debug, Serialize)]
pub struct Entangled {
    /// The learner.
    pub learner: String,
    /// The learners that never decide differently from it; empty without self-agreement.
    pub with: Names,
    /// A quorum of it that is safe, if there is one: then nobody can keep it from deciding by
    /// staying silent.
    pub live_quorum: Option<Names>,
}

/// A file's graph that is checked and explained. The check can go on with more steps: what is decided is not asked
/// again.
pub struct Check {
    file: String,
    text: String,
    read: Read,
    /// What is wrong, or may not be expected, whatever the checks find.
    problems: Vec<Problem>,
    safe: Option<AcceptorSet>,
    checks: Checks,
}

impl Check {
    /// Reads the text of a file; `safe` is the comma-separated list of acceptors to assume safe, if any.
    ///
    /// # Errors
    /// Whatever is wrong with the shape and the names of the file is returned as problems that name `file`, the line
    /// and the column. Problems of a wrong `safe` name no file, which tells a mistake in the question from
    /// one in the graph.
    pub fn new(file: &str, text: &str, safe: Option<&str>) -> Result<Self, Vec<Problem>> {
        let (read, problems) = read_text(text).map_err(|problems| in_file(problems, file))?;
        let safe = safe.map(|list| acceptor_list(&read.graph, list));
        Ok(Self {
            safe: safe.transpose()?,
            file: file.to_owned(),
            text: text.to_owned(),
            read,
            problems,
            checks: Checks::default(),
        })
    }

    /// Asks whatever is not decided, with so many times as many steps as a node allows when it starts, until the
    /// flag is raised. `progress` is told what is looked at, and how much of it is done.
    pub fn ask(
        &mut self,
        times: u64,
        stop: &Arc<AtomicBool>,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) {
        let until = Effort::until(0, Arc::clone(stop));
        self.checks.ask(&self.read.graph, times, &until, progress);
    }

    /// Whether more steps can tell nothing more.
    pub fn is_decided(&self) -> bool {
        self.checks.are_decided()
    }

    /// Whether the graph is valid; nothing if that was not decided.
    pub fn verdict(&self) -> Option<bool> {
        self.checks.validity.verdict()
    }

    /// Explains the graph, until the flag is raised; what is wrong with it, if it is not known to be valid.
    ///
    /// # Errors
    /// Problems that name the file, with lines and columns.
    pub fn report(&self, stop: &Arc<AtomicBool>) -> Result<Report, Vec<Problem>> {
        let mut problems = self.problems.clone();
        problems.extend(self.checks.problems(&self.read));
        let problems = in_file(ordered(problems, &self.text), &self.file);
        match (has_errors(&problems), &self.checks.uniformity) {
            (false, Some(uniformity)) => {
                let until = Effort::until(0, Arc::clone(stop));
                Ok(explained(
                    &self.read.graph,
                    uniformity,
                    problems,
                    self.safe,
                    &until,
                ))
            }
            _ => Err(problems),
        }
    }
}

fn in_file(problems: Vec<Problem>, file: &str) -> Vec<Problem> {
    problems.into_iter().map(|p| p.in_file(file)).collect()
}

/// Checks the text of a file in as many steps as a node takes when it starts, and explains its graph.
///
/// # Errors
/// Those of [`Check::new`] and [`Check::report`].
pub fn check(file: &str, text: &str, safe: Option<&str>) -> Result<Report, Vec<Problem>> {
    let mut check = Check::new(file, text, safe)?;
    let never = Arc::default();
    check.ask(1, &never, &mut |_, _, _| {});
    check.report(&never)
}

/// Explains a graph: its learners' quorums, the closed TrustSafe, whether it is uniform, and, if
/// `safe` is given, who agrees with whom and who can decide while exactly these are safe.
pub fn explain(graph: &LearnerGraph, warnings: Vec<Problem>, safe: Option<AcceptorSet>) -> Report {
    let uniformity = graph.uniformity(UNIFORMITY_STEPS);
    explained(graph, &uniformity, warnings, safe, &Effort::steps(0))
}

/// The same of a graph whose uniformity is known, until the flag of an effort is raised.
fn explained(
    graph: &LearnerGraph,
    uniformity: &Uniformity,
    warnings: Vec<Problem>,
    safe: Option<AcceptorSet>,
    until: &Effort,
) -> Report {
    let mut search = Search::new(&graph.exprs, until);
    let verdict = |different: bool, open: bool| match (different, open) {
        (true, _) => Some(false),
        (false, true) => None,
        (false, false) => Some(true),
    };
    let learner = |l: LearnerId| LearnerReport {
        name: graph.learner_name(l).to_owned(),
        quorums: minimal(graph, &Family::live(graph, l), &mut search, |s| {
            graph.is_quorum(l, s)
        }),
        uniform: verdict(
            uniformity.differences.iter().any(|d| d.learner == l),
            uniformity
                .undecided
                .iter()
                .any(|(learner, _)| *learner == l),
        ),
    };
    let learners = graph.learners().iter().map(learner).collect();
    let (agreements, agreements_left_out) = agreements(graph, &mut search);
    Report {
        acceptors: graph.acceptor_names(&graph.acceptors()),
        learners,
        agreements,
        agreements_left_out,
        uniform: uniformity.verdict(),
        assumption: safe.map(|safe| assume(graph, &safe)),
        warnings,
    }
}

fn agreements(graph: &LearnerGraph, search: &mut Search) -> (Vec<Agreement>, usize) {
    let mut listed = Vec::new();
    let mut left_out = 0;
    let kinds = Kinds::of(graph);
    let mut known: HashMap<Promise, Minimal<Names>> = HashMap::new();
    for (l1, l2) in graph.pairs() {
        let Some(family) = Family::agreement(graph, l1, l2) else {
            continue;
        };
        if listed.len() == MAX_AGREEMENTS_SHOWN {
            left_out += 1;
            continue;
        }
        listed.push(Agreement {
            between: [l1, l2].map(|l| graph.learner_name(l).to_owned()),
            safe_sets: known
                .entry(kinds.promise(l1, l2))
                .or_insert_with(|| minimal(graph, &family, search, |s| graph.trust_safe(l1, l2, s)))
                .clone(),
        });
    }
    (listed, left_out)
}

fn assume(graph: &LearnerGraph, safe: &AcceptorSet) -> Assumption {
    let safe = *safe & graph.acceptors();
    let ent = graph.ent(&safe);
    let mut groups: Vec<LearnerSet> = ent.iter().filter(|row| !row.is_empty()).copied().collect();
    groups.sort_by_key(|row| row.iter().next());
    groups.dedup();
    let row = |(l, row): (LearnerId, &LearnerSet)| Entangled {
        learner: graph.learner_name(l).to_owned(),
        with: graph.learner_names(row),
        live_quorum: graph.is_quorum(l, &safe).then(|| {
            let quorum = crate::validity::smallest(safe, |s| graph.is_quorum(l, s));
            graph.acceptor_names(&quorum)
        }),
    };
    Assumption {
        safe: graph.acceptor_names(&safe),
        not_safe: graph.acceptor_names(&(graph.acceptors() - safe)),
        entangled: graph.learners().iter().zip(&ent).map(row).collect(),
        groups: groups
            .iter()
            .map(|group| graph.learner_names(group))
            .collect(),
    }
}

fn minimal(
    graph: &LearnerGraph,
    family: &Family,
    search: &mut Search,
    test: impl Fn(&AcceptorSet) -> bool,
) -> Minimal<Names> {
    let found = Minimal::of(family, &graph.acceptors(), MAX_SETS_SHOWN, search, test);
    Minimal {
        sets: found
            .sets
            .iter()
            .map(|set| graph.acceptor_names(set))
            .collect(),
        complete: found.complete,
    }
}
