//! How a node gets what gossip did not bring.

use super::Paxos;
use super::message::{Body, Message, Vote};
use crate::{Ballot, NoEvidence, Slot, SyncAnswer, SyncRequest};
use crypto::{Digest, MemberId, codec};
use std::collections::BTreeSet;

/// Decisions in one answer, at most.
const MAX_DECISIONS: usize = 1024;

impl Paxos {
    /// What to ask a peer for.
    pub(super) fn sync_request(&self) -> SyncRequest {
        let next = self
            .network
            .graph()
            .learners()
            .iter()
            .map(|_| self.undecided)
            .collect();
        let have: BTreeSet<u64> = self.open().map(|m| name(&m)).collect();
        SyncRequest {
            next,
            have: have.into_iter().collect(),
        }
    }

    /// What helps a peer that asks, at most about `max_bytes` of it.
    pub(super) fn answer(
        &self,
        request: &SyncRequest,
        max_bytes: usize,
    ) -> SyncAnswer<Message, NoEvidence> {
        let have: BTreeSet<u64> = request.have.iter().copied().collect();
        let from = request.next.iter().min().copied().unwrap_or_default();
        let mut messages = self.decisions(from, MAX_DECISIONS);
        messages.extend(self.open().filter(|m| !have.contains(&name(m))));
        let mut bytes = 0;
        let fits = messages.iter().take_while(|m| {
            let room = bytes == 0 || bytes < max_bytes;
            bytes += codec::encoded_len(*m);
            room
        });
        let fits = fits.count();
        messages.truncate(fits);
        SyncAnswer {
            messages,
            evidence: Vec::new(),
        }
    }

    /// The decisions in memory from a slot on, said by this node; none if it is no member.
    pub(super) fn decisions(&self, from: Slot, max: usize) -> Vec<Message> {
        let vote = |(slot, (ballot, value)): (&Slot, &(_, _))| Vote {
            slot: *slot,
            ballot: *ballot,
            value: *value,
        };
        let votes: Vec<Vote> = self.decided.range(from..).map(vote).take(max).collect();
        let me = self.config.me.filter(|_| !votes.is_empty());
        me.map(|from| Message {
            from,
            body: Body::Decided { votes },
        })
        .into_iter()
        .collect()
    }

    /// Everything about the present ballot and the open slots, as it was said.
    fn open(&self) -> impl Iterator<Item = Message> {
        let wish = |(from, ballot): (&MemberId, &Ballot)| Message {
            from: *from,
            body: Body::Wish { ballot: *ballot },
        };
        let wishes = self
            .wishes
            .iter()
            .filter(|(_, b)| **b > self.ballot)
            .map(wish);
        let slots = self.received.slots().flat_map(|(slot, _)| self.about(slot));
        wishes
            .chain(self.received.joining(self.ballot))
            .chain(slots)
    }

    /// The 2a and 2b of an open slot.
    fn about(&self, slot: Slot) -> Vec<Message> {
        let (two_a, two_b) = self.received.votes_in(slot);
        let mut messages = Vec::new();
        if let Some(Vote { ballot, value, .. }) = two_a
            && let Some(from) = self.network.owner(ballot)
        {
            let body = Body::TwoA {
                ballot,
                values: vec![(slot, value)],
            };
            messages.push(Message { from, body });
        }
        for (senders, Vote { ballot, value, .. }) in two_b {
            for from in senders.iter().filter_map(|a| self.network.player(a)) {
                let body = Body::TwoB {
                    ballot,
                    values: vec![(slot, value)],
                };
                messages.push(Message { from, body });
            }
        }
        messages
    }
}

fn name(message: &Message) -> u64 {
    crate::io::short_name(&Digest::of_encoded(message))
}
