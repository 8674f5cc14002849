//! `hpaxos graph diff`.

use super::super::{Exit, complain, print};
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
    /// Print what is known after so many seconds; Ctrl-C does the same
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
    until(Arc::clone(&options.stop), args.seconds, move |tell| {
        let found = compared([&old, &new], &options, tell);
        let invalid = matches!(&found, Ok(found) if found.valid[1] == Some(false));
        let problems = match invalid {
            true => new.invalidity(&options.stop),
            false => Vec::new(),
        };
        Box::new(move || match found {
            Ok(found) => {
                let exit = show(&args, [&old, &new], &found);
                problems.into_iter().for_each(complain);
                exit
            }
            Err(exit) => exit,
        })
    })
}

fn compared(
    [old, new]: [&Source; 2],
    options: &Options,
    tell: Tell<'_>,
) -> Result<Comparison, Exit> {
    let mut look = |source: &Source, of: &str, scope: Scope| -> Result<Analysis, Exit> {
        let graph = source.graph()?;
        let by = options.by.as_deref();
        let units = units(by, &graph.group_kinds(), graph.units(by), &source.name)?;
        let mut tell =
            |what: &str, done: usize, all: usize| tell(&format!("{of}: {what}"), done, all);
        let options = Options {
            scope,
            ..options.clone()
        };
        Ok(learner_graph::analyze(graph, &units, &options, &mut tell))
    };
    let before = look(old, "the old graph", Scope::Tolerances)?;
    let after = look(new, "the new graph", Scope::Change)?;
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
