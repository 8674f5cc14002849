//! Launches local networks of real node processes, injects faults and shows what every learner decides.
//!
//! ```text
//!             launch ──starts──► node processes, one per node
//!               │                    ▲         │
//!   values ──► submit ──POST─────────┘         │ events
//!                                              ▼
//!   up ◄── observe (logs, divergence) ◄── feed (follow)
//!   │  ◄── track   (who decided what, latency)
//!   │  ◄── expect  (what the graph predicts)
//!   ▼
//!   show, summary ──► terminal, or JSON lines ──► exit code
//! ```
//!
//! `load` launches networks in the same way, and measures them. `soak` keeps one under load while its nodes are
//! killed and come back, and checks every log.
//!
//! `generate` writes the files of a network that others run.
//!
//! `simulate` runs networks in the one process that the crate `simulation` makes of them; `trace` holds what real nodes
//! did against the specification in there.
//!
//! `observe`, `track`, `expect` and `summary` are pure: events in, verdicts out. Processes, files and
//! sockets are in `launch` and the client alone, and whatever they start goes away with the launcher,
//! however that ends.

pub mod cli;
pub mod expect;
pub mod failure;
pub mod fault;
pub mod feed;
pub mod generate;
pub mod launch;
pub mod load;
mod mix;
pub mod observe;
pub mod page;
pub mod plan;
pub mod scenario;
pub mod show;
pub mod simulate;
pub mod soak;
pub mod submit;
pub mod summary;
pub mod topology;
pub mod trace;
pub mod track;
pub mod up;
pub mod values;
