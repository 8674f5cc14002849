//! `hpaxos submit`.
//!
//! ```text
//!   arguments, files, input ──values──► submit, some at a time ──answers, in order──► show ──► certificates
//! ```

mod values;

use super::client::{Unanswered, block_on, node};
use super::decision::Certificates;
use super::progress::Progress;
use super::{Exit, fail, print};
use clap::Args;
use consensus::ClientValue;
use crypto::Digest;
use futures::StreamExt;
use hpaxos_client::{Client, Error, Submitted};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};
use values::{Next, Sources, Unread};

/// How long a node may take beyond what it was asked to wait.
const SLACK: Duration = Duration::from_secs(40);

/// How long a node waits at most.
const MAX_WAIT_MS: u64 = 600_000;
/// The most values on their way at once.
const MAX_IN_FLIGHT: u16 = 256;

/// The arguments of `hpaxos submit`.
#[derive(Args, Debug)]
pub struct SubmitArgs {
    /// The node's HTTP address, for example http://127.0.0.1:8001
    #[arg(long, env = "HPAXOS_NODE", value_name = "URL")]
    node: String,
    #[command(flatten)]
    sources: Sources,
    /// Wait until this learner has decided each value
    #[arg(long, value_name = "LEARNER")]
    wait: Option<String>,
    /// How long to wait for each decision
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(..=MAX_WAIT_MS))]
    timeout_ms: u64,
    /// The idempotency key: the same value with another key is another submission
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// So many values are on their way at a time: faster, but they may be decided in another order. They are told in
    /// theirs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_IN_FLIGHT)))]
    in_flight: u16,
    /// Also write the decisions with their certificates to this new file, for `hpaxos decision verify`
    #[arg(long, value_name = "FILE", requires = "wait")]
    certificate: Option<PathBuf>,
    /// Print one JSON object per value
    #[arg(long)]
    json: bool,
}

impl SubmitArgs {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        block_on(self.submit_all()).into()
    }

    async fn submit_all(&self) -> Exit {
        let node = match node(&self.node, SLACK) {
            Ok(node) => node,
            Err(error) => return error.fail(),
        };
        if self.key.is_some() && self.sources.count() != Some(1) {
            return fail(
                Exit::Usage,
                "--key names one submission, so give exactly one value with it",
            );
        }
        // Whatever keeps the certificates from being written is found before anything is submitted.
        let mut certificates = match self.certificates(&node).await {
            Ok(certificates) => certificates,
            Err(exit) => return exit,
        };
        let exit = self.submit_each(&node, certificates.as_mut()).await;
        match certificates.map(Certificates::finish) {
            Some(Err(error)) => error.fail(),
            Some(Ok(())) | None => exit,
        }
    }

    async fn certificates(&self, node: &Client) -> Result<Option<Certificates>, Exit> {
        match (&self.certificate, &self.wait) {
            (Some(path), Some(learner)) => {
                let begun = Certificates::begin(node, learner, path).await;
                begun.map(Some).map_err(|error| {
                    error.fail();
                    fail(error.exit, "nothing was submitted")
                })
            }
            _ => Ok(None),
        }
    }

    async fn submit_each(
        &self,
        node: &Client,
        mut certificates: Option<&mut Certificates>,
    ) -> Exit {
        let progress = Progress::new(self.sources.count(), "values", true);
        let in_flight = usize::from(self.in_flight);
        let values = futures::stream::unfold(self.values(), |mut values| async move {
            Some((values.recv().await?, values))
        });
        let answers = values.map(|next| self.submit(node, next));
        let mut answers = std::pin::pin!(answers.buffered(in_flight));
        while let Some(answer) = answers.next().await {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    drop(progress);
                    let exit = error.fail();
                    if self.in_flight > 1 {
                        let others = self.in_flight - 1;
                        let why = format!(
                            "values after it, {others} at most, may have been submitted as well"
                        );
                        return fail(exit, why);
                    }
                    return exit;
                }
            };
            progress.advance();
            let exit = self.show(&answer.1);
            if exit != Exit::Done {
                return exit;
            }
            if let (Some(certificates), Some(receipt)) = (&mut certificates, &answer.1.receipt) {
                let fetched = certificates.fetch(node, receipt, answer.0).await;
                if let Err(error) = fetched {
                    return error.fail();
                }
            }
        }
        Exit::Done
    }

    /// Reads the values in a thread of its own: who types slowly keeps nothing else waiting.
    fn values(&self) -> Receiver<Next> {
        let (send, values) = channel(1);
        let sources = self.sources.clone();
        std::thread::spawn(move || sources.read(|next| send.blocking_send(next).is_ok()));
        values
    }

    /// Submits a value, and returns what names it with the answer.
    async fn submit(&self, node: &Client, next: Next) -> Result<(Digest, Submitted), Unanswered> {
        let value = next.map_err(|Unread { exit, why }| Unanswered { exit, why })?;
        let key = self.key.as_deref().unwrap_or_default();
        let timeout = Duration::from_millis(self.timeout_ms);
        let answer: Result<Submitted, Error> = match &self.wait {
            Some(learner) => node.decide(&value, key, learner, timeout).await,
            None => node.submit(&value, key).await,
        };
        Ok((self.id(value), answer?))
    }

    /// What names the submission of this value.
    fn id(&self, bytes: Vec<u8>) -> Digest {
        // Space around a header's value is not part of it.
        let key = self.key.as_deref().unwrap_or_default();
        let key = key.trim_matches([' ', '\t']).as_bytes().to_vec();
        ClientValue { key, bytes }.id()
    }

    fn show(&self, answer: &Submitted) -> Exit {
        let (id, receipt) = (&answer.id, &answer.receipt);
        let decided = receipt.is_some();
        if self.json {
            let mut object = json!({"event": "submitted", "id": id, "decided": decided});
            let receipt = receipt.as_ref().map(serde_json::to_value);
            if let (Some(object), Some(Ok(Value::Object(receipt)))) =
                (object.as_object_mut(), receipt)
            {
                object.extend(receipt);
            }
            print(object);
        } else if let Some(at) = receipt {
            print(format!(
                "{id} decided by {} in slot {}, ballot {}",
                at.learner, at.slot, at.ballot
            ));
        } else {
            print(id);
        }
        match &self.wait {
            Some(learner) if !decided => fail(
                Exit::Failed,
                format!(
                    "{learner} has not decided it within {} ms; the node keeps the value and goes on",
                    self.timeout_ms
                ),
            ),
            _ => Exit::Done,
        }
    }
}
