//! Messages in words, for histories.

use super::world::short;
use consensus::hpaxos::{self, Entry, Message, Scope};
use consensus::paxos::{self, Body};
use consensus::{Network, Slot};
use crypto::Digest;
use learner_graph::LearnerSet;
use std::fmt::Display;

/// A message of HPaxos.
pub(super) fn hpaxos(message: &Message, network: &Network) -> String {
    match message {
        Message::OneA { ballot } => format!("1a of ballot {ballot}"),
        Message::Wish { ballot } => format!("a wish for ballot {ballot}"),
        Message::OneB(m) => {
            let slots = m.slots.iter().map(|report| {
                let votes = entries(&report.votes, network);
                let proposals = entries(&report.proposals, network);
                format!("slot {}: votes {votes}, 2av {proposals}", report.slot)
            });
            let (ballot, low) = (m.ballot, m.low_water);
            let but = match &m.scope {
                Scope::AllBut(pages) => pages.iter().map(|p| format!(" but {p}")).collect(),
                Scope::Only(page) => format!(" in {page} alone"),
            };
            format!("1b of ballot {ballot} from slot {low}{but}{}", after(slots))
        }
        Message::OneC(m) => {
            let slots = m.proposals.iter().map(|p| {
                let (value, learners) = (short(&p.value), names(&p.learners, network));
                format!("slot {}: {value} for {learners}", p.slot)
            });
            format!("1c of ballot {}{}", m.ballot, after(slots))
        }
        Message::Votes(m) => {
            let slots = m.slots.iter().map(|said| vote(said, network));
            format!("in ballot {}{}", m.ballot, after(slots))
        }
    }
}

fn vote(said: &hpaxos::SlotVotes, network: &Network) -> String {
    let one = |kind: &str, vote: &Option<(Digest, LearnerSet)>| {
        vote.as_ref().map_or(String::new(), |(value, learners)| {
            format!(" {kind} {} for {}", short(value), names(learners, network))
        })
    };
    let (two_av, two_b) = (one("2av", &said.two_av), one("2b", &said.two_b));
    format!("slot {}:{two_av}{two_b}", said.slot)
}

fn entries(entries: &[Entry], network: &Network) -> String {
    let one = |e: &Entry| {
        let (value, learners) = (short(&e.value), names(&e.learners, network));
        format!("{value} in ballot {} for {learners}", e.ballot)
    };
    match entries {
        [] => "none".to_owned(),
        some => some.iter().map(one).collect::<Vec<_>>().join(" and "),
    }
}

fn names(learners: &LearnerSet, network: &Network) -> String {
    let names = learners.iter().map(|l| network.graph().learner_name(l));
    names.collect::<Vec<_>>().join("+")
}

fn after(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!(": {}", parts.join("; ")),
    }
}

/// A message of classic Paxos.
pub(super) fn paxos(message: &paxos::Message) -> String {
    let values = |values: &[(Slot, Digest)]| {
        after(
            values
                .iter()
                .map(|(slot, v)| format!("slot {slot}: {}", short(v))),
        )
    };
    match &message.body {
        Body::OneA { ballot } => format!("1a of ballot {ballot}"),
        Body::OneB {
            ballot,
            low_water,
            votes: v,
        } => {
            format!("1b of ballot {ballot} from slot {low_water}{}", votes(v))
        }
        Body::TwoA { ballot, values: v } => format!("2a of ballot {ballot}{}", values(v)),
        Body::TwoB { ballot, values: v } => format!("2b of ballot {ballot}{}", values(v)),
        Body::Decided { votes: v } => format!("what is decided{}", votes(v)),
        Body::Wish { ballot } => format!("a wish for ballot {ballot}"),
    }
}

/// Slots with ballot and value.
pub(super) fn votes(votes: &[paxos::Vote]) -> String {
    after(votes.iter().map(|v| {
        let (slot, ballot): (&dyn Display, &dyn Display) = (&v.slot, &v.ballot);
        format!("slot {slot}: {} in ballot {ballot}", short(&v.value))
    }))
}
