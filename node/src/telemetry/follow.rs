//! Values as the engine sees them: when they came to this node, and what became of them.

use super::span::{Span, named, proposal, trace};
use super::{MAX_VALUES, Telemetry};
use consensus::{Ballot, Batch, ClientValue, Decision, Slot};
use crypto::Digest;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The values that came to this node lately. The engine's own: nobody else waits for it.
pub(crate) struct Follow {
    telemetry: Arc<Telemetry>,
    heard: HashMap<Digest, SystemTime>,
    order: VecDeque<Digest>,
}

impl Follow {
    pub(crate) fn new(telemetry: Arc<Telemetry>) -> Self {
        Follow {
            telemetry,
            heard: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// These values are here.
    pub(crate) fn heard<'a>(&mut self, values: impl IntoIterator<Item = &'a ClientValue>) {
        for id in values.into_iter().map(ClientValue::id) {
            if !self.telemetry.follows(&id) || self.heard.contains_key(&id) {
                continue;
            }
            self.heard.insert(id, SystemTime::now());
            self.order.push_back(id);
            if self.order.len() > MAX_VALUES
                && let Some(oldest) = self.order.pop_front()
            {
                self.heard.remove(&oldest);
            }
        }
    }

    /// This node leads a ballot and has told everybody that these values are to be in a slot.
    pub(crate) fn proposed(&self, batch: &Batch, slot: Slot, ballot: Ballot) {
        let now = SystemTime::now();
        for id in batch.values.iter().map(ClientValue::id) {
            if !self.telemetry.follows(&id) {
                continue;
            }
            let since = self.heard.get(&id).copied().unwrap_or(now);
            let name = proposal(&id, slot.0, ballot.0);
            let span = Span::new(&id, name, "propose", since, now)
                .under_root(&id)
                .number("hpaxos.slot", slot.0)
                .number("hpaxos.ballot", ballot.0)
                .number("hpaxos.batch.values", batch.values.len() as u64);
            self.telemetry.emit(span);
        }
    }

    /// A learner that this node plays has delivered a decision, so long after its oldest value was heard of.
    pub(crate) fn decided(&self, learner: &str, decision: &Decision, after: Option<Duration>) {
        let now = SystemTime::now();
        let heard = after.and_then(|after| now.checked_sub(after));
        for id in decision.values.ids().iter() {
            if !self.telemetry.follows(id) {
                continue;
            }
            let since = self.heard.get(id).copied().or(heard).unwrap_or(now);
            let node = &self.telemetry.node;
            let name = named(id, &format!("decide {node} {learner}"));
            let (slot, ballot) = (decision.slot.0, decision.ballot.0);
            let span = Span::new(id, name, format!("decide {learner}"), since, now)
                .under_root(id)
                .text("hpaxos.learner", learner)
                .number("hpaxos.slot", slot)
                .number("hpaxos.ballot", ballot)
                .number("hpaxos.batch.values", decision.values.len() as u64)
                .link(&trace(id), &proposal(id, slot, ballot));
            self.telemetry.emit(span);
        }
    }
}
