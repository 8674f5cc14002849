//! Loopback ports for a network.

use super::layout::Ports;
use crate::failure::Failure;
use node::ports::{Lease, lease};
use std::net::{Ipv4Addr, TcpListener};

/// Which ports a network gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Any that are free.
    Free,
    /// From here upwards.
    From(u16),
}

/// Leases ports, two per node.
///
/// # Errors
/// If there are none, or they are taken.
pub fn find(wanted: Wanted, nodes: usize) -> Result<Vec<Lease>, Failure> {
    match wanted {
        Wanted::Free => lease(2 * nodes)
            .map_err(|e| Failure::could_not_run(format!("no free port on 127.0.0.1: {e}"))),
        Wanted::From(base) => from_base(base, nodes),
    }
}

/// Each node's ports.
#[must_use]
pub fn of_nodes(leases: &[Lease]) -> Vec<Ports> {
    let both = leases.chunks_exact(2);
    both.map(|both| Ports {
        peers: both[0].port(),
        http: both[1].port(),
    })
    .collect()
}

/// The ports from `base` upwards, two per node, all of which must be free now.
fn from_base(base: u16, nodes: usize) -> Result<Vec<Lease>, Failure> {
    let last = usize::from(base) + 2 * nodes - 1;
    let Some(last) = u16::try_from(last).ok().filter(|_| base > 0) else {
        return Err(Failure::usage(format!(
            "--base-port {base}: {nodes} nodes need {} ports from 1 to 65535",
            2 * nodes
        )));
    };
    let lease = |port| {
        Lease::of(port).map_err(|error| {
            Failure::could_not_run(format!(
                "port {port} on 127.0.0.1 cannot be used: {error}; choose another --base-port, or none"
            ))
        })
    };
    (base..=last).map(lease).collect()
}

/// The first of these ports that cannot be bound, with the reason.
#[must_use]
pub fn first_taken(ports: &[Ports]) -> Option<(u16, std::io::Error)> {
    ports
        .iter()
        .flat_map(|p| [p.peers, p.http])
        .find_map(|port| {
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            bound.err().map(|error| (port, error))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_has_two_ports_of_its_own() {
        let leases = find(Wanted::Free, 5).expect("ports");
        let given: Vec<u16> = leases.iter().map(Lease::port).collect();
        let ports = of_nodes(&leases);
        let both: Vec<u16> = ports.iter().flat_map(|p| [p.peers, p.http]).collect();
        assert_eq!((both.len(), both), (10, given));
        assert!(first_taken(&ports).is_none());
    }

    #[test]
    fn a_taken_port_is_named() {
        let leased = lease(1).expect("a port");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let taken = listener.local_addr().expect("bound").port();
        for port in [leased[0].port(), taken] {
            let error = from_base(port, 1).expect_err("taken");
            assert_eq!(error.code(), 3);
            let named = format!("port {port} ");
            assert!(error.to_string().contains(&named), "{error}");
        }
    }

    #[test]
    fn ports_end_at_65535() {
        assert_eq!(from_base(65_535, 1).expect_err("one port only").code(), 2);
        assert_eq!(from_base(0, 1).expect_err("no port").code(), 2);
    }
}
