//! What a learner graph says of two learners, in words: whether they must agree, and if not, why.
//!
//! It is made of the graph's canonical text, which every node tells. `http/page/trust.js` says the same on pages.

mod expr;

use expr::{Expr, list};
use std::collections::BTreeSet;

/// The graph, read from its canonical text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// TrustLive: each learner with what it decides by.
    live: Vec<(String, Expr)>,
    /// TrustSafe: learners that agree while an expression holds of the safe acceptors.
    safe: Vec<(Vec<String>, Expr)>,
}

/// What is to be said of two learners that decided differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether they may. If not, something is broken that must not be.
    pub allowed: bool,
    /// Why, as the rest of a sentence.
    pub why: String,
}

impl Rules {
    /// Reads the text that [`learner_graph::LearnerGraph::canonical`] writes. Lines that mean nothing are left out.
    #[must_use]
    pub fn read(canonical: &str) -> Rules {
        let mut rules = Rules::default();
        for line in canonical.lines().skip(1) {
            let mut words = line.splitn(3, ' ');
            let (kind, who, expr) = (words.next(), words.next(), words.next());
            let (Some(kind), Some(who), Some(expr)) = (kind, who, expr.and_then(Expr::read)) else {
                continue;
            };
            match kind {
                "learner" => rules.live.push((who.to_owned(), expr)),
                "safe" => {
                    let between = who.split(',').map(str::to_owned).collect();
                    rules.safe.push((between, expr));
                }
                _ => {}
            }
        }
        rules
    }

    /// What a learner decides by, in words.
    #[must_use]
    pub fn decides_by(&self, learner: &str) -> String {
        self.live(learner)
            .map_or_else(|| "nobody".to_owned(), Expr::words)
    }

    /// An expression of the canonical text in words; what is none is given back.
    #[must_use]
    pub fn words(expression: &str) -> String {
        Expr::read(expression).map_or_else(|| expression.to_owned(), |expr| expr.words())
    }

    /// The acceptors in an expression of the canonical text.
    #[must_use]
    pub fn named(expression: &str) -> BTreeSet<String> {
        let expr = Expr::read(expression);
        let named = expr.iter().flat_map(Expr::named);
        named.map(str::to_owned).collect()
    }

    /// Whether two learners must agree as long as only these acceptors are not safe. A learner twice: whether it must
    /// agree with itself.
    #[must_use]
    pub fn must_agree(&self, a: &str, b: &str, unsafe_ones: &BTreeSet<String>) -> bool {
        self.joined(a, b, unsafe_ones)
    }

    /// The same, with why or why not. `disproved`: two certificates prove that they are no longer sure to agree,
    /// whoever else is known not to be safe.
    #[must_use]
    pub fn judge(
        &self,
        a: &str,
        b: &str,
        unsafe_ones: &BTreeSet<String>,
        disproved: bool,
    ) -> Judgement {
        let who = match a == b {
            true => format!("{a} is to agree with itself"),
            false => format!("{a} and {b} are to agree"),
        };
        let direct = self.between(a, b);
        let until = match direct.as_slice() {
            [] => "by what joins them with others".to_owned(),
            rules => {
                let rules: Vec<String> = rules.iter().map(|rule| rule.words()).collect();
                format!("while {} are safe", rules.join(", or "))
            }
        };
        if self.joined(a, b, unsafe_ones) {
            let more =
                "caught yet, but two certificates prove that more of them lie than was assumed";
            let why = match (disproved, unsafe_ones.is_empty()) {
                (true, true) => format!("no acceptor is {more}"),
                (true, false) => {
                    format!("no more acceptors than {} are {more}", names(unsafe_ones))
                }
                (false, true) => "nothing is known against them".to_owned(),
                (false, false) => format!(
                    "what is known against {} leaves enough of them",
                    names(unsafe_ones)
                ),
            };
            return Judgement {
                allowed: false,
                why: format!("{who} {until}, and {why}"),
            };
        }
        let why = match self.joined(a, b, &BTreeSet::new()) {
            true => {
                let are = if unsafe_ones.len() == 1 { "is" } else { "are" };
                let unsafe_ones = names(unsafe_ones);
                format!(
                    "{who} {until}, but {unsafe_ones} {are} not, and the others leave no such set"
                )
            }
            false if a == b => format!("nothing is promised of {a} with itself"),
            false => {
                let (by_a, by_b) = (self.decides_by(a), self.decides_by(b));
                let shared = match self.share(a, b) {
                    true => "",
                    false => "they share no acceptor, and ",
                };
                format!(
                    "{a} decides by {by_a}, {b} by {by_b}: {shared}nothing is promised between them"
                )
            }
        };
        Judgement { allowed: true, why }
    }

    fn live(&self, learner: &str) -> Option<&Expr> {
        let mut live = self.live.iter();
        live.find(|(name, _)| name == learner).map(|(_, expr)| expr)
    }

    fn share(&self, a: &str, b: &str) -> bool {
        let (Some(a), Some(b)) = (self.live(a), self.live(b)) else {
            return false;
        };
        !a.named().is_disjoint(&b.named())
    }

    /// When two learners agree, as the rules say that name both.
    fn between(&self, a: &str, b: &str) -> Vec<&Expr> {
        let has = |between: &[String], name: &str| between.iter().any(|learner| learner == name);
        let rules = self.safe.iter();
        let both = rules.filter(|(between, _)| has(between, a) && has(between, b));
        both.map(|(_, expr)| expr).collect()
    }

    /// Whether rules that hold lead from one learner to another.
    fn joined(&self, a: &str, b: &str, unsafe_ones: &BTreeSet<String>) -> bool {
        let holding = self
            .safe
            .iter()
            .filter(|(_, expr)| expr.holds_without(unsafe_ones));
        let holding: Vec<&Vec<String>> = holding.map(|(between, _)| between).collect();
        let mut reached = BTreeSet::new();
        let mut next = vec![a];
        while let Some(learner) = next.pop() {
            for between in holding
                .iter()
                .filter(|b| b.iter().any(|name| name == learner))
            {
                next.extend(
                    between
                        .iter()
                        .map(String::as_str)
                        .filter(|name| reached.insert(*name)),
                );
            }
        }
        reached.contains(b)
    }
}

fn names(all: &BTreeSet<String>) -> String {
    list(&all.iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_WORLDS: &str = "learner graph 1\nacceptors a1 a2 a3 a4\nlearner alice 2(a1,a2)\nlearner bob 2(a3,a4)\n\
                              safe alice 2(a1,a2)\nsafe bob 2(a3,a4)\n";
    const CHAIN: &str = "learner graph 1\nacceptors a1 a2 a3\nlearner x 2(a1,a2,a3)\nlearner y 2(a1,a2,a3)\n\
                         learner z 2(a1,a2,a3)\nsafe x,y 2(a1,a2,a3)\nsafe y,z 3(a1,a2,a3)\n";

    fn judge(text: &str, a: &str, b: &str, unsafe_ones: &[&str]) -> (bool, String) {
        let unsafe_ones = unsafe_ones.iter().map(|name| (*name).to_owned()).collect();
        let judgement = Rules::read(text).judge(a, b, &unsafe_ones, false);
        (judgement.allowed, judgement.why)
    }

    #[test]
    fn what_nobody_promised_is_allowed() {
        let why = "alice decides by both of a1 and a2, bob by both of a3 and a4: they share no acceptor, and nothing \
                   is promised between them";
        assert_eq!(
            judge(TWO_WORLDS, "alice", "bob", &[]),
            (true, why.to_owned())
        );
        let why = "alice is to agree with itself while both of a1 and a2 are safe, and nothing is known against them";
        assert_eq!(
            judge(TWO_WORLDS, "alice", "alice", &[]),
            (false, why.to_owned())
        );
        let why = "alice is to agree with itself while both of a1 and a2 are safe, but a2 is not, and the others \
                   leave no such set";
        assert_eq!(
            judge(TWO_WORLDS, "alice", "alice", &["a2"]),
            (true, why.to_owned())
        );
    }

    #[test]
    fn certificates_that_disagree_are_known_against_somebody() {
        let of = |unsafe_ones: &[&str]| {
            let unsafe_ones = unsafe_ones.iter().map(|name| (*name).to_owned()).collect();
            Rules::read(CHAIN).judge("x", "y", &unsafe_ones, true)
        };
        let why = "x and y are to agree while any 2 of a1, a2 and a3 are safe, and no acceptor is caught yet, but two \
                   certificates prove that more of them lie than was assumed";
        assert_eq!((of(&[]).allowed, of(&[]).why), (false, why.to_owned()));
        assert!(
            of(&["a1"])
                .why
                .contains("and no more acceptors than a1 are caught yet")
        );
        assert!(
            of(&["a1", "a3"]).allowed,
            "those that were caught say enough"
        );
    }

    #[test]
    fn a_promise_that_holds_is_broken_and_one_that_does_not_is_not() {
        assert!(!judge(CHAIN, "x", "z", &[]).0, "y is between them");
        let why = "y and z are to agree while all of a1, a2 and a3 are safe, but a1 is not, and the others leave no \
                   such set";
        assert_eq!(judge(CHAIN, "y", "z", &["a1"]), (true, why.to_owned()));
        assert!(judge(CHAIN, "x", "z", &["a1"]).0);
        let why = "x and y are to agree while any 2 of a1, a2 and a3 are safe, and what is known against a1 leaves \
                   enough of them";
        assert_eq!(judge(CHAIN, "x", "y", &["a1"]), (false, why.to_owned()));
        assert!(judge(CHAIN, "x", "y", &["a1", "a3"]).0);
    }
}
