//! Networks of real nodes in this process, on real sockets.

use crypto::{Keypair, PublicKey};
use node::ports::{self, Lease};
use node::{Config, Node, Observers, StartError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far longer than anything here takes, even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Ports that no other test gets, in this process or in another one, for as long as this process lives.
pub(crate) fn free_ports(n: usize) -> Vec<u16> {
    static LEASES: Mutex<Vec<Lease>> = Mutex::new(Vec::new());
    let leases = ports::lease(n).expect("free ports");
    let numbers = leases.iter().map(Lease::port).collect();
    LEASES.lock().expect("no panic").extend(leases);
    numbers
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A directory with a configuration and keys, and the nodes that run.
pub(crate) struct TestNet {
    pub(crate) dir: TempDir,
    pub(crate) config: Config,
    pub(crate) text: String,
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) client: reqwest::Client,
    /// Who watches the nodes.
    pub(crate) observers: Observers,
}

/// Four acceptors, one of which may be Byzantine, and two learners that differ in their quorums.
pub(crate) const GRAPH: &str = r#"
network = "test"
acceptors = ["a1", "a2", "a3", "a4"]
[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
[learners]
alice = "any3"
bob = { sets = [["a1", { threshold = 2, of = ["a2", "a3", "a4"] }]] }
[[safe]]
between = ["alice", "bob"]
when = "any3"
[limits]
patience_ms = 300
sync_ms = 50
redial_max_ms = 500
"#;

impl TestNet {
    /// Nodes n1 to n4 play a1 to a4, propose, and play both learners. `more` says what else is in
    /// the table of each, and may add nodes of its own.
    pub(crate) fn new(more: impl Fn(&str) -> String) -> TestNet {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut text = GRAPH.to_owned();
        for (i, port) in (1..=4).zip(free_ports(4)) {
            let name = format!("n{i}");
            let key = new_key(&dir, &name);
            text.push_str(&format!(
                "[nodes.{name}]\nkey = \"{key}\"\nacceptor = \"a{i}\"\nproposer = true\n\
                 learners = [\"alice\", \"bob\"]\naddress = \"/ip4/127.0.0.1/tcp/{port}\"\n\
                 http = \"127.0.0.1:0\"\n{}\n",
                more(&name)
            ));
        }
        TestNet::of(dir, text)
    }

    /// A network from its configuration's text.
    pub(crate) fn of(dir: TempDir, text: String) -> TestNet {
        std::fs::write(dir.path().join("net.toml"), &text).expect("written");
        let config = Config::parse(&text, "net.toml").expect("a good configuration");
        let client = hpaxos_client::http_client()
            .timeout(DEADLINE)
            .build()
            .expect("a client");
        TestNet {
            dir,
            config,
            text,
            nodes: BTreeMap::new(),
            client,
            observers: Observers::default(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) async fn try_start(&self, name: &str) -> Result<Node, StartError> {
        let (key, data) = (self.path(&format!("{name}.key")), self.path(name));
        Node::start_observed(&self.config, name, &key, &data, &self.observers).await
    }

    /// Starts a node and waits until it takes part.
    pub(crate) async fn start(&mut self, name: &str) {
        let node = self.try_start(name).await.expect("it starts");
        assert!(node.ready().await);
        self.nodes.insert(name.to_owned(), node);
    }

    pub(crate) async fn start_all(&mut self) {
        let names: Vec<String> = self.config.nodes.iter().map(|n| n.name.clone()).collect();
        for name in names {
            self.start(&name).await;
        }
    }

    pub(crate) async fn stop(&mut self, name: &str) {
        let node = self.nodes.remove(name).expect("it runs");
        node.stop().await.expect("it stops");
    }

    /// Where a node's HTTP API is.
    pub(crate) fn address(&self, node: &str) -> String {
        let address = self.nodes[node].http().expect("an HTTP address");
        format!("http://{address}")
    }

    fn url(&self, node: &str, path: &str) -> String {
        format!("{}{path}", self.address(node))
    }

    /// Runs the program in the network's directory, beside the nodes, which live in this process.
    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpaxos"));
        command.args(args).current_dir(self.dir.path());
        let output = tokio::task::spawn_blocking(move || command.output());
        output.await.expect("no panic").expect("it runs")
    }

    pub(crate) async fn get(&self, node: &str, path: &str) -> Value {
        let response = self
            .client
            .get(self.url(node, path))
            .send()
            .await
            .expect("an answer");
        response.json().await.expect("JSON")
    }

    /// Submits a value and waits for its decision.
    pub(crate) async fn submit(&self, node: &str, value: &str, learner: &str) -> Value {
        let url = self.url(node, &format!("/v1/values?wait={learner}"));
        let response = self
            .client
            .post(url)
            .body(value.to_owned())
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200);
        response.json().await.expect("JSON")
    }

    /// What a learner has delivered at a node, in order.
    pub(crate) async fn delivered(&self, node: &str, learner: &str) -> Vec<String> {
        let page = self
            .get(
                node,
                &format!("/v1/learners/{learner}/decisions?limit=1000"),
            )
            .await;
        let decisions = page["decisions"].as_array().expect("decisions");
        let values = decisions
            .iter()
            .flat_map(|d| d["values"].as_array().expect("values"));
        values
            .map(|v| v["text"].as_str().expect("text").to_owned())
            .collect()
    }

    /// What a learner has delivered at a node as soon as it is so much.
    pub(crate) async fn delivered_all(&self, node: &str, learner: &str, n: usize) -> Vec<String> {
        until(
            &format!("{learner} delivers {n} values at {node}"),
            || async {
                let values = self.delivered(node, learner).await;
                (values.len() >= n).then_some(values)
            },
        )
        .await
    }
}

/// Makes a key file and returns the public half.
pub(crate) fn new_key(dir: &TempDir, name: &str) -> PublicKey {
    Keypair::create(dir.path().join(format!("{name}.key")))
        .expect("a key")
        .public()
}
