//! Client values on their way into the log.

use super::batches::Named;
use super::by_digest::ByDigest;
use super::queue::{Load, Place, Queue};
use crate::history::History;
use crate::planted::{Bug, planted};
use crate::{ClientValue, Output, Record, Time, Values};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

/// Values that a node spreads again at once, because nobody has decided them.
const SPREAD_AGAIN: usize = 64;

/// Values that no learner has decided, in the order in which this node heard of them, and what
/// became of those that were decided lately. The history knows about the others.
pub(crate) struct Waiting {
    /// What may wait of this node's own clients.
    max_own: Load,
    /// What waits of them.
    own: Load,
    /// How long it waits before it spreads them again.
    spread_every: Duration,
    spread_at: Time,
    queue: Queue,
    known: ByDigest<Known>,
    /// The learners to which a value has been delivered, as far as the history knows.
    delivered: Box<dyn Fn(&Digest) -> LearnerSet + Send>,
}

#[derive(Debug)]
struct Known {
    heard: Time,
    /// Where it stands in the queue, while it does.
    place: Option<Place>,
    /// Whether a client gave it to this node.
    own: bool,
    /// The learners that decided otherwise where others had it, so that it waits for them.
    owed: LearnerSet,
    /// The learners that have delivered it.
    delivered: LearnerSet,
}

impl Waiting {
    /// Nothing waits yet.
    pub(crate) fn new<W: 'static>(
        max_own: Load,
        patience: Duration,
        history: Arc<dyn History<W>>,
    ) -> Self {
        Waiting {
            max_own,
            own: Load::default(),
            spread_every: patience / 2,
            spread_at: Time::ZERO,
            queue: Queue::default(),
            known: ByDigest::default(),
            delivered: Box::new(move |id| history.delivered(id)),
        }
    }

    /// A client submitted a value, within its bounds: it is kept and spread, or refused.
    pub(crate) fn submit<M, W, E, F>(
        &mut self,
        value: ClientValue,
        now: Time,
        out: &mut Vec<Output<M, W, E, F>>,
    ) {
        let id = value.id();
        if !self.own.has_room(&value, self.max_own, 1) && !self.is_known(&id) {
            return out.push(Output::Full(id));
        }
        self.add(id, || value.clone(), now);
        if self.take_charge(&id) {
            out.push(Output::Persist(Record::Value(value.clone())));
            out.push(Output::SendValue(value));
        }
        out.push(Output::Accepted(id));
    }

    /// Another node spread a value, within its bounds. False if there is no room for it: it will be
    /// spread again.
    pub(crate) fn heard(&mut self, value: ClientValue, now: Time) -> bool {
        // Every node may have as much of its own.
        let room = self.queue.load().has_room(&value, self.max_own, 4);
        if room {
            self.add(value.id(), || value, now);
        }
        room
    }

    /// Takes back a value that a client gave to this node before a restart.
    pub(crate) fn restore(&mut self, value: ClientValue) {
        let id = value.id();
        self.add(id, || value, Time::ZERO);
        self.take_charge(&id);
    }

    /// Spreads again what clients gave to this node and nobody has decided for long: gossip loses
    /// messages, and a restarted node has spread nothing yet.
    pub(crate) fn spread<M, W, E, F>(&mut self, now: Time, out: &mut Vec<Output<M, W, E, F>>) {
        if now < self.spread_at {
            return;
        }
        self.spread_at = now.saturating_add(self.spread_every);
        out.extend(
            self.own()
                .take(SPREAD_AGAIN)
                .cloned()
                .map(Output::SendValue),
        );
    }

    /// Spreads in the next step: there is a new leader.
    pub(crate) fn spread_soon(&mut self) {
        self.spread_at = Time::ZERO;
    }

    /// When `spread` is worth calling again, should there be something to spread.
    pub(crate) fn spread_at(&self) -> Time {
        self.spread_at
    }

    /// Whether clients gave values to this node that wait.
    pub(crate) fn has_own(&self) -> bool {
        self.own.values > 0
    }

    /// How many values wait.
    pub(crate) fn len(&self) -> usize {
        self.load().values
    }

    /// How many values wait, and how large they are.
    pub(crate) fn load(&self) -> Load {
        self.queue.load()
    }

    /// Whether a value waits or was delivered to some learner.
    fn is_known(&self, id: &Digest) -> bool {
        self.known.contains(id) || !(self.delivered)(id).is_empty()
    }

    /// Adds a value, unless it is known already.
    fn add(&mut self, id: Digest, value: impl FnOnce() -> ClientValue, now: Time) {
        if let Entry::Vacant(new) = self.known.entry(id)
            && (self.delivered)(&id).is_empty()
        {
            let place = self.queue.push(id, value());
            new.insert(Known {
                heard: now,
                place: Some(place),
                own: false,
                owed: LearnerSet::EMPTY,
                delivered: LearnerSet::EMPTY,
            });
        }
    }

    /// A client gave this value to this node. True if that is news, and the value still waits.
    fn take_charge(&mut self, id: &Digest) -> bool {
        let Some(known) = self.known.get_mut(id) else {
            return false;
        };
        let news = !std::mem::replace(&mut known.own, true);
        let waits = known.place.and_then(|place| self.queue.get(place));
        match waits {
            Some(value) if news => {
                self.own.add(value);
                true
            }
            _ => false,
        }
    }

    /// Of these learners those to which the same values of a batch are new as to the first of them.
    pub(crate) fn alike(&self, named: &Named, learners: LearnerSet) -> LearnerSet {
        let Some(first) = learners.iter().next() else {
            return learners;
        };
        let mut alike = learners;
        for id in named.values.ids().iter() {
            if alike.len() == 1 {
                break;
            }
            let delivered = self.delivered_to(id);
            if delivered.contains(first) {
                alike &= delivered;
            } else {
                alike -= delivered;
            }
        }
        alike
    }

    /// The learners that have delivered a value.
    fn delivered_to(&self, id: &Digest) -> LearnerSet {
        let known = self.known.get(id);
        known.map_or_else(|| (self.delivered)(id), |k| k.delivered)
    }

    /// Learners that are [alike](Self::alike) decide a value. Returns whether it is new to them, and when it was
    /// heard. What the history knows already, the history alone goes on knowing.
    fn deliver(&mut self, id: Digest, learners: LearnerSet, now: Time) -> (bool, Time) {
        let known = match self.known.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let delivered = (self.delivered)(&id);
                if learners.is_subset(&delivered) && !planted(Bug::DeliverTwice) {
                    return (false, now);
                }
                new.insert(Known {
                    heard: now,
                    place: None,
                    own: false,
                    owed: LearnerSet::EMPTY,
                    delivered,
                })
            }
        };
        let waited = known.place.take().and_then(|at| self.queue.remove(at));
        if let Some(value) = waited
            && known.own
        {
            self.own.remove(&value);
        }
        let new = !learners.is_subset(&known.delivered) || planted(Bug::DeliverTwice);
        known.delivered |= learners;
        (new, known.heard)
    }

    /// Learners that are [alike](Self::alike) decide a batch. Returns the values that are new to them, since one
    /// decided in two slots is delivered once, and when the oldest of them was heard.
    pub(crate) fn deliver_batch(
        &mut self,
        named: &Named,
        learners: LearnerSet,
        now: Time,
    ) -> (Values, Option<Time>) {
        let mut heard = None;
        let new = named.values.picked(|id| {
            let (is_new, since) = self.deliver(*id, learners, now);
            if is_new {
                heard = heard.map_or(Some(since), |h: Time| Some(h.min(since)));
            }
            is_new
        });
        (new, heard)
    }

    /// A learner decided otherwise in the slot in which another one delivered this value: it waits
    /// again, unless that learner has it from elsewhere. True if that is news, and has to be stored.
    pub(crate) fn missed(
        &mut self,
        id: Digest,
        value: &ClientValue,
        learner: LearnerId,
        now: Time,
    ) -> bool {
        let delivered = self.delivered_to(&id);
        // What nobody has delivered waits, or has not been heard of by this way.
        if delivered.is_empty() || delivered.contains(learner) {
            return false;
        }
        let waits = self.place(&id);
        let place = waits.unwrap_or_else(|| self.queue.push(id, value.clone()));
        let known = self.known.entry(id).or_insert(Known {
            heard: now,
            place: None,
            own: false,
            owed: LearnerSet::EMPTY,
            delivered,
        });
        known.place = Some(place);
        if waits.is_none() && known.own {
            self.own.add(value);
        }
        known.owed.insert(learner)
    }

    /// Takes back a value that waited for a learner before a restart. Whoever heard it first may be gone, so
    /// this node spreads it.
    pub(crate) fn restore_owed(&mut self, value: &ClientValue, learner: LearnerId) {
        let id = value.id();
        if self.missed(id, value, learner, Time::ZERO) {
            self.take_charge(&id);
        }
    }

    /// The values that wait for learners that missed them, with these learners.
    pub(crate) fn owed(&self) -> impl Iterator<Item = (&ClientValue, LearnerId)> {
        self.queue.all().flat_map(|(id, value)| {
            let known = self.known.get(id);
            let owed = known.map_or(LearnerSet::EMPTY, |k| k.owed - k.delivered);
            owed.into_iter().map(move |learner| (value, learner))
        })
    }

    /// The history knows what became of the values of this batch: those that do not wait are forgotten.
    pub(crate) fn forget(&mut self, named: &Named) {
        for id in named.values.ids().iter() {
            if let Entry::Occupied(known) = self.known.entry(*id)
                && known.get().place.is_none()
            {
                known.remove();
            }
        }
    }

    /// The place of a value in the queue, if it waits.
    pub(crate) fn place(&self, id: &Digest) -> Option<Place> {
        self.known.get(id)?.place
    }

    /// Whether a value waits.
    pub(crate) fn waits(&self, id: &Digest) -> bool {
        self.place(id).is_some()
    }

    /// Of how many values anything is in memory.
    #[cfg(test)]
    pub(crate) fn known(&self) -> usize {
        self.known.len()
    }

    /// When a value was first heard of, if that is remembered.
    pub(crate) fn since(&self, id: &Digest) -> Option<Time> {
        self.known.get(id).map(|k| k.heard)
    }

    /// The waiting values from a place on, oldest first.
    pub(crate) fn from(&self, at: Place) -> impl Iterator<Item = (Place, &Digest, &ClientValue)> {
        self.queue.from(at)
    }

    /// Values that come from now on have this place or a later one.
    pub(crate) fn end(&self) -> Place {
        self.queue.end()
    }

    /// The waiting values that clients gave to this node, oldest first.
    pub(crate) fn own(&self) -> impl Iterator<Item = &ClientValue> {
        let own = |id: &Digest| self.known.get(id).is_some_and(|k| k.own);
        self.queue
            .all()
            .filter(move |(id, _)| own(id))
            .map(|(_, value)| value)
            .take(self.own.values)
    }

    /// When the oldest waiting value was heard of.
    pub(crate) fn oldest(&self) -> Option<Time> {
        let (id, _) = self.queue.all().next()?;
        self.since(id)
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting {{ waiting: {} }}", self.len())
    }
}

#[cfg(test)]
mod tests;
