//! `testnet load`: how many values a network decides in a second, and how long each takes.
//!
//! ```text
//!   for each mode and size of values:  plain (disk-paxos only) ─► launch ─┐
//!   for each number of clients:   spent ─► clients ─► spent ─┴─► row ─► show
//!                                             │                   └─► compare, plot
//!                                             └─► kill (the leader) ─► timeline
//! ```
//!
//! The network is one of real processes, started as `testnet up` starts it. Whatever happens to it is
//! counted or ends the program; nothing is repeated in silence.

pub mod clients;
pub mod compare;
pub mod plain;
pub mod plot;
pub mod show;
pub mod spent;
pub mod tally;
pub mod timeline;
mod under;

use crate::cli::{LoadArgs, NetworkArgs, UpArgs};
use crate::failure::Failure;
use crate::feed::clients as clients_of;
use crate::launch::layout::Layout;
use crate::launch::ports::Wanted;
use crate::launch::workspace::Workspace;
use crate::launch::{self, Reach, Running};
use crate::show::{complain, words};
use crate::up::prepare::{Prepared, prepare};
use crate::up::signals::Signals;
use clients::{Demand, Target, Values};
use compare::Cell;
use hpaxos_client::{Client, Gather};
use node::config::Mode;
use plain::PlainLoop;
use show::{Plain, Row, Show};
use spent::Spent;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tally::{Tally, Times, Window};
use timeline::Death;

/// The longest time in which every value is noted.
const LONGEST_NOTED: Duration = Duration::from_secs(300);

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
        let mut seen = Seen::default();
        for bytes in &args.value_bytes {
            for prepared in &networks {
                measure(args, prepared, *bytes, &mut show, &mut seen).await?;
            }
        }
        show.compare(&compare::pairs(&seen.cells))?;
        match &args.plot {
            None => {}
            Some(path) if args.kill_leader.is_some() => plot::death::write(path, &seen.deaths)?,
            Some(path) if !args.rate.is_empty() => plot::times::write(path, &seen.times)?,
            Some(path) => plot::rates::write(path, &seen.cells)?,
        }
        Ok(0)
    };
    tokio::select! {
        outcome = all => outcome,
        () = signals.next() => Err(Failure::could_not_run("stopped before everything was measured")),
    }
}

/// What was measured so far.
#[derive(Default)]
struct Seen {
    cells: Vec<Cell>,
    /// Leaders that were killed, with what the network was.
    deaths: Vec<(String, Death)>,
    /// The times of all values, with what was asked of which network.
    times: Vec<(String, Times)>,
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
    if args.graph.is_some() && modes.len() > 1 {
        let why = "--graph is for one mode: add --mode hpaxos, for example";
        return Err(Failure::usage(why));
    }
    kill_leader(args)?;
    // Before anything is measured that could then not be drawn.
    args.plot.as_deref().map_or(Ok(()), |path| {
        let file = std::fs::File::create(path).map(drop);
        file.map_err(|e| Failure::could_not_run(format!("--plot '{}': {e}", path.display())))
    })?;
    modes
        .iter()
        .map(|mode| prepare(&as_up(args, *mode)))
        .collect()
}

/// A network whose leader was killed is not measured again, and every value is noted.
fn kill_leader(args: &LoadArgs) -> Result<(), Failure> {
    let Some(at) = args.kill_leader else {
        return Ok(());
    };
    let why = match () {
        () if args.demands().len() > 1 => {
            "takes one number of clients or one rate: add --clients 8, for example"
        }
        () if args.value_bytes.len() > 1 => {
            "takes one size of values: --value-bytes 100, for example"
        }
        () if args.seconds > LONGEST_NOTED => "takes at most --seconds 300",
        () if at >= args.seconds => "comes after the last second; use more --seconds",
        () => return Ok(()),
    };
    Err(Failure::usage(format!("--kill-leader {why}")))
}

/// The network that `testnet up` would start.
fn as_up(args: &LoadArgs, mode: Mode) -> UpArgs {
    UpArgs {
        network: NetworkArgs {
            mode,
            graph: args.graph.clone(),
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
async fn measure(
    args: &LoadArgs,
    prepared: &Prepared,
    value_bytes: u32,
    show: &mut Show,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let layout = &prepared.layout;
    let mode = layout.mode.name();
    let part = match args.value_bytes.len() {
        1 => mode.to_owned(),
        _ => format!("{mode}-{value_bytes}"),
    };
    let dir = args.dir.as_ref().map(|dir| dir.join(&part));
    let workspace = Workspace::new(dir.as_deref(), &prepared.programs.testnet)?;
    let plain = match layout.mode {
        Mode::DiskPaxos => Some(plain_loop(args, prepared, workspace.root()).await?),
        Mode::Hpaxos | Mode::Paxos => None,
    };
    let nodes = words::count(layout.nodes.len(), "node");
    complain(&format!("{mode}: starting {nodes}"));
    let mut running = launch::launch(
        layout,
        &prepared.programs,
        workspace,
        Wanted::Free,
        Reach::Directly,
    )
    .await?;
    let targets = targets(args, prepared, &running)?;
    show.begin(layout, args, value_bytes, plain.as_ref())?;
    let mut values = Values::new(value_bytes as usize);
    for demand in args.demands() {
        let seconds = args.seconds.as_secs_f64();
        complain(&format!("{mode}: {demand} for {seconds} s"));
        let row = row(args, layout, &mut running, demand, &targets, &mut values).await?;
        show.row(layout, args, &row, plain.as_ref())?;
        if row.tally.answered == 0 {
            let why = "no value was decided, all requests failed";
            return Err(Failure::could_not_run(format!(
                "{mode} with {demand}: {why}"
            )));
        }
        seen.cells.push(Cell::of(layout.mode, &row, args.seconds));
        let title = || format!("{}, {demand}", show::title(layout, args, value_bytes));
        seen.times.push((title(), row.tally.times.clone()));
        seen.deaths.extend(row.death.map(|death| (title(), death)));
    }
    show.end()?;
    running.fleet.stop().await;
    Ok(())
}

async fn row(
    args: &LoadArgs,
    layout: &Layout,
    running: &mut Running,
    demand: Demand,
    targets: &[Target],
    values: &mut Values,
) -> Result<Row, Failure> {
    let value_bytes = u32::try_from(values.bytes()).unwrap_or(u32::MAX);
    let before = Spent::so_far(targets).await?;
    let start = Instant::now() + args.warm_up;
    let window = Window {
        start,
        end: start + args.seconds,
    };
    let kill_at = args.kill_leader.map(|at| start + at);
    let tally = clients::run(targets, demand, values, window, kill_at.is_some());
    let (mut tally, died) = under::watched(tally, layout, running, targets, kill_at).await?;
    let points = tally.points.take().unwrap_or_default();
    let death = died.map(|(leader, at)| {
        let at = at.saturating_duration_since(start);
        Death::new(leader, at, args.seconds, &points)
    });
    let spent = match death {
        None => Some(Spent::so_far(targets).await?.since(before)),
        Some(_) => None,
    };
    Ok(Row {
        demand,
        value_bytes,
        tally,
        spent,
        death,
    })
}

/// Every node, with the first learner that it plays: its own in modes for crashes only.
fn targets(
    args: &LoadArgs,
    prepared: &Prepared,
    running: &Running,
) -> Result<Vec<Target>, Failure> {
    let nodes = prepared.layout.nodes.iter().zip(clients_of(&running.urls)?);
    let target = |(plan, node): (&launch::layout::NodePlan, Client)| {
        let learner = plan.learners.first()?.clone();
        let shared = args.shared_requests.map(|requests| {
            Gather::start(&node, &learner, clients::PATIENCE, usize::from(requests))
        });
        Some(Target {
            node,
            learner,
            shared,
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
