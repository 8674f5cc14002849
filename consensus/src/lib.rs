//! The consensus protocols as pure state machines.
//!
//! ```text
//!            inputs                                     outputs
//!   verified message ─┐                            ┌─► persist   (durable before any send)
//!   client value ─────┤    ┌──────────────────┐    ├─► send      (gossip; comes back as input)
//!   batch bytes ──────┼──► │ step(now, inputs)│ ───┼─► fetch     (bytes by digest)
//!   evidence ─────────┤    └──────────────────┘    ├─► decided, fork, evidence, disconnected, given up
//!   (nothing: a tick)─┘                            └─► set timer
//! ```
//!
//! Nothing in this crate reads a clock, a file, a socket or a random number: time is handed in with
//! every step, and the caller executes the outputs in order. The same inputs give the same outputs,
//! byte for byte, which is what makes simulation, replay after a crash and model checking possible.

mod ballot;
pub mod disk_paxos;
pub mod history;
pub mod hpaxos;
mod io;
mod log;
mod mode;
mod network;
pub mod pacemaker;
mod patience;
pub mod paxos;
pub mod planted;
mod protocol;
mod slot;
mod status;
mod steps;
pub mod storage;
mod value;

pub use ballot::Ballot;
pub use io::{Decision, Fork, Input, NoEvidence, Output, Record, SyncAnswer, SyncRequest};
pub use log::batches::RECENT_BYTES;
pub use log::pipeline::Batching;
pub use mode::Mode;
pub use network::{Member, Network, NetworkError};
pub use patience::{GivenUp, Why};
pub use protocol::{AnswerOf, HistoryOf, InputOf, OutputOf, Protocol, RecordOf};
pub use slot::{Page, Slot};
pub use status::{DiskStatus, Status};
pub use steps::{steps, waits};
pub use value::{
    Batch, ClientValue, MAX_BATCH_BYTES, MAX_BATCH_VALUES, MAX_KEY_BYTES, MAX_VALUE_BYTES,
    ValueError, Values,
};

/// Time since an origin that the caller fixes once and never moves (its start, or the simulation's).
pub type Time = std::time::Duration;
