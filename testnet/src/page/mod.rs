//! One page for a whole network: what all nodes say, and buttons for faults. It listens on this machine only.
//!
//! | route | what |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /v1/network` | nodes, links and disks as they stand, each node's own status among them |
//! | `GET /v1/graph` | the learner graph, from a node |
//! | `GET /v1/evidence` | what any of the nodes knows |
//! | `GET /v1/events` | what all nodes say, as server-sent events |
//! | `POST /v1/faults` | a [`Fault`], done when it answers 200 |
//! | `POST /v1/values?node=NAME` | a value for a node |

pub mod board;
mod files;

use crate::failure::Failure;
use crate::fault::Fault;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use board::{Board, Told};
use futures::Stream;
use hpaxos_client::Client;
use node::page::is_foreign;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How long a node may take to tell its status before the page goes without it.
const STATUS_PATIENCE: Duration = Duration::from_secs(1);
/// Requests that wait for the run; beyond, they wait to be handed over.
const QUEUE: usize = 16;

/// What the page asks of the run.
#[derive(Debug)]
pub enum Command {
    /// Do this; the answer says why not.
    Inflict(Fault, oneshot::Sender<Result<(), String>>),
    /// Tell how the nodes, links and disks stand.
    Look(oneshot::Sender<Value>),
}

/// The server of the page. Dropping this ends it.
#[derive(Debug)]
pub struct Page {
    /// Where the page is.
    pub url: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Shared {
    board: Arc<Board>,
    commands: mpsc::Sender<Command>,
    /// Every node's name with a client of it.
    nodes: Vec<(String, Client)>,
}

/// Serves the page of these nodes at a free port. What it asks of the run comes out of the receiver.
///
/// # Errors
/// If there is no port for it.
pub async fn serve(
    nodes: Vec<(String, Client)>,
    board: Arc<Board>,
) -> Result<(Page, mpsc::Receiver<Command>), Failure> {
    let failed = |e| Failure::could_not_run(format!("the page cannot be served: {e}"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (commands, receiver) = mpsc::channel(QUEUE);
    let shared = Arc::new(Shared {
        board,
        commands,
        nodes,
    });
    let router = files::routes()
        .route("/v1/network", get(network))
        .route("/v1/graph", get(graph))
        .route("/v1/events", get(events))
        .route("/v1/faults", post(faults))
        .route("/v1/evidence", get(evidence))
        .route("/v1/values", post(values))
        .layer(DefaultBodyLimit::max(node::MAX_VALUE_BYTES))
        .layer(middleware::from_fn(move |request, next| {
            own(address, request, next)
        }))
        .with_state(shared);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let url = format!("http://{address}");
    Ok((Page { url, server }, receiver))
}

/// Why something was not done, as the page shows it.
fn problem(status: StatusCode, detail: impl std::fmt::Display) -> Response {
    let detail = detail.to_string();
    let document = json!({"status": status.as_u16(), "detail": detail});
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, document.to_string()).into_response()
}

/// Nothing here is for pages of other sites, which a browser on this machine may show: neither those that send
/// requests to this address, nor those whose name has been pointed to it.
async fn own(address: SocketAddr, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let names = [address.to_string(), format!("localhost:{}", address.port())];
    let known = host.is_some_and(|host| names.iter().any(|name| name == host));
    if !known || is_foreign(request.headers()) {
        let why = format!(
            "this is for the page at http://{address} and for programs that name that address"
        );
        return problem(StatusCode::FORBIDDEN, why);
    }
    next.run(request).await
}

fn over() -> Response {
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "the network is being stopped",
    )
}

async fn network(State(shared): State<Arc<Shared>>) -> Response {
    let (send, answer) = oneshot::channel();
    if shared.commands.send(Command::Look(send)).await.is_err() {
        return over();
    }
    let Ok(mut picture) = answer.await else {
        return over();
    };
    let status = |client: Client| async move { client.within(STATUS_PATIENCE).status().await.ok() };
    let asked = shared
        .nodes
        .iter()
        .map(|(_, client)| status(client.clone()));
    let told = futures::future::join_all(asked).await;
    if let Some(nodes) = picture["nodes"].as_array_mut() {
        for (node, status) in nodes.iter_mut().zip(told) {
            node["status"] = json!(status);
        }
    }
    Json(picture).into_response()
}

/// From the first node that answers: all have the same.
async fn graph(State(shared): State<Arc<Shared>>) -> Response {
    for (_, client) in &shared.nodes {
        if let Ok(graph) = client.clone().within(STATUS_PATIENCE).graph().await {
            return Json(graph).into_response();
        }
    }
    problem(StatusCode::SERVICE_UNAVAILABLE, "no node answers")
}

/// What any node knows that answers, each piece once.
async fn evidence(State(shared): State<Arc<Shared>>) -> Response {
    let ask = |(_, client): &(String, Client)| {
        let client = client.clone().within(STATUS_PATIENCE);
        async move { client.evidence().await }
    };
    let told = futures::future::join_all(shared.nodes.iter().map(ask)).await;
    let all = told.into_iter().flatten().flat_map(|list| list.evidence);
    let all: BTreeMap<String, _> = all.map(|piece| (piece.digest.clone(), piece)).collect();
    let all: Vec<_> = all.into_values().collect();
    Json(json!({"evidence": all})).into_response()
}

async fn events(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let next = last
        .and_then(|id| id.parse::<u64>().ok())
        .map_or(0, |id| id.saturating_add(1));
    let stream = shared.board.from(next);
    let event =
        |Told { id, kind, data }: Told| Event::default().id(id.to_string()).event(kind).data(data);
    let stream = futures::StreamExt::map(stream, move |told| Ok(event(told)));
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn faults(
    State(shared): State<Arc<Shared>>,
    fault: Result<Json<Fault>, JsonRejection>,
) -> Response {
    let fault = match fault {
        Ok(Json(fault)) => fault,
        Err(rejection) => return problem(rejection.status(), rejection.body_text()),
    };
    let (send, answer) = oneshot::channel();
    let done = json!({"done": fault.to_string()});
    if shared
        .commands
        .send(Command::Inflict(fault, send))
        .await
        .is_err()
    {
        return over();
    }
    match answer.await {
        Ok(Ok(())) => Json(done).into_response(),
        Ok(Err(why)) => problem(StatusCode::CONFLICT, why),
        Err(_) => over(),
    }
}

#[derive(Deserialize)]
struct For {
    node: String,
}

async fn values(
    State(shared): State<Arc<Shared>>,
    Query(For { node }): Query<For>,
    body: axum::body::Bytes,
) -> Response {
    let Some((_, client)) = shared.nodes.iter().find(|(name, _)| *name == node) else {
        return problem(StatusCode::NOT_FOUND, format!("there is no node '{node}'"));
    };
    match client.submit(&body, "").await {
        Ok(submitted) => Json(json!({"id": submitted.id})).into_response(),
        Err(error) => problem(StatusCode::BAD_GATEWAY, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page of no nodes, at whose other end every fault is done.
    async fn page() -> Page {
        let (page, mut commands) = serve(Vec::new(), Arc::default()).await.expect("served");
        tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                if let Command::Inflict(_, answer) = command {
                    let _ = answer.send(Ok(()));
                }
            }
        });
        page
    }

    async fn status(request: reqwest::RequestBuilder) -> u16 {
        let answer = request.send().await.expect("answered");
        answer.status().as_u16()
    }

    #[tokio::test]
    async fn pages_of_other_sites_can_do_nothing() {
        let page = page().await;
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("client");
        let faults = format!("{}/v1/faults", page.url);
        let kill = || client.post(&faults).json(&json!({"kill": "n1"}));
        assert_eq!(status(kill()).await, 200);
        assert_eq!(
            status(kill().header("origin", page.url.as_str())).await,
            200
        );
        assert_eq!(
            status(kill().header("origin", "http://evil.example")).await,
            403
        );
        // A name that was pointed to this machine.
        let port = page.url.rsplit(':').next().expect("a port");
        let rebound = format!("evil.example:{port}");
        let origin = format!("http://{rebound}");
        let rebound = kill()
            .header("host", rebound.as_str())
            .header("origin", origin.as_str());
        assert_eq!(status(rebound).await, 403);
        let form = client.post(&faults).body(r#"{"kill":"n1"}"#);
        assert_eq!(status(form).await, 415, "only JSON is read");
        let wrong = client.post(&faults).json(&json!({"kil": "n1"}));
        assert_eq!(status(wrong).await, 422);
    }
}
