//! From TOML values to a graph: every shape and every name is checked here.

use crate::expr::NodeId;
use crate::graph::LearnerGraph;
use crate::id::{AcceptorId, LearnerId};
use crate::meant::{meant, near, tip};
use crate::problem::Problem;
use crate::quorums::Voters;
use crate::reader::Reader;
use crate::set::{LearnerSet, MAX_ACCEPTORS, MAX_LEARNERS};
use crate::text::GraphSection;
use crate::tree::{Shape, Tree};
use crate::written::Written;
use std::collections::HashMap;
use std::ops::Range;
use toml::Spanned;

/// The longest name of an acceptor, learner or definition.
pub const MAX_NAME_BYTES: usize = 64;
/// The most `[[safe]]` entries of a file.
pub const MAX_SAFE_ENTRIES: usize = 4096;
/// The most members that all expressions of a file may have together, definitions written out
/// wherever they are used.
pub const MAX_MEMBERS: u64 = 1 << 18;
/// The most problems that are reported of a file.
pub const MAX_PROBLEMS: usize = 100;

/// A graph whose parts are all well-formed, with where they came from.
pub(crate) struct Read {
    pub(crate) graph: LearnerGraph,
    /// The place of each learner's quorums.
    pub(crate) learners: Vec<Range<usize>>,
    /// The `[[safe]]` entries as written.
    pub(crate) safe: Vec<(Range<usize>, LearnerSet, NodeId)>,
    pub(crate) warnings: Vec<Problem>,
}

/// Reads a section, or reports everything that is wrong with its shape and names.
pub(crate) fn graph(section: &GraphSection) -> Result<Read, Vec<Problem>> {
    let mut reader = Reader::default();
    let acceptors = reader.acceptors(section.acceptors.as_ref());
    reader.definitions(section.define.as_ref());
    let learners = reader.learners(section.learners.as_ref());
    let safe = reader.safe(section.safe.as_ref(), &learners);
    let groups = reader.groups(section.groups.as_ref());
    let live = learners.iter().filter_map(|l| l.live);
    reader.check_size(live.chain(safe.iter().map(|(_, _, expr)| *expr)));
    reader.finish()?;
    let names = learners.iter().map(|l| l.name.clone()).collect();
    let live: Vec<NodeId> = learners.iter().filter_map(|l| l.live).collect();
    let rules: Vec<_> = safe.iter().map(|(_, set, expr)| (*set, *expr)).collect();
    let used = &live.iter().chain(rules.iter().map(|(_, expr)| expr));
    let warnings = reader.unused(&acceptors, used.clone().copied(), "learner's expressions");
    Ok(Read {
        graph: LearnerGraph::new(
            acceptors.into_iter().map(Spanned::into_inner).collect(),
            names,
            reader.exprs,
            &live,
            &rules,
        )
        .with_groups(groups)
        .with_written(Written::new(section, safe.clone())),
        learners: learners.into_iter().map(|l| l.span).collect(),
        safe,
        warnings,
    })
}

/// A learner as written; `live` is missing if its expression is wrong.
struct Learner {
    name: String,
    span: Range<usize>,
    live: Option<NodeId>,
}

impl Reader {
    pub(crate) fn acceptors(&mut self, field: Option<&Spanned<Tree>>) -> Vec<Spanned<String>> {
        let voters = self.voters;
        let none = format!("there are no {}s", voters.name());
        let mend = match voters {
            Voters::Acceptors => "list the acceptors' names: acceptors = [\"a1\", \"a2\", …]",
            Voters::Disks => "add a table [disks.NAME] for each",
        };
        let Some(field) = field else {
            let problem = Problem::error(None, none, mend);
            self.problems.push(problem.about("acceptors"));
            return Vec::new();
        };
        let Shape::Array(items) = &field.as_ref().0 else {
            self.expected(field, "'acceptors'", "an array of names");
            return Vec::new();
        };
        if items.is_empty() {
            self.error(Some(field.span()), none, mend);
        }
        if items.len() > MAX_ACCEPTORS {
            let what = format!("there are {} {}s", items.len(), voters.name());
            let mend = format!("a graph has at most {MAX_ACCEPTORS}");
            self.error(Some(field.span()), what, mend);
            return Vec::new();
        }
        let mut names: Vec<Spanned<String>> = Vec::new();
        for item in items {
            let Shape::Text(name) = &item.as_ref().0 else {
                self.expected(item, "an acceptor", "a name");
                continue;
            };
            if !self.name(name, item.span(), voters.name()) {
                continue;
            }
            let id = AcceptorId(names.len() as u16);
            if self.acceptors.insert(name.clone(), id).is_some() {
                let what = format!("{} '{name}' is listed twice", voters.name());
                self.error(Some(item.span()), what, "remove one or rename it");
                continue;
            }
            // Acceptors get their nodes first and in order, so that members sort by number.
            self.exprs.acceptor(id);
            names.push(Spanned::new(item.span(), name.clone()));
        }
        names
    }

    pub(crate) fn definitions(&mut self, field: Option<&Spanned<Tree>>) {
        let Some(field) = field else { return };
        let Shape::Table(entries) = &field.as_ref().0 else {
            self.expected(field, "'define'", "a table of named expressions");
            return;
        };
        for (key, value) in entries {
            let name = key.as_ref();
            if !self.name(name, key.span(), "definition") {
                continue;
            }
            if self.acceptors.contains_key(name) {
                let what = format!("'{name}' names both {} and a definition", self.voters.one());
                self.error(Some(key.span()), what, "rename the definition");
                continue;
            }
            self.define(name, key.span(), value);
        }
        self.resolve_definitions();
    }

    /// The learners in the order of their names, which is that of their identities.
    fn learners(&mut self, field: Option<&Spanned<Tree>>) -> Vec<Learner> {
        let mend =
            "give each its quorums: [learners] and alice = { threshold = 3, of = [\"a1\", …] }";
        let Some(field) = field else {
            let problem = Problem::error(None, "there are no learners", mend);
            self.problems.push(problem.about("learners"));
            return Vec::new();
        };
        let Shape::Table(entries) = &field.as_ref().0 else {
            self.expected(field, "'learners'", "a table of each learner's quorums");
            return Vec::new();
        };
        if entries.is_empty() {
            self.error(Some(field.span()), "there are no learners", mend);
        }
        if entries.len() > MAX_LEARNERS {
            let what = format!("there are {} learners", entries.len());
            let mend = format!("a graph has at most {MAX_LEARNERS}");
            self.error(Some(field.span()), what, mend);
            return Vec::new();
        }
        let mut learners = Vec::new();
        for (key, value) in entries {
            let name = key.as_ref();
            self.name(name, key.span(), "learner");
            learners.push(Learner {
                name: name.clone(),
                span: key.span(),
                live: self.root(value, &format!("learner '{name}'")),
            });
        }
        learners.sort_by(|a, b| a.name.cmp(&b.name));
        learners
    }

    fn safe(
        &mut self,
        field: Option<&Spanned<Tree>>,
        learners: &[Learner],
    ) -> Vec<(Range<usize>, LearnerSet, NodeId)> {
        let Some(field) = field else {
            return Vec::new();
        };
        let Shape::Array(entries) = &field.as_ref().0 else {
            self.expected(field, "'safe'", "an array of tables, written [[safe]]");
            return Vec::new();
        };
        if entries.len() > MAX_SAFE_ENTRIES {
            let what = format!("there are {} [[safe]] entries", entries.len());
            let mend = format!("a file has at most {MAX_SAFE_ENTRIES}: list more learners in each");
            self.error(Some(field.span()), what, mend);
            return Vec::new();
        }
        let places = learners.iter().map(|l| l.name.as_str()).zip(0..);
        let index: HashMap<&str, u16> = places.collect();
        let entries = entries.iter();
        entries
            .filter_map(|entry| {
                let (set, expr) = self.safe_entry(entry, &index)?;
                Some((entry.span(), set, expr))
            })
            .collect()
    }

    fn safe_entry(
        &mut self,
        entry: &Spanned<Tree>,
        learners: &HashMap<&str, u16>,
    ) -> Option<(LearnerSet, NodeId)> {
        let shape = "a table with 'between' (learners) and 'when' (an expression)";
        let Shape::Table(fields) = &entry.as_ref().0 else {
            self.expected(entry, "a [[safe]] entry", shape);
            return None;
        };
        let mut between = None;
        let mut when = None;
        let mut nears = Vec::new();
        for (key, value) in fields {
            match key.as_ref().as_str() {
                "between" => between = Some(value),
                "when" => when = Some(value),
                other => {
                    let near = near(other, ["between", "when"]);
                    let tip = tip(near);
                    let what = format!("unknown field '{other}' in a [[safe]] entry{tip}");
                    self.error(Some(key.span()), what, format!("it is {shape}"));
                    nears.extend(near);
                }
            }
        }
        let (Some(between), Some(when)) = (between, when) else {
            let missing = if between.is_none() { "between" } else { "when" };
            // It is there by another name.
            if nears.contains(&missing) {
                return None;
            }
            let what = format!("a [[safe]] entry has no '{missing}'");
            self.error(Some(entry.span()), what, format!("it is {shape}"));
            return None;
        };
        let set = self.between(between, learners);
        let expr = self.root(when, "[[safe]]");
        Some((set?, expr?))
    }

    fn between(
        &mut self,
        field: &Spanned<Tree>,
        learners: &HashMap<&str, u16>,
    ) -> Option<LearnerSet> {
        let Shape::Array(items) = &field.as_ref().0 else {
            self.expected(field, "'between'", "an array of learners");
            return None;
        };
        let before = self.problems.len();
        let mut set = LearnerSet::EMPTY;
        for item in items {
            let Shape::Text(name) = &item.as_ref().0 else {
                self.expected(item, "a member of 'between'", "a learner's name");
                continue;
            };
            let Some(learner) = learners.get(name.as_str()) else {
                // That there are none has been said.
                if learners.is_empty() {
                    return None;
                }
                let near = match self.problems.len() < MAX_PROBLEMS {
                    true => meant(name, learners.keys().copied()),
                    false => String::new(),
                };
                let what = format!("'{name}' is not a learner{near}");
                let mend = "give it quorums under [learners], or correct the name";
                self.error(Some(item.span()), what, mend);
                continue;
            };
            if !set.insert(LearnerId(*learner)) {
                let what = format!("learner '{name}' is listed twice in 'between'");
                let mend = format!("agreement of '{name}' with itself is between = [\"{name}\"]");
                self.error(Some(item.span()), what, mend);
            }
        }
        if items.is_empty() {
            let mend = "name one learner (agreement with itself) or several";
            self.error(Some(field.span()), "'between' is empty", mend);
        }
        (self.problems.len() == before).then_some(set)
    }

    pub(crate) fn check_size(&mut self, roots: impl Iterator<Item = NodeId>) {
        let total = roots.fold(0u64, |sum, root| {
            sum.saturating_add(self.exprs.written(root))
        });
        if total > MAX_MEMBERS {
            let what = format!("the expressions have {total} members, definitions written out");
            self.error(None, what, format!("at most {MAX_MEMBERS} are allowed"));
        }
    }

    /// Warnings about acceptors and definitions that nothing mentions.
    pub(crate) fn unused(
        &self,
        acceptors: &[Spanned<String>],
        roots: impl Iterator<Item = NodeId>,
        of: &str,
    ) -> Vec<Problem> {
        let mut rest = crate::set::AcceptorSet::first(acceptors.len());
        for root in roots {
            rest -= self.exprs.support(root);
        }
        let mut warnings = self.unused_definitions();
        for id in rest {
            let name = &acceptors[usize::from(id.0)];
            let what = format!("{} '{}' is in no {of}", self.voters.name(), name.as_ref());
            let mend = match self.voters {
                Voters::Acceptors => "its votes count for nobody; use it or remove it",
                Voters::Disks => "what is written to it counts for nothing; use it or remove it",
            };
            warnings.push(Problem::warning(Some(name.span()), what, mend));
        }
        warnings
    }
}
