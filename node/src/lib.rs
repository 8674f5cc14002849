//! The node: a shell around the pure protocols of [`consensus`].
//!
//! ```text
//!            HTTP clients                         peers (libp2p)
//!                 │ ▲                                 │ ▲
//!   POST /v1/…    │ │ decisions, events               │ │ gossip frames, sync
//!                 ▼ │                                 ▼ │
//!   ┌──────────────────────┐                ┌──────────────────────┐
//!   │ http                 │                │ network (one task)   │
//!   └──────┬───────▲───────┘                └──────┬────────▲──────┘
//!          │       │                    received   │        │ verdicts
//!          │       │                               ▼        │
//!          │   ┌───┴──┐                     ┌───────────────┴──────┐
//!          │   │ view │                     │ verify (a few threads)│
//!          │   └───▲──┘                     └──────┬───────────────┘
//!   submit │       │ decided, events, status       │ verified inputs
//!          ▼       │                               ▼
//!   ┌──────────────┴───────────────────────────────────────────────┐
//!   │ engine (one thread): queue ─► Protocol::step ─► append, sync │──► sends to network
//!   │                        ▲      own messages │                  │
//!   │                        └───────────────────┘   log, history   │
//!   └──────────────────────────────────────────────────────┬───────┘
//!                              what is old, for HTTP and ◄──┘
//!                              for peers that were away
//! ```
//!
//! Every arrow is a bounded queue. The engine is the only one to touch protocol state and storage.
//! What it says leaves only after everything persisted before it is on stable storage. The network
//! task and HTTP never wait for it: they drop or answer "try later" when its queue is full.

pub mod agreement;
mod alarm;
mod args;
mod byzantine;
pub mod cli;
pub mod config;
mod decision;
mod directory;
pub mod disks;
mod engine;
pub mod history;
mod http;
mod logging;
mod machines;
mod network;
pub mod ports;
mod run;
mod start;
pub mod storage;
mod telemetry;
#[cfg(test)]
mod testing;
pub mod trace;
mod view;

pub use args::{LogFormat, NodeArgs};
pub use config::{Config, ConfigError};
pub use consensus::MAX_VALUE_BYTES;
pub use directory::DirectoryError;
pub use engine::EngineError;
pub use http::page;
#[doc(hidden)]
pub use network::Carrier;
pub use network::NetworkStartError;
pub use run::{raise_file_limit, run};
pub use start::{Node, Observers, StartError};
pub use telemetry::Otlp;
