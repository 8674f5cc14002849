//! From TOML values to expressions: thresholds, weights, explicit sets and definitions.

use crate::expr::NodeId;
use crate::meant::meant;
use crate::quorums::Voters;
use crate::reader::{Deep, Reader};
use crate::tree::{Shape, Tree};
use std::collections::HashSet;
use std::ops::Range;
use toml::Spanned;

/// How deep thresholds may nest, every definition on the way counted as a level.
pub const MAX_DEPTH: usize = 16;
/// The largest weight of a member.
pub const MAX_WEIGHT: i64 = 1_000_000;

/// What a weight that is wrong counts for: whether the threshold can be met is another question then.
const UNKNOWN_WEIGHT: i64 = 1 << 40;

const SHAPES: &str = "write a name, { threshold = n, of = […] } or { sets = [[…], …] }";

impl Reader {
    /// A learner's or an agreement's whole expression; `of` names it in messages.
    pub(crate) fn root(&mut self, value: &Spanned<Tree>, of: &str) -> Option<NodeId> {
        self.expression(value, of, 0).map(|(id, _)| id)
    }

    pub(crate) fn expression(&mut self, value: &Spanned<Tree>, of: &str, level: usize) -> Deep {
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
        if self.use_definition(name) {
            let (id, depth) = self.definition(name, level + 1)?;
            return Some((id, depth + 1));
        }
        let what = format!(
            "{of}: '{name}' is neither {} nor a definition{}",
            self.voters.one(),
            self.near(name)
        );
        let mend = match self.voters {
            Voters::Acceptors => "add it to acceptors or [define], or correct the name",
            Voters::Disks => "add it to [disks] or [define], or correct the name",
        };
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
                        let name = key.as_ref();
                        let near = meant(name, known);
                        let what = format!("{of}: unknown field '{name}' in an expression{near}");
                        (key.span(), what)
                    }
                    None if matches!(keys.as_slice(), ["threshold"] | ["of"] | ["weight"]) => {
                        let lacking = if keys == ["of"] { "threshold" } else { "of" };
                        let what = format!("{of}: beside '{}' there is no '{lacking}'", keys[0]);
                        (whole.span(), what)
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
                (UNKNOWN_WEIGHT, inner)
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
