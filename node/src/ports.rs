//! TCP ports of 127.0.0.1 for nodes of one machine, for those who launch whole networks there.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// The lowest port that is looked at.
const LOWEST: u16 = 10_000;

/// The port after the highest one, if the system does not say where its own begin.
const END: u16 = 32_768;

/// A TCP port of 127.0.0.1 that is leased to nobody else while this lives, in no process of the machine.
///
/// A node listens later than somebody looked whether its port is free, and may listen again after it was down
/// for a while. So the lease is the UDP port of the same number, which no node uses: the system gives it to
/// one process at a time, and takes it back when that process ends, however it ends. Nobody tries a TCP port
/// without its lease, so that looking never is in a node's way. And [`lease`] stays below
/// the ports that the system hands out for port 0 and to outgoing connections, where that leaves enough. So only
/// a program that knows nothing of leases and asks for this very port can take it.
#[derive(Debug)]
pub struct Lease {
    port: u16,
    _held: UdpSocket,
}

impl Lease {
    /// Leases this port.
    ///
    /// # Errors
    /// If it is leased, or cannot be listened on now.
    pub fn of(port: u16) -> io::Result<Self> {
        let held = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(Lease { port, _held: held })
    }

    /// The port's number.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Leases so many ports, wherever there are some.
///
/// # Errors
/// If there are not so many.
pub fn lease(n: usize) -> io::Result<Vec<Lease>> {
    let end = end();
    let room = u32::from(end - LOWEST);
    // Processes that look at the same time seldom meet, which saves them time.
    let first = std::process::id().wrapping_mul(97) % room;
    let all = (0..room).map(|at| (first + at) % room);
    let all = all.filter_map(|at| LOWEST.checked_add(u16::try_from(at).ok()?));
    let leases: Vec<Lease> = all
        .filter_map(|port| Lease::of(port).ok())
        .take(n)
        .collect();
    if leases.len() < n {
        let why = format!("no {n} free ports from {LOWEST} to {}", end - 1);
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
    }
    Ok(leases)
}

/// The first port that the system hands out by itself, unless this leaves too few.
fn end() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first = range
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    first.filter(|end| *end >= LOWEST + 1000).unwrap_or(END)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_port_is_leased_once() {
        let (some, more) = (lease(20).expect("ports"), lease(20).expect("ports"));
        let ports = some.iter().chain(&more).map(Lease::port);
        let ports: BTreeSet<u16> = ports.collect();
        assert_eq!(ports.len(), 40);
        assert!(Lease::of(some[0].port()).is_err(), "it is leased");
    }

    #[test]
    fn a_node_can_listen_and_nobody_gets_the_port_by_chance() {
        let leases = lease(2).expect("ports");
        let ports: Vec<u16> = leases.iter().map(Lease::port).collect();
        let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("free");
        let given = listen(0).local_addr().expect("bound").port();
        assert!(
            ports
                .iter()
                .all(|port| (LOWEST..end()).contains(port) && *port != given),
            "{ports:?}, {given}"
        );
        let _listening = listen(ports[0]);
        drop(leases);
        assert!(Lease::of(ports[0]).is_err(), "somebody listens");
    }
}
