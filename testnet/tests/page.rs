//! The pages of a node and of a network, in a real browser: Chromium, driven through chromedriver as W3C WebDriver has it.
//!
//! `.ci/page` installs both and runs these. With `SCREENSHOTS=DIR` they leave the pictures of the README there.

#![allow(clippy::unwrap_used)]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use support::{DEADLINE, Launcher, kill, pid};

/// One browser window.
struct Browser {
    driver: Child,
    client: reqwest::Client,
    session: String,
}

impl Browser {
    async fn open(dark: bool) -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver, which .ci/page installs");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| {
            let port = line.split("successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let driver_url = format!("http://127.0.0.1:{}/session", port.expect("a port"));
        let mut browser = Browser {
            driver,
            client: reqwest::Client::new(),
            session: driver_url,
        };
        let mut args = vec![
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1100,1500",
        ];
        args.extend(dark.then_some("--force-dark-mode"));
        let session = browser
            .post(
                "",
                json!({"capabilities": {"alwaysMatch": {
                    "goog:chromeOptions": {"args": args},
                    "goog:loggingPrefs": {"browser": "SEVERE"},
                    "timeouts": {"script": DEADLINE.as_millis() as u64},
                }}}),
            )
            .await;
        browser.session += &format!("/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    async fn post(&self, path: &str, body: Json) -> Json {
        let url = format!("{}{path}", self.session);
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        let mut answer: Json = answer.json().await.unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{value}");
        value
    }

    async fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// Waits in the page until an expression is true.
    async fn until(&self, condition: &str) {
        let script = format!(
            "const done = arguments[0]; (function look() {{ ({condition}) ? done() : setTimeout(look, 20); }})();"
        );
        let body = json!({"script": script, "args": []});
        self.post("/execute/async", body).await;
    }

    /// Waits until an element has these words in it.
    async fn shows(&self, id: &str, words: &str) {
        let text = format!("document.getElementById('{id}').textContent");
        self.until(&format!("{text}.includes('{words}')")).await;
    }

    /// Presses what fits a selector, once it is there.
    async fn click(&self, selector: &str) {
        let element = format!("document.querySelector('{selector}')");
        self.until(&element).await;
        self.eval(&format!("{element}.click()")).await;
    }

    async fn eval(&self, expression: &str) -> Json {
        let body = json!({"script": format!("return {expression};"), "args": []});
        self.post("/execute/sync", body).await
    }

    /// Leaves a picture for the README, if one is asked for.
    async fn picture(&self, name: &str) {
        let Some(directory) = std::env::var_os("SCREENSHOTS") else {
            return;
        };
        let url = format!("{}/screenshot", self.session);
        let answer: Json = self
            .client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let picture = STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        let path = std::path::Path::new(&directory).join(name);
        std::fs::write(path, picture).unwrap();
    }

    /// What went wrong in the page.
    async fn errors(&self) -> Json {
        self.post("/se/log", json!({"type": "browser"})).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without that, Chromium outlives its driver.
        if let Some((address, path)) = self.session["http://".len()..].split_once('/')
            && let Ok(mut stream) = TcpStream::connect(address)
        {
            let request = format!("DELETE /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            let _ = stream.write_all(request.as_bytes());
            // The answer comes when it is gone.
            let _ = stream.read(&mut [0; 1]);
        }
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.driver),
            Signal::TERM,
        );
        let _ = self.driver.wait();
    }
}

fn of_learner(learner: &str) -> String {
    format!("#lanes tr[data-learner={learner}] [data-digest]")
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn decisions_appear_and_a_node_that_is_gone_shows() {
    let mut run = Launcher::start(&["--keep"], None);
    let nodes = run.nodes(4);
    let browser = Browser::open(false).await;
    browser.go(nodes[0]["http"].as_str().unwrap()).await;
    browser.until("document.title === 'n1 · hpaxos'").await;
    let client = reqwest::Client::new();
    let values = format!("{}/v1/values", nodes[1]["http"].as_str().unwrap());
    // One after the other, so that each has a slot of its own.
    for value in ["one", "two", "three"] {
        let decided = client.post(format!("{values}?wait=alice")).body(value);
        let decided = decided.send().await.unwrap();
        assert_eq!(decided.status(), 200, "{}", decided.text().await.unwrap());
    }
    for learner in ["alice", "bob", "carol"] {
        let lane = of_learner(learner);
        browser
            .until(&format!("document.querySelectorAll('{lane}').length >= 3"))
            .await;
    }
    // One that is submitted now appears without anybody asking for it, and can be read.
    let submitted = client
        .post(&values)
        .body("seen in the browser")
        .send()
        .await
        .unwrap();
    assert_eq!(submitted.status(), 202);
    let chip = format!(
        "document.querySelector('{}[aria-label*=\"seen in the browser\"]')",
        of_learner("alice")
    );
    browser.until(&chip).await;
    browser.eval(&format!("({chip}).focus()")).await;
    browser.shows("slot", "seen in the browser").await;
    // All three have the same, in the same colour.
    let digest = browser.eval(&format!("({chip}).dataset.digest")).await;
    let same = format!(
        "[...document.querySelectorAll('#lanes [data-digest=\"{}\"]')]",
        digest.as_str().unwrap()
    );
    browser.until(&format!("{same}.length === 3")).await;
    let colours = browser
        .eval(&format!(
            "new Set({same}.map(c => c.style.background)).size"
        ))
        .await;
    assert_eq!(colours, 1);
    assert_eq!(
        browser
            .eval("document.getElementById('verdict').className")
            .await,
        "good"
    );
    assert_eq!(
        browser
            .eval("document.querySelectorAll('#graph [data-state=entangled]').length")
            .await,
        3
    );
    browser.picture("page.png").await;
    assert_eq!(browser.errors().await, json!([]));

    kill(pid(&nodes[3]), Signal::KILL);
    browser
        .until(
            "document.querySelector('[aria-label*=\"a4, played by n4, which is not connected\"]')",
        )
        .await;
    browser
        .until("document.querySelector('[data-fact=peers]').textContent === '2 of 3'")
        .await;
    browser.shows("events", "n4 disconnected").await;
    run.signal(Signal::INT);
    run.end();
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn who_may_disagree_shows_with_the_reason() {
    let mixed = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/mixed.toml");
    let args = ["--graph", mixed, "--byzantine", "n1=double-vote", "--keep"];
    let mut run = Launcher::start(&args, None);
    let nodes = run.nodes(4);
    let browser = Browser::open(true).await;
    browser.go(nodes[1]["http"].as_str().unwrap()).await;
    let edge =
        |between: &str| format!("document.querySelector('#graph [data-between=\"{between}\"]')");
    let state = |between: &str| format!("{}?.dataset.state", edge(between));
    for (between, expected) in [("alice kiosk", "disconnected"), ("alice bob", "weakened")] {
        browser
            .until(&format!("{} === '{expected}'", state(between)))
            .await;
    }
    browser
        .eval(&format!("{}.focus()", edge("alice bob")))
        .await;
    browser.shows("about", "a1 was caught").await;
    browser.shows("evidence", "acceptor a1 is not safe").await;
    browser
        .until("document.querySelector('#graph .caught')")
        .await;
    browser.picture("caught.png").await;
    assert_eq!(browser.errors().await, json!([]));
    run.signal(Signal::INT);
    run.end();
}

/// Each half of the network decides a value while it is cut off from the other.
#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn faults_are_done_by_buttons_and_a_divergence_shows() {
    let graph = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/scenarios/two-worlds-graph.toml"
    );
    let args = ["--graph", graph, "--keep", "--patience-ms", "300"];
    let mut run = Launcher::start(&args, None);
    run.nodes(4);
    let page = run.until(|event| event["event"] == "page");
    let browser = Browser::open(false).await;
    browser.go(page["http"].as_str().unwrap()).await;
    let row = |node: &str, state: &str| {
        format!("document.querySelector('[data-node={node}][data-state={state}]')")
    };
    let link = |between: &str, state: &str| {
        format!("document.querySelector('[data-link=\"{between}\"][data-state={state}]')")
    };
    for node in ["n1", "n2", "n3", "n4"] {
        browser.until(&row(node, "up")).await;
    }
    browser.click("[data-key=\"kill n4\"]").await;
    browser.until(&row("n4", "down")).await;
    browser.click("[data-key=\"start n4\"]").await;
    browser.until(&row("n4", "up")).await;
    browser.click("#sides [value=n1]").await;
    browser.click("#sides [value=n2]").await;
    browser.click("#partition button").await;
    browser.until(&link("n1 n3", "cut")).await;
    browser.until(&link("n1 n2", "good")).await;
    let values = [
        ("n1", "alice", "the bridge is open"),
        ("n3", "bob", "the bridge is closed"),
    ];
    for (node, learner, value) in values {
        let form = "document.getElementById('submit')";
        browser
            .eval(&format!(
                "({form}.elements.value.value = '{value}', {form}.elements.node.value = '{node}')"
            ))
            .await;
        browser.click("#submit button").await;
        let chip = format!("{}[aria-label*=\"{value}\"]", of_learner(learner));
        browser
            .until(&format!("document.querySelector('{chip}')"))
            .await;
    }
    browser.picture("partition.png").await;
    browser.click("#heal button").await;
    browser.until(&link("n1 n3", "good")).await;
    browser.shows("verdict", "they decided differently").await;
    browser.shows("verdict", "alice and bob").await;
    for (_, learner, value) in values {
        let marked =
            format!("#lanes tr[data-learner={learner}] .differs [aria-label*=\"{value}\"]");
        browser
            .until(&format!("document.querySelector('{marked}')"))
            .await;
    }
    browser
        .eval("document.getElementById('lanes-title').scrollIntoView()")
        .await;
    browser.picture("divergence.png").await;
    assert_eq!(browser.errors().await, json!([]));
    run.signal(Signal::INT);
    run.end();
}
