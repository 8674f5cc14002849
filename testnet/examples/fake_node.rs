//! A stand-in for a node that speaks the same command line and HTTP, for tests of the launcher.
//!
//! There is no consensus: all nodes append to and read from one file next to their data directories,
//! whose lines are the slots. `FAKE_NODE` makes some of them misbehave, in words separated by `;`:
//!
//! - `lie=NODE:LEARNER:SLOT:TEXT` the node reports another decision
//! - `mute=NODE:LEARNER` the node never reports a decision of the learner
//! - `busy=N` every node answers its first N submissions with 429
//! - `cut=N` every event stream ends after N events
//! - `gap=N` every event stream leaves its events N and N + 1 out and says so
//! - `lose=NODE` the node accepts submissions and forgets them
//! - `refuse` every submission is answered with 413
//! - `die=NODE` the node ends at its first submission
//! - `broken=NODE` the node ends at once, with words on standard error

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Node {
    name: String,
    learners: Vec<String>,
    log: PathBuf,
    misbehaviour: Vec<String>,
    submissions: AtomicUsize,
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str| -> Outcome<String> {
        let at = args
            .iter()
            .position(|arg| arg == name)
            .ok_or(format!("no {name}"))?;
        Ok(args
            .get(at + 1)
            .ok_or(format!("nothing after {name}"))?
            .clone())
    };
    let path = PathBuf::from(option("--config")?);
    let config: toml::Table = std::fs::read_to_string(&path)?.parse()?;
    if args.get(1).is_some_and(|command| command == "disk") {
        return format_disks(&config, &path);
    }
    let name = option("--name")?;
    let own = config
        .get("nodes")
        .and_then(|nodes| nodes.get(&name))
        .ok_or("not a node")?;
    // In modes without a learner graph every node is the learner of its own name.
    let learners = match own.get("learners").and_then(toml::Value::as_array) {
        Some(learners) => learners.clone(),
        None => vec![toml::Value::String(name.clone())],
    };
    let http = own
        .get("http")
        .and_then(toml::Value::as_str)
        .ok_or("no http")?;
    let spec = std::env::var("FAKE_NODE").unwrap_or_default();
    let node = Node {
        learners: learners
            .iter()
            .filter_map(|l| Some(l.as_str()?.to_owned()))
            .collect(),
        log: PathBuf::from(option("--data")?).with_file_name("decided"),
        misbehaviour: spec.split(';').map(str::to_owned).collect(),
        submissions: AtomicUsize::new(0),
        name,
    };
    if node.spec("broken") == Some(&node.name) {
        return Err("this node is broken".into());
    }
    let listener = TcpListener::bind(http)?;
    let node: &'static Node = Box::leak(Box::new(node));
    println!(
        "{}",
        json!({"event": "ready", "node": node.name, "http": http, "listen": "?"})
    );
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || node.serve(stream));
    }
    Ok(())
}

/// Makes an empty file for each disk.
fn format_disks(config: &toml::Table, path: &Path) -> Outcome<()> {
    let disks = config.get("disks").and_then(toml::Value::as_table);
    for disk in disks.into_iter().flat_map(|disks| disks.values()) {
        let file = disk.get("path").and_then(toml::Value::as_str);
        std::fs::write(path.with_file_name(file.ok_or("no path")?), "")?;
    }
    Ok(())
}

impl Node {
    /// What is said about a kind of misbehaviour.
    fn spec(&self, kind: &str) -> Option<&str> {
        let mut words = self.misbehaviour.iter();
        words.find_map(|word| match word.split_once('=') {
            Some((name, what)) => (name == kind).then_some(what),
            None => (word == kind).then_some(""),
        })
    }

    fn number(&self, kind: &str) -> Option<usize> {
        self.spec(kind)?.parse().ok()
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            head.iter().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        let mut body = vec![
            0;
            header("content-length")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0)
        ];
        reader.read_exact(&mut body)?;
        let request = head.first().cloned().unwrap_or_default();
        if request.starts_with("GET /v1/status ") {
            let syncs = self.submissions.load(Ordering::SeqCst);
            return json_answer(stream, &json!({"storage": {"syncs": syncs}, "ballot": 1}));
        }
        if request.starts_with("POST /v1/values") {
            let accepted = match request.contains("?wait=") {
                true => "200 OK",
                false => "202 Accepted",
            };
            return self.submit(
                stream,
                accepted,
                &header("idempotency-key").unwrap_or_default(),
                &body,
            );
        }
        if request.starts_with("GET /v1/events ") {
            let after = header("last-event-id").and_then(|id| id.parse().ok());
            return self.events(stream, after.unwrap_or(0));
        }
        if let Some(path) = request.strip_prefix("GET /v1/learners/") {
            return self.decisions(stream, path);
        }
        answer(stream, "404 Not Found", "")
    }

    /// `{learner}/decisions?from={slot}&…`, two at a time so that there are pages.
    fn decisions(&self, stream: TcpStream, path: &str) -> io::Result<()> {
        let learner = path.split('/').next().unwrap_or_default();
        let from = path.split("from=").nth(1).unwrap_or_default();
        let from: usize = from
            .split('&')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let decided = self.decided();
        let page = decided.iter().enumerate().skip(from).take(2);
        let page: Vec<Json> = page
            .filter_map(|(slot, v)| self.event(learner, slot, v))
            .collect();
        let next = from + page.len();
        let body = json!({"node": self.name, "learner": learner, "decisions": page, "next": next});
        json_answer(stream, &body)
    }

    fn submit(&self, stream: TcpStream, accepted: &str, key: &str, body: &[u8]) -> io::Result<()> {
        if self.spec("die") == Some(&self.name) {
            std::process::exit(1);
        }
        let before = self.submissions.fetch_add(1, Ordering::SeqCst);
        if self.spec("refuse").is_some() {
            return answer(stream, "413 Content Too Large", "");
        }
        if self.number("busy").is_some_and(|n| before < n) {
            return answer(stream, "429 Too Many Requests", "Retry-After: 0\r\n");
        }
        if self.spec("lose") == Some(&self.name) {
            return answer(stream, "202 Accepted", "");
        }
        let line = format!(
            "{}\n",
            json!({"key": STANDARD.encode(key), "base64": STANDARD.encode(body)})
        );
        // One write: lines of several processes do not mix.
        let mut log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        log.write_all(line.as_bytes())?;
        answer(stream, accepted, "")
    }

    /// The values decided so far, a slot each, every key once.
    fn decided(&self) -> Vec<Json> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut values: Vec<Json> = Vec::new();
        for value in whole
            .lines()
            .filter_map(|line| serde_json::from_str::<Json>(line).ok())
        {
            if values.iter().all(|known| known["key"] != value["key"]) {
                values.push(value);
            }
        }
        values
    }

    fn events(&self, mut stream: TcpStream, after: usize) -> io::Result<()> {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        )?;
        let mut next = after;
        loop {
            let decided = self.decided();
            while let Some(value) = decided.get(next / self.learners.len()) {
                let slot = next / self.learners.len();
                let learner = &self.learners[next % self.learners.len()];
                next += 1;
                let gap = self.number("gap");
                if gap == Some(next) {
                    write!(stream, "event: gap\ndata: {}\n\n", json!({"event": "gap"}))?;
                }
                if gap.is_some_and(|n| n == next || n + 1 == next) {
                    continue;
                }
                if let Some(event) = self.event(learner, slot, value) {
                    write!(stream, "id: {next}\nevent: decision\ndata: {event}\n\n")?;
                }
                if self.number("cut").is_some_and(|n| next - after >= n) {
                    return Ok(());
                }
            }
            // A comment now and then finds out whether somebody still listens.
            writeln!(stream, ":")?;
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn event(&self, learner: &str, slot: usize, value: &Json) -> Option<Json> {
        if self.spec("mute") == Some(&format!("{}:{learner}", self.name)) {
            return None;
        }
        let mut value = value.clone();
        let lie = format!("{}:{learner}:{slot}:", self.name);
        if let Some(text) = self
            .spec("lie")
            .and_then(|lie_told| lie_told.strip_prefix(&lie))
        {
            value = json!({"base64": STANDARD.encode(text)});
        }
        Some(json!({
            "event": "decision", "node": self.name, "learner": learner, "slot": slot, "ballot": 1,
            "values": [value], "latency_ms": 1,
        }))
    }
}

fn answer(mut stream: TcpStream, status: &str, headers: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

fn json_answer(mut stream: TcpStream, body: &Json) -> io::Result<()> {
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    )?;
    write!(stream, "Content-Length: {length}\r\n\r\n{body}")
}
