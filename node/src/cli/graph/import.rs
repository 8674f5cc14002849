//! `hpaxos graph import`.

use super::super::{Exit, complain, fail, print, printable};
use super::form::Form;
use super::source::{Content, Source};
use super::until::{Budget, until};
use clap::Args;
use learner_graph::{
    AcceptorSet, Effort, LearnerGraph, Unrolled, out_of, parse_unchecked, stellar,
};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The steps that writing quorums out may take.
const STEPS: u64 = 5_000_000;

/// How long it works unless the user says how long.
const SECONDS: u64 = 15;

/// The arguments of `hpaxos graph import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// A list of nodes with quorum sets in JSON, as crawlers of the Stellar network publish them
    file: PathBuf,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    form: Form,
}

pub(super) fn import(args: &ImportArgs) -> Exit {
    let source = match Source::read(&args.file) {
        Ok(source) => source,
        Err(exit) => return exit,
    };
    let Content::Slices(network) = source.content else {
        let why = "it is a learner graph already, and no list of nodes in JSON";
        return fail(Exit::Usage, format!("{}: {why}", source.name));
    };
    let (name, stop) = (source.name, Arc::new(AtomicBool::new(false)));
    let (budget, form) = (args.budget, args.form);
    until(&[Arc::clone(&stop)], budget.or(SECONDS), move |tell| {
        tell("minimal quorums", 0, 1);
        let steps = budget.seconds.map_or(STEPS, |_| u64::MAX);
        let effort = Effort::until(steps, stop);
        let made = network.to_toml(&effort);
        let stopped = effort.is_stopped();
        let groups = made.as_ref().map(|made| groups(&network, &made.toml));
        let groups = groups.unwrap_or_default();
        Box::new(move || match made {
            Ok(made) => {
                let nodes = network.slices.n_nodes();
                if made.learners(nodes) == 0 {
                    left_out(&name, nodes, &made, stopped);
                    let why =
                        "no node has become a learner, so that there is no graph to be written";
                    return fail(Exit::Bad, format!("{name}: {why}"));
                }
                let text = format!("{}{groups}", made.toml);
                let about = json!({"event": "graph-import", "file": name});
                match form.json {
                    true => form.print(about, &Made::new(&text, nodes, &made), &text),
                    // A file, whose lines are not broken for a terminal.
                    false => print(text.trim_end()),
                }
                left_out(&name, nodes, &made, stopped);
                Exit::Done
            }
            Err(problem) => fail(
                Exit::Bad,
                format!("{name}: {}; {}", problem.what, problem.mend),
            ),
        })
    })
}

/// A list as a graph, for programs.
#[derive(Serialize)]
struct Made<'a> {
    graph: &'a str,
    nodes: usize,
    learners: usize,
    silent: &'a [String],
    in_no_quorum: &'a [String],
    too_many_quorums: &'a [String],
    undecided: &'a [String],
    intersect: Option<bool>,
}

impl<'a> Made<'a> {
    fn new(graph: &'a str, nodes: usize, made: &'a Unrolled) -> Made<'a> {
        Made {
            graph,
            nodes,
            learners: made.learners(nodes),
            silent: &made.silent,
            in_no_quorum: &made.in_no_quorum,
            too_many_quorums: &made.too_many_quorums,
            undecided: &made.undecided,
            intersect: made.meet,
        }
    }
}

/// Says what of a list is not in the graph.
fn left_out(name: &str, nodes: usize, made: &Unrolled, stopped: bool) {
    let out = out_of(stopped);
    let over = format!(
        "not decided, since {out} ran out before their quorums were known: acceptors, and no learners"
    );
    let reasons = [
        (
            &made.silent,
            "without a quorum set: neither acceptors nor learners",
        ),
        (
            &made.in_no_quorum,
            "in no quorum, since what they rely on is not there: neither acceptors nor learners",
        ),
        (
            &made.too_many_quorums,
            "with too many quorums to be written out: acceptors, and no learners",
        ),
        (&made.undecided, over.as_str()),
    ];
    let learners = made.learners(nodes);
    let lost = nodes - learners;
    if lost > 0 {
        complain(format!(
            "note: {name}: {learners} of {nodes} nodes have become learners, {lost} have not:"
        ));
    }
    for (names, why) in reasons.iter().filter(|(names, _)| !names.is_empty()) {
        let n = names.len();
        complain(format!("  {n} {why} ({})", printable(&names.join(", "))));
    }
    let why = match made.meet {
        Some(true) => return,
        Some(false) => "there are quorums without a common node",
        None if made.too_many_to_meet => {
            "whether any two quorums meet was not decided, there are too many"
        }
        None => &format!("whether any two quorums meet was not decided, {out} ran out before"),
    };
    complain(format!(
        "note: {name}: no [[safe]] entry, so that nobody is promised to agree: {why}"
    ));
}

/// The groups of the list, of those nodes that have become acceptors.
fn groups(network: &stellar::Network, text: &str) -> String {
    let Ok(graph) = parse_unchecked(text) else {
        return String::new();
    };
    let mut tables = String::new();
    for (kind, groups) in &network.groups {
        let mut table = String::new();
        for (name, members) in groups {
            let members = acceptors(network, &graph, members);
            if !members.is_empty() {
                // A group may not have an acceptor's name.
                let free = graph.acceptor(name).is_none();
                let name = if free {
                    name.clone()
                } else {
                    format!("{name}.group")
                };
                table.push_str(&format!("\"{name}\" = [{}]\n", members.join(", ")));
            }
        }
        if !table.is_empty() {
            tables.push_str(&format!("\n[groups.{kind}]\n{table}"));
        }
    }
    // What cannot stand in a file is left out as a whole.
    match parse_unchecked(&format!("{text}{tables}")) {
        Ok(_) => tables,
        Err(_) => String::new(),
    }
}

fn acceptors(
    network: &stellar::Network,
    graph: &LearnerGraph,
    members: &AcceptorSet,
) -> Vec<String> {
    let name = |a: learner_graph::AcceptorId| network.slices.names().get(usize::from(a.0));
    let names = members.iter().filter_map(name);
    let names = names.filter(|name| graph.acceptor(name).is_some());
    names.map(|name| format!("\"{name}\"")).collect()
}
