//! `hpaxos submit --certificate`: the decisions of what is submitted, with what proves them.

use super::fetch::fetch;
use super::out::Out;
use super::uncertified;
use crate::cli::Exit;
use crate::cli::client::Unanswered;
use crypto::Digest;
use hpaxos_client::{Client, Receipt};
use std::io;
use std::path::Path;

/// The file that they go to.
#[derive(Debug)]
pub(crate) struct Certificates {
    learner: String,
    out: Out,
    /// The slot written last: values that are decided together share a line.
    last: Option<u64>,
}

impl Certificates {
    /// Makes the file, if the node's network has certificates.
    pub(crate) async fn begin(
        node: &Client,
        learner: &str,
        path: &Path,
    ) -> Result<Certificates, Unanswered> {
        if path == Path::new("-") {
            let why = "--certificate needs a file of its own: what is submitted is told on standard output";
            return Err(Unanswered {
                exit: Exit::Usage,
                why: why.to_owned(),
            });
        }
        let status = node.status().await?;
        if let Some(why) = uncertified(&status.mode) {
            let exit = Exit::Bad;
            return Err(Unanswered { exit, why });
        }
        Ok(Certificates {
            learner: learner.to_owned(),
            out: Out::open(Some(path)).map_err(|error| unwritten(&error))?,
            last: None,
        })
    }

    /// Writes the decision of a value, of which the node has answered that it is made.
    pub(crate) async fn fetch(
        &mut self,
        node: &Client,
        answer: &Receipt,
        id: Digest,
    ) -> Result<(), Unanswered> {
        let failed = |why: &str| Unanswered {
            exit: Exit::Failed,
            why: format!(
                "the value is decided, but its certificate is not written: {why}; \
                 `hpaxos decision export` can ask for it later, or another node"
            ),
        };
        let slot = answer.slot;
        if self.last == Some(slot) {
            return Ok(());
        }
        let fetched = fetch(node, &self.learner, slot).await;
        let fetched = fetched.map_err(|error| failed(&error.why))?;
        if answer.digest != fetched.claim.digest().to_string() {
            return Err(failed("the node's answer is of another batch"));
        }
        if fetched.claim.values().iter().all(|value| value.id != id) {
            return Err(failed(&format!(
                "it is not among the values of slot {slot}"
            )));
        }
        self.out
            .line(&fetched.line)
            .map_err(|error| unwritten(&error))?;
        self.last = Some(slot);
        Ok(())
    }

    /// Makes what was written durable.
    pub(crate) fn finish(self) -> Result<(), Unanswered> {
        self.out.finish().map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &io::Error) -> Unanswered {
    Unanswered {
        exit: Exit::Failed,
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::ValueJson;
    use crate::testing::served;
    use axum::Router;
    use axum::routing::get;
    use consensus::ClientValue;
    use serde_json::json;

    /// Slot 3 of alice.
    const LINE: &str = include_str!("../../decision/golden.ndjson");

    /// A node that has the same answer for every slot.
    async fn node(mode: &'static str) -> Client {
        let status = json!({"node": "n1", "mode": mode, "network": "test", "network_id": "00", "phase": "ready"});
        let status = status.to_string();
        let router = Router::new()
            .route("/v1/status", get(|| async { status }))
            .route(
                "/v1/decisions/alice/{slot}/certificate",
                get(|| async { LINE }),
            );
        Client::connect(&served(router).await).unwrap()
    }

    fn id(bytes: &[u8]) -> Digest {
        ValueJson::new(&ClientValue::new(Vec::new(), bytes.to_vec()).unwrap()).id
    }

    fn receipt(slot: u64, digest: &str) -> Receipt {
        Receipt {
            slot,
            digest: digest.to_owned(),
            ..Receipt::default()
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_the_decision_of_what_was_submitted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        let node = node("hpaxos").await;
        let begun = Certificates::begin(&node, "alice", &path).await;
        let mut certificates = begun.unwrap_or_else(|e| panic!("{e:?}"));
        let digest = LINE.split("\"digest\":\"").nth(1).unwrap();
        let digest = digest.split('"').next().unwrap();
        let paid = id(b"alice pays bob 5");
        for (answer, id, why) in [
            (receipt(4, digest), paid, "it is of slot 3"),
            (receipt(3, &id(b"").to_string()), paid, "of another batch"),
            (receipt(3, digest), id(b"not this"), "not among the values"),
        ] {
            let refused = certificates.fetch(&node, &answer, id).await.unwrap_err();
            assert!(refused.why.contains(why), "{}", refused.why);
        }
        // Written once, though two values are in it.
        let answer = receipt(3, digest);
        for id in [paid, id(b"\xff\x00")] {
            let kept = certificates.fetch(&node, &answer, id).await;
            kept.unwrap_or_else(|e| panic!("{e:?}"));
        }
        certificates.finish().unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), LINE);
    }

    #[tokio::test]
    async fn standard_output_is_for_something_else() {
        let node = node("hpaxos").await;
        let begun = Certificates::begin(&node, "alice", Path::new("-")).await;
        assert_eq!(begun.unwrap_err().exit, Exit::Usage);
    }

    #[tokio::test]
    async fn without_certificates_there_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        let node = node("disk-paxos").await;
        let refused = Certificates::begin(&node, "alice", &path)
            .await
            .unwrap_err();
        assert_eq!(refused.exit, Exit::Bad);
        assert!(refused.why.contains("no certificates"), "{}", refused.why);
        assert!(!path.exists());
    }
}
