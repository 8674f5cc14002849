//! `hpaxos watch`: what nodes decide, in a terminal.
//!
//! ```text
//!   nodes ◄──asks, follows── feed ──news──► state (graph, lanes, rates) ──► draw ──► screen
//!                                                                     └───► text (--once)
//! ```

mod compare;
mod draw;
mod feed;
mod graph;
mod lanes;
mod rates;
mod screen;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod view;

use super::client::{Unanswered, block_on};
use super::{Exit, fail, print, print_bytes};
use clap::Args;
use feed::Feed;
use hpaxos_client::{Client, Connections, Error};
use state::Watch;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::channel;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// News that wait to be taken in; beyond, the nodes wait.
const QUEUE: usize = 1024;

/// The arguments of `hpaxos watch`.
#[derive(Args, Debug)]
pub struct WatchArgs {
    /// A node's HTTP address, for example http://127.0.0.1:8001; give several to see them together
    #[arg(
        long = "node",
        env = "HPAXOS_NODE",
        value_name = "URL",
        value_delimiter = ',',
        required = true
    )]
    nodes: Vec<String>,
    /// Print what is known now as text, and end
    #[arg(long)]
    once: bool,
    /// Print one JSON object instead
    #[arg(long, requires = "once")]
    json: bool,
}

impl WatchArgs {
    /// Runs the command. With `--once` it ends badly if learners differ that the graph says agree.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let clients = match self.clients() {
            Ok(clients) => clients,
            Err(error) => return Unanswered::from(error).fail().into(),
        };
        if self.once {
            return block_on(self.once(clients)).into();
        }
        if !io::stdout().is_terminal() {
            let why = "standard output is no terminal; add --once for a snapshot as text, and --json for programs";
            return fail(Exit::Usage, why).into();
        }
        block_on(self.live(clients)).into()
    }

    fn clients(&self) -> Result<Vec<Client>, Error> {
        let connections = Connections::new()?;
        let client = |url: &String| Ok(connections.node(url)?.within(PATIENCE));
        self.nodes.iter().map(client).collect()
    }

    async fn live(&self, clients: Vec<Client>) -> Exit {
        let (to, reports) = channel(QUEUE);
        let start = Instant::now();
        for (node, client) in clients.into_iter().enumerate() {
            let feed = Feed {
                node,
                client,
                start,
                to: to.clone(),
            };
            tokio::spawn(feed.clone().ask());
            tokio::spawn(feed.follow());
        }
        match screen::show(Watch::new(&self.nodes), reports, start).await {
            Ok(()) => Exit::Done,
            Err(error) => fail(
                Exit::Failed,
                format!("the terminal cannot be used: {error}"),
            ),
        }
    }

    async fn once(&self, clients: Vec<Client>) -> Exit {
        let (to, mut reports) = channel(QUEUE);
        let start = Instant::now();
        let feed = |(node, client)| Feed {
            node,
            client,
            start,
            to: to.clone(),
        };
        let feeds = clients.into_iter().enumerate().map(feed).collect();
        drop(to);
        tokio::spawn(feed::snapshot(feeds));
        let mut watch = Watch::new(&self.nodes);
        while let Some((node, at, news)) = reports.recv().await {
            watch.take(node, at, news);
        }
        match self.json {
            true => print(text::json(&watch)),
            // It has its own line ends.
            false => print_bytes(text::text(&watch).as_bytes()),
        }
        if watch.nodes.iter().all(|node| node.gone.is_some()) {
            return fail(Exit::Failed, "no node answers");
        }
        match watch.is_broken() {
            true => fail(Exit::Bad, watch.verdict().0),
            false => Exit::Done,
        }
    }
}
