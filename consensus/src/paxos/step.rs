//! One step: take everything in, then do what is enabled.

use super::message::{Body, Message, Vote};
use super::proposer::Scene;
use super::{Input, Output, Paxos, Record, SLOT_RANGE};
use crate::history::Keep;
use crate::log::pipeline::Supply;
use crate::{Ballot, Decision, Slot, Time};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerSet};

impl Paxos {
    /// Consumes everything that happened since the last step and answers with what to do. `now` never
    /// goes back.
    pub(super) fn step(&mut self, now: Time, inputs: Vec<Input>) -> Vec<Output> {
        let mut out = Vec::new();
        self.running = true;
        if let Some(acceptor) = &self.acceptor {
            self.pacemaker.heard(acceptor.id, now);
        }
        for input in inputs {
            self.absorb(now, input, &mut out);
        }
        let supported = self.run_pacemaker(now, &mut out);
        self.join(now, &mut out);
        self.propose(now, supported, &mut out);
        self.vote(&mut out);
        self.forget(&mut out);
        self.watch_ballot(&mut out);
        self.waiting.spread(now, &mut out);
        self.set_timer(now, &mut out);
        out
    }

    fn absorb(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Message(message) => self.take_in(message, now, out),
            Input::Submit(value) if value.check().is_ok() => self.waiting.submit(value, now, out),
            Input::Value(value) if value.check().is_ok() => {
                // Without room it will be spread again.
                self.waiting.heard(value, now);
            }
            Input::Batch(batch) if batch.in_bounds() => {
                if self.batches.arrived(batch, out) {
                    self.deliver(now, out);
                }
            }
            // Out of bounds: the caller checks what comes from outside.
            Input::Submit(_) | Input::Value(_) | Input::Batch(_) => {}
            Input::Evidence(never) => match never {},
            Input::Alive(member) => {
                if let Some(acceptor) = self.network.acceptor_of(member) {
                    self.pacemaker.heard(acceptor, now);
                }
            }
            // There are no disks in this protocol.
            Input::Disk(_) => {}
        }
    }

    /// Paxos: a message is in `msgs`, and this node has it.
    pub(super) fn take_in(&mut self, message: Message, now: Time, out: &mut Vec<Output>) {
        let acceptor = self.network.acceptor_of(message.from);
        match (&message.body, acceptor) {
            (Body::OneA { ballot }, _) if self.network.owner(*ballot) == Some(message.from) => {
                self.received.one_a(*ballot, message.from);
            }
            (Body::OneB { ballot, .. }, Some(a)) => {
                self.pacemaker.wanted(a, *ballot);
                self.received.one_b(a, &message);
            }
            (Body::TwoA { ballot, values }, _)
                if self.network.owner(*ballot) == Some(message.from) =>
            {
                for vote in self.in_range(*ballot, values) {
                    if self.received.two_a(vote, now) {
                        self.batches.claim(vote.value, out);
                    }
                }
            }
            (Body::TwoB { ballot, values }, Some(a)) => {
                self.pacemaker.wanted(a, *ballot);
                for vote in self.in_range(*ballot, values) {
                    let senders = self.received.two_b(a, vote, now);
                    // Paxos: ChosenIn(v, b).
                    if self.network.graph().is_quorum(Paxos::ANY, &senders) {
                        self.decide(vote, now, out);
                    }
                }
            }
            (Body::Decided { votes }, _) => {
                for vote in votes {
                    self.decide(*vote, now, out);
                }
            }
            (Body::Wish { ballot }, Some(a)) => {
                self.pacemaker.wanted(a, *ballot);
                let wish = self.wishes.entry(message.from).or_default();
                *wish = (*wish).max(*ballot);
            }
            _ => return,
        }
        if let Some(a) = acceptor {
            self.pacemaker.heard(a, now);
        }
    }

    /// The values of undecided slots that are not too far ahead.
    fn in_range(&self, ballot: Ballot, values: &[(Slot, Digest)]) -> Vec<Vote> {
        let wanted = values.iter().filter(|(slot, _)| self.is_open(*slot));
        let vote = |(slot, value): &(Slot, Digest)| Vote {
            slot: *slot,
            ballot,
            value: *value,
        };
        wanted.map(vote).collect()
    }

    /// Whether a slot is not decided here, and not too far ahead.
    fn is_open(&self, slot: Slot) -> bool {
        let range = self.undecided..=self.next.plus(SLOT_RANGE);
        range.contains(&slot) && !self.decided.contains_key(&slot)
    }

    fn decide(&mut self, vote: Vote, now: Time, out: &mut Vec<Output>) {
        let Vote {
            slot,
            ballot,
            value,
        } = vote;
        if !self.is_open(slot) {
            return;
        }
        self.decided.insert(slot, (ballot, value));
        let since = self.received.slot(slot).map_or(now, |s| s.since);
        self.received.forget(slot);
        while self.decided.contains_key(&self.undecided) {
            self.undecided = self.undecided.next();
        }
        if let Some(from) = self.config.me {
            let body = Body::Decided { votes: vec![vote] };
            out.push(Output::Persist(Record::Message(Message { from, body })));
        }
        for learner in self.network.graph().learners().iter() {
            self.pacemaker.progress(learner, now.saturating_sub(since));
        }
        self.batches.claim(value, out);
        self.deliver(now, out);
    }

    /// Delivers what the log has next, as far as the bytes are here.
    pub(super) fn deliver(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some((ballot, value)) = self.decided.get(&self.next).copied() {
            let Some(named) = self.batches.named(&value) else {
                return;
            };
            let slot = self.next;
            self.next = slot.next();
            let log = LearnerSet::just(Paxos::ANY);
            let (values, heard) = self.waiting.deliver_batch(&named, log, now);
            let decision = Decision {
                learners: log,
                slot,
                ballot,
                value,
                values,
                heard,
                quorum: AcceptorSet::EMPTY,
            };
            self.history.keep(Keep::Decision {
                decision: decision.clone(),
                batch: named.batch,
                proof: self.decisions(slot, 1),
            });
            out.push(Output::Decided(Decision {
                learners: LearnerSet::just(self.config.learner),
                ..decision
            }));
        }
    }

    /// Runs patience down and follows the others'. Returns the highest ballot that is wanted.
    fn run_pacemaker(&mut self, now: Time, out: &mut Vec<Output>) -> Ballot {
        let graph = self.network.graph();
        let supported = self
            .pacemaker
            .supported(graph, &self.trust, self.ballot, now);
        let mut given_up = self.pacemaker.follow(supported, now);
        if self.acceptor.is_some() {
            let oldest = self.outstanding();
            let ran_out = self.pacemaker.tick(graph, |_| oldest, |_| false, now);
            given_up = ran_out.or(given_up);
            if let Some(given_up) = given_up {
                out.push(Output::GivenUp(given_up));
                self.say(
                    Body::Wish {
                        ballot: self.pacemaker.wish(),
                    },
                    out,
                );
            }
        }
        supported
    }

    /// Since when something waits or is open.
    fn outstanding(&self) -> Option<Time> {
        let open = self.received.slots().next().map(|(_, s)| s.since);
        [self.waiting.oldest(), open].into_iter().flatten().min()
    }

    /// Paxos: Phase1b, for the highest ballot that was started and that this node would join.
    fn join(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(max_bal) = self.acceptor.as_ref().map(|a| a.max_bal) else {
            return;
        };
        let Some(ballot) = self.received.started(max_bal, self.pacemaker.wish()) else {
            return;
        };
        self.settle(out);
        let Some(one_b) = self.acceptor.as_mut().and_then(|a| a.phase_1b(ballot)) else {
            return;
        };
        self.pacemaker.joined(ballot, now);
        self.say(one_b, out);
    }

    /// Paxos: Phase1a and Phase2a.
    fn propose(&mut self, now: Time, supported: Ballot, out: &mut Vec<Output>) {
        let supported = supported.max(self.ballot);
        let mine = self.network.owner(supported) == self.config.me;
        let Some(proposer) = &mut self.proposer else {
            return;
        };
        if mine && supported > proposer.ballot() {
            proposer.phase_1a(supported);
            return self.say(Body::OneA { ballot: supported }, out);
        }
        // Whoever is overtaken proposes no more.
        if proposer.ballot() == Ballot::NONE || proposer.ballot() < supported {
            return;
        }
        let Some(one_bs) = self.received.one_bs(proposer.ballot()) else {
            return;
        };
        let (made, two_a) = proposer.phase_2a(&Scene {
            window: self.config.window,
            one_bs,
            is_read_quorum: &|set| self.config.read.is_quorum(Paxos::ANY, set),
            next: self.next,
            end: self
                .decided
                .last_key_value()
                .map_or(Slot(0), |(s, _)| s.next()),
            decided: &|slot| self.decided.get(&slot).map(|(_, value)| *value),
            supply: Supply {
                waiting: &self.waiting,
                batches: &self.batches,
                batching: self.config.batching,
                now,
            },
        });
        self.batches.announce(made, out);
        if let Some(two_a) = two_a {
            self.say(two_a, out);
        }
    }

    /// Paxos: Phase2b, for every 2a that may be voted for and whose bytes are stored.
    fn vote(&mut self, out: &mut Vec<Output>) {
        let Some(acceptor) = &mut self.acceptor else {
            return;
        };
        let mut votes: Vec<(Ballot, Slot, Digest)> = Vec::new();
        for (slot, received) in self.received.slots() {
            let Some((ballot, value)) = received.two_a else {
                continue;
            };
            if self.batches.stored(&value) && acceptor.phase_2b(ballot, slot, value) {
                votes.push((ballot, slot, value));
            }
        }
        // One message per ballot, the lowest first: `max_bal` only rises.
        votes.sort_unstable();
        for of_ballot in votes.chunk_by(|a, b| a.0 == b.0) {
            let values = of_ballot.iter().map(|(_, s, v)| (*s, *v)).collect();
            self.say(
                Body::TwoB {
                    ballot: of_ballot[0].0,
                    values,
                },
                out,
            );
        }
    }

    fn watch_ballot(&mut self, out: &mut Vec<Output>) {
        let ballot = self.received.highest_joined().max(self.max_bal());
        if ballot > self.ballot
            && let Some(leader) = self.network.owner(ballot)
        {
            self.ballot = ballot;
            self.waiting.spread_soon();
            // What is proposed and voted for no more is not needed.
            let named = self.named(self.next);
            self.batches.want_only(|digest| named.contains(digest));
            out.push(Output::Ballot { ballot, leader });
        }
    }

    fn set_timer(&mut self, now: Time, out: &mut Vec<Output>) {
        let oldest = self.outstanding();
        let patience = self.acceptor.as_ref().and_then(|_| {
            self.pacemaker
                .deadline(self.network.graph(), |_| oldest, now)
        });
        let proposer = self.proposer.as_ref().and_then(|p| p.deadline());
        let spread = self.waiting.has_own().then(|| self.waiting.spread_at());
        self.timer.set([patience, proposer, spread], now, out);
    }

    /// Stores and sends a statement of this node.
    fn say(&mut self, body: Body, out: &mut Vec<Output>) {
        let Some(from) = self.config.me else { return };
        let message = Message { from, body };
        // A wish binds nobody, so nothing is lost with it.
        if !matches!(message.body, Body::Wish { .. }) {
            out.push(Output::Persist(Record::Message(message.clone())));
        }
        out.push(Output::Send(message));
    }
}
