//! Which of the submitted values have been decided where, and how long it took. No I/O.

use crate::observe::{Item, Learner, Node};
use crate::values::Value;
use std::collections::HashMap;
use std::time::Duration;

/// The submitted values and their fate.
#[derive(Debug)]
pub struct Tracker {
    nodes: usize,
    learners: usize,
    posted: Vec<Option<Duration>>,
    /// Places of values with the same bytes: nodes that do not tell the key are matched in order.
    by_bytes: HashMap<Vec<u8>, Vec<usize>>,
    by_key: HashMap<String, usize>,
    /// learner → node → value.
    delivered: Vec<Vec<bool>>,
    counts: Vec<usize>,
    /// learner → value → time of the first decision.
    first: Vec<Vec<Option<Duration>>>,
    last: Option<Duration>,
}

/// A value was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its place among the submitted values.
    pub value: usize,
    /// From its submission to this decision.
    pub latency: Option<Duration>,
}

/// A learner on a node that has not decided everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The learner.
    pub learner: Learner,
    /// The node.
    pub node: Node,
    /// How many values are missing.
    pub missing: usize,
}

impl Tracker {
    /// A tracker of values of which none has been submitted.
    #[must_use]
    pub fn new(values: &[Value], nodes: usize, learners: usize) -> Self {
        let mut by_bytes: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (at, value) in values.iter().enumerate() {
            by_bytes.entry(value.bytes.clone()).or_default().push(at);
        }
        Tracker {
            nodes,
            learners,
            posted: vec![None; values.len()],
            by_bytes,
            by_key: values
                .iter()
                .enumerate()
                .map(|(at, v)| (v.key.clone(), at))
                .collect(),
            delivered: vec![vec![false; values.len()]; nodes * learners],
            counts: vec![0; nodes * learners],
            first: vec![vec![None; values.len()]; learners],
            last: None,
        }
    }

    /// What a node has told does not count any more.
    pub fn forget(&mut self, node: Node) {
        for learner in 0..self.learners {
            let place = self.place(learner, node);
            self.delivered[place].fill(false);
            self.counts[place] = 0;
        }
    }

    /// The number of values.
    #[must_use]
    pub fn total(&self) -> usize {
        self.posted.len()
    }

    fn place(&self, learner: Learner, node: Node) -> usize {
        learner * self.nodes + node
    }

    /// A value is being submitted. Only the first time counts: who submits again has waited.
    pub fn posted(&mut self, value: usize, at: Duration) {
        if let Some(posted @ None) = self.posted.get_mut(value) {
            *posted = Some(at);
        }
    }

    /// An item of a decision has arrived. `None` if it is not one of the values, or if this
    /// learner has delivered it on this node before.
    pub fn decided(
        &mut self,
        node: Node,
        learner: Learner,
        item: &Item,
        at: Duration,
    ) -> Option<Delivered> {
        if node >= self.nodes || learner >= self.learners {
            return None;
        }
        let place = self.place(learner, node);
        let value = self.find(place, item)?;
        self.delivered[place][value] = true;
        self.counts[place] += 1;
        self.last = self.last.max(Some(at));
        let first = &mut self.first[learner][value];
        if first.is_none() {
            *first = Some(at);
        }
        let latency = self.posted[value].map(|posted| at.saturating_sub(posted));
        Some(Delivered { value, latency })
    }

    fn find(&self, place: usize, item: &Item) -> Option<usize> {
        let candidates = self.by_bytes.get(&item.bytes)?;
        let missing = |value: &&usize| !self.delivered[place][**value];
        if item.key.is_empty() {
            return candidates.iter().find(missing).copied();
        }
        let value = self.by_key.get(&item.key)?;
        Some(*value).filter(|v| candidates.contains(v) && missing(&v))
    }

    /// How many of the values a learner has decided on a node.
    #[must_use]
    pub fn count(&self, learner: Learner, node: Node) -> usize {
        self.counts
            .get(self.place(learner, node))
            .copied()
            .unwrap_or(0)
    }

    /// Whether a learner has decided a value on a node.
    #[must_use]
    pub fn has(&self, learner: Learner, node: Node, value: usize) -> bool {
        let values = self.delivered.get(self.place(learner, node));
        values
            .and_then(|values| values.get(value))
            .copied()
            .unwrap_or(false)
    }

    /// Who of the given learners, on the node given with it, has decided fewer than all values.
    #[must_use]
    pub fn lacking(&self, places: impl Iterator<Item = (Learner, Node)>) -> Vec<Lack> {
        let lack = |(learner, node)| {
            let missing = self.total().saturating_sub(self.count(learner, node));
            (missing > 0).then_some(Lack {
                learner,
                node,
                missing,
            })
        };
        places.filter_map(lack).collect()
    }

    /// When the latest of the values was decided.
    #[must_use]
    pub fn last(&self) -> Option<Duration> {
        self.last
    }

    /// Latencies of a learner's decisions, from submission to its first decision on any node,
    /// ascending.
    #[must_use]
    pub fn latencies(&self, learner: Learner) -> Vec<Duration> {
        let Some(first) = self.first.get(learner) else {
            return Vec::new();
        };
        let both = first.iter().zip(&self.posted);
        let mut latencies: Vec<Duration> = both
            .filter_map(|(first, posted)| Some(first.as_ref()?.saturating_sub(*posted.as_ref()?)))
            .collect();
        latencies.sort();
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::from_lines;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn item(key: &str, text: &str) -> Item {
        Item {
            key: key.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn latency_runs_from_the_first_post_to_the_first_decision() {
        let mut tracker = Tracker::new(&from_lines(b"v\nw"), 2, 1);
        tracker.posted(0, ms(10));
        tracker.posted(0, ms(50));
        let delivered = tracker.decided(1, 0, &item("line-1", "v"), ms(25));
        assert_eq!(
            delivered,
            Some(Delivered {
                value: 0,
                latency: Some(ms(15))
            })
        );
        let later = tracker.decided(0, 0, &item("line-1", "v"), ms(35));
        assert_eq!(
            later,
            Some(Delivered {
                value: 0,
                latency: Some(ms(25))
            })
        );
        assert_eq!(tracker.latencies(0), [ms(15)]);
        assert_eq!(tracker.last(), Some(ms(35)));
    }

    #[test]
    fn a_value_counts_once_per_learner_and_node() {
        let mut tracker = Tracker::new(&from_lines(b"v"), 1, 1);
        assert!(tracker.decided(0, 0, &item("line-1", "v"), ms(1)).is_some());
        assert_eq!(tracker.decided(0, 0, &item("line-1", "v"), ms(2)), None);
        assert_eq!(tracker.count(0, 0), 1);
    }

    #[test]
    fn other_peoples_values_are_not_ours() {
        let mut tracker = Tracker::new(&from_lines(b"v"), 1, 1);
        assert_eq!(tracker.decided(0, 0, &item("", "w"), ms(1)), None);
        assert_eq!(tracker.decided(0, 0, &item("other", "v"), ms(1)), None);
        assert_eq!(
            tracker.decided(0, 0, &item("line-1", "forged"), ms(1)),
            None
        );
        assert_eq!(
            tracker.decided(1, 0, &item("line-1", "v"), ms(1)),
            None,
            "unknown node"
        );
        assert_eq!(
            tracker.decided(0, 1, &item("line-1", "v"), ms(1)),
            None,
            "unknown learner"
        );
        assert_eq!(tracker.count(0, 0), 0);
    }

    #[test]
    fn equal_values_without_keys_are_counted_one_by_one() {
        let mut tracker = Tracker::new(&from_lines(b"v\nv\nv"), 1, 1);
        let found: Vec<_> = (0..4)
            .map(|_| {
                tracker
                    .decided(0, 0, &item("", "v"), ms(1))
                    .map(|d| d.value)
            })
            .collect();
        assert_eq!(found, [Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn who_lacks_what() {
        let mut tracker = Tracker::new(&from_lines(b"v\nw"), 2, 2);
        tracker.decided(0, 0, &item("line-1", "v"), ms(1));
        tracker.decided(0, 0, &item("line-2", "w"), ms(1));
        tracker.decided(1, 0, &item("line-2", "w"), ms(1));
        let lack = |learner, node, missing| Lack {
            learner,
            node,
            missing,
        };
        let lacking = |places: &[(usize, usize)]| tracker.lacking(places.iter().copied());
        assert_eq!(lacking(&[(0, 0), (0, 1)]), [lack(0, 1, 1)]);
        assert_eq!(lacking(&[(0, 0), (1, 0)]), [lack(1, 0, 2)]);
        assert!(lacking(&[(0, 0)]).is_empty());
        assert!(tracker.has(0, 1, 1) && !tracker.has(0, 1, 0));
    }
}
