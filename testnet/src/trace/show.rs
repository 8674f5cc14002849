//! What is shown of traces.

use super::merge::{Culprit, Taken};
use crate::show::words;
use consensus::hpaxos::trace::{Action, Msg};
use consensus::{Ballot, Slot};
use learner_graph::LearnerGraph;
use node::trace::Line;
use serde_json::json;
use simulation::conformance::Spec;
use std::collections::{BTreeMap, BTreeSet};

/// What accepted traces hold.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The one slot to be shown.
    only: Option<Slot>,
    lines: BTreeMap<&'static str, u64>,
    ballots: BTreeSet<Ballot>,
    slots: u64,
    learners: Vec<(String, BTreeSet<Slot>)>,
    untold: u64,
}

impl Summary {
    pub(super) fn new(graph: &LearnerGraph, only: Option<u64>) -> Self {
        let learners = graph.learners().iter();
        let learners = learners.map(|l| (graph.learner_name(l).to_owned(), BTreeSet::new()));
        Summary {
            only: only.map(Slot),
            lines: BTreeMap::new(),
            ballots: BTreeSet::new(),
            slots: 0,
            learners: learners.collect(),
            untold: 0,
        }
    }

    /// Counts a line; what of it is about the slots to be shown, if anything is.
    pub(super) fn count(&mut self, taken: &Taken) -> Option<Action> {
        let shown = match self.only {
            None => taken.action.clone(),
            Some(slot) => in_slot(&taken.action, slot)?,
        };
        *self.lines.entry(name(&shown)).or_default() += 1;
        self.untold += u64::from(taken.file.is_empty());
        self.ballots.extend(ballot(&shown));
        Some(shown)
    }

    /// Takes in who has decided.
    pub(super) fn decided(&mut self, spec: &Spec) {
        let slots: Vec<Slot> = match self.only {
            None => spec.slots().collect(),
            Some(slot) => spec.slots().filter(|s| *s == slot).collect(),
        };
        self.slots = slots.len() as u64;
        for slot in slots {
            for (_, vote) in spec.decisions(slot) {
                if let Some((_, decided)) = self.learners.get_mut(usize::from(vote.lr.0)) {
                    decided.insert(slot);
                }
            }
        }
    }

    /// The summary in words, or as a line of JSON.
    #[must_use]
    pub fn show(&self, as_json: bool) -> String {
        if as_json {
            let learners = self.learners.iter();
            let learners = learners.map(|(name, slots)| (name.clone(), json!(slots.len())));
            let decided: serde_json::Map<String, serde_json::Value> = learners.collect();
            return json!({
                "event": "summary",
                "accepted": true,
                "lines": self.lines,
                "untold": self.untold,
                "slots": self.slots,
                "ballots": self.ballots.len(),
                "decided": decided,
            })
            .to_string();
        }
        let total: u64 = self.lines.values().sum();
        let mut text = format!(
            "accepted: {} in {} and {}\n",
            count(total, "action"),
            count(self.slots, "slot"),
            count(self.ballots.len() as u64, "ballot")
        );
        for (name, n) in &self.lines {
            text.push_str(&format!("  {n:>8} {name}\n"));
        }
        if self.untold > 0 {
            let n = self.untold;
            text.push_str(&format!(
                "  {n:>8} of them FakeSend of messages that no file tells of\n"
            ));
        }
        let learners = self.learners.iter();
        let learners =
            learners.map(|(name, slots)| format!("{name} {}", count(slots.len() as u64, "slot")));
        let learners: Vec<String> = learners.collect();
        text.push_str(&format!("decided: {}", learners.join(", ")));
        text
    }
}

fn count(n: u64, what: &str) -> String {
    words::count(usize::try_from(n).unwrap_or(usize::MAX), what)
}

/// A line that was refused, in words or as a line of JSON.
pub(super) fn refused(culprit: &Culprit, as_json: bool) -> String {
    let Culprit {
        file,
        line,
        node,
        why,
        broken,
    } = culprit;
    match as_json {
        true => json!({
            "event": "refused",
            "accepted": false,
            "file": file,
            "line": line,
            "node": node,
            "broken": broken,
            "why": why,
        })
        .to_string(),
        false => format!("refused: {file}:{line}: {node}: {why}"),
    }
}

/// A line that was accepted, in words or as in the file.
pub(super) fn line(spec: &Spec, taken: &Taken, action: &Action, as_json: bool) -> String {
    if as_json {
        let node = taken.node.clone();
        let action = action.clone();
        return Line::Step { node, action }.to_json(spec.graph());
    }
    let words = spec.name_of(action);
    match taken.file.is_empty() {
        true => format!("(no file) {words}"),
        false => format!("{}:{} {}: {words}", taken.file, taken.line, taken.node),
    }
}

/// The action's name in the module.
fn name(action: &Action) -> &'static str {
    match action {
        Action::Send(Msg::OneA { .. }) => "Phase1a",
        Action::Send(Msg::OneB { .. }) => "Phase1b",
        Action::Send(Msg::OneC(..)) => "Phase1c",
        Action::Send(Msg::TwoAv(..)) => "Phase2av",
        Action::Send(Msg::TwoB(..)) => "Phase2b",
        Action::FakeSend(_) => "FakeSend",
        Action::Recv(..) => "Recv",
        Action::LearnerRecv(_) => "LearnerRecv",
        Action::LearnerDecide { .. } => "LearnerDecide",
        Action::Disconnect { .. } => "Disconnect",
    }
}

fn ballot(action: &Action) -> Option<Ballot> {
    match action {
        Action::Send(Msg::OneA { bal, .. } | Msg::OneB { bal, .. })
        | Action::LearnerDecide { bal, .. } => Some(*bal),
        Action::Send(Msg::OneC(v, _) | Msg::TwoAv(_, v, _) | Msg::TwoB(_, v, _)) => Some(v.bal),
        _ => None,
    }
}

/// What an action is in the instance of one slot: nothing if it is about others only.
fn in_slot(action: &Action, slot: Slot) -> Option<Action> {
    let of = |m: &Msg| match m {
        Msg::OneA { .. } => Some(m.clone()),
        Msg::OneB {
            lr,
            acc,
            bal,
            low_water,
            scope,
            slots,
        } => (*low_water <= slot && scope.contains(slot)).then(|| Msg::OneB {
            lr: *lr,
            acc: *acc,
            bal: *bal,
            low_water: *low_water,
            scope: scope.clone(),
            slots: slots.iter().filter(|s| s.slot == slot).cloned().collect(),
        }),
        Msg::OneC(_, at) | Msg::TwoAv(_, _, at) | Msg::TwoB(_, _, at) => {
            (*at == slot).then(|| m.clone())
        }
    };
    match action {
        Action::Send(m) => of(m).map(Action::Send),
        Action::FakeSend(m) => of(m).map(Action::FakeSend),
        Action::Recv(acc, m) => of(m).map(|m| Action::Recv(*acc, m)),
        Action::LearnerRecv(m) => of(m).map(Action::LearnerRecv),
        Action::LearnerDecide { slot: at, .. } => (*at == slot).then(|| action.clone()),
        Action::Disconnect { .. } => Some(action.clone()),
    }
}
