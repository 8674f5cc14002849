//! What stands for everything stored so far.

use super::{Body, Message, Paxos, Record};
use crate::Batch;
use crate::planted::{Bug, planted};
use crypto::{Digest, MemberId};

impl Paxos {
    /// The records of a node that comes where this one is without ever having been elsewhere.
    pub(super) fn checkpoint(&self) -> Vec<Record> {
        // What the history has is durable there. What nothing names any more may be voted for yet, and counts as stored
        // here as long as it is in memory.
        let named = self.named(self.next);
        let needed = |digest: &Digest| named.contains(digest) || !self.batches.are_old(digest);
        let batches = self.batches.kept().filter(|kept| needed(&kept.digest));
        let batches = batches.map(|kept| Record::Batch(Batch::clone(&kept.batch)));
        let mut records: Vec<Record> = batches.collect();
        if let Some(me) = self.config.me {
            self.statements(me, &mut records);
        }
        records.extend(self.waiting.own().cloned().map(Record::Value));
        records
    }

    fn statements(&self, from: MemberId, records: &mut Vec<Record>) {
        let mut bodies = Vec::new();
        // Whoever plays no acceptor relies on the history all the same.
        records.push(Record::LowWater(self.low_water()));
        if let Some(acceptor) = &self.acceptor {
            bodies.extend(acceptor.said());
            for body in &mut bodies {
                if let (Body::TwoB { values, .. }, true) =
                    (body, planted(Bug::PaxosCheckpointWithoutVotes))
                {
                    values.clear();
                }
            }
        }
        bodies.extend(self.proposer.iter().flat_map(|p| p.said()));
        let messages = bodies.into_iter().map(|body| Message { from, body });
        records.extend(messages.map(Record::Message));
        let decided = self.decisions(self.next, usize::MAX);
        records.extend(decided.into_iter().map(Record::Message));
    }
}
