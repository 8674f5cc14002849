//! Where nodes are: an IP address or a name, and a TCP port.

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use std::net::IpAddr;

/// The longest name, in bytes: what DNS has room for.
const MAX_NAME_BYTES: usize = 253;

/// Whether this can be the name of a host.
pub(super) fn is_host(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.chars().all(allowed)
        && !name.starts_with(['-', '.'])
}

/// An address by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The name.
    pub(crate) name: String,
    /// The TCP port.
    pub(crate) port: u16,
    family: Family,
}

/// Which IP addresses of a name are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Any,
    Ip4,
    Ip6,
}

impl Named {
    /// The name and port of an address; `None` if it is by number, or something else altogether.
    pub(crate) fn of(address: &Multiaddr) -> Option<Named> {
        let parts: Vec<Protocol<'_>> = address.iter().collect();
        let (name, family, port) = match parts.as_slice() {
            [Protocol::Dns(name), Protocol::Tcp(port)] => (name, Family::Any, *port),
            [Protocol::Dns4(name), Protocol::Tcp(port)] => (name, Family::Ip4, *port),
            [Protocol::Dns6(name), Protocol::Tcp(port)] => (name, Family::Ip6, *port),
            _ => return None,
        };
        let name = name.to_string();
        Some(Named { name, port, family })
    }

    /// Whether the name can be one.
    pub(crate) fn is_name(&self) -> bool {
        is_host(&self.name)
    }

    /// The address by number, if this is one that is meant.
    pub(crate) fn at(&self, ip: IpAddr) -> Option<Multiaddr> {
        let meant = match self.family {
            Family::Any => true,
            Family::Ip4 => ip.is_ipv4(),
            Family::Ip6 => ip.is_ipv6(),
        };
        meant.then(|| Multiaddr::from(ip).with(Protocol::Tcp(self.port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<Named> {
        Named::of(&text.parse().expect("a multiaddr"))
    }

    #[test]
    fn names_are_told_from_numbers() {
        assert_eq!(named("/ip4/10.0.0.1/tcp/1"), None);
        assert_eq!(named("/dns4/n1/udp/1"), None);
        assert_eq!(named("/dns4/n1/tcp/1/ws"), None);
        let host = named("/dns4/n1.example.org/tcp/9001").expect("a name");
        assert_eq!((host.name.as_str(), host.port), ("n1.example.org", 9001));
        assert!(host.is_name());
        for no in ["a b", "-a", ".a", "ü", &"a".repeat(254)] {
            let address = Multiaddr::empty().with(Protocol::Dns(no.into()));
            let host = Named::of(&address.with(Protocol::Tcp(1))).expect("looks like one");
            assert!(!host.is_name(), "{no}");
        }
    }

    #[test]
    fn a_name_stands_for_addresses_of_its_family() {
        let (four, six) = ([10, 0, 0, 1].into(), "fd00::1".parse().expect("an address"));
        let at = |text: &str, ip| named(text).and_then(|n| n.at(ip)).map(|a| a.to_string());
        assert_eq!(
            at("/dns4/n/tcp/7", four).as_deref(),
            Some("/ip4/10.0.0.1/tcp/7")
        );
        assert_eq!(at("/dns4/n/tcp/7", six), None);
        assert_eq!(at("/dns6/n/tcp/7", four), None);
        assert_eq!(
            at("/dns/n/tcp/7", six).as_deref(),
            Some("/ip6/fd00::1/tcp/7")
        );
        assert!(at("/dns/n/tcp/7", four).is_some());
    }
}
