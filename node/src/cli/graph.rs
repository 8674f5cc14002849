//! `hpaxos graph check`.

use super::{Exit, fail, print, read_text};
use crate::config::{Config, MAX_CONFIG_BYTES};
use clap::{Args, Subcommand};
use learner_graph::Problem;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What can be asked about learner graphs.
#[derive(Debug, Subcommand)]
pub enum GraphCommand {
    /// Check the graph of a file, and explain it
    Check(CheckArgs),
}

/// The arguments of `hpaxos graph check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// A graph, or a whole network configuration
    file: PathBuf,
    /// Also say who agrees with whom if exactly these acceptors are safe
    #[arg(long, value_name = "A1,A2,…")]
    safe: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl GraphCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let GraphCommand::Check(args) = self;
        check(args).into()
    }
}

fn check(args: &CheckArgs) -> Exit {
    let name = args.file.display().to_string();
    let text = match read_text(&args.file, MAX_CONFIG_BYTES) {
        Ok(text) => text,
        Err(error) => return fail(Exit::Failed, format!("cannot read {name}: {error}")),
    };
    let report = match learner_graph::check(&name, &text, args.safe.as_deref()) {
        Ok(report) => report,
        Err(problems) => return refuse(&problems, args.json),
    };
    // A file with nodes is a configuration, and the rest of it can be wrong as well.
    if has_nodes(&text)
        && let Err(error) = Config::parse(&text, &name)
    {
        return refuse(&error.0, args.json);
    }
    if args.json {
        let mut object = json!({"event": "graph", "file": name, "valid": true});
        if let (Ok(serde_json::Value::Object(facts)), Some(object)) =
            (serde_json::to_value(&report), object.as_object_mut())
        {
            object.extend(facts);
        }
        print(object);
    } else {
        print(&report);
    }
    Exit::Done
}

fn has_nodes(text: &str) -> bool {
    toml::from_str::<toml::Table>(text).is_ok_and(|table| table.contains_key("nodes"))
}

fn refuse(problems: &[Problem], json: bool) -> Exit {
    for problem in problems {
        eprintln!("{problem}");
    }
    if json {
        print(json!({"event": "graph", "valid": false, "problems": problems}));
    }
    Exit::Bad
}
