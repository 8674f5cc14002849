//! `hpaxos graph check`.

use super::super::{Exit, complain, fail, print};
use super::deeper::deeper;
use super::form::Form;
use super::source::{is_list, text_of};
use super::until::{Budget, until};
use crate::config::{Look, MAX_CONFIG_BYTES, Mode, look};
use clap::Args;
use learner_graph::{Check, Minimal, Names, Problem, Quorums, Report, Severity, explain, stellar};
use serde::Serialize;
use serde_json::json;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How long it works unless the user says how long. A node has no clock, but steps, which take less.
const SECONDS: u64 = 120;

/// The arguments of `hpaxos graph check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// A graph, the quorums of another mode, or a whole network configuration
    file: PathBuf,
    /// Also say who agrees with whom if exactly these acceptors are safe
    #[arg(long, value_name = "A1,A2,…")]
    safe: Option<String>,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    form: Form,
}

pub(super) fn check(args: &CheckArgs) -> Exit {
    let name = args.file.display().to_string();
    let text = match text_of(&args.file, &name, MAX_CONFIG_BYTES) {
        Ok(text) => text,
        Err((exit, problem)) => {
            // Of what could not be read nothing is known.
            let valid = (exit == Exit::Bad).then_some(false);
            tell_problems(&[*problem], valid, args.form);
            return exit;
        }
    };
    if is_list(&args.file, &text) {
        return refuse_list(args, &name, &text);
    }
    // All of the file is looked at: a configuration can be wrong elsewhere than in its graph.
    let look = look(&text, &name, Mode::Hpaxos);
    match look.mode {
        Some(mode @ (Mode::Paxos | Mode::DiskPaxos)) => check_quorums(args, mode, look),
        Some(Mode::Hpaxos) => check_graph(args, &name, &text, look.problems),
        None => refuse(&look.problems, args.form),
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
        Err(problem) => refuse(&[problem.in_file(name)], args.form),
    }
}

fn check_graph(args: &CheckArgs, name: &str, text: &str, elsewhere: Vec<Problem>) -> Exit {
    let mut check = match Check::new(name, text, args.safe.as_deref()) {
        // Problems of a wrong question name no file.
        Err(problems) if problems.iter().all(|p| p.file.is_none()) => {
            let words = problems
                .iter()
                .map(|p| format!("--safe: {}; {}", p.what, p.mend));
            return fail(Exit::Usage, words.collect::<Vec<_>>().join("; "));
        }
        Err(problems) => return refuse(&all(problems, elsewhere), args.form),
        Ok(check) => check,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let (args, name) = (args.clone(), name.to_owned());
    until(&[Arc::clone(&stop)], args.budget.or(SECONDS), move |tell| {
        deeper(
            &stop,
            args.budget,
            tell,
            |decided| *decided,
            |times, tell| {
                check.ask(times, &stop, tell);
                check.is_decided()
            },
        );
        tell("minimal sets", 0, 1);
        let report = check.report(&stop);
        Box::new(move || said(&args, &name, &check, report, elsewhere))
    })
}

/// Says what was found of a graph that could be read.
fn said(
    args: &CheckArgs,
    name: &str,
    check: &Check,
    report: Result<Report, Vec<Problem>>,
    elsewhere: Vec<Problem>,
) -> Exit {
    let verdict = check.verdict();
    let problems = match report {
        Ok(report) if elsewhere.iter().all(|p| p.severity != Severity::Error) => {
            show(args, &report, &report.warnings);
            return Exit::Done;
        }
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    };
    let problems = all(problems, elsewhere);
    // It is not said to be bad if all that is wrong is that this was not decided.
    let errors = problems.iter().filter(|p| p.severity == Severity::Error);
    let open = verdict.is_none() && errors.count() == 1;
    tell_problems(&problems, (!open).then_some(false), args.form);
    if verdict == Some(false) {
        complain(format!(
            "note: hpaxos graph analyze {name} says what would mend it"
        ));
    }
    Exit::Bad
}

/// The problems of a graph, and the errors elsewhere in its file that are not among them.
fn all(mut problems: Vec<Problem>, elsewhere: Vec<Problem>) -> Vec<Problem> {
    for problem in elsewhere {
        let known = |p: &Problem| p.at == problem.at && (p.at.is_some() || p.what == problem.what);
        if problem.severity == Severity::Error && !problems.iter().any(known) {
            problems.push(problem);
        }
    }
    // What is about no place in the file comes last: it may count on from those before it.
    problems.sort_by_key(|p| p.span.as_ref().map_or(usize::MAX, |s| s.start));
    problems
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
        return refuse(&look.problems, args.form);
    };
    let report = QuorumReport::new(mode, quorums, look.problems);
    show(args, &report, &report.warnings);
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
        Ok(())
    }
}

/// Says what there is to say of a good file; warnings are no part of it for people, as errors are none.
fn show<T: Serialize + fmt::Display>(args: &CheckArgs, report: &T, warnings: &[Problem]) {
    let name = args.file.display().to_string();
    let about = json!({"event": "graph", "file": name, "valid": true});
    args.form.print(about, report, report);
    warnings.iter().for_each(complain);
}

/// Says what is wrong with a file.
fn refuse(problems: &[Problem], form: Form) -> Exit {
    tell_problems(problems, Some(false), form);
    Exit::Bad
}

/// Says what is wrong with a file, or what is not known of it.
fn tell_problems(problems: &[Problem], valid: Option<bool>, form: Form) {
    for problem in problems {
        complain(problem);
    }
    if form.json {
        print(json!({"event": "graph", "valid": valid, "problems": problems}));
    }
}
