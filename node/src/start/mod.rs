//! Puts a node together and takes it apart.
//!
//! ```text
//!   mode ──► machine (protocol, lie, disks) ──► assemble: storage, network, engine, HTTP ──► Node
//! ```
//!
//! A mode differs from the others in its machine alone.

mod error;
mod machine;

pub use error::StartError;

use crate::alarm::{Alarm, Ended};
use crate::config::{Config, Limits, Mode, NodeConfig};
use crate::directory;
use crate::engine::{Engine, EngineError, EngineHandle, Event, Intake, Machine, Stores};
use crate::history::{FILE_NAME, HistoryFile};
use crate::http::{self, Api};
use crate::network::{self, seen::Seen};
use crate::storage::{FileLog, LOG};
use crate::telemetry::{Exporting, Otlp, Telemetry};
use crate::view::{Phase, View};
use consensus::storage::StorageError;
use consensus::{HistoryOf, Protocol};
use crypto::{KeyFileError, Keypair};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Commands of the engine that may wait for the network.
pub(crate) const COMMANDS: usize = 256;
/// How long each part of a node may take to end.
const GRACE: Duration = Duration::from_secs(3);

/// A node that runs in this process.
pub struct Node {
    view: Arc<View>,
    engine: EngineHandle,
    ended: watch::Receiver<Ended>,
    stop: watch::Sender<bool>,
    network: JoinHandle<()>,
    http: Option<(SocketAddr, JoinHandle<std::io::Result<()>>)>,
    exporting: Option<Exporting>,
    history_closed: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

/// Who watches a node, beside those that HTTP serves. Nobody by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observers {
    /// What happens is appended to this file: see [`trace`](crate::trace). For tests, in mode hpaxos only.
    pub trace: Option<PathBuf>,
    /// Spans of values go there.
    pub otlp: Option<Otlp>,
}

/// Which node to start, and where.
struct Place<'a> {
    config: &'a Config,
    node: &'a NodeConfig,
    keypair: &'a Keypair,
    data: &'a Path,
    otlp: Option<&'a Otlp>,
}

/// Runs the network task.
async fn watched(task: impl Future<Output = ()>, _alarm: Alarm) {
    task.await;
}

impl Node {
    /// Starts a node. It replays its storage in the background; see [`Node::ready`].
    ///
    /// # Errors
    /// [`StartError`] says what to mend.
    pub async fn start(
        config: &Config,
        name: &str,
        key: &Path,
        data: &Path,
    ) -> Result<Node, StartError> {
        Node::start_observed(config, name, key, data, &Observers::default()).await
    }

    /// The same for a node that others watch.
    ///
    /// # Errors
    /// [`StartError`] says what to mend.
    pub async fn start_observed(
        config: &Config,
        name: &str,
        key: &Path,
        data: &Path,
        observers: &Observers,
    ) -> Result<Node, StartError> {
        let trace = observers.trace.as_deref();
        if trace.is_some() && config.mode != Mode::Hpaxos {
            return Err(StartError::TraceMode(config.mode.name()));
        }
        let node = named(config, name)?;
        let keypair = load_key(config, node, key)?;
        let place = Place {
            config,
            node,
            keypair: &keypair,
            data,
            otlp: observers.otlp.as_ref(),
        };
        match config.mode {
            Mode::Hpaxos => {
                let machine = |_: &_, history| machine::hpaxos(config, node, key, trace, history);
                Node::assemble(place, machine).await
            }
            Mode::Paxos => {
                let machine = |_: &_, history| Ok(machine::paxos(config, node, history));
                Node::assemble(place, machine).await
            }
            Mode::DiskPaxos => {
                let machine =
                    |engine: &_, history| machine::disk_paxos(config, node, engine, history);
                Node::assemble(place, machine).await
            }
        }
    }

    /// Makes the data directory of a node that has never run, and starts nothing. What was cut short is finished, and
    /// what is done already stays as it is.
    ///
    /// # Errors
    /// [`StartError`] says what to mend. A directory that a node has run with is refused, and another node's.
    pub fn init(config: &Config, name: &str, key: &Path, data: &Path) -> Result<(), StartError> {
        let node = named(config, name)?;
        load_key(config, node, key)?;
        directory::examine(data, node)?;
        directory::never_ran(data)?;
        // Held until it is bound.
        let (_log, replay) = FileLog::open(data.join(LOG), config.network.id())?;
        Ok(directory::begin(data, node, replay.summary().records)?)
    }

    /// Puts a node together around a machine, which may have threads of its own that talk to the
    /// engine.
    async fn assemble<P: Protocol>(
        place: Place<'_>,
        machine: impl FnOnce(&EngineHandle, Arc<HistoryOf<P>>) -> Result<Machine<P>, StartError>,
    ) -> Result<Node, StartError> {
        let Place {
            config,
            node,
            keypair,
            data,
            otlp,
        } = place;
        directory::examine(data, node)?;
        // Reads the whole log once, which is short compared with replaying it.
        let (storage, replay) = FileLog::open(data.join(LOG), config.network.id())?;
        directory::bind(data, node, replay.summary().records)?;
        if let Some(bytes) = replay.truncated() {
            tracing::info!(bytes, "cut off an unfinished write at the end of the log");
        }
        // Where learners differ in nothing but where they are, all have one log.
        let lanes = match config.mode {
            Mode::Hpaxos => config.network.graph().n_learners(),
            Mode::Paxos | Mode::DiskPaxos => 1,
        };
        let history = HistoryFile::open(
            data.join(FILE_NAME),
            config.network.id(),
            lanes,
            P::wire_bytes,
        )?;
        let history_closed = Box::pin(history.closed());
        let history = Arc::new(history);
        let http = bind_http(node).await?;
        let (sender, events) = sync_channel(Limits::count(config.limits.engine_queue));
        let (commands, commands_received) = mpsc::channel(COMMANDS);
        let (stop, stopped) = watch::channel(false);
        let mut view = View::new(config, node, run_number(), Arc::clone(&history) as _);
        let telemetry =
            otlp.map(|otlp| Telemetry::start(otlp, &config.name, &node.name, &view.metrics));
        let (telemetry, exporting) = telemetry.transpose().map_err(StartError::Otlp)?.unzip();
        view.telemetry = telemetry;
        let view = Arc::new(view);
        let queue = Intake::new(sender, view.metrics.engine_queue.clone());
        let engine = EngineHandle::new(queue.clone());
        let seen = Arc::new(Seen::default());
        // The verification threads end with the network task, and it with one that panics.
        let network = network::Network::start(network::Setup {
            config,
            node,
            keypair,
            queue,
            commands: commands_received,
            view: Arc::clone(&view),
            seen: Arc::clone(&seen),
            stop: stopped.clone(),
        })?;
        let (tell, ended) = watch::channel(None);
        let alarm = Alarm::new(Arc::new(tell));
        let run = Engine::new(
            machine(&engine, Arc::clone(&history) as _)?,
            Stores {
                storage,
                history,
                checkpoint_bytes: Limits::mib(config.limits.log_mib) as u64,
            },
            events,
            commands,
            Arc::clone(&view),
            seen,
            &alarm,
        );
        let records = replay.map(|record| record.map_err(StorageError::from));
        let engine_alarm = alarm.clone();
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let result = run.run(records);
                engine_alarm.end(result);
            })
            .map_err(StartError::Thread)?;
        let api = Arc::new(Api::new(
            Arc::clone(&view),
            engine.clone(),
            &config.limits,
            stopped,
        ));
        Ok(Node {
            view,
            engine,
            ended,
            stop,
            exporting,
            history_closed,
            network: tokio::spawn(watched(network.run(), alarm)),
            http: http
                .map(|(address, listener)| (address, tokio::spawn(http::serve(listener, api)))),
        })
    }

    /// Returns when the node has replayed its storage and takes part; false if it ended before.
    pub async fn ready(&self) -> bool {
        let mut phases = self.view.phases();
        tokio::select! {
            phase = phases.wait_for(|phase| *phase != Phase::Starting) => {
                phase.is_ok_and(|phase| *phase == Phase::Ready)
            }
            _ = self.ended() => false,
        }
    }

    /// Where the HTTP API listens.
    #[must_use]
    pub fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|(address, _)| *address)
    }

    /// Returns when the node ends by itself, which it does only if it must.
    ///
    /// # Errors
    /// [`EngineError`] says why.
    pub async fn ended(&self) -> Result<(), EngineError> {
        let mut ended = self.ended.clone();
        let result = match ended.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            // Whoever could say it is gone.
            Err(_) => None,
        };
        self.view.set_stopping();
        result.unwrap_or(Err(EngineError::Panicked))
    }

    /// Ends the node: what was accepted is durable, requests in progress are answered, and a node may start in the same
    /// directory.
    ///
    /// # Errors
    /// [`EngineError`] if the engine failed at the end.
    pub async fn stop(self) -> Result<(), EngineError> {
        self.view.set_stopping();
        let engine = self.engine.clone();
        // The queue may be full, and the engine may have ended already.
        let _ = tokio::task::spawn_blocking(move || engine.send(Event::Stop)).await;
        let result = self.ended().await;
        self.shut().await;
        result
    }

    /// Ends what is left after the engine has ended.
    pub async fn shut(self) {
        self.stop.send_replace(true);
        end(self.network).await;
        if let Some((_, server)) = self.http {
            end(server).await;
        }
        if let Some(exporting) = self.exporting {
            let _ = timeout(GRACE, exporting.flush()).await;
        }
        // Whoever lets go of the history last waits until it is written.
        tokio::task::spawn_blocking(move || drop(self.view));
        if timeout(GRACE, self.history_closed).await.is_err() {
            tracing::warn!("the history is still being read or written: it is closed later");
        }
    }
}

/// Waits until a task that was told to end has ended, and ends it if it takes too long.
async fn end<T>(mut task: JoinHandle<T>) {
    if timeout(GRACE, &mut task).await.is_err() {
        task.abort();
    }
}

/// The node of this name.
fn named<'a>(config: &'a Config, name: &str) -> Result<&'a NodeConfig, StartError> {
    config.node(name).ok_or_else(|| {
        let names: Vec<&str> = config.nodes.iter().map(|n| n.name.as_str()).collect();
        StartError::UnknownNode {
            name: name.to_owned(),
            nodes: names.join(", "),
        }
    })
}

fn load_key(config: &Config, node: &NodeConfig, path: &Path) -> Result<Keypair, StartError> {
    let keypair = Keypair::load(path).map_err(|error| match error {
        KeyFileError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            StartError::NoKey {
                path: path.to_owned(),
                node: node.name.clone(),
            }
        }
        error => error.into(),
    })?;
    let found = keypair.public();
    if found == node.key {
        return Ok(keypair);
    }
    let owner = config.nodes.iter().find(|n| n.key == found);
    Err(StartError::KeyMismatch {
        path: path.to_owned(),
        node: node.name.clone(),
        expected: node.key.to_string(),
        found: found.to_string(),
        owner: owner.map_or(String::new(), |n| format!(" (of node '{}')", n.name)),
    })
}

async fn bind_http(node: &NodeConfig) -> Result<Option<(SocketAddr, TcpListener)>, StartError> {
    let Some(address) = node.http else {
        return Ok(None);
    };
    let failed = |source| StartError::Http {
        address,
        node: node.name.clone(),
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok(Some((bound, listener)))
}

/// Tells the runs of a node apart.
fn run_number() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_whose_network_task_panics_ends() {
        let (tell, ended) = watch::channel(None);
        let alarm = Alarm::new(Arc::new(tell));
        let task = tokio::spawn(watched(async { panic!("as the test wants") }, alarm));
        assert!(task.await.is_err());
        assert_eq!(*ended.borrow(), Some(Err(EngineError::Panicked)));
    }
}
