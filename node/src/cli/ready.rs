//! `hpaxos ready`: for whoever watches over a node and has no other way to ask, as in a container without a shell.

use super::client::{Unanswered, block_on, node};
use super::{Exit, fail, print, printable};
use clap::Args;
use hpaxos_client::Error;
use std::process::ExitCode;
use std::time::Duration;

/// The arguments of `hpaxos ready`.
#[derive(Args, Debug)]
pub struct ReadyArgs {
    /// The node's HTTP address, for example http://127.0.0.1:8001
    #[arg(long, env = "HPAXOS_NODE", value_name = "URL")]
    node: String,
    /// How long the node may take to answer
    #[arg(long, value_name = "MS", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    timeout_ms: u64,
}

impl ReadyArgs {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        block_on(self.ask()).into()
    }

    async fn ask(&self) -> Exit {
        let node = match node(&self.node, Duration::from_millis(self.timeout_ms)) {
            Ok(node) => node,
            Err(error) => return error.fail(),
        };
        match node.ready().await {
            Ok(()) => {
                print("ready");
                Exit::Done
            }
            Err(Error::Busy { problem, .. }) => fail(Exit::Bad, printable(&problem.detail)),
            Err(error) => Unanswered::from(error).fail(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::served;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;

    async fn asked(node: String) -> Exit {
        let timeout_ms = 5000;
        ReadyArgs { node, timeout_ms }.ask().await
    }

    #[tokio::test]
    async fn who_is_ready_is_told_from_who_is_not() {
        let starting = (
            StatusCode::SERVICE_UNAVAILABLE,
            "{\"detail\": \"starting\"}",
        );
        let ready = (StatusCode::OK, "ready\n");
        for (answer, exit) in [(starting, Exit::Bad), (ready, Exit::Done)] {
            let router = Router::new().route("/readyz", get(move || async move { answer }));
            assert_eq!(asked(served(router).await).await, exit, "{answer:?}");
        }
        assert_eq!(asked("http://127.0.0.1:1".into()).await, Exit::Failed);
        assert_eq!(asked("https://n1".into()).await, Exit::Usage);
    }
}
