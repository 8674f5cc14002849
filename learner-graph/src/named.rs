//! Lists of names, as people and programs give them: of acceptors or nodes, and of groups, which stand for their members.

use crate::graph::LearnerGraph;
use crate::id::AcceptorId;
use crate::meant::meant;
use crate::problem::Problem;
use crate::set::AcceptorSet;
use crate::stellar::Network;

/// How many are named to whoever named one that there is not.
const MAX_NAMED: usize = 40;

/// Reads a comma-separated list of acceptors, and of groups, which stand for their members; an empty text is the empty
/// set.
///
/// # Errors
/// A problem for every name that no acceptor and no group has, and for one that is missing.
pub fn acceptor_list(graph: &LearnerGraph, list: &str) -> Result<AcceptorSet, Vec<Problem>> {
    let names = graph.acceptor_names(&graph.acceptors());
    let groups = graph.groups.iter().flat_map(|kind| &kind.groups);
    let known = Lookup {
        one: "an acceptor",
        groups: groups.map(|(name, _)| name.as_str()).collect(),
        mend: acceptors,
        names: &names,
    };
    known.read(list, |name| graph.group(name))
}

/// Reads a list of nodes, and of groups of them, as [`acceptor_list`] does one of acceptors.
///
/// # Errors
/// Those of [`acceptor_list`].
pub fn node_list(network: &Network, list: &str) -> Result<AcceptorSet, Vec<Problem>> {
    let groups = network.groups.values().flat_map(|groups| groups.keys());
    let known = Lookup {
        one: "a node",
        groups: groups.map(String::as_str).collect(),
        mend: |_| String::from("the list has its nodes by publicKey"),
        names: network.slices.names(),
    };
    known.read(list, |name| network.group(name))
}

/// Which names there are.
struct Lookup<'a> {
    /// What has them.
    one: &'static str,
    names: &'a [String],
    groups: Vec<&'a str>,
    /// What to do about a name that nobody has, where these are known.
    mend: fn(&[String]) -> String,
}

impl Lookup<'_> {
    fn read(
        &self,
        list: &str,
        group: impl Fn(&str) -> Result<Option<AcceptorSet>, String>,
    ) -> Result<AcceptorSet, Vec<Problem>> {
        let mut set = AcceptorSet::EMPTY;
        let mut problems = Vec::new();
        if list.trim().is_empty() {
            return Ok(set);
        }
        let mut names: Vec<&str> = list.split(',').map(str::trim).collect();
        let all = names.len();
        names.retain(|name| !name.is_empty());
        if names.len() < all {
            let what = format!("there is a name missing in '{list}'");
            let mend = "put one comma between two names, and none at an end";
            problems.push(Problem::error(None, what, mend));
        }
        for name in names {
            if let Some(at) = self.names.iter().position(|known| known == name) {
                set.insert(AcceptorId(at as u16));
                continue;
            }
            match group(name) {
                Ok(Some(members)) => set |= members,
                Err(why) => problems.push(Problem::error(None, why, "name its members")),
                Ok(None) => {
                    let known = self.names.iter().map(String::as_str);
                    let near = meant(name, known.chain(self.groups.iter().copied()));
                    let what = format!("'{name}' is not {}{near}", self.one);
                    problems.push(Problem::error(None, what, (self.mend)(self.names)));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(set),
            false => Err(problems),
        }
    }
}

/// Which acceptors there are.
fn acceptors(names: &[String]) -> String {
    let named = &names[..names.len().min(MAX_NAMED)];
    let more = match names.len() - named.len() {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    format!("the acceptors are {{{}{more}}}", named.join(", "))
}
