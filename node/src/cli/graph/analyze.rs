//! `hpaxos graph analyze`.

use super::super::{Exit, complain};
use super::deeper::deeper;
use super::form::{Form, verdict};
use super::running::Running;
use super::source::{Content, Source};
use super::until::{Budget, Say, Tell, until};
use clap::Args;
use learner_graph::{
    AcceptorSet, Analysis, Analyzer, LearnerGraph, Options, PATTERNS_SHOWN, SlicesAnalysis,
    SlicesAnalyzer, Units, stellar,
};
use serde::Serialize;
use serde_json::json;
use std::fmt;
use std::path::PathBuf;

/// The patterns of minimal sets that are asked for, at least: what could be promised is known only
/// if all are.
const PATTERNS_ASKED: usize = 100;

/// How long it works unless the user says how long.
const SECONDS: u64 = 15;

/// The arguments of `hpaxos graph analyze`.
#[derive(Args, Clone, Debug)]
pub struct AnalyzeArgs {
    /// A graph, a whole network configuration, or a list of nodes with quorum sets in JSON
    file: PathBuf,
    /// Let groups of this kind fail as a whole: those of the table [groups.KIND], or the country, isp,
    /// organisation or version of the nodes of a list
    #[arg(long, value_name = "KIND")]
    by: Option<String>,
    /// Suppose that these acceptors, or all of these groups, are silent
    #[arg(long, value_name = "A1,A2,…")]
    crashed: Option<String>,
    /// Suppose that these acceptors, or all of these groups, lie
    #[arg(long, value_name = "A1,A2,…")]
    byzantine: Option<String>,
    /// Suppose what this node knows: the acceptors that are caught, the learners that have disagreed
    #[arg(long, value_name = "URL")]
    node: Option<String>,
    /// How many patterns of minimal sets to show of each kind
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = PATTERNS_SHOWN as u64, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    sets: u64,
    /// Show the strongest promises even if they are those of the file
    #[arg(long)]
    strongest: bool,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    form: Form,
}

pub(super) fn analyze(args: &AnalyzeArgs) -> Exit {
    let source = match Source::read(&args.file) {
        Ok(source) => source,
        Err(exit) => return exit,
    };
    let (options, units) = match args.question(&source) {
        Ok(question) => question,
        Err(exit) => return exit,
    };
    let stop = std::sync::Arc::clone(&options.stop);
    let args = args.clone();
    until(&[stop], args.budget.or(SECONDS), move |tell| {
        match source.content.clone() {
            Content::Graph(graph) => of_graph(args, source, &graph, &units, &options, tell),
            Content::Slices(network) => of_slices(args, source, &network, &units, &options, tell),
        }
    })
}

impl AnalyzeArgs {
    /// What is asked, and what fails as a whole. All that is wrong with it is said at once.
    fn question(&self, source: &Source) -> Result<(Options, Units), Exit> {
        let mut wrong = Vec::new();
        let mut named = |flag: &str, names: &Option<String>| {
            let set = source.acceptors(flag, names.as_deref().unwrap_or_default());
            set.unwrap_or_else(|more| {
                wrong.extend(more);
                AcceptorSet::EMPTY
            })
        };
        let crashed = named("--crashed", &self.crashed);
        let lying = named("--byzantine", &self.byzantine);
        let both = source.names(&(crashed & lying)).join(",");
        if !both.is_empty() {
            wrong.push(format!(
                "--crashed and --byzantine both name {both}: whoever lies may be silent as well; name it in --byzantine alone"
            ));
        }
        let units = source.units(self.by.as_deref());
        let units = units.map_err(|why| wrong.push(why)).ok();
        let (Some(units), true) = (units, wrong.is_empty()) else {
            wrong
                .iter()
                .for_each(|why| complain(format!("error: {why}")));
            return Err(Exit::Usage);
        };
        let mut options = Options {
            by: self.by.clone(),
            max_sets: usize::try_from(self.sets).map_or(PATTERNS_ASKED, |n| n.max(PATTERNS_ASKED)),
            crashed,
            ..Options::default()
        };
        options.suspicion.caught = lying;
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
        Ok((options, units))
    }

    fn show(&self, source: &Source, found: &impl Serialize, text: &impl fmt::Display) {
        let about = json!({"event": "analysis", "file": source.name});
        self.form.print(about, found, text);
    }
}

fn of_graph(
    args: AnalyzeArgs,
    source: Source,
    graph: &LearnerGraph,
    units: &Units,
    options: &Options,
    tell: Tell<'_>,
) -> Say {
    let mut analyzer = Analyzer::new(graph, units, options);
    let found = deeper(
        &options.stop,
        args.budget,
        tell,
        |found: &Analysis| found.is_decided(options),
        |times, tell| analyzer.ask(times, tell),
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

fn of_slices(
    args: AnalyzeArgs,
    source: Source,
    network: &stellar::Network,
    units: &Units,
    options: &Options,
    tell: Tell<'_>,
) -> Say {
    let mut analyzer = SlicesAnalyzer::new(&network.slices, units, options);
    let found = deeper(
        &options.stop,
        args.budget,
        tell,
        |found: &SlicesAnalysis| found.is_decided(options),
        |times, tell| analyzer.ask(times, tell),
    );
    Box::new(move || {
        args.show(&source, &found, &found);
        // Where there is no quorum nobody can decide, however well none of them meet.
        verdict(found.intersect.map(|meet| meet && found.in_quorums > 0))
    })
}
