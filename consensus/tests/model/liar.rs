//! What an acceptor that follows no rule has said, all of it, before anything else happens.

use crate::world::{Id, SLOT, World, vote};
use consensus::Ballot;
use consensus::hpaxos::evidence::{Certificate, Evidence};
use consensus::hpaxos::{Entry, Message, OneB, Scope, SlotReport};
use crypto::{Digest, MemberId};
use learner_graph::{AcceptorId, LearnerId};

/// The statements of a liar.
pub struct Liar {
    /// Per place of a ballot, the 1b messages that it may show to somebody first.
    pub one_b: Vec<Vec<Id>>,
    /// 2av and 2b of each value in each ballot for each learner.
    pub votes: Vec<Id>,
    /// Two "decisions" of one learner, with nobody's 2b but its own.
    pub forged: Evidence,
}

impl Liar {
    pub fn new(world: &mut World, acceptor: AcceptorId, ballots: &[u64]) -> Self {
        let me = MemberId(acceptor.0);
        let values: Vec<Digest> = world.values.iter().map(|(_, d)| *d).collect();
        let learners: Vec<LearnerId> = world.network.graph().learners().iter().collect();
        let mut votes = Vec::new();
        for ballot in ballots {
            for value in &values {
                for learner in &learners {
                    for two_b in [false, true] {
                        votes.extend(world.say(me, vote(*ballot, *value, *learner, two_b)));
                    }
                }
            }
        }
        let one_b = ballots.iter().map(|b| {
            let claims = claims(world, *b, ballots[0], &values);
            let said = claims.into_iter().flat_map(|m| world.say(me, m));
            said.collect::<Vec<Id>>()
        });
        let one_b = one_b.collect();
        let forged = Evidence::Disagreement {
            first: certificate(world, me, ballots[0], values[0]),
            second: certificate(world, me, ballots[0], values[1]),
        };
        Liar {
            one_b,
            votes,
            forged,
        }
    }
}

impl Liar {
    /// The 1b that makes most values safe: votes block values, 2av allow them.
    pub fn most_permissive(&self, at: usize) -> Id {
        let all = &self.one_b[at];
        all[1.min(all.len() - 1)]
    }
}

/// A 1b that shows nothing; one that hides all votes and vouches for both values as late as it can; and one
/// per value that claims to have voted for it in the first ballot.
fn claims(world: &World, ballot: u64, first: u64, values: &[Digest]) -> Vec<Message> {
    let learners = world.network.graph().learners();
    let entry = |ballot: u64, value: &Digest| Entry {
        ballot: Ballot(ballot),
        value: *value,
        learners,
    };
    let one_b = |votes: Vec<Entry>, mut proposals: Vec<Entry>| {
        proposals.sort();
        let report = SlotReport {
            slot: SLOT,
            votes,
            proposals,
        };
        let says_something = !report.votes.is_empty() || !report.proposals.is_empty();
        Message::OneB(OneB {
            ballot: Ballot(ballot),
            low_water: SLOT,
            scope: Scope::ALL,
            slots: says_something.then_some(report).into_iter().collect(),
        })
    };
    let mut claims = vec![one_b(vec![], vec![])];
    if ballot > first {
        // A 1b that shows two values of one ballot has no valid form.
        let shown = |v| one_b(vec![], vec![entry(ballot - 1, v)]);
        claims.extend(values.iter().map(shown));
        let voted = |v| one_b(vec![entry(first, v)], vec![entry(first, v)]);
        claims.extend(values.iter().map(voted));
    }
    claims
}

fn certificate(world: &World, liar: MemberId, ballot: u64, value: Digest) -> Certificate {
    let learner = LearnerId(0);
    let two_b = world.signer(liar).sign(vote(ballot, value, learner, true));
    Certificate {
        learner,
        slot: SLOT,
        ballot: Ballot(ballot),
        value,
        two_b: vec![two_b.expect("small").signed().clone()],
    }
}
