//! `testnet up`: one run from arguments to exit code.
//!
//! ```text
//!   prepare (arguments, graph, values) ─► launch ─► run (until decided, told to stop, or too late)
//!                                                    └─► summary ─► stop everything ─► exit code
//! ```

mod faults;
mod intake;
mod picture;
mod play;
pub mod prepare;
mod run;
pub mod schedule;
pub mod signals;
pub mod standstill;
mod tasks;

use crate::cli::UpArgs;
use crate::failure::Failure;
use crate::feed::clients;
use crate::launch::ports::Wanted;
use crate::launch::workspace::Workspace;
use crate::launch::{self, Reach, Running};
use crate::page;
use crate::page::board::{Board, Posting};
use crate::show::human::Human;
use crate::show::json::JsonLines;
use crate::show::{DiskLine, NodeLine, Show, Started, complain};
use prepare::{Prepared, prepare};
use run::Run;
use signals::Signals;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
    let options = Options {
        dir: args.dir.clone(),
        base_port: args.base_port,
        timeout: Some(args.timeout),
        json: args.json,
        verbose: args.verbose,
        keep: args.keep,
    };
    Ok(run(prepared, options, &mut signals).await?.code)
}

/// How a run is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where it keeps its files; in a temporary directory if not given.
    pub dir: Option<PathBuf>,
    /// The first of its ports; any free ones if not given.
    pub base_port: Option<u16>,
    /// How long it may take, if there is a limit.
    pub timeout: Option<Duration>,
    /// Whether to show it as JSON.
    pub json: bool,
    /// Whether to show every decision.
    pub verbose: bool,
    /// Whether it goes on until it is told to stop.
    pub keep: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Played {
    /// The exit code.
    pub code: u8,
    /// Whether it was told to stop.
    pub interrupted: bool,
    /// The steps of a scenario that succeeded.
    pub steps: usize,
    /// How many there are.
    pub of: usize,
    /// How long it took.
    pub elapsed: Duration,
}

/// Launches a network, runs it to its end, and stops it.
///
/// # Errors
/// If it cannot run.
pub async fn run(
    prepared: Prepared,
    options: Options,
    signals: &mut Signals,
) -> Result<Played, Failure> {
    let workspace = Workspace::new(options.dir.as_deref(), &prepared.programs.testnet)?;
    let ports = options.base_port.map_or(Wanted::Free, Wanted::From);
    let (layout, programs) = (&prepared.layout, &prepared.programs);
    let launched = tokio::select! {
        launched = launch::launch(layout, programs, workspace, ports, Reach::Linked) => launched,
        () = signals.next() => Err(Failure::could_not_run("stopped before the network was ready")),
    };
    let mut running = launched?;
    let show: Box<dyn Show> = match options.json {
        true => Box::new(JsonLines::default()),
        false => Box::new(Human::new(options.verbose)),
    };
    let patience = (!options.keep).then_some(options.timeout.unwrap_or(Duration::MAX));
    let outcome = drive(prepared, &mut running, show, patience, signals).await;
    running.fleet.stop().await;
    outcome
}

/// Serves the page, shows what is announced, and drives the run to its end.
async fn drive(
    prepared: Prepared,
    running: &mut Running,
    show: Box<dyn Show>,
    patience: Option<Duration>,
    signals: &mut Signals,
) -> Result<Played, Failure> {
    let board = Arc::new(Board::default());
    let clients = clients(&running.urls)?;
    let names = prepared.layout.nodes.iter().map(|plan| plan.name.clone());
    let nodes = names.zip(clients).collect();
    let (page, commands) = page::serve(nodes, Arc::clone(&board)).await?;
    let mut show = Posting::new(show, board);
    let started = started(&prepared, running, &page.url, patience.is_none());
    if show.started(&started).is_err() {
        return Err(Failure::Unread);
    }
    let run = Run::new(prepared, running, &mut show, commands, patience)?;
    run.drive(signals).await
}

fn started(prepared: &Prepared, running: &Running, page: &str, keep: bool) -> Started {
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
        learners: graph.learner_names(&graph.learners()),
        page: page.to_owned(),
        dir: running.site.workspace.root().display().to_string(),
        predictions: prepare::predictions(&prepared.expect),
        values: prepared.values.len(),
        keep,
    }
}
