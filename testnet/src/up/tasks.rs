//! The tasks of a run: they wait for the network, and report.

use crate::failure::Failure;
use crate::feed::{catch_up, clients, follow};
use crate::launch::layout::Layout;
use crate::observe::Node;
use crate::submit::{Progress, submit_all};
use crate::values::Value;
use hpaxos_client::{Client, Followed, Nodes};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedSender};
use tokio::task::JoinSet;

/// Reports that wait to be taken in; beyond, the tasks wait.
pub(super) const QUEUE: usize = 1024;

/// Something that a task reports, with when it happened.
#[derive(Debug)]
pub(super) enum Report {
    /// A node's stream of events.
    Stream(Node, Followed, Instant),
    /// A value on its way to a node.
    Submit(Progress, Instant),
    /// A node's process, in this of its lives, is ready, or has ended before.
    Ready(Node, u64, bool),
    /// What a node's stream left out cannot be had.
    Missed(Node, String),
}

/// The tasks. Dropping this ends them.
pub(super) struct Tasks {
    set: JoinSet<()>,
    clients: Vec<Client>,
    send: Sender<Report>,
    places: UnboundedSender<usize>,
    values: Arc<[Value]>,
    /// The nodes that values are submitted to.
    pub(super) targets: Nodes,
}

impl Tasks {
    /// Follows all nodes, and waits for values to submit.
    pub(super) fn start(
        layout: &Layout,
        urls: &[String],
        values: &[Value],
    ) -> Result<(Tasks, Receiver<Report>), Failure> {
        let clients = clients(urls)?;
        let (send, reports) = mpsc::channel(QUEUE);
        let mut set = JoinSet::new();
        for (node, client) in clients.iter().cloned().enumerate() {
            set.spawn(follow(client, from_stream(node), send.clone()));
        }
        let targets = targets(layout, &clients);
        // Bounded by the number of values times the number of nodes that can die.
        let (places, waiting) = mpsc::unbounded_channel();
        let wrap = |progress| Report::Submit(progress, Instant::now());
        let values: Arc<[Value]> = values.into();
        set.spawn(submit_all(
            Arc::clone(&values),
            targets.clone(),
            waiting,
            wrap,
            send.clone(),
        ));
        Ok((
            Tasks {
                set,
                clients,
                send,
                places,
                values,
                targets,
            },
            reports,
        ))
    }

    /// Waits for something else.
    pub(super) fn wait(&mut self, report: impl Future<Output = Report> + Send + 'static) {
        while self.set.try_join_next().is_some() {}
        let send = self.send.clone();
        self.set.spawn(async move {
            // Gone receivers are noticed by whoever dropped them.
            let _ = send.send(report.await).await;
        });
    }

    /// A node takes values again.
    pub(super) fn return_target(&self, node: Node) {
        self.targets.insert(node, self.clients[node].clone());
    }

    /// Submits a value.
    pub(super) fn submit(&self, value: usize) {
        // The task that reads this ends with this value.
        let _ = self.places.send(value);
    }

    /// Submits a value to one node and no other, whether it behaves or not.
    pub(super) fn submit_to(&mut self, value: usize, node: Node) {
        while self.set.try_join_next().is_some() {}
        let target = Nodes::numbered(vec![(node, self.clients[node].clone())]);
        let (send, values) = (self.send.clone(), Arc::clone(&self.values));
        let (place, places) = mpsc::unbounded_channel();
        // It is read from the channel, which ends with it.
        let _ = place.send(value);
        let wrap = |progress| Report::Submit(progress, Instant::now());
        self.set
            .spawn(submit_all(values, target, places, wrap, send));
    }

    /// Reads what the stream of a node has left out, beside the stream, which goes on: each
    /// learner's decisions from a slot on.
    pub(super) fn catch_up(&mut self, node: Node, learners: Vec<(String, u64)>) {
        while self.set.try_join_next().is_some() {}
        let (client, send) = (self.clients[node].clone(), self.send.clone());
        self.set.spawn(async move {
            for (learner, from) in learners {
                if let Err(error) =
                    catch_up(&client, &learner, from, from_stream(node), &send).await
                {
                    let _ = send.send(Report::Missed(node, error.to_string())).await;
                }
            }
        });
    }
}

fn from_stream(node: Node) -> impl Fn(Followed) -> Report {
    move |followed| Report::Stream(node, followed, Instant::now())
}

/// Values go to proposers that behave, if there are any.
fn targets(layout: &Layout, clients: &[Client]) -> Nodes {
    let plans = layout.nodes.iter().zip(clients).enumerate();
    let proposers = plans.filter(|(_, (plan, _))| plan.proposes());
    let (behave, misbehave): (Vec<_>, Vec<_>) =
        proposers.partition(|(_, (plan, _))| plan.byzantine.is_none());
    let chosen = if behave.is_empty() { misbehave } else { behave };
    Nodes::numbered(
        chosen
            .into_iter()
            .map(|(node, (_, client))| (node, client.clone())),
    )
}
