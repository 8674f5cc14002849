//! A client of the HTTP API that nodes serve.
//!
//! ```text
//!   Connections ──node──► Client ──submit, submit_and_wait──► POST /v1/values
//!              Gather ──────┤ ────submit_many, decide_many──► POST /v1/values/many
//!                           │ ────status, graph, graph_analysis, evidence, certificate, page──► GET
//!                           │ ◄───events──── GET /v1/events            (resumes after a lost connection)
//!                           │ ◄───decisions─ pages, then the events    (every slot once, in order)
//!                           ▼
//!                         Nodes: several clients, of which the first that answers will do
//!                           │
//!                           ▼
//!                         Replica: a state machine that applies what one learner decides
//! ```
//!
//! A value is submitted under an idempotency key of the caller's: whoever asks again with the same bytes and the same key,
//! at whatever node, asks for the same thing, and it is decided once.
//!
//! ```no_run
//! use futures::StreamExt;
//! use hpaxos_client::Client;
//! use std::time::Duration;
//!
//! # async fn pay() -> Result<(), hpaxos_client::Error> {
//! let node = Client::connect("http://127.0.0.1:8001")?.retrying(Duration::from_secs(30));
//! let paid = node
//!     .submit_and_wait(b"alice pays bob 5", "invoice-17", "alice", Duration::from_secs(10))
//!     .await?;
//! println!("value {} of slot {}", paid.position, paid.decision.slot);
//!
//! let mut decisions = node.decisions("alice", 0);
//! while let Some(decision) = decisions.next().await {
//!     let decision = decision?;
//!     println!("slot {}: {} values", decision.slot, decision.values.len());
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod client;
mod decisions;
mod error;
mod event;
mod events;
mod gather;
mod graph;
mod many;
mod nodes;
mod replica;
mod retry;
mod sse;
mod status;
mod submit;
mod tls;
mod value;

pub use answer::{EVIDENCE_BYTES, MAX_ANSWER_BYTES};
pub use client::{Client, Connections};
pub use decisions::Decisions;
pub use error::{Error, Problem};
pub use event::Event;
pub use events::{Followed, Since};
pub use gather::Gather;
pub use graph::{Evidence, EvidenceList, Graph, Player, Statement};
pub use many::{
    Fate, MAX_KEY_BYTES, MAX_REQUEST_BYTES, MAX_VALUE_BYTES, MAX_VALUES, VALUE_OVERHEAD, Values,
};
pub use nodes::Nodes;
pub use replica::{Replica, ReplicaError, StateMachine};
pub use sse::{MAX_EVENT_BYTES, ServerEvent, SseParser, TooLarge};
pub use status::{
    Delivered, DiskStatus, GivenUp, LearnerStatus, Peers, Phase, Status, Storage, Timeout,
};
pub use submit::{Placed, Receipt, Submitted};
pub use tls::{choose_tls, http_client};
pub use value::{Decision, Page, Value};
