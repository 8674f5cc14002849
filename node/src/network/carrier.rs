//! The network of a node with no engine behind it: what frames cost by themselves is measured with it
//! (`benches/frames`).

use super::frame::Frame;
use super::{Network, NetworkStartError, Setup};
use crate::config::{Config, Limits};
use crate::engine::{Command, Queued};
use crate::history::HistoryFile;
use crate::start::COMMANDS;
use crate::view::View;
use consensus::{InputOf, Protocol};
use crypto::Keypair;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use tokio::sync::{mpsc, watch};

/// Carries frames as a node does, until it is dropped. Nobody asks for what was lost, and nobody answers who asks.
pub struct Carrier {
    commands: mpsc::Sender<Command>,
    view: Arc<View>,
    _stop: watch::Sender<bool>,
}

impl Carrier {
    /// Starts the network of this node, and a thread in the engine's place which hands on what was verified. Needs a
    /// tokio runtime, and a directory for a history that stays empty.
    ///
    /// # Errors
    /// [`NetworkStartError`] says what to mend.
    pub fn start<P: Protocol>(
        config: &Config,
        name: &str,
        keypair: &Keypair,
        data: &Path,
        mut delivered: impl FnMut(InputOf<P>) + Send + 'static,
    ) -> Result<Self, NetworkStartError> {
        let setup = |error: &dyn std::fmt::Display| NetworkStartError::Setup(error.to_string());
        let node = config.node(name).ok_or_else(|| setup(&"no such node"))?;
        let lanes = config.network.graph().n_learners();
        let id = config.network.id();
        let history = HistoryFile::<P::Wire>::open(data.join(name), id, lanes, P::wire_bytes)
            .map_err(|error| setup(&error))?;
        let view = Arc::new(View::new(config, node, 1, Arc::new(history)));
        let (queue, events) = sync_channel(Limits::count(config.limits.engine_queue));
        let (commands, received) = mpsc::channel(COMMANDS);
        let (stop, stopped) = watch::channel(false);
        let network = Network::start(Setup::<P> {
            config,
            node,
            keypair,
            queue: queue.into(),
            commands: received,
            view: Arc::clone(&view),
            seen: Arc::default(),
            stop: stopped,
        })?;
        // Ends with the network, which holds the other end.
        let engine = std::thread::Builder::new().name("engine".into());
        let take = move || {
            for event in events {
                if let Queued::Verified { inputs, permit } = event {
                    drop(permit);
                    inputs.into_iter().for_each(&mut delivered);
                }
            }
        };
        engine.spawn(take).map_err(|error| setup(&error))?;
        tokio::spawn(network.run());
        Ok(Carrier {
            commands,
            view,
            _stop: stop,
        })
    }

    /// A frame of one message.
    #[must_use]
    pub fn frame<P: Protocol>(message: P::Wire) -> Vec<u8> {
        let frame = Frame::<P::Wire, P::Evidence> {
            messages: vec![message],
            ..Frame::default()
        };
        frame.encode(0)
    }

    /// Tells the network to publish a frame, as the engine does: waits while that is behind.
    pub fn publish(&self, frame: Vec<u8>) {
        // It ends before this only with its runtime.
        let _ = self.commands.blocking_send(Command::Publish(frame));
    }

    /// The node's metrics (docs/metrics.md), as text.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.view.metrics.text()
    }
}
