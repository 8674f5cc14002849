//! Lines for a person at a terminal.

use super::rows::Rows;
use super::verdict;
use super::words::{self, Paint};
use super::{Show, Started, State, StepLine};
use crate::observe::{Divergence, Node, Report};
use crate::summary::Summary;
use hpaxos_client::Event;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// With fewer values than this every decision is printed.
pub const FEW: usize = 50;
/// Loud blocks about divergence; the summary counts the rest.
const MOST_BLOCKS: usize = 20;
/// Events that were printed once and are not to be repeated for every node.
const MOST_SAID: usize = 10_000;

/// Shows a run to a person.
#[derive(Debug)]
pub struct Human {
    paint: Paint,
    verbose: bool,
    every_decision: bool,
    nodes: Vec<String>,
    learners: Vec<String>,
    rows: Rows,
    said: BTreeSet<String>,
    blocks: usize,
    bar: Option<ProgressBar>,
}

impl Human {
    /// Shows every decision if `verbose`, or if there are few values.
    #[must_use]
    pub fn new(verbose: bool) -> Self {
        let variable = |name| std::env::var(name).ok();
        let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
        let on = words::wants_colour(
            io::stdout().is_terminal(),
            no_color.as_deref(),
            term.as_deref(),
        );
        Human {
            paint: Paint::new(on),
            verbose,
            every_decision: verbose,
            nodes: Vec::new(),
            learners: Vec::new(),
            rows: Rows::default(),
            said: BTreeSet::new(),
            blocks: 0,
            bar: None,
        }
    }

    fn lines<S: AsRef<str>>(&self, lines: &[S]) -> io::Result<()> {
        let write = || {
            let mut out = io::stdout().lock();
            lines
                .iter()
                .try_for_each(|line| writeln!(out, "{}", line.as_ref()))?;
            out.flush()
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Prints what several nodes say only once.
    fn once(&mut self, line: String) -> io::Result<()> {
        if self.said.len() < MOST_SAID && self.said.insert(line.clone()) {
            self.lines(&[line])?;
        }
        Ok(())
    }

    fn name(&self, node: Node) -> &str {
        self.nodes.get(node).map_or("?", String::as_str)
    }
}

impl Show for Human {
    fn started(&mut self, started: &Started) -> io::Result<()> {
        self.nodes = started.nodes.iter().map(|n| n.name.clone()).collect();
        self.learners.clone_from(&started.learners);
        let mut lines = vec![format!(
            "{} ready, learners {}; configuration and logs in {}",
            words::count(started.nodes.len(), "node"),
            words::list(&started.learners),
            started.dir
        )];
        for node in &started.nodes {
            lines.push(format!(
                "  {:<4} {:<6} {}  pid {:<7} {}",
                node.name,
                node.acceptor.as_deref().unwrap_or("-"),
                node.http,
                node.pid,
                self.paint.dim(&node.roles.join(" ")),
            ));
        }
        for disk in &started.disks {
            lines.push(format!("  {:<4} {}", disk.name, disk.path));
        }
        lines.push(format!("  a page that shows all of them: {}", started.page));
        lines.extend(started.predictions.iter().cloned());
        if started.values > 0 {
            lines.push(format!(
                "submitting {}",
                words::count(started.values, "value")
            ));
        }
        if started.keep {
            lines
                .push("goes on until Ctrl-C; submit values to any node, or on the page".to_owned());
        }
        lines.push(String::new());
        self.every_decision = self.verbose || started.values < FEW;
        if !self.every_decision {
            let bar = ProgressBar::new(started.values as u64);
            if let Ok(style) =
                ProgressStyle::with_template("{bar:30} {pos} of {len} values decided, {elapsed}")
            {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        self.lines(&lines)
    }

    fn event(
        &mut self,
        node: Node,
        _: &Json,
        event: &Event,
        _: Option<Duration>,
    ) -> io::Result<()> {
        match event {
            Event::Evidence { words, .. } => {
                self.once(self.paint.warn(&format!("evidence: {words}")))
            }
            Event::Disconnected { learners } => {
                let text = match learners.as_slice() {
                    [a, b] if a == b => format!("{a} is no longer sure to agree with itself"),
                    pair => format!("{} are no longer sure to agree", words::list(pair)),
                };
                self.once(self.paint.warn(&text))
            }
            Event::Ballot { ballot, leader } if *ballot > 1 => {
                let leader = leader.as_deref().unwrap_or("?");
                self.once(
                    self.paint
                        .dim(&format!("ballot {ballot} begins, led by {leader}")),
                )
            }
            Event::Fork { learner, slot, .. } => {
                let node = self.name(node);
                // Whether it may is said with what differs.
                self.once(
                    self.paint
                        .warn(&format!("{learner} forked in slot {slot} (on {node})")),
                )
            }
            _ => Ok(()),
        }
    }

    fn decision(
        &mut self,
        report: &Report,
        latency: Option<Duration>,
        now: Duration,
    ) -> io::Result<()> {
        if self.every_decision {
            self.rows.add(report, latency, now);
        }
        Ok(())
    }

    fn divergence(
        &mut self,
        divergence: &Divergence,
        verdict: &str,
        broken: bool,
    ) -> io::Result<()> {
        self.blocks += 1;
        if self.blocks > MOST_BLOCKS {
            return Ok(());
        }
        let block = verdict::block(divergence, verdict, broken, &self.nodes, &self.learners);
        let paint = |line: &String| match broken {
            true => self.paint.bad(line),
            false => self.paint.warn(line),
        };
        let block: Vec<String> = block.iter().map(paint).collect();
        self.lines(&block)
    }

    fn notice(&mut self, text: &str) -> io::Result<()> {
        self.lines(&[self.paint.warn(text)])
    }

    fn step(&mut self, step: &StepLine<'_>) -> io::Result<()> {
        let (number, of, words) = (step.number, step.of, step.words);
        let took = words::time(step.took);
        let line = match step.outcome {
            Ok(()) => self
                .paint
                .good(&format!("✓ {number}/{of} {words} ({took})")),
            Err(why) => self
                .paint
                .bad(&format!("✗ {number}/{of} {words}: {why} (after {took})")),
        };
        self.lines(&[line])
    }

    fn tick(&mut self, state: State<'_>) -> io::Result<()> {
        if let Some(bar) = &self.bar {
            bar.set_position(state.done as u64);
        }
        let lines = self.rows.finished(state, &self.learners, self.paint);
        self.lines(&lines)
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.lines(&verdict::lines(summary, self.paint))
    }
}
