//! What fails together: single acceptors, or groups of them.

use crate::id::{AcceptorId, Id};
use crate::set::{AcceptorSet, IdSet};

/// Something that fails as a whole: an acceptor, or a group of acceptors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnitId(pub u16);

impl Id for UnitId {
    fn from_index(index: u16) -> Self {
        Self(index)
    }

    fn index(self) -> u16 {
        self.0
    }
}

/// A set of units.
pub type UnitSet = IdSet<UnitId, 8>;

/// What can fail, and which acceptors fail with it. Every acceptor is in exactly one unit.
#[derive(Clone, Debug)]
pub struct Units {
    names: Vec<String>,
    members: Vec<AcceptorSet>,
}

impl Units {
    /// Every acceptor by itself, from their names.
    pub fn single(names: Vec<String>) -> Self {
        let members = (0..names.len() as u16).map(|a| std::iter::once(AcceptorId(a)).collect());
        Self {
            members: members.collect(),
            names,
        }
    }

    /// Groups of acceptors; those in none are units of their own. The groups are disjoint.
    pub(crate) fn grouped(acceptors: Vec<String>, groups: Vec<(String, AcceptorSet)>) -> Self {
        let mut units = Self {
            names: Vec::new(),
            members: Vec::new(),
        };
        let mut rest = AcceptorSet::first(acceptors.len());
        for (name, members) in groups {
            rest -= members;
            units.names.push(name);
            units.members.push(members);
        }
        for a in rest {
            units.names.push(acceptors[usize::from(a.0)].clone());
            units.members.push(std::iter::once(a).collect());
        }
        units
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// All of them.
    pub(crate) fn all(&self) -> UnitSet {
        UnitSet::first(self.len())
    }

    /// Whether every unit is one acceptor.
    pub(crate) fn are_single(&self) -> bool {
        self.members.iter().all(|members| members.len() == 1)
    }

    /// A unit's name.
    pub(crate) fn name(&self, unit: UnitId) -> &str {
        self.names
            .get(usize::from(unit.0))
            .map_or("?", String::as_str)
    }

    /// The names of a set of units.
    pub(crate) fn names(&self, set: &UnitSet) -> Vec<String> {
        set.iter().map(|unit| self.name(unit).to_owned()).collect()
    }

    /// The acceptors that fail with these units.
    pub(crate) fn acceptors(&self, set: &UnitSet) -> AcceptorSet {
        let mut all = AcceptorSet::EMPTY;
        for unit in set {
            if let Some(members) = self.members.get(usize::from(unit.0)) {
                all |= *members;
            }
        }
        all
    }

    /// The units that have one of these acceptors.
    pub(crate) fn touched(&self, acceptors: &AcceptorSet) -> UnitSet {
        let touched = |unit: &UnitId| self.members[usize::from(unit.0)].intersects(acceptors);
        self.all().iter().filter(touched).collect()
    }

    /// The unit of each acceptor, by number.
    pub(crate) fn of_acceptors(&self, n_acceptors: usize) -> Vec<usize> {
        let mut units = vec![0; n_acceptors];
        for (unit, members) in self.members.iter().enumerate() {
            for a in members {
                if let Some(slot) = units.get_mut(usize::from(a.0)) {
                    *slot = unit;
                }
            }
        }
        units
    }
}
