//! Everything that a network on real hosts needs: keys, the configuration, and units or manifests.
//!
//! ```text
//!   arguments ──► topology ──► plan (who is where) ──┐
//!                                 keys ──────────────┼──► network.toml, held against what nodes accept
//!                                                    └──► systemd | compose | kubernetes ──► files
//! ```
//!
//! No target makes a data directory by itself when a node starts: an acceptor that begins anew after its disk was lost
//! contradicts what it has signed. Each has one step of its own for the very first time, and what would do it twice
//! is refused.

mod compose;
mod keys;
mod kubernetes;
mod losses;
mod out;
mod plan;
mod systemd;
mod template;

use crate::cli::GenerateArgs;
use crate::failure::Failure;
use crate::show::complain;
use clap::ValueEnum;
use out::Out;
use plan::Plan;

/// What the network is to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Hosts of their own, with systemd.
    Systemd,
    /// Containers on one host, with Docker Compose or Podman Compose.
    Compose,
    /// A Kubernetes cluster.
    Kubernetes,
}

/// The user and group of nodes in containers, by number: nobody's on most hosts.
const CONTAINER_USER: &str = "65532";
/// The port for other nodes, where every node has an address of its own.
const PEERS: u16 = 9000;
/// The port for HTTP there.
const HTTP: u16 = 8080;

/// Writes everything for a network.
///
/// # Errors
/// For wrong usage, an invalid graph with all its problems, and what cannot be read or written.
pub fn generate(args: &GenerateArgs) -> Result<u8, Failure> {
    let (plan, warnings) = Plan::new(args)?;
    let out = Out::new(&args.out)?;
    for warning in warnings {
        complain(&warning);
    }
    match args.target {
        Target::Systemd => systemd::write(&plan, &out),
        Target::Compose => compose::write(&plan, &out),
        Target::Kubernetes => kubernetes::write(&plan, &out),
    }?;
    complain(&plan.losses());
    complain(&format!(
        "wrote {} for {} nodes: begin with {}",
        args.out.display(),
        plan.nodes.len(),
        args.out.join("README.md").display()
    ));
    Ok(0)
}
