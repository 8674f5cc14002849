//! Rule 7: no 2av and no 2b before the value's bytes are stored.

use crate::oracle::{Place, Verdict, Violation};
use consensus::Record;
use consensus::hpaxos::Message;
use consensus::hpaxos::evidence::Evidence;
use crypto::{Digest, Signed};
use std::collections::BTreeSet;

/// The values whose bytes each node has stored.
#[derive(Debug, Default)]
pub struct Stored(BTreeSet<(Place, Digest)>);

impl Stored {
    /// A record of a node is durable. `own` is the message, if it is one that the node says itself.
    ///
    /// # Errors
    /// If it votes for a value whose bytes it has not.
    pub fn durable(
        &mut self,
        place: Place,
        record: &Record<Signed<Message>, Evidence>,
        own: Option<&Message>,
    ) -> Verdict {
        if let Record::Batch(batch) = record {
            self.0.insert((place, batch.digest()));
        }
        let Some(Message::Votes(votes)) = own else {
            return Ok(());
        };
        for said in &votes.slots {
            for (value, _) in said.two_av.iter().chain(&said.two_b) {
                if !self.0.contains(&(place, *value)) {
                    let slot = said.slot;
                    let what = format!(
                        "it votes in slot {slot} for a value whose bytes it has not stored"
                    );
                    return Err(Violation::of("rule 7: bytes before votes", what));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::hpaxos::{SlotVotes, Votes};
    use consensus::{Ballot, Batch, Slot};
    use crypto::{Keypair, MemberId, NetworkId, Signer};
    use learner_graph::LearnerSet;

    #[test]
    fn a_vote_for_bytes_that_are_not_stored_is_found() {
        let batch = Batch::default();
        let vote = Message::Votes(Votes {
            ballot: Ballot(1),
            slots: vec![SlotVotes {
                slot: Slot(0),
                two_av: None,
                two_b: Some((batch.digest(), LearnerSet::first(1))),
            }],
        });
        let network = NetworkId(Digest::of(b"net"));
        let signer = Signer::new(Keypair::from_seed([1; 32]), MemberId(0), network);
        let signed = signer.sign(vote.clone()).expect("small").signed().clone();
        let record = Record::Message(signed);
        let mut stored = Stored::default();
        let early = stored.durable(0, &record, Some(&vote));
        assert_eq!(
            early.expect_err("early").invariant,
            "rule 7: bytes before votes"
        );
        stored
            .durable(1, &Record::Batch(batch.clone()), None)
            .expect("no vote");
        stored
            .durable(0, &record, Some(&vote))
            .expect_err("another node's bytes");
        stored
            .durable(0, &Record::Batch(batch), None)
            .expect("no vote");
        stored
            .durable(0, &record, Some(&vote))
            .expect("the bytes are there");
    }
}
