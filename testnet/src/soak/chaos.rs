//! Who is killed when, and for how long: drawn from a seed. No I/O, no clock.

use crate::observe::Node;
use simulation::chance::Chance;
use std::time::Duration;

/// In so many of a hundred cases all nodes are killed instead of one.
const ALL: u64 = 10;
/// In so many of a hundred cases a node comes back at once; of the others, half after a short time.
const AT_ONCE: u64 = 40;

/// A node to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Victim {
    /// The node.
    pub node: Node,
    /// How long it stays down.
    pub down: Duration,
}

/// What happens at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Whom it may hit: the first one that may be killed, or everybody who lives.
    pub victims: Vec<Victim>,
    /// Whether it hits everybody.
    pub all: bool,
}

/// Draws strikes. The same seed draws the same ones at the same times, whatever becomes of the network: who
/// is hit depends on who lives as well.
#[derive(Clone, Debug)]
pub struct Chaos {
    chance: Chance,
    every: Duration,
    nodes: usize,
    next: Duration,
}

impl Chaos {
    /// A strike every so often on average, never if that is zero, on so many nodes.
    #[must_use]
    pub fn new(seed: u64, every: Duration, nodes: usize) -> Chaos {
        let mut chaos = Chaos {
            chance: Chance::new(seed, 0),
            every,
            nodes,
            next: Duration::MAX,
        };
        if every > Duration::ZERO {
            chaos.next = chaos.pause();
        }
        chaos
    }

    fn pause(&mut self) -> Duration {
        self.chance.time((self.every / 2, self.every * 3 / 2))
    }

    /// The strike whose time has come.
    pub fn due(&mut self, now: Duration) -> Option<Strike> {
        if now < self.next {
            return None;
        }
        self.next = self.next.saturating_add(self.pause());
        let all = self.chance.percent(ALL);
        let mut order: Vec<Node> = (0..self.nodes).collect();
        for at in (1..self.nodes).rev() {
            order.swap(at, self.chance.place(at + 1));
        }
        let victims = order.into_iter().map(|node| Victim {
            node,
            down: self.down(),
        });
        let victims = victims.collect();
        Some(Strike { victims, all })
    }

    /// How long a node stays down: not at all, a moment, or so long that others go on without it.
    fn down(&mut self) -> Duration {
        let (at_once, long) = (self.chance.percent(AT_ONCE), self.chance.percent(50));
        let (moment, time) = (self.every / 4, self.every / 2);
        let drawn = match long {
            true => self.chance.time((time, time * 4)),
            false => self.chance.time((Duration::ZERO, moment)),
        };
        if at_once { Duration::ZERO } else { drawn }
    }
}

impl Strike {
    /// Whom it hits: of those that live, the first without whom some learner can still decide, or all.
    #[must_use]
    pub fn hits(&self, lives: impl Fn(Node) -> bool, spare: impl Fn(Node) -> bool) -> Vec<Victim> {
        let living = self.victims.iter().filter(|victim| lives(victim.node));
        match self.all {
            true => living.copied().collect(),
            false => living.filter(|v| spare(v.node)).take(1).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    fn strikes(seed: u64, n: usize) -> Vec<(Duration, Strike)> {
        let mut chaos = Chaos::new(seed, EVERY, 4);
        let mut found = Vec::new();
        let mut now = Duration::ZERO;
        while found.len() < n {
            now += Duration::from_millis(100);
            found.extend(chaos.due(now).map(|strike| (now, strike)));
        }
        found
    }

    #[test]
    fn a_seed_says_everything() {
        assert_eq!(strikes(1, 50), strikes(1, 50));
        assert_ne!(strikes(1, 50), strikes(2, 50));
    }

    #[test]
    fn every_node_is_hit_as_often_and_all_kinds_of_strikes_come() {
        let strikes = strikes(7, 4000);
        let (last, _) = strikes.last().expect("one");
        let mean = last.as_secs_f64() / 4000.0;
        assert!((9.5..10.5).contains(&mean), "every {mean} s");
        let mut hits = [0; 4];
        let (mut all, mut at_once, mut long) = (0, 0, 0);
        for (_, strike) in &strikes {
            all += usize::from(strike.all);
            let hit = strike.hits(|_| true, |_| true);
            assert_eq!(hit.len(), if strike.all { 4 } else { 1 });
            hits[hit[0].node] += 1;
            at_once += usize::from(hit[0].down.is_zero());
            long += usize::from(hit[0].down >= EVERY / 2);
            assert!(hit[0].down <= EVERY * 2);
        }
        assert!(hits.iter().all(|n| (900..1100).contains(n)), "{hits:?}");
        assert!((300..500).contains(&all), "{all}");
        assert!((1450..1750).contains(&at_once), "{at_once}");
        assert!((1000..1400).contains(&long), "{long}");
    }

    #[test]
    fn who_cannot_be_spared_is_spared_and_the_dead_are_not_hit() {
        for (_, strike) in strikes(3, 200) {
            let hit = strike.hits(|node| node != 1, |node| node != 2);
            let nodes: Vec<Node> = hit.iter().map(|v| v.node).collect();
            match strike.all {
                true => assert_eq!(nodes.len(), 3, "all that live, spared or not"),
                false => assert!(matches!(nodes[..], [0 | 3]), "{nodes:?}"),
            }
            assert!(strike.all || strike.hits(|_| true, |_| false).is_empty());
        }
    }

    #[test]
    fn never_is_never() {
        let mut chaos = Chaos::new(1, Duration::ZERO, 4);
        assert_eq!(chaos.due(Duration::from_secs(1_000_000)), None);
    }
}
