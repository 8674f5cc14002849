//! The history of a soak in intervals, and what it says about memory. No I/O.

use super::fit::Fit;
use super::probe::Space;
use crate::load::tally::Times;
use crate::observe::Node;
use serde_json::{Value as Json, json};
use std::time::Duration;

const MIB: f64 = 1024.0 * 1024.0;

/// A node was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The node.
    pub node: Node,
    /// When.
    pub at: Duration,
    /// How long it was to stay down.
    pub down: Duration,
    /// Whether it led, as far as anybody knew.
    pub leader: bool,
    /// Whether all that lived were killed together.
    pub all: bool,
}

/// What a node takes at the end of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The memory of its process in bytes; `None` while it is down.
    pub resident: Option<u64>,
    /// The space of its directory.
    pub space: Space,
}

/// What happened in a part of the time, and how things stood at its end.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    /// Its end, from the start of the soak.
    pub end: Duration,
    /// Its length.
    pub length: Duration,
    /// Values acknowledged in it.
    pub acknowledged: u64,
    /// From submission to acknowledgement, all attempts included.
    pub times: (Duration, Duration, Duration),
    /// Who was killed in it.
    pub kills: Vec<Kill>,
    /// How things stood at its end.
    pub standing: Standing,
}

/// How things stand at the end of an interval.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// For each learner, the values that it has decided since the start.
    pub decided: Vec<u64>,
    /// What each node takes.
    pub nodes: Vec<Sample>,
    /// The space of all disks that the nodes share.
    pub disks: u64,
    /// The memory of this process.
    pub own: Option<u64>,
}

/// The whole history.
#[derive(Debug, Default)]
pub struct Series {
    intervals: Vec<Interval>,
    kills: Vec<Kill>,
    times: Times,
    /// Of all time, in one.
    pub total: Total,
}

/// What has happened since the start.
#[derive(Clone, Debug, Default)]
pub struct Total {
    /// Values acknowledged.
    pub acknowledged: u64,
    /// From submission to acknowledgement.
    pub times: Times,
    /// Kills of each node.
    pub kills: Vec<u64>,
    /// Kills of each node while it led.
    pub leaders: Vec<u64>,
    /// How often all were killed together.
    pub all: u64,
    /// The longest time in which no value was acknowledged, and when it ended.
    pub pause: (Duration, Duration),
    /// When the last value was acknowledged.
    last: Duration,
}

impl Series {
    /// Nothing has happened to so many nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Series {
        let none = vec![0; nodes];
        let total = Total {
            kills: none.clone(),
            leaders: none,
            ..Total::default()
        };
        Series {
            total,
            ..Series::default()
        }
    }

    /// A value was acknowledged.
    pub fn acknowledged(&mut self, now: Duration, latency: Duration) {
        self.times.record(latency);
        self.total.times.record(latency);
        self.total.acknowledged += 1;
        let pause = now.saturating_sub(self.total.last);
        self.total.pause = self.total.pause.max((pause, now));
        self.total.last = now;
    }

    /// Nodes were killed, at one moment.
    pub fn killed(&mut self, kills: Vec<Kill>) {
        for kill in &kills {
            self.total.kills[kill.node] += 1;
            self.total.leaders[kill.node] += u64::from(kill.leader);
        }
        self.total.all += u64::from(kills.iter().any(|kill| kill.all));
        self.kills.extend(kills);
    }

    /// An interval is over.
    pub fn close(&mut self, end: Duration, standing: Standing) -> &Interval {
        let begin = self
            .intervals
            .last()
            .map_or(Duration::ZERO, |last| last.end);
        let times = std::mem::take(&mut self.times);
        self.intervals.push(Interval {
            end,
            length: end.saturating_sub(begin),
            acknowledged: times.count(),
            times: (times.quantile(0.5), times.quantile(0.99), times.max()),
            kills: std::mem::take(&mut self.kills),
            standing,
        });
        let at = self.intervals.len() - 1;
        &self.intervals[at]
    }

    /// The intervals.
    #[must_use]
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// How a node's memory went in the second half of the measurements: in MiB, and in MiB per minute. While it was
    /// down, it counts for nothing.
    #[must_use]
    pub fn memory(&self, node: Node) -> Option<Fit> {
        self.fit(|interval| interval.standing.nodes.get(node)?.resident)
    }

    /// The same of this process.
    #[must_use]
    pub fn own_memory(&self) -> Option<Fit> {
        self.fit(|interval| interval.standing.own)
    }

    fn fit(&self, bytes: impl Fn(&Interval) -> Option<u64>) -> Option<Fit> {
        // Of the measurements, not of the time: the last one may come long after the one before.
        let half = self.intervals.len().saturating_sub(1) / 2;
        let later = self.intervals.iter().skip(half);
        let point = |interval: &Interval| {
            Some((
                interval.end.as_secs_f64() / 60.0,
                bytes(interval)? as f64 / MIB,
            ))
        };
        let points: Vec<(f64, f64)> = later.filter_map(point).collect();
        Fit::of(&points)
    }
}

impl Interval {
    /// Values acknowledged in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.acknowledged as f64 / self.length.as_secs_f64().max(1e-9)
    }

    /// For a program; nodes and learners by these names.
    #[must_use]
    pub fn json(&self, nodes: &[String], learners: &[String]) -> Json {
        let ms = |time: Duration| time.as_micros() as f64 / 1e3;
        let (median, p99, max) = self.times;
        let sample = |(name, sample): (&String, &Sample)| {
            json!({
                "node": name, "rss_bytes": sample.resident,
                "log_bytes": sample.space.log, "history_bytes": sample.space.history,
            })
        };
        let decided = learners.iter().cloned().zip(&self.standing.decided);
        let decided = decided.map(|(name, n)| (name, json!(n))).collect();
        json!({
            "at_s": self.end.as_secs_f64(), "seconds": self.length.as_secs_f64(),
            "acknowledged": self.acknowledged, "values_per_second": self.rate(),
            "latency_ms": {"median": ms(median), "p99": ms(p99), "max": ms(max)},
            "decided": Json::Object(decided),
            "kills": self.kills.iter().map(|kill| kill.json(nodes)).collect::<Vec<_>>(),
            "nodes": nodes.iter().zip(&self.standing.nodes).map(sample).collect::<Vec<_>>(),
            "disks_bytes": self.standing.disks, "own_rss_bytes": self.standing.own,
        })
    }
}

impl Kill {
    /// For a program; nodes by these names.
    #[must_use]
    pub fn json(&self, nodes: &[String]) -> Json {
        json!({
            "node": nodes.get(self.node), "at_s": self.at.as_secs_f64(),
            "down_s": self.down.as_secs_f64(), "leader": self.leader, "all": self.all,
        })
    }
}

/// Bytes as MiB, to one digit.
#[must_use]
pub fn mib(bytes: u64) -> f64 {
    (bytes as f64 / MIB * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn sample(mib: u64) -> Sample {
        Sample {
            resident: (mib > 0).then_some(mib << 20),
            space: Space::default(),
        }
    }

    fn standing(decided: Vec<u64>, nodes: Vec<Sample>, own: Option<u64>) -> Standing {
        Standing {
            decided,
            nodes,
            disks: 0,
            own,
        }
    }

    #[test]
    fn memory_is_judged_by_the_second_half_and_by_living_nodes() {
        let mut series = Series::new(2);
        // The first node grows at first and then stands still; the second one grows by 6 MiB a minute, and
        // is down at 70 s.
        for (at, one, two) in [
            (10, 10, 1),
            (20, 20, 2),
            (30, 30, 3),
            (40, 40, 4),
            (50, 40, 5),
            (60, 40, 6),
            (70, 40, 0),
            (80, 40, 8),
        ] {
            series.close(
                s(at),
                standing(vec![], vec![sample(one), sample(two)], Some(1 << 20)),
            );
        }
        let one = series.memory(0).expect("a fit");
        assert!(one.slope.abs() < 1e-9, "{one:?}");
        assert_eq!((one.min, one.max, one.points), (40.0, 40.0, 5));
        let two = series.memory(1).expect("a fit");
        assert!((two.slope - 6.0).abs() < 1e-9, "{two:?}");
        assert_eq!((two.min, two.max, two.points), (4.0, 8.0, 4));
        assert_eq!(series.own_memory().map(|fit| fit.slope), Some(0.0));
        assert_eq!(Series::new(1).memory(0), None);
    }

    #[test]
    fn intervals_have_what_happened_in_them_and_the_total_has_all() {
        let mut series = Series::new(2);
        let kill = Kill {
            node: 1,
            at: s(3),
            down: s(1),
            leader: true,
            all: false,
        };
        series.acknowledged(s(1), Duration::from_millis(5));
        series.killed(vec![kill]);
        series.acknowledged(s(7), Duration::from_millis(9));
        let first = series.close(s(10), standing(vec![2], vec![sample(1), sample(0)], None));
        assert_eq!((first.acknowledged, first.rate()), (2, 0.2));
        let json = first.json(&["n1".into(), "n2".into()], &["alice".into()]);
        assert_eq!(json["decided"]["alice"], 2);
        assert_eq!(json["kills"][0]["node"], "n2");
        assert_eq!(json["nodes"][1]["rss_bytes"], Json::Null);
        let all = |node| Kill {
            node,
            all: true,
            ..kill
        };
        series.killed(vec![all(0), all(1)]);
        let second = series.close(s(20), standing(vec![2], vec![], None));
        assert_eq!((second.acknowledged, second.kills.len()), (0, 2));
        let total = &series.total;
        assert_eq!((total.acknowledged, total.all), (2, 1));
        assert_eq!(
            (&total.kills[..], &total.leaders[..]),
            (&[1, 2][..], &[1, 2][..])
        );
        assert_eq!(total.pause, (s(6), s(7)));
    }
}
