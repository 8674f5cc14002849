//! From arguments to everything a run needs to know before the first process starts.

use super::schedule::Schedule;
use crate::cli::UpArgs;
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::launch::Programs;
use crate::launch::layout::{Layout, node_name};
use crate::launch::workspace;
use crate::plan::When;
use crate::show::words;
use crate::values::{self, Value};
use learner_graph::{AcceptorSet, MAX_ACCEPTORS, MAX_LEARNERS, Problem};
use node::config::{Look, Mode};
use std::io;
use std::path::{Path, PathBuf};

/// Disks without `--disks`.
const DISKS: usize = 3;
/// The most nodes of a network of processors.
const MAX_PROCESSORS: usize = 255;

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
    /// What the graph's author may not expect.
    pub warnings: Vec<String>,
}

/// Checks all arguments and reads all files.
///
/// # Errors
/// For wrong usage, an invalid graph with all its problems, and files that cannot be read.
pub fn prepare(args: &UpArgs) -> Result<Prepared, Failure> {
    let programs = Programs::find(args.hpaxos.as_deref())?;
    strange_options(args)?;
    let (name, text) = source(args)?;
    let look = node::config::look(&text, &name, args.mode);
    if let Some(mode) = look.mode.filter(|mode| *mode != args.mode) {
        let mode = mode.name();
        let why = format!("graph file '{name}' is for mode {mode}: add --mode {mode}");
        return Err(Failure::usage(why));
    }
    let (mut layout, mut expect, warnings) = match args.mode {
        Mode::Hpaxos => of_graph(args, &name, text)?,
        Mode::Paxos | Mode::DiskPaxos => of_quorums(args, text, &look)?,
    };
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

/// Options of other modes.
fn strange_options(args: &UpArgs) -> Result<(), Failure> {
    let refuse = |option: &str| {
        let mode = args.mode.name();
        Err(Failure::usage(format!("mode {mode} has no {option}")))
    };
    match args.mode {
        Mode::Hpaxos | Mode::Paxos if args.disks.is_some() => refuse("--disks"),
        Mode::Paxos | Mode::DiskPaxos if args.trace.is_some() => {
            refuse("--trace: traces are in the words of hpaxos")
        }
        Mode::Paxos | Mode::DiskPaxos if !args.byzantine.is_empty() => {
            refuse("--byzantine: it stands crashes, and nobody who lies")
        }
        Mode::DiskPaxos if args.graph.is_some() => refuse("--graph: any majority of disks decides"),
        _ => Ok(()),
    }
}

/// The file that describes trust, or the built-in one: its name and its text.
fn source(args: &UpArgs) -> Result<(String, String), Failure> {
    if let Some(path) = &args.graph {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::could_not_run(format!("graph file '{name}': {e}")))?;
        return Ok((name, text));
    }
    let count = |option: &str, n: usize, most: usize| match (1..=most).contains(&n) {
        true => Ok(n),
        false => Err(Failure::usage(format!("{option} {n}: use 1 to {most}"))),
    };
    let acceptors = |most| count("--nodes", nodes(args), most);
    let text = match args.mode {
        Mode::Hpaxos => learner_graph::builtin(acceptors(MAX_ACCEPTORS)?),
        Mode::Paxos => {
            let names = (1..=acceptors(MAX_LEARNERS)?).map(|i| format!("\"a{i}\""));
            format!("acceptors = [{}]\n", names.collect::<Vec<_>>().join(", "))
        }
        Mode::DiskPaxos => {
            count("--nodes", nodes(args), MAX_PROCESSORS)?;
            let disks = 1..=count("--disks", args.disks.unwrap_or(DISKS), MAX_ACCEPTORS)?;
            let disk = |i| format!("[disks.d{i}]\npath = \"{}/d{i}\"\n", workspace::DISKS);
            disks.map(disk).collect()
        }
    };
    Ok((format!("built-in graph of mode {}", args.mode.name()), text))
}

/// How many nodes there are without a file to say.
fn nodes(args: &UpArgs) -> usize {
    args.nodes.unwrap_or(match args.mode {
        Mode::Hpaxos => 4,
        Mode::Paxos => 3,
        Mode::DiskPaxos => 2,
    })
}

type Network = (Layout, Expectation, Vec<String>);

fn of_graph(args: &UpArgs, name: &str, text: String) -> Result<Network, Failure> {
    let words = |problem: Problem| problem.in_file(name).to_string();
    let (graph, warnings) = learner_graph::parse_graph(&text)
        .map_err(|problems| Failure::Bad(problems.into_iter().map(words).collect()))?;
    let nodes = args.nodes.unwrap_or(graph.n_acceptors());
    let layout = Layout::new(args.mode, text, &graph, nodes)?;
    let expect = Expectation::new(graph, AcceptorSet::EMPTY);
    Ok((layout, expect, warnings.into_iter().map(words).collect()))
}

fn of_quorums(args: &UpArgs, text: String, look: &Look) -> Result<Network, Failure> {
    let words = look.problems.iter().map(ToString::to_string).collect();
    let (false, Some(quorums)) = (look.is_bad(), &look.quorums) else {
        return Err(Failure::Bad(words));
    };
    let nodes = match args.mode {
        Mode::DiskPaxos => nodes(args),
        Mode::Hpaxos | Mode::Paxos => args.nodes.unwrap_or(quorums.read().n_acceptors()),
    };
    let names: Vec<String> = (0..nodes).map(node_name).collect();
    let graph = quorums.network(names.clone());
    let graph =
        graph.ok_or_else(|| Failure::usage(format!("--nodes {nodes}: use 1 to {MAX_LEARNERS}")))?;
    let layout = Layout::new(args.mode, text, &graph, nodes)?;
    let read = (args.mode == Mode::Paxos).then(|| quorums.read());
    let expect = Expectation::of_quorums(args.mode, graph, read, &names);
    Ok((layout, expect, words))
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
