//! From arguments to everything a run needs to know before the first process starts.

use super::schedule::Schedule;
use crate::cli::UpArgs;
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::launch::Programs;
use crate::launch::layout::Layout;
use crate::plan::When;
use crate::scenario::Step;
use crate::show::words;
use crate::topology::topology;
use crate::values::{self, Value};
use node::config::Mode;
use std::io;
use std::path::{Path, PathBuf};

/// A run that can begin.
#[derive(Debug)]
pub struct Prepared {
    /// The node programs.
    pub programs: Programs,
    /// What to launch.
    pub layout: Layout,
    /// What the graph predicts.
    pub expect: Expectation,
    /// What to submit.
    pub values: Vec<Value>,
    /// Whom to kill when.
    pub schedule: Schedule,
    /// The steps of a scenario, which has no schedule.
    pub steps: Option<Vec<Step>>,
    /// What the graph's author may not expect.
    pub warnings: Vec<String>,
}

/// Checks all arguments and reads all files.
///
/// # Errors
/// For wrong usage, an invalid graph with all its problems, and files that cannot be read.
pub fn prepare(args: &UpArgs) -> Result<Prepared, Failure> {
    let programs = Programs::find(args.hpaxos.as_deref())?;
    if args.network.mode != Mode::Hpaxos && !args.byzantine.is_empty() {
        let mode = args.network.mode.name();
        let why = format!("mode {mode} has no --byzantine: it stands crashes, and nobody who lies");
        return Err(Failure::usage(why));
    }
    if args.network.mode != Mode::Hpaxos && args.trace.is_some() {
        let mode = args.network.mode.name();
        let why = format!("mode {mode} has no --trace: traces are in the words of hpaxos");
        return Err(Failure::usage(why));
    }
    let (mut layout, mut expect, warnings) = topology(&args.network)?;
    layout.patience_ms = args.patience_ms;
    layout.trace = args.trace.as_deref().map(traces).transpose()?;
    for wish in &args.byzantine {
        let place = layout.place(&wish.node)?;
        let node = &mut layout.nodes[place];
        let acceptor = node.acceptor.as_deref();
        let acceptor = acceptor.and_then(|name| expect.graph().acceptor(name));
        let Some(acceptor) = acceptor else {
            let name = &wish.node;
            return Err(Failure::usage(format!(
                "--byzantine: node {name} plays no acceptor"
            )));
        };
        node.byzantine = Some(wish.how);
        expect.misbehaves(acceptor);
    }
    let values = values_of(args)?;
    let schedule = schedule(args, &layout, values.len())?;
    Ok(Prepared {
        programs,
        layout,
        expect,
        values,
        schedule,
        steps: None,
        warnings,
    })
}

/// The directory for traces, made if it does not exist. Traces of another network would be mixed up with
/// this one's.
fn traces(dir: &Path) -> Result<PathBuf, Failure> {
    let failed = |e: io::Error| Failure::could_not_run(format!("--trace '{}': {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(failed)?;
    if std::fs::read_dir(dir).map_err(failed)?.next().is_some() {
        let dir = dir.display();
        let why = format!("--trace: directory '{dir}' is not empty; name a new one");
        return Err(Failure::could_not_run(why));
    }
    dir.canonicalize().map_err(failed)
}

fn values_of(args: &UpArgs) -> Result<Vec<Value>, Failure> {
    let Some(path) = &args.values else {
        return Ok(values::built_in());
    };
    let name = path.display();
    let values = values::from_file(path)
        .map_err(|e| Failure::could_not_run(format!("values file '{name}': {e}")))?;
    if values.is_empty() && !args.keep {
        return Err(Failure::usage(format!(
            "values file '{name}' has no values"
        )));
    }
    if let Some(why) = values::too_long(&values) {
        return Err(Failure::usage(format!("values file '{name}': {why}")));
    }
    Ok(values)
}

fn schedule(args: &UpArgs, layout: &Layout, total: usize) -> Result<Schedule, Failure> {
    let mut kills = Vec::new();
    for kill in &args.kill {
        if let When::Decided(n) = kill.when
            && n >= total
        {
            return Err(Failure::usage(format!(
                "--kill {}@{n}values: there are {}, and one must be left to submit afterwards",
                kill.whom,
                words::count(total, "value")
            )));
        }
        kills.push((layout.victim(&kill.whom)?, kill.when));
    }
    Ok(Schedule::new(kills, total))
}

/// What the graph predicts, in lines for a person.
#[must_use]
pub fn predictions(expect: &Expectation) -> Vec<String> {
    let graph = expect.graph();
    let name = |l: &usize| {
        u16::try_from(*l).map_or("?", |l| graph.learner_name(learner_graph::LearnerId(l)))
    };
    let mut lines = Vec::new();
    for group in expect.groups() {
        let names = words::list(&group.iter().map(name).collect::<Vec<_>>());
        lines.push(match (group.len(), expect.must_agree(group[0], group[0])) {
            (1, true) => format!("{names} need not agree with anybody else"),
            (1, false) => format!("{names} need not even agree with itself"),
            _ => format!("{names} must agree"),
        });
    }
    lines.extend(starved(expect));
    lines
}

/// Which learners need not decide, as a sentence; nothing if all must.
#[must_use]
pub fn starved(expect: &Expectation) -> Option<String> {
    let graph = expect.graph();
    if expect.one_each() {
        let words = "no quorum is left: nothing more can be decided";
        return expect.deciders().is_empty().then(|| words.to_owned());
    }
    let names = |must: bool| {
        let ids = graph
            .learners()
            .iter()
            .zip(0..)
            .filter(|(_, at)| expect.must_decide(*at) == must);
        ids.map(|(id, _)| graph.learner_name(id))
            .collect::<Vec<_>>()
    };
    let (starved, deciders) = (names(false), names(true));
    if starved.is_empty() {
        return None;
    }
    let has = if starved.len() == 1 { "has" } else { "have" };
    Some(format!(
        "{} {has} no quorum of living safe acceptors and need not decide; {} must",
        words::list(&starved),
        words::list(&deciders)
    ))
}
