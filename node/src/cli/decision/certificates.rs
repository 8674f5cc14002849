//! `hpaxos submit --certificate`: the decisions of what is submitted, with what proves them.

use super::fetch::fetch;
use super::out::Out;
use super::uncertified;
use crate::cli::Exit;
use crate::cli::client::{Api, Unanswered};
use crypto::Digest;
use serde_json::Value;
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
        api: &Api,
        learner: &str,
        path: &Path,
    ) -> Result<Certificates, Unanswered> {
        let status = api.json(api.get(&["v1", "status"])).await?;
        if let Some(why) = uncertified(status["mode"].as_str().unwrap_or("?")) {
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
        api: &Api,
        answer: &Value,
        id: Digest,
    ) -> Result<(), Unanswered> {
        let failed = |why: &str| Unanswered {
            exit: Exit::Failed,
            why: format!(
                "the value is decided, but its certificate is not written: {why}; \
                 `hpaxos decision export` can ask for it later, or another node"
            ),
        };
        let slot = answer["slot"].as_u64();
        let slot = slot.ok_or_else(|| failed("the node does not say in which slot"))?;
        if self.last == Some(slot) {
            return Ok(());
        }
        let fetched = fetch(api, &self.learner, slot).await;
        let fetched = fetched.map_err(|error| failed(&error.why))?;
        if answer["digest"] != fetched.claim.digest().to_string() {
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
