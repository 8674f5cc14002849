//! What goes wrong, when, and for how long.

use super::chance::Chance;
use consensus::Time;
use std::fmt;
use std::time::Duration;

/// Something that goes wrong. Nodes and disks are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The node dies between two instructions: of what it was storing some prefix is kept. It starts again
    /// when the fault ends.
    Crash {
        /// Which.
        node: usize,
    },
    /// The storage refuses a write or a sync. The node stops; it starts again when the fault ends.
    StorageFails {
        /// Whose.
        node: usize,
    },
    /// The node does nothing, and what comes for it waits.
    Pause {
        /// Which.
        node: usize,
    },
    /// Messages of one node do not reach another one.
    Cut {
        /// Whose.
        from: usize,
        /// Whom.
        to: usize,
    },
    /// Nothing that a node says reaches anybody.
    Unheard {
        /// Which.
        node: usize,
    },
    /// A node hears nothing.
    Deaf {
        /// Which.
        node: usize,
    },
    /// Nodes of this side and all others do not hear each other.
    Partition {
        /// The one side.
        side: Vec<usize>,
    },
    /// Many messages are lost.
    Loss {
        /// Of a hundred.
        percent: u64,
    },
    /// Messages from and to a node take long.
    Slow {
        /// Which.
        node: usize,
        /// How many times as long as usual.
        factor: u32,
    },
    /// A disk is away: operations on it fail. It is back, with what it had, when the fault ends.
    DiskLost {
        /// Which.
        disk: usize,
    },
    /// Nothing happens on a disk, and nobody is told.
    DiskStalls {
        /// Which.
        disk: usize,
    },
    /// A disk takes long.
    DiskSlow {
        /// Which.
        disk: usize,
        /// How many times as long as usual.
        factor: u32,
    },
}

impl Fault {
    /// The kind's name, for counting.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Crash { .. } => "crash",
            Fault::StorageFails { .. } => "storage failure",
            Fault::Pause { .. } => "pause",
            Fault::Cut { .. } => "one-way cut",
            Fault::Unheard { .. } => "node unheard",
            Fault::Deaf { .. } => "node deaf",
            Fault::Partition { .. } => "partition",
            Fault::Loss { .. } => "loss burst",
            Fault::Slow { .. } => "slow links",
            Fault::DiskLost { .. } => "disk lost",
            Fault::DiskStalls { .. } => "disk stall",
            Fault::DiskSlow { .. } => "slow disk",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = |n: &usize| format!("n{}", n + 1);
        let disk = |d: &usize| format!("d{}", d + 1);
        match self {
            Fault::Crash { node: n } => write!(f, "{} crashes", node(n)),
            Fault::StorageFails { node: n } => write!(f, "{}'s storage fails", node(n)),
            Fault::Pause { node: n } => write!(f, "{} pauses", node(n)),
            Fault::Cut { from, to } => write!(f, "{} does not hear {}", node(to), node(from)),
            Fault::Unheard { node: n } => write!(f, "nobody hears {}", node(n)),
            Fault::Deaf { node: n } => write!(f, "{} hears nobody", node(n)),
            Fault::Partition { side } => {
                let side: Vec<String> = side.iter().map(node).collect();
                write!(f, "{} cut off from the others", side.join(", "))
            }
            Fault::Loss { percent } => write!(f, "{percent}% of all messages are lost"),
            Fault::Slow { node: n, factor } => {
                write!(f, "{}'s links are {factor} times slower", node(n))
            }
            Fault::DiskLost { disk: d } => write!(f, "{} is lost", disk(d)),
            Fault::DiskStalls { disk: d } => write!(f, "{} stalls", disk(d)),
            Fault::DiskSlow { disk: d, factor } => {
                write!(f, "{} is {factor} times slower", disk(d))
            }
        }
    }
}

/// A fault with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When it begins.
    pub at: Time,
    /// How long it lasts, but no longer than until everything heals; for ever if it is the longest time there is.
    pub lasts: Duration,
    /// What it is.
    pub fault: Fault,
}

/// What can be hit.
#[derive(Clone, Copy, Debug)]
pub struct Targets {
    /// Nodes.
    pub nodes: usize,
    /// Disks, in the mode that has any.
    pub disks: usize,
}

/// Draws faults for a run of this length, in the order of their times.
pub(super) fn plan(chance: &mut Chance, targets: Targets, length: Duration) -> Vec<Planned> {
    let patience = length / 40;
    let count = chance.below(24);
    let mut faults: Vec<Planned> = (0..count)
        .map(|_| Planned {
            at: chance.time((Duration::ZERO, length)),
            lasts: match chance.below(4) {
                0 => chance.time((Duration::from_millis(1), patience)),
                1 | 2 => chance.time((patience / 2, patience * 4)),
                _ => chance.time((patience, patience * 12)),
            },
            fault: fault(chance, targets),
        })
        .collect();
    // A process that is started again at once is back before anybody has missed it.
    for planned in &mut faults {
        if matches!(planned.fault, Fault::Crash { .. }) && chance.percent(40) {
            planned.lasts = chance.time((Duration::from_millis(1), patience / 10));
        }
    }
    faults.sort_by_key(|planned| planned.at);
    for_ever(chance, targets, &mut faults);
    faults
}

/// In some runs one node that crashes, or one disk of three that is lost, never comes back.
fn for_ever(chance: &mut Chance, targets: Targets, faults: &mut [Planned]) {
    if !chance.percent(20) {
        return;
    }
    let may = |fault: &Fault| match fault {
        Fault::Crash { .. } => targets.nodes > 2 || targets.disks > 0 && targets.nodes > 1,
        Fault::DiskLost { .. } => targets.disks > 2,
        _ => false,
    };
    if let Some(planned) = faults.iter_mut().rev().find(|p| may(&p.fault)) {
        planned.lasts = Duration::MAX;
    }
}

fn fault(chance: &mut Chance, targets: Targets) -> Fault {
    let node = chance.place(targets.nodes);
    let to = (node + 1 + chance.place(targets.nodes.saturating_sub(1))) % targets.nodes.max(1);
    let factor = 2 + u32::try_from(chance.below(60)).unwrap_or(0);
    if targets.disks > 0 && chance.percent(40) {
        let disk = chance.place(targets.disks);
        return match chance.below(5) {
            0 | 1 => Fault::DiskLost { disk },
            2 | 3 => Fault::DiskStalls { disk },
            _ => Fault::DiskSlow { disk, factor },
        };
    }
    match chance.below(20) {
        0..=6 => Fault::Crash { node },
        7 => Fault::StorageFails { node },
        8 | 9 => Fault::Pause { node },
        10..=12 => Fault::Cut { from: node, to },
        13 => Fault::Unheard { node },
        14 => Fault::Deaf { node },
        15..=17 => Fault::Partition {
            side: side(chance, node, targets.nodes),
        },
        18 => Fault::Loss {
            percent: 20 + chance.below(70),
        },
        _ => Fault::Slow { node, factor },
    }
}

/// One node at least, and not all of them.
fn side(chance: &mut Chance, node: usize, nodes: usize) -> Vec<usize> {
    let mut side: Vec<usize> = (0..nodes)
        .filter(|n| *n == node || chance.percent(50))
        .collect();
    if side.len() == nodes {
        side.retain(|n| *n == node);
    }
    side
}
