//! Evidence for people to read: what the messages say that contradict each other.

use consensus::hpaxos::evidence::{Certificate, Evidence};
use consensus::hpaxos::{Contradiction, Entry, Message, Proposal, Scope, contradiction};
use consensus::{Ballot, Page, Slot};
use crypto::{Digest, Signed, codec};
use learner_graph::{LearnerGraph, LearnerSet};
use std::collections::BTreeSet;

/// Statements of one message that are shown.
const SHOWN: usize = 20;
/// Learners, or pages, that are named in a statement.
const NAMED: usize = 8;

/// What a message says of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// In words: `2av in slot 0, ballot 1, for alice`.
    pub(crate) says: String,
    /// The digest of the value that it is about.
    pub(crate) value: Option<Digest>,
}

/// The two things that contradict each other, each with what it says and the other one does not. Empty if it cannot be
/// read. Nothing is verified here.
pub(crate) fn sides(graph: &LearnerGraph, encoded: &[u8]) -> Vec<Vec<Statement>> {
    match codec::decode::<Evidence>(encoded, codec::LARGEST) {
        Ok(Evidence::Contradiction { first, second }) => {
            messages(graph, &first, &second).unwrap_or_default()
        }
        Ok(Evidence::Disagreement { first, second }) => [first, second]
            .iter()
            .map(|decision| vec![decided(graph, decision)])
            .collect(),
        Err(_) => Vec::new(),
    }
}

fn decided(graph: &LearnerGraph, certificate: &Certificate) -> Statement {
    let Certificate {
        learner,
        slot,
        ballot,
        value,
        two_b,
    } = certificate;
    let (who, votes) = (graph.learner_name(*learner), two_b.len());
    Statement {
        says: format!("{who} decided in slot {slot}, ballot {ballot}, by {votes} votes"),
        value: Some(*value),
    }
}

fn messages(
    graph: &LearnerGraph,
    first: &Signed<Message>,
    second: &Signed<Message>,
) -> Option<Vec<Vec<Statement>>> {
    let decode = |m: &Signed<Message>| codec::decode::<Message>(m.body(), codec::LARGEST).ok();
    let [first, second] = [decode(first)?, decode(second)?];
    let slot = match contradiction(&first, &second)? {
        Contradiction::TwoAv { slot, .. }
        | Contradiction::TwoB { slot, .. }
        | Contradiction::HiddenVote { slot, .. }
        | Contradiction::HiddenProposal { slot, .. }
        | Contradiction::OneC { slot, .. } => Some(slot),
        Contradiction::OneB { .. } => None,
    };
    let [one, other] = [&first, &second].map(|message| said(message, slot));
    let side = |message: &Message, own: &BTreeSet<Said>, others: &BTreeSet<Said>| {
        let within = match message {
            Message::OneB(one_b) => format!("1b for ballot {}: ", one_b.ballot),
            _ => String::new(),
        };
        let only_here = own.difference(others);
        let left_out = only_here.clone().skip(SHOWN).count();
        let shown = only_here.take(SHOWN);
        let mut shown: Vec<Statement> = shown.map(|said| said.shown(graph, &within)).collect();
        let more = match (left_out, slot) {
            (0, Some(slot)) if shown.is_empty() => Some(format!("nothing else in slot {slot}")),
            (0, _) => None,
            (n, _) => Some(format!("{n} more")),
        };
        shown.extend(more.map(|more| Statement {
            says: format!("{within}{more}"),
            value: None,
        }));
        shown
    };
    Some(vec![
        side(&first, &one, &other),
        side(&second, &other, &one),
    ])
}

/// One thing that a message says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// Of a 1b: what it is about.
    About { low_water: Slot, scope: Scope },
    /// That something was sent.
    Sent {
        slot: Slot,
        kind: &'static str,
        ballot: Ballot,
        value: Digest,
        learners: LearnerSet,
    },
}

impl Said {
    fn shown(&self, graph: &LearnerGraph, within: &str) -> Statement {
        match self {
            Said::About { low_water, scope } => {
                let page = |page: &Page| {
                    format!("{} to {}", page.start, Slot(page.end.0.saturating_sub(1)))
                };
                let about = match scope {
                    Scope::Only(only) => format!("slots {}", page(only)),
                    Scope::AllBut(pages) if pages.is_empty() => String::from("all slots"),
                    Scope::AllBut(pages) => {
                        let pages: Vec<String> = pages.iter().map(page).collect();
                        format!("all slots but {}", list(&pages))
                    }
                };
                Statement {
                    says: format!("{within}about {about}, from slot {low_water} on"),
                    value: None,
                }
            }
            Said::Sent {
                slot,
                kind,
                ballot,
                value,
                learners,
            } => {
                let names = list(&graph.learner_names(learners));
                Statement {
                    says: format!("{within}{kind} in slot {slot}, ballot {ballot}, for {names}"),
                    value: Some(*value),
                }
            }
        }
    }
}

/// What a message says, of one slot if one is named.
fn said(message: &Message, about: Option<Slot>) -> BTreeSet<Said> {
    let asked = |slot: Slot| about.is_none_or(|about| about == slot);
    let sent = |kind, slot, ballot, value, learners| Said::Sent {
        slot,
        kind,
        ballot,
        value,
        learners,
    };
    match message {
        // They contradict nothing.
        Message::OneA { .. } | Message::Wish { .. } => BTreeSet::new(),
        Message::OneB(one_b) => {
            let scope = Said::About {
                low_water: one_b.low_water,
                scope: one_b.scope.clone(),
            };
            let mut all: BTreeSet<Said> = about.is_none().then_some(scope).into_iter().collect();
            for report in one_b.slots.iter().filter(|report| asked(report.slot)) {
                for (kind, entries) in [("2b", &report.votes), ("2av", &report.proposals)] {
                    let one = |e: &Entry| sent(kind, report.slot, e.ballot, e.value, e.learners);
                    all.extend(entries.iter().map(one));
                }
            }
            all
        }
        Message::OneC(one_c) => {
            let proposals = one_c.proposals.iter().filter(|p| asked(p.slot));
            let one = |p: &Proposal| sent("1c", p.slot, one_c.ballot, p.value, p.learners);
            proposals.map(one).collect()
        }
        Message::Votes(votes) => {
            let slots = votes.slots.iter().filter(|votes| asked(votes.slot));
            let all = slots.flat_map(|in_slot| {
                let both = [("2av", in_slot.two_av), ("2b", in_slot.two_b)];
                both.into_iter().filter_map(move |(kind, vote)| {
                    let (value, learners) = vote?;
                    Some(sent(kind, in_slot.slot, votes.ballot, value, learners))
                })
            });
            all.collect()
        }
    }
}

fn list(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use consensus::hpaxos::{OneB, SlotReport, SlotVotes, Votes};
    use crypto::{MemberId, Signer};
    use learner_graph::LearnerId;

    fn value(number: u64) -> Digest {
        Digest::of(&number.to_le_bytes())
    }

    fn learners(of: &[u16]) -> LearnerSet {
        of.iter().map(|l| LearnerId(*l)).collect()
    }

    fn vote(slot: u64, number: u64, of: &[u16]) -> SlotReport {
        SlotReport {
            slot: Slot(slot),
            votes: vec![Entry {
                ballot: Ballot(1),
                value: value(number),
                learners: learners(of),
            }],
            proposals: Vec::new(),
        }
    }

    fn one_b(low_water: u64, slots: Vec<SlotReport>) -> Message {
        Message::OneB(OneB {
            ballot: Ballot(2),
            low_water: Slot(low_water),
            scope: Scope::ALL,
            slots,
        })
    }

    fn two_b(slot: u64, number: u64) -> Message {
        Message::Votes(Votes {
            ballot: Ballot(1),
            slots: vec![SlotVotes {
                slot: Slot(slot),
                two_av: None,
                two_b: Some((value(number), learners(&[0]))),
            }],
        })
    }

    /// What is shown of two messages.
    fn shown(first: &Message, second: &Message) -> [Vec<String>; 2] {
        let config = testing::config("");
        let signer = Signer::new(testing::keypair(1), MemberId(0), config.network.id());
        let [first, second] = [first, second].map(|m| signer.sign(m.clone()).unwrap());
        let evidence = Evidence::Contradiction {
            first: first.signed().clone(),
            second: second.signed().clone(),
        };
        let sides = sides(config.network.graph(), &codec::encode(&evidence));
        let said = sides.into_iter().map(|side| {
            let words = side.into_iter().map(|statement| statement.says);
            words.collect::<Vec<_>>()
        });
        said.collect::<Vec<_>>().try_into().unwrap()
    }

    #[test]
    fn each_side_says_what_the_other_one_does_not() {
        assert_eq!(
            shown(&two_b(0, 1), &two_b(0, 2)),
            [1, 2].map(|_| vec!["2b in slot 0, ballot 1, for alice".to_owned()])
        );
        // The same vote, for others.
        let [one, other] = shown(
            &one_b(0, vec![vote(3, 1, &[0]), vote(4, 1, &[0])]),
            &one_b(0, vec![vote(3, 1, &[0]), vote(4, 1, &[0, 1])]),
        );
        assert_eq!(one, ["1b for ballot 2: 2b in slot 4, ballot 1, for alice"]);
        assert_eq!(
            other,
            ["1b for ballot 2: 2b in slot 4, ballot 1, for alice, bob"]
        );
        let [one, other] = shown(&one_b(0, Vec::new()), &one_b(5, Vec::new()));
        assert_eq!(one, ["1b for ballot 2: about all slots, from slot 0 on"]);
        assert_eq!(other, ["1b for ballot 2: about all slots, from slot 5 on"]);
    }

    #[test]
    fn of_a_hidden_vote_its_slot_is_shown() {
        let many = |but: u64| (0..64).filter(move |slot| *slot != but);
        let report = one_b(0, many(50).map(|slot| vote(slot, 1, &[0])).collect());
        let [vote, report] = shown(&two_b(50, 1), &report);
        assert_eq!(vote, ["2b in slot 50, ballot 1, for alice"]);
        assert_eq!(report, ["1b for ballot 2: nothing else in slot 50"]);
    }

    /// As much as a message can hold, all of it different: were every statement held against every other one, this
    /// would not end.
    #[test]
    fn the_largest_messages_are_shown_and_what_is_left_out_is_counted() {
        let slots = |number: u64| (0..30_000).map(move |slot| vote(slot, number + slot, &[0]));
        let [one, other] = shown(&one_b(0, slots(0).collect()), &one_b(0, slots(1).collect()));
        for side in [one, other] {
            assert_eq!(side.len(), SHOWN + 1);
            assert_eq!(side[SHOWN], "1b for ballot 2: 29980 more");
        }
    }
}
