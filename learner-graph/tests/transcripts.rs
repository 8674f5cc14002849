//! Files in, problems and reports out: the transcripts are in `tests/transcripts`.
//!
//! `REWRITE=1` writes what comes out into them; commit a rewrite only if you understand it.

use learner_graph::{
    LearnerGraph, Options, PATTERNS_SHOWN, acceptor_list, analyze, compare, parse_unchecked,
};
use std::collections::HashMap;
use std::path::Path;

#[test]
fn transcripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    datadriven::walk(&folder.to_string_lossy(), |file| {
        file.run(|case| -> Result<String, std::convert::Infallible> {
            let safe = case.args.get("safe").map(|names| names.join(","));
            let said = learner_graph::check("graph.toml", &case.input, safe.as_deref());
            Ok(match (case.directive.as_str(), said) {
                ("problems", Ok(report)) => lines(&report.warnings, "no problems\n"),
                ("problems", Err(problems)) => lines(&problems, ""),
                ("report", Ok(report)) => report.to_string(),
                ("data", Ok(report)) => {
                    toml::to_string(&report).unwrap_or_else(|e| format!("cannot be written: {e}\n"))
                }
                ("report" | "data", Err(problems)) => lines(&problems, ""),
                ("analysis", _) => analysis(&case.input, &case.args),
                ("comparison", _) => comparison(&case.input, &case.args),
                (other, _) => format!("unknown directive {other}\n"),
            })
        });
    });
}

fn lines(problems: &[learner_graph::Problem], none: &str) -> String {
    if problems.is_empty() {
        return none.to_owned();
    }
    problems.iter().map(|p| format!("{p}\n")).collect()
}

type Arguments = HashMap<String, Vec<String>>;

/// Asks for the analysis of a graph, valid or not.
fn looked_at(graph: &LearnerGraph, args: &Arguments) -> (learner_graph::Analysis, Options) {
    let set = |name: &str| {
        let names = args.get(name).map(|names| names.join(","));
        acceptor_list(graph, &names.unwrap_or_default()).expect("acceptors")
    };
    let mut options = Options {
        by: args.get("by").map(|by| by.join("")),
        crashed: set("crashed"),
        ..Options::default()
    };
    options.suspicion.caught = set("byzantine");
    if let Some(pair) = args.get("disagreed") {
        let learner = |name: &String| graph.learner(name).expect("a learner");
        options.suspicion.disagreements = vec![(learner(&pair[0]), learner(&pair[1]))];
    }
    if let Some(steps) = args.get("steps") {
        options.steps = steps.join("").parse().expect("a number");
    }
    if args.contains_key("stopped") {
        let stop = std::sync::atomic::AtomicBool::new(true);
        options.stop = std::sync::Arc::new(stop);
    }
    let units = graph
        .units(options.by.as_deref())
        .expect("a kind of groups");
    (analyze(graph, &units, &options, &mut |_, _, _| {}), options)
}

fn analysis(text: &str, args: &Arguments) -> String {
    let graph = parse_unchecked(text).expect("a graph");
    let sets = args
        .get("sets")
        .map(|n| n.join("").parse().expect("a number"));
    let (found, _) = looked_at(&graph, args);
    let sets = sets.unwrap_or(PATTERNS_SHOWN);
    let strongest = args.contains_key("strongest");
    found.showing(sets).with_strongest(strongest).to_string()
}

/// Two graphs with a line `=====` between them.
fn comparison(text: &str, args: &Arguments) -> String {
    let (old, new) = text.split_once("=====\n").expect("two graphs");
    let [old, new] = [old, new].map(|text| parse_unchecked(text).expect("a graph"));
    let ((before, _), (after, options)) = (looked_at(&old, args), looked_at(&new, args));
    compare((&old, &before), (&new, &after), &options, 1).to_string()
}
