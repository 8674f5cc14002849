//! HPaxos: AcceptorSendAction, AcceptorReceiveAction, AcceptorDisconnectAction and FakeAcceptorAction.

use super::one_b::same_set;
use super::refused::{Guard, no, require};
use super::state::{Acceptor, sent};
use super::{AcceptorId, AtAcceptor, Ballot, LearnerId, Msg, Slot, Spec, Vote};
use consensus::hpaxos::Scope;
use learner_graph::{AcceptorSet, LearnerSet};
use std::collections::{BTreeMap, BTreeSet};

impl Spec {
    /// HPaxos: Phase1b(l, b, a).
    pub(super) fn phase_1b(&self, node: usize, m: &Msg) -> Guard {
        let Msg::OneB {
            lr,
            acc,
            bal,
            low_water,
            scope,
            slots,
        } = m
        else {
            return Err(no("m.type = \"1b\"", "this is no 1b".into()));
        };
        let (l, b) = (*lr, *bal);
        self.typed(l, b)?;
        let a = &self.acceptors[usize::from(acc.0)];
        // HPaxos: maxBal[l, a] < b. In the instances of the slots that the 1b with which it joined left out,
        // it joins later.
        let max_bal = a.max_bal[usize::from(l.0)];
        let joins = match scope {
            Scope::AllBut(_) => max_bal < b,
            Scope::Only(page) => {
                let mut said = self.one_b.at(*acc, b, l);
                max_bal == b && !said.any(|m| page.slots().any(|slot| m.covers(slot)))
            }
        };
        require(joins, "maxBal[l, a] < b", || {
            let lr = self.name_of_learner(l);
            format!("it has joined ballot {max_bal} for {lr} before")
        })?;
        self.initialized_ballot(l, b)?;
        require(a.one_a.contains(&(l, b)), "received", || {
            format!("it has not received a 1a of ballot {b}")
        })?;
        self.may_drop(node, *acc, b, *low_water, scope.page().is_some())?;
        let mut said: BTreeMap<Slot, (&[Vote], &[Vote])> = BTreeMap::new();
        let covers = |slot: Slot| slot >= *low_water && scope.contains(slot);
        for s in slots {
            require(covers(s.slot), "low water", || {
                let slot = s.slot;
                format!(
                    "it speaks of slot {slot}, which is below its low-water mark {low_water} or left out"
                )
            })?;
            let first = said.insert(s.slot, (&s.votes, &s.proposals)).is_none();
            require(first, "slots", || {
                format!("slot {} is listed twice", s.slot)
            })?;
        }
        // What is not listed was never sent.
        let others = self.slots.range(*low_water..).map(|(slot, _)| *slot);
        let others = others.filter(|slot| covers(*slot));
        let all: BTreeSet<Slot> = said.keys().copied().chain(others).collect();
        for slot in all {
            let (votes, proposals) = said.get(&slot).copied().unwrap_or_default();
            self.tells(*acc, l, b, slot, votes, proposals)?;
        }
        Ok(())
    }

    /// The conjuncts of Send in Phase1b, in the instance of one slot.
    fn tells(
        &self,
        acc: AcceptorId,
        l: LearnerId,
        b: Ballot,
        slot: Slot,
        votes: &[Vote],
        proposals: &[Vote],
    ) -> Guard {
        let nothing = AtAcceptor::default();
        let instance = self.slots.get(&slot);
        let at = instance.map_or(&nothing, |i| &i.acceptors[usize::from(acc.0)]);
        let due = at.max_votes(b);
        require(
            same_set(votes, &due),
            "votes |-> {p \\in votesSent[a] : MaxVote(a, b, p)}",
            || self.differ(slot, votes, &due),
        )?;
        let due = at.proposals(l, b);
        require(
            same_set(proposals, &due),
            "proposals |-> {p \\in 2avSent[a] : p.bal < b /\\ p.lr = l}, of each value the highest ballot",
            || self.differ(slot, proposals, &due),
        )
    }

    /// A slot is dropped only when a certificate of every learner is held, and for ever.
    fn may_drop(
        &self,
        node: usize,
        acc: AcceptorId,
        b: Ballot,
        low_water: Slot,
        part: bool,
    ) -> Guard {
        let before = self.acceptors[usize::from(acc.0)].low_water;
        require(low_water >= before, "low water", || {
            format!("its low-water mark was {before}, and never falls")
        })?;
        let all = self.graph.learners();
        for l in all {
            let joined = |m: &&super::one_b::OneB| m.scope.page().is_none();
            let mut said = self.one_b.at(acc, b, l).filter(joined);
            let same = part || said.all(|m| m.low_water == low_water);
            require(same, "low water", || {
                "its 1b for another learner has another low-water mark".into()
            })?;
        }
        for slot in (before.0..low_water.0).map(Slot) {
            let at = self.slots.get(&slot).and_then(|i| i.nodes.get(node));
            let votes = at.into_iter().flat_map(|at| &at.received);
            let chosen = votes.filter(|(v, senders)| self.graph.is_quorum(v.lr, senders));
            let certified: LearnerSet = chosen.map(|(v, _)| v.lr).collect();
            require(all.is_subset(&certified), "low water", || {
                let missing = (all - certified).iter().next().unwrap_or(LearnerId(0));
                let lr = self.name_of_learner(missing);
                format!(
                    "it drops slot {slot}, and this node has received no quorum of 2b of {lr} there"
                )
            })?;
        }
        Ok(())
    }

    /// HPaxos: Phase2av(l, b, a, v).
    pub(super) fn phase_2av(&self, acc: AcceptorId, slot: Slot, vote: &Vote) -> Guard {
        self.typed(vote.lr, vote.bal)?;
        let a = &self.acceptors[usize::from(acc.0)];
        self.joined(a, vote.bal)?;
        self.not_dropped(a, slot)?;
        self.reported(acc, slot, vote)?;
        self.initialized_ballot(vote.lr, vote.bal)?;
        // HPaxos: AnnouncedValue(l, b, v), for this learner.
        let instance = self.slots.get(&slot);
        let announced = instance.is_some_and(|i| i.one_c.contains(vote));
        require(announced, "AnnouncedValue(l, b, v)", || {
            format!("nobody has sent a 1c of {}", self.name_of_vote(vote))
        })?;
        let at = instance.map(|i| &i.acceptors[usize::from(acc.0)]);
        let received = at.is_some_and(|at| at.one_c.contains(vote));
        require(received, "received", || {
            format!("it has not received the 1c of {}", self.name_of_vote(vote))
        })?;
        // HPaxos: \A P \in {p \in 2avSent[a] : p.bal = b /\ …} : P.val = v, whatever the learner.
        let before = at.map(|at| &at.two_av_sent);
        self.says_this(before, vote)?;
        let safe = self.knows_safe_at(acc, slot, vote);
        safe.map_err(|why| no("KnowsSafeAt(l, a, b, v)", why))
    }

    /// HPaxos: Phase2b(l, b, a, v).
    pub(super) fn phase_2b(&self, acc: AcceptorId, slot: Slot, vote: &Vote) -> Guard {
        self.typed(vote.lr, vote.bal)?;
        let a = &self.acceptors[usize::from(acc.0)];
        self.joined(a, vote.bal)?;
        self.not_dropped(a, slot)?;
        self.reported(acc, slot, vote)?;
        let instance = self.slots.get(&slot);
        let at = instance.map(|i| &i.acceptors[usize::from(acc.0)]);
        self.says_this(at.map(|at| &at.votes_sent), vote)?;
        // HPaxos: \E Q : [lr |-> l, q |-> Q] \in TrustLive /\ \A aa \in Q : \E m \in received[a] : …
        let senders = at.and_then(|at| at.two_av.get(vote)).copied();
        let senders: AcceptorSet = senders.unwrap_or_default();
        require(
            self.graph.is_quorum(vote.lr, &senders),
            "\\E Q : [lr |-> l, q |-> Q] \\in TrustLive /\\ \\A aa \\in Q : a 2av of aa is in received[a]",
            || {
                let names = self.graph.names(&senders);
                let lr = self.name_of_learner(vote.lr);
                format!("it has received such 2av from {names} only, which is no quorum of {lr}")
            },
        )
    }

    /// Rule 3. HPaxos has `maxBal[L, a] <= b`.
    fn joined(&self, a: &Acceptor, b: Ballot) -> Guard {
        let other = a.max_bal.iter().position(|max_bal| *max_bal != b);
        require(other.is_none(), "joined: maxBal[L, a] = b", || {
            let l = other.unwrap_or_default();
            let max_bal = a.max_bal[l];
            let lr = self.name_of_learner(LearnerId(u16::try_from(l).unwrap_or(u16::MAX)));
            format!("its ballot for {lr} is {max_bal}")
        })
    }

    /// In the instance of a slot that its 1b has left out it has not joined.
    fn reported(&self, acc: AcceptorId, slot: Slot, vote: &Vote) -> Guard {
        let mut said = self.one_b.at(acc, vote.bal, vote.lr);
        require(
            said.any(|m| m.covers(slot)),
            "joined: maxBal[L, a] = b",
            || format!("its 1b of ballot {} has left out slot {slot}", vote.bal),
        )
    }

    fn not_dropped(&self, a: &Acceptor, slot: Slot) -> Guard {
        let mark = a.low_water;
        require(slot >= mark, "low water", || {
            format!("slot {slot} is below its low-water mark {mark}")
        })
    }

    /// Rule 4, and that nothing is said twice.
    fn says_this(&self, before: Option<&BTreeSet<Vote>>, vote: &Vote) -> Guard {
        let in_ballot = before.into_iter().flatten().filter(|p| p.bal == vote.bal);
        for p in in_ballot {
            require(p.val == vote.val, "one value", || {
                let said = self.name_of_vote(p);
                format!("in this ballot it has sent the same for {said}")
            })?;
            require(p.lr != vote.lr, "once", || "it has sent this before".into())?;
        }
        Ok(())
    }

    /// HPaxos: Recv(l, a): m \in msgs.
    pub(super) fn recv(&self, node: usize, acc: AcceptorId, m: &Msg) -> Guard {
        self.player(node, acc)
            .map_err(|why| no("played by one node", why))?;
        self.is_in_msgs(m)
    }

    /// HPaxos: Disconnect(a): no pair of P is in Ent.
    pub(super) fn disconnect(
        &self,
        node: usize,
        acc: AcceptorId,
        pairs: &[(LearnerId, LearnerId)],
    ) -> Guard {
        self.may_act(node, acc)?;
        for (l1, l2) in pairs {
            let entangled = self.are_entangled(*l1, *l2);
            require(!entangled, "LL \\notin Ent", || {
                let (l1, l2) = (self.name_of_learner(*l1), self.name_of_learner(*l2));
                format!("{l1} and {l2} are entangled")
            })?;
        }
        Ok(())
    }

    /// HPaxos: <<l1, l2>> \in Ent.
    pub(crate) fn are_entangled(&self, l1: LearnerId, l2: LearnerId) -> bool {
        let row = self.ent.get(usize::from(l1.0));
        row.is_some_and(|row| row.contains(l2))
    }

    /// HPaxos: FakeSend(a) of an acceptor that is not safe. A proposer may say anything in the module.
    pub(super) fn fake_send(&self, m: &Msg) -> Guard {
        let acc = match m {
            Msg::OneA { lr, bal } => return self.typed(*lr, *bal),
            Msg::OneC(vote, _) => return self.typed(vote.lr, vote.bal),
            Msg::OneB { acc, .. } | Msg::TwoAv(acc, ..) | Msg::TwoB(acc, ..) => *acc,
        };
        require(!self.safe.contains(acc), "a \\in FakeAcceptor", || {
            let acc = self.name_of_acceptor(acc);
            format!("{acc} is safe, and says nothing that it is not to say")
        })
    }

    /// HPaxos: m \in msgs.
    pub(super) fn is_sent(&self, m: &Msg) -> bool {
        let instance = |slot| self.slots.get(slot);
        match m {
            Msg::OneA { lr, bal } => self.one_a.contains(&(*lr, *bal)),
            Msg::OneB { .. } => self.one_b.sent(m).is_some(),
            Msg::OneC(vote, slot) => instance(slot).is_some_and(|i| i.one_c.contains(vote)),
            Msg::TwoAv(acc, vote, slot) => {
                instance(slot).is_some_and(|i| sent(&i.two_av, *acc, vote))
            }
            Msg::TwoB(acc, vote, slot) => {
                instance(slot).is_some_and(|i| sent(&i.two_b, *acc, vote))
            }
        }
    }

    /// HPaxos: received' = [received EXCEPT ![a] = received[a] \cup {m}].
    pub(super) fn receive(&mut self, node: usize, acc: AcceptorId, m: &Msg) {
        self.bind(node, acc);
        let a = usize::from(acc.0);
        match m {
            Msg::OneA { lr, bal } => {
                self.acceptors[a].one_a.insert((*lr, *bal));
            }
            Msg::OneB { bal, .. } => {
                if let Some(id) = self.one_b.known(m) {
                    self.acceptors[a].one_b.entry(*bal).or_default().insert(id);
                }
            }
            Msg::OneC(vote, slot) => {
                self.instance(*slot).acceptors[a].one_c.insert(*vote);
            }
            Msg::TwoAv(from, vote, slot) => {
                let at = &mut self.instance(*slot).acceptors[a];
                at.two_av.entry(*vote).or_default().insert(*from);
            }
            Msg::TwoB(from, vote, slot) => {
                let at = &mut self.instance(*slot).acceptors[a];
                at.two_b.entry(*vote).or_default().insert(*from);
            }
        }
    }

    fn differ(&self, slot: Slot, said: &[Vote], due: &[Vote]) -> String {
        let list = |votes: &[Vote]| {
            let words: Vec<String> = votes.iter().map(|v| self.name_of_vote(v)).collect();
            format!("{{{}}}", words.join("; "))
        };
        let (said, due) = (list(said), list(due));
        format!("about slot {slot} it says {said}, and what it has sent is {due}")
    }
}

impl AtAcceptor {
    /// HPaxos: {p \in votesSent[a] : MaxVote(a, b, p)}.
    pub(crate) fn max_votes(&self, b: Ballot) -> Vec<Vote> {
        let sent = || self.votes_sent.iter().filter(|p| p.bal < b);
        let is_max = |vote: &&Vote| {
            let mut others = sent().filter(|other| other.lr == vote.lr);
            others.all(|other| other.bal <= vote.bal)
        };
        sent().filter(is_max).copied().collect()
    }

    /// HPaxos: {p \in 2avSent[a] : p.bal < b /\ p.lr = l}, of each value the highest ballot.
    pub(crate) fn proposals(&self, l: LearnerId, b: Ballot) -> Vec<Vote> {
        let sent = || {
            let of_l = self.two_av_sent.iter().filter(move |p| p.lr == l);
            of_l.filter(move |p| p.bal < b)
        };
        let is_max = |p: &&Vote| {
            let mut others = sent().filter(|other| other.val == p.val);
            others.all(|other| other.bal <= p.bal)
        };
        sent().filter(is_max).copied().collect()
    }
}
