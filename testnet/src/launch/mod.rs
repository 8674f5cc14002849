//! Launching: from a layout to running node processes, and everything that must go away with them.
//!
//! ```text
//!   Layout ──► Workspace (directory, keys, network.toml) ──► Fleet (processes) ──► Ready nodes
//!                  │                                            │                    │
//!                  └─ removed by its Guard process              │                    └─ reach each other
//!                                                               └─ killed with          through Links, if
//!                                                                  the launcher         these are wanted
//! ```

pub mod child;
pub mod disks;
pub mod fleet;
pub mod guard;
pub mod layout;
pub mod links;
pub mod nodes;
pub mod ports;
pub mod workspace;

use crate::failure::Failure;
use crate::observe::Node;
use fleet::{Fleet, NodeCommand, NodeProcess};
use layout::{Layout, NodePlan, Ports};
use links::Links;
use node::ports::Lease;
use ports::Wanted;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use workspace::Workspace;

/// How long nodes have until they must be ready.
const READY_PATIENCE: Duration = Duration::from_secs(60);
/// How often a network is started before taken ports are an error.
const ATTEMPTS: usize = 5;

/// Which program plays the nodes.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The testnet binary, for its hidden subcommands.
    pub testnet: PathBuf,
    /// Another node program to use.
    pub node: Option<PathBuf>,
}

impl Programs {
    /// This binary, with another node program if one is given.
    ///
    /// # Errors
    /// If the node program is missing or not executable.
    pub fn find(node: Option<&Path>) -> Result<Programs, Failure> {
        let testnet = std::env::current_exe()
            .map_err(|e| Failure::could_not_run(format!("cannot find this program: {e}")))?;
        let node = node.map(executable).transpose()?;
        Ok(Programs { testnet, node })
    }
}

fn executable(path: &Path) -> Result<PathBuf, Failure> {
    use std::os::unix::fs::PermissionsExt;
    let refuse = |why: &dyn std::fmt::Display| {
        Failure::could_not_run(format!("node program '{}': {why}", path.display()))
    };
    let data = std::fs::metadata(path).map_err(|e| refuse(&e))?;
    if !data.is_file() || data.permissions().mode() & 0o111 == 0 {
        return Err(refuse(&"this is not a program"));
    }
    path.canonicalize().map_err(|e| refuse(&e))
}

/// A network whose nodes are all ready.
///
/// The processes are declared before the directory, so that they are gone when it is removed.
#[derive(Debug)]
pub struct Running {
    /// The processes.
    pub fleet: Fleet,
    /// The URL of each node's HTTP API.
    pub urls: Vec<String>,
    /// Where they are.
    pub site: Site,
}

/// The place of a network: what its processes find there when they start.
#[derive(Debug)]
pub struct Site {
    /// The directory.
    pub workspace: Workspace,
    /// The links between nodes; none if they reach each other directly.
    pub links: Links,
    keys: Vec<String>,
    ports: Vec<Ports>,
    /// Nobody else takes the ports of a node that is down.
    leases: Vec<Lease>,
}

/// How nodes reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Directly: nothing that could slow them is in the way.
    Directly,
    /// Through [`Links`].
    Linked,
}

/// Launches a network and waits until every node is ready.
///
/// Free ports can be lost to a program that knows nothing of leases: then all is started again on others. Ports that
/// the user fixed are an error instead.
///
/// # Errors
/// If a node cannot be started or does not become ready.
pub async fn launch(
    layout: &Layout,
    programs: &Programs,
    workspace: Workspace,
    wanted: Wanted,
    reach: Reach,
) -> Result<Running, Failure> {
    let mut site = Site {
        keys: workspace.make_keys(layout)?,
        workspace,
        links: Links::default(),
        ports: Vec::new(),
        leases: Vec::new(),
    };
    for attempt in 1.. {
        site.prepare(layout, programs, wanted, reach).await?;
        let mut fleet = site.start_all(layout, programs)?;
        let failure = match ready(&mut fleet).await {
            Ok(urls) => return Ok(Running { fleet, urls, site }),
            Err(failure) => failure,
        };
        let nodes = site.ports.iter().zip(&fleet.nodes);
        let ended: Vec<Ports> = nodes
            .filter_map(|(ports, node)| (!node.alive()).then_some(*ports))
            .collect();
        drop(fleet);
        let Some((port, error)) = ports::first_taken(&ended) else {
            return Err(failure);
        };
        if matches!(wanted, Wanted::From(_)) || attempt >= ATTEMPTS {
            let why = format!("port {port} on 127.0.0.1 cannot be used: {error}");
            return Err(Failure::could_not_run(why));
        }
        site.workspace.clear_data()?;
        clear_traces(layout)?;
    }
    Err(Failure::could_not_run("no attempt was made"))
}

impl Site {
    /// Finds ports, opens links, writes configurations and formats disks.
    async fn prepare(
        &mut self,
        layout: &Layout,
        programs: &Programs,
        wanted: Wanted,
        reach: Reach,
    ) -> Result<(), Failure> {
        self.leases = ports::find(wanted, layout.nodes.len())?;
        self.ports = ports::of_nodes(&self.leases);
        let config = layout.config(&self.keys, &self.ports, |_| None)?;
        self.workspace.write_config(&config)?;
        if reach == Reach::Linked {
            self.links = Links::open(&self.ports).await?;
            (0..layout.nodes.len()).try_for_each(|node| self.write_view(layout, node))?;
        }
        match layout.disks.is_empty() {
            true => Ok(()),
            false => disks::format_disks(&self.workspace.config(), programs.node.as_deref()),
        }
    }

    /// Writes the configuration that a node starts with: with the links in the places of the other nodes, and
    /// with how it misbehaves. Without links every node reads the network's own.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_view(&self, layout: &Layout, node: Node) -> Result<(), Failure> {
        let seen = |to| self.links.port(node, to);
        let text = layout.config(&self.keys, &self.ports, seen)?;
        let name = &layout.nodes[node].name;
        self.workspace.write_view(name, &text)
    }

    /// Starts every node for the first time.
    fn start_all(&self, layout: &Layout, programs: &Programs) -> Result<Fleet, Failure> {
        let start = |plan| {
            let mut first = command(layout, programs, &self.workspace, plan);
            first.args.push("--init".into());
            NodeProcess::start(&first)
        };
        let nodes = layout.nodes.iter().map(start).collect::<Result<_, _>>()?;
        Ok(Fleet { nodes })
    }
}

/// The command that starts a node again. The first time it makes its data directory, and is told so.
#[must_use]
pub fn command(
    layout: &Layout,
    programs: &Programs,
    dir: &Workspace,
    plan: &NodePlan,
) -> NodeCommand {
    let mut args: Vec<OsString> = vec![
        "node".into(),
        "--parent".into(),
        std::process::id().to_string().into(),
    ];
    if let Some(node) = &programs.node {
        args.extend(["--exec".into(), node.into()]);
    }
    let view = dir.view(&plan.name);
    let config = if view.exists() { view } else { dir.config() };
    args.extend(["--".into(), "--config".into(), config.into()]);
    args.extend(["--name".into(), OsString::from(&plan.name)]);
    args.extend(["--key".into(), dir.key(&plan.name).into()]);
    args.extend([
        "--data".into(),
        dir.data(&plan.name).into(),
        "--ready-json".into(),
    ]);
    if let Some(file) = layout.trace_of(&plan.name) {
        args.extend(["--trace".into(), file.into()]);
    }
    NodeCommand {
        name: plan.name.clone(),
        program: programs.testnet.clone(),
        args,
        log: dir.log(&plan.name),
    }
}

/// Forgets what nodes wrote that will start from nothing again.
fn clear_traces(layout: &Layout) -> Result<(), Failure> {
    let files = layout.nodes.iter().filter_map(|n| layout.trace_of(&n.name));
    for file in files.filter(|file| file.exists()) {
        std::fs::remove_file(&file)
            .map_err(|e| Failure::could_not_run(format!("'{}': {e}", file.display())))?;
    }
    Ok(())
}

async fn ready(fleet: &mut Fleet) -> Result<Vec<String>, Failure> {
    let all = futures::future::try_join_all(fleet.nodes.iter_mut().map(NodeProcess::ready));
    tokio::time::timeout(READY_PATIENCE, all)
        .await
        .map_err(|_| {
            let seconds = READY_PATIENCE.as_secs();
            Failure::could_not_run(format!("the nodes were not ready within {seconds} seconds"))
        })?
}
