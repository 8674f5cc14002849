//! From TOML values to expressions: thresholds, weights, explicit sets and definitions.

use crate::expr::{Exprs, NodeId};
use crate::id::AcceptorId;
use crate::problem::Problem;
use crate::read::MAX_NAME_BYTES;
use crate::tree::{Shape, Tree};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use toml::Spanned;

/// How deep thresholds may nest, every definition on the way counted as a level.
pub const MAX_DEPTH: usize = 16;
/// The largest weight of a member.
pub const MAX_WEIGHT: i64 = 1_000_000;

const SHAPES: &str = "write a name, { threshold = n, of = […] } or { sets = [[…], …] }";

/// What has been read so far.
pub(crate) struct Reader {
    pub(crate) problems: Vec<Problem>,
    pub(crate) exprs: Exprs,
    pub(crate) acceptors: HashMap<String, AcceptorId>,
    definitions: HashMap<String, Definition>,
    order: Vec<String>,
}

struct Definition {
    at: Range<usize>,
    value: Spanned<Tree>,
    used: bool,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Unread,
    Reading,
    /// With its depth; without an expression if it is wrong, which has been reported then.
    Done(Option<(NodeId, usize)>),
}

/// An expression with the depth of its nesting.
type Deep = Option<(NodeId, usize)>;

impl Default for Reader {
    fn default() -> Self {
        Self {
            problems: Vec::new(),
            exprs: Exprs::new(),
            acceptors: HashMap::new(),
            definitions: HashMap::new(),
            order: Vec::new(),
        }
    }
}

impl Reader {
    pub(crate) fn error(
        &mut self,
        span: Option<Range<usize>>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.problems.push(Problem::error(span, what, mend));
    }

    pub(crate) fn expected(&mut self, found: &Spanned<Tree>, what: &str, shape: &str) {
        let kind = found.as_ref().kind();
        let what = format!("{what} is {kind} and not {shape}");
        self.error(Some(found.span()), what, "");
    }

    /// Whether a name is well-formed; reported if not.
    pub(crate) fn name(&mut self, name: &str, span: Range<usize>, of: &str) -> bool {
        let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let good = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(fine);
        if !good {
            let what = format!("{name:?} cannot be the name of a {of}")
                .replace("of a acceptor", "of an acceptor");
            let mend = format!("use 1 to {MAX_NAME_BYTES} of A-Z, a-z, 0-9, '_', '.' and '-'");
            self.error(Some(span), what, mend);
        }
        good
    }

    pub(crate) fn define(&mut self, name: &str, at: Range<usize>, value: &Spanned<Tree>) {
        let definition = Definition {
            at,
            value: value.clone(),
            used: false,
            state: State::Unread,
        };
        self.definitions.insert(name.to_owned(), definition);
        self.order.push(name.to_owned());
    }

    pub(crate) fn resolve_definitions(&mut self) {
        for name in self.order.clone() {
            self.definition(&name, 0);
        }
    }

    pub(crate) fn unused_definitions(&self) -> Vec<Problem> {
        let unused = self
            .order
            .iter()
            .filter(|name| !self.definitions[*name].used);
        unused
            .map(|name| {
                let what = format!("definition '{name}' is not used");
                let at = self.definitions[name].at.clone();
                Problem::warning(Some(at), what, "use it or remove it")
            })
            .collect()
    }

    /// A learner's or an agreement's whole expression; `of` names it in messages.
    pub(crate) fn root(&mut self, value: &Spanned<Tree>, of: &str) -> Option<NodeId> {
        self.expression(value, of, 0).map(|(id, _)| id)
    }

    fn definition(&mut self, name: &str, level: usize) -> Deep {
        let definition = self.definitions.get_mut(name)?;
        match definition.state {
            State::Done(known) => return known,
            State::Reading => {
                let what = format!("definition '{name}' is defined by itself");
                let at = Some(definition.at.clone());
                self.error(at, what, "break the circle");
                return None;
            }
            State::Unread => {}
        }
        definition.state = State::Reading;
        let value = definition.value.clone();
        let read = self.expression(&value, &format!("definition '{name}'"), level);
        if let Some(definition) = self.definitions.get_mut(name) {
            definition.state = State::Done(read);
        }
        read
    }

    fn expression(&mut self, value: &Spanned<Tree>, of: &str, level: usize) -> Deep {
        let read = if level > MAX_DEPTH {
            self.too_deep(value, of)
        } else {
            match &value.as_ref().0 {
                Shape::Text(name) => self.named(name, value.span(), of, level),
                Shape::Table(fields) => self.table(fields, value, of, level),
                _ => {
                    let kind = value.as_ref().kind();
                    let what = format!("{of}: {kind} is not an expression");
                    self.error(Some(value.span()), what, SHAPES);
                    None
                }
            }
        };
        match read {
            Some((_, depth)) if level + depth > MAX_DEPTH => self.too_deep(value, of),
            read => read,
        }
    }

    fn too_deep(&mut self, value: &Spanned<Tree>, of: &str) -> Deep {
        let what = format!("{of}: nested deeper than {MAX_DEPTH} levels");
        self.error(Some(value.span()), what, "flatten it");
        None
    }

    fn named(&mut self, name: &str, span: Range<usize>, of: &str, level: usize) -> Deep {
        if let Some(id) = self.acceptors.get(name) {
            return Some((self.exprs.acceptor(*id), 0));
        }
        if let Some(definition) = self.definitions.get_mut(name) {
            definition.used = true;
            let (id, depth) = self.definition(name, level + 1)?;
            return Some((id, depth + 1));
        }
        let what = format!("{of}: '{name}' is neither an acceptor nor a definition");
        let mend = "add it to acceptors or [define], or correct the name";
        self.error(Some(span), what, mend);
        None
    }

    fn table(
        &mut self,
        fields: &[(Spanned<String>, Spanned<Tree>)],
        whole: &Spanned<Tree>,
        of: &str,
        level: usize,
    ) -> Deep {
        let mut keys: Vec<&str> = fields
            .iter()
            .map(|(key, _)| key.as_ref().as_str())
            .collect();
        keys.sort_unstable();
        match (keys.as_slice(), fields) {
            (["sets"], [(_, sets)]) => self.sets(sets, of, level),
            (["of", "threshold"], [(first, a), (_, b)]) => {
                let (need, members) = if first.as_ref() == "of" {
                    (b, a)
                } else {
                    (a, b)
                };
                self.threshold(need, members, of, level)
            }
            (["of", "weight"], _) => {
                let what = format!("{of}: a weight outside of a threshold's 'of'");
                let mend = "weights count only among the members of a threshold";
                self.error(Some(whole.span()), what, mend);
                None
            }
            _ => {
                let known = ["threshold", "of", "sets", "weight"];
                let odd = fields
                    .iter()
                    .find(|(key, _)| !known.contains(&key.as_ref().as_str()));
                let (span, what) = match odd {
                    Some((key, _)) => {
                        let what =
                            format!("{of}: unknown field '{}' in an expression", key.as_ref());
                        (key.span(), what)
                    }
                    None => {
                        let what = format!("{of}: a table of this shape is not an expression");
                        (whole.span(), what)
                    }
                };
                self.error(Some(span), what, SHAPES);
                None
            }
        }
    }

    fn threshold(
        &mut self,
        need: &Spanned<Tree>,
        members: &Spanned<Tree>,
        of: &str,
        level: usize,
    ) -> Deep {
        let Shape::Array(items) = &members.as_ref().0 else {
            self.expected(members, &format!("{of}: 'of'"), "an array");
            return None;
        };
        if items.is_empty() {
            let what = format!("{of}: 'of' is empty, so that there is no quorum");
            self.error(Some(members.span()), what, "list at least one member");
            return None;
        }
        let before = self.problems.len();
        let mut read = Vec::new();
        let mut depth = 0;
        let mut names = HashSet::new();
        let mut total = 0;
        let mut weighted = false;
        let mut whole = true;
        for item in items {
            let (weight, inner) = self.weighted(item, of);
            total += weight;
            weighted |= weight != 1;
            if let Shape::Text(name) = &inner.as_ref().0
                && !names.insert(name.clone())
            {
                let what = format!("{of}: '{name}' is listed twice in one threshold");
                let mend = format!("write {{ weight = 2, of = \"{name}\" }} if it counts double");
                self.error(Some(inner.span()), what, mend);
            }
            // A definition that is wrong has been reported where it stands: nothing new to say.
            match self.expression(inner, of, level + 1) {
                Some((id, inner_depth)) => {
                    depth = depth.max(inner_depth + 1);
                    read.push((id, weight as u64));
                }
                None => whole = false,
            }
        }
        let need = self.need(need, total, weighted, of)?;
        let whole = whole && self.problems.len() == before;
        whole.then(|| (self.exprs.threshold(need, read), depth))
    }

    /// The threshold itself, between one and the members' total weight.
    fn need(&mut self, need: &Spanned<Tree>, total: i64, weighted: bool, of: &str) -> Option<u64> {
        let Shape::Integer(number) = need.as_ref().0 else {
            self.expected(need, &format!("{of}: 'threshold'"), "a whole number");
            return None;
        };
        let span = Some(need.span());
        if number < 1 {
            let what = format!("{of}: with threshold {number} nobody at all would be a quorum");
            self.error(span, what, "raise it to 1 or more");
            return None;
        }
        if number > total {
            let unit = match (weighted, total) {
                (true, _) => "a total weight of ",
                (false, _) => "",
            };
            let members = match (weighted, total) {
                (true, _) => "",
                (false, 1) => " member",
                (false, _) => " members",
            };
            let what =
                format!("{of}: threshold {number} of {unit}{total}{members} can never be met");
            self.error(span, what, format!("lower it to {total} or less"));
            return None;
        }
        u64::try_from(number).ok()
    }

    /// Splits `{ weight = n, of = … }`; anything else has weight one.
    fn weighted<'a>(&mut self, item: &'a Spanned<Tree>, of: &str) -> (i64, &'a Spanned<Tree>) {
        let Shape::Table(fields) = &item.as_ref().0 else {
            return (1, item);
        };
        let [(first, a), (second, b)] = fields.as_slice() else {
            return (1, item);
        };
        let (weight, inner) = match (first.as_ref().as_str(), second.as_ref().as_str()) {
            ("weight", "of") => (a, b),
            ("of", "weight") => (b, a),
            _ => return (1, item),
        };
        match weight.as_ref().0 {
            Shape::Integer(n) if (1..=MAX_WEIGHT).contains(&n) => (n, inner),
            _ => {
                let what = format!("{of}: a weight must be a whole number from 1 to {MAX_WEIGHT}");
                self.error(
                    Some(weight.span()),
                    what,
                    "remove a member that shall not count",
                );
                (1, inner)
            }
        }
    }

    fn sets(&mut self, sets: &Spanned<Tree>, of: &str, level: usize) -> Deep {
        let Shape::Array(items) = &sets.as_ref().0 else {
            self.expected(sets, &format!("{of}: 'sets'"), "an array of arrays");
            return None;
        };
        if items.is_empty() {
            let what = format!("{of}: 'sets' is empty, so that there is no quorum");
            self.error(Some(sets.span()), what, "list at least one set");
            return None;
        }
        let before = self.problems.len();
        let mut any = Vec::new();
        let mut depth = 0;
        let mut whole = true;
        for item in items {
            let Shape::Array(members) = &item.as_ref().0 else {
                self.expected(item, &format!("{of}: a member of 'sets'"), "an array");
                continue;
            };
            if members.is_empty() {
                let what = format!("{of}: with an empty set nobody at all would be a quorum");
                self.error(Some(item.span()), what, "remove it or fill it");
                continue;
            }
            let mut all = Vec::new();
            for member in members {
                match self.expression(member, of, level + 2) {
                    Some((id, inner_depth)) => {
                        depth = depth.max(inner_depth + 2);
                        all.push((id, 1));
                    }
                    None => whole = false,
                }
            }
            all.sort_unstable();
            all.dedup();
            any.push((self.exprs.threshold(all.len() as u64, all), 1));
        }
        let whole = whole && self.problems.len() == before;
        whole.then(|| (self.exprs.threshold(1, any), depth))
    }
}
