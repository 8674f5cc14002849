//! `hpaxos graph import`.

use super::super::{Exit, fail, print};
use super::source::{Content, Source};
use super::until::until;
use clap::Args;
use learner_graph::{AcceptorSet, Effort, LearnerGraph, parse_unchecked, stellar};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The steps that writing quorums out may take.
const STEPS: u64 = 5_000_000;

/// The arguments of `hpaxos graph import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// A list of nodes with quorum sets in JSON, as crawlers of the Stellar network publish them
    file: PathBuf,
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
    until(Arc::clone(&stop), None, move |tell| {
        tell("minimal quorums", 0, 1);
        let made = network.to_toml(&Effort::until(STEPS, stop));
        let made = made.map(|text| format!("{text}{}", groups(&network, &text)));
        Box::new(move || match made {
            Ok(text) => {
                print(text.trim_end());
                Exit::Done
            }
            Err(problem) => fail(
                Exit::Bad,
                format!("{name}: {}; {}", problem.what, problem.mend),
            ),
        })
    })
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
