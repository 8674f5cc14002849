//! The network between the nodes, and the faults that are at work in it.

use super::chance::Chance;
use super::faults::Fault;
use std::time::Duration;

/// How messages travel while nothing is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    /// How long a message takes, least and most. Any difference reorders.
    pub delay: (Duration, Duration),
    /// Of a hundred messages, how many are lost.
    pub loss: u64,
    /// Of a hundred messages, how many arrive twice.
    pub twice: u64,
}

impl Links {
    /// Quick and without loss.
    pub const CALM: Links = Links {
        delay: (Duration::from_millis(1), Duration::from_millis(5)),
        loss: 0,
        twice: 0,
    };
}

/// How it is between the nodes now.
#[derive(Clone, Debug)]
pub struct Weather {
    /// What holds without any fault.
    pub links: Links,
    /// The faults at work.
    pub faults: Vec<Fault>,
}

impl Weather {
    /// Whether messages of one node do not reach another one.
    #[must_use]
    pub fn cut(&self, from: usize, to: usize) -> bool {
        self.faults.iter().any(|fault| match fault {
            Fault::Cut { from: f, to: t } => (from, to) == (*f, *t),
            Fault::Partition { side } => side.contains(&from) != side.contains(&to),
            Fault::Unheard { node } => *node == from,
            Fault::Deaf { node } => *node == to,
            _ => false,
        })
    }

    /// When a message arrives, counted from now; nothing if it is lost, several times if it is doubled.
    pub(super) fn arrivals(&self, from: usize, to: usize, chance: &mut Chance) -> Vec<Duration> {
        let burst = self.faults.iter().map(|fault| match fault {
            Fault::Loss { percent } => *percent,
            _ => 0,
        });
        let loss = self.links.loss.max(burst.max().unwrap_or(0));
        if self.cut(from, to) || chance.percent(loss) {
            return Vec::new();
        }
        let copies = 1 + usize::from(chance.percent(self.links.twice));
        (0..copies)
            .map(|_| chance.time(self.links.delay) * self.slowness(from, to))
            .collect()
    }

    fn slowness(&self, from: usize, to: usize) -> u32 {
        let slow = self.faults.iter().map(|fault| match fault {
            Fault::Slow { node, factor } if [from, to].contains(node) => *factor,
            _ => 1,
        });
        slow.max().unwrap_or(1)
    }

    /// How much longer than usual a disk takes; `None` if nothing happens on it.
    #[must_use]
    pub fn disk(&self, disk: usize) -> Option<u32> {
        let mut slow = 1;
        for fault in &self.faults {
            match fault {
                Fault::DiskStalls { disk: d } if *d == disk => return None,
                Fault::DiskSlow { disk: d, factor } if *d == disk => slow = slow.max(*factor),
                _ => {}
            }
        }
        Some(slow)
    }

    /// Whether a disk cannot be reached, and every attempt fails.
    #[must_use]
    pub fn lost(&self, disk: usize) -> bool {
        self.faults
            .iter()
            .any(|fault| matches!(fault, Fault::DiskLost { disk: d } if *d == disk))
    }

    /// Whether a node is stopped like a process that got SIGSTOP.
    #[must_use]
    pub fn paused(&self, node: usize) -> bool {
        self.faults
            .iter()
            .any(|fault| matches!(fault, Fault::Pause { node: n } if *n == node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weather(faults: Vec<Fault>) -> Weather {
        let links = Links::CALM;
        Weather { links, faults }
    }

    #[test]
    fn cuts_have_a_direction_and_partitions_have_none() {
        let cut = weather(vec![Fault::Cut { from: 0, to: 1 }]);
        assert!(cut.cut(0, 1) && !cut.cut(1, 0) && !cut.cut(0, 2));
        let side = vec![0, 2];
        let split = weather(vec![Fault::Partition { side }]);
        assert!(split.cut(0, 1) && split.cut(1, 2) && !split.cut(0, 2) && !split.cut(1, 3));
        let deaf = weather(vec![Fault::Deaf { node: 1 }]);
        assert!(deaf.cut(0, 1) && !deaf.cut(1, 0));
        let unheard = weather(vec![Fault::Unheard { node: 1 }]);
        assert!(unheard.cut(1, 0) && !unheard.cut(0, 1));
    }

    #[test]
    fn messages_are_lost_doubled_and_late_as_asked() {
        let mut chance = Chance::new(1, 0);
        let mut count = |w: &Weather| -> Vec<Duration> {
            (0..1000)
                .flat_map(|_| w.arrivals(0, 1, &mut chance))
                .collect()
        };
        let mut calm = weather(Vec::new());
        assert_eq!(count(&calm).len(), 1000);
        calm.links.twice = 50;
        assert!((1400..1600).contains(&count(&calm).len()));
        let lossy = weather(vec![Fault::Loss { percent: 50 }]);
        assert!((400..600).contains(&count(&lossy).len()));
        let slow = weather(vec![Fault::Slow { node: 1, factor: 9 }]);
        assert!(count(&slow).iter().all(|d| *d >= Links::CALM.delay.0 * 9));
        assert_eq!(count(&weather(vec![Fault::Deaf { node: 1 }])).len(), 0);
    }

    #[test]
    fn disks_and_nodes_stop_while_their_fault_lasts() {
        let w = weather(vec![
            Fault::DiskStalls { disk: 0 },
            Fault::DiskSlow { disk: 1, factor: 7 },
            Fault::DiskLost { disk: 2 },
            Fault::Pause { node: 2 },
        ]);
        assert!(w.lost(2) && !w.lost(1));
        assert_eq!((w.disk(0), w.disk(1), w.disk(2)), (None, Some(7), Some(1)));
        assert!(w.paused(2) && !w.paused(0));
    }
}
