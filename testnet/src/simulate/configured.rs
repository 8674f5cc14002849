//! The network that is simulated, as its nodes would read its configuration.

use crate::failure::Failure;
use crate::launch::layout::{Layout, NodePlan, Ports};
use node::Config;
use node::config::Limits;
use simulation::cast::{Bounds, Cast, Part, key};

/// The configuration of a network whose nodes have the keys of the simulation.
pub(super) fn config(layout: &Layout) -> Result<Config, Failure> {
    let places = 0..layout.nodes.len();
    let keys = places.clone().map(|at| key(at).public().to_string());
    // Nobody listens there: addresses have to differ, and that is all.
    let port = |at: usize| u16::try_from(1000 + at).unwrap_or(u16::MAX);
    let ports = places.map(|at| Ports {
        peers: port(2 * at),
        http: port(2 * at + 1),
    });
    let (keys, ports): (Vec<String>, Vec<Ports>) = (keys.collect(), ports.collect());
    let text = layout.config(&keys, &ports, |_| None)?;
    Config::parse(&text, "the simulated network's configuration")
        .map_err(|e| Failure::Bad(vec![e.to_string()]))
}

/// The cast of a configuration, in the order of the layout.
pub(super) fn cast(config: &Config, layout: &Layout) -> Result<Cast, Failure> {
    let part = |plan: &NodePlan| {
        let name = &plan.name;
        let node = config.node(name);
        let node =
            node.ok_or_else(|| Failure::could_not_run(format!("node {name} is not configured")))?;
        Ok(Part {
            name: name.clone(),
            member: node.member,
            acceptor: node.acceptor,
            processor: node.processor,
            learners: node.learners.clone(),
        })
    };
    let limits = &config.limits;
    Ok(Cast {
        mode: config.mode,
        network: config.network.clone(),
        read_quorums: config.read_quorums.clone(),
        parts: layout
            .nodes
            .iter()
            .map(part)
            .collect::<Result<_, Failure>>()?,
        bounds: Bounds {
            batch_bytes: Limits::count(limits.batch_bytes),
            max_waiting: Limits::count(limits.max_waiting),
            max_waiting_bytes: Limits::mib(limits.max_waiting_mib),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::NetworkArgs;
    use crate::topology::topology;
    use node::config::Mode;
    use simulation::oracle::Violation;

    /// The networks that the simulation makes for its tests are those that nodes would make of a configuration.
    #[test]
    fn the_simulation_casts_networks_as_configurations_do() {
        let same = |mode, graph: Option<&str>, nodes, cast: Result<Cast, Violation>| {
            let file = |name| format!("{}/../examples/{name}", env!("CARGO_MANIFEST_DIR"));
            let args = NetworkArgs {
                mode,
                graph: graph.map(|name| file(name).into()),
                nodes,
                disks: None,
            };
            let (layout, ..) = topology(&args).expect("a network");
            let config = config(&layout).expect("a configuration");
            let configured = super::cast(&config, &layout).expect("a cast");
            let cast = cast.expect("a cast");
            assert_eq!(cast.mode, configured.mode);
            assert_eq!(cast.network.id(), configured.network.id());
            let graph = |cast: &Cast| cast.network.graph().canonical();
            assert_eq!(graph(&cast), graph(&configured));
            let read = |cast: &Cast| cast.read_quorums.as_ref().map(|read| read.canonical());
            assert_eq!(read(&cast), read(&configured));
            assert_eq!(cast.parts, configured.parts);
            assert_eq!(cast.bounds, configured.bounds);
        };
        let four = learner_graph::builtin(4);
        same(Mode::Hpaxos, None, None, Cast::hpaxos(&four, 0));
        same(
            Mode::Hpaxos,
            None,
            Some(12),
            Cast::hpaxos(&learner_graph::builtin(12), 0),
        );
        let text = include_str!("../../../examples/four.toml");
        same(
            Mode::Hpaxos,
            Some("four.toml"),
            Some(5),
            Cast::hpaxos(text, 1),
        );
        same(Mode::Paxos, None, Some(3), Cast::paxos(3, 2, 2));
        same(
            Mode::Paxos,
            Some("flexible.toml"),
            None,
            Cast::paxos(5, 4, 2),
        );
        same(Mode::DiskPaxos, None, Some(2), Cast::disk_paxos(2, 3));
        same(Mode::DiskPaxos, None, Some(11), Cast::disk_paxos(11, 3));
    }
}
