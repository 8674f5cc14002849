//! One line per decided slot, with a further one for each further value: learners that decide the same within a short time share it. No I/O.

use super::State;
use super::words::{self, Paint};
use crate::observe::{Batch, Learner, Report};
use std::time::Duration;

/// How long a line waits for further learners and nodes.
const WAIT: Duration = Duration::from_millis(150);
/// Values of one batch that are shown.
const MOST_VALUES: usize = 8;

/// A line in the making.
#[derive(Clone, Debug)]
struct Row {
    slot: u64,
    batch: Batch,
    learners: Vec<Learner>,
    latency: Option<Duration>,
    since: Duration,
}

/// Lines in the making, oldest first.
#[derive(Debug, Default)]
pub struct Rows {
    rows: Vec<Row>,
}

impl Rows {
    /// A learner has decided a slot, seen for the first time.
    pub fn add(&mut self, report: &Report, latency: Option<Duration>, now: Duration) {
        let same = |row: &&mut Row| row.slot == report.slot && row.batch == report.batch;
        if let Some(row) = self.rows.iter_mut().find(same) {
            row.learners.push(report.learner);
            row.latency = row.latency.max(latency);
            return;
        }
        self.rows.push(Row {
            slot: report.slot,
            batch: report.batch.clone(),
            learners: vec![report.learner],
            latency,
            since: now,
        });
    }

    /// The lines that have waited long enough, or have nobody to wait for.
    pub fn finished(&mut self, state: State<'_>, names: &[String], paint: Paint) -> Vec<String> {
        self.take(|row| state.now.saturating_sub(row.since) >= WAIT || complete(row, state))
            .into_iter()
            .map(|row| line(&row, state, names, paint))
            .collect()
    }

    /// All lines, finished or not.
    pub fn rest(&mut self, state: State<'_>, names: &[String], paint: Paint) -> Vec<String> {
        self.take(|_| true)
            .into_iter()
            .map(|row| line(&row, state, names, paint))
            .collect()
    }

    fn take(&mut self, finished: impl Fn(&Row) -> bool) -> Vec<Row> {
        let (mut done, rest) = std::mem::take(&mut self.rows)
            .into_iter()
            .partition::<Vec<_>, _>(finished);
        self.rows = rest;
        done.sort_by_key(|row| row.slot);
        done
    }
}

fn complete(row: &Row, state: State<'_>) -> bool {
    let nodes = if state.one_each { 1 } else { state.living };
    let everywhere = |l: &Learner| state.observer.reported_by(*l, row.slot).0 >= nodes;
    state.awaited.iter().all(|l| row.learners.contains(l)) && row.learners.iter().all(everywhere)
}

fn line(row: &Row, state: State<'_>, names: &[String], paint: Paint) -> String {
    let mut learners = row.learners.clone();
    learners.sort_unstable();
    let all: Vec<&str> = learners
        .iter()
        .filter_map(|l| names.get(*l))
        .map(String::as_str)
        .collect();
    let on = row
        .learners
        .iter()
        .map(|l| state.observer.reported_by(*l, row.slot).0)
        .min();
    let on = match on.unwrap_or(0) {
        _ if state.one_each && learners.len() < state.living => {
            format!("{} of {} nodes", learners.len(), state.living)
        }
        _ if state.one_each => words::count(learners.len(), "node"),
        n if n >= state.living => words::count(n, "node"),
        n => format!("{n} of {} nodes", state.living),
    };
    let latency = row.latency.map(words::time).unwrap_or_default();
    let names = words::elide(&all.join(" "), 36);
    let values = words::batch_lines(&row.batch, 32, MOST_VALUES);
    let mut line = String::new();
    for (at, value) in values.iter().enumerate() {
        line += &match at {
            0 => format!(
                "slot {:<4} ballot {:<3} {}  {value:<32} {latency:>8}  {}",
                row.slot,
                row.batch.ballot,
                paint.good(&format!("{names:<18}")),
                paint.dim(&on),
            ),
            _ => format!(
                "\n{:21}{:w$}  {value}",
                "",
                "",
                w = names.chars().count().max(18)
            ),
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Item, Observer};
    use std::sync::Arc;

    fn report(node: usize, learner: usize, slot: u64, text: &str) -> Report {
        let items = Arc::from([Item {
            key: String::new(),
            bytes: text.as_bytes().to_vec(),
        }]);
        Report {
            node,
            learner,
            slot,
            batch: Batch {
                ballot: 1,
                digest: Arc::from(""),
                items,
            },
        }
    }

    struct Run {
        observer: Observer,
        rows: Rows,
        one_each: bool,
    }

    impl Run {
        fn add(&mut self, report: &Report, at: u64) {
            let now = Duration::from_millis(at);
            self.observer.fold(report.clone(), now);
            if self.observer.reported_by(report.learner, report.slot).0 == 1 {
                self.rows.add(report, Some(Duration::from_millis(12)), now);
            }
        }

        fn lines(&mut self, at: u64) -> Vec<String> {
            let state = State {
                observer: &self.observer,
                living: 2,
                one_each: self.one_each,
                awaited: &[0, 1],
                done: 0,
                now: Duration::from_millis(at),
            };
            let names = ["alice".to_owned(), "bob".to_owned()];
            self.rows.finished(state, &names, Paint::new(false))
        }
    }

    fn run() -> Run {
        Run {
            observer: Observer::new(2, 2),
            rows: Rows::default(),
            one_each: false,
        }
    }

    #[test]
    fn learners_share_a_line_once_all_nodes_have_it() {
        let mut run = run();
        for (node, learner) in [(0, 0), (0, 1), (1, 0)] {
            run.add(&report(node, learner, 3, "v"), 0);
        }
        assert!(run.lines(1).is_empty());
        run.add(&report(1, 1, 3, "v"), 1);
        let lines = run.lines(1);
        assert_eq!(lines.len(), 1);
        for part in [
            "slot 3 ",
            "ballot 1 ",
            "alice bob",
            "\"v\"",
            "12 ms",
            "2 nodes",
        ] {
            assert!(lines[0].contains(part), "{part}: {}", lines[0]);
        }
        assert!(lines[0].chars().count() <= 100);
        assert!(run.lines(1000).is_empty(), "shown once");
    }

    #[test]
    fn nodes_with_a_learner_each_are_counted_by_their_learners() {
        let mut run = run();
        run.one_each = true;
        run.add(&report(0, 0, 3, "v"), 0);
        assert!(run.lines(149).is_empty());
        run.add(&report(1, 1, 3, "v"), 149);
        let lines = run.lines(149);
        assert!(
            lines[0].contains("alice bob") && lines[0].ends_with("  2 nodes"),
            "{lines:?}"
        );
        run.add(&report(0, 0, 4, "v"), 150);
        assert!(run.lines(300)[0].ends_with("1 of 2 nodes"));
    }

    #[test]
    fn nobody_is_waited_for_long() {
        let mut run = run();
        run.add(&report(0, 0, 0, "v"), 0);
        assert!(run.lines(149).is_empty());
        assert!(run.lines(150)[0].contains("1 of 2 nodes"));
        run.add(&report(0, 1, 0, "v"), 200);
        assert!(run.lines(400)[0].contains("bob"));
    }

    #[test]
    fn different_values_never_share_a_line() {
        let mut run = run();
        run.add(&report(0, 0, 0, "v"), 0);
        run.add(&report(0, 1, 0, "w"), 0);
        let lines = run.lines(150);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("alice") && lines[0].contains("\"v\""));
        assert!(lines[1].contains("bob") && lines[1].contains("\"w\""));
    }
}
