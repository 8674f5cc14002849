//! `testnet soak`: a network under load whose nodes are killed and come back, and whose every log is checked.
//!
//! ```text
//!   clients ──values──► nodes ──decisions──► readers ─► check (lost, twice, out of order, different?)
//!                         ▲                               │
//!   chaos (a seed) ─► kill, start again                   ├─► show: a line now and then, a table, a verdict
//!                         │                               │
//!                         └─► probe (memory, space) ─► series ─► report
//! ```
//!
//! The nodes are real processes, started as `testnet up` starts them. Nothing is retried in silence but what a
//! client of a network of mortal nodes must retry: a value whose node has died goes to another one, as it is.

pub mod chaos;
pub mod check;
pub mod clients;
mod drive;
pub mod fit;

pub mod probe;
pub mod readers;
pub mod series;
mod show;
pub mod stamp;
mod watch;

use crate::cli::SoakArgs;
use crate::failure::Failure;
use crate::launch::ports::Wanted;
use crate::launch::workspace::Workspace;
use crate::launch::{self, Programs, Reach};
use crate::show::complain;
use crate::topology::topology;
use crate::up::prepare::predictions;
use crate::up::signals::Signals;
use drive::Drive;
use hpaxos_client::{Decision, Error};
use show::Show;
use stamp::Stamp;
use std::path::Path;
use std::time::Duration;

/// The most intervals of a history.
const INTERVALS: u128 = 100_000;

/// Something that a task of a soak reports.
#[derive(Debug)]
pub enum Report {
    /// A value is decided.
    Acknowledged {
        /// The value.
        stamp: Stamp,
        /// Since it was first submitted.
        latency: Duration,
    },
    /// A client submits nothing more.
    Ended {
        /// The client.
        client: u32,
    },
    /// A node will never take a value.
    Refused {
        /// The value.
        stamp: Stamp,
        /// What it says.
        error: Error,
    },
    /// A part of a log.
    Told {
        /// Its place.
        at: usize,
        /// Decisions in slot order.
        decisions: Vec<Decision>,
    },
    /// A log cannot be read on.
    Unread {
        /// Its place.
        at: usize,
        /// Why.
        error: Error,
    },
    /// A node that was started has said that it is ready.
    Ready {
        /// The node.
        node: usize,
        /// Which of its lives.
        life: u64,
        /// The URL of its HTTP API.
        url: String,
    },
    /// A node says who leads.
    Leader {
        /// In which ballot.
        ballot: u64,
        /// The name of the leader.
        leader: String,
    },
}

/// Soaks a network as the arguments say and returns the exit code.
///
/// Call it from a thread that lives until it returns: the nodes are bound to the thread's life.
///
/// # Errors
/// If the arguments are wrong, the graph is invalid, or the network cannot run or not be checked.
pub async fn soak(args: &SoakArgs) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    if args.minutes.as_nanos() / args.every.as_nanos().max(1) > INTERVALS {
        let why = format!("--every: more than {INTERVALS} intervals; use a longer one");
        return Err(Failure::usage(why));
    }
    let programs = Programs::find(args.hpaxos.as_deref())?;
    let (layout, expect, warnings) = topology(&args.network)?;
    for words in warnings.iter().chain(&predictions(&expect)) {
        complain(words);
    }
    if expect.deciders().is_empty() {
        return Err(Failure::usage(
            "no learner of this graph can decide anything",
        ));
    }
    // Before hours go by.
    args.out.as_deref().map_or(Ok(()), |path| write(path, ""))?;
    let workspace = Workspace::new(args.dir.as_deref(), &programs.testnet)?;
    let launched = tokio::select! {
        launched = launch::launch(&layout, &programs, workspace, Wanted::Free, Reach::Directly) => launched,
        () = signals.next() => Err(Failure::could_not_run("stopped before the network was ready")),
    };
    let mut running = launched?;
    let show = Show::new(args, &layout, &expect);
    let drive = Drive::new(args, &programs, layout, expect, &mut running, show)?;
    let outcome = drive.run(&mut signals).await;
    running.fleet.stop().await;
    let (report, code) = outcome?;
    if let Some(path) = &args.out {
        write(path, &format!("{report}\n"))?;
    }
    Ok(code)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|e| Failure::could_not_run(format!("--out '{}': {e}", path.display())))
}
