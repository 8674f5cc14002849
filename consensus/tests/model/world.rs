//! The network that is checked, and every statement that was ever made in it, by number.

use consensus::hpaxos::{Message, Votes};
use consensus::{Ballot, Batch, ClientValue, Member, Network, Slot};
use crypto::{Digest, Keypair, MemberId, Signed, Signer, Verified, codec};
use learner_graph::{AcceptorId, LearnerId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The one slot.
pub const SLOT: Slot = Slot(0);

/// A statement, by its place in [`World`].
pub type Id = u16;

/// What a statement says about the one slot, as far as the model asks. The order within one ballot is
/// the order in which an acceptor says them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    OneA,
    OneC(u8),
    Wish,
    OneB,
    TwoAv(u8, LearnerId),
    TwoB(u8, LearnerId),
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub from: MemberId,
    pub ballot: u64,
    pub kind: Kind,
    pub message: Verified<Message>,
}

pub struct World {
    pub network: Arc<Network>,
    /// The two values, with their bytes.
    pub values: Vec<(Batch, Digest)>,
    statements: Vec<Statement>,
    ids: BTreeMap<Digest, Id>,
    signed: BTreeMap<(MemberId, Digest), Verified<Message>>,
}

impl World {
    /// Member i plays acceptor i of the graph; two more members own the ballots.
    pub fn new(graph: &str) -> Self {
        let graph = learner_graph::parse_graph(graph).expect("a valid graph").0;
        let acceptors = u16::try_from(graph.n_acceptors()).expect("few");
        let member = |i: u16| Member {
            name: format!("n{i:03}"),
            key: keypair(i).public(),
            acceptor: (i < acceptors).then_some(AcceptorId(i)),
            proposer: i >= acceptors,
        };
        let members = (0..acceptors + 2).map(member).collect();
        let network = Network::new("model", "hpaxos", graph, members).expect("a valid network");
        World {
            network: Arc::new(network),
            values: ["x", "y"].map(batch).into(),
            statements: Vec::new(),
            ids: BTreeMap::new(),
            signed: BTreeMap::new(),
        }
    }

    pub fn signer(&self, member: MemberId) -> Signer {
        Signer::new(keypair(member.0), member, self.network.id())
    }

    pub fn statement(&self, id: Id) -> &Statement {
        &self.statements[usize::from(id)]
    }

    /// The numbers of what a member says, taken apart: one statement per learner.
    pub fn say(&mut self, from: MemberId, message: Message) -> Vec<Id> {
        let parts = match message {
            Message::Votes(votes) => each_learner(&votes),
            other => vec![other],
        };
        parts.into_iter().map(|m| self.number(from, m)).collect()
    }

    /// What an acceptor has stored of its own, one envelope per ballot and value for all its 2av, and one for
    /// its 2b.
    pub fn stored(&mut self, own: &[Id]) -> Vec<Signed<Message>> {
        let mut envelopes: Vec<(MemberId, Message)> = Vec::new();
        for id in own {
            let said = self.statement(*id);
            let (from, message) = (said.from, (*said.message).clone());
            let joined = match (envelopes.last_mut(), &message) {
                (Some((_, Message::Votes(before))), Message::Votes(v)) => join(before, v),
                _ => false,
            };
            if !joined {
                envelopes.push((from, message));
            }
        }
        let sign = |(from, message)| self.sign(from, message).signed().clone();
        envelopes.into_iter().map(sign).collect()
    }

    /// Signatures are slow: each is made once.
    fn sign(&mut self, from: MemberId, message: Message) -> Verified<Message> {
        let key = (from, Digest::of(&codec::encode(&message)));
        let signer = self.signer(from);
        let sign = || signer.sign(message).expect("small");
        self.signed.entry(key).or_insert_with(sign).clone()
    }

    /// What the owner of a ballot says in it.
    pub fn say_as_owner(&mut self, message: Message) -> Id {
        let owner = self.network.owner(message.ballot());
        self.say(owner.expect("an owner"), message)[0]
    }

    fn number(&mut self, from: MemberId, message: Message) -> Id {
        let message = self.sign(from, message);
        let next = Id::try_from(self.statements.len()).expect("few statements");
        let id = *self.ids.entry(message.id()).or_insert(next);
        if id == next {
            self.statements.push(Statement {
                from: message.signer(),
                ballot: message.ballot().0,
                kind: self.kind(&message),
                message,
            });
        }
        id
    }

    fn kind(&self, message: &Message) -> Kind {
        let value = |digest: &Digest| {
            let is_it = |(_, d): &(Batch, Digest)| d == digest;
            self.values.iter().position(is_it).expect("x or y") as u8
        };
        match message {
            Message::OneA { .. } => Kind::OneA,
            Message::OneB(_) => Kind::OneB,
            Message::OneC(m) => Kind::OneC(value(&m.proposals[0].value)),
            Message::Wish { .. } => Kind::Wish,
            Message::Votes(m) => match (&m.slots[0].two_av, &m.slots[0].two_b) {
                (Some((v, l)), None) => Kind::TwoAv(value(v), l.iter().next().expect("one")),
                (None, Some((v, l))) => Kind::TwoB(value(v), l.iter().next().expect("one")),
                _ => panic!("taken apart before"),
            },
        }
    }
}

/// 2av or 2b of one value for one learner.
pub fn vote(ballot: u64, value: Digest, learner: LearnerId, two_b: bool) -> Message {
    let what = Some((value, [learner].into_iter().collect()));
    let (two_av, two_b) = if two_b { (None, what) } else { (what, None) };
    let said = consensus::hpaxos::SlotVotes {
        slot: SLOT,
        two_av,
        two_b,
    };
    Message::Votes(Votes {
        ballot: Ballot(ballot),
        slots: vec![said],
    })
}

fn each_learner(votes: &Votes) -> Vec<Message> {
    let mut parts = Vec::new();
    for said in &votes.slots {
        assert_eq!(said.slot, SLOT, "there is one slot");
        for (what, two_b) in [(said.two_av, false), (said.two_b, true)] {
            let (value, learners) = what.unzip();
            let each = learners.into_iter().flatten();
            parts.extend(each.map(|l| vote(votes.ballot.0, value.expect("with it"), l, two_b)));
        }
    }
    parts
}

/// Adds what one statement says to an envelope of the same ballot, kind and value.
fn join(envelope: &mut Votes, said: &Votes) -> bool {
    let (into, what) = (&mut envelope.slots[0], &said.slots[0]);
    let same = |a: &Option<(Digest, _)>, b: &Option<(Digest, _)>| a.map(|a| a.0) == b.map(|b| b.0);
    if envelope.ballot != said.ballot
        || !same(&into.two_av, &what.two_av)
        || !same(&into.two_b, &what.two_b)
    {
        return false;
    }
    for (into, what) in [
        (&mut into.two_av, what.two_av),
        (&mut into.two_b, what.two_b),
    ] {
        if let (Some((_, learners)), Some((_, more))) = (into, what) {
            *learners |= more;
        }
    }
    true
}

fn keypair(i: u16) -> Keypair {
    Keypair::from_seed([i as u8 + 1; 32])
}

fn batch(text: &str) -> (Batch, Digest) {
    let value = ClientValue::new(Vec::new(), text.as_bytes().to_vec()).expect("small");
    let batch = Batch {
        values: vec![value].into(),
    };
    let digest = batch.digest();
    (batch, digest)
}
