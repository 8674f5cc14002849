//! Client values on their way into the log.

use crate::{Batch, ClientValue, Time};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};
use std::collections::BTreeMap;

/// Values that no learner has decided, in the order in which this node heard of them, and what
/// became of the others.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    queue: BTreeMap<u64, (Digest, ClientValue)>,
    known: BTreeMap<Digest, Known>,
    arrivals: u64,
}

#[derive(Debug)]
struct Known {
    heard: Time,
    /// Where it stands in the queue, while it does.
    place: Option<u64>,
    /// Whether a client gave it to this node.
    own: bool,
    /// The learners that have delivered it.
    delivered: LearnerSet,
}

impl Waiting {
    /// How many values wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// How many of them clients gave to this node.
    pub(crate) fn own_len(&self) -> usize {
        self.own().count()
    }

    /// Adds a value. False if it is known already, waiting or delivered.
    pub(crate) fn add(&mut self, id: Digest, value: ClientValue, now: Time) -> bool {
        if self.known.contains_key(&id) {
            return false;
        }
        let place = Some(self.enqueue(id, value));
        self.known.insert(
            id,
            Known {
                heard: now,
                place,
                own: false,
                delivered: LearnerSet::EMPTY,
            },
        );
        true
    }

    /// A client gave this value to this node. True if that is news, and the value still waits.
    pub(crate) fn take_charge(&mut self, id: &Digest) -> bool {
        let Some(known) = self.known.get_mut(id) else {
            return false;
        };
        !std::mem::replace(&mut known.own, true) && known.place.is_some()
    }

    /// Whether a value has been heard of, waiting or delivered.
    pub(crate) fn knows(&self, id: &Digest) -> bool {
        self.known.contains_key(id)
    }

    /// A learner decides a value. Returns whether it is new to that learner, and when it was heard.
    fn deliver(&mut self, id: Digest, learner: LearnerId, now: Time) -> (bool, Time) {
        let known = self.known.entry(id).or_insert(Known {
            heard: now,
            place: None,
            own: false,
            delivered: LearnerSet::EMPTY,
        });
        if let Some(place) = known.place.take() {
            self.queue.remove(&place);
        }
        (known.delivered.insert(learner), known.heard)
    }

    /// A learner decides a batch. Returns the values that are new to it, since one decided in two slots
    /// is delivered once, and when the oldest of them was heard.
    pub(crate) fn deliver_batch(
        &mut self,
        batch: &Batch,
        learner: LearnerId,
        now: Time,
    ) -> (Vec<ClientValue>, Option<Time>) {
        let (mut values, mut heard) = (Vec::new(), None);
        for v in &batch.values {
            let (new, since) = self.deliver(v.id(), learner, now);
            if new {
                values.push(v.clone());
                heard = heard.map_or(Some(since), |h: Time| Some(h.min(since)));
            }
        }
        (values, heard)
    }

    /// A learner decided otherwise in the slot in which another one delivered this value: it waits
    /// again, unless that learner has it from elsewhere.
    pub(crate) fn missed(&mut self, value: &ClientValue, learner: LearnerId) {
        let id = value.id();
        let wanted = |k: &Known| k.place.is_none() && !k.delivered.contains(learner);
        if self.known.get(&id).is_some_and(wanted) {
            let place = self.enqueue(id, value.clone());
            if let Some(known) = self.known.get_mut(&id) {
                known.place = Some(place);
            }
        }
    }

    /// The waiting values, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Digest, &ClientValue)> {
        self.queue.values().map(|(id, value)| (id, value))
    }

    /// The waiting values that clients gave to this node, oldest first.
    pub(crate) fn own(&self) -> impl Iterator<Item = &ClientValue> {
        let own = |id: &Digest| self.known.get(id).is_some_and(|k| k.own);
        self.queue
            .values()
            .filter(move |(id, _)| own(id))
            .map(|(_, value)| value)
    }

    /// When the oldest waiting value was heard of.
    pub(crate) fn oldest(&self) -> Option<Time> {
        let (id, _) = self.queue.values().next()?;
        self.known.get(id).map(|k| k.heard)
    }

    fn enqueue(&mut self, id: Digest, value: ClientValue) -> u64 {
        self.arrivals += 1;
        self.queue.insert(self.arrivals, (id, value));
        self.arrivals
    }
}
