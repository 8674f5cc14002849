//! Puts a node together and takes it apart.

use crate::byzantine::Liar;
use crate::config::{Config, Limits, NodeConfig};
use crate::engine::{Engine, EngineError, EngineHandle, Event};
use crate::http::{self, Api};
use crate::network::{self, NetworkStartError, seen::Seen};
use crate::storage::{FileLog, LogError};
use crate::view::{Phase, View};
use consensus::hpaxos::{self, HPaxos};
use consensus::storage::StorageError;
use crypto::{KeyFileError, Keypair, Signer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Commands of the engine that may wait for the network.
const COMMANDS: usize = 256;
/// How long requests in progress may take when the node ends.
const GRACE: Duration = Duration::from_secs(3);

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has no node of this name.
    #[error("the configuration has no node '{name}'; its nodes are {nodes}")]
    UnknownNode {
        /// The name asked for.
        name: String,
        /// The names there are.
        nodes: String,
    },
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The key is not the one that the configuration gives the node.
    #[error("{} holds the key {found}{owner}, but the configuration gives node '{node}' the key {expected}; use the right key file, or put this key into the configuration", .path.display())]
    KeyMismatch {
        /// The key file.
        path: PathBuf,
        /// The node.
        node: String,
        /// Its key by the configuration.
        expected: String,
        /// The key in the file.
        found: String,
        /// Whose key that is, in words, if it is another node's.
        owner: String,
    },
    /// The data cannot be used.
    #[error("cannot use the data directory: {0}")]
    Storage(#[from] LogError),
    /// The network cannot be started.
    #[error(transparent)]
    Network(#[from] NetworkStartError),
    /// The HTTP API cannot be served.
    #[error(
        "cannot serve HTTP on {address}: {source}; stop the program that uses it, or change `http` of node '{node}' in the configuration"
    )]
    Http {
        /// The address.
        address: SocketAddr,
        /// The node.
        node: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The operating system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// A node that runs in this process.
pub struct Node {
    view: Arc<View>,
    engine: EngineHandle,
    ended: watch::Receiver<Option<Result<(), EngineError>>>,
    stop: watch::Sender<bool>,
    network: JoinHandle<()>,
    http: Option<(SocketAddr, JoinHandle<std::io::Result<()>>)>,
}

/// Runs the network task. A node that has lost it must not seem to be well.
async fn watched(
    task: impl Future<Output = ()> + Send + 'static,
    tell: Arc<watch::Sender<Option<Result<(), EngineError>>>>,
) {
    if tokio::spawn(task).await.is_err() {
        tell.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(Err(EngineError::Panicked));
            first
        });
    }
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
        let node = config.node(name).ok_or_else(|| {
            let names: Vec<&str> = config.nodes.iter().map(|n| n.name.as_str()).collect();
            StartError::UnknownNode {
                name: name.to_owned(),
                nodes: names.join(", "),
            }
        })?;
        let keypair = load_key(config, node, key)?;
        // Reads the whole log once, which is short compared with replaying it.
        let (storage, replay) = FileLog::open(data.join("log"), config.network.id())?;
        if let Some(bytes) = replay.truncated() {
            tracing::info!(bytes, "cut off an unfinished write at the end of the log");
        }
        let http = bind_http(node).await?;
        let (sender, events) = sync_channel(Limits::count(config.limits.engine_queue));
        let engine = EngineHandle::new(sender);
        let (commands, commands_received) = mpsc::channel(COMMANDS);
        let (stop, stopped) = watch::channel(false);
        let view = Arc::new(View::new(config, node, run_number()));
        let seen = Arc::new(Seen::default());
        // The verification threads end with the network task.
        let (network, _threads) = network::Network::start(network::Setup {
            config,
            node,
            keypair: &keypair,
            engine: engine.clone(),
            commands: commands_received,
            view: Arc::clone(&view),
            seen: Arc::clone(&seen),
            stop: stopped.clone(),
        })?;
        let (protocol, liar) = protocol(config, node, key)?;
        let run = Engine::new(
            protocol,
            storage,
            events,
            commands,
            Arc::clone(&view),
            seen,
            liar,
        );
        let records = replay.map(|record| record.map_err(StorageError::from));
        let (tell, ended) = watch::channel(None);
        let tell = Arc::new(tell);
        let engine_tells = Arc::clone(&tell);
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let result = run.run(records);
                engine_tells.send_replace(Some(result));
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
            network: tokio::spawn(watched(network.run(), tell)),
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
            // The thread has panicked, and said so.
            Err(_) => None,
        };
        self.view.set_stopping();
        result.unwrap_or(Err(EngineError::Panicked))
    }

    /// Ends the node: what was accepted is durable, requests in progress are answered.
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
        let _ = tokio::time::timeout(GRACE, self.network).await;
        if let Some((_, server)) = self.http {
            let _ = tokio::time::timeout(GRACE, server).await;
        }
    }
}

fn load_key(config: &Config, node: &NodeConfig, path: &Path) -> Result<Keypair, StartError> {
    let keypair = Keypair::load(path)?;
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

fn protocol(
    config: &Config,
    node: &NodeConfig,
    key: &Path,
) -> Result<(HPaxos, Option<Liar>), StartError> {
    let signer = || -> Result<Option<Signer>, StartError> {
        let Some(member) = node.member else {
            return Ok(None);
        };
        Ok(Some(Signer::new(
            Keypair::load(key)?,
            member,
            config.network.id(),
        )))
    };
    let limits = &config.limits;
    let protocol = HPaxos::new(
        Arc::clone(&config.network),
        hpaxos::Config {
            signer: signer()?,
            patience: Limits::ms(limits.patience_ms),
            grace: Limits::ms(limits.grace_ms),
            window: limits.window,
            max_waiting: Limits::count(limits.max_waiting),
        },
    );
    let liar = match (node.byzantine, signer()?) {
        (Some(behaviour), Some(signer)) => {
            tracing::warn!(
                behaviour = behaviour.name(),
                "THIS NODE MISBEHAVES ON PURPOSE: remove `byzantine` from its configuration unless this is a test"
            );
            Some(Liar::new(behaviour, signer))
        }
        _ => None,
    };
    Ok((protocol, liar))
}

/// Tells the runs of a node apart.
fn run_number() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(0))
}
