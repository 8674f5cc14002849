//! HPaxos: ProposerAction, and what every action of sending does to `msgs`.

use super::refused::{Guard, require};
use super::{Ballot, LearnerId, Msg, Slot, Spec, Vote};

impl Spec {
    /// HPaxos: Phase1a(l, b). The module has no guard but the types; ballots start at 1.
    pub(super) fn phase_1a(&self, lr: LearnerId, bal: Ballot) -> Guard {
        self.typed(lr, bal)
    }

    /// HPaxos: Phase1c(l, b, v).
    pub(super) fn phase_1c(&self, slot: Slot, vote: &Vote) -> Guard {
        self.typed(vote.lr, vote.bal)?;
        // Announcing is the business of whoever started the ballot.
        self.initialized_ballot(vote.lr, vote.bal)?;
        let instance = self.slots.get(&slot);
        let before = instance.and_then(|i| i.announced.get(&vote.bal));
        require(before.is_none_or(|v| *v == vote.val), "one value", || {
            let before = before.map(|v| format!("{v:?}")).unwrap_or_default();
            let bal = vote.bal;
            format!(
                "{before} was announced for slot {slot} in ballot {bal}, and announcing another value is FakeSend"
            )
        })
    }

    /// HPaxos: InitializedBallot(l, b).
    pub(super) fn initialized_ballot(&self, lr: LearnerId, bal: Ballot) -> Guard {
        let started = self.one_a.contains(&(lr, bal));
        require(started, "InitializedBallot(l, b)", || {
            let lr = self.name_of_learner(lr);
            format!("nobody has sent a 1a of ballot {bal} for {lr}")
        })
    }

    pub(super) fn typed(&self, lr: LearnerId, bal: Ballot) -> Guard {
        let known = self.graph.learners().contains(lr);
        require(known, "l \\in Learner", || {
            format!("the graph has no learner {}", lr.0)
        })?;
        require(bal >= Ballot::FIRST, "b \\in Ballot", || {
            "ballots start at 1".into()
        })
    }

    /// HPaxos: Send(m), with what Phase1b, Phase2av and Phase2b change beside.
    pub(super) fn send(&mut self, node: usize, m: &Msg) {
        self.add(m);
        match m {
            Msg::OneA { .. } => {}
            Msg::OneC(vote, slot) => {
                let announced = &mut self.instance(*slot).announced;
                announced.entry(vote.bal).or_insert(vote.val);
            }
            Msg::OneB {
                lr,
                acc,
                bal,
                low_water,
                ..
            } => {
                self.bind(node, *acc);
                // HPaxos: maxBal' = [maxBal EXCEPT ![l, a] = b].
                let acceptor = &mut self.acceptors[usize::from(acc.0)];
                acceptor.max_bal[usize::from(lr.0)] = *bal;
                acceptor.low_water = acceptor.low_water.max(*low_water);
            }
            Msg::TwoAv(acc, vote, slot) => {
                self.bind(node, *acc);
                // HPaxos: 2avSent' = [2avSent EXCEPT ![a] = 2avSent[a] \cup {…}].
                let at = &mut self.instance(*slot).acceptors[usize::from(acc.0)];
                at.two_av_sent.insert(*vote);
            }
            Msg::TwoB(acc, vote, slot) => {
                self.bind(node, *acc);
                // HPaxos: votesSent' = [votesSent EXCEPT ![a] = votesSent[a] \cup {…}].
                let at = &mut self.instance(*slot).acceptors[usize::from(acc.0)];
                at.votes_sent.insert(*vote);
            }
        }
    }

    /// HPaxos: msgs' = msgs \cup {m}.
    pub(super) fn add(&mut self, m: &Msg) {
        match m {
            Msg::OneA { lr, bal } => {
                self.one_a.insert((*lr, *bal));
            }
            Msg::OneB { .. } => self.one_b.send(m),
            Msg::OneC(vote, slot) => {
                self.instance(*slot).one_c.insert(*vote);
            }
            Msg::TwoAv(acc, vote, slot) => {
                let two_av = &mut self.instance(*slot).two_av;
                two_av.entry(*vote).or_default().insert(*acc);
            }
            Msg::TwoB(acc, vote, slot) => {
                let two_b = &mut self.instance(*slot).two_b;
                two_b.entry(*vote).or_default().insert(*acc);
            }
        }
    }
}
