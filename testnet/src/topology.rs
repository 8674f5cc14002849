//! The network that the arguments describe: its layout, and what its graph predicts.

use crate::cli::NetworkArgs;
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::launch::layout::{Layout, node_name};
use crate::launch::workspace;
use learner_graph::{AcceptorSet, MAX_ACCEPTORS, MAX_LEARNERS, Problem};
use node::config::{Look, Mode};

/// Disks without `--disks`.
const DISKS: usize = 3;
/// The most nodes of a network of processors.
const MAX_PROCESSORS: usize = 255;

/// A network, what its graph predicts, and what the graph's author may not expect.
pub type Topology = (Layout, Expectation, Vec<String>);

/// Reads the graph, or makes the built-in one.
///
/// # Errors
/// For wrong usage, an invalid graph with all its problems, and a file that cannot be read.
pub fn topology(args: &NetworkArgs) -> Result<Topology, Failure> {
    strange_options(args)?;
    let (name, text) = source(args)?;
    of_text(args, &name, text)
}

/// The network of a graph's text, whose problems are told with `name` in front of them.
///
/// # Errors
/// For wrong usage, and an invalid graph with all its problems.
pub fn of_text(args: &NetworkArgs, name: &str, text: String) -> Result<Topology, Failure> {
    let look = node::config::look(&text, name, args.mode);
    if let Some(mode) = look.mode.filter(|mode| *mode != args.mode) {
        let mode = mode.name();
        let why = format!("graph file '{name}' is for mode {mode}: add --mode {mode}");
        return Err(Failure::usage(why));
    }
    match args.mode {
        Mode::Hpaxos => of_graph(args, name, text),
        Mode::Paxos | Mode::DiskPaxos => of_quorums(args, text, &look),
    }
}

/// Options of other modes.
fn strange_options(args: &NetworkArgs) -> Result<(), Failure> {
    let refuse = |option: &str| {
        let mode = args.mode.name();
        Err(Failure::usage(format!("mode {mode} has no {option}")))
    };
    match args.mode {
        Mode::Hpaxos | Mode::Paxos if args.disks.is_some() => refuse("--disks"),
        Mode::DiskPaxos if args.graph.is_some() => refuse("--graph: any majority of disks decides"),
        _ => Ok(()),
    }
}

/// The file that describes trust, or the built-in one: its name and its text.
fn source(args: &NetworkArgs) -> Result<(String, String), Failure> {
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
fn nodes(args: &NetworkArgs) -> usize {
    args.nodes.unwrap_or(match args.mode {
        Mode::Hpaxos => 4,
        Mode::Paxos => 3,
        Mode::DiskPaxos => 2,
    })
}

fn of_graph(args: &NetworkArgs, name: &str, text: String) -> Result<Topology, Failure> {
    let words = |problem: Problem| problem.in_file(name).to_string();
    let (graph, warnings) = learner_graph::parse_graph(&text)
        .map_err(|problems| Failure::Bad(problems.into_iter().map(words).collect()))?;
    let nodes = args.nodes.unwrap_or(graph.n_acceptors());
    let layout = Layout::new(args.mode, text, &graph, nodes)?;
    let expect = Expectation::new(graph, AcceptorSet::EMPTY);
    Ok((layout, expect, warnings.into_iter().map(words).collect()))
}

fn of_quorums(args: &NetworkArgs, text: String, look: &Look) -> Result<Topology, Failure> {
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
