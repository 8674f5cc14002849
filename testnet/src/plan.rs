//! What a user asked to be done to the network, as values.

use crate::cli::seconds;
use node::config::Byzantine as Behaviour;
use std::str::FromStr;
use std::time::Duration;

/// When a node or disk is to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Once the network runs, before the first value is submitted.
    Start,
    /// This long after the first value may be submitted.
    After(Duration),
    /// Once this many values are decided by every learner that must decide them.
    Decided(usize),
}

/// `--kill NODE[@WHEN]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The name of the node or disk.
    pub whom: String,
    /// When.
    pub when: When,
}

impl FromStr for Kill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (whom, when) = match text.split_once('@') {
            None => (text, When::Start),
            Some((whom, when)) => (whom, parse_when(when)?),
        };
        if whom.is_empty() {
            return Err("no node named; write n4, n4@2.5 or n4@20values".to_owned());
        }
        Ok(Kill {
            whom: whom.to_owned(),
            when,
        })
    }
}

fn parse_when(text: &str) -> Result<When, String> {
    let count = text
        .strip_suffix("values")
        .or_else(|| text.strip_suffix("value"));
    match count {
        Some(count) => count
            .trim()
            .parse()
            .map(When::Decided)
            .map_err(|_| format!("'{text}' is not a number of values such as 20values")),
        None => seconds(text).map(When::After),
    }
}

/// `--byzantine NODE=HOW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Byzantine {
    /// The node's name.
    pub node: String,
    /// What it does.
    pub how: Behaviour,
}

impl FromStr for Byzantine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((node, how)) if !node.is_empty() => Ok(Byzantine {
                node: node.to_owned(),
                how: behaviour(how)?,
            }),
            _ => Err(format!("'{text}' is not of the form NODE=double-vote")),
        }
    }
}

/// The behaviour of this word.
///
/// # Errors
/// Lists the words that there are.
pub fn behaviour(how: &str) -> Result<Behaviour, String> {
    let found = Behaviour::ALL.into_iter().find(|b| b.name() == how);
    found.ok_or_else(|| {
        let all: Vec<_> = Behaviour::ALL.iter().map(|b| b.name()).collect();
        format!("no node misbehaves as '{how}'; choose {}", all.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_read_as_documented() {
        let when = |text: &str| text.parse::<Kill>().map(|k| (k.whom, k.when));
        assert_eq!(when("n4"), Ok(("n4".into(), When::Start)));
        assert_eq!(
            when("n4@2"),
            Ok(("n4".into(), When::After(Duration::from_secs(2))))
        );
        assert_eq!(
            when("n4@0.5s"),
            Ok(("n4".into(), When::After(Duration::from_millis(500))))
        );
        assert_eq!(when("n4@20values"), Ok(("n4".into(), When::Decided(20))));
        assert_eq!(when("n4@1value"), Ok(("n4".into(), When::Decided(1))));
        for bad in [
            "",
            "@2",
            "n4@",
            "n4@soon",
            "n4@-1",
            "n4@values",
            "n4@nan",
            "n4@1e99",
        ] {
            assert!(when(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn misbehaviour_needs_a_node_and_a_known_word() {
        let read = "n4=double-vote".parse::<Byzantine>();
        assert_eq!(
            read,
            Ok(Byzantine {
                node: "n4".into(),
                how: Behaviour::DoubleVote
            })
        );
        for bad in ["n4", "=double-vote", "n4=", "n4=sleep"] {
            assert!(bad.parse::<Byzantine>().is_err(), "{bad}");
        }
    }
}
