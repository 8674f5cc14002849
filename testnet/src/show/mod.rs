//! What a user sees of a run: lines for a person, or lines of JSON for a program.

pub mod human;
pub mod json;
pub mod rows;
pub mod verdict;
pub mod words;

use crate::failure::Failure;
use crate::observe::{Divergence, Node, Observer, Report};
use crate::summary::Summary;
use hpaxos_client::Event;
use serde_json::Value as Json;
use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

/// Writes to standard error. Nobody has to read it.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a line to standard output, at once.
///
/// # Errors
/// If nobody reads it.
pub fn line(text: &dyn Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|_| Failure::Unread)
}

/// A node as it is announced.
#[derive(Clone, Debug)]
pub struct NodeLine {
    /// Its name.
    pub name: String,
    /// The URL of its HTTP API.
    pub http: String,
    /// Its roles.
    pub roles: Vec<&'static str>,
    /// The acceptor it plays.
    pub acceptor: Option<String>,
    /// The learners it plays.
    pub learners: Vec<String>,
    /// Its process.
    pub pid: u32,
}

/// A disk as it is announced.
#[derive(Clone, Debug)]
pub struct DiskLine {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
}

/// A network that is ready.
#[derive(Clone, Debug)]
pub struct Started {
    /// The nodes.
    pub nodes: Vec<NodeLine>,
    /// The disks.
    pub disks: Vec<DiskLine>,
    /// The learners.
    pub learners: Vec<String>,
    /// The URL of the page that shows all nodes.
    pub page: String,
    /// Where configuration and logs are.
    pub dir: String,
    /// What the graph predicts, in lines.
    pub predictions: Vec<String>,
    /// How many values will be submitted.
    pub values: usize,
    /// Whether it goes on until it is told to stop.
    pub keep: bool,
}

/// The state of a run as far as showing it needs it.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// What was reported.
    pub observer: &'a Observer,
    /// The number of trusted nodes that live.
    pub living: usize,
    /// Whether every node has a learner of its own, and no other.
    pub one_each: bool,
    /// The learners that are waited for.
    pub awaited: &'a [usize],
    /// Values decided by all of them everywhere.
    pub done: usize,
    /// Time since the start.
    pub now: Duration,
}

/// A step of a scenario that is over.
#[derive(Clone, Copy, Debug)]
pub struct StepLine<'a> {
    /// Which, counted from 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
    /// What it was.
    pub words: &'a str,
    /// Why it failed, if it did.
    pub outcome: &'a Result<(), String>,
    /// How long it took.
    pub took: Duration,
}

/// A way to show a run. An error means that nobody is looking any more.
pub trait Show {
    /// The network is ready.
    ///
    /// # Errors
    /// If the output is gone.
    fn started(&mut self, started: &Started) -> io::Result<()>;
    /// A node said something; `latency` is that of the oldest submitted value in a decision.
    ///
    /// # Errors
    /// If the output is gone.
    fn event(
        &mut self,
        node: Node,
        raw: &Json,
        event: &Event,
        latency: Option<Duration>,
    ) -> io::Result<()>;
    /// A learner has decided a slot, seen for the first time on any node.
    ///
    /// # Errors
    /// If the output is gone.
    fn decision(
        &mut self,
        report: &Report,
        latency: Option<Duration>,
        now: Duration,
    ) -> io::Result<()>;
    /// Two reports contradict each other.
    ///
    /// # Errors
    /// If the output is gone.
    fn divergence(
        &mut self,
        divergence: &Divergence,
        verdict: &str,
        broken: bool,
    ) -> io::Result<()>;
    /// Something happened to the network itself, a death for example.
    ///
    /// # Errors
    /// If the output is gone.
    fn notice(&mut self, text: &str) -> io::Result<()>;
    /// A step of a scenario is over.
    ///
    /// # Errors
    /// If the output is gone.
    fn step(&mut self, step: &StepLine<'_>) -> io::Result<()>;
    /// Time has passed.
    ///
    /// # Errors
    /// If the output is gone.
    fn tick(&mut self, state: State<'_>) -> io::Result<()>;
    /// The end.
    ///
    /// # Errors
    /// If the output is gone.
    fn summary(&mut self, summary: &Summary) -> io::Result<()>;
}
