//! A node's HTTP API, as commands use it.

use super::{Exit, fail, printable};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde_json::Value;
use std::future::Future;
use std::time::Duration;

/// How long a node may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is no decision.
pub(super) const MAX_ANSWER_BYTES: usize = 16 << 20;

/// One node's API.
pub(super) struct Api {
    client: Client,
    /// The node as the user named it.
    node: String,
    base: Url,
}

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

impl Api {
    /// The API of a node at an address such as `http://127.0.0.1:8001`, which answers within `timeout`.
    pub(super) fn new(node: &str, timeout: Duration) -> Result<Api, Unanswered> {
        let usage = |why| Unanswered {
            exit: Exit::Usage,
            why,
        };
        let base = base(node).map_err(usage)?;
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .build()
            .map_err(|error| Unanswered {
                exit: Exit::Failed,
                why: error.to_string(),
            })?;
        Ok(Api {
            client,
            node: node.to_owned(),
            base,
        })
    }

    /// A request to read the path of these parts.
    pub(super) fn get(&self, path: &[&str]) -> RequestBuilder {
        self.client.get(self.url(path, &[]))
    }

    /// A request to submit something to the path of these parts.
    pub(super) fn post(&self, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        self.client.post(self.url(path, query))
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        // Every http address has a path; parts are percent-encoded.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.clear().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The text of a successful answer, of at most so many bytes.
    pub(super) async fn text(
        &self,
        request: RequestBuilder,
        limit: usize,
    ) -> Result<String, Unanswered> {
        let failed = |why| Unanswered {
            exit: Exit::Failed,
            why,
        };
        let unreachable = |error: reqwest::Error| {
            let why = std::error::Error::source(&error).map_or(String::new(), |s| format!(": {s}"));
            failed(format!("cannot reach {}{why}", self.node))
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(more) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + more.len() > limit {
                let why = format!("{} answered more than {limit} bytes", self.node);
                return Err(failed(why));
            }
            bytes.extend_from_slice(&more);
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| failed(format!("{} answered no text", self.node)))?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(refused(status, &text))
        }
    }

    /// The JSON of a successful answer.
    pub(super) async fn json(&self, request: RequestBuilder) -> Result<Value, Unanswered> {
        let text = self.text(request, MAX_ANSWER_BYTES).await?;
        serde_json::from_str(&text).map_err(|error| Unanswered {
            exit: Exit::Failed,
            why: format!("{} answered no JSON: {error}", self.node),
        })
    }
}

/// A problem document in words. A node that cannot answer now is no fault of what was asked.
fn refused(status: StatusCode, text: &str) -> Unanswered {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("no reason was given");
    let later = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    Unanswered {
        exit: if later { Exit::Failed } else { Exit::Bad },
        why: format!("{}: {detail}", status.as_u16()),
    }
}

fn base(node: &str) -> Result<Url, String> {
    let with_scheme = match node.contains("://") {
        true => node.to_owned(),
        false => format!("http://{node}"),
    };
    let wrong = |why: &dyn std::fmt::Display| {
        format!("--node {node}: {why}; write for example http://127.0.0.1:8001")
    };
    let url = Url::parse(&with_scheme).map_err(|e| wrong(&e))?;
    if url.scheme() != "http" {
        return Err(wrong(&"only http is spoken"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(&"this is more than a node's address"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::served;
    use axum::Router;
    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::routing::get;

    async fn api() -> Api {
        let router = Router::new()
            .route(
                "/name/{name}",
                get(|Path(name): Path<String>| async { name }),
            )
            .route("/bytes", get(|| async { vec![0xffu8] }))
            .route(
                "/status/{status}",
                get(|Path(status): Path<u16>| async move {
                    let status = StatusCode::from_u16(status).unwrap();
                    (status, "{\"detail\": \"because\"}")
                }),
            );
        Api::new(&served(router).await, Duration::from_secs(30)).unwrap_or_else(|e| panic!("{e:?}"))
    }

    #[tokio::test]
    async fn answers_are_text_and_bounded() {
        let api = api().await;
        let ask = async |name: &str, limit| api.text(api.get(&["name", name]), limit).await;
        assert_eq!(ask("a/b?c", 5).await.unwrap(), "a/b?c");
        let long = ask("abcdef", 5).await.unwrap_err();
        assert_eq!(long.exit, Exit::Failed);
        assert!(long.why.contains("more than 5 bytes"), "{}", long.why);
        let bytes = api.text(api.get(&["bytes"]), 5).await.unwrap_err();
        assert!(bytes.why.contains("no text"), "{}", bytes.why);
        let no_json = api.json(api.get(&["name", "x"])).await.unwrap_err();
        assert!(no_json.why.contains("no JSON"), "{}", no_json.why);
    }

    #[tokio::test]
    async fn what_is_bad_is_told_from_what_cannot_be_answered_now() {
        let api = api().await;
        for (status, exit) in [
            ("400", Exit::Bad),
            ("404", Exit::Bad),
            ("413", Exit::Bad),
            ("429", Exit::Failed),
            ("503", Exit::Failed),
        ] {
            let refused = api.json(api.get(&["status", status])).await.unwrap_err();
            assert_eq!(
                (refused.exit, refused.why),
                (exit, format!("{status}: because"))
            );
        }
    }
}
