//! `hpaxos graph export`.

use super::super::{Exit, complain, fail, print};
use super::deeper::deeper;
use super::source::Source;
use super::svg;
use super::undecided::undecided;
use super::until::{Budget, until};
use clap::{Args, ValueEnum};
use learner_graph::{
    Analysis, Analyzer, Declared, FaultReport, LearnerGraph, Options, Scope, Verdict, out_of,
};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// The most edges between learners and acceptors that are drawn: more cover each other.
const MAX_VOTERS_DRAWN: usize = 400;
/// The longest expression that is written next to a learner, in characters.
const MAX_SHORT: usize = 60;

/// How long it works unless the user says how long: a picture is wanted soon.
const SECONDS: u64 = 5;

/// The arguments of `hpaxos graph export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// A graph, or a whole network configuration
    file: PathBuf,
    /// What to print
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    #[command(flatten)]
    budget: Budget,
}

/// What a graph can be printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
    /// Names, expressions and agreements
    Json,
}

pub(super) fn export(args: &ExportArgs) -> Exit {
    let source = match Source::read(&args.file) {
        Ok(source) => source,
        Err(exit) => return exit,
    };
    let graph = match source.graph() {
        Ok(graph) => graph.clone(),
        Err(why) => return fail(Exit::Usage, why),
    };
    if args.to == Format::Json {
        print(as_json(&graph));
        return Exit::Done;
    }
    let options = Options {
        // No sets are listed.
        max_sets: 0,
        scope: Scope::Picture,
        ..Options::default()
    };
    let (to, budget) = (args.to, args.budget);
    until(
        &[Arc::clone(&options.stop)],
        budget.or(SECONDS),
        move |tell| {
            // Every acceptor by itself is always there.
            let Some(units) = graph.units(None) else {
                return Box::new(|| Exit::Failed);
            };
            let mut analyzer = Analyzer::new(&graph, &units, &options);
            let found = deeper(
                &options.stop,
                budget,
                tell,
                |found: &Analysis| found.is_decided(&options),
                |times, tell| analyzer.ask(times, tell),
            );
            let text = match to {
                Format::Svg => svg::draw(&graph, &found),
                Format::Dot | Format::Json => dot(&graph, &found),
            };
            let open = undecided(&found);
            Box::new(move || {
                print(text.trim_end());
                if !open.is_empty() {
                    let open = open.join("; ");
                    complain(format!(
                        "note: not decided, for {} ran out (--seconds 60 allows more): {open}",
                        out_of(options.is_stopped())
                    ));
                }
                Exit::Done
            })
        },
    )
}

/// How many lies a promise stands, in a word.
pub(super) fn tolerance(report: &FaultReport) -> String {
    match (report.verdict, report.tolerated) {
        (Verdict::Exact, Some(n)) => n.to_string(),
        (Verdict::Broken, _) => String::from("gone"),
        (Verdict::Never, _) => String::from("any"),
        _ => String::from("?"),
    }
}

/// The quorums of a learner in short, if they are short enough to stand beside its name.
pub(super) fn in_short(graph: &LearnerGraph, learner: &str) -> String {
    let short = graph.learner(learner).map(|l| graph.quorums_in_short(l));
    let short = short.unwrap_or_default();
    if short.chars().count() <= MAX_SHORT {
        return short;
    }
    let begin: String = short.chars().take(MAX_SHORT).collect();
    format!("{begin}…")
}

/// The graph for Graphviz: who votes for whom, and who is promised to agree, with the lies that the
/// promise stands, or that it is not kept.
fn dot(graph: &LearnerGraph, found: &Analysis) -> String {
    let mut text =
        String::from("graph \"learner graph\" {\n  layout=neato; overlap=false; splines=true;\n");
    let open = undecided(found).join("\\n");
    if !open.is_empty() {
        text.push_str(&format!("  label=\"not decided:\\n{open}\";\n"));
    }
    text.push_str("  node [fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\"];\n");
    for learner in &found.learners {
        let (name, short) = (&learner.name, in_short(graph, &learner.name));
        text.push_str(&format!(
            "  \"learner {name}\" [label=\"{name}\\n{short}\", shape=ellipse];\n"
        ));
    }
    for acceptor in graph.acceptor_names(&graph.acceptors()) {
        text.push_str(&format!(
            "  \"acceptor {acceptor}\" [label=\"{acceptor}\", shape=box, style=filled, fillcolor=lightgrey];\n"
        ));
    }
    let votes: usize = graph.learners().iter().map(|l| graph.voters(l).len()).sum();
    if votes <= MAX_VOTERS_DRAWN {
        for l in graph.learners() {
            for acceptor in graph.acceptor_names(&graph.voters(l)) {
                let learner = graph.learner_name(l);
                text.push_str(&format!(
                    "  \"learner {learner}\" -- \"acceptor {acceptor}\" [color=grey, style=dotted];\n"
                ));
            }
        }
    }
    for pair in &found.pairs {
        let ([a, b], Some(declared)) = (&pair.between, &pair.declared) else {
            continue;
        };
        let (label, style) = match pair.kept {
            Some(false) => (String::from("NOT KEPT"), "color=red, style=dashed"),
            Some(true) => match tolerance(declared).as_str() {
                "?" => (String::from("not decided"), "color=grey, style=dotted"),
                stands => (stands.to_owned(), "color=blue"),
            },
            None => (String::from("not decided"), "color=grey, style=dotted"),
        };
        text.push_str(&format!(
            "  \"learner {a}\" -- \"learner {b}\" [label=\"{label}\", {style}];\n"
        ));
    }
    text.push_str("}\n");
    text
}

/// The graph as data: expressions are written as in a file, in JSON.
fn as_json(graph: &LearnerGraph) -> Value {
    let learners = graph.learners().iter().map(|l| {
        json!({"name": graph.learner_name(l), "quorums": expression(&graph.quorums_as_toml(l))})
    });
    let agreements = graph.agreements().into_iter();
    let agreements = agreements
        .map(|Declared { between, when }| json!({"between": between, "when": expression(&when)}));
    let mut groups = Map::new();
    for kind in graph.group_kinds() {
        let members = graph.groups_of(kind).iter();
        let members = members.map(|(name, set)| (name.clone(), json!(graph.acceptor_names(set))));
        groups.insert(kind.to_owned(), Value::Object(members.collect()));
    }
    json!({
        "acceptors": graph.acceptor_names(&graph.acceptors()),
        "learners": learners.collect::<Vec<_>>(),
        "safe": agreements.collect::<Vec<_>>(),
        "groups": groups,
    })
}

/// An expression in TOML as the same in JSON.
fn expression(toml: &str) -> Value {
    let table = format!("it = {toml}").parse::<toml::Table>().ok();
    let it = table.and_then(|mut table| table.remove("it"));
    serde_json::to_value(it).unwrap_or_default()
}
