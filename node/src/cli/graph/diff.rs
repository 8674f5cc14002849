//! `hpaxos graph diff`.

use super::super::{Exit, complain};
use super::deeper::deeper;
use super::form::{Form, verdict};
use super::source::Source;
use super::until::{Budget, until};
use clap::Args;
use learner_graph::{Analysis, Analyzer, Comparison, LearnerGraph, Options, Scope, Units, compare};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How long it works unless the user says how long.
const SECONDS: u64 = 15;

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
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    form: Form,
}

pub(super) fn diff(args: &DiffArgs) -> Exit {
    let sources = [&args.old, &args.new].map(|path| Source::read(path));
    let [Ok(old), Ok(new)] = sources else {
        let failed = sources.into_iter().find_map(Result::err);
        return failed.unwrap_or(Exit::Failed);
    };
    let asked = [&old, &new].map(|source| -> Result<(LearnerGraph, Units), String> {
        Ok((source.graph()?.clone(), source.units(args.by.as_deref())?))
    });
    let [Ok(before), Ok(after)] = asked else {
        let wrong = asked.iter().filter_map(|asked| asked.as_ref().err());
        wrong.for_each(|why| complain(format!("error: {why}")));
        return Exit::Usage;
    };
    let options = Options {
        by: args.by.clone(),
        // No sets are listed.
        max_sets: 0,
        ..Options::default()
    };
    // Each has a third of the time, so that what comes later has some.
    let part = |scope| Options {
        stop: Arc::default(),
        scope,
        ..options.clone()
    };
    let parts = [Scope::Tolerances, Scope::Change, Scope::Change].map(part);
    let stops = parts.each_ref().map(|options| Arc::clone(&options.stop));
    let args = args.clone();
    until(&stops, args.budget.or(SECONDS), move |tell| {
        let mut look = |(graph, units): &(LearnerGraph, Units), of: &str, options: &Options| {
            let mut tell =
                |what: &str, done: usize, all: usize| tell(&format!("{of}: {what}"), done, all);
            let mut analyzer = Analyzer::new(graph, units, options);
            deeper(
                &options.stop,
                args.budget,
                &mut tell,
                |found: &Analysis| found.is_decided(options),
                |times, tell| analyzer.ask(times, tell),
            )
        };
        let [of_old, of_new, of_both] = &parts;
        let found = [
            look(&before, "the old graph", of_old),
            look(&after, "the new graph", of_new),
        ];
        let mut best: Option<Comparison> = None;
        let found = deeper(
            &of_both.stop,
            args.budget,
            tell,
            Comparison::is_decided,
            |times, tell| {
                tell("what has changed", 0, 1);
                let (old, new) = ((&before.0, &found[0]), (&after.0, &found[1]));
                let compared = compare(old, new, of_both, times);
                let stopped = of_both.stop.load(Ordering::Relaxed);
                let worse = stopped && !compared.is_decided();
                let found = better(best.take(), compared, worse);
                best.insert(found).clone()
            },
        );
        Box::new(move || {
            let about = json!({"event": "graph-diff", "old": old.name, "new": new.name});
            args.form.print(about, &found, &found);
            verdict(found.valid[1])
        })
    })
}

/// What was found before, if what was found now is worse: what was stopped has seen less than what was not.
fn better<T>(before: Option<T>, now: T, worse: bool) -> T {
    before.filter(|_| worse).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::better;

    #[test]
    fn what_was_stopped_does_not_replace_what_was_not() {
        assert_eq!(better(None, "now", true), "now");
        assert_eq!(better(Some("before"), "now", true), "before");
        assert_eq!(better(Some("before"), "now", false), "now");
    }
}
