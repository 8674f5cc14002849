//! `hpaxos graph analyze`.

use super::super::{Exit, complain, fail, print};
use super::deeper::deeper;
use super::running::Running;
use super::source::{Content, Source, units, units_of_list};
use super::until::{Say, Tell, until};
use clap::Args;
use learner_graph::{
    AcceptorId, AcceptorSet, Analysis, LearnerGraph, Options, PATTERNS_SHOWN, SlicesAnalysis,
    acceptor_list, stellar,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;

/// The patterns of minimal sets that are asked for, at least: what could be promised is known only
/// if all are.
const PATTERNS_ASKED: usize = 100;

/// The arguments of `hpaxos graph analyze`.
#[derive(Args, Clone, Debug)]
pub struct AnalyzeArgs {
    /// A graph, a whole network configuration, or a list of nodes with quorum sets in JSON
    file: PathBuf,
    /// Let groups of this kind fail as a whole: those of the table [groups.KIND], or the country, isp,
    /// organisation or version of the nodes of a list
    #[arg(long, value_name = "KIND")]
    by: Option<String>,
    /// Suppose that these acceptors are silent
    #[arg(long, value_name = "A1,A2,…")]
    crashed: Option<String>,
    /// Suppose that these acceptors lie
    #[arg(long, value_name = "A1,A2,…")]
    byzantine: Option<String>,
    /// Suppose what this node knows: the acceptors that are caught, the learners that have disagreed
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    /// How many patterns of minimal sets to show of each kind
    #[arg(long, value_name = "N", default_value_t = PATTERNS_SHOWN as u64, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    sets: u64,
    /// Show the strongest promises even if they are those of the file
    #[arg(long)]
    strongest: bool,
    /// Work until all is decided, and for so many seconds at most; Ctrl-C ends it as well, and what is known
    /// is printed. Without it each question may take some thousand steps
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    seconds: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn analyze(args: &AnalyzeArgs) -> Exit {
    let source = match Source::read(&args.file) {
        Ok(source) => source,
        Err(exit) => return exit,
    };
    let options = match args.options(&source) {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    let stop = std::sync::Arc::clone(&options.stop);
    let args = args.clone();
    until(&[stop], args.seconds, move |tell| {
        match source.content.clone() {
            Content::Graph(graph) => of_graph(args, source, &graph, &options, tell),
            Content::Slices(network) => of_slices(args, source, &network, &options, tell),
        }
    })
}

impl AnalyzeArgs {
    fn options(&self, source: &Source) -> Result<Options, Exit> {
        let mut options = Options {
            by: self.by.clone(),
            max_sets: usize::try_from(self.sets).map_or(PATTERNS_ASKED, |n| n.max(PATTERNS_ASKED)),
            ..Options::default()
        };
        let named = |flag: &str, names: &Option<String>| match names {
            Some(names) => acceptors(source, flag, names),
            None => Ok(AcceptorSet::EMPTY),
        };
        options.crashed = named("--crashed", &self.crashed)?;
        options.suspicion.caught = named("--byzantine", &self.byzantine)?;
        let both = options.crashed & options.suspicion.caught;
        if !both.is_empty() {
            let names = source.names(&both).join(",");
            let why = "whoever lies may be silent as well; name it in --byzantine alone";
            return Err(fail(
                Exit::Usage,
                format!("--crashed and --byzantine both name {names}: {why}"),
            ));
        }
        if let Some(url) = &self.node {
            let known = Running::ask(url)?.suspicion(source)?;
            let both = options.crashed & known.caught;
            if !both.is_empty() {
                let names = source.names(&both).join(",");
                complain(format!(
                    "note: {names}, named in --crashed, is caught by the node, and is taken to lie, which is worse"
                ));
                options.crashed -= both;
            }
            options.suspicion.caught |= known.caught;
            options.suspicion.disagreements = known.disagreements;
        }
        Ok(options)
    }

    fn show(&self, source: &Source, found: &impl Serialize, text: &impl fmt::Display) {
        if !self.json {
            return print(format!("{text}").trim_end());
        }
        let facts = serde_json::to_value(found);
        let mut object = json!({"event": "analysis", "file": source.name});
        if let (Ok(Value::Object(facts)), Some(object)) = (facts, object.as_object_mut()) {
            object.extend(facts);
        }
        print(object);
    }
}

fn of_graph(
    args: AnalyzeArgs,
    source: Source,
    graph: &LearnerGraph,
    options: &Options,
    tell: Tell<'_>,
) -> Say {
    let by = options.by.as_deref();
    let units = match units(by, &graph.group_kinds(), graph.units(by), &source.name) {
        Ok(units) => units,
        Err(exit) => return Box::new(move || exit),
    };
    let found = deeper(
        options,
        args.seconds.is_some(),
        tell,
        |found: &Analysis| found.is_decided(options),
        |options, tell| learner_graph::analyze(graph, &units, options, tell),
    );
    let patterns = usize::try_from(args.sets).unwrap_or(PATTERNS_SHOWN);
    Box::new(move || {
        args.show(
            &source,
            &found,
            &found.showing(patterns).with_strongest(args.strongest),
        );
        verdict(found.valid)
    })
}

/// Nobody can rely on what was not decided.
fn verdict(good: Option<bool>) -> Exit {
    match good {
        Some(true) => Exit::Done,
        Some(false) | None => Exit::Bad,
    }
}

fn of_slices(
    args: AnalyzeArgs,
    source: Source,
    network: &stellar::Network,
    options: &Options,
    tell: Tell<'_>,
) -> Say {
    let units = match units_of_list(options.by.as_deref(), network, &source.name) {
        Ok(units) => units,
        Err(exit) => return Box::new(move || exit),
    };
    let found = deeper(
        options,
        args.seconds.is_some(),
        tell,
        |found: &SlicesAnalysis| found.is_decided(options),
        |options, tell| learner_graph::analyze_slices(&network.slices, &units, options, tell),
    );
    Box::new(move || {
        args.show(&source, &found, &found);
        verdict(found.intersect)
    })
}

/// A comma-separated list of acceptors, or of nodes.
fn acceptors(source: &Source, flag: &str, names: &str) -> Result<AcceptorSet, Exit> {
    match &source.content {
        Content::Graph(graph) => acceptor_list(graph, names).map_err(|problems| {
            let words = problems
                .iter()
                .map(|p| format!("{flag}: {}; {}", p.what, p.mend));
            fail(Exit::Usage, words.collect::<Vec<_>>().join("; "))
        }),
        Content::Slices(network) => {
            let known = network.slices.names();
            if names.trim().is_empty() {
                return Ok(AcceptorSet::EMPTY);
            }
            let names = names.split(',').map(str::trim);
            let place = |name: &str| match known.iter().zip(0..).find(|(known, _)| *known == name) {
                Some((_, at)) => Ok(AcceptorId(at)),
                None => {
                    let why = format!("{flag}: {} has no node '{name}'", source.name);
                    Err(fail(Exit::Usage, why))
                }
            };
            names.map(place).collect()
        }
    }
}
