//! What a file is about: a learner graph, or the quorum slices of a crawled network.

use super::super::{Exit, complain, fail, read_bytes};
use crate::config::{Mode, mode_of};
use learner_graph::{
    AcceptorId, AcceptorSet, LearnerGraph, Problem, Units, acceptor_list, node_list,
    parse_unchecked, stellar,
};
use std::path::Path;

/// The largest file that is read: lists of nodes are larger than graphs.
const MAX_BYTES: usize = 64 << 20;

/// A file as it was read.
pub(super) struct Source {
    /// What messages call it.
    pub(super) name: String,
    /// Its text.
    pub(super) text: String,
    /// What it is about.
    pub(super) content: Content,
}

/// What a file is about.
#[derive(Clone)]
pub(super) enum Content {
    /// A learner graph, valid or not.
    Graph(Box<LearnerGraph>),
    /// What each node of a network needs.
    Slices(Box<stellar::Network>),
}

impl Source {
    /// Reads a file, which may be a graph that is not valid. Says what is wrong if that fails.
    pub(super) fn read(path: &Path) -> Result<Source, Exit> {
        let name = path.display().to_string();
        let text = text_of(path, &name, MAX_BYTES).map_err(|(exit, problem)| {
            complain(problem);
            exit
        })?;
        let content = if is_list(path, &text) {
            let read = stellar::read(&text);
            let network = read.map_err(|problem| refuse(vec![*problem], &name))?;
            Content::Slices(Box::new(network))
        } else {
            // Before anything is parsed.
            let limit = learner_graph::MAX_FILE_BYTES;
            if text.len() > limit {
                let (bytes, mend) = (text.len(), "only lists of nodes in JSON may be larger");
                return Err(fail(
                    Exit::Bad,
                    format!("{name} has {bytes} bytes, and a graph may have {limit}; {mend}"),
                ));
            }
            if let Some(mode @ (Mode::Paxos | Mode::DiskPaxos)) = mode_of(&text, Mode::Hpaxos) {
                let why = "in which nobody lies and all have the same quorums: there is no learner graph in it";
                let mode = mode.name();
                return Err(fail(
                    Exit::Usage,
                    format!("{name} is of mode {mode}, {why}"),
                ));
            }
            let graph = parse_unchecked(&text).map_err(|problems| refuse(problems, &name))?;
            Content::Graph(Box::new(graph))
        };
        Ok(Source {
            name,
            text,
            content,
        })
    }

    /// The names of some acceptors, or nodes.
    pub(super) fn names(&self, set: &AcceptorSet) -> Vec<String> {
        match &self.content {
            Content::Graph(graph) => graph.acceptor_names(set),
            Content::Slices(network) => {
                let names = network.slices.names();
                let name = |a: AcceptorId| names.get(usize::from(a.0)).cloned();
                set.iter().filter_map(name).collect()
            }
        }
    }

    /// What fails as a whole: groups of a kind, or each acceptor or node by itself.
    ///
    /// # Errors
    /// What is wrong with the question, and which kinds there are.
    pub(super) fn units(&self, by: Option<&str>) -> Result<Units, String> {
        let (units, kinds, none) = match &self.content {
            Content::Graph(graph) => (
                graph.units(by),
                graph.group_kinds(),
                "it has no groups; add a table [groups.KIND]",
            ),
            Content::Slices(network) => (
                network.units(by),
                network.groups.keys().map(String::as_str).collect(),
                "no node says of what country, isp, organisation or version it is",
            ),
        };
        units.ok_or_else(|| {
            let (by, file) = (by.unwrap_or_default(), &self.name);
            let there = match (kinds.as_slice(), &self.content) {
                ([], _) => none.to_owned(),
                (kinds, Content::Graph(_)) => format!("it has groups by {}", kinds.join(", ")),
                (kinds, Content::Slices(_)) => {
                    format!("nodes say of what {} they are", kinds.join(", "))
                }
            };
            format!("--by {by}: no such groups in {file}; {there}")
        })
    }

    /// The acceptors, or nodes, of a comma-separated list that was given with a flag.
    ///
    /// # Errors
    /// Everything that is wrong with the list.
    pub(super) fn acceptors(&self, flag: &str, list: &str) -> Result<AcceptorSet, Vec<String>> {
        let read = match &self.content {
            Content::Graph(graph) => acceptor_list(graph, list),
            Content::Slices(network) => node_list(network, list),
        };
        let words = |p: Problem| format!("{flag}: {}; {}", p.what, p.mend);
        read.map_err(|problems| problems.into_iter().map(words).collect())
    }

    /// The graph, where only a graph will do.
    ///
    /// # Errors
    /// That it is none, and what to do.
    pub(super) fn graph(&self) -> Result<&LearnerGraph, String> {
        match &self.content {
            Content::Graph(graph) => Ok(graph),
            Content::Slices(_) => {
                let name = &self.name;
                let mend = format!("make a graph of it first: hpaxos graph import {name}");
                Err(format!("{name} is a list of nodes; {mend}"))
            }
        }
    }
}

/// The text of a file that may be a graph, up to a limit.
///
/// # Errors
/// Why there is none, and how a command ends for it.
pub(super) fn text_of(
    path: &Path,
    name: &str,
    limit: usize,
) -> Result<String, (Exit, Box<Problem>)> {
    let bytes = read_bytes(path, limit).map_err(|error| {
        let what = format!("cannot read {name}: {error}");
        (Exit::Failed, Box::new(Problem::error(None, what, "")))
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let what = match bytes.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this is UTF-16",
            _ => "this is no text in UTF-8",
        };
        let before = String::from_utf8_lossy(&bytes[..good]);
        let problem = Problem::error(Some(good..good), what, "save it as UTF-8");
        (Exit::Bad, Box::new(problem.located(&before).in_file(name)))
    })
}

/// Whether this is a list of nodes in JSON and no TOML, in which an array cannot begin a file.
pub(super) fn is_list(path: &Path, text: &str) -> bool {
    let json = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let begins = text.trim_start().strip_prefix('[');
    json || begins.is_some_and(|rest| rest.trim_start().starts_with(['{', ']']))
}

fn refuse(problems: Vec<Problem>, file: &str) -> Exit {
    for problem in problems {
        complain(problem.in_file(file));
    }
    Exit::Bad
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_nodes_are_told_from_graphs() {
        for (path, text, list) in [
            ("net.json", "", true),
            ("-", " [ {\"publicKey\": \"x\"}]", true),
            ("-", "[]", true),
            ("net.toml", "[define]\n", false),
            ("net.toml", "[[safe]]\n", false),
            ("net.toml", "acceptors = [\"a\"]\n", false),
        ] {
            assert_eq!(is_list(Path::new(path), text), list, "{path} {text}");
        }
    }
}
