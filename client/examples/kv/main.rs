//! A key-value store for each learner, replicated by a network of nodes.
//!
//! ```text
//!   cargo run --example kv -- --node http://127.0.0.1:8001 --learner alice put k v
//! ```
//!
//! `get` goes through the log, so that it sees whatever was done before it began. `local-get` and `dump` show what
//! the learner has decided so far, as the node knows it, and say up to which slot.

#[allow(unreachable_pub)]
mod machine;

use clap::{Parser, Subcommand};
use hpaxos_client::{Client, Connections, Error, Nodes, Replica, ReplicaError};
use machine::{Command, Outcome, Store};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A key-value store for each learner, replicated by a network of nodes.
///
/// Exit codes: 0 done, 1 the key is not there or has another value, 2 wrong usage, 3 could not be done.
#[derive(Parser)]
#[command(name = "kv", disable_help_subcommand = true)]
struct Arguments {
    /// The HTTP address of a node that plays the learner; several stand in for each other
    #[arg(
        long = "node",
        env = "HPAXOS_NODE",
        value_name = "URL",
        value_delimiter = ',',
        required = true
    )]
    nodes: Vec<String>,
    /// Whose store
    #[arg(long)]
    learner: String,
    /// The idempotency key: a command that is repeated with its key has its effect once
    #[arg(long, value_name = "KEY")]
    once: Option<String>,
    /// How long to wait at most
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    #[command(subcommand)]
    ask: Ask,
}

#[derive(Subcommand)]
enum Ask {
    /// Give a key a value
    Put { key: String, value: String },
    /// Print the value of a key
    Get { key: String },
    /// Give a key a new value if it has the old one
    Cas {
        key: String,
        old: String,
        new: String,
    },
    /// Take a key out
    Delete { key: String },
    /// Print the value of a key as the node knows it, without asking the others
    LocalGet { key: String },
    /// Print all keys with their values as the node knows them
    Dump,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, ReplicaError> {
    let timeout = Duration::from_secs(arguments.timeout);
    let connections = Connections::new()?;
    let clients = arguments.nodes.iter().map(|url| connections.node(url));
    let clients: Vec<Client> = clients.collect::<Result<_, _>>()?;
    let nodes = Nodes::new(clients.iter().cloned());
    let replica = Replica::start(&nodes, &arguments.learner, Store::default());
    let command = match arguments.ask {
        Ask::Put { key, value } => Command::Put { key, value },
        Ask::Get { key } => Command::Get { key },
        Ask::Delete { key } => Command::Delete { key },
        Ask::Cas { key, old, new } => Command::Cas {
            key,
            old: Some(old),
            new,
        },
        Ask::LocalGet { key } => {
            catch_up(&replica, &clients, timeout).await?;
            let (value, slot) = replica.read(|store| store.get(&key).map(str::to_owned));
            eprintln!("before slot {slot}:");
            return Ok(found(value));
        }
        Ask::Dump => {
            catch_up(&replica, &clients, timeout).await?;
            let (entries, slot) = replica.read(|store| store.entries().clone());
            eprintln!("before slot {slot}:");
            entries
                .iter()
                .for_each(|(key, value)| println!("{key}\t{value}"));
            return Ok(ExitCode::SUCCESS);
        }
    };
    let once = arguments.once.unwrap_or_else(unique);
    Ok(
        match replica.execute(&command.line(), &once, timeout, 0).await? {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Found(value) => found(value),
            Outcome::Differs(value) => {
                let value = value.map_or("no value".to_owned(), |value| format!("value {value}"));
                eprintln!("not done: the key has {value}");
                ExitCode::from(1)
            }
            Outcome::Nothing => unreachable!("a command was submitted"),
        },
    )
}

fn found(value: Option<String>) -> ExitCode {
    match value {
        Some(value) => {
            println!("{value}");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("there is no such key");
            ExitCode::from(1)
        }
    }
}

/// Waits until the replica has what the first node that answers has of the learner.
async fn catch_up(
    replica: &Replica<Store>,
    clients: &[Client],
    timeout: Duration,
) -> Result<(), ReplicaError> {
    let mut last = Error::NoSockets("no node".to_owned());
    for client in clients {
        match next(client, replica.learner()).await {
            Ok(next) => return replica.wait_until(next, timeout).await,
            Err(error) => last = error,
        }
    }
    Err(last.into())
}

/// The first slot that a node does not have of a learner that it plays.
async fn next(client: &Client, learner: &str) -> Result<u64, Error> {
    let status = client.status().await?;
    let known = status.learners.get(learner).and_then(|l| l.delivered);
    match known {
        Some(delivered) => Ok(delivered.next),
        // It says why there is none.
        None => client.page(learner, 0, 1).await.map(|page| page.next),
    }
}

/// A key that nobody else uses.
fn unique() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("kv-{}-{}", std::process::id(), now.as_nanos())
}
