//! A graph as it stands in its file: where its thresholds are, and the same graph with one of them
//! changed.
//!
//! Expressions are kept in a normal form (`expr.rs`), in which weights are divided, and parts that
//! are equal are one. What is said to the author of a file is said of the file.

use crate::expr::NodeId;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::read;
use crate::set::LearnerSet;
use crate::text::GraphSection;
use crate::tree::{Shape, Tree};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use toml::Spanned;

/// What a graph was made of.
pub(crate) struct Written {
    section: GraphSection,
    /// The `[[safe]]` entries in the order of the file, none merged with another.
    pub(crate) safe: Vec<(Range<usize>, LearnerSet, NodeId)>,
    /// Where the lines of the text end, if the text is known.
    ends: Option<Vec<usize>>,
}

/// A part of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// In the words of the file: `[define].any3`, `[learners].bob, member 2`, `[[safe]] 1`;
    /// entries and members are counted from one.
    pub name: String,
    /// The line, counted from one, if the text is known.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// What an expression of a file belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Root {
    Definition(String),
    Learner(String),
    /// By its number.
    Safe(usize),
}

/// A threshold as it is written.
pub(crate) struct Threshold {
    pub(crate) place: Place,
    pub(crate) need: u64,
    /// The weight of all of its members: it can be raised so far.
    pub(crate) total: u64,
    root: Root,
}

impl Threshold {
    /// Whether it is a part of a promise, and not of quorums.
    pub(crate) fn is_promise(&self) -> bool {
        matches!(self.root, Root::Safe(_))
    }
}

/// The definitions that each expression of a file names.
pub(crate) struct Uses(HashMap<Root, Vec<Root>>);

/// The expressions of a file that an agreement depends on.
pub(crate) struct Needed(HashSet<Root>);

impl Needed {
    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, threshold: &Threshold) -> bool {
        self.0.contains(&threshold.root)
    }
}

impl Written {
    pub(crate) fn new(
        section: &GraphSection,
        safe: Vec<(Range<usize>, LearnerSet, NodeId)>,
    ) -> Self {
        Self {
            section: section.clone(),
            safe,
            ends: None,
        }
    }

    /// It was read from this text: places in it have lines.
    pub(crate) fn read_from(&mut self, text: &str) {
        let ends = text.match_indices('\n').map(|(at, _)| at);
        self.ends = Some(ends.collect());
    }

    /// The place of a `[[safe]]` entry, by its number.
    pub(crate) fn safe_entry(&self, at: usize) -> Option<Place> {
        let (span, ..) = self.safe.get(at)?;
        Some(self.place(Root::Safe(at).name(), span))
    }

    fn place(&self, name: String, span: &Range<usize>) -> Place {
        let before = |ends: &Vec<usize>| ends.partition_point(|end| *end < span.start);
        Place {
            name,
            line: self.ends.as_ref().map(|ends| before(ends) + 1),
        }
    }

    /// How much there is to read again, in members.
    pub(crate) fn size(&self) -> u64 {
        let mut size = 0;
        let mut section = self.section.clone();
        each_root(&mut section, &mut |_, tree| size += members(tree));
        size
    }

    /// All thresholds, in an order that [`changed`](Self::changed) knows.
    pub(crate) fn thresholds(&self) -> Vec<Threshold> {
        let mut found = Vec::new();
        let mut section = self.section.clone();
        each_threshold(&mut section, &mut |root, name, need, total| {
            let Shape::Integer(number) = need.as_ref().0 else {
                return;
            };
            found.push(Threshold {
                place: self.place(name.to_owned(), &need.span()),
                need: u64::try_from(number).unwrap_or(0),
                total,
                root: root.clone(),
            });
        });
        found
    }

    /// The graph of a file in which the thresholds of these numbers are others.
    pub(crate) fn changed(&self, needs: &BTreeMap<usize, u64>) -> Option<LearnerGraph> {
        let mut section = self.section.clone();
        let mut at = 0;
        each_threshold(&mut section, &mut |_, _, old, _| {
            let need = needs.get(&at).and_then(|need| i64::try_from(*need).ok());
            if let Some(need) = need {
                *old.as_mut() = Tree(Shape::Integer(need));
            }
            at += 1;
        });
        read::graph(&section).ok().map(|read| read.graph)
    }

    /// The graph of a file in which this learner is in none of these `[[safe]]` entries, by their numbers.
    pub(crate) fn without(&self, learner: &str, entries: &BTreeSet<usize>) -> Option<LearnerGraph> {
        let mut section = self.section.clone();
        let Some(Tree(Shape::Array(safe))) = section.safe.as_mut().map(Spanned::as_mut) else {
            return None;
        };
        let mut at = 0;
        safe.retain_mut(|entry| {
            let is_one = entries.contains(&at);
            at += 1;
            !is_one || is_left(entry.as_mut(), learner)
        });
        read::graph(&section).ok().map(|read| read.graph)
    }

    /// Which definitions each expression names.
    pub(crate) fn uses(&self) -> Uses {
        let mut named: HashMap<Root, Vec<String>> = HashMap::new();
        let mut section = self.section.clone();
        each_root(&mut section, &mut |root, tree| {
            let mut names = Vec::new();
            words(tree, &mut names);
            named.insert(root, names);
        });
        let uses = |names: &Vec<String>| -> Vec<Root> {
            let definitions = names.iter().map(|name| Root::Definition(name.clone()));
            let mut uses: Vec<Root> = definitions.filter(|it| named.contains_key(it)).collect();
            uses.sort_unstable();
            uses.dedup();
            uses
        };
        let uses = named
            .iter()
            .map(|(root, names)| (root.clone(), uses(names)));
        Uses(uses.collect())
    }

    /// What the quorums of two learners and the agreement of them depend on.
    pub(crate) fn needed(&self, uses: &Uses, graph: &LearnerGraph, pair: [LearnerId; 2]) -> Needed {
        let groups = self.safe.iter().map(|(_, between, _)| *between);
        let chain = crate::closure::reach(pair[0], groups, |_| true);
        let learners = pair.map(|l| Root::Learner(graph.learner_name(l).to_owned()));
        let safe = self.safe.iter().enumerate();
        let safe = safe.filter(|(_, (_, between, _))| between.intersects(&chain));
        let safe = safe.map(|(at, _)| Root::Safe(at));
        let mut open: Vec<Root> = learners.into_iter().chain(safe).collect();
        let mut needed = HashSet::new();
        while let Some(root) = open.pop() {
            if needed.contains(&root) {
                continue;
            }
            open.extend(uses.0.get(&root).into_iter().flatten().cloned());
            needed.insert(root);
        }
        Needed(needed)
    }
}

/// Takes a learner out of a `[[safe]]` entry; whether anybody is left in it.
fn is_left(entry: &mut Tree, learner: &str) -> bool {
    let Tree(Shape::Table(fields)) = entry else {
        return true;
    };
    let between = fields.iter_mut().find(|(key, _)| key.as_ref() == "between");
    let Some(Tree(Shape::Array(names))) = between.map(|(_, names)| names.as_mut()) else {
        return true;
    };
    names.retain(|name| !matches!(&name.as_ref().0, Shape::Text(name) if name == learner));
    !names.is_empty()
}

impl Root {
    fn name(&self) -> String {
        match self {
            Self::Definition(name) => format!("[define].{}", key(name)),
            Self::Learner(name) => format!("[learners].{}", key(name)),
            Self::Safe(at) => format!("[[safe]] {}", at + 1),
        }
    }
}

/// A name as it stands where a file has a key.
fn key(name: &str) -> String {
    match name.contains('.') {
        true => format!("\"{name}\""),
        false => name.to_owned(),
    }
}

/// All expressions of a file that are read without a mistake.
fn each_root(section: &mut GraphSection, visit: &mut dyn FnMut(Root, &mut Tree)) {
    type Named = fn(String) -> Root;
    let tables: [(_, Named); 2] = [
        (&mut section.define, Root::Definition),
        (&mut section.learners, Root::Learner),
    ];
    for (table, named) in tables {
        let Some(Tree(Shape::Table(entries))) = table.as_mut().map(Spanned::as_mut) else {
            continue;
        };
        for (name, tree) in entries {
            visit(named(name.as_ref().clone()), tree.as_mut());
        }
    }
    let Some(Tree(Shape::Array(entries))) = section.safe.as_mut().map(Spanned::as_mut) else {
        return;
    };
    for (at, entry) in entries.iter_mut().enumerate() {
        let Tree(Shape::Table(fields)) = entry.as_mut() else {
            continue;
        };
        for (name, tree) in fields {
            if name.as_ref() == "when" {
                visit(Root::Safe(at), tree.as_mut());
            }
        }
    }
}

/// Told of a threshold: what it belongs to, its place in words, the number, and the weight of its
/// members.
type Visit<'a> = dyn FnMut(&Root, &str, &mut Spanned<Tree>, u64) + 'a;

fn each_threshold(section: &mut GraphSection, visit: &mut Visit<'_>) {
    each_root(section, &mut |root, tree| {
        let mut name = root.name();
        if matches!(root, Root::Safe(_)) {
            name.push_str(", when");
        }
        thresholds(tree, &root, &name, visit);
    });
}

fn thresholds(tree: &mut Tree, root: &Root, name: &str, visit: &mut Visit<'_>) {
    let Tree(Shape::Table(fields)) = tree else {
        return;
    };
    let total = fields.iter().find(|(key, _)| key.as_ref() == "of");
    let total = total.map_or(0, |(_, of)| weight_of_all(of.as_ref()));
    for (key, value) in fields {
        match (key.as_ref().as_str(), &mut value.as_mut().0) {
            ("threshold", _) => visit(root, name, value, total),
            ("of", Shape::Array(items)) => inner(items, root, name, visit),
            // The member of a weight.
            ("of", _) => thresholds(value.as_mut(), root, name, visit),
            ("sets", Shape::Array(sets)) => {
                for (set, at) in sets.iter_mut().zip(1..) {
                    if let Tree(Shape::Array(items)) = set.as_mut() {
                        inner(items, root, &format!("{name}, set {at}"), visit);
                    }
                }
            }
            _ => {}
        }
    }
}

fn inner(items: &mut [Spanned<Tree>], root: &Root, name: &str, visit: &mut Visit<'_>) {
    for (item, at) in items.iter_mut().zip(1..) {
        thresholds(item.as_mut(), root, &format!("{name}, member {at}"), visit);
    }
}

fn weight_of_all(of: &Tree) -> u64 {
    let Tree(Shape::Array(items)) = of else {
        return 0;
    };
    let weight = |item: &Spanned<Tree>| {
        let Tree(Shape::Table(fields)) = item.as_ref() else {
            return 1;
        };
        let weight = fields.iter().find(|(key, _)| key.as_ref() == "weight");
        match weight.map(|(_, weight)| &weight.as_ref().0) {
            Some(Shape::Integer(n)) => u64::try_from(*n).unwrap_or(0),
            _ => 1,
        }
    };
    items.iter().map(weight).sum()
}

/// The names in an expression.
fn words(tree: &Tree, found: &mut Vec<String>) {
    match &tree.0 {
        Shape::Text(name) => found.push(name.clone()),
        Shape::Array(items) => items.iter().for_each(|item| words(item.as_ref(), found)),
        Shape::Table(fields) => fields.iter().for_each(|(_, v)| words(v.as_ref(), found)),
        Shape::Integer(_) | Shape::Other(_) => {}
    }
}

fn members(tree: &Tree) -> u64 {
    let mut names = Vec::new();
    words(tree, &mut names);
    names.len() as u64 + 1
}
