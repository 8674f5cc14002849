//! Loopback ports for a network.

use super::layout::Ports;
use crate::failure::Failure;
use crate::mix::mix;
use std::net::{Ipv4Addr, TcpListener};

/// Which ports a network gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Any that are free.
    Free,
    /// Any that are free and that the system gives to nobody who does not ask for them: a node that is
    /// down for a while finds them free again.
    Lasting,
    /// From here upwards.
    From(u16),
}

/// Finds ports, two per node.
///
/// # Errors
/// If there are none, or they are taken.
pub fn find(wanted: Wanted, nodes: usize) -> Result<Vec<Ports>, Failure> {
    match wanted {
        Wanted::Free => free(nodes),
        Wanted::Lasting => lasting(nodes),
        Wanted::From(base) => from_base(base, nodes),
    }
}

/// The lowest port that is looked at for a node that wants to keep it.
const LOWEST: u16 = 10_000;

/// Free ports below those that the system gives to outgoing connections. Where it begins with depends on
/// the process, so that two networks seldom meet.
fn lasting(nodes: usize) -> Result<Vec<Ports>, Failure> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let end = range
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<u16>().ok());
    let room = end.unwrap_or(32_768).saturating_sub(LOWEST);
    if room < 1000 {
        return free(nodes);
    }
    let first = mix(u64::from(std::process::id())) % u64::from(room);
    let all = (0..u64::from(room)).map(|at| (first + at) % u64::from(room));
    let all = all.filter_map(|at| LOWEST.checked_add(u16::try_from(at).ok()?));
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let found: Vec<u16> = all.filter(is_free).take(2 * nodes).collect();
    if found.len() < 2 * nodes {
        let why = format!(
            "no {} free ports from {LOWEST} upwards on 127.0.0.1",
            2 * nodes
        );
        return Err(Failure::could_not_run(why));
    }
    let both = found.chunks_exact(2);
    Ok(both
        .map(|both| Ports {
            peers: both[0],
            http: both[1],
        })
        .collect())
}

/// Finds free ports, two per node. They are free for the moment only: whoever starts nodes on them
/// must be ready to try others.
///
/// # Errors
/// If the system has no free ports.
pub fn free(nodes: usize) -> Result<Vec<Ports>, Failure> {
    let mut held = Vec::new();
    let mut port = || -> std::io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        // Held until all are found, or the next one might be the same.
        held.push(listener);
        Ok(port)
    };
    let mut ports = || {
        Ok(Ports {
            peers: port()?,
            http: port()?,
        })
    };
    (0..nodes)
        .map(|_| ports())
        .collect::<std::io::Result<Vec<Ports>>>()
        .map_err(|e| Failure::could_not_run(format!("no free port on 127.0.0.1: {e}")))
}

/// The ports from `base` upwards, two per node, all of which must be free now.
///
/// # Errors
/// Names the first port that is not, or says that they exceed 65535.
pub fn from_base(base: u16, nodes: usize) -> Result<Vec<Ports>, Failure> {
    let last = usize::from(base) + 2 * nodes - 1;
    if base == 0 || last > usize::from(u16::MAX) {
        return Err(Failure::usage(format!(
            "--base-port {base}: {nodes} nodes need {} ports from 1 to 65535",
            2 * nodes
        )));
    }
    let ports: Vec<Ports> = (0..nodes)
        .filter_map(|at| {
            let peers = base.checked_add(u16::try_from(2 * at).ok()?)?;
            Some(Ports {
                peers,
                http: peers.checked_add(1)?,
            })
        })
        .collect();
    match first_taken(&ports) {
        None => Ok(ports),
        Some((port, error)) => Err(Failure::could_not_run(format!(
            "port {port} on 127.0.0.1 cannot be used: {error}; choose another --base-port, or none"
        ))),
    }
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
    use std::collections::BTreeSet;

    #[test]
    fn free_ports_are_distinct() {
        let ports = free(20).expect("ports");
        let all: BTreeSet<u16> = ports.iter().flat_map(|p| [p.peers, p.http]).collect();
        assert_eq!(all.len(), 40);
    }

    #[test]
    fn lasting_ports_are_free_and_nobody_gets_them_by_chance() {
        let ports = find(Wanted::Lasting, 5).expect("ports");
        let all: BTreeSet<u16> = ports.iter().flat_map(|p| [p.peers, p.http]).collect();
        assert_eq!((all.len(), first_taken(&ports).is_none()), (10, true));
        assert!(all.first() >= Some(&LOWEST), "{all:?}");
        let given = free(1).expect("ports")[0].http;
        assert!(all.last() < Some(&given), "{all:?}, {given}");
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("bound").port();
        let error = from_base(port, 1).expect_err("taken");
        assert_eq!(error.code(), 3);
        assert!(
            error.to_string().contains(&format!("port {port} ")),
            "{error}"
        );
    }

    #[test]
    fn ports_end_at_65535() {
        assert_eq!(from_base(65_535, 1).expect_err("one port only").code(), 2);
        assert_eq!(from_base(0, 1).expect_err("no port").code(), 2);
    }
}
