//! `hpaxos submit`.

use super::client::{Unanswered, block_on, node};
use super::decision::Certificates;
use super::{Exit, fail, print};
use clap::Args;
use consensus::{ClientValue, MAX_VALUE_BYTES};
use crypto::Digest;
use hpaxos_client::{Client, Submitted};
use serde_json::{Value, json};
use std::io::{BufRead, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How long a node may take beyond what it was asked to wait.
const SLACK: Duration = Duration::from_secs(40);

/// How long a node waits at most.
const MAX_WAIT_MS: u64 = 600_000;

/// The arguments of `hpaxos submit`.
#[derive(Args, Debug)]
pub struct SubmitArgs {
    /// The node's HTTP address, for example http://127.0.0.1:8001
    #[arg(long, env = "HPAXOS_NODE", value_name = "URL")]
    node: String,
    /// The values, in this order; `-` stands for the lines of standard input
    #[arg(required = true, value_name = "VALUE")]
    values: Vec<String>,
    /// Wait until this learner has decided each value
    #[arg(long, value_name = "LEARNER")]
    wait: Option<String>,
    /// How long to wait for each decision
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(..=MAX_WAIT_MS))]
    timeout_ms: u64,
    /// The idempotency key: the same value with another key is another submission
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
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
        let from_input = self.values.iter().any(|v| v == "-");
        if self.key.is_some() && (self.values.len() > 1 || from_input) {
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
        for value in &self.values {
            let exit = match value.as_str() {
                "-" => self.submit_lines(node, certificates.as_deref_mut()).await,
                value => {
                    let value = value.as_bytes().to_vec();
                    self.submit(node, value, certificates.as_deref_mut()).await
                }
            };
            if exit != Exit::Done {
                return exit;
            }
        }
        Exit::Done
    }

    async fn submit_lines(
        &self,
        node: &Client,
        mut certificates: Option<&mut Certificates>,
    ) -> Exit {
        let mut input = std::io::stdin().lock();
        for number in 1u64.. {
            let mut line = Vec::new();
            let bound = MAX_VALUE_BYTES as u64 + 2;
            match (&mut input).take(bound).read_until(b'\n', &mut line) {
                Ok(0) => return Exit::Done,
                Ok(_) => {}
                Err(error) => return fail(Exit::Failed, format!("cannot read the input: {error}")),
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            if line.len() > MAX_VALUE_BYTES {
                let why = format!(
                    "line {number} of the input is too long: a value has at most {MAX_VALUE_BYTES} \
                     bytes; nothing was submitted from here on"
                );
                return fail(Exit::Bad, why);
            }
            let exit = self.submit(node, line, certificates.as_deref_mut()).await;
            if exit != Exit::Done {
                return exit;
            }
        }
        Exit::Done
    }

    async fn submit(
        &self,
        node: &Client,
        value: Vec<u8>,
        certificates: Option<&mut Certificates>,
    ) -> Exit {
        let key = self.key.as_deref().unwrap_or_default();
        let timeout = Duration::from_millis(self.timeout_ms);
        let answer = match &self.wait {
            Some(learner) => node.decide(&value, key, learner, timeout).await,
            None => node.submit(&value, key).await,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Unanswered::from(error).fail(),
        };
        let exit = self.show(&answer);
        match (certificates, &answer.receipt) {
            (Some(certificates), Some(receipt)) if exit == Exit::Done => {
                match certificates.fetch(node, receipt, self.id(&value)).await {
                    Ok(()) => Exit::Done,
                    Err(error) => error.fail(),
                }
            }
            _ => exit,
        }
    }

    /// What names the submission of this value.
    fn id(&self, value: &[u8]) -> Digest {
        // Space around a header's value is not part of it.
        let key = self.key.as_deref().unwrap_or_default();
        let key = key.trim_matches([' ', '\t']).as_bytes();
        let (key, bytes) = (key.to_vec(), value.to_vec());
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
