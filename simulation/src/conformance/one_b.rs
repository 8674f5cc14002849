//! The 1b messages of `msgs`: each is kept once, and `received` names it by number.
//!
//! They are compared by value. Since `votes` and `proposals` are sets, the order in which a message lists
//! them does not count.

use super::{AcceptorId, Ballot, LearnerId, Slot, Vote};
use consensus::hpaxos::Scope;
use consensus::hpaxos::trace::{Msg, Said};
use std::collections::BTreeMap;

/// One 1b message, about every slot of `scope` from `low_water` on.
#[derive(Clone, Debug)]
pub(crate) struct OneB {
    pub(crate) lr: LearnerId,
    pub(crate) acc: AcceptorId,
    pub(crate) bal: Ballot,
    pub(crate) low_water: Slot,
    pub(crate) scope: Scope,
    /// What it says about the slots in which it says anything; slots ascending.
    slots: Vec<Said>,
    /// Whether it is in `msgs`.
    sent: bool,
}

impl OneB {
    /// Whether it says anything about a slot: in the instances of others it was not sent.
    pub(crate) fn covers(&self, slot: Slot) -> bool {
        self.low_water <= slot && self.scope.contains(slot)
    }

    /// HPaxos: `votes` in the instance of a slot.
    pub(crate) fn votes(&self, slot: Slot) -> &[Vote] {
        self.said(slot).map_or(&[], |said| &said.votes)
    }

    /// HPaxos: `proposals` in the instance of a slot.
    pub(crate) fn proposals(&self, slot: Slot) -> &[Vote] {
        self.said(slot).map_or(&[], |said| &said.proposals)
    }

    /// The slots about which it says more than nothing.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().map(|said| said.slot)
    }

    fn said(&self, slot: Slot) -> Option<&Said> {
        let at = self.slots.binary_search_by_key(&slot, |said| said.slot);
        self.slots.get(at.ok()?)
    }
}

/// All 1b messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneBs {
    all: Vec<OneB>,
    by: BTreeMap<(AcceptorId, Ballot, LearnerId), Vec<usize>>,
}

impl OneBs {
    /// The message of this number.
    pub(crate) fn get(&self, id: usize) -> &OneB {
        &self.all[id]
    }

    /// The number of a message that is in `msgs`.
    pub(crate) fn sent(&self, m: &Msg) -> Option<usize> {
        self.find(m).filter(|id| self.all[*id].sent)
    }

    /// Adds a message to `msgs`.
    pub(crate) fn send(&mut self, m: &Msg) {
        if let Some(id) = self.known(m) {
            self.all[id].sent = true;
        }
    }

    /// The messages of an acceptor in `msgs`.
    pub(crate) fn of(&self, acc: AcceptorId) -> impl Iterator<Item = &OneB> {
        let first = (acc, Ballot(0), LearnerId(0));
        let last = (acc, Ballot(u64::MAX), LearnerId(u16::MAX));
        let ids = self.by.range(first..=last).flat_map(|(_, ids)| ids);
        ids.map(|id| &self.all[*id]).filter(|m| m.sent)
    }

    /// The messages of an acceptor for one ballot and learner in `msgs`.
    pub(crate) fn at(
        &self,
        acc: AcceptorId,
        bal: Ballot,
        lr: LearnerId,
    ) -> impl Iterator<Item = &OneB> {
        let ids = self.by.get(&(acc, bal, lr)).into_iter().flatten();
        ids.map(|id| &self.all[*id]).filter(|m| m.sent)
    }

    /// The number of a message, sent or not; none for other kinds.
    pub(crate) fn known(&mut self, m: &Msg) -> Option<usize> {
        let Msg::OneB {
            lr,
            acc,
            bal,
            low_water,
            scope,
            slots,
        } = m
        else {
            return None;
        };
        if let Some(id) = self.find(m) {
            return Some(id);
        }
        let id = self.all.len();
        self.all.push(OneB {
            lr: *lr,
            acc: *acc,
            bal: *bal,
            low_water: *low_water,
            scope: scope.clone(),
            slots: by_slot(slots),
            sent: false,
        });
        self.by.entry((*acc, *bal, *lr)).or_default().push(id);
        Some(id)
    }

    fn find(&self, m: &Msg) -> Option<usize> {
        let Msg::OneB {
            lr,
            acc,
            bal,
            low_water,
            scope,
            slots,
        } = m
        else {
            return None;
        };
        let same = |id: &usize| {
            let other = &self.all[*id];
            (other.low_water, &other.scope) == (*low_water, scope)
                && same_slots(&other.slots, slots)
        };
        let ids = self.by.get(&(*acc, *bal, *lr))?;
        ids.iter().copied().find(same)
    }
}

/// What a 1b says, slots ascending and one entry for each, as nodes send it. Liars need not.
fn by_slot(slots: &[Said]) -> Vec<Said> {
    if slots.is_sorted_by(|a, b| a.slot < b.slot) {
        return slots.to_vec();
    }
    let mut merged: BTreeMap<Slot, Said> = BTreeMap::new();
    for said in slots {
        let entry = merged.entry(said.slot).or_insert_with(|| Said {
            slot: said.slot,
            votes: Vec::new(),
            proposals: Vec::new(),
        });
        entry.votes.extend(&said.votes);
        entry.proposals.extend(&said.proposals);
    }
    merged.into_values().collect()
}

fn same_slots(kept: &[Said], other: &[Said]) -> bool {
    let same = |(a, b): (&Said, &Said)| {
        a.slot == b.slot && same_set(&a.votes, &b.votes) && same_set(&a.proposals, &b.proposals)
    };
    if other.is_sorted_by(|a, b| a.slot < b.slot) {
        kept.len() == other.len() && kept.iter().zip(other).all(same)
    } else {
        same_slots(kept, &by_slot(other))
    }
}

/// Whether two lists have the same members.
pub(crate) fn same_set(a: &[Vote], b: &[Vote]) -> bool {
    a == b || set(a) == set(b)
}

fn set(votes: &[Vote]) -> Vec<Vote> {
    let mut votes = votes.to_vec();
    votes.sort_unstable();
    votes.dedup();
    votes
}
