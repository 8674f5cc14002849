//! Connections: how many there may be, for how long, and what becomes of them when the node ends.
//!
//! ```text
//!   accept ──► room for one more? ──yes──► serve until it ends, says nothing for long, or does not read
//!                     └──no──► say so to a few, and close
//! ```

use super::patient::Patient;
use super::problem::Problem;
use super::{Api, router};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// So many are told at once that there is no room; others are closed without a word.
const REFUSALS: usize = 64;
/// How long somebody who is to be told so may take to ask.
const REFUSAL_TIME: Duration = Duration::from_secs(2);
/// The pause after the system could not give a connection: it has run out of files.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client(pub(super) IpAddr);

/// Serves until told to stop; requests in progress are finished.
pub(crate) async fn serve(listener: TcpListener, api: Arc<Api>) -> io::Result<()> {
    let routes = TowerToHyperService::new(router(Arc::clone(&api)));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut stop = api.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Those that have ended are forgotten.
            Some(_) = connections.join_next() => continue,
            // An error means that whoever could say it is gone: stop as well.
            _ = stop.changed() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            // One that was closed before it was accepted is no reason to wait.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an HTTP connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // It makes small answers quick, and is no loss without.
        let _ = stream.set_nodelay(true);
        let client = Client(address.ip());
        let place = match api.connections_of.take(client.0) {
            None => Err("http_connections_per_address"),
            Some(own) => match api.connections.take() {
                None => Err("http_connections"),
                Some(place) => Ok((own, place)),
            },
        };
        let limit = match place {
            Ok(place) => {
                let routes = routes.clone();
                let service = service_fn(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(client);
                    routes.call(request)
                });
                let served = connection(stream, service, api.idle, true, api.stop.clone());
                connections.spawn(async move {
                    let _place = place;
                    served.await;
                });
                continue;
            }
            Err(limit) => limit,
        };
        api.view.metrics.dropped(limit, 1);
        if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
            let stop = api.stop.clone();
            let service = service_fn(move |_| refuse(limit));
            let refused = connection(stream, service, REFUSAL_TIME, false, stop);
            connections.spawn(async move {
                let _place = place;
                // Whatever it does, it is over soon.
                let _ = tokio::time::timeout(2 * REFUSAL_TIME, refused).await;
            });
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Answers the requests of one connection until it ends. `idle` is how long the other end may take to send the head
/// of a request, the first as well as the next, and to read on when it is sent something: see [`Patient`].
async fn connection<S>(
    stream: TcpStream,
    service: S,
    idle: Duration,
    keep_alive: bool,
    mut stop: watch::Receiver<bool>,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let io = TokioIo::new(Patient::new(stream, idle));
    let mut served = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .keep_alive(keep_alive)
            .serve_connection(io, service)
    );
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        _ = stop.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "an HTTP connection ended");
    }
}

async fn refuse(limit: &'static str) -> Result<Response, Infallible> {
    let words = format!("too many connections (limits.{limit})");
    let mut response = Problem::too_many(words).into_response();
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    Ok(response)
}
