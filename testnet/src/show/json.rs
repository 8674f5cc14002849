//! JSON lines on standard output; words about the network itself go to standard error.

use super::{Show, Started, State, StepLine, complain};
use crate::observe::{Divergence, Node, Report};
use crate::summary::Summary;
use hpaxos_client::Event;
use serde_json::{Value as Json, json};
use std::io::{self, Write};
use std::time::Duration;

/// Shows a run as JSON lines.
#[derive(Debug, Default)]
pub struct JsonLines {
    nodes: Vec<String>,
}

fn line(object: &Json) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{object}")?;
    out.flush()
}

impl Show for JsonLines {
    fn started(&mut self, started: &Started) -> io::Result<()> {
        self.nodes = started.nodes.iter().map(|node| node.name.clone()).collect();
        for node in &started.nodes {
            line(&json!({
                "event": "node", "node": node.name, "http": node.http, "roles": node.roles,
                "pid": node.pid, "acceptor": node.acceptor, "learners": node.learners,
            }))?;
        }
        for disk in &started.disks {
            line(&json!({"event": "disk", "disk": disk.name, "path": disk.path}))?;
        }
        line(&json!({"event": "page", "http": started.page}))
    }

    fn event(
        &mut self,
        node: Node,
        raw: &Json,
        _: &Event,
        latency: Option<Duration>,
    ) -> io::Result<()> {
        let mut object = raw.clone();
        if let Some(fields) = object.as_object_mut() {
            // The connection it came by says which node it is, whatever the node says.
            fields.insert("node".into(), json!(self.nodes.get(node)));
            if let Some(latency) = latency {
                let ms = (latency.as_secs_f64() * 1e6).round() / 1e3;
                fields.insert("latency_ms".into(), json!(ms));
            }
        }
        line(&object)
    }

    fn decision(&mut self, _: &Report, _: Option<Duration>, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn divergence(&mut self, divergence: &Divergence, verdict: &str, _: bool) -> io::Result<()> {
        let slot = divergence.first.slot;
        self.notice(&format!("different decisions in slot {slot}: {verdict}"))
    }

    fn notice(&mut self, text: &str) -> io::Result<()> {
        complain(text);
        Ok(())
    }

    fn step(&mut self, step: &StepLine<'_>) -> io::Result<()> {
        let why = step.outcome.as_ref().err();
        let ms = (step.took.as_secs_f64() * 1e6).round() / 1e3;
        line(&json!({
            "event": "step", "step": step.number, "of": step.of, "what": step.words,
            "passed": why.is_none(), "why": why, "ms": ms,
        }))
    }

    fn tick(&mut self, _: State<'_>) -> io::Result<()> {
        Ok(())
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        line(&summary.to_json())
    }
}
