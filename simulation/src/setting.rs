//! The circumstances of a run, drawn from its seed.

use super::chance::Chance;
use super::clock::Clock;
use super::faults::{self, Planned, Targets};
use super::weather::Links;
use consensus::{ClientValue, RECENT_BYTES, Time};
use std::time::Duration;

/// How a run goes, apart from what the protocol does.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The seed of everything that is drawn while it runs.
    pub seed: u64,
    /// The patience of acceptors and processors at first.
    pub patience: Duration,
    /// How long new leaders wait for more 1b.
    pub grace: Duration,
    /// Slots open at once.
    pub window: u64,
    /// Slots that stay in memory once they are delivered: one of these for every start of a node.
    pub recent: Vec<u64>,
    /// Bytes of values after which delivered slots leave memory however few they are.
    pub recent_bytes: usize,
    /// HPaxos: the slots of a page.
    pub page: u64,
    /// How long values wait for others to share a slot.
    pub batch_delay: Duration,
    /// In how many of a hundred cases the history is durable soon after the records.
    pub flush: u64,
    /// In how many of a hundred cases a node makes a checkpoint where it can.
    pub checkpoint: u64,
    /// The links, while the faults last.
    pub links: Links,
    /// How long a sync of the storage takes.
    pub sync: (Duration, Duration),
    /// How long an atomic action on a disk takes.
    pub disk: (Duration, Duration),
    /// The clocks, by place.
    pub clocks: Vec<Clock>,
    /// What clients submit, when and where.
    pub values: Vec<(Time, usize, ClientValue)>,
    /// What goes wrong.
    pub faults: Vec<Planned>,
    /// How long faults may last; then everything heals that can.
    pub length: Duration,
}

const MS: Duration = Duration::from_millis(1);
/// The slots that stay in memory if nothing else is said, as in a node.
pub(crate) const RECENT: u64 = 512;
/// The bytes that may stay in memory: of three values, of eleven, and as in a node.
const BYTES: [usize; 4] = [64, 256, RECENT_BYTES, RECENT_BYTES];

impl Setting {
    /// Nothing goes wrong, and nobody submits anything.
    #[must_use]
    pub fn calm(seed: u64) -> Setting {
        Setting {
            seed,
            patience: 200 * MS,
            grace: 20 * MS,
            window: 8,
            recent: vec![RECENT],
            recent_bytes: RECENT_BYTES,
            page: 256,
            batch_delay: Duration::ZERO,
            flush: 100,
            checkpoint: 1,
            links: Links::CALM,
            sync: (MS / 10, 2 * MS),
            disk: (MS / 20, MS),
            clocks: Vec::new(),
            values: Vec::new(),
            faults: Vec::new(),
            length: Duration::ZERO,
        }
    }

    /// What a seed brings to a network of this size.
    #[must_use]
    pub fn of_seed(seed: u64, targets: Targets) -> Setting {
        let mut chance = Chance::new(seed, 1);
        let chance = &mut chance;
        let patience = *chance.pick(&[100, 200, 500]).unwrap_or(&200) * MS;
        let length = patience * 40;
        let longest = *chance.pick(&[3, 20, 80]).unwrap_or(&20) * MS;
        let links = Links {
            delay: (MS / 2, longest),
            loss: *chance.pick(&[0, 0, 2, 10, 25]).unwrap_or(&0),
            twice: *chance.pick(&[0, 0, 5, 30]).unwrap_or(&0),
        };
        let clock = |chance: &mut Chance| Clock {
            offset: chance.time((Duration::ZERO, 1000 * MS)),
            rate: 800 + u32::try_from(chance.below(450)).unwrap_or(0),
        };
        let values = 4 + chance.below(40);
        let keeping = &mut Chance::new(seed, 4);
        Setting {
            seed,
            patience,
            grace: patience / 10,
            window: 1 + chance.below(12),
            recent: match keeping.below(5) {
                0 => vec![1, 2, 5, RECENT],
                n => vec![[1, 2, 5, RECENT][usize::try_from(n - 1).unwrap_or(0)]],
            },
            recent_bytes: *Chance::new(seed, 6).pick(&BYTES).unwrap_or(&RECENT_BYTES),
            page: *keeping.pick(&[1, 2, 4]).unwrap_or(&1),
            batch_delay: *keeping.pick(&[0, 0, 2, 20]).unwrap_or(&0) * MS,
            flush: *keeping.pick(&[5, 50, 100]).unwrap_or(&100),
            checkpoint: *keeping.pick(&[0, 1, 10, 50]).unwrap_or(&0),
            links,
            sync: (MS / 20, *chance.pick(&[1, 5, 30]).unwrap_or(&5) * MS),
            disk: (MS / 50, *chance.pick(&[1, 3, 10]).unwrap_or(&1) * MS),
            clocks: (0..targets.nodes).map(|_| clock(chance)).collect(),
            values: (0..values)
                .map(|n| value(chance, n, targets, length))
                .collect(),
            faults: faults::plan(chance, targets, length),
            length,
        }
    }
}

fn value(
    chance: &mut Chance,
    n: u64,
    targets: Targets,
    length: Duration,
) -> (Time, usize, ClientValue) {
    // Some through several nodes: that is one value all the same.
    let name = if chance.percent(15) { n / 2 } else { n };
    let value = ClientValue {
        key: Vec::new(),
        bytes: format!("value {name}").into_bytes(),
    };
    let at = chance.time((Duration::ZERO, length));
    (at, chance.place(targets.nodes), value)
}
