//! `hpaxos graph check`.

use super::super::{Exit, complain, fail, print, read_text};
use super::source::is_list;
use crate::config::{Look, MAX_CONFIG_BYTES, Mode, look};
use clap::Args;
use learner_graph::{Minimal, Names, Problem, Quorums, Severity, explain, stellar};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;

/// The arguments of `hpaxos graph check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// A graph, the quorums of another mode, or a whole network configuration
    file: PathBuf,
    /// Also say who agrees with whom if exactly these acceptors are safe
    #[arg(long, value_name = "A1,A2,…")]
    safe: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn check(args: &CheckArgs) -> Exit {
    let name = args.file.display().to_string();
    let text = match read_text(&args.file, MAX_CONFIG_BYTES) {
        Ok(text) => text,
        Err(error) => return fail(Exit::Failed, format!("cannot read {name}: {error}")),
    };
    if is_list(&args.file, &text) {
        return refuse_list(args, &name, &text);
    }
    // All of the file is looked at: a configuration can be wrong elsewhere than in its graph.
    let look = look(&text, &name, Mode::Hpaxos);
    match look.mode {
        Some(mode @ (Mode::Paxos | Mode::DiskPaxos)) => check_quorums(args, mode, look),
        Some(Mode::Hpaxos) => check_graph(args, &name, &text, look.problems),
        None => refuse(&look.problems, args.json),
    }
}

/// What is asked here of a learner graph has other answers where nodes have quorum sets.
fn refuse_list(args: &CheckArgs, name: &str, text: &str) -> Exit {
    match stellar::read(text) {
        Ok(_) => {
            let why = "is a list of nodes with quorum sets, and no learner graph";
            let mend = format!(
                "hpaxos graph analyze {name} says whether its quorums meet, hpaxos graph import {name} makes a learner graph of it"
            );
            fail(Exit::Usage, format!("{name} {why}: {mend}"))
        }
        Err(problem) => refuse(&[problem.in_file(name)], args.json),
    }
}

fn check_graph(args: &CheckArgs, name: &str, text: &str, elsewhere: Vec<Problem>) -> Exit {
    let checked = learner_graph::check(name, text, args.safe.as_deref());
    let mut problems = match &checked {
        // Problems of a wrong question name no file.
        Err(problems) if problems.iter().all(|p| p.file.is_none()) => {
            let words: Vec<String> = problems
                .iter()
                .map(|p| format!("--safe: {}; {}", p.what, p.mend))
                .collect();
            return fail(Exit::Usage, words.join("; "));
        }
        Err(problems) => problems.clone(),
        Ok(_) => Vec::new(),
    };
    for problem in elsewhere {
        let known = |p: &Problem| p.at == problem.at && (p.at.is_some() || p.what == problem.what);
        if problem.severity == Severity::Error && !problems.iter().any(known) {
            problems.push(problem);
        }
    }
    match checked {
        Ok(report) if problems.is_empty() => {
            show(args, serde_json::to_value(&report), &report);
            Exit::Done
        }
        _ => {
            problems.sort_by_key(|p| p.span.as_ref().map(|s| s.start));
            refuse(&problems, args.json)
        }
    }
}

/// Where nobody lies, what a graph asks of a file is that its quorums meet.
fn check_quorums(args: &CheckArgs, mode: Mode, look: Look) -> Exit {
    if args.safe.is_some() {
        let why = format!(
            "--safe is about acceptors that lie, and in mode {} nobody does",
            mode.name()
        );
        return fail(Exit::Usage, why);
    }
    let (false, Some(quorums)) = (look.is_bad(), &look.quorums) else {
        return refuse(&look.problems, args.json);
    };
    let report = QuorumReport::new(mode, quorums, look.problems);
    show(args, serde_json::to_value(&report), &report);
    Exit::Done
}

/// What there is to say of quorums that meet.
#[derive(Serialize)]
struct QuorumReport {
    mode: &'static str,
    #[serde(skip)]
    of: &'static str,
    acceptors: Names,
    read: Minimal<Names>,
    write: Minimal<Names>,
    warnings: Vec<Problem>,
}

impl QuorumReport {
    fn new(mode: Mode, quorums: &Quorums, warnings: Vec<Problem>) -> QuorumReport {
        let explained = explain(&quorums.pair(), Vec::new(), None);
        let mut kinds = explained.learners.into_iter().map(|l| l.quorums);
        let none = Minimal {
            sets: Vec::new(),
            complete: true,
        };
        QuorumReport {
            mode: mode.name(),
            of: if mode == Mode::DiskPaxos {
                "Disks"
            } else {
                "Acceptors"
            },
            acceptors: explained.acceptors,
            read: kinds.next().unwrap_or(none.clone()),
            write: kinds.next().unwrap_or(none),
            warnings,
        }
    }
}

impl fmt::Display for QuorumReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.acceptors.join(", ");
        writeln!(
            f,
            "Mode {}: nobody lies, and all learners agree.",
            self.mode
        )?;
        writeln!(f, "\n{} ({}): {names}", self.of, self.acceptors.len())?;
        if self.read == self.write {
            writeln!(f, "\nMinimal quorums, of both phases: {}", self.read)?;
            writeln!(f, "Any two quorums meet.")?;
        } else {
            writeln!(f, "\nMinimal read quorums (phase 1): {}", self.read)?;
            writeln!(f, "Minimal write quorums (phase 2): {}", self.write)?;
            writeln!(f, "Every read quorum meets every write quorum.")?;
        }
        self.warnings.iter().try_for_each(|w| writeln!(f, "{w}"))
    }
}

fn show(args: &CheckArgs, facts: serde_json::Result<Value>, report: &impl fmt::Display) {
    if !args.json {
        return print(report);
    }
    let name = args.file.display().to_string();
    let mut object = json!({"event": "graph", "file": name, "valid": true});
    if let (Ok(Value::Object(facts)), Some(object)) = (facts, object.as_object_mut()) {
        object.extend(facts);
    }
    print(object);
}

/// Says what is wrong with a file.
pub(super) fn refuse(problems: &[Problem], json: bool) -> Exit {
    for problem in problems {
        complain(problem);
    }
    if json {
        print(json!({"event": "graph", "valid": false, "problems": problems}));
    }
    Exit::Bad
}
