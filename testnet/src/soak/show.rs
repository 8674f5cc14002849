//! What a user sees of a soak: lines while it goes on, and at the end tables and a verdict; or JSON.

use super::SoakArgs;
use super::check::Checker;
use super::fit::Fit;
use super::series::{Interval, Kill, Series, mib};
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::launch::layout::Layout;
use crate::observe::Node;
use crate::show::{complain, line, words};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// How it ended.
pub(super) struct Verdict<'a> {
    pub(super) checker: &'a Checker,
    pub(super) series: &'a Series,
    pub(super) expect: &'a Expectation,
    pub(super) elapsed: Duration,
    pub(super) told_to_stop: bool,
    /// Old slots that were asked for again at the end.
    pub(super) reread: u64,
    /// The highest ballot that was told.
    pub(super) ballot: Option<u64>,
}

impl Verdict<'_> {
    fn code(&self) -> u8 {
        match (self.checker.findings().0.is_empty(), self.told_to_stop) {
            (false, _) => 1,
            (true, true) => 3,
            (true, false) => 0,
        }
    }
}

/// Shows a soak.
#[derive(Debug)]
pub(super) struct Show {
    json: bool,
    nodes: Vec<String>,
    learners: Vec<String>,
    /// What was asked for.
    asked: Json,
    title: String,
}

impl Show {
    pub(super) fn new(args: &SoakArgs, layout: &Layout, expect: &Expectation) -> Show {
        let graph = expect.graph();
        let learners = graph
            .learners()
            .iter()
            .map(|l| graph.learner_name(l).to_owned());
        let mode = layout.mode.name();
        let asked = json!({
            "event": "soak", "mode": mode, "nodes": layout.nodes.len(), "disks": layout.disks.len(),
            "graph": args.network.graph, "seconds": args.minutes.as_secs_f64(), "clients": args.clients,
            "value_bytes": args.value_bytes, "rate": args.rate, "kill_every_s": args.kill_every.as_secs_f64(),
            "seed": args.seed,
        });
        let title = format!(
            "{mode}: {}, {}, values of {} bytes, {}; --seed {}",
            words::count(layout.nodes.len(), "node"),
            words::count(usize::from(args.clients), "client"),
            args.value_bytes,
            clock(args.minutes),
            args.seed,
        );
        Show {
            json: args.json,
            nodes: layout.nodes.iter().map(|plan| plan.name.clone()).collect(),
            learners: learners.collect(),
            asked,
            title,
        }
    }

    fn json(&self, object: &Json) -> Result<(), Failure> {
        if self.json { line(object) } else { Ok(()) }
    }

    pub(super) fn begin(&self) -> Result<(), Failure> {
        complain(&self.title);
        self.json(&self.asked)
    }

    /// Nodes were killed.
    pub(super) fn killed(&self, kills: &[Kill]) -> Result<(), Failure> {
        for kill in kills {
            let name = &self.nodes[kill.node];
            let leads = if kill.leader { ", which led" } else { "" };
            let until = match kill.down {
                Duration::ZERO => "it comes back at once".to_owned(),
                down => format!("it comes back in {}", words::time(down)),
            };
            complain(&format!(
                "{}  killed {name}{leads}; {until}",
                clock(kill.at)
            ));
            let mut object = kill.json(&self.nodes);
            object["event"] = json!("kill");
            self.json(&object)?;
        }
        Ok(())
    }

    /// A node is back, so long after it was started.
    pub(super) fn back(&self, node: Node, now: Duration, time: Duration) -> Result<(), Failure> {
        let name = &self.nodes[node];
        complain(&format!(
            "{}  {name} is back, ready after {}",
            clock(now),
            words::time(time)
        ));
        self.json(&json!({
            "event": "back", "node": name, "at_s": now.as_secs_f64(), "ready_s": time.as_secs_f64(),
        }))
    }

    /// The latest interval.
    pub(super) fn interval(&self, series: &Series) -> Result<(), Failure> {
        let Some(interval) = series.intervals().last() else {
            return Ok(());
        };
        complain(&self.progress(interval, series));
        if !self.json {
            return Ok(());
        }
        let mut object = interval.json(&self.nodes, &self.learners);
        object["event"] = json!("interval");
        line(&object)
    }

    fn progress(&self, interval: &Interval, series: &Series) -> String {
        let decided = self.learners.iter().zip(&interval.standing.decided);
        let decided: Vec<String> = decided.map(|(name, n)| format!("{name} {n}")).collect();
        let each = |of: &dyn Fn(&super::series::Sample) -> Option<u64>| -> String {
            let all = interval.standing.nodes.iter().map(of);
            let all = all.map(|n| n.map_or("-".to_owned(), |n| format!("{:.0}", mib(n))));
            all.collect::<Vec<_>>().join(" ")
        };
        let history = match interval
            .standing
            .nodes
            .iter()
            .any(|n| n.space.history.is_some())
        {
            true => format!("; history {}", each(&|n| n.space.history)),
            false => String::new(),
        };
        let disks = match interval.standing.disks {
            0 => String::new(),
            n => format!("; disks {:.0}", mib(n)),
        };
        format!(
            "{}  {:.0} values/s; decided: {}; {}; MiB: RSS {}; log {}{history}{disks}",
            clock(interval.end),
            interval.rate(),
            decided.join(", "),
            words::count(total(&series.total.kills), "kill"),
            each(&|n| n.resident),
            each(&|n| Some(n.space.log)),
        )
    }

    /// The end: shows it, and returns the report and the exit code.
    pub(super) fn end(&self, verdict: &Verdict<'_>) -> Result<(Json, u8), Failure> {
        let mut report = self.summary(verdict);
        match self.json {
            true => line(&report)?,
            false => self.tables(verdict)?,
        }
        let intervals = verdict.series.intervals().iter();
        let intervals = intervals.map(|interval| interval.json(&self.nodes, &self.learners));
        report["intervals"] = intervals.collect();
        Ok((report, verdict.code()))
    }

    fn tables(&self, verdict: &Verdict<'_>) -> Result<(), Failure> {
        let checker = verdict.checker;
        line(&"learner       node         slots      values  hash of all values in order")?;
        for (at, place) in checker.places().iter().enumerate() {
            let log = checker.log(at);
            let (learner, node) = (&place.learner_name, &place.node_name);
            let hash = &log.hash.to_string()[..16];
            line(&format!(
                "{learner:<12}  {node:<6}{:>12}{:>12}  {hash}",
                log.next, log.values
            ))?;
        }
        line(&"")?;
        line(&"node     kills  leading  RSS MiB: min     max  per minute    log MiB  history MiB")?;
        let nodes = self.nodes.iter().enumerate();
        nodes
            .map(|(at, name)| memory_line(at, name, verdict.series))
            .try_for_each(|text| line(&text))?;
        line(
            &"(RSS: the second half of the time, restarts included; per minute: slope of the line through it)",
        )?;
        line(&"")?;
        self.verdict(verdict).iter().try_for_each(|text| line(text))
    }

    /// The verdict, in lines.
    fn verdict(&self, verdict: &Verdict<'_>) -> Vec<String> {
        let total = &verdict.series.total;
        let (findings, more) = verdict.checker.findings();
        let mut lines = vec![format!(
            "{} values in {}, {:.0} a second: median {}, p99 {}, longest {}; longest time without any: {}",
            total.acknowledged,
            clock(verdict.elapsed),
            total.acknowledged as f64 / verdict.elapsed.as_secs_f64().max(1e-9),
            words::time(total.times.quantile(0.5)),
            words::time(total.times.quantile(0.99)),
            words::time(total.times.max()),
            words::time(total.pause.0),
        )];
        let kills = words::count(self::total(&total.kills), "kill");
        let leaders = self::total(&total.leaders);
        lines.push(format!(
            "{kills}, {leaders} of the leader; {} all at once",
            words::count(usize::try_from(total.all).unwrap_or(usize::MAX), "time")
        ));
        let told = verdict.reread;
        if told > 0 {
            lines.push(format!(
                "{told} old slots were asked for again and are as they were"
            ));
        }
        lines.extend(
            findings
                .iter()
                .map(|finding| format!("FAILED: {}", finding.words)),
        );
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.push(match verdict.code() {
            0 => {
                let learners = &verdict.expect.deciders();
                let names: Vec<&str> = learners
                    .iter()
                    .map(|l| self.learners[*l].as_str())
                    .collect();
                format!(
                    "held: every value was decided once by {}, everywhere in the same order",
                    words::list(&names)
                )
            }
            1 => "failed".to_owned(),
            _ => "stopped before the end: nothing was wrong so far".to_owned(),
        });
        lines
    }

    fn summary(&self, verdict: &Verdict<'_>) -> Json {
        let total = &verdict.series.total;
        let ms = |time: Duration| time.as_micros() as f64 / 1e3;
        let checker = verdict.checker;
        let logs = checker.places().iter().enumerate().map(|(at, place)| {
            let log = checker.log(at);
            json!({
                "learner": place.learner_name, "node": place.node_name,
                "slots": log.next, "values": log.values, "hash": log.hash.to_string(),
            })
        });
        let nodes = self.nodes.iter().enumerate().map(|(at, name)| {
            json!({
                "node": name, "kills": total.kills[at], "kills_while_leading": total.leaders[at],
                "rss_mib": verdict.series.memory(at),
            })
        });
        let (findings, more) = checker.findings();
        let elapsed = verdict.elapsed.as_secs_f64();
        json!({
            "event": "summary", "held": verdict.code() == 0, "stopped": verdict.told_to_stop,
            "asked": self.asked, "elapsed_s": elapsed, "acknowledged": total.acknowledged,
            "values_per_second": total.acknowledged as f64 / elapsed.max(1e-9),
            "latency_ms": {
                "median": ms(total.times.quantile(0.5)), "p99": ms(total.times.quantile(0.99)),
                "max": ms(total.times.max()),
            },
            "longest_pause_ms": ms(total.pause.0),
            "kills": self::total(&total.kills), "kills_of_leader": self::total(&total.leaders),
            "kills_of_all": total.all, "ballot": verdict.ballot,
            "logs": logs.collect::<Vec<_>>(), "nodes": nodes.collect::<Vec<_>>(),
            "own_rss_mib": verdict.series.own_memory(),
            "old_slots": verdict.reread,
            "findings": findings, "more_findings": more,
        })
    }
}

fn memory_line(at: Node, name: &str, series: &Series) -> String {
    let total = &series.total;
    let last = series
        .intervals()
        .last()
        .and_then(|interval| interval.standing.nodes.get(at));
    let space = last.map(|sample| sample.space).unwrap_or_default();
    let digits = |n: Option<f64>| n.map_or("-".to_owned(), |n| format!("{n:.1}"));
    let fit: Option<Fit> = series.memory(at);
    format!(
        "{name:<6}{:>8}{:>9}{:>14}{:>8}{:>12}{:>11}{:>13}",
        total.kills[at],
        total.leaders[at],
        digits(fit.map(|fit| fit.min)),
        digits(fit.map(|fit| fit.max)),
        fit.map_or("-".to_owned(), |fit| format!("{:+.2}", fit.slope)),
        digits(Some(mib(space.log))),
        digits(space.history.map(mib)),
    )
}

fn total(each: &[u64]) -> usize {
    usize::try_from(each.iter().sum::<u64>()).unwrap_or(usize::MAX)
}

/// A time since the start, as a clock shows it: `7.5 s`, `1:07:30`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!(
            "{}:{:02}:{:02} h",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::probe::Space;
    use crate::soak::series::{Sample, Standing};

    #[test]
    fn times_are_shown_as_clocks_do() {
        assert_eq!(clock(Duration::from_millis(7_520)), "7.5 s");
        assert_eq!(clock(Duration::from_secs(67)), "1:07 min");
        assert_eq!(clock(Duration::from_secs(3_607)), "1:00:07 h");
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let mut series = Series::new(1);
        for at in [10, 20, 30, 40, 50] {
            let sample = Sample {
                resident: Some(3 << 20),
                space: Space {
                    log: 64 << 20,
                    history: None,
                },
            };
            let standing = Standing {
                nodes: vec![sample],
                ..Standing::default()
            };
            series.close(Duration::from_secs(at), standing);
        }
        let text = memory_line(0, "n1", &series);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(words, ["n1", "0", "0", "3.0", "3.0", "+0.00", "64.0", "-"]);
        assert_eq!(
            text.len(),
            "node     kills  leading  RSS MiB: min     max  per minute    log MiB  history MiB"
                .len()
        );
    }
}
