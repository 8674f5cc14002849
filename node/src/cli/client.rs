//! A node's HTTP API, as commands use it: how they end when it has no answer for them, and in which words.

use super::{Exit, fail, printable};
use hpaxos_client::{Client, Error};
use std::future::Future;
use std::time::Duration;

/// Why there is no answer, and how a command ends for it.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) exit: Exit,
    pub(super) why: String,
}

impl Unanswered {
    /// Says so.
    pub(super) fn fail(&self) -> Exit {
        // It may repeat what a node has answered.
        fail(self.exit, printable(&self.why))
    }
}

impl From<Error> for Unanswered {
    /// A node that cannot answer now is no fault of what was asked.
    fn from(error: Error) -> Unanswered {
        let (exit, why) = match error {
            Error::Address { .. } => (Exit::Usage, format!("--node {error}")),
            Error::Refused { problem, .. } | Error::Busy { problem, .. } => {
                let later = problem.status >= 500 || matches!(problem.status, 408 | 429);
                let exit = if later { Exit::Failed } else { Exit::Bad };
                (exit, format!("{}: {}", problem.status, problem.detail))
            }
            other => (Exit::Failed, other.to_string()),
        };
        Unanswered { exit, why }
    }
}

/// The node at an address that the user gave, which answers within `timeout`.
pub(super) fn node(url: &str, timeout: Duration) -> Result<Client, Unanswered> {
    Ok(Client::connect(url)?.within(timeout))
}

/// Runs a command that asks a node.
pub(super) fn block_on(command: impl Future<Output = Exit>) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => fail(Exit::Failed, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::served;
    use axum::Router;
    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::routing::get;

    #[tokio::test]
    async fn what_is_bad_is_told_from_what_cannot_be_answered_now() {
        let router = Router::new().route(
            "/v1/decisions/{status}/{slot}/certificate",
            get(|Path((status, _)): Path<(u16, u64)>| async move {
                let status = StatusCode::from_u16(status).unwrap();
                (status, "{\"detail\": \"because\"}")
            }),
        );
        let node = node(&served(router).await, Duration::from_secs(30)).unwrap();
        for (status, exit) in [
            ("400", Exit::Bad),
            ("404", Exit::Bad),
            ("408", Exit::Failed),
            ("413", Exit::Bad),
            ("429", Exit::Failed),
            ("500", Exit::Failed),
            ("503", Exit::Failed),
        ] {
            let refused = Unanswered::from(node.certificate(status, 0).await.unwrap_err());
            assert_eq!(
                (refused.exit, refused.why),
                (exit, format!("{status}: because"))
            );
        }
    }

    #[test]
    fn an_address_that_is_none_is_wrong_usage() {
        let refused = node("https://n1", Duration::ZERO).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(
            refused.why.starts_with("--node https://n1: "),
            "{}",
            refused.why
        );
    }
}
