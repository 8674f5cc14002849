//! `hpaxos graph diff`.

use super::super::{Exit, print};
use super::deeper::deeper;
use super::source::{Source, units};
use super::until::{Tell, until};
use clap::Args;
use learner_graph::{Analysis, Comparison, LearnerGraph, Options, Scope, compare};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// The arguments of `hpaxos graph diff`.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The graph as it is, or a configuration with it
    old: PathBuf,
    /// The graph as it shall be
    new: PathBuf,
    /// Let groups of this kind fail as a whole: those of the table [groups.KIND] of each file
    #[arg(long, value_name = "KIND")]
    by: Option<String>,
    /// Work until all is decided, and for so many seconds at most; Ctrl-C ends it as well, and what is known
    /// is printed. Without it each question may take some thousand steps
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    seconds: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn diff(args: &DiffArgs) -> Exit {
    let sources = [&args.old, &args.new].map(|path| Source::read(path));
    let [Ok(old), Ok(new)] = sources else {
        let failed = sources.into_iter().find_map(Result::err);
        return failed.unwrap_or(Exit::Failed);
    };
    let options = Options {
        by: args.by.clone(),
        // No sets are listed.
        max_sets: 0,
        ..Options::default()
    };
    let args = args.clone();
    // The old graph has half of the time, so that the new one has some.
    let half = Options {
        stop: Arc::default(),
        ..options.clone()
    };
    let stops = [Arc::clone(&half.stop), Arc::clone(&options.stop)];
    until(&stops, args.seconds, move |tell| {
        let has_time = args.seconds.is_some();
        let found = compared([&old, &new], [&half, &options], has_time, tell);
        Box::new(move || match found {
            Ok(found) => show(&args, [&old, &new], &found),
            Err(exit) => exit,
        })
    })
}

fn compared(
    [old, new]: [&Source; 2],
    [half, options]: [&Options; 2],
    has_time: bool,
    tell: Tell<'_>,
) -> Result<Comparison, Exit> {
    let mut look =
        |source: &Source, of: &str, scope: Scope, options: &Options| -> Result<Analysis, Exit> {
            let graph = source.graph()?;
            let by = options.by.as_deref();
            let units = units(by, &graph.group_kinds(), graph.units(by), &source.name)?;
            let mut tell =
                |what: &str, done: usize, all: usize| tell(&format!("{of}: {what}"), done, all);
            let options = Options {
                scope,
                ..options.clone()
            };
            Ok(deeper(
                &options,
                has_time,
                &mut tell,
                |found: &Analysis| found.is_decided(&options),
                |options, tell| learner_graph::analyze(graph, &units, options, tell),
            ))
        };
    let before = look(old, "the old graph", Scope::Tolerances, half)?;
    let after = look(new, "the new graph", Scope::Change, options)?;
    let graph = |source: &'_ Source| -> Result<LearnerGraph, Exit> { source.graph().cloned() };
    Ok(compare(
        (&graph(old)?, &before),
        (&graph(new)?, &after),
        options,
    ))
}

fn show(args: &DiffArgs, [old, new]: [&Source; 2], found: &Comparison) -> Exit {
    if args.json {
        let mut object = json!({"event": "graph-diff", "old": old.name, "new": new.name});
        let facts = serde_json::to_value(found);
        if let (Ok(Value::Object(facts)), Some(object)) = (facts, object.as_object_mut()) {
            object.extend(facts);
        }
        print(object);
    } else {
        print(format!("{found}").trim_end());
    }
    match found.valid[1] {
        Some(true) => Exit::Done,
        Some(false) | None => Exit::Bad,
    }
}
