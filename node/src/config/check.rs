//! Checks every part of a file even if another one is wrong, so that all problems are found at once.

use super::file::File;
use super::trust::{self, Build, Trust};
use super::{Config, ConfigError, Limits, Mode, NodeConfig, disks, nodes};
use consensus::hpaxos::PAGE;
use consensus::{Member, Network, NetworkError};
use learner_graph::{GraphSection, Problem, Quorums, Severity};
use std::sync::Arc;
use toml::Spanned;

/// What there is to know of a file without its nodes.
pub struct Look {
    /// The protocol, if it can be made out.
    pub mode: Option<Mode>,
    /// The quorums, in a mode in which all learners share them, if nothing is wrong with them.
    pub quorums: Option<Quorums>,
    /// Everything that is wrong, and what the file's author may not expect; of a learner graph only its shape.
    pub problems: Vec<Problem>,
}

impl Look {
    /// Whether anything is wrong.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        bad(&self.problems)
    }
}

/// Looks at a file, which may be a whole configuration or its graph or quorums alone: without nodes,
/// `network` may be missing. `mode` is that of a file that names none. Whether a learner graph is valid is not asked:
/// that can take long.
#[must_use]
pub fn look(text: &str, file: &str, mode: Mode) -> Look {
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(problems) => {
            return Look {
                mode: mode_of(text, mode),
                quorums: None,
                problems: named(problems, text, file),
            };
        }
    };
    let mut problems = Vec::new();
    let build: Build = |graph| graph.build_unchecked().map(|graph| (graph, Vec::new()));
    let parts = Parts::read(&parsed, file, mode, build, &mut problems);
    if !parsed.nodes.is_empty() {
        let _ = parts.assemble(&parsed, &mut problems);
    }
    Look {
        mode: parts.mode,
        quorums: parts.trust.and_then(|trust| trust.quorums),
        problems: named(problems, text, file),
    }
}

/// Checks a whole configuration.
pub(super) fn config(text: &str, file: &str) -> Result<Config, ConfigError> {
    let parsed = parse(text).map_err(|problems| ConfigError(named(problems, text, file)))?;
    let mut problems = Vec::new();
    let parts = Parts::read(
        &parsed,
        file,
        Mode::Hpaxos,
        GraphSection::build,
        &mut problems,
    );
    let config = parts.assemble(&parsed, &mut problems);
    let warnings = named(problems, text, file);
    match config {
        Some(config) if !bad(&warnings) => Ok(Config {
            warnings,
            graph_text: graph_text(text),
            ..config
        }),
        _ => Err(ConfigError(warnings)),
    }
}

/// The fields of a file that make up the learner graph.
fn graph_text(text: &str) -> String {
    let table: toml::Table = text.parse().unwrap_or_default();
    let graph = table.into_iter();
    let graph = graph.filter(|(name, _)| learner_graph::GRAPH_FIELDS.contains(&name.as_str()));
    toml::to_string(&graph.collect::<toml::Table>()).unwrap_or_default()
}

fn bad(problems: &[Problem]) -> bool {
    problems.iter().any(|p| p.severity == Severity::Error)
}

fn parse(text: &str) -> Result<File, Vec<Problem>> {
    toml::from_str(text).map_err(|error| vec![learner_graph::no_toml(&error, text)])
}

/// The mode that a text seems to mean, whatever is wrong with it.
pub(crate) fn mode_of(text: &str, default: Mode) -> Option<Mode> {
    let table: toml::Table = text.parse().ok()?;
    match table.get("mode") {
        None => Some(default),
        Some(mode) => mode.as_str().and_then(Mode::named),
    }
}

/// With file, line and column, in the order of the text.
fn named(problems: Vec<Problem>, text: &str, file: &str) -> Vec<Problem> {
    let named = problems.into_iter().map(|p| p.located(text).in_file(file));
    let mut problems: Vec<Problem> = named.collect();
    problems.sort_by_key(|p| p.span.as_ref().map(|s| s.start));
    problems
}

/// What can be read of a file before its nodes.
struct Parts {
    /// Nothing else can be judged without it.
    mode: Option<Mode>,
    limits: Limits,
    trust: Option<Trust>,
    locations: Vec<crate::disks::DiskConfig>,
}

impl Parts {
    fn read(
        file: &File,
        name: &str,
        default: Mode,
        build: Build,
        problems: &mut Vec<Problem>,
    ) -> Parts {
        let mode = match &file.mode {
            None => Some(default),
            Some(mode) => read_mode(mode, problems),
        };
        if let Some(network) = &file.network {
            check_network_name(network, problems);
        }
        Parts {
            mode,
            limits: Limits::read(&file.limits, problems),
            trust: mode.and_then(|mode| trust::read(file, mode, build, problems)),
            locations: disks::read(file, name, problems),
        }
    }

    fn assemble(&self, file: &File, problems: &mut Vec<Problem>) -> Option<Config> {
        if file.network.is_none() {
            let mend = "add network = \"NAME\"";
            problems.push(Problem::error(None, "the network has no name", mend));
        }
        let mode = self.mode?;
        let graph = self.trust.as_ref().map(|trust| &trust.graph);
        let mut nodes = nodes::read(file, mode, graph, problems);
        let (Some(name), Some(trust)) = (&file.network, &self.trust) else {
            return None;
        };
        if bad(problems) {
            return None;
        }
        let name = name.get_ref();
        let network = match network(name, mode, trust, &nodes) {
            Ok(network) => Arc::new(network),
            Err(error) => {
                problems.push(Problem::error(None, error.to_string(), ""));
                return None;
            }
        };
        for node in &mut nodes {
            node.member = network.member_named(&node.name);
        }
        let quorums = trust.quorums.as_ref();
        let read_quorums = quorums.filter(|_| mode == Mode::Paxos);
        let disks = quorums.filter(|_| mode == Mode::DiskPaxos);
        Some(Config {
            name: name.clone(),
            mode,
            graph_text: String::new(),
            network,
            read_quorums: read_quorums.map(Quorums::read),
            disks: disks.map(|quorums| disks::config(name, quorums, self.locations.clone())),
            nodes,
            limits: self.limits.clone(),
            page_slots: PAGE,
            warnings: Vec::new(),
        })
    }
}

fn network(
    name: &str,
    mode: Mode,
    trust: &Trust,
    nodes: &[NodeConfig],
) -> Result<Network, NetworkError> {
    let members = nodes.iter().filter(|n| n.acceptor.is_some() || n.proposer);
    let members = members.map(|n| Member {
        name: n.name.clone(),
        key: n.key,
        acceptor: n.acceptor,
        proposer: n.proposer,
    });
    let (members, graph) = (members.collect(), trust.graph.clone());
    match &trust.quorums {
        None => Network::new(name, mode.name(), graph, members),
        Some(quorums) => {
            let text = quorums.pair().canonical();
            Network::of_quorums(name, mode.name(), &text, graph, members)
        }
    }
}

fn read_mode(mode: &Spanned<String>, problems: &mut Vec<Problem>) -> Option<Mode> {
    let known = Mode::named(mode.get_ref());
    if known.is_none() {
        problems.push(Problem::error(
            Some(mode.span()),
            format!("unknown mode '{}'", mode.get_ref()),
            "the modes are \"hpaxos\", \"paxos\" and \"disk-paxos\"",
        ));
    }
    known
}

fn check_network_name(name: &Spanned<String>, problems: &mut Vec<Problem>) {
    let text = name.get_ref();
    if text.is_empty() || text.len() > 64 || text.chars().any(char::is_control) {
        problems.push(Problem::error(
            Some(name.span()),
            "this cannot be a network's name",
            "use 1 to 64 bytes of text",
        ));
    }
}
