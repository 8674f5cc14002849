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
//! - `promise=NODE` the node says of submissions that they are decided, and forgets them
//! - `refuse` every submission is answered with 413
//! - `die=NODE` the node ends at its first submission
//! - `broken=NODE` the node ends at once, with words on standard error
//! - `empty=NODE:LEARNER:SLOT` the node reports no values in this slot
//! - `again=NODE:LEARNER:SLOT` the node reports the values of the slot before
//! - `swap=NODE:LEARNER:SLOT` the node reports this slot and the next one in each other's place
//! - `forget=NODE` the node reports no values after it was started again
//! - `stay=NODE` the node ends when it is started again, with words on standard error
//! - `hang=NODE` the node is never ready when it is started again
//!
//! In `lose`, `promise` and the last six, `*` stands for every node, or every learner.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use std::collections::HashSet;
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
    /// Whether it has been started before.
    again: bool,
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
    let data = PathBuf::from(option("--data")?);
    let again = data.exists();
    // As the real one has it: --init the first time, and never again.
    if again == args.iter().any(|arg| arg == "--init") {
        return Err(format!("started again: {again}, and the arguments are {args:?}").into());
    }
    std::fs::create_dir_all(&data)?;
    let node = Node {
        learners: learners
            .iter()
            .filter_map(|l| Some(l.as_str()?.to_owned()))
            .collect(),
        log: data.with_file_name("decided"),
        misbehaviour: spec.split(';').map(str::to_owned).collect(),
        submissions: AtomicUsize::new(0),
        again,
        name,
    };
    if node.spec("broken") == Some(&node.name) {
        return Err("this node is broken".into());
    }
    if node.since_again("stay") {
        return Err("this node stays away".into());
    }
    while node.since_again("hang") {
        std::thread::park();
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

    /// Whether a kind of misbehaviour is this node's.
    fn does(&self, kind: &str) -> bool {
        let who = self.spec(kind);
        who.is_some_and(|who| who == "*" || who == self.name)
    }

    /// The same, since it was started again.
    fn since_again(&self, kind: &str) -> bool {
        self.again && self.does(kind)
    }

    /// The slot in which a kind of misbehaviour is this node's, about a learner.
    fn slot_of(&self, kind: &str, learner: &str) -> Option<usize> {
        let mut words = self.spec(kind)?.split(':');
        let who = words.next()?;
        let mine = who == "*" || who == self.name;
        let slot = words.next_back()?.parse().ok();
        slot.filter(|_| mine && words.next().is_some_and(|of| of == "*" || of == learner))
    }

    /// The slot whose values are reported in a slot.
    fn slot_for(&self, learner: &str, slot: usize) -> Option<usize> {
        if self.slot_of("empty", learner) == Some(slot) || self.since_again("forget") {
            return None;
        }
        if self.slot_of("again", learner) == Some(slot) {
            return slot.checked_sub(1);
        }
        match self.slot_of("swap", learner) {
            Some(first) if first == slot => Some(slot + 1),
            Some(first) if first + 1 == slot => Some(first),
            _ => Some(slot),
        }
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
            let status = json!({
                "node": self.name, "mode": "hpaxos", "network": "fake", "network_id": "00", "phase": "ready",
                "storage": {"syncs": syncs}, "ballot": 1,
            });
            return json_answer(stream, &status);
        }
        if request.starts_with("POST /v1/values") {
            let wait = request.split_once("?wait=").map(|(_, rest)| rest);
            let learner = wait.and_then(|rest| rest.split(['&', ' ']).next());
            return self.submit(
                stream,
                learner,
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
        let page = (from..decided.len()).take(2);
        let page: Vec<Json> = page
            .filter_map(|slot| self.event(learner, slot, &decided))
            .collect();
        let next = from + page.len();
        let body = json!({"node": self.name, "learner": learner, "decisions": page, "next": next});
        json_answer(stream, &body)
    }

    fn submit(
        &self,
        stream: TcpStream,
        learner: Option<&str>,
        key: &str,
        body: &[u8],
    ) -> io::Result<()> {
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
        if self.does("lose") {
            return json_answer(stream, &taken(None));
        }
        if self.does("promise") {
            return json_answer(stream, &taken(learner));
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
        json_answer(stream, &taken(learner))
    }

    /// The values decided so far, a slot each, every value with its key once.
    fn decided(&self) -> Vec<Json> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut values: Vec<Json> = Vec::new();
        let mut known = HashSet::new();
        for value in whole
            .lines()
            .filter_map(|line| serde_json::from_str::<Json>(line).ok())
        {
            if known.insert(value.to_string()) {
                values.push(value);
            }
        }
        // What changes places is reported once both are there.
        let swapped = self.spec("swap").and_then(|spec| spec.rsplit(':').next());
        if swapped.and_then(|slot| slot.parse().ok()) == values.len().checked_sub(1) {
            values.pop();
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
            while next / self.learners.len() < decided.len() {
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
                if let Some(event) = self.event(learner, slot, &decided) {
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

    fn event(&self, learner: &str, slot: usize, decided: &[Json]) -> Option<Json> {
        if self.spec("mute") == Some(&format!("{}:{learner}", self.name)) {
            return None;
        }
        let slot_for = self.slot_for(learner, slot);
        let mut values: Vec<Json> = Vec::from_iter(slot_for.and_then(|s| decided.get(s)).cloned());
        let lie = format!("{}:{learner}:{slot}:", self.name);
        if let Some(text) = self
            .spec("lie")
            .and_then(|lie_told| lie_told.strip_prefix(&lie))
        {
            values = vec![json!({"base64": STANDARD.encode(text)})];
        }
        Some(json!({
            "event": "decision", "node": self.name, "learner": learner, "slot": slot, "ballot": 1,
            "values": values, "latency_ms": 1,
        }))
    }
}

fn answer(mut stream: TcpStream, status: &str, headers: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

/// What is said of a value that is taken, or of one that a learner has decided.
fn taken(learner: Option<&str>) -> Json {
    match learner {
        None => json!({"id": "00", "decided": false}),
        Some(learner) => json!({
            "id": "00", "decided": true, "learner": learner, "slot": 0, "ballot": 1, "digest": "00",
        }),
    }
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
