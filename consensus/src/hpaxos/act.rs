//! What a node says by itself once it has taken everything in: ProposerAction and
//! AcceptorSendAction.

use super::proposer::Scene;
use super::{HPaxos, Message, Output, Record};
use crate::patience::Why;
use crate::planted::{Bug, planted, stays};
use crate::{Ballot, Slot, Time};
use crypto::Verified;
use learner_graph::{LearnerId, LearnerSet};
use std::collections::BTreeMap;

impl HPaxos {
    /// What this node says by itself, given what it knows.
    pub(super) fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        let supported = self.run_pacemaker(now, out);
        self.join(now, out);
        self.report_thawed(out);
        self.propose(supported, now, out);
        self.vote(out);
        let settled = self.learners.settled();
        if self.batches.grown() >= self.config.recent_bytes {
            self.settle(stays(settled), out);
            self.forget_old_bytes();
        } else if settled >= self.floor.plus(self.config.recent.max(1)) {
            self.settle(settled, out);
        }
        self.watch_ballot(out);
        self.waiting.spread(now, out);
    }

    /// Runs patience down and follows the others'. Returns the highest ballot that surely some safe
    /// acceptor wants.
    fn run_pacemaker(&mut self, now: Time, out: &mut Vec<Output>) -> Ballot {
        let graph = self.network.graph();
        let supported =
            self.pacemaker
                .supported(graph, self.convictions.suspicion(), self.present(), now);
        let mut given_up = self.pacemaker.follow(supported, now);
        if self.acceptor.is_some() {
            let all = self.outstanding();
            let oldest = |l: LearnerId| all.get(usize::from(l.0)).copied().flatten();
            let lost = |b| {
                self.convictions
                    .lost_turns(self.network.owner(b), &self.network)
            };
            given_up = self.pacemaker.tick(graph, oldest, lost, now).or(given_up);
            if lost(self.pacemaker.wish()) {
                given_up = Some(self.pacemaker.advance(lost, Why::Equivocated, now));
            }
        }
        if let Some(given_up) = given_up
            && self.acceptor.is_some()
        {
            out.push(Output::GivenUp(given_up));
            self.say(
                Message::Wish {
                    ballot: self.pacemaker.wish(),
                },
                out,
            );
        }
        supported
    }

    /// HPaxos: Phase1b, for the highest ballot that was started and that this node would join.
    fn join(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(max_bal) = self.acceptor.as_ref().map(|a| a.max_bal) else {
            return;
        };
        let keeps_turns = |from| !self.convictions.lost_turns(Some(from), &self.network);
        // HPaxos: InitializedBallot(l, b).
        let wish = self.pacemaker.wish();
        let Some(ballot) = self.received.initialized(max_bal, wish, keeps_turns) else {
            return;
        };
        self.settle(self.learners.settled(), out);
        let frozen = self.received.frozen_runs();
        let (Some(acceptor), Some(signer)) = (&mut self.acceptor, &self.config.signer) else {
            return;
        };
        // A ballot whose 1b cannot be said is not joined.
        let Some(one_b) = acceptor.phase_1b(ballot, frozen, |m| signer.sign(Message::OneB(m)).ok())
        else {
            return self.refuse("own_1b_too_large");
        };
        send(one_b, out);
        self.pacemaker.joined(ballot, now);
        self.all_dirty = true;
        self.claim_open(out);
    }

    /// HPaxos: Phase1a and Phase1c.
    fn propose(&mut self, supported: Ballot, now: Time, out: &mut Vec<Output>) {
        let me = self.me();
        // Whatever others claim: this node is led by what surely safe acceptors want and by itself.
        let current = supported.max(self.present());
        // Its own patience is enough for starting a ballot; whether anyone joins is another matter.
        let next = current.max(self.pacemaker.wish());
        let Some(proposer) = &mut self.proposer else {
            return;
        };
        let lost = self.convictions.lost_turns(me, &self.network);
        for ballot in [next, current] {
            if self.network.owner(ballot) == me && !lost && ballot > proposer.ballot() {
                proposer.phase_1a(ballot);
                return self.say(Message::OneA { ballot }, out);
            }
        }
        // Whoever is overtaken announces no more.
        if proposer.ballot() == Ballot::NONE || proposer.ballot() < current {
            return;
        }
        let Some(one_bs) = self.received.one_bs(proposer.ballot()) else {
            return;
        };
        let (made, one_c) = proposer.phase_1c(Scene {
            now,
            grace: self.config.grace,
            window: self.config.window,
            batching: self.config.batching,
            turn: proposer.ballot().0.saturating_sub(1) / self.network.proposers().len() as u64,
            received: &self.received,
            pages: &self.pages,
            one_bs,
            learners: &self.learners,
            waiting: &self.waiting,
            batches: &self.batches,
            trust: self.convictions.trust(self.network.graph()),
        });
        if !made.is_empty() {
            self.batches.announce(made, out);
            // A learner may have waited for just these bytes.
            self.deliver(now, out);
        }
        if let Some(one_c) = one_c {
            self.say(Message::OneC(one_c), out);
        }
    }

    /// HPaxos: Phase2av and Phase2b, in the slots where something changed.
    fn vote(&mut self, out: &mut Vec<Output>) {
        let mut dirty = std::mem::take(&mut self.dirty);
        let all = std::mem::take(&mut self.all_dirty);
        let Some(acceptor) = &mut self.acceptor else {
            return;
        };
        if all {
            dirty = self
                .received
                .slots_from(acceptor.low_water)
                .map(|(s, _)| s)
                .collect();
        }
        let trust = self.convictions.trust(self.network.graph());
        let mut missing = Vec::new();
        let votes = acceptor.phase_2(&dirty, &self.received, &self.batches, trust, &mut missing);
        for value in missing {
            self.batches.claim(value, out);
            // If the bytes were at hand, they are stored now and the vote can follow.
            self.all_dirty |= self.batches.stored(&value);
        }
        if let Some(votes) = votes {
            self.say(Message::Votes(votes), out);
        }
        if self.all_dirty {
            self.vote(out);
        }
    }

    /// Raises the low-water mark to this slot: below, every learner's certificate is held.
    fn settle(&mut self, settled: Slot, out: &mut Vec<Output>) {
        if settled > self.floor {
            if self.acceptor.is_some() {
                out.push(Output::Persist(Record::LowWater(settled)));
            }
            self.raise_floor(settled);
        }
    }

    /// Tells observers when a higher ballot is joined, here or by a quorum of some learner.
    fn watch_ballot(&mut self, out: &mut Vec<Output>) {
        let graph = self.network.graph();
        let by_quorum = |senders| !graph.with_quorum(graph.learners(), &senders).is_empty();
        let elsewhere = self
            .received
            .joined_ballots()
            .take_while(|(b, _)| *b > self.ballot)
            .find(|(_, one_bs)| by_quorum(one_bs.senders()))
            .map_or(Ballot::NONE, |(b, _)| b);
        let here = self.acceptor.as_ref().map_or(Ballot::NONE, |a| a.max_bal);
        let ballot = here.max(elsewhere);
        if ballot > self.ballot
            && let Some(leader) = self.network.owner(ballot)
        {
            self.ballot = ballot;
            self.waiting.spread_soon();
            out.push(Output::Ballot { ballot, leader });
        }
    }

    pub(super) fn set_timer(&mut self, now: Time, out: &mut Vec<Output>) {
        let all = self.outstanding();
        let oldest = |l: LearnerId| all.get(usize::from(l.0)).copied().flatten();
        let patience = self
            .acceptor
            .as_ref()
            .and_then(|_| self.pacemaker.deadline(self.network.graph(), oldest, now));
        let proposer = self.proposer.as_ref();
        let proposer = proposer.and_then(|p| p.deadline(self.config.grace));
        let spread = self.waiting.has_own().then(|| self.waiting.spread_at());
        // One turn may lead to the next.
        let soon = now.saturating_add(Time::from_nanos(1));
        let pages = self.pages_are_due().then_some(soon);
        self.timer
            .set([patience, proposer, spread, pages], now, out);
    }

    /// Per learner, since when something is outstanding for it: the oldest of a waiting value and of an open slot
    /// without its decision. The slots of a learner that catches up were open long before a leader could come to
    /// them: they count from when the learner last [moved](crate::pacemaker::Pacemaker::moved).
    fn outstanding(&self) -> Vec<Option<Time>> {
        let (ballot, waiting) = (self.present(), self.waiting.oldest());
        let everyone = self.network.graph().learners();
        let mut oldest = vec![waiting; everyone.len()];
        // Each from where it stands: what those ahead have decided in between is none of their business.
        let mut at: BTreeMap<Slot, LearnerSet> = BTreeMap::new();
        for learner in self.learners.ids() {
            let first = self.learners.undecided(learner);
            at.entry(first).or_default().insert(learner);
        }
        for (first, mut rest) in at {
            for (slot, s) in self.received.slots_from(first) {
                if rest.is_empty() {
                    break;
                }
                let undecided = self.learners.undecided_in(slot);
                let here = undecided & rest;
                if here.is_empty() {
                    continue;
                }
                let Some(since) = s.open_since(ballot, undecided != everyone) else {
                    continue;
                };
                rest -= here;
                for learner in here {
                    let since = since.max(self.pacemaker.moved_at(learner));
                    let oldest = &mut oldest[usize::from(learner.0)];
                    *oldest = Some(oldest.map_or(since, |waiting| waiting.min(since)));
                }
            }
        }
        oldest
    }

    /// Signs, stores and sends a statement of this node.
    fn say(&mut self, message: Message, out: &mut Vec<Output>) {
        let Some(signer) = &self.config.signer else {
            return;
        };
        match signer.sign(message) {
            Ok(message) => send(message, out),
            // Unsaid is safe: it was counted as said, and is left out until a restart.
            Err(_) => self.refuse("own_message_too_large"),
        }
    }
}

/// A statement is stored before it leaves.
pub(super) fn send(message: Verified<Message>, out: &mut Vec<Output>) {
    let before = out.len();
    // A wish binds nobody, so nothing is lost with it.
    if !matches!(*message, Message::Wish { .. }) {
        out.push(Output::Persist(Record::Message(message.signed().clone())));
    }
    out.push(Output::Send(message));
    if planted(Bug::SendBeforeStoring) {
        out[before..].reverse();
    }
}
