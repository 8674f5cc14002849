//! One page for a whole network: what all nodes say, and buttons for faults. It listens on this machine only.
//!
//! | route | what |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /v1/network` | nodes, links and disks as they stand, each node's own status among them |
//! | `GET /v1/graph` | the learner graph, from a node |
//! | `GET /v1/graph/analysis?crashed=A1,A2&byzantine=A3` | what it bears after these faults, from a node |
//! | `GET /v1/evidence` | what any of the nodes knows |
//! | `GET /v1/events` | what all nodes say, as server-sent events; `divergence`: how a pair of learners differs, as it stands |
//! | `POST /v1/faults` | a [`Fault`], done when it answers 200 |
//! | `POST /v1/values?node=NAME` | a value for a node |
//! | `GET /healthz` | that the page is there |
//!
//! What is refused is answered as nodes do it: with a problem document.

pub mod board;
mod files;
mod problem;

use crate::failure::Failure;
use crate::fault::{Fault, Undone};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use board::{Board, Told};
use futures::Stream;
use hpaxos_client::{Client, Error};
use node::page::is_foreign;
use problem::Kind;
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

/// Nodes that are named to somebody who looks for one.
const NAMED: usize = 8;

/// What the page asks of the run.
#[derive(Debug)]
pub enum Command {
    /// Do this; the answer says why not.
    Inflict(Fault, oneshot::Sender<Result<(), Undone>>),
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
        .route("/v1/graph/analysis", get(analysis))
        .route("/v1/events", get(events))
        .route("/v1/faults", post(faults))
        .route("/v1/evidence", get(evidence))
        .route("/v1/values", post(values))
        .route("/healthz", get(async || "ok\n"))
        .fallback(elsewhere)
        .method_not_allowed_fallback(async || {
            Kind::METHOD
                .with("the route has no such method; the `allow` header names those that it has")
        })
        .layer(DefaultBodyLimit::max(node::MAX_VALUE_BYTES))
        .layer(middleware::from_fn(move |request, next| {
            own(address, request, next)
        }))
        .with_state(shared);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let url = format!("http://{address}");
    Ok((Page { url, server }, receiver))
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
        return Kind::FOREIGN.with(why);
    }
    next.run(request).await
}

/// Whoever takes this for a node is told where the nodes are.
async fn elsewhere(State(shared): State<Arc<Shared>>) -> Response {
    let nodes = shared.addresses();
    Kind::NOT_FOUND.with(format!(
        "no such route: this is the page of a whole network, which GET / shows, and no node; a node's own API is at {nodes}"
    ))
}

impl Shared {
    /// Where the nodes are, in words.
    fn addresses(&self) -> String {
        let named = self.nodes.iter().take(NAMED);
        let words: Vec<String> = named
            .map(|(name, client)| format!("{} ({name})", client.url()))
            .collect();
        match (words.len(), self.nodes.len() - words.len()) {
            (0, _) => "no address: there are no nodes".to_owned(),
            (_, 0) => words.join(", "),
            (_, more) => format!("{} and {more} more", words.join(", ")),
        }
    }
}

fn over() -> Response {
    Kind::UNAVAILABLE.with("the network is being stopped")
}

/// How the nodes, links and disks stand; nothing if the run is over.
async fn look(shared: &Shared) -> Option<Value> {
    let (send, answer) = oneshot::channel();
    shared.commands.send(Command::Look(send)).await.ok()?;
    answer.await.ok()
}

async fn network(State(shared): State<Arc<Shared>>) -> Response {
    let Some(mut picture) = look(&shared).await else {
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
    Kind::UNAVAILABLE.with("no node answers")
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Faults {
    crashed: String,
    byzantine: String,
}

/// From the first node that answers now: it may take its time for this.
async fn analysis(
    State(shared): State<Arc<Shared>>,
    faults: Result<Query<Faults>, QueryRejection>,
) -> Response {
    let Ok(Query(faults)) = faults else {
        let words = "there are the parameters `crashed` and `byzantine`, each once";
        return Kind::BAD_REQUEST.with(words);
    };
    for (_, client) in &shared.nodes {
        let quick = client.clone().within(STATUS_PATIENCE);
        if quick.status().await.is_err() {
            continue;
        }
        return match client
            .graph_analysis(&faults.crashed, &faults.byzantine)
            .await
        {
            Ok(found) => Json(found).into_response(),
            Err(Error::Refused { problem, .. }) if problem.status == 400 => {
                Kind::BAD_REQUEST.with(problem.detail)
            }
            Err(error) => Kind::NODE.with(error),
        };
    }
    Kind::UNAVAILABLE.with("no node answers")
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
    let event = |Told { id, kind, data }: Told| {
        let event = Event::default().event(kind).data(data);
        match id {
            Some(id) => event.id(id.to_string()),
            None => event,
        }
    };
    let stream = futures::StreamExt::map(stream, move |told| Ok(event(told)));
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn faults(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let Json(body) = match body {
        Ok(body) => body,
        Err(rejection) => return Kind::of(rejection.status()).with(in_words(&rejection)),
    };
    let fault = match Fault::deserialize(body) {
        Ok(fault) => fault,
        Err(error) => return Kind::NO_FAULT.with(format!("{error}; {A_FAULT}")),
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
        Ok(Err(Undone::Never(why))) => Kind::NO_FAULT.with(why),
        Ok(Err(Undone::NotNow(why))) => Kind::NOT_NOW.with(why),
        Err(_) => over(),
    }
}

const A_FAULT: &str = "a fault is an object with one entry, for example {\"kill\":\"n1\"}";

/// What is wrong with a body that is no JSON, without the words of the machinery.
fn in_words(rejection: &JsonRejection) -> String {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            "the header `content-type: application/json` is missing".to_owned()
        }
        other => {
            let text = other.body_text();
            let cause = text
                .split_once(": ")
                .map_or(text.as_str(), |(_, cause)| cause);
            format!("{cause}; {A_FAULT}")
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct For {
    node: String,
}

/// Why a node takes no value now, if the testnet knows.
async fn away(shared: &Shared, node: &str) -> Option<String> {
    let picture = look(shared).await?;
    let found = picture["nodes"]
        .as_array()?
        .iter()
        .find(|n| n["name"] == node)?;
    match found["state"].as_str()? {
        "up" => None,
        state => Some(format!(
            "{node} is {state}, and takes no values; choose another node"
        )),
    }
}

async fn values(
    State(shared): State<Arc<Shared>>,
    whom: Result<Query<For>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let names: Vec<&str> = shared.nodes.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let Ok(Query(For { node })) = whom else {
        let nodes = shared.addresses();
        return Kind::BAD_REQUEST.with(format!(
            "the parameter `node` is missing, or is not the only one: this is the page of a whole network, which takes a \
             value with ?node= and one of {names}; a node's own API, which can wait for decisions, is at {nodes}"
        ));
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Kind::of(rejection.status()).with(rejection.body_text()),
    };
    let Some((_, client)) = shared.nodes.iter().find(|(name, _)| *name == node) else {
        return Kind::NOT_FOUND.with(format!("there is no node '{node}'; there are {names}"));
    };
    if let Some(why) = away(&shared, &node).await {
        return Kind::NOT_NOW.with(why);
    }
    match client.submit(&body, "").await {
        Ok(submitted) => Json(json!({"id": submitted.id})).into_response(),
        Err(error) => Kind::NODE.with(error),
    }
}

#[cfg(test)]
mod tests;
