//! Node lists with quorum sets, as crawlers of the Stellar and MobileCoin networks publish them.
//!
//! A list is a JSON array of nodes, each with a `publicKey` and, if it validates, a `quorumSet`:
//! a `threshold`, `validators` by key, and `innerQuorumSets`. Whoever is named and not listed
//! counts as silent. Names, organisations, countries and providers are taken where they are given.

use crate::analysis::Unrolled;
use crate::effort::Effort;
use crate::groups::one_group;
use crate::id::AcceptorId;
use crate::problem::{Position, Problem};
use crate::read::MAX_NAME_BYTES;
use crate::set::{AcceptorSet, MAX_ACCEPTORS};
use crate::slices::{QuorumSet, Slices};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How deep quorum sets may nest.
const MAX_DEPTH: usize = 8;

/// A network as it was crawled.
#[derive(Clone)]
pub struct Network {
    /// What each node needs; nodes are numbered by their places in the list.
    pub slices: Slices,
    /// By kind (`country`, `isp`, `organisation`, `version`), the nodes of each group.
    pub groups: BTreeMap<String, BTreeMap<String, AcceptorSet>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    public_key: String,
    name: Option<String>,
    hostname: Option<String>,
    host: Option<String>,
    quorum_set: Option<Set>,
    organization_id: Option<String>,
    isp: Option<String>,
    country: Option<String>,
    version: Option<String>,
    version_str: Option<String>,
    geo_data: Option<GeoData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeoData {
    country_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    threshold: u64,
    #[serde(default)]
    validators: Vec<String>,
    #[serde(default)]
    inner_quorum_sets: Vec<Set>,
}

/// Reads a list. What is wrong with it is said with the line and column where JSON ends to make
/// sense, or with the node that is wrong.
pub fn read(text: &str) -> Result<Network, Box<Problem>> {
    if text.trim_start().starts_with('{') {
        let start = text.len() - text.trim_start().len();
        let what = "not a list of nodes with quorum sets, but a JSON object";
        let mend = "learner graphs are read in TOML, lists of nodes as a JSON array";
        let problem = Problem::error(Some(start..start + 1), what, mend);
        return Err(Box::new(problem.located(text)));
    }
    let nodes: Vec<Node> = serde_json::from_str(text).map_err(|error| Problem {
        at: Some(Position {
            line: error.line(),
            // It counts the characters read of a line, of which there may be none.
            column: error.column().max(1),
        }),
        ..Problem::error(
            None,
            format!("not a list of nodes with quorum sets: {error}"),
            "it is a JSON array of {\"publicKey\": …, \"quorumSet\": {\"threshold\": …, \"validators\": […], \"innerQuorumSets\": […]}}",
        )
    })?;
    if nodes.is_empty() || nodes.len() > MAX_ACCEPTORS {
        return Err(Box::new(Problem::error(
            None,
            format!("the list has {} nodes", nodes.len()),
            format!("1 to {MAX_ACCEPTORS} can be analysed; leave out nodes without a quorum set"),
        )));
    }
    let mut index = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        if index.insert(node.public_key.as_str(), at as u16).is_some() {
            let what = format!(
                "the node with publicKey {:?} is listed twice",
                node.public_key
            );
            return Err(Box::new(Problem::error(None, what, "remove one")));
        }
    }
    let names = names(&nodes);
    let mut declared = Vec::new();
    for (node, name) in nodes.iter().zip(names) {
        let set = node.quorum_set.as_ref();
        let set = set
            .map(|set| quorum_set(set, &index, 0, &node.public_key))
            .transpose()?;
        declared.push((name, set));
    }
    Ok(Network {
        groups: groups(&nodes),
        slices: Slices::new(declared),
    })
}

fn quorum_set(
    set: &Set,
    index: &HashMap<&str, u16>,
    depth: usize,
    node: &str,
) -> Result<QuorumSet, Box<Problem>> {
    if depth == MAX_DEPTH {
        let what = format!("the quorum set of {node:?} is nested deeper than {MAX_DEPTH} levels");
        return Err(Box::new(Problem::error(None, what, "flatten it")));
    }
    let mut nodes = Vec::new();
    for key in &set.validators {
        nodes.extend(index.get(key.as_str()).copied());
    }
    let inner = set.inner_quorum_sets.iter();
    let inner = inner.map(|set| quorum_set(set, index, depth + 1, node));
    Ok(QuorumSet {
        threshold: set.threshold,
        nodes,
        inner: inner.collect::<Result<_, _>>()?,
    })
}

/// Names that a graph can have, all different: what people call the node, if that is possible.
fn names(nodes: &[Node]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let called = [&node.name, &node.hostname, &node.host];
        let called = called.into_iter().flatten().map(|name| plain(name));
        let key = plain(&node.public_key);
        let short: String = key.chars().take(12).collect();
        let candidates = called.chain([short, key, format!("node{at}")]);
        let free = candidates.filter(|name| !name.is_empty());
        let name = free.into_iter().find(|name| taken.insert(name.clone()));
        // Somebody is called like a later node's number.
        names.push(name.unwrap_or_else(|| format!("node{at}.{}", nodes.len())));
    }
    names
}

/// A name without the characters that a graph's names cannot have.
fn plain(name: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let name: String = name
        .chars()
        .map(|c| if fine(c) { c } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    name.chars().take(MAX_NAME_BYTES).collect()
}

fn groups(nodes: &[Node]) -> BTreeMap<String, BTreeMap<String, AcceptorSet>> {
    let mut groups: BTreeMap<String, BTreeMap<String, AcceptorSet>> = BTreeMap::new();
    for (node, at) in nodes.iter().zip(0..) {
        let geo = node
            .geo_data
            .as_ref()
            .and_then(|geo| geo.country_name.as_ref());
        let attributes = [
            ("country", node.country.as_ref().or(geo)),
            ("isp", node.isp.as_ref()),
            ("organisation", node.organization_id.as_ref()),
            (
                "version",
                node.version_str.as_ref().or(node.version.as_ref()),
            ),
        ];
        for (kind, value) in attributes {
            let value = value
                .map(|value| plain(value))
                .filter(|value| !value.is_empty());
            if let Some(value) = value {
                let kind = groups.entry(kind.to_owned()).or_default();
                kind.entry(value).or_default().insert(AcceptorId(at));
            }
        }
    }
    groups
}

impl Network {
    /// The members of the group of this name, of whatever kind; nothing if there is none.
    ///
    /// # Errors
    /// The kinds, if groups of several kinds have this name, and not the same members.
    pub fn group(&self, name: &str) -> Result<Option<AcceptorSet>, String> {
        let of_kind = |(kind, groups): (&String, &BTreeMap<String, AcceptorSet>)| {
            Some((kind.clone(), *groups.get(name)?))
        };
        one_group(name, self.groups.iter().filter_map(of_kind).collect())
    }

    /// What fails as a whole: every node, or the groups of a kind; `None` for a kind that the
    /// list does not have.
    pub fn units(&self, by: Option<&str>) -> Option<crate::Units> {
        let names = self.slices.names().to_vec();
        let Some(by) = by else {
            return Some(crate::Units::single(names));
        };
        let groups = self.groups.get(by)?;
        let groups = groups
            .iter()
            .map(|(name, members)| (name.clone(), *members));
        Some(crate::Units::grouped(names, groups.collect()))
    }

    /// The network as a learner graph in TOML: all nodes that can be in a quorum, as acceptors
    /// and as learners, and agreement of all while the safe acceptors meet everything that two
    /// quorums have in common. Refused if its quorums are too many to be written out.
    pub fn to_toml(&self, effort: &Effort) -> Result<Unrolled, Box<Problem>> {
        self.slices.to_toml(effort)
    }
}
