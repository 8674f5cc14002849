//! Networks of this project beside three members of etcd, on the same machine and file system, one after the other.
//!
//! ```sh
//! cargo bench -p testnet --bench etcd                       # every mode, 1, 64, 256 and 512 clients, 5 s each
//! cargo bench -p testnet --bench etcd -- --mode paxos --clients 64 --seconds 10
//! ETCD=path/to/etcd cargo bench -p testnet --bench etcd     # if it is not in the PATH
//! ```
//!
//! Clients of etcd do what clients of `testnet load` do: each puts a value of its own, of 100 bytes, and waits for the
//! answer before the next. They are spread over the members, as gRPC over HTTP/2 with 64 clients on a connection at
//! most. Arguments are handed on to `testnet load`.

use node::ports::{Lease, lease};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const MEMBERS: usize = 3;
const VALUE_BYTES: usize = 100;
const CLIENTS: [usize; 4] = [1, 64, 256, 512];
/// Clients that share a connection, at most.
const ON_A_CONNECTION: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);
/// How long the members may take to be there.
const DEADLINE: Duration = Duration::from_secs(30);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Values a second, and the median time of one in milliseconds.
#[derive(Clone, Copy)]
struct Figures {
    rate: f64,
    median_ms: f64,
}

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let value_of = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    let seconds: f64 = value_of("--seconds").map_or(Ok(5.0), |s| s.parse())?;
    let clients = match value_of("--clients") {
        Some(clients) => clients
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()?,
        None => CLIENTS.to_vec(),
    };
    println!("system clients values/s median_ms | of etcd: values/s median");
    let etcd = of_etcd(&clients, Duration::from_secs_f64(seconds))?;
    let words: Vec<String> = clients.iter().map(ToString::to_string).collect();
    let mut load = Command::new(env!("CARGO_BIN_EXE_testnet"));
    load.args(["load", "--json"])
        .args(&args)
        .stderr(Stdio::inherit());
    if value_of("--clients").is_none() {
        load.args(["--clients", &words.join(",")]);
    }
    let output = load.output()?;
    if !output.status.success() {
        return Err(format!("testnet load: {}", output.status).into());
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        if line["event"] != "load" {
            continue;
        }
        let number = |value: &serde_json::Value| value.as_f64().ok_or("a figure is missing");
        let ours = Figures {
            rate: number(&line["values_per_second"])?,
            median_ms: number(&line["latency_ms"]["median"])?,
        };
        let at = line["clients"]
            .as_u64()
            .ok_or("a number of clients is missing")?;
        let mode = line["mode"].as_str().ok_or("a mode is missing")?;
        let beside = clients
            .iter()
            .position(|c| *c as u64 == at)
            .map(|at| etcd[at]);
        show(mode, at as usize, ours, beside);
    }
    Ok(())
}

fn show(system: &str, clients: usize, figures: Figures, etcd: Option<Figures>) {
    let Figures { rate, median_ms } = figures;
    print!("{system} {clients} {rate:.0} {median_ms:.2} |");
    if let Some(etcd) = etcd {
        print!(" {:.2} {:.2}", rate / etcd.rate, median_ms / etcd.median_ms);
    }
    println!();
}

/// Members that end with whoever started them.
struct Members {
    running: Vec<Child>,
    urls: Vec<String>,
    directory: tempfile::TempDir,
    _leases: Vec<Lease>,
}

impl Drop for Members {
    fn drop(&mut self) {
        for member in &mut self.running {
            // It may have ended by itself.
            let _ = member.kill();
            let _ = member.wait();
        }
    }
}

impl Members {
    fn start() -> Result<Self, Error> {
        let program = std::env::var("ETCD").unwrap_or_else(|_| "etcd".into());
        let directory = tempfile::tempdir()?;
        let leases = lease(2 * MEMBERS)?;
        let url = |lease: &Lease| format!("http://127.0.0.1:{}", lease.port());
        let urls: Vec<String> = leases.iter().map(url).collect();
        let (urls, peers) = urls.split_at(MEMBERS);
        let cluster: Vec<String> = (0..MEMBERS)
            .map(|at| format!("e{at}={}", peers[at]))
            .collect();
        let mut members = Members {
            running: Vec::new(),
            urls: urls.to_vec(),
            directory,
            _leases: leases,
        };
        for at in 0..MEMBERS {
            let name = format!("e{at}");
            let data = members.directory.path().join(&name);
            let member = Command::new(&program)
                .args(["--name", &name, "--data-dir"])
                .arg(data)
                .args([
                    "--listen-client-urls",
                    &urls[at],
                    "--advertise-client-urls",
                    &urls[at],
                ])
                .args(["--listen-peer-urls", &peers[at]])
                .args(["--initial-advertise-peer-urls", &peers[at]])
                .args([
                    "--initial-cluster",
                    &cluster.join(","),
                    "--log-level",
                    "error",
                ])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            members.running.push(
                member.map_err(|e| format!("{program}: {e}; install etcd, or name it by ETCD"))?,
            );
        }
        Ok(members)
    }
}

#[tokio::main]
async fn of_etcd(clients: &[usize], time: Duration) -> Result<Vec<Figures>, Error> {
    let members = Members::start()?;
    let began = Instant::now();
    let first = connect()?;
    while let Err(error) = put(&first, &members.urls[0], &request(0)).await {
        if began.elapsed() > DEADLINE {
            return Err(format!("etcd does not answer: {error}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let next = Arc::new(AtomicU64::new(1));
    let mut all = Vec::new();
    for clients in clients {
        let figures = measure(&members, *clients, time, &next).await?;
        show("etcd", *clients, figures, None);
        all.push(figures);
    }
    Ok(all)
}

async fn measure(
    members: &Members,
    clients: usize,
    time: Duration,
    next: &Arc<AtomicU64>,
) -> Result<Figures, Error> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let mut connections = Vec::new();
    for _ in 0..clients.div_ceil(ON_A_CONNECTION).max(MEMBERS) {
        connections.push(connect()?);
    }
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let connection = connections[client % connections.len()].clone();
            let url = members.urls[client % connections.len() % MEMBERS].clone();
            let next = Arc::clone(next);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let request = request(next.fetch_add(1, Ordering::Relaxed));
                    let asked = Instant::now();
                    put(&connection, &url, &request).await?;
                    let answered = Instant::now();
                    if answered >= begin && answered < end {
                        times.push(answered - asked);
                    }
                }
                Ok::<_, Error>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    times.sort_unstable();
    let median = times
        .get(times.len() / 2)
        .ok_or("etcd has answered nothing in time")?;
    Ok(Figures {
        rate: times.len() as f64 / time.as_secs_f64(),
        median_ms: median.as_secs_f64() * 1e3,
    })
}

fn connect() -> reqwest::Result<reqwest::Client> {
    hpaxos_client::http_client()
        .http2_prior_knowledge()
        .no_proxy()
        .build()
}

/// `etcdserverpb.PutRequest` with a key of its own, in a message of gRPC: a zero, the length, and the fields 1 and 2.
fn request(number: u64) -> Vec<u8> {
    let key = number.to_le_bytes();
    let mut value = [0x5a; VALUE_BYTES];
    value[..8].copy_from_slice(&key);
    let mut message = vec![0x0a, key.len() as u8];
    message.extend(key);
    message.extend([0x12, VALUE_BYTES as u8]);
    message.extend(value);
    let mut framed = vec![0];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend(message);
    framed
}

async fn put(connection: &reqwest::Client, url: &str, request: &[u8]) -> Result<(), Error> {
    let response = connection
        .post(format!("{url}/etcdserverpb.KV/Put"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(request.to_vec())
        .send()
        .await?
        .error_for_status()?;
    // An error of gRPC has no message.
    match response.bytes().await? {
        message if message.is_empty() => Err("etcd has refused to put a value".into()),
        _ => Ok(()),
    }
}
