//! `testnet up`: one run from arguments to exit code.
//!
//! ```text
//!   prepare (arguments, graph, values) ─► launch ─► run (until decided, told to stop, or too late)
//!                                                    └─► summary ─► stop everything ─► exit code
//! ```

mod faults;
mod intake;
pub mod prepare;
mod picture;
mod run;
pub mod schedule;
pub mod signals;
pub mod standstill;
mod tasks;

use crate::cli::UpArgs;
use crate::failure::Failure;
use crate::launch::ports::Wanted;
use crate::launch::workspace::Workspace;
use crate::launch::{self, Reach, Running};
use crate::page::board::{Board, Posting};
use crate::page;
use crate::show::human::Human;
use crate::show::json::JsonLines;
use crate::show::{DiskLine, NodeLine, Show, Started, complain};
use prepare::{Prepared, prepare};
use run::Run;
use signals::Signals;
use std::sync::Arc;
use std::time::Duration;
use tasks::clients;

/// Runs a network as the arguments say and returns the exit code.
///
/// Call it from a thread that lives until it returns: the nodes are bound to the thread's life.
///
/// # Errors
/// If the arguments are wrong, the graph is invalid, or the network cannot run.
pub async fn up(args: &UpArgs) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    let prepared = prepare(args)?;
    for warning in &prepared.warnings {
        complain(warning);
    }
    let workspace = Workspace::new(args.dir.as_deref(), &prepared.programs.testnet)?;
    let ports = args.base_port.map_or(Wanted::Lasting, Wanted::From);
    let launched = tokio::select! {
        launched = launch::launch(&prepared.layout, &prepared.programs, workspace, ports, Reach::Linked) => launched,
        () = signals.next() => Err(Failure::could_not_run("stopped before the network was ready")),
    };
    let mut running = launched?;
    let show: Box<dyn Show> = match args.json {
        true => Box::new(JsonLines::default()),
        false => Box::new(Human::new(args.verbose)),
    };
    let deadline = (!args.keep).then_some(args.timeout);
    let outcome = drive(prepared, &mut running, show, deadline, &mut signals).await;
    running.fleet.stop().await;
    outcome
}

/// Serves the page, shows what is announced, and drives the run to its end.
async fn drive(
    prepared: Prepared,
    running: &mut Running,
    show: Box<dyn Show>,
    deadline: Option<Duration>,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let board = Arc::new(Board::default());
    let clients = clients(&running.urls)?;
    let names = prepared.layout.nodes.iter().map(|plan| plan.name.clone());
    let nodes = names.zip(clients).collect();
    let (page, commands) = page::serve(nodes, Arc::clone(&board)).await?;
    let mut show = Posting::new(show, board);
    let started = started(&prepared, running, &page.url);
    if show.started(&started).is_err() {
        return Err(Failure::Unread);
    }
    let run = Run::new(prepared, running, &mut show, commands, deadline)?;
    run.drive(signals).await
}

fn started(prepared: &Prepared, running: &Running, page: &str) -> Started {
    let graph = prepared.expect.graph();
    let nodes = prepared
        .layout
        .nodes
        .iter()
        .zip(&running.urls)
        .zip(&running.fleet.nodes);
    Started {
        nodes: nodes
            .map(|((plan, url), process)| NodeLine {
                name: plan.name.clone(),
                http: url.clone(),
                roles: plan.roles(),
                acceptor: plan.acceptor.clone(),
                learners: plan.learners.clone(),
                pid: process.pid(),
            })
            .collect(),
        disks: prepared
            .layout
            .disks
            .iter()
            .map(|name| DiskLine {
                name: name.clone(),
                path: running.site.workspace.disk(name).display().to_string(),
            })
            .collect(),
        learners: graph
            .learners()
            .iter()
            .map(|l| graph.learner_name(l).to_owned())
            .collect(),
        page: page.to_owned(),
        dir: running.site.workspace.root().display().to_string(),
        predictions: prepare::predictions(&prepared.expect),
        values: prepared.values.len(),
    }
}
