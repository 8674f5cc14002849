//! Nodes that do not follow the protocol: Byzantine behaviour as configuration with a seed.
//!
//! ```text
//!   state machine, unmodified ──► says ──► what each node is told
//!   what others say ──► hears        volunteers ──► what nobody asked for
//! ```
//!
//! A liar stands between an unmodified state machine and the network: the machine hears what it would hear,
//! and what it sends leaves as the liar wants it, another story for every receiver. [`Behaviour`] names
//! the lies, each in a file of its own; what is drawn follows from the seed of the run.

mod bytes;
mod collude;
mod draw;
mod flood;
mod hide;
mod invent;
mod liar;
mod mixed;
pub mod prediction;
mod rash;
mod replay;
mod rumours;
mod silent;
mod twins;
mod two_one_bs;
mod values;
mod voice;
mod votes;
mod withhold;

pub use draw::draw;
pub use liar::{Aside, Liar, Said};

use super::oracle::Place;
use super::stage::Stage;
use consensus::hpaxos::HPaxos;
use voice::Voice;

/// One node that does not follow the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adversary {
    /// Which, by its place.
    pub node: Place,
    /// What it does.
    pub behaviour: Behaviour,
}

impl Adversary {
    /// Whether it is two nodes with one key.
    #[must_use]
    pub fn is_double(&self) -> bool {
        matches!(self.behaviour, Behaviour::Twins | Behaviour::Collude(_))
    }
}

/// What a node does that it should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// There are two of it, with one key, each of which follows the protocol. Whether they hear each other
    /// follows from the seed.
    Twins,
    /// Different 2av and 2b to different nodes, sometimes both to one.
    Votes,
    /// Different 1c to different nodes, sometimes both to one, with the bytes of either value.
    Values,
    /// 1b with votes and 2av that never happened.
    Invent,
    /// 1b that hide votes or 2av, of some learners or all.
    Hide,
    /// Two different 1b for one ballot.
    TwoOneBs,
    /// 2av and 2b for every learner and anything announced, whatever is safe.
    Rash,
    /// Silence in phases that the seed chooses.
    Silent,
    /// Some nodes are told nothing.
    Withhold,
    /// Values announced whose bytes are never given, or to few.
    Bytes,
    /// More ballots, wishes and values than anybody needs.
    Flood,
    /// Old messages again, its own and others'.
    Replay,
    /// Twins with a plan that all liars share: one of each tells one story to one group of nodes, the other
    /// another story to the other group.
    Collude(
        /// The nodes of the one group, all others being in the other; `None`: the seed chooses.
        Option<Vec<Place>>,
    ),
    /// Every message one of these by chance, but for those that take two nodes.
    Mixed,
}

impl Behaviour {
    /// One of each kind.
    pub const ALL: [Behaviour; 14] = [
        Behaviour::Twins,
        Behaviour::Votes,
        Behaviour::Values,
        Behaviour::Invent,
        Behaviour::Hide,
        Behaviour::TwoOneBs,
        Behaviour::Rash,
        Behaviour::Silent,
        Behaviour::Withhold,
        Behaviour::Bytes,
        Behaviour::Flood,
        Behaviour::Replay,
        Behaviour::Collude(None),
        Behaviour::Mixed,
    ];

    /// The word for it on the command line.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Behaviour::Twins => "twins",
            Behaviour::Votes => "two-votes",
            Behaviour::Values => "two-values",
            Behaviour::Invent => "invent",
            Behaviour::Hide => "hide",
            Behaviour::TwoOneBs => "two-1b",
            Behaviour::Rash => "rash",
            Behaviour::Silent => "silent",
            Behaviour::Withhold => "withhold",
            Behaviour::Bytes => "no-bytes",
            Behaviour::Flood => "flood",
            Behaviour::Replay => "replay",
            Behaviour::Collude(_) => "collude",
            Behaviour::Mixed => "mixed",
        }
    }

    /// The behaviour with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Behaviour> {
        Behaviour::ALL.into_iter().find(|b| b.word() == word)
    }
}

/// What stands between the state machine of a place and the network; `None` if nobody lies there.
#[must_use]
pub fn liar(stage: &Stage, place: Place, seed: u64) -> Option<Box<dyn Liar<HPaxos>>> {
    let adversary = stage.adversary(place)?;
    let voice = Voice::new(stage, place, adversary.node, seed)?;
    Some(match &adversary.behaviour {
        Behaviour::Twins => Box::new(twins::Twin::new(stage, place, voice)),
        Behaviour::Collude(side) => {
            Box::new(collude::Colluder::new(stage, place, side.as_deref(), seed))
        }
        Behaviour::Mixed => Box::new(mixed::Mixed::new(&voice)),
        one => single(one, voice)?,
    })
}

/// A liar of a kind that takes one node and is no mixture.
fn single(behaviour: &Behaviour, voice: Voice) -> Option<Box<dyn Liar<HPaxos>>> {
    Some(match behaviour {
        Behaviour::Votes => Box::new(votes::TwoVotes::new(voice)),
        Behaviour::Values => Box::new(values::TwoValues::new(voice)),
        Behaviour::Invent => Box::new(invent::Inventor::new(voice)),
        Behaviour::Hide => Box::new(hide::Hider::new(voice)),
        Behaviour::TwoOneBs => Box::new(two_one_bs::TwoOneBs::new(voice)),
        Behaviour::Rash => Box::new(rash::Rash::new(voice)),
        Behaviour::Silent => Box::new(silent::Silent::new(voice)),
        Behaviour::Withhold => Box::new(withhold::Withholder::new(voice)),
        Behaviour::Bytes => Box::new(bytes::Miser::new(voice)),
        Behaviour::Flood => Box::new(flood::Flood::new(voice)),
        Behaviour::Replay => Box::new(replay::Replay::new(voice)),
        Behaviour::Twins | Behaviour::Collude(_) | Behaviour::Mixed => return None,
    })
}

#[cfg(test)]
mod tests;
