//! What a user sees of simulated runs: lines for a person, or lines of JSON for a program.

use super::SEEDS;
use crate::cli::SimulateArgs;
use crate::failure::Failure;
use crate::show::{complain, words};
use consensus::Time;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use simulation::faults::Planned;
use simulation::run::Outcome;
use simulation::tally::Tally;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Lines of the history that are shown of a run that failed, those of the faults aside.
const LAST_LINES: usize = 40;

/// A run that failed, and what is enough for it to fail.
#[derive(Debug)]
pub(super) struct Failed {
    /// How many faults the seed chooses.
    pub(super) of: usize,
    /// Those that are enough, by their places.
    pub(super) enough: Vec<usize>,
    /// The run with these alone.
    pub(super) run: Outcome,
}

/// Where the lines go.
pub(super) struct Show {
    json: bool,
    history: bool,
    /// The command line that led here, without its seeds.
    again: String,
    bar: ProgressBar,
    seeds: u64,
    start: Instant,
    total: Tally,
}

impl Show {
    pub(super) fn new(args: &SimulateArgs, warnings: &[String]) -> Self {
        for warning in warnings {
            complain(warning);
        }
        Show {
            json: args.json,
            history: args.history,
            again: again(args),
            bar: bar(args),
            seeds: 0,
            start: Instant::now(),
            total: Tally::default(),
        }
    }

    /// A run that held, or one that failed after another one had.
    pub(super) fn ran(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        self.count(outcome);
        if self.json {
            return self.line(&seed_line(outcome));
        }
        if self.history {
            self.lines(&outcome.history)?;
        }
        match &outcome.violation {
            Some((at, violation)) => {
                let at = at.as_secs_f64();
                self.line(&format!(
                    "seed {} failed at {at:.3} s: {violation}",
                    outcome.seed
                ))
            }
            None => Ok(()),
        }
    }

    /// The first run that failed.
    pub(super) fn failed(&mut self, failed: &Failed) -> Result<(), Failure> {
        let run = &failed.run;
        self.count(run);
        if self.json {
            let mut line = seed_line(run);
            line["faults"] = json!(faults(failed));
            line["replay"] = json!(self.replay(failed));
            return self.line(&line);
        }
        if let Some((at, violation)) = &run.violation {
            let at = at.as_secs_f64();
            self.line(&format!(
                "seed {} failed at {at:.3} s\n\n  {violation}\n",
                run.seed
            ))?;
        }
        self.line(&match failed.enough.len() {
            0 => format!(
                "It fails without any of the {} faults that the seed chooses.",
                failed.of
            ),
            n => format!(
                "{n} of the {} faults that the seed chooses are enough:",
                failed.of
            ),
        })?;
        for fault in faults(failed) {
            self.line(&format!("  {fault}"))?;
        }
        let lines = &run.history;
        let shown = if self.history {
            lines.len()
        } else {
            LAST_LINES
        };
        let first = lines.len().saturating_sub(shown);
        let left_out = if first > 0 {
            format!(" (the last {shown} of {} lines)", lines.len())
        } else {
            String::new()
        };
        self.line(&format!("\nWhat happened{left_out}:"))?;
        self.lines(&lines[first..])?;
        self.line(&format!("\nThe same again: {}", self.replay(failed)))
    }

    fn replay(&self, failed: &Failed) -> String {
        let places: Vec<String> = failed.enough.iter().map(usize::to_string).collect();
        let faults = match places.is_empty() {
            true => "none".to_owned(),
            false => places.join(","),
        };
        let seed = failed.run.seed;
        format!("{} --seed {seed} --faults {faults} --history", self.again)
    }

    /// The end.
    pub(super) fn summary(&mut self, bad: u64, interrupted: bool) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let took = self.start.elapsed().as_secs_f64().max(1e-9);
        let (per_second, ratio) = (
            self.seeds as f64 / took,
            self.total.time.as_secs_f64() / took,
        );
        let total = &self.total;
        if self.json {
            let line = json!({
                "event": "summary", "interrupted": interrupted, "seeds": self.seeds, "failed": bad, "seconds": took,
                "seeds_per_second": per_second, "simulated_seconds": total.time.as_secs_f64(),
                "simulated_hours_per_hour": ratio, "steps": total.steps, "messages": total.messages,
                "disk_actions": total.disk_actions, "rest_in_patiences": total.rest, "nobody_had_to_decide": total.unbound, "decisions": total.decisions, "checkpoints": total.checkpoints, "thawed": total.thawed, "faults": total.faults,
                "fingerprint": format!("{:016x}", total.fingerprint),
            });
            return self.line(&line);
        }
        let seeds = words::count(usize::try_from(self.seeds).unwrap_or(usize::MAX), "seed");
        let verdict = match bad {
            0 => "everything held".to_owned(),
            n => format!("{n} FAILED"),
        };
        let before = if interrupted {
            "interrupted after "
        } else {
            ""
        };
        self.line(&format!("{before}{seeds}: {verdict}"))?;
        let simulated = match total.time.as_secs_f64() {
            seconds if seconds < 600.0 => format!("{seconds:.1} s"),
            seconds => format!("{:.1} hours", seconds / 3600.0),
        };
        self.line(&format!(
            "  simulated  {simulated} in {took:.1} s: {per_second:.1} seeds a second, {ratio:.0} hours an hour"
        ))?;
        let (steps, messages, decisions) = (total.steps, total.messages, total.decisions);
        let thawed = match total.thawed {
            0 => String::new(),
            n => format!(", {n} thawed pages reported"),
        };
        let disks = match total.disk_actions {
            0 => String::new(),
            n => format!(", {n} actions on disks"),
        };
        self.line(&format!(
            "  happened   {steps} steps, {messages} messages{disks}, {decisions} decisions, {} checkpoints{thawed}; up to slot {}, ballot {}",
            total.checkpoints, total.slots, total.ballots
        ))?;
        let rest = total.rest;
        let none = match total.unbound {
            0 => String::new(),
            n => format!(
                "; in {n} runs nobody had to decide: no learner with a live quorum is uniform"
            ),
        };
        self.line(&format!(
            "  at rest    within {rest} times the patience once all faults were over{none}"
        ))?;
        let faults: Vec<String> = total
            .faults
            .iter()
            .map(|(kind, n)| format!("{kind} {n}"))
            .collect();
        self.line(&format!("  injected   {}", faults.join(", ")))?;
        self.line(&format!("  fingerprint {:016x}", total.fingerprint))
    }

    fn count(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.total.add(&outcome.tally);
        self.bar.set_position(match self.bar.length() {
            Some(_) => self.seeds,
            None => 0,
        });
        let rate = self.seeds as f64 / self.start.elapsed().as_secs_f64().max(1e-9);
        self.bar
            .set_message(format!("{} seeds, {rate:.1} a second", self.seeds));
    }

    fn lines(&self, history: &[(Time, String)]) -> Result<(), Failure> {
        history
            .iter()
            .try_for_each(|(at, line)| self.line(&format!("  {:9.4}  {line}", at.as_secs_f64())))
    }

    fn line(&self, line: &dyn std::fmt::Display) -> Result<(), Failure> {
        let written = self.bar.suspend(|| writeln!(io::stdout().lock(), "{line}"));
        written.map_err(|e| match e.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unread,
            _ => Failure::could_not_run(format!("standard output: {e}")),
        })
    }
}

fn seed_line(outcome: &Outcome) -> serde_json::Value {
    let violation = outcome
        .violation
        .as_ref()
        .map(|(at, v)| json!({"at": at.as_secs_f64(), "invariant": v.invariant, "what": v.what}));
    json!({
        "event": "seed", "seed": outcome.seed, "held": violation.is_none(), "violation": violation,
        "simulated_seconds": outcome.tally.time.as_secs_f64(), "decisions": outcome.tally.decisions,
        "fingerprint": format!("{:016x}", outcome.tally.fingerprint),
    })
}

/// The faults of a run, one line each.
fn faults(failed: &Failed) -> Vec<String> {
    let planned = failed.enough.iter().zip(&failed.run.faults);
    let line = |(place, planned): (&usize, &Planned)| {
        let lasts = match planned.lasts {
            Duration::MAX => "for ever".to_owned(),
            time => format!("for {:.3} s", time.as_secs_f64()),
        };
        let at = planned.at.as_secs_f64();
        format!("#{place} at {at:.3} s {lasts}: {}", planned.fault)
    };
    planned.map(line).collect()
}

fn again(args: &SimulateArgs) -> String {
    let network = &args.network;
    let mut words = vec![
        "testnet simulate --mode".to_owned(),
        network.mode.name().to_owned(),
    ];
    if let Some(graph) = &network.graph {
        words.push(format!("--graph '{}'", graph.display()));
    }
    let liars = args.byzantine.iter();
    words.extend(liars.map(|l| format!("--byzantine {}={}", l.node, l.behaviour.word())));
    words.extend(args.adversaries.then(|| "--adversaries".to_owned()));
    let counts = [("--nodes", network.nodes), ("--disks", network.disks)];
    words.extend(
        counts
            .iter()
            .filter_map(|(name, n)| n.map(|n| format!("{name} {n}"))),
    );
    words.join(" ")
}

fn bar(args: &SimulateArgs) -> ProgressBar {
    let bar = match (args.seed, &args.seeds, args.minutes) {
        (Some(_), ..) => return ProgressBar::hidden(),
        (_, Some(seeds), _) => ProgressBar::new(seeds.end - seeds.start),
        (_, _, Some(_)) => ProgressBar::new_spinner(),
        _ => ProgressBar::new(SEEDS.end),
    };
    let style = ProgressStyle::with_template("{bar:30} {elapsed_precise} {msg}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
