//! Which network, and where each of its nodes is.

use super::keys::Keys;
use super::{HTTP, PEERS, Target, losses};
use crate::cli::{GenerateArgs, NetworkArgs};
use crate::failure::Failure;
use crate::launch::layout::{Layout, NodePlan, Ports};
use crate::show::complain;
use crate::topology::{of_text, topology};
use learner_graph::MAX_ACCEPTORS;
use node::Config;
use node::config::Mode;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use toml::{Table, Value};

/// The image if none is named.
pub(super) const IMAGE: &str = concat!("localhost/hpaxos:", env!("CARGO_PKG_VERSION"));
/// The longest name of a network, which names hosts' files, a project and a namespace as well.
const MAX_NAME: usize = 40;

/// A node, and where it is.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// Its name.
    pub(super) name: String,
    /// The host, in targets that have hosts.
    pub(super) host: String,
    /// The HTTP port as the host has it.
    pub(super) http_port: u16,
    /// The port for the other nodes.
    pub(super) peers_port: u16,
    address: String,
    listen: String,
    http: SocketAddr,
}

/// What is to be written.
#[derive(Debug)]
pub(super) struct Plan {
    /// The network's name.
    pub(super) network: String,
    /// The image of containers.
    pub(super) image: String,
    /// Where the disks are, in mode disk-paxos.
    pub(super) disks: Vec<String>,
    /// All nodes.
    pub(super) nodes: Vec<Placed>,
    /// Where their keys come from.
    pub(super) keys: Keys,
    /// What single losses do, a line for each learner.
    losses: Vec<String>,
    /// What the loss of a host with several nodes does.
    crowded: Vec<String>,
    layout: Layout,
}

impl Plan {
    /// Checks the arguments and reads the graph; with the warnings there are.
    pub(super) fn new(args: &GenerateArgs) -> Result<(Plan, Vec<String>), Failure> {
        strange_options(args)?;
        let network = network_name(&args.network)?;
        let of = NetworkArgs {
            mode: args.mode,
            graph: args.graph.clone(),
            nodes: args.nodes,
            disks: (args.mode == Mode::DiskPaxos).then_some(args.disks.len()),
        };
        let (layout, expect, mut warnings) = match (args.mode, &args.graph) {
            (Mode::Hpaxos, None) => {
                of_text(&of, "the graph of one learner", everyone(args.nodes)?)?
            }
            _ => topology(&of)?,
        };
        let losses = losses::words(expect.graph(), args.mode);
        let keys = Keys::read(args.public_keys.as_deref(), &layout.nodes)?;
        let nodes = match args.target {
            Target::Systemd => on_hosts(args, &layout.nodes)?,
            Target::Compose => in_containers(args, &layout.nodes)?,
            Target::Kubernetes => in_pods(&layout.nodes),
        };
        let played = nodes.iter().zip(&layout.nodes);
        let crowded = losses::of_hosts(
            expect.graph(),
            played.map(|(at, plan)| (at.host.as_str(), plan)),
        );
        warnings.extend(crowded.iter().map(|line| format!("warning: {line}")));
        let plan = Plan {
            network,
            image: args.image.clone().unwrap_or_else(|| IMAGE.to_owned()),
            disks: args.disks.clone(),
            nodes,
            keys,
            losses,
            crowded,
            layout,
        };
        Ok((plan, warnings))
    }

    /// The text of `network.toml`, which nodes accept, and the id of the network, which is said.
    pub(super) fn config(&self, keys: &[String]) -> Result<(String, String), Failure> {
        let bad = |e: &dyn std::fmt::Display| Failure::Bad(vec![e.to_string()]);
        // Everything but the places is as in a network on this machine.
        let anywhere = vec![Ports { peers: 1, http: 0 }; self.nodes.len()];
        let text = self.layout.config(keys, &anywhere, |_| None)?;
        let mut table: Table = text.parse().map_err(|e: toml::de::Error| bad(&e))?;
        let string = |text: &dyn std::fmt::Display| Value::String(text.to_string());
        table.insert("network".into(), string(&self.network));
        if let Some(Value::Table(nodes)) = table.get_mut("nodes") {
            for placed in &self.nodes {
                if let Some(Value::Table(node)) = nodes.get_mut(&placed.name) {
                    node.insert("address".into(), string(&placed.address));
                    node.insert("listen".into(), string(&placed.listen));
                    node.insert("http".into(), string(&placed.http));
                }
            }
        }
        if let Some(Value::Table(disks)) = table.get_mut("disks") {
            for (at, place) in self.disks.iter().enumerate() {
                let field = if is_object_store(place) {
                    "url"
                } else {
                    "path"
                };
                let disk = Table::from_iter([(field.to_owned(), string(place))]);
                disks.insert(format!("d{}", at + 1), Value::Table(disk));
            }
        }
        let text = toml::to_string(&table).map_err(|e| bad(&e))?;
        let text =
            format!("# The same file for every node: docs/configuration.md describes it.\n{text}");
        match Config::parse(&text, "network.toml") {
            Ok(config) => {
                let id = config.network.id().to_string();
                complain(&format!("network id {id}"));
                Ok((text, id))
            }
            Err(problems) => Err(bad(&problems)),
        }
    }

    /// Whether a disk is in an object store, so that nodes need its credentials.
    pub(super) fn has_object_stores(&self) -> bool {
        self.disks.iter().any(|disk| is_object_store(disk))
    }

    /// Whether the disks have to be formatted first.
    pub(super) fn has_disks(&self) -> bool {
        !self.disks.is_empty()
    }

    /// What single losses do, and those of hosts with several nodes, as a list.
    pub(super) fn losses(&self) -> String {
        let line = |line: &String| format!("- {line}");
        let all = self.losses.iter().chain(&self.crowded);
        let lines: Vec<String> = all.map(line).collect();
        lines.join("\n")
    }

    /// The names of the nodes.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        names.join(" ")
    }
}

/// Trust without a graph to say whose: one learner, which everybody relies on alike. Of 3f+1 acceptors it needs 2f+1,
/// and agrees with itself while no more than f are not safe.
fn everyone(nodes: Option<usize>) -> Result<String, Failure> {
    let n = nodes.unwrap_or(4);
    if !(1..=MAX_ACCEPTORS).contains(&n) {
        let why = format!("--nodes {n}: use 1 to {MAX_ACCEPTORS}");
        return Err(Failure::usage(why));
    }
    let faulty = (n - 1) / 3;
    let (quorum, safe) = ((n + faulty) / 2 + 1, n - faulty);
    let all: Vec<String> = (1..=n).map(|i| format!("\"a{i}\"")).collect();
    let all = all.join(", ");
    Ok(format!(
        "acceptors = [{all}]\n\n[learners]\neveryone = {{ threshold = {quorum}, of = [{all}] }}\n\n\
         [[safe]]\nbetween = [\"everyone\"]\nwhen = {{ threshold = {safe}, of = [{all}] }}\n"
    ))
}

pub(super) fn is_object_store(disk: &str) -> bool {
    disk.starts_with("s3://")
}

/// Options that mean nothing for this target or mode.
fn strange_options(args: &GenerateArgs) -> Result<(), Failure> {
    let refuse = |why: &str| Err(Failure::usage(why));
    match args.target {
        Target::Systemd if args.hosts.is_empty() => {
            return refuse(
                "--target systemd: name the hosts, one for each node, with --hosts H1,H2,…",
            );
        }
        Target::Systemd if args.image.is_some() => {
            return refuse("--image: --target systemd has no containers");
        }
        Target::Compose | Target::Kubernetes if !args.hosts.is_empty() => {
            return refuse(
                "--hosts: containers find each other by name; leave it out, or use --target systemd",
            );
        }
        Target::Kubernetes if args.base_port.is_some() => {
            return refuse("--base-port: every pod has an address of its own; leave it out");
        }
        _ => {}
    }
    if let Some(image) = &args.image {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:/@".contains(c);
        if image.is_empty() || !image.chars().all(allowed) {
            return refuse(&format!(
                "--image {image}: this cannot be the name of an image"
            ));
        }
    }
    match (args.mode, args.disks.is_empty()) {
        (Mode::DiskPaxos, true) => {
            return refuse(
                "mode disk-paxos: say where its disks are, with --disks PLACE,… (paths that all hosts have, or s3://BUCKET/PREFIX)",
            );
        }
        (Mode::Hpaxos | Mode::Paxos, false) => {
            return refuse(&format!("mode {} has no --disks", args.mode.name()));
        }
        _ => {}
    }
    for disk in &args.disks {
        let path = disk.starts_with('/');
        let odd = |c: char| c.is_whitespace() || c.is_control() || "\"'\\%$".contains(c);
        if disk.contains(odd) || !(path || is_object_store(disk)) {
            return refuse(&format!(
                "--disks {disk}: use an absolute path or s3://BUCKET/PREFIX"
            ));
        }
        if path && args.target != Target::Systemd {
            return refuse(&format!(
                "--disks {disk}: containers share no path; use s3://BUCKET/PREFIX"
            ));
        }
    }
    Ok(())
}

/// Directories, a project, a namespace and units are called like the network.
fn network_name(name: &str) -> Result<String, Failure> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || name.len() > MAX_NAME || !name.chars().all(allowed) || name.ends_with('-') {
        return Err(Failure::usage(format!(
            "--network {name}: use 1 to {MAX_NAME} of a-z, 0-9 and '-', a letter first and no '-' last"
        )));
    }
    Ok(name.to_owned())
}

fn on_hosts(args: &GenerateArgs, nodes: &[NodePlan]) -> Result<Vec<Placed>, Failure> {
    if args.hosts.len() != nodes.len() {
        return Err(Failure::usage(format!(
            "--hosts: there are {} nodes and {} hosts; name one for each node (one may be named twice)",
            nodes.len(),
            args.hosts.len()
        )));
    }
    let base = args.base_port.unwrap_or(9001);
    let mut on_this: BTreeMap<&str, u16> = BTreeMap::new();
    let placed = nodes.iter().zip(&args.hosts).map(|(node, host)| {
        let before = on_this.entry(host).or_default();
        let peers_port = port(base, *before)?;
        let http_port = port(base, *before + 1)?;
        *before += 2;
        let (by, anywhere) = match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => (format!("/ip4/{ip}"), "/ip4/0.0.0.0"),
            Ok(IpAddr::V6(ip)) => (format!("/ip6/{ip}"), "/ip6/::"),
            Err(_) => (format!("/dns/{}", host_name(host)?), "/ip4/0.0.0.0"),
        };
        Ok(Placed {
            name: node.name.clone(),
            host: host.clone(),
            http_port,
            peers_port,
            address: format!("{by}/tcp/{peers_port}"),
            listen: format!("{anywhere}/tcp/{peers_port}"),
            http: (Ipv4Addr::LOCALHOST, http_port).into(),
        })
    });
    placed.collect()
}

fn in_containers(args: &GenerateArgs, nodes: &[NodePlan]) -> Result<Vec<Placed>, Failure> {
    let base = args.base_port.unwrap_or(8081);
    let placed = nodes.iter().zip(0..).map(|(node, at)| {
        Ok(Placed {
            http_port: port(base, at)?,
            ..in_container(node, &format!("/dns/{}", node.name))
        })
    });
    placed.collect()
}

/// Pods have names in DNS that stay, while their addresses change: pod n1-0 of StatefulSet n1 behind Service hpaxos.
fn in_pods(nodes: &[NodePlan]) -> Vec<Placed> {
    let placed = |node: &NodePlan| in_container(node, &format!("/dns/{}-0.hpaxos", node.name));
    nodes.iter().map(placed).collect()
}

fn in_container(node: &NodePlan, by: &str) -> Placed {
    Placed {
        name: node.name.clone(),
        host: String::new(),
        http_port: HTTP,
        peers_port: PEERS,
        address: format!("{by}/tcp/{PEERS}"),
        listen: format!("/ip4/0.0.0.0/tcp/{PEERS}"),
        // Whoever may reach it is up to what is around the container.
        http: (Ipv4Addr::UNSPECIFIED, HTTP).into(),
    }
}

fn port(base: u16, more: u16) -> Result<u16, Failure> {
    base.checked_add(more)
        .filter(|port| *port != 0)
        .ok_or_else(|| {
            Failure::usage(format!(
                "--base-port {base}: there are not enough ports from there upwards"
            ))
        })
}

fn host_name(host: &str) -> Result<&str, Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let begins = host.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins || host.len() > 253 || !host.chars().all(allowed) {
        return Err(Failure::usage(format!(
            "--hosts: '{host}' is neither an IP address nor a name"
        )));
    }
    Ok(host)
}
