//! One real state machine among puppets: the test signs whatever the others are to say.

use super::{network, signer};
use crate::history::MemoryHistory;
use crate::hpaxos::{
    Config, Entry, HPaxos, Input, Message, OneB, OneC, Output, Proposal, Record, Scope, SlotReport,
    SlotVotes, SyncRequest, Votes,
};
use crate::{Ballot, Batch, ClientValue, GivenUp, Network, RECENT_BYTES, Slot, Time};
use crypto::{Digest, MemberId, Signed, Verified};
use learner_graph::LearnerSet;
use std::sync::Arc;
use std::time::Duration;

/// So many slots stay in memory.
pub(super) const RECENT: u64 = 8;

pub(super) struct Puppets {
    pub(super) network: Arc<Network>,
    pub(super) engine: HPaxos,
    pub(super) history: Arc<MemoryHistory<Signed<Message>>>,
    pub(super) me: u16,
    pub(super) now: Time,
    /// Everything the real one said, in order.
    pub(super) said: Vec<Message>,
    /// Everything else that came out of it.
    pub(super) outputs: Vec<Output>,
    pub(super) stored: Vec<Record>,
}

pub(super) fn config(network: &Network, me: u16) -> Config {
    Config {
        signer: Some(signer(network, me)),
        patience: Duration::from_secs(1),
        grace: Duration::from_millis(10),
        window: 4,
        batching: Default::default(),
        max_waiting: 4,
        max_waiting_bytes: usize::MAX,
        recent: RECENT,
        recent_bytes: RECENT_BYTES,
        page: RECENT / 2,
    }
}

impl Puppets {
    /// The real one is member `me`, which plays acceptor `me`.
    pub(super) fn new(graph: &str, me: u16) -> Self {
        let network = network(graph);
        let history = Arc::new(MemoryHistory::default());
        let engine = HPaxos::new(
            Arc::clone(&network),
            config(&network, me),
            Arc::clone(&history) as _,
        );
        let mut puppets = Puppets {
            network,
            engine,
            history,
            me,
            now: Duration::from_millis(1),
            said: Vec::new(),
            outputs: Vec::new(),
            stored: Vec::new(),
        };
        puppets.all_alive();
        puppets
    }

    pub(super) fn all_alive(&mut self) {
        let members: Vec<u16> = (0..self.network.members().len() as u16).collect();
        self.alive(&members);
    }

    pub(super) fn alive(&mut self, members: &[u16]) {
        let members = members.iter().copied().map(MemberId);
        self.give(members.map(Input::Alive).collect());
    }

    /// The ballots that the real one has wished for.
    pub(super) fn wishes(&self) -> Vec<u64> {
        let wishes = self.said.iter();
        let wishes = wishes.filter(|m| matches!(m, Message::Wish { .. }));
        wishes.map(|m| m.ballot().0).collect()
    }

    /// The ballots that the real one has given up.
    pub(super) fn given_up(&self) -> Vec<GivenUp> {
        let given_up = self.outputs.iter().filter_map(|output| match output {
            Output::GivenUp(given_up) => Some(given_up.clone()),
            _ => None,
        });
        given_up.collect()
    }

    /// Gives inputs, and to the real one what it says itself, until it says no more.
    pub(super) fn give(&mut self, inputs: Vec<Input>) {
        let mut inputs = inputs;
        loop {
            let outputs = self.engine.step(self.now, std::mem::take(&mut inputs));
            for output in outputs {
                match output {
                    Output::Send(m) => {
                        self.said.push((*m).clone());
                        inputs.push(Input::Message(m));
                    }
                    Output::Persist(record) => self.stored.push(record),
                    other => self.outputs.push(other),
                }
            }
            if inputs.is_empty() {
                break;
            }
        }
    }

    pub(super) fn hear(&mut self, from: u16, message: Message) {
        let signed = self.sign(from, message);
        self.give(vec![Input::Message(signed)]);
    }

    pub(super) fn sign(&self, from: u16, message: Message) -> Verified<Message> {
        signer(&self.network, from).sign(message).expect("small")
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.give(Vec::new());
    }

    /// What is stored is replaced by a checkpoint.
    pub(super) fn checkpoint(&mut self) {
        self.history.flush();
        self.stored = self.engine.checkpoint();
    }

    /// SIGKILL and restart: everything stored comes back, nothing else.
    pub(super) fn restart(&mut self) {
        self.history.crash();
        let mut engine = HPaxos::new(
            Arc::clone(&self.network),
            config(&self.network, self.me),
            Arc::clone(&self.history) as _,
        );
        for record in &self.stored {
            engine.restore(record.clone());
        }
        self.engine = engine;
        self.all_alive();
    }

    /// The others join a ballot that its owner has started, with nothing to report.
    pub(super) fn others_join(&mut self, ballot: u64, others: &[u16]) {
        self.start(ballot);
        for i in others {
            self.hear(*i, one_b(ballot, 0, vec![]));
        }
    }

    pub(super) fn start(&mut self, ballot: u64) {
        let owner = self
            .network
            .owner(Ballot(ballot))
            .expect("a ballot from 1 on")
            .0;
        if owner != self.me {
            self.hear(
                owner,
                Message::OneA {
                    ballot: Ballot(ballot),
                },
            );
        }
    }

    pub(super) fn announce(&mut self, ballot: u64, slot: u64, value: Digest) {
        let owner = self
            .network
            .owner(Ballot(ballot))
            .expect("a ballot from 1 on")
            .0;
        let learners = self.network.graph().learners();
        let proposals = vec![Proposal {
            slot: Slot(slot),
            value,
            learners,
        }];
        self.hear(
            owner,
            Message::OneC(OneC {
                ballot: Ballot(ballot),
                proposals,
            }),
        );
    }

    pub(super) fn two_av(
        &mut self,
        from: u16,
        ballot: u64,
        slot: u64,
        value: Digest,
        learners: LearnerSet,
    ) {
        self.hear(from, votes(ballot, slot, Some((value, learners)), None));
    }

    pub(super) fn two_b(
        &mut self,
        from: u16,
        ballot: u64,
        slot: u64,
        value: Digest,
        learners: LearnerSet,
    ) {
        self.hear(from, votes(ballot, slot, None, Some((value, learners))));
    }

    /// What the real one has sent as 2av of a slot: ballot, value, learners.
    pub(super) fn sent_2av(&self, slot: u64) -> Vec<(u64, Digest, LearnerSet)> {
        self.sent(slot, |s| s.two_av)
    }

    pub(super) fn sent_2b(&self, slot: u64) -> Vec<(u64, Digest, LearnerSet)> {
        self.sent(slot, |s| s.two_b)
    }

    fn sent(
        &self,
        slot: u64,
        of: impl Fn(&SlotVotes) -> Option<(Digest, LearnerSet)>,
    ) -> Vec<(u64, Digest, LearnerSet)> {
        let votes = self.said.iter().filter_map(|m| match m {
            Message::Votes(v) => Some(v),
            _ => None,
        });
        votes
            .flat_map(|v| v.slots.iter().map(move |s| (v.ballot.0, s)))
            .filter(|(_, s)| s.slot == Slot(slot))
            .filter_map(|(b, s)| of(s).map(|(v, l)| (b, v, l)))
            .collect()
    }

    pub(super) fn one_bs(&self) -> Vec<OneB> {
        let of = |m: &Message| match m {
            Message::OneB(b) => Some(b.clone()),
            _ => None,
        };
        self.said.iter().filter_map(of).collect()
    }

    /// What a peer that has nothing gets when it asks.
    pub(super) fn hands_out(&self) -> Vec<Message> {
        let next = vec![Slot(0); self.network.graph().n_learners()];
        let answer = self
            .engine
            .answer(&SyncRequest { next, have: vec![] }, 1 << 20);
        let open = |m: crypto::Signed<Message>| m.verify(self.network.keyring()).expect("genuine");
        answer
            .messages
            .into_iter()
            .map(|m| (*open(m)).clone())
            .collect()
    }
}

pub(super) fn one_b(
    ballot: u64,
    low_water: u64,
    slots: Vec<(u64, Vec<Entry>, Vec<Entry>)>,
) -> Message {
    let slots = slots
        .into_iter()
        .map(|(slot, votes, proposals)| SlotReport {
            slot: Slot(slot),
            votes,
            proposals,
        })
        .collect();
    Message::OneB(OneB {
        ballot: Ballot(ballot),
        low_water: Slot(low_water),
        scope: Scope::ALL,
        slots,
    })
}

pub(super) fn votes(
    ballot: u64,
    slot: u64,
    two_av: Option<(Digest, LearnerSet)>,
    two_b: Option<(Digest, LearnerSet)>,
) -> Message {
    let slots = vec![SlotVotes {
        slot: Slot(slot),
        two_av,
        two_b,
    }];
    Message::Votes(Votes {
        ballot: Ballot(ballot),
        slots,
    })
}

/// A batch with one value, and its digest.
pub(super) fn batch(text: &str) -> (Batch, Digest) {
    let value = ClientValue::new(Vec::new(), text.as_bytes().to_vec()).expect("small");
    let batch = Batch {
        values: vec![value].into(),
    };
    let digest = batch.digest();
    (batch, digest)
}
