//! Structured logs on standard error.

use crate::LogFormat;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is logged if nobody asks for anything else. libp2p talks a lot about connections that fail.
const DEFAULT: &str = "info,libp2p=warn,libp2p_gossipsub=error,libp2p_swarm=error";

/// Starts logging. `HPAXOS_LOG`, or else `RUST_LOG`, sets what is logged.
pub(crate) fn start(format: LogFormat) {
    let wanted = ["HPAXOS_LOG", "RUST_LOG"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let filter = EnvFilter::builder().parse(wanted.as_deref().unwrap_or(DEFAULT));
    let (filter, problem) = match filter {
        Ok(filter) => (filter, None),
        Err(problem) => (EnvFilter::new(DEFAULT), Some(problem)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Fails if a program that embeds the node logs already, which is fine.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Some(problem) = problem {
        tracing::warn!(%problem, "HPAXOS_LOG or RUST_LOG cannot be understood");
    }
}
