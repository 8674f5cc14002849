//! Expressions over acceptors, read from a graph's canonical text, evaluated, and said in words.

use std::collections::BTreeSet;

/// How deep expressions may be nested; a graph's are less deep.
const DEEPEST: usize = 64;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Constant(bool),
    Acceptor(String),
    /// Holds when the weights of the members that hold add up to `need`.
    Threshold {
        need: u64,
        members: Vec<(u64, Expr)>,
    },
}

impl Expr {
    /// Reads `2(a1,2(a2,a3,a4),2*a4)`; `None` if it is no expression.
    pub(super) fn read(text: &str) -> Option<Expr> {
        let (expr, rest) = Expr::first(text, DEEPEST)?;
        rest.is_empty().then_some(expr)
    }

    fn first(text: &str, depth: usize) -> Option<(Expr, &str)> {
        let end = text.find(['(', ')', ',', '*']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let Some(mut rest) = rest.strip_prefix('(') else {
            let expr = match word {
                "" => return None,
                "true" => Expr::Constant(true),
                "false" => Expr::Constant(false),
                name => Expr::Acceptor(name.to_owned()),
            };
            return Some((expr, rest));
        };
        let (need, depth) = (word.parse().ok()?, depth.checked_sub(1)?);
        let mut members = Vec::new();
        loop {
            let weighted = rest.split_once('*').and_then(|(weight, rest)| {
                let weight = weight.parse::<u64>().ok()?;
                Some((weight, rest))
            });
            let (weight, text) = weighted.unwrap_or((1, rest));
            let (member, after) = Expr::first(text, depth)?;
            members.push((weight, member));
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    let expr = Expr::Threshold { need, members };
                    return Some((expr, after.strip_prefix(')')?));
                }
            }
        }
    }

    /// Whether it holds of all acceptors but these.
    pub(super) fn holds_without(&self, missing: &BTreeSet<String>) -> bool {
        match self {
            Expr::Constant(holds) => *holds,
            Expr::Acceptor(name) => !missing.contains(name),
            Expr::Threshold { need, members } => {
                let holding = members.iter().filter(|(_, m)| m.holds_without(missing));
                let sum = holding.fold(0, |sum: u64, (weight, _)| sum.saturating_add(*weight));
                sum >= *need
            }
        }
    }

    /// The acceptors in it.
    pub(super) fn named(&self) -> BTreeSet<&str> {
        match self {
            Expr::Constant(_) => BTreeSet::new(),
            Expr::Acceptor(name) => BTreeSet::from([name.as_str()]),
            Expr::Threshold { members, .. } => {
                members.iter().flat_map(|(_, m)| m.named()).collect()
            }
        }
    }

    /// In words: `both of a1 and a2`, `any 3 of a1, a2, a3 and a4`.
    pub(super) fn words(&self) -> String {
        let (need, members) = match self {
            Expr::Constant(true) => return "nobody in particular".to_owned(),
            Expr::Constant(false) => return "nobody whatsoever".to_owned(),
            Expr::Acceptor(name) => return name.clone(),
            Expr::Threshold { need, members } => (*need, members),
        };
        let member = |(weight, member): &(u64, Expr)| {
            let words = match member {
                Expr::Threshold { .. } => format!("({})", member.words()),
                _ => member.words(),
            };
            match weight {
                1 => words,
                votes => format!("{words} with {votes} votes"),
            }
        };
        if let [one] = &members[..] {
            return one.1.words();
        }
        let weighted = members.iter().any(|(weight, _)| *weight != 1);
        let list = list(&members.iter().map(member).collect::<Vec<_>>());
        let all = members.len() as u64;
        match (weighted, need) {
            (true, _) => format!("{need} votes of {list}"),
            (false, 1) => format!("any of {list}"),
            (false, 2) if all == 2 => format!("both of {list}"),
            (false, _) if need == all => format!("all of {list}"),
            (false, _) => format!("any {need} of {list}"),
        }
    }
}

/// `a, b and c`.
pub(super) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => (*one).to_owned(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_evaluated_and_said() {
        for (text, words, without, holds) in [
            ("a1", "a1", "a1", false),
            ("2(a1,a2)", "both of a1 and a2", "a1", false),
            ("3(a1,a2,a3)", "all of a1, a2 and a3", "a9", true),
            ("1(a1,a2,a3)", "any of a1, a2 and a3", "a1", true),
            ("1(3(a1,a2,a3))", "all of a1, a2 and a3", "a3", false),
            (
                "2(a1,2(a2,a3,a4),2*a4)",
                "2 votes of a1, (any 2 of a2, a3 and a4) and a4 with 2 votes",
                "a1",
                true,
            ),
            ("true", "nobody in particular", "a1", true),
        ] {
            let expr = Expr::read(text).expect(text);
            assert_eq!(expr.words(), words);
            let missing = BTreeSet::from([without.to_owned()]);
            assert_eq!(
                expr.holds_without(&missing),
                holds,
                "{text} without {without}"
            );
        }
        for bad in ["", "2(", "2(a1", "2(a1,)", "x(a1)", "a1)", "2(a1)a2", "2*"] {
            assert_eq!(Expr::read(bad), None, "{bad}");
        }
        assert_eq!(
            Expr::read(&format!("{}a{}", "1(".repeat(99), ")".repeat(99))),
            None
        );
    }
}
