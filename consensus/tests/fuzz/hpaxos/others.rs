//! The other members: they say whatever the input makes them say, now and then something that helps.

use super::{Batch, Input, Message, PAGE, Verified};
use crate::MEMBERS;
use crate::source::Source;
use consensus::hpaxos::evidence::{Certificate, Evidence};
use consensus::hpaxos::{Entry, OneB, OneC, Proposal, Scope, SlotReport, SlotVotes, Votes};
use consensus::{Ballot, Network, Page};
use crypto::{Digest, Signer};
use learner_graph::LearnerId;

pub(super) struct Others {
    signers: Vec<Signer>,
    me: u16,
    /// Everything that any member has signed so far.
    said: Vec<Verified<Message>>,
    /// The last votes of the node under test.
    votes: Option<Votes>,
    /// The last batch that it made.
    made: Digest,
}

impl Others {
    pub(super) fn new(signers: Vec<Signer>, me: u16) -> Self {
        let made = Batch::default().digest();
        Others {
            signers,
            me,
            said: Vec::new(),
            votes: None,
            made,
        }
    }

    /// The node under test has said something.
    pub(super) fn heard(&mut self, message: &Verified<Message>) {
        if let Message::Votes(votes) = &**message {
            self.votes = Some(votes.clone());
        }
        self.said.push(message.clone());
    }

    pub(super) fn heard_batch(&mut self, batch: &Batch) {
        self.made = batch.digest();
    }

    /// What one or all of the others say now.
    pub(super) fn say(&mut self, source: &mut Source, network: &Network) -> Vec<Input> {
        match source.below(16) {
            0 | 1 => {
                let ballot = source.ballot();
                self.by_owner(network, Message::OneA { ballot })
            }
            2 => {
                let one_b = self.one_b(source);
                self.by_any(source, Message::OneB(one_b))
            }
            3 | 4 => {
                let ballot = source.ballot();
                let slots = Vec::new();
                let low_water = Default::default();
                self.by_all(Message::OneB(OneB {
                    ballot,
                    low_water,
                    scope: Scope::ALL,
                    slots,
                }))
            }
            5 | 6 => {
                let one_c = self.one_c(source);
                self.by_owner(network, Message::OneC(one_c))
            }
            7 => {
                let votes = self.arbitrary_votes(source);
                self.by_any(source, Message::Votes(votes))
            }
            8 => {
                let votes = self.arbitrary_votes(source);
                self.by_all(Message::Votes(votes))
            }
            9 | 10 => self.echo(source),
            11 => {
                let ballot = source.ballot();
                self.by_any(source, Message::Wish { ballot })
            }
            12 => {
                let ballot = source.ballot();
                self.by_all(Message::Wish { ballot })
            }
            13 => source
                .pick(&self.said)
                .cloned()
                .map(Input::Message)
                .into_iter()
                .collect(),
            14 => {
                let any = self.any_message(source);
                self.by_any(source, any)
            }
            _ => self.evidence(source),
        }
    }

    /// Signed by one of the others, whether that one may say such a thing or not.
    fn by_any(&mut self, source: &mut Source, message: Message) -> Vec<Input> {
        let others: Vec<u16> = (0..MEMBERS).filter(|i| *i != self.me).collect();
        let from = others[source.below(others.len())];
        self.by(from, message).into_iter().collect()
    }

    fn by_all(&mut self, message: Message) -> Vec<Input> {
        let others = (0..MEMBERS).filter(|i| *i != self.me);
        others
            .collect::<Vec<_>>()
            .into_iter()
            .filter_map(|i| self.by(i, message.clone()))
            .collect()
    }

    /// Signed by the owner of its ballot, if that is not the node under test.
    fn by_owner(&mut self, network: &Network, message: Message) -> Vec<Input> {
        let owner = network.owner(message.ballot()).filter(|o| o.0 != self.me);
        owner
            .and_then(|o| self.by(o.0, message))
            .into_iter()
            .collect()
    }

    /// Nothing for what has no canonical form: nobody could have signed it.
    fn by(&mut self, from: u16, message: Message) -> Option<Input> {
        let message = self.signers[usize::from(from)].sign(message).ok()?;
        self.said.push(message.clone());
        Some(Input::Message(message))
    }

    fn any_message(&self, source: &mut Source) -> Message {
        match source.below(4) {
            0 => Message::OneA {
                ballot: source.ballot(),
            },
            1 => Message::OneB(self.one_b(source)),
            2 => Message::OneC(self.one_c(source)),
            _ => Message::Votes(self.arbitrary_votes(source)),
        }
    }

    fn value(&self, source: &mut Source) -> Digest {
        match source.byte() {
            0..200 => source.digest(),
            _ => self.made,
        }
    }

    fn entry(&self, source: &mut Source) -> Entry {
        Entry {
            ballot: source.ballot(),
            value: self.value(source),
            learners: source.learners(),
        }
    }

    fn one_b(&self, source: &mut Source) -> OneB {
        let mut slots = source.several(3, |s| SlotReport {
            slot: s.slot(),
            votes: s.several(2, |s| self.entry(s)),
            proposals: s.several(2, |s| self.entry(s)),
        });
        sort_mostly(source, &mut slots, |r| r.slot);
        OneB {
            ballot: source.ballot(),
            low_water: if source.byte() < 200 {
                Default::default()
            } else {
                source.slot()
            },
            scope: match source.byte() {
                0..200 => Scope::ALL,
                200..220 => Scope::AllBut(vec![Page::of(source.slot(), PAGE)]),
                _ => Scope::Only(Page::of(source.slot(), PAGE)),
            },
            slots,
        }
    }

    fn one_c(&self, source: &mut Source) -> OneC {
        let mut proposals = source.several(4, |s| Proposal {
            slot: s.slot(),
            value: self.value(s),
            learners: s.learners(),
        });
        sort_mostly(source, &mut proposals, |p| p.slot);
        OneC {
            ballot: source.ballot(),
            proposals,
        }
    }

    fn arbitrary_votes(&self, source: &mut Source) -> Votes {
        let said = |s: &mut Source| Some((self.value(s), s.learners()));
        let mut slots = source.several(3, |s| {
            let which = s.below(8);
            SlotVotes {
                slot: s.slot(),
                two_av: if which % 2 == 0 { said(s) } else { None },
                two_b: if which > 2 { said(s) } else { None },
            }
        });
        sort_mostly(source, &mut slots, |v| v.slot);
        Votes {
            ballot: source.ballot(),
            slots,
        }
    }

    /// All say what the node under test has said last: for the same values 2av, 2b or both.
    fn echo(&mut self, source: &mut Source) -> Vec<Input> {
        let Some(mut votes) = self.votes.clone() else {
            return Vec::new();
        };
        let which = source.below(3);
        for slot in &mut votes.slots {
            let said = slot.two_av.or(slot.two_b);
            slot.two_av = said.filter(|_| which != 1);
            slot.two_b = said.filter(|_| which != 0);
        }
        self.by_all(Message::Votes(votes))
    }

    /// Two statements or two certificates, which prove something or not.
    fn evidence(&mut self, source: &mut Source) -> Vec<Input> {
        let pick = |s: &mut Source| s.pick(&self.said).map(|m| m.signed().clone());
        let evidence = if source.below(2) == 0 {
            let (Some(first), Some(second)) = (pick(source), pick(source)) else {
                return Vec::new();
            };
            Evidence::Contradiction { first, second }
        } else {
            Evidence::Disagreement {
                first: self.certificate(source),
                second: self.certificate(source),
            }
        };
        vec![Input::Evidence(evidence)]
    }

    /// Made of what was said, around a vote that somebody has cast.
    fn certificate(&self, source: &mut Source) -> Certificate {
        let cast = |m: &Verified<Message>| match &**m {
            Message::Votes(v) => v
                .slots
                .first()
                .and_then(|s| Some((v.ballot, s.slot, s.two_b?.0))),
            _ => None,
        };
        let all: Vec<_> = self.said.iter().filter_map(cast).collect();
        let digest = source.digest();
        let (ballot, slot, value) =
            source
                .pick(&all)
                .copied()
                .unwrap_or((Ballot(1), Default::default(), digest));
        let those = self
            .said
            .iter()
            .filter(|m| cast(m) == Some((ballot, slot, value)));
        let mut two_b: Vec<_> = those.map(|m| m.signed().clone()).take(6).collect();
        two_b.truncate(source.below(8));
        Certificate {
            learner: LearnerId(source.below(4) as u16),
            slot,
            ballot,
            value,
            two_b,
        }
    }
}

/// In the order that the form asks for, most of the time.
fn sort_mostly<T, K: Ord>(source: &mut Source, items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    if source.byte() < 230 {
        items.sort_by_key(&key);
        items.dedup_by_key(|i| key(i));
    }
}
