//! HPaxos: `received`: what this node has received, its own messages included.
//!
//! Kept by slot and ballot in the form in which the rules ask for it, together with the signed
//! messages themselves: they justify what this node says (rule 9), prove what others did, and are
//! handed to nodes that missed them.

use super::evidence::Evidence;
use super::message::{Message, OneB, OneC, SlotVotes, Votes};
use super::one_bs::OneBs;
use super::tally::Tally;
use crate::planted::{Bug, planted};
use crate::{Ballot, Page, Slot, Time};
use crypto::{Digest, MemberId, Verified};
use learner_graph::{AcceptorId, LearnerSet};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Different values that are kept per acceptor, slot, ballot and kind. A safe acceptor sends one.
const MAX_VALUES: usize = 4;
/// 1b messages kept per acceptor. Ballots change rarely; a flood evicts only the flooder's own.
const MAX_ONE_B: usize = 32;
/// Parts of 1b about single pages that are kept per acceptor, at most.
const MAX_PARTS: usize = 64;
/// 1a messages kept per proposer.
const MAX_ONE_A: usize = 8;
/// Ballots of which a proposer's 1c are kept in a slot: the highest. An acceptor votes for what is announced in the
/// ballot that it has joined; who announces in so many higher ones before others have joined them withdraws what it
/// announced in this one, to its own harm. What was voted stands on the 1b of its ballot, not on the 1c, and votes name
/// the values whose bytes are needed.
const MAX_ONE_C: usize = 8;

/// What a message did to what is known.
#[derive(Debug)]
pub(super) enum Novelty {
    /// Nothing in it was new.
    Known,
    /// It says something new.
    New,
    /// It is new and contradicts an earlier statement of its signer.
    Contradicts(Box<Evidence>),
}

/// All messages that may still matter.
#[derive(Debug, Default)]
pub(super) struct Received {
    one_a: BTreeMap<MemberId, BTreeMap<Ballot, Verified<Message>>>,
    one_b: BTreeMap<Ballot, OneBs>,
    slots: BTreeMap<Slot, SlotReceived>,
    /// Frozen pages: nothing about them is here, and nothing is taken in.
    frozen: BTreeSet<Page>,
}

/// What was received about one slot.
#[derive(Debug, Default)]
pub(super) struct SlotReceived {
    /// When it came into memory.
    since: Time,
    /// When some learner was seen to decide it, if that was after.
    decided: Option<Time>,
    one_c: BTreeMap<Ballot, Announced>,
    said: BTreeMap<(Ballot, AcceptorId), Vec<Verified<Message>>>,
    two_av: BTreeMap<(Ballot, Digest), Tally>,
    two_b: BTreeMap<(Ballot, Digest), Tally>,
}

/// HPaxos: AnnouncedValue: the first value that the owner of a ballot announced for the slot.
#[derive(Debug)]
pub(super) struct Announced {
    /// When it was first heard.
    pub(super) since: Time,
    pub(super) value: Digest,
    pub(super) learners: LearnerSet,
    messages: Vec<Verified<Message>>,
}

impl Received {
    /// HPaxos: InitializedBallot: the highest ballot with a 1a above `above` and up to `limit`, started
    /// by a proposer that `counts`.
    pub(super) fn initialized(
        &self,
        above: Ballot,
        limit: Ballot,
        counts: impl Fn(MemberId) -> bool,
    ) -> Option<Ballot> {
        if above >= limit {
            return None;
        }
        let range = (Bound::Excluded(above), Bound::Included(limit));
        let started = self.one_a.iter().filter(|(from, _)| counts(**from));
        started
            .filter_map(|(_, m)| m.range(range).next_back())
            .map(|(b, _)| *b)
            .max()
    }

    /// The 1b messages of a ballot.
    pub(super) fn one_bs(&self, ballot: Ballot) -> Option<&OneBs> {
        self.one_b.get(&ballot)
    }

    /// The ballots of which some 1b is here, descending.
    pub(super) fn joined_ballots(&self) -> impl Iterator<Item = (Ballot, &OneBs)> {
        self.one_b.iter().rev().map(|(b, o)| (*b, o))
    }

    /// What is known about a slot.
    pub(super) fn slot(&self, slot: Slot) -> Option<&SlotReceived> {
        self.slots.get(&slot)
    }

    /// The slots of which anything is known, from `slot` on.
    pub(super) fn slots_from(
        &self,
        slot: Slot,
    ) -> impl DoubleEndedIterator<Item = (Slot, &SlotReceived)> {
        self.slots.range(slot..).map(|(s, r)| (*s, r))
    }

    /// Some learner has decided a slot.
    pub(super) fn decided(&mut self, slot: Slot, now: Time) {
        if let Some(slot) = self.slots.get_mut(&slot) {
            slot.decided.get_or_insert(now);
        }
    }

    /// Forgets every slot below the low-water mark.
    pub(super) fn drop_below(&mut self, low_water: Slot) {
        self.slots = self.slots.split_off(&low_water);
        self.frozen.retain(|page| page.end > low_water);
        self.retain_parts(|page| page.end > low_water);
    }

    fn retain_parts(&mut self, keep: impl Fn(&Page) -> bool) {
        for one_bs in self.one_b.values_mut() {
            one_bs.retain_parts(&keep);
        }
        self.one_b.retain(|_, one_bs| !one_bs.is_empty());
    }

    /// The frozen pages, ascending.
    pub(super) fn frozen(&self) -> impl Iterator<Item = Page> {
        self.frozen.iter().copied()
    }

    /// Whether some slot of a page is of a frozen one.
    pub(super) fn has_frozen(&self, page: &Page) -> bool {
        self.is_frozen(page.start) || self.is_frozen(Slot(page.end.0.saturating_sub(1)))
    }

    /// The frozen page of a slot, if it is of one.
    pub(super) fn frozen_page(&self, slot: Slot) -> Option<Page> {
        Page::among(&self.frozen, slot)
    }

    /// Whether a slot is of a frozen page.
    pub(super) fn is_frozen(&self, slot: Slot) -> bool {
        self.frozen_page(slot).is_some()
    }

    /// The frozen pages, ascending, neighbours as one.
    pub(super) fn frozen_runs(&self) -> Vec<Page> {
        let mut runs: Vec<Page> = Vec::new();
        for page in &self.frozen {
            match runs.last_mut().filter(|last| last.end >= page.start) {
                Some(last) => last.end = last.end.max(page.end),
                None => runs.push(*page),
            }
        }
        runs
    }

    /// The slots from `from` up to `end` that are not of frozen pages.
    pub(super) fn hot(&self, from: Slot, end: Slot) -> impl Iterator<Item = Slot> {
        let mut runs = self.frozen_runs().into_iter();
        let (mut next, mut run) = (from, runs.next());
        std::iter::from_fn(move || {
            while let Some(page) = run.filter(|page| page.start <= next) {
                next = next.max(page.end);
                run = runs.next();
            }
            let slot = next;
            next = slot.next();
            (slot < end).then_some(slot)
        })
    }

    /// Everything that is needed to go on with a page: what was said about it, the older ballots first, after
    /// what justifies it.
    pub(super) fn about(&self, page: Page) -> Vec<Verified<Message>> {
        let slots = self.slots.range(page.start..page.end);
        let said = slots.clone().flat_map(|(_, s)| s.said.values().flatten());
        let one_c = slots.flat_map(|(_, s)| s.one_c.values().flat_map(|a| &a.messages));
        let mut said: Vec<_> = one_c.chain(said).collect();
        // What is said twice in a slot stays in its order.
        said.sort_by_key(|m| m.ballot());
        let voted: BTreeSet<Ballot> = said.iter().map(|m| m.ballot()).collect();
        let joined = self.one_b.iter().filter(|(b, _)| voted.contains(b));
        let joined = joined.flat_map(|(_, o)| o.messages());
        let parts = self.one_b.values().flat_map(OneBs::parts);
        let parts = parts.filter(|(of, ..)| of.overlaps(&page));
        let parts = parts.map(|(.., m)| m);
        let mut seen = BTreeSet::new();
        let all = joined.chain(parts).chain(said);
        all.filter(|m| seen.insert(m.id())).cloned().collect()
    }

    /// Forgets a page, and what is said about it from now on.
    pub(super) fn freeze(&mut self, page: Page) {
        self.slots.retain(|slot, _| !page.contains(*slot));
        self.retain_parts(|of| !of.overlaps(&page));
        self.frozen.insert(page);
    }

    /// What is said about a page counts again.
    pub(super) fn thaw(&mut self, page: Page) {
        self.frozen.remove(&page);
    }

    /// HPaxos: Recv of a 1a.
    pub(super) fn one_a(&mut self, message: &Verified<Message>) -> Novelty {
        let kept = self.one_a.entry(message.signer()).or_default();
        if kept.insert(message.ballot(), message.clone()).is_some() {
            return Novelty::Known;
        }
        if kept.len() > MAX_ONE_A
            && let Some((lowest, _)) = kept.pop_first()
            && lowest == message.ballot()
        {
            return Novelty::Known;
        }
        Novelty::New
    }

    /// HPaxos: Recv of a 1b, or of a part of one.
    pub(super) fn one_b(
        &mut self,
        one_b: &OneB,
        acceptor: AcceptorId,
        message: &Verified<Message>,
        own: bool,
    ) -> Novelty {
        let ballot = one_b.ballot;
        let known = self.one_b.get(&ballot);
        if let Some(known) = known.and_then(|o| o.get(acceptor, &one_b.scope)) {
            return if known.id() == message.id() {
                Novelty::Known
            } else {
                against([known], message)
            };
        }
        let part = one_b.scope.page();
        // What this node itself has said it must not forget.
        if part.is_some() && !own && !self.has_room_for(ballot, acceptor) {
            return Novelty::Known;
        }
        let sent = |o: &&mut OneBs| o.senders().contains(acceptor);
        if part.is_none()
            && self.one_b.values_mut().filter(sent).count() >= MAX_ONE_B
            && let Some((lowest, one_bs)) = self
                .one_b
                .iter_mut()
                .find(|(_, o)| o.senders().contains(acceptor))
        {
            if *lowest > ballot {
                return Novelty::Known;
            }
            one_bs.remove(acceptor);
            self.one_b.retain(|_, o| !o.is_empty());
        }
        let earlier = self
            .slots
            .values()
            .flat_map(|s| s.said_before(ballot, acceptor));
        let earlier: BTreeMap<Digest, &Verified<Message>> = earlier.map(|m| (m.id(), m)).collect();
        let novelty = against(earlier.into_values(), message);
        self.one_b
            .entry(ballot)
            .or_default()
            .insert(acceptor, message.clone());
        novelty
    }

    /// Makes room for a part of a 1b of this ballot: older ones are given up for it. False if there are none.
    fn has_room_for(&mut self, ballot: Ballot, acceptor: AcceptorId) -> bool {
        let parts = |o: &OneBs| o.parts().filter(|(_, from, _)| *from == acceptor).count();
        if self.one_b.values().map(parts).sum::<usize>() < MAX_PARTS {
            return true;
        }
        let mut older = self.one_b.range_mut(..ballot).map(|(_, o)| o);
        let older = older.find(|o| parts(o) > 0);
        older.is_some_and(|o| o.remove_part(acceptor))
    }

    /// Whether a message that has just been received, with something new in these slots, is kept.
    pub(super) fn keeps(&self, message: &Verified<Message>, slots: &[Slot]) -> bool {
        let ballot = message.ballot();
        match &**message {
            Message::OneB(_) => {
                let mut kept = self.one_b.get(&ballot).into_iter().flat_map(OneBs::all);
                kept.any(|m| m.id() == message.id())
            }
            _ => !slots.is_empty(),
        }
    }

    /// HPaxos: Recv of a 1c, the slots from `low_water` on. Returns the slots with something new. What a proposer
    /// announces in many ballots is not kept for the lowest.
    pub(super) fn one_c(
        &mut self,
        one_c: &OneC,
        message: &Verified<Message>,
        low_water: Slot,
        now: Time,
    ) -> (Novelty, Vec<Slot>) {
        let (mut new, mut clash) = (Vec::new(), None);
        for p in &one_c.proposals {
            if p.slot < low_water || self.is_frozen(p.slot) {
                continue;
            }
            let fresh = || SlotReceived::new(now);
            let slot = self.slots.entry(p.slot).or_insert_with(fresh);
            if !slot.has_room_for_one_c(one_c.ballot, message.signer()) {
                continue;
            }
            let announced = slot.one_c.entry(one_c.ballot).or_insert_with(|| Announced {
                since: now,
                value: p.value,
                learners: LearnerSet::EMPTY,
                messages: Vec::new(),
            });
            if announced.value != p.value && planted(Bug::TwoValues) {
                (announced.value, announced.learners) = (p.value, p.learners);
                new.push(p.slot);
            } else if announced.value != p.value {
                clash = clash.or(announced.messages.first().cloned());
            } else if !p.learners.is_subset(&announced.learners) {
                announced.learners |= p.learners;
                announced.messages.push(message.clone());
                new.push(p.slot);
            }
        }
        let novelty = match clash {
            Some(other) => against([&other], message),
            None if new.is_empty() => Novelty::Known,
            None => Novelty::New,
        };
        (novelty, new)
    }

    /// HPaxos: Recv of 2av and 2b, the slots from `low_water` on. Returns the slots with something new,
    /// and whether all of it was kept: an acceptor that says more than a few values about one slot and
    /// ballot is not listened to any more there.
    pub(super) fn votes(
        &mut self,
        votes: &Votes,
        acceptor: AcceptorId,
        message: &Verified<Message>,
        low_water: Slot,
        now: Time,
    ) -> (Novelty, Vec<Slot>, bool) {
        let (mut new, mut all) = (Vec::new(), true);
        let mut earlier: BTreeMap<Digest, Verified<Message>> = BTreeMap::new();
        for said in &votes.slots {
            if said.slot < low_water || self.is_frozen(said.slot) {
                continue;
            }
            let fresh = || SlotReceived::new(now);
            let slot = self.slots.entry(said.slot).or_insert_with(fresh);
            let (added, within) = slot.add(votes.ballot, acceptor, said, message);
            all &= within;
            if added {
                new.push(said.slot);
                let others = slot.said(votes.ballot, acceptor);
                earlier.extend(others.map(|m| (m.id(), m.clone())));
            }
        }
        if new.is_empty() {
            return (Novelty::Known, new, all);
        }
        earlier.remove(&message.id());
        let later = self
            .one_b
            .range(votes.ballot.next()..)
            .flat_map(|(_, o)| o.of(acceptor));
        (against(earlier.values().chain(later), message), new, all)
    }

    /// The 1b of the ballots in which something was voted in a slot: what justifies these votes. And the
    /// parts of every ballot about the page of the slot alone.
    pub(super) fn justification(&self, slot: Slot) -> impl Iterator<Item = &Verified<Message>> {
        let ballots: BTreeSet<Ballot> = self
            .slots
            .get(&slot)
            .into_iter()
            .flat_map(|s| s.said.keys())
            .map(|(b, _)| *b)
            .collect();
        let joined = ballots.into_iter().rev().filter_map(|b| self.one_b.get(&b));
        let parts = self.one_b.values().rev().flat_map(OneBs::parts);
        let parts = parts.filter(move |(page, ..)| page.contains(slot));
        joined
            .flat_map(OneBs::messages)
            .chain(parts.map(|(.., m)| m))
    }

    /// Every value that something received about a slot names.
    pub(super) fn named(&self) -> impl Iterator<Item = Digest> {
        let all = Page {
            start: Slot(0),
            end: Slot(u64::MAX),
        };
        self.named_in(all)
    }

    /// The same for the slots of a page.
    pub(super) fn named_in(&self, page: Page) -> impl Iterator<Item = Digest> {
        self.slots.range(page.start..page.end).flat_map(|(_, s)| {
            let announced = s.one_c.values().map(|a| a.value);
            let tallies = s.two_av.keys().chain(s.two_b.keys());
            announced.chain(tallies.map(|(_, value)| *value))
        })
    }

    /// Every part of a 1b about a single page.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Verified<Message>> {
        let parts = self.one_b.values().flat_map(OneBs::parts);
        parts.map(|(.., m)| m)
    }

    /// Every 1a and 1b of a ballot from `from` on, of the latter the part with which an acceptor joined.
    pub(super) fn joining(&self, from: Ballot) -> impl Iterator<Item = &Verified<Message>> {
        let one_a = self
            .one_a
            .values()
            .flat_map(move |m| m.range(from..).map(|(_, m)| m));
        one_a.chain(self.one_b.range(from..).flat_map(|(_, o)| o.messages()))
    }
}

impl SlotReceived {
    fn new(since: Time) -> Self {
        SlotReceived {
            since,
            ..SlotReceived::default()
        }
    }

    /// Since when the slot waits to be decided by everybody, in the eyes of whoever is in this ballot: its
    /// owner announced a value, or some learner has decided one. What anybody else says starts no time.
    pub(super) fn open_since(&self, ballot: Ballot, is_decided: bool) -> Option<Time> {
        let announced = self.announced(ballot).map(|a| a.since);
        let decided = is_decided.then(|| self.decided.unwrap_or(self.since));
        announced.into_iter().chain(decided).min()
    }

    /// What the owner of a ballot announced.
    pub(super) fn announced(&self, ballot: Ballot) -> Option<&Announced> {
        self.one_c.get(&ballot)
    }

    /// The 2av of a ballot, by value.
    pub(super) fn two_av(&self, ballot: Ballot) -> impl Iterator<Item = (Digest, &Tally)> {
        of_ballot(&self.two_av, ballot)
    }

    /// The 2b of a ballot, by value.
    pub(super) fn two_b(&self, ballot: Ballot) -> impl Iterator<Item = (Digest, &Tally)> {
        of_ballot(&self.two_b, ballot)
    }

    /// Everything kept about the slot, the newest ballots first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Verified<Message>> {
        let one_c = self.one_c.values().rev().flat_map(|a| &a.messages);
        one_c.chain(self.said.values().rev().flatten())
    }

    /// What an acceptor said about the slot in one ballot.
    pub(super) fn said(
        &self,
        ballot: Ballot,
        acceptor: AcceptorId,
    ) -> impl Iterator<Item = &Verified<Message>> {
        self.said.get(&(ballot, acceptor)).into_iter().flatten()
    }

    /// Makes room for what a proposer announces in this ballot: the lowest of its others is given up for it. False if
    /// all of them are higher.
    fn has_room_for_one_c(&mut self, ballot: Ballot, proposer: MemberId) -> bool {
        let is_its = |a: &Announced| a.messages.iter().any(|m| m.signer() == proposer);
        let its = self.one_c.iter().filter(|(_, a)| is_its(a));
        let mut its = its.map(|(b, _)| *b);
        if self.one_c.contains_key(&ballot) || its.clone().count() < MAX_ONE_C {
            return true;
        }
        let lowest = its.next().filter(|lowest| *lowest < ballot);
        lowest.is_some_and(|lowest| self.one_c.remove(&lowest).is_some())
    }

    fn said_before(
        &self,
        ballot: Ballot,
        acceptor: AcceptorId,
    ) -> impl Iterator<Item = &Verified<Message>> {
        let before = self.said.range(..(ballot, AcceptorId(0)));
        before
            .filter(move |((_, a), _)| *a == acceptor)
            .flat_map(|(_, messages)| messages)
    }

    /// Adds what an acceptor says about the slot; whether any of it is new, and whether it is within the
    /// bound. Whatever counts is kept with its message.
    fn add(
        &mut self,
        ballot: Ballot,
        acceptor: AcceptorId,
        said: &SlotVotes,
        message: &Verified<Message>,
    ) -> (bool, bool) {
        let (mut new, mut within) = (false, true);
        for (votes, tallies) in [
            (&said.two_av, &mut self.two_av),
            (&said.two_b, &mut self.two_b),
        ] {
            let Some((value, learners)) = votes else {
                continue;
            };
            let others = tallies
                .range((ballot, Digest([0; 32]))..=(ballot, Digest([0xff; 32])))
                .filter(|((_, v), t)| v != value && t.has(acceptor))
                .count();
            // A value that others sent as well costs nothing more, and may be decided.
            let is_known = tallies.contains_key(&(ballot, *value));
            if !is_known && others >= MAX_VALUES {
                within = false;
                continue;
            }
            new |= tallies
                .entry((ballot, *value))
                .or_default()
                .insert(acceptor, *learners);
        }
        if new {
            self.said
                .entry((ballot, acceptor))
                .or_default()
                .push(message.clone());
        }
        (new, within)
    }
}

fn of_ballot(
    tallies: &BTreeMap<(Ballot, Digest), Tally>,
    ballot: Ballot,
) -> impl Iterator<Item = (Digest, &Tally)> {
    let range = (ballot, Digest([0; 32]))..=(ballot, Digest([0xff; 32]));
    tallies
        .range(range)
        .map(|((_, value), tally)| (*value, tally))
}

fn evidence<'a>(
    earlier: impl IntoIterator<Item = &'a Verified<Message>>,
    message: &Verified<Message>,
) -> Option<Evidence> {
    earlier
        .into_iter()
        .find_map(|other| Evidence::from_pair(other, message))
}

fn against<'a>(
    earlier: impl IntoIterator<Item = &'a Verified<Message>>,
    message: &Verified<Message>,
) -> Novelty {
    evidence(earlier, message).map_or(Novelty::New, |e| Novelty::Contradicts(Box::new(e)))
}
