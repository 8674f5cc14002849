//! What a user sees of measurements: a table for a person, or lines of JSON for a program.

use super::clients::Demand;
use super::compare::{self, Pair};
use super::spent::Spent;
use super::tally::{Tally, Times, per_second};
use super::timeline::{Death, Moment, WIDTH};
use crate::cli::LoadArgs;
use crate::failure::Failure;
use crate::launch::layout::Layout;
use crate::show::{line, words};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// What came of one demand.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was asked of the network.
    pub demand: Demand,
    /// Bytes of each value.
    pub value_bytes: u32,
    /// What they saw.
    pub tally: Tally,
    /// What the network spent meanwhile, from before the warm-up to after the last answer. `None` if a node
    /// died, which can no longer tell.
    pub spent: Option<Spent>,
    /// The leader's death, if it was killed.
    pub death: Option<Death>,
}

impl Row {
    /// Values for each round of the plain loop, both in the same time.
    fn ratio(&self, plain: &Plain) -> f64 {
        self.tally.values as f64 / plain.tally.values as f64
    }

    fn per_value(&self, of: fn(Spent) -> u64) -> Option<f64> {
        let spent = self.spent.filter(|_| self.tally.answered > 0)?;
        Some(of(spent) as f64 / self.tally.answered as f64)
    }
}

/// What the plain loop did: its rounds are the values of the tally.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Its rounds.
    pub tally: Tally,
}

/// Shows measurements as they are made.
#[derive(Debug)]
pub struct Show {
    json: bool,
    /// Lines for the end of a mode.
    later: Vec<String>,
}

impl Show {
    /// JSON, or a table.
    #[must_use]
    pub fn new(json: bool) -> Show {
        let later = Vec::new();
        Show { json, later }
    }

    /// A network is ready.
    ///
    /// # Errors
    /// If the output is gone.
    pub fn begin(
        &self,
        layout: &Layout,
        args: &LoadArgs,
        value_bytes: u32,
        plain: Option<&Plain>,
    ) -> Result<(), Failure> {
        let seconds = args.seconds;
        match (self.json, plain) {
            (true, None) => Ok(()),
            (true, Some(plain)) => line(&plain_json(plain, layout, seconds)),
            (false, plain) => {
                line(&format!(
                    "{}, {} s",
                    title(layout, args, value_bytes),
                    seconds.as_secs_f64()
                ))?;
                line(&HEAD)?;
                plain.map_or(Ok(()), |plain| line(&plain_line(plain, seconds)))
            }
        }
    }

    /// A measurement.
    ///
    /// # Errors
    /// If the output is gone.
    pub fn row(
        &mut self,
        layout: &Layout,
        args: &LoadArgs,
        row: &Row,
        plain: Option<&Plain>,
    ) -> Result<(), Failure> {
        let ratio = plain.map(|plain| row.ratio(plain));
        if self.json {
            return line(&row_json(row, layout, args, ratio));
        }
        line(&row_line(row, args.seconds))?;
        for (how, times) in &row.tally.errors {
            line(&format!("          {times} × {how}"))?;
        }
        if let Some(death) = &row.death {
            line(&death_line(death))?;
        }
        if let (Some(plain), Some(ratio)) = (plain, ratio) {
            let words = format!(
                "disk-paxos, {}: {:.0} values/s = {ratio:.2} × the plain loop's {:.0} rounds/s",
                row.demand,
                per_second(row.tally.values, args.seconds),
                per_second(plain.tally.values, args.seconds),
            );
            self.later.push(words);
        }
        Ok(())
    }

    /// What was measured in two modes, side by side.
    ///
    /// # Errors
    /// If the output is gone.
    pub fn compare(&self, pairs: &[Pair]) -> Result<(), Failure> {
        if self.json {
            return pairs.iter().try_for_each(|pair| line(&pair.json()));
        }
        let head = compare::HEAD.iter().filter(|_| !pairs.is_empty());
        head.copied().try_for_each(|head| line(&head))?;
        pairs.iter().try_for_each(|pair| line(&pair.line()))
    }

    /// The end of a network.
    ///
    /// # Errors
    /// If the output is gone.
    pub fn end(&mut self) -> Result<(), Failure> {
        self.later.drain(..).try_for_each(|words| line(&words))?;
        if self.json { Ok(()) } else { line(&"") }
    }
}

const HEAD: &str = concat!(
    "   demand  values/s    median       p95       p99       max",
    "  errors  syncs/value  disk ops/value  ballots",
);

/// A network and the values that it gets.
pub(super) fn title(layout: &Layout, args: &LoadArgs, value_bytes: u32) -> String {
    let disks = match layout.disks.len() {
        0 => String::new(),
        n => format!(", {}", words::count(n, "disk")),
    };
    let shared = args.shared_requests.map_or(String::new(), |n| {
        let requests = words::count(usize::from(n), "request");
        format!(", {requests} shared at each node")
    });
    format!(
        "{}: {}{disks}, values of {value_bytes} bytes{shared}",
        layout.mode.name(),
        words::count(layout.nodes.len(), "node"),
    )
}

fn times(times: &Times) -> String {
    let columns = [0.5, 0.95, 0.99].map(|part| times.quantile(part));
    let columns = columns.into_iter().chain([times.max()]);
    columns
        .map(|time| format!("{:>10}", words::time(time)))
        .collect()
}

fn row_line(row: &Row, time: Duration) -> String {
    let digits = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{x:.2}"));
    let some = |x: &f64| *x > 0.0;
    let operations = digits(row.per_value(|spent| spent.operations).filter(some));
    let ballots = row.spent.map_or("-".to_owned(), |s| s.ballot.to_string());
    let demand = row.demand.short();
    format!(
        "{demand:>9}{:>10.0}{}{:>8}{:>13}{operations:>16}{ballots:>9}",
        per_second(row.tally.values, time),
        times(&row.tally.times),
        row.tally.error_count(),
        digits(row.per_value(|spent| spent.syncs)),
    )
}

fn plain_line(plain: &Plain, time: Duration) -> String {
    let rate = per_second(plain.tally.values, time);
    format!("    plain{rate:>10.0}{}", times(&plain.tally.times))
}

fn latency(times: &Times) -> Json {
    let ms = |time: Duration| time.as_micros() as f64 / 1e3;
    json!({
        "median": ms(times.quantile(0.5)), "p95": ms(times.quantile(0.95)),
        "p99": ms(times.quantile(0.99)), "max": ms(times.max()),
    })
}

fn row_json(row: &Row, layout: &Layout, args: &LoadArgs, ratio: Option<f64>) -> Json {
    let tally = &row.tally;
    let (clients, rate) = row.demand.numbers();
    let mut object = json!({
        "event": "load", "mode": layout.mode.name(), "nodes": layout.nodes.len(),
        "clients": clients, "rate": rate, "shared_requests": args.shared_requests, "value_bytes": row.value_bytes,
        "seconds": args.seconds.as_secs_f64(), "values": tally.values,
        "values_per_second": per_second(tally.values, args.seconds),
        "latency_ms": latency(&tally.times), "errors": tally.error_count(),
        "error_kinds": tally.errors, "answered": tally.answered,
        "syncs_per_value": row.per_value(|spent| spent.syncs),
        "ballots": row.spent.map(|spent| spent.ballot),
    });
    if let (Some(death), Some(fields)) = (&row.death, object.as_object_mut()) {
        fields.insert("leader_death".into(), death_json(death));
    }
    if let (Some(ratio), Some(fields)) = (ratio, object.as_object_mut()) {
        fields.insert("disks".into(), json!(layout.disks.len()));
        let operations = row.per_value(|spent| spent.operations);
        fields.insert("disk_operations_per_value".into(), json!(operations));
        fields.insert("of_plain_loop".into(), json!(ratio));
    }
    object
}

fn death_json(death: &Death) -> Json {
    let ms = |time: Duration| time.as_micros() as f64 / 1e3;
    let each = |of: &dyn Fn(&Moment) -> Json| death.moments.iter().map(of).collect::<Vec<Json>>();
    json!({
        "leader": death.leader, "at_s": death.at.as_secs_f64(),
        "first_decision_s": death.first.map(|first| first.as_secs_f64()),
        "pause_ms": death.pause().map(ms), "moment_ms": ms(WIDTH),
        "values": each(&|m| json!(m.values)), "median_ms": each(&|m| json!(m.median.map(ms))),
        "max_ms": each(&|m| json!(m.max.map(ms))),
    })
}

fn death_line(death: &Death) -> String {
    let at = death.at.as_secs_f64();
    let first = match death.pause() {
        Some(pause) => format!(
            "the first value submitted after that was decided {} later",
            words::time(pause)
        ),
        None => "no value submitted after that was decided".to_owned(),
    };
    format!(
        "          leader {} killed at {at:.2} s; {first}",
        death.leader
    )
}

fn plain_json(plain: &Plain, layout: &Layout, time: Duration) -> Json {
    let tally = &plain.tally;
    json!({
        "event": "plain-loop", "disks": layout.disks.len(), "processors": layout.nodes.len(),
        "seconds": time.as_secs_f64(), "rounds": tally.values,
        "rounds_per_second": per_second(tally.values, time), "latency_ms": latency(&tally.times),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let mut tally = Tally {
            values: 250,
            answered: 300,
            ..Tally::default()
        };
        tally.times.record(Duration::from_micros(1500));
        tally.failed("status 429".to_owned());
        let spent = Spent {
            syncs: 900,
            operations: 450,
            ballot: 1,
        };
        Row {
            demand: Demand::Clients(8),
            value_bytes: 100,
            tally,
            spent: Some(spent),
            death: None,
        }
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let line = row_line(&row(), Duration::from_secs(5));
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = "8 50 1.5 ms 1.5 ms 1.5 ms 1.5 ms 1 3.00 1.50 1";
        assert_eq!(words.join(" "), expected);
        assert_eq!(line.len(), HEAD.len());
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let mut row = row();
        row.tally = Tally::default();
        assert_eq!(row.per_value(|spent| spent.syncs), None);
        let line = row_line(&row, Duration::from_secs(5));
        assert_eq!(line.len(), HEAD.len());
        assert!(line.contains(" - "), "{line}");
        row.spent = None;
        let line = row_line(&row, Duration::from_secs(5));
        assert_eq!((line.len(), line.ends_with('-')), (HEAD.len(), true));
    }

    #[test]
    fn the_plain_loop_is_what_values_are_measured_by() {
        let rounds = Tally {
            values: 1000,
            ..Tally::default()
        };
        assert_eq!(row().ratio(&Plain { tally: rounds }), 0.25);
    }
}
