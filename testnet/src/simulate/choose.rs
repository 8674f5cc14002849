//! `--byzantine NODE=BEHAVIOUR` of `testnet simulate`.

use crate::failure::Failure;
use crate::launch::layout::Layout;
use crate::show::words;
use simulation::adversary::{Adversary, Behaviour};
use std::str::FromStr;

/// A node and what it does, as a user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The node's name.
    pub node: String,
    /// What it does.
    pub behaviour: Behaviour,
}

impl FromStr for Chosen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, word) = text.split_once('=').unwrap_or(("", text));
        match (node, Behaviour::named(word)) {
            (_, None) => {
                let all = Behaviour::ALL.each_ref().map(Behaviour::word);
                Err(format!("the behaviours are {}", words::list(&all)))
            }
            ("", _) => Err(format!("'{text}' names no node; write n4={word}")),
            (node, Some(behaviour)) => Ok(Chosen {
                node: node.to_owned(),
                behaviour,
            }),
        }
    }
}

/// The adversaries of a network that a user has chosen.
///
/// # Errors
/// If a node does not exist.
pub(super) fn adversaries(chosen: &[Chosen], layout: &Layout) -> Result<Vec<Adversary>, Failure> {
    let one = |chosen: &Chosen| {
        let node = layout.place(&chosen.node)?;
        let behaviour = chosen.behaviour.clone();
        Ok(Adversary { node, behaviour })
    };
    chosen.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_others_are_answered_with_the_list() {
        for behaviour in Behaviour::ALL {
            let text = format!("n4={}", behaviour.word());
            let node = "n4".to_owned();
            assert_eq!(text.parse(), Ok(Chosen { node, behaviour }));
        }
        for bad in ["n4", "n4=", "n4=sleep", ""] {
            let why = bad.parse::<Chosen>().unwrap_err();
            assert!(
                why.contains("twins") && why.contains("mixed"),
                "{bad}: {why}"
            );
        }
        let why = "=twins".parse::<Chosen>().unwrap_err();
        assert!(why.contains("n4=twins"), "{why}");
    }
}
