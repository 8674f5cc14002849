//! `testnet load`: how many values a network decides in a second, and how long each takes.
//!
//! ```text
//!   for each mode:        plain (disk-paxos only) ─► launch ─┐
//!   for each number of clients:   spent ─► clients ─► spent ─┴─► row ─► show
//! ```
//!
//! The network is one of real processes, started as `testnet up` starts it. Whatever happens to it is
//! counted or ends the program; nothing is repeated in silence.

pub mod clients;
pub mod plain;
pub mod show;
pub mod spent;
pub mod tally;

use crate::cli::{LoadArgs, NetworkArgs, UpArgs};
use crate::client::{NodeClient, connections};
use crate::failure::Failure;
use crate::launch::workspace::Workspace;
use crate::launch::{self, Running};
use crate::show::{complain, words};
use crate::up::prepare::{Prepared, prepare};
use crate::up::signals::Signals;
use clients::{Target, Values};
use node::config::Mode;
use plain::PlainLoop;
use show::{Plain, Row, Show};
use spent::Spent;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tally::{Tally, Window};

/// Measures what the arguments say and returns the exit code.
///
/// Call it from a thread that lives until it returns: the nodes are bound to the thread's life.
///
/// # Errors
/// If the arguments are wrong, a network cannot run, or no value is decided.
pub async fn load(args: &LoadArgs) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    let networks = networks(args)?;
    let mut show = Show::new(args.json);
    // Dropped when told to stop: then the network ends, and its directory is removed.
    let all = async {
        for prepared in &networks {
            measure(args, prepared, &mut show).await?;
        }
        Ok(0)
    };
    tokio::select! {
        outcome = all => outcome,
        () = signals.next() => Err(Failure::could_not_run("stopped before everything was measured")),
    }
}

/// Checks all arguments before anything starts.
fn networks(args: &LoadArgs) -> Result<Vec<Prepared>, Failure> {
    let modes = match args.mode.as_slice() {
        [] => &Mode::ALL,
        modes => modes,
    };
    if let Some(at) = (1..modes.len()).find(|at| modes[..*at].contains(&modes[*at])) {
        let mode = modes[at].name();
        return Err(Failure::usage(format!("--mode {mode} is given twice")));
    }
    if args.disks.is_some() && !modes.contains(&Mode::DiskPaxos) {
        let why = "--disks is for mode disk-paxos, which is not among the modes";
        return Err(Failure::usage(why));
    }
    modes
        .iter()
        .map(|mode| prepare(&as_up(args, *mode)))
        .collect()
}

/// The network that `testnet up` would start.
fn as_up(args: &LoadArgs, mode: Mode) -> UpArgs {
    UpArgs {
        network: NetworkArgs {
            mode,
            graph: None,
            nodes: args.nodes,
            disks: args.disks.filter(|_| mode == Mode::DiskPaxos),
        },
        hpaxos: args.hpaxos.clone(),
        values: None,
        json: args.json,
        keep: true,
        kill: Vec::new(),
        byzantine: Vec::new(),
        dir: None,
        trace: None,
        timeout: Duration::MAX,
        patience_ms: None,
        base_port: None,
        verbose: false,
    }
}

/// Measures one network with all numbers of clients.
async fn measure(args: &LoadArgs, prepared: &Prepared, show: &mut Show) -> Result<(), Failure> {
    let layout = &prepared.layout;
    let mode = layout.mode.name();
    let dir = args.dir.as_ref().map(|dir| dir.join(mode));
    let workspace = Workspace::new(dir.as_deref(), &prepared.programs.testnet)?;
    let plain = match layout.mode {
        Mode::DiskPaxos => Some(plain_loop(args, prepared, workspace.root()).await?),
        Mode::Hpaxos | Mode::Paxos => None,
    };
    let nodes = words::count(layout.nodes.len(), "node");
    complain(&format!("{mode}: starting {nodes}"));
    let mut running = launch::launch(layout, &prepared.programs, workspace, None).await?;
    let targets = targets(prepared, &running)?;
    show.begin(layout, args, plain.as_ref())?;
    let mut values = Values::new(args.value_bytes as usize);
    for clients in &args.clients {
        let clients = usize::from(*clients);
        let seconds = args.seconds.as_secs_f64();
        let who = words::count(clients, "client");
        complain(&format!("{mode}: {who} for {seconds} s"));
        let row = tokio::select! {
            row = row(args, clients, &targets, &mut values) => row?,
            (node, how) = running.fleet.next_exit() => {
                let name = &layout.nodes[node].name;
                let logs = running.workspace.log(name);
                let why = format!("node {name} died under load: {how}; its log is {}", logs.display());
                return Err(Failure::could_not_run(why));
            }
        };
        show.row(layout, args, &row, plain.as_ref())?;
        if row.tally.answered == 0 {
            let why = "no value was decided, all requests failed";
            return Err(Failure::could_not_run(format!("{mode} with {who}: {why}")));
        }
    }
    show.end()?;
    running.fleet.stop().await;
    Ok(())
}

async fn row(
    args: &LoadArgs,
    clients: usize,
    targets: &[Target],
    values: &mut Values,
) -> Result<Row, Failure> {
    let before = Spent::so_far(targets).await?;
    let start = Instant::now() + args.warm_up;
    let window = Window {
        start,
        end: start + args.seconds,
    };
    let tally = clients::run(targets, clients, values, window).await;
    let spent = Spent::so_far(targets).await?.since(before);
    Ok(Row {
        clients,
        tally,
        spent,
    })
}

/// Every node, with the first learner that it plays: its own in modes for crashes only.
fn targets(prepared: &Prepared, running: &Running) -> Result<Vec<Target>, Failure> {
    let http = connections().map_err(|e| Failure::could_not_run(format!("no sockets: {e}")))?;
    let nodes = prepared.layout.nodes.iter().zip(&running.urls);
    let target = |(plan, url): (&launch::layout::NodePlan, &String)| {
        Some(Target {
            node: NodeClient::new(http.clone(), url.clone()),
            learner: plan.learners.first()?.clone(),
        })
    };
    Ok(nodes.filter_map(target).collect())
}

/// Runs the plain loop on as many files as there are disks, in the directory of the network.
async fn plain_loop(args: &LoadArgs, prepared: &Prepared, root: &Path) -> Result<Plain, Failure> {
    let layout = &prepared.layout;
    let plain = PlainLoop {
        files: layout
            .disks
            .iter()
            .map(|disk| root.join(format!("plain-{disk}")))
            .collect(),
        processors: layout.nodes.len(),
        warm_up: args.warm_up,
        time: args.seconds,
    };
    let files = words::count(plain.files.len(), "file");
    complain(&format!(
        "plain loop: {files} for {} s",
        args.seconds.as_secs_f64()
    ));
    let stop = StopOnDrop::default();
    let told = stop.0.clone();
    let tally = tokio::task::spawn_blocking(move || plain.run(&told)).await;
    let tally: Tally = tally
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|e| Failure::could_not_run(format!("plain loop: {e}")))?;
    match tally.values {
        0 => Err(Failure::could_not_run(
            "plain loop: no round was done in time; use more --seconds",
        )),
        _ => Ok(Plain { tally }),
    }
}

/// Ends the plain loop when nobody waits for it any more.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
