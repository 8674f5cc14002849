//! What a node says by itself once it has taken everything in: ProposerAction and
//! AcceptorSendAction.

use super::learner::Learners;
use super::proposer::Scene;
use super::received::Received;
use super::{HPaxos, LOW_WATER_STEP, Message, Output, Record, SPREAD_AGAIN};
use crate::log::waiting::Waiting;
use crate::{Ballot, Time};
use learner_graph::LearnerId;

impl HPaxos {
    /// What this node says by itself, given what it knows.
    pub(super) fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        let supported = self.run_pacemaker(now, out);
        self.join(now, out);
        self.propose(supported, now, out);
        self.vote(out);
        let settled = self.learners.settled();
        if settled.0 >= self.floor.0 + LOW_WATER_STEP {
            self.settle(out);
        }
        self.watch_ballot(out);
        self.spread(now, out);
    }

    /// Runs patience down and follows the others'. Returns the highest ballot that surely some safe
    /// acceptor wants.
    fn run_pacemaker(&mut self, now: Time, out: &mut Vec<Output>) -> Ballot {
        let graph = self.network.graph();
        let supported = self
            .pacemaker
            .supported(graph, self.convictions.suspicion(), now);
        let mut changed = self.pacemaker.follow(supported, now);
        if self.acceptor.is_some() {
            let oldest = |l| outstanding(l, &self.learners, &self.received, &self.waiting);
            let lost = |b| {
                self.convictions
                    .lost_turns(self.network.owner(b), &self.network)
            };
            changed |= self.pacemaker.tick(graph, oldest, lost, now);
            if lost(self.pacemaker.wish()) {
                self.pacemaker.advance(lost, now);
                changed = true;
            }
        }
        if changed && self.acceptor.is_some() {
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
        // HPaxos: InitializedBallot(l, b).
        let Some(ballot) = self.received.initialized(max_bal, self.pacemaker.wish()) else {
            return;
        };
        if self
            .convictions
            .lost_turns(self.network.owner(ballot), &self.network)
        {
            return;
        }
        self.settle(out);
        let Some(one_b) = self.acceptor.as_mut().and_then(|a| a.phase_1b(ballot)) else {
            return;
        };
        self.pacemaker.joined(ballot, now);
        self.all_dirty = true;
        self.say(Message::OneB(one_b), out);
    }

    /// HPaxos: Phase1a and Phase1c.
    fn propose(&mut self, supported: Ballot, now: Time, out: &mut Vec<Output>) {
        let me = self.me();
        let supported = supported.max(self.ballot);
        let Some(proposer) = &mut self.proposer else {
            return;
        };
        let mine = self.network.owner(supported) == me;
        let lost = self.convictions.lost_turns(me, &self.network);
        if mine && !lost && supported > proposer.ballot() {
            proposer.phase_1a(supported);
            self.say(Message::OneA { ballot: supported }, out);
            return;
        }
        // Whoever is overtaken announces no more.
        if proposer.ballot() == Ballot::NONE || proposer.ballot() < supported {
            return;
        }
        let Some(one_bs) = self.received.one_bs(proposer.ballot()) else {
            return;
        };
        let (made, one_c) = proposer.phase_1c(Scene {
            now,
            grace: self.config.grace,
            window: self.config.window,
            one_bs,
            learners: &self.learners,
            waiting: &self.waiting,
            batches: &self.batches,
            trust: self.convictions.trust(self.network.graph()),
        });
        for batch in made {
            out.push(Output::Persist(Record::Batch(batch.clone())));
            out.push(Output::SendBatch(batch.clone()));
            self.batches.keep(batch.digest(), batch);
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
            self.claim(value, out);
            // If the bytes were at hand, they are stored now and the vote can follow.
            self.all_dirty |= self.batches.get(&value).is_some();
        }
        if let Some(votes) = votes {
            self.say(Message::Votes(votes), out);
        }
        if self.all_dirty {
            self.vote(out);
        }
    }

    /// Raises the low-water mark to where every learner's certificate is held.
    fn settle(&mut self, out: &mut Vec<Output>) {
        let settled = self.learners.settled();
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
        let by_quorum = |senders| {
            graph
                .learners()
                .iter()
                .any(|l| graph.is_quorum(l, &senders))
        };
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
            self.spread_at = Time::ZERO;
            out.push(Output::Ballot { ballot, leader });
        }
    }

    /// Spreads again what clients gave to this node and nobody has decided for long: gossip loses
    /// messages, and a restarted node has spread nothing yet.
    fn spread(&mut self, now: Time, out: &mut Vec<Output>) {
        if now >= self.spread_at {
            self.spread_at = now.saturating_add(self.config.patience / 2);
            out.extend(
                self.waiting
                    .own()
                    .take(SPREAD_AGAIN)
                    .cloned()
                    .map(Output::SendValue),
            );
        }
    }

    pub(super) fn set_timer(&mut self, now: Time, out: &mut Vec<Output>) {
        let oldest = |l| outstanding(l, &self.learners, &self.received, &self.waiting);
        let patience = self
            .acceptor
            .as_ref()
            .and_then(|_| self.pacemaker.deadline(self.network.graph(), oldest, now));
        let grace = self
            .proposer
            .as_ref()
            .and_then(|p| p.deadline(self.config.grace));
        let spread = self.waiting.own().next().map(|_| self.spread_at);
        let timer = [patience, grace, spread]
            .into_iter()
            .flatten()
            .filter(|t| *t > now)
            .min();
        if timer != self.timer {
            self.timer = timer;
            out.extend(timer.map(Output::SetTimer));
        }
    }

    /// Signs, stores and sends a statement of this node.
    fn say(&mut self, message: Message, out: &mut Vec<Output>) {
        let Some(signer) = &self.config.signer else {
            return;
        };
        match signer.sign(message) {
            Ok(message) => {
                // A wish binds nobody, so nothing is lost with it.
                if !matches!(*message, Message::Wish { .. }) {
                    out.push(Output::Persist(Record::Message(message.signed().clone())));
                }
                out.push(Output::Send(message));
            }
            // Unsaid is safe: it was counted as said, and will be left out for good.
            Err(_) => self.refuse("own_message_too_large"),
        }
    }
}

/// Since when something is outstanding for a learner: the oldest of a waiting value and of an open
/// slot without its decision.
fn outstanding(
    learner: LearnerId,
    learners: &Learners,
    received: &Received,
    waiting: &Waiting,
) -> Option<Time> {
    let open = received.slots_from(learners.undecided(learner)).next();
    [waiting.oldest(), open.map(|(_, s)| s.since)]
        .into_iter()
        .flatten()
        .min()
}
