//! Finding peers whose address is a name: asked of the system before every dial, since who has the name may move.

use crate::config::Named;
use libp2p::{Multiaddr, PeerId};
use std::collections::HashSet;
use std::io;
use tokio::sync::mpsc;

/// Answers that may wait for the task.
const ANSWERS: usize = 64;

/// Where a peer is, or why that could not be found out.
#[derive(Debug)]
pub(super) struct Found {
    /// The peer.
    pub(super) id: PeerId,
    /// Its addresses by number, at least one.
    pub(super) addresses: io::Result<Vec<Multiaddr>>,
}

/// The questions on their way: at most one for each peer, however long the answer takes.
#[derive(Debug)]
pub(super) struct Names {
    tell: mpsc::Sender<Found>,
    found: mpsc::Receiver<Found>,
    asked: HashSet<PeerId>,
}

impl Names {
    /// Nothing has been asked.
    pub(super) fn new() -> Names {
        let (tell, found) = mpsc::channel(ANSWERS);
        Names {
            tell,
            found,
            asked: HashSet::new(),
        }
    }

    /// Asks where a peer is. Needs a tokio runtime.
    pub(super) fn ask(&mut self, id: PeerId, named: Named) {
        if !self.asked.insert(id) {
            return;
        }
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let addresses = look_up(&named).await;
            // Fails if the node has ended.
            let _ = tell.send(Found { id, addresses }).await;
        });
    }

    /// The next answer. Cancel safe.
    pub(super) async fn next(&mut self) -> Found {
        match self.found.recv().await {
            Some(found) => {
                self.asked.remove(&found.id);
                found
            }
            // Cannot be: one end to tell by is here.
            None => std::future::pending().await,
        }
    }
}

async fn look_up(named: &Named) -> io::Result<Vec<Multiaddr>> {
    let found = tokio::net::lookup_host((named.name.as_str(), named.port)).await?;
    let found: Vec<Multiaddr> = found.filter_map(|at| named.at(at.ip())).collect();
    if found.is_empty() {
        let why = format!("'{}' has no address of this kind", named.name);
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Named {
        Named::of(&text.parse().expect("a multiaddr")).expect("a name")
    }

    #[tokio::test]
    async fn names_are_found_and_asked_once_at_a_time() {
        let mut names = Names::new();
        let (one, other) = (PeerId::random(), PeerId::random());
        names.ask(one, named("/dns4/localhost/tcp/9001"));
        names.ask(one, named("/dns4/localhost/tcp/9001"));
        let found = names.next().await;
        assert_eq!(found.id, one);
        let addresses = found.addresses.expect("this machine");
        let expected: Multiaddr = "/ip4/127.0.0.1/tcp/9001".parse().expect("a multiaddr");
        assert!(addresses.contains(&expected), "{addresses:?}");
        // The second question was not asked: the next answer is the one to this.
        names.ask(other, named("/dns4/name.invalid/tcp/1"));
        let found = names.next().await;
        assert_eq!(found.id, other);
        assert!(found.addresses.is_err(), "{found:?}");
        assert!(names.asked.is_empty());
    }
}
