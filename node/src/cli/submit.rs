//! `hpaxos submit`.

use super::{Exit, fail, print};
use clap::Args;
use consensus::MAX_VALUE_BYTES;
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};
use std::io::{BufRead, Read};
use std::process::ExitCode;
use std::time::Duration;

/// How long a node may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
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
    /// Print one JSON object per value
    #[arg(long)]
    json: bool,
}

impl SubmitArgs {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.submit_all()).into(),
            Err(error) => fail(Exit::Failed, error).into(),
        }
    }

    async fn submit_all(&self) -> Exit {
        let url = match self.url() {
            Ok(url) => url,
            Err(why) => return fail(Exit::Usage, why),
        };
        let from_input = self.values.iter().any(|v| v == "-");
        if self.key.is_some() && (self.values.len() > 1 || from_input) {
            return fail(
                Exit::Usage,
                "--key names one submission, so give exactly one value with it",
            );
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_millis(self.timeout_ms).saturating_add(SLACK))
            .build();
        let client = match client {
            Ok(client) => client,
            Err(error) => return fail(Exit::Failed, error),
        };
        for value in &self.values {
            let exit = match value.as_str() {
                "-" => self.submit_lines(&client, &url).await,
                value => self.submit(&client, &url, value.as_bytes().to_vec()).await,
            };
            if exit != Exit::Done {
                return exit;
            }
        }
        Exit::Done
    }

    fn url(&self) -> Result<Url, String> {
        let with_scheme = match self.node.contains("://") {
            true => self.node.clone(),
            false => format!("http://{}", self.node),
        };
        let wrong = |why: &dyn std::fmt::Display| {
            format!(
                "--node {}: {why}; write for example http://127.0.0.1:8001",
                self.node
            )
        };
        let mut url = Url::parse(&with_scheme).map_err(|e| wrong(&e))?;
        if url.scheme() != "http" {
            return Err(wrong(&"only http is spoken"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(&"this is more than a node's address"));
        }
        url.set_path("/v1/values");
        url.set_query(None);
        if let Some(learner) = &self.wait {
            url.query_pairs_mut()
                .append_pair("wait", learner)
                .append_pair("timeout_ms", &self.timeout_ms.to_string());
        }
        Ok(url)
    }

    async fn submit_lines(&self, client: &Client, url: &Url) -> Exit {
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
            let exit = self.submit(client, url, line).await;
            if exit != Exit::Done {
                return exit;
            }
        }
        Exit::Done
    }

    async fn submit(&self, client: &Client, url: &Url, value: Vec<u8>) -> Exit {
        let mut request = client.post(url.clone()).body(value);
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let why =
                    std::error::Error::source(&error).map_or(String::new(), |s| format!(": {s}"));
                return fail(Exit::Failed, format!("cannot reach {}{why}", self.node));
            }
        };
        let status = response.status();
        let answer: Value = match response.json().await {
            Ok(answer) => answer,
            Err(error) => {
                return fail(
                    Exit::Failed,
                    format!("{} answered no JSON: {error}", self.node),
                );
            }
        };
        self.show(status, &answer)
    }

    fn show(&self, status: StatusCode, answer: &Value) -> Exit {
        if !status.is_success() {
            let detail = answer["detail"].as_str().unwrap_or("no reason was given");
            let exit = if status.is_server_error() {
                Exit::Failed
            } else {
                Exit::Bad
            };
            return fail(exit, format!("{}: {detail}", status.as_u16()));
        }
        let decided = answer["decided"] == json!(true);
        if self.json {
            let mut object = json!({"event": "submitted"});
            if let (Some(object), Some(answer)) = (object.as_object_mut(), answer.as_object()) {
                object.extend(answer.clone());
            }
            print(object);
        } else if decided {
            print(format!(
                "{} decided by {} in slot {}, ballot {}",
                answer["id"].as_str().unwrap_or("?"),
                answer["learner"].as_str().unwrap_or("?"),
                answer["slot"],
                answer["ballot"],
            ));
        } else {
            print(answer["id"].as_str().unwrap_or("?"));
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
