//! What ends a node that has lost a part of itself.

use crate::engine::EngineError;
use std::sync::Arc;
use tokio::sync::watch;

/// How a node has ended by itself; nothing while it runs.
pub(crate) type Ended = Option<Result<(), EngineError>>;

/// Whoever holds it, a thread or a task, ends the node if it panics: a node that has lost one must not seem to be
/// well, and what it had in hand nobody answers.
#[derive(Clone, Debug)]
pub(crate) struct Alarm(Arc<watch::Sender<Ended>>);

impl Alarm {
    /// Rings there.
    pub(crate) fn new(ended: Arc<watch::Sender<Ended>>) -> Self {
        Alarm(ended)
    }

    /// The node has ended, if it had not before.
    pub(crate) fn end(&self, how: Result<(), EngineError>) {
        self.0.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(how);
            first
        });
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end(Err(EngineError::Panicked));
        }
    }
}
