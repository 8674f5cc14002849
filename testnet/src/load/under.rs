//! What may happen to a network while clients use it: nothing, or its leader's death at a given moment.

use super::clients::Target;
use crate::failure::Failure;
use crate::launch::Running;
use crate::launch::layout::Layout;
use hpaxos_client::Nodes;
use rustix::process::Signal;
use std::time::Instant;

/// A leader's name, and when it was killed.
pub(super) type Died = (String, Instant);

/// Waits for the clients. Meanwhile, kills whoever leads at a moment, if one is given.
///
/// # Errors
/// If a node dies by itself, or nobody says who leads.
pub(super) async fn watched<T>(
    clients: impl Future<Output = T>,
    layout: &Layout,
    running: &mut Running,
    targets: &[Target],
    kill_at: Option<Instant>,
) -> Result<(T, Option<Died>), Failure> {
    let nodes = Nodes::new(targets.iter().map(|target| target.node.clone()));
    let moment = async {
        match kill_at {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
        nodes.leader().await
    };
    tokio::pin!(clients, moment);
    let mut died: Option<(usize, Died)> = None;
    loop {
        tokio::select! {
            seen = &mut clients => return Ok((seen, died.map(|(_, died)| died))),
            leader = &mut moment, if died.is_none() => {
                let why = "--kill-leader: no node says who leads";
                let leader = leader.ok_or_else(|| Failure::could_not_run(why))?;
                let node = layout.place(&leader)?;
                running.fleet.nodes[node].signal(Signal::KILL);
                died = Some((node, (leader, Instant::now())));
            }
            (node, how) = running.fleet.next_exit() => {
                if died.as_ref().is_some_and(|(victim, _)| *victim == node) {
                    continue;
                }
                let name = &layout.nodes[node].name;
                let logs = running.site.workspace.log(name);
                let why = format!("node {name} died under load: {how}; its log is {}", logs.display());
                return Err(Failure::could_not_run(why));
            }
        }
    }
}
