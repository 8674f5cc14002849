//! `hpaxos node`: from arguments to a running node and back.

use crate::{Config, Node, NodeArgs, StartError, directory, logging};
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// The command line asks for something that does not exist.
const USAGE: u8 = 2;
/// The node could not run, or had to stop.
const FAILED: u8 = 3;

/// Runs a node until it is told to stop, and says how it ended: 0 after SIGINT or SIGTERM, 2 if the
/// command line does not fit the configuration or the data directory, 3 if the node could not run or had to
/// stop.
///
/// Starts threads and a runtime of its own: do not call it from asynchronous code.
#[must_use]
pub fn run(args: &NodeArgs) -> ExitCode {
    logging::start(args.log);
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(FAILED);
        }
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::from(FAILED);
        }
    };
    raise_file_limit();
    let (may, need) = (file_limit(), config.limits.files());
    if may < need {
        tracing::warn!(
            may,
            need,
            "limits allow more files and connections than this process may open; raise the limit of open files \
             (LimitNOFILE= of a service, `ulimit -n` of a shell), or lower max_connections and http_connections"
        );
    }
    let result = runtime.block_on(run_node(args, &config));
    // Whatever still runs is not worth waiting for: everything that matters is durable.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let usage = error.downcast_ref().is_some_and(StartError::is_usage);
            ExitCode::from(if usage { USAGE } else { FAILED })
        }
    }
}

/// Connections and files share one limit, and a node without files must stop: take what there is.
pub fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// How many files this process may open.
fn file_limit() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

async fn run_node(
    args: &NodeArgs,
    config: &Config,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    // A name that does not exist is refused below.
    if let Some(node) = config.node(&args.name) {
        directory::admit(&args.data, config, node, args.init).map_err(StartError::from)?;
    }
    let observers = args.observers();
    let node = Node::start_observed(config, &args.name, &args.key, &args.data, &observers).await?;
    let http = node.http().map(|a| format!("http://{a}"));
    tracing::info!(node = args.name, network = config.name, id = %config.network.id(), http, "started");
    let life = async {
        if node.ready().await {
            announce(args, config, http.as_deref());
        }
        node.ended().await
    };
    tokio::select! {
        result = life => {
            node.shut().await;
            return Ok(result?);
        }
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    tracing::info!("stopping");
    Ok(node.stop().await?)
}

fn announce(args: &NodeArgs, config: &Config, http: Option<&str>) {
    tracing::info!(node = args.name, "ready");
    if args.ready_json {
        let listen = config.node(&args.name).map(|n| n.listen.to_string());
        let line = json!({"event": "ready", "node": args.name, "http": http, "listen": listen});
        // A node goes on without whoever was to be told.
        if let Err(error) = writeln!(std::io::stdout(), "{line}") {
            tracing::warn!(%error, "cannot write to standard output");
        }
    }
}
