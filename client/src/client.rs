//! A client of one node.

use crate::answer::{EVIDENCE_BYTES, MAX_ANSWER_BYTES, Origin, cause};
use crate::error::Error;
use crate::graph::{EvidenceList, Graph};
use crate::retry::WhileBusy;
use crate::status::Status;
use crate::tls::http_client;
use crate::value::Page;
use reqwest::{RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// How long a node may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long a node may take to answer, if nothing else is said.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Connections, which the clients of several nodes share.
#[derive(Clone, Debug)]
pub struct Connections(reqwest::Client);

impl Connections {
    /// No connections yet.
    ///
    /// # Errors
    /// [`Error::NoSockets`] if the system cannot make any.
    pub fn new() -> Result<Connections, Error> {
        // Nodes are on this machine or addressed on purpose: a proxy would only be in the way.
        let http = http_client()
            // Only http is spoken: a machine without certificates will do.
            .tls_certs_only([])
            .no_proxy()
            .connect_timeout(CONNECT_PATIENCE)
            .build();
        http.map(Connections)
            .map_err(|e| Error::NoSockets(cause(&e)))
    }

    /// A client of the node at an address such as `http://127.0.0.1:8001`; without `http://` it needs a port.
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Address`] if this is no such address.
    pub fn node(&self, url: &str) -> Result<Client, Error> {
        Ok(Client {
            http: self.0.clone(),
            base: base(url)?,
            url: url.to_owned(),
            patience: ANSWER_PATIENCE,
            busy: Duration::ZERO,
        })
    }
}

/// A client of one node. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    url: String,
    patience: Duration,
    busy: Duration,
}

impl Client {
    /// A client of the node at an address such as `http://127.0.0.1:8001`. Nothing is asked yet.
    ///
    /// # Errors
    /// If this is no such address, or the system cannot make connections.
    pub fn connect(url: &str) -> Result<Client, Error> {
        Connections::new()?.node(url)
    }

    /// The same, for a node that may take so long to answer, beyond what it is asked to wait: 10 s otherwise.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Client {
        self.patience = patience;
        self
    }

    /// The same, which asks a busy node again, as it says when, for so long. Otherwise [`Error::Busy`] is
    /// the answer.
    #[must_use]
    pub fn retrying(mut self, patience: Duration) -> Client {
        self.busy = patience;
        self
    }

    /// The address of the node, as it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the node stands.
    ///
    /// # Errors
    /// If the node does not answer, or with something else.
    pub async fn status(&self) -> Result<Status, Error> {
        self.json(&["v1", "status"], &[], MAX_ANSWER_BYTES).await
    }

    /// Asks whether the node takes part.
    ///
    /// # Errors
    /// [`Error::Busy`] with the reason if it does not yet, or no longer; otherwise if it does not answer.
    pub async fn ready(&self) -> Result<(), Error> {
        self.bytes(&["readyz"], &[], MAX_ANSWER_BYTES).await?;
        Ok(())
    }

    /// The learner graph and who plays it.
    ///
    /// # Errors
    /// If the node does not answer, or with something else.
    pub async fn graph(&self) -> Result<Graph, Error> {
        self.json(&["v1", "graph"], &[], MAX_ANSWER_BYTES).await
    }

    /// What the learner graph bears after the crash of some acceptors and the lies of others, each as a list with
    /// commas: JSON as the node answers it.
    ///
    /// # Errors
    /// If the node does not answer, or there are no such acceptors.
    pub async fn graph_analysis(&self, crashed: &str, byzantine: &str) -> Result<Value, Error> {
        let query = [("crashed", crashed), ("byzantine", byzantine)];
        let path = ["v1", "graph", "analysis"];
        self.json(&path, &query, MAX_ANSWER_BYTES).await
    }

    /// All evidence that the node knows.
    ///
    /// # Errors
    /// If the node does not answer, or with something else.
    pub async fn evidence(&self) -> Result<EvidenceList, Error> {
        self.json(&["v1", "evidence"], &[], EVIDENCE_BYTES).await
    }

    /// Decisions of a learner that the node plays, from a slot on: at most `limit`, of which a node
    /// gives 1000 at once, and fewer of them if they are long.
    ///
    /// # Errors
    /// If the node does not answer, or does not play the learner.
    pub async fn page(&self, learner: &str, from: u64, limit: usize) -> Result<Page, Error> {
        let path = ["v1", "learners", learner, "decisions"];
        let (from, limit) = (from.to_string(), limit.to_string());
        let query = [("from", from.as_str()), ("limit", limit.as_str())];
        let mut page: Page = self.json(&path, &query, MAX_ANSWER_BYTES).await?;
        for decision in &mut page.decisions {
            learner.clone_into(&mut decision.learner);
        }
        Ok(page)
    }

    /// A decision of any learner with the signatures that prove it: one line of JSON, without its end, as
    /// `hpaxos decision verify` reads it.
    ///
    /// # Errors
    /// If the node does not answer, or does not have it.
    pub async fn certificate(&self, learner: &str, slot: u64) -> Result<String, Error> {
        let slot = slot.to_string();
        let path = ["v1", "decisions", learner, &slot, "certificate"];
        let (bytes, origin) = self.bytes(&path, &[], MAX_ANSWER_BYTES).await?;
        let mut line = String::from_utf8(bytes).map_err(|_| origin.unreadable("no text"))?;
        if line.ends_with('\n') {
            line.pop();
        }
        Ok(line)
    }

    /// The JSON of a successful answer to `GET` of the path of these parts, of at most so many bytes.
    async fn json<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        limit: usize,
    ) -> Result<T, Error> {
        let (bytes, origin) = self.bytes(path, query, limit).await?;
        serde_json::from_slice(&bytes).map_err(|e| origin.unreadable(e))
    }

    async fn bytes(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        limit: usize,
    ) -> Result<(Vec<u8>, Origin), Error> {
        let url = self.address(path, query);
        let origin = self.origin(&url);
        let request = || self.http.get(url.clone()).timeout(self.patience);
        let bytes = self.ask(request, &origin, limit).await?;
        Ok((bytes, origin))
    }

    /// Asks, and asks again while the node is busy, if that is wanted.
    pub(crate) async fn ask(
        &self,
        request: impl Fn() -> RequestBuilder + Send + Sync,
        origin: &Origin,
        limit: usize,
    ) -> Result<Vec<u8>, Error> {
        let mut busy = WhileBusy::new(self.busy);
        loop {
            let answer = match request().send().await {
                Ok(answer) => origin.bytes(answer, limit).await,
                Err(error) => Err(origin.no_answer(&error)),
            };
            match answer {
                Ok(bytes) => return Ok(bytes),
                Err(error) => busy.pause(error).await?,
            }
        }
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// How long a busy node is asked again.
    pub(crate) fn busy(&self) -> Duration {
        self.busy
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn origin(&self, url: &Url) -> Origin {
        Origin {
            url: self.url.clone(),
            path: url.path().to_owned(),
        }
    }

    /// The path of these parts, which are percent-encoded.
    pub(crate) fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        // Every http address has a path.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.clear().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

fn base(node: &str) -> Result<Url, Error> {
    let with_scheme = match node.contains("://") {
        true => node.to_owned(),
        false => format!("http://{node}"),
    };
    let wrong = |why: &dyn std::fmt::Display| Error::Address {
        url: node.to_owned(),
        why: why.to_string(),
    };
    let url = Url::parse(&with_scheme).map_err(|e| wrong(&e))?;
    // A word alone is more likely a slip than a node at the port of the web.
    if !node.contains(':') {
        return Err(wrong(&"no port"));
    }
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

    #[test]
    fn addresses_are_those_of_nodes() {
        for good in [
            "http://127.0.0.1:8001",
            "http://n1:80/",
            "127.0.0.1:8001",
            "[::1]:8001",
            "n1:80",
        ] {
            assert!(Client::connect(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "nonsense",
            "https://n1",
            "http://n1/v1",
            "http://n1?x=y",
            "http://n1#x",
            "a b",
        ] {
            let refused = Client::connect(bad).map(|client| client.url).unwrap_err();
            assert!(matches!(refused, Error::Address { .. }), "{bad}: {refused}");
        }
    }

    #[test]
    fn names_are_encoded() {
        let client = Client::connect("http://n1:80").expect("an address");
        let url = client.address(&["v1", "a/b?c"], &[("from", "1&2")]);
        assert_eq!(url.as_str(), "http://n1/v1/a%2Fb%3Fc?from=1%262");
    }
}
