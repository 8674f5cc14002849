//! Several traces as one behaviour.
//!
//! Each file has its lines in the order in which they happened. Between files only this is known: what is
//! received was sent before. So the next line of a file is taken unless it receives what nobody has sent
//! yet. When that holds for every file, somebody sent something without telling: of an acceptor that is not
//! safe it is taken as FakeSend, of others it is an error.

use crate::failure::Failure;
use consensus::hpaxos::trace::{Action, Msg};
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph};
use node::trace::{Init, Line, LineError, Numbered, Reader};
use simulation::conformance::{Refused, Spec};
use simulation::invariants::hpaxos;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

/// A line that cannot have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// The file.
    pub file: String,
    /// The line's number.
    pub line: usize,
    /// The node.
    pub node: String,
    /// Why.
    pub why: String,
    /// The conjunct or the invariant that does not hold.
    pub broken: String,
}

/// Why traces are not accepted.
#[derive(Debug)]
pub enum Trouble {
    /// The specification does not allow a line.
    Refused(Box<Culprit>),
    /// The traces cannot be checked.
    Failure(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Failure(failure)
    }
}

impl From<LineError> for Trouble {
    fn from(error: LineError) -> Self {
        let words = error.to_string();
        Trouble::Failure(match error {
            LineError::Wrong { .. } => Failure::Bad(vec![words]),
            LineError::Io { .. } => Failure::could_not_run(words),
        })
    }
}

/// A line that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The file; empty if nobody told of it.
    pub file: String,
    /// The line's number.
    pub line: usize,
    /// The node.
    pub node: String,
    /// What happened.
    pub action: Action,
}

/// One file.
struct Source<R> {
    reader: Reader<R>,
    /// The next line.
    head: Option<Numbered>,
    /// The message that the next line receives and nobody has sent.
    waits_for: Option<Msg>,
}

impl<R: BufRead> Source<R> {
    fn advance(&mut self) -> Result<(), LineError> {
        self.waits_for = None;
        self.head = self.reader.next_line()?;
        Ok(())
    }
}

/// All files, and the specification that they are held against.
pub struct Merge<R> {
    sources: Vec<Source<R>>,
    /// The file that was read last.
    at: usize,
    spec: Spec,
    graph: Arc<LearnerGraph>,
    network: String,
    nodes: BTreeMap<String, usize>,
    /// Declared not to be safe by the user.
    faulty: AcceptorSet,
    taken: u64,
}

impl<R: BufRead> Merge<R> {
    /// Opens traces by the Init lines at their beginnings.
    ///
    /// # Errors
    /// If a file does not begin with one, they are of different networks, or an acceptor of `faulty` does
    /// not exist.
    pub fn start(inputs: Vec<(String, R)>, faulty: &[String]) -> Result<Merge<R>, Trouble> {
        let mut sources = Vec::new();
        let mut first: Option<(Init, Arc<LearnerGraph>)> = None;
        let mut said_safe = Vec::new();
        for (file, input) in inputs {
            let mut source = Source {
                reader: Reader::new(input, file),
                head: None,
                waits_for: None,
            };
            source.advance()?;
            let head = source.head.as_ref().map(|head| &head.line);
            if let (Some(Line::Init(init)), Some(graph)) = (head, source.reader.graph()) {
                said_safe.extend(init.safe.clone());
                let (known, _) = first.get_or_insert_with(|| (init.clone(), Arc::clone(graph)));
                if known.network != init.network {
                    let file = source.reader.file();
                    let words = format!(
                        "{file}:1: this is the trace of another network than the first file"
                    );
                    return Err(Failure::Bad(vec![words]).into());
                }
            }
            sources.push(source);
        }
        let Some((init, graph)) = first else {
            return Err(Failure::Bad(vec!["no file has a line".into()]).into());
        };
        let faulty = named(&graph, faulty).map_err(|name| {
            let names = graph.names(&graph.acceptors());
            Failure::usage(format!(
                "--faulty: there is no acceptor '{name}', but {names}"
            ))
        })?;
        let mut safe = graph.acceptors() - faulty;
        for said in &said_safe {
            let said = named(&graph, said).map_err(|name| {
                Failure::Bad(vec![format!(
                    "Init: there is no acceptor '{name}' to be safe"
                )])
            })?;
            safe &= said;
        }
        let spec = Spec::new((*graph).clone(), safe);
        let spec = spec.map_err(|e| Failure::could_not_run(e.to_string()))?;
        Ok(Merge {
            sources,
            at: 0,
            spec,
            graph,
            network: init.network,
            nodes: BTreeMap::new(),
            faulty,
            taken: 0,
        })
    }

    /// The state so far.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// How many lines were taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|s| s.reader.bytes()).sum()
    }

    /// What a user may want to know about traces that were accepted.
    pub fn notes(&self) -> Vec<String> {
        let torn = self.sources.iter().filter(|s| s.reader.is_torn());
        let note = |s: &Source<R>| {
            let file = s.reader.file();
            format!("{file}: the last line has no end, since its node was killed: it is left out")
        };
        torn.map(note).collect()
    }

    /// Takes the next line; `None` when all are taken.
    ///
    /// # Errors
    /// [`Trouble`] says which line is not accepted, or cannot be read.
    pub fn take_next(&mut self) -> Result<Option<Taken>, Trouble> {
        let n = self.sources.len();
        for at in (self.at..n).chain(0..self.at) {
            if let Some(taken) = self.try_source(at)? {
                self.at = at;
                return Ok(Some(taken));
            }
        }
        if self.sources.iter().all(|s| s.head.is_none()) {
            return Ok(None);
        }
        self.untold().map(Some)
    }

    /// Looks at all invariants once more.
    ///
    /// # Errors
    /// [`Trouble`] names one that does not hold.
    pub fn finish(&self) -> Result<(), Trouble> {
        hpaxos::check_all(&self.spec).map_err(|broken| {
            Trouble::Refused(Box::new(Culprit {
                file: "the end of all files".into(),
                line: 0,
                node: String::new(),
                why: broken.to_string(),
                broken: broken.invariant.to_owned(),
            }))
        })
    }

    /// Takes the next line of a file that is an action, if it can have happened by now.
    fn try_source(&mut self, at: usize) -> Result<Option<Taken>, Trouble> {
        loop {
            let Some(head) = &self.sources[at].head else {
                return Ok(None);
            };
            match &head.line {
                Line::Init(init) => {
                    let (number, init) = (head.number, init.clone());
                    self.begin(at, number, &init)?;
                    self.sources[at].advance()?;
                }
                Line::Step { .. } => break,
            }
        }
        let source = &self.sources[at];
        let Some(Numbered {
            number,
            line: Line::Step { node, action },
        }) = &source.head
        else {
            return Ok(None);
        };
        let number = *number;
        let Some(place) = self.nodes.get(node).copied() else {
            let why = format!("'{node}' has no Init line before this one");
            return Err(self.refused(at, number, node, why, "Init"));
        };
        match self.spec.apply(place, action) {
            Ok(()) => {}
            Err(Refused {
                unsent: Some(m), ..
            }) => {
                self.sources[at].waits_for = Some(*m);
                return Ok(None);
            }
            Err(refused) => {
                let (why, conjunct) = (refused.to_string(), refused.conjunct);
                return Err(self.refused(at, number, node, why, conjunct));
            }
        }
        if let Err(broken) = hpaxos::check(&self.spec, action) {
            let (why, name) = (broken.to_string(), broken.invariant);
            return Err(self.refused(at, number, node, why, name));
        }
        let file = source.reader.file().to_owned();
        let head = self.sources[at].head.take();
        self.sources[at].advance()?;
        self.taken += 1;
        Ok(head.and_then(|head| match head.line {
            Line::Step { node, action } => Some(Taken {
                file,
                line: head.number,
                node,
                action,
            }),
            Line::Init(_) => None,
        }))
    }

    /// A node starts, or starts again.
    fn begin(&mut self, at: usize, number: usize, init: &Init) -> Result<(), Trouble> {
        let refused =
            |merge: &Self, why: String| merge.refused(at, number, &init.node, why, "Init");
        let graph = self.sources[at].reader.graph();
        let same = graph.is_some_and(|g| g.canonical() == self.graph.canonical());
        if init.network != self.network || !same {
            let why = "the network or the graph is not that of the first file".into();
            return Err(refused(self, why));
        }
        if let Some(safe) = &init.safe {
            let named = named(&self.graph, safe);
            let all = named.is_ok_and(|said| (self.spec.safe() & said) == self.spec.safe());
            if !all {
                let why =
                    "its 'safe' leaves out acceptors that the first lines of the files do not";
                return Err(refused(self, why.into()));
            }
        }
        let next = self.nodes.len();
        let place = *self.nodes.entry(init.node.clone()).or_insert(next);
        let Some(name) = &init.acc else {
            return Ok(());
        };
        let Some(acc) = self.graph.acceptor(name) else {
            return Err(refused(self, format!("there is no acceptor '{name}'")));
        };
        let plays = self.spec.plays(place, acc);
        plays.map_err(|e| refused(self, e.to_string()))
    }

    /// Every file waits for a message of which no file tells that it was sent.
    fn untold(&mut self) -> Result<Taken, Trouble> {
        let waiting = |s: &Source<R>| s.waits_for.clone();
        let missing: Vec<Msg> = self.sources.iter().filter_map(waiting).collect();
        let not_safe = |m: &&Msg| match sender(m) {
            Some(acc) => !self.spec.safe().contains(acc),
            // Its sender's node may play an acceptor that is not safe.
            None => self.spec.safe() != self.graph.acceptors(),
        };
        let Some(m) = missing.iter().find(not_safe).cloned() else {
            return Err(self.never_sent());
        };
        let action = Action::FakeSend(m);
        let taken = Taken {
            file: String::new(),
            line: 0,
            node: String::new(),
            action: action.clone(),
        };
        let done = self.spec.apply(usize::MAX, &action);
        match done {
            Ok(()) => Ok(taken),
            Err(_) => Err(self.never_sent()),
        }
    }

    /// Names the line that waits for somebody whose file has come to its end, if there is one: others may
    /// only wait for that one.
    fn never_sent(&self) -> Trouble {
        let waiting = |s: &Source<R>| -> Vec<usize> {
            let Some(Line::Step { node, .. }) = s.head.as_ref().map(|h| &h.line) else {
                return Vec::new();
            };
            self.nodes.get(node).copied().into_iter().collect()
        };
        let blocked: Vec<usize> = self.sources.iter().flat_map(waiting).collect();
        let root = |s: &Source<R>| {
            let from = s.waits_for.as_ref().and_then(sender);
            let player = from.and_then(|acc| self.spec.player_of(acc));
            player.is_none_or(|node| !blocked.contains(&node))
        };
        let places = || (0..self.sources.len()).filter(|at| self.sources[*at].waits_for.is_some());
        let at = places()
            .find(|at| root(&self.sources[*at]))
            .or(places().next());
        let Some(at) = at else {
            return Failure::could_not_run("the files wait for nothing").into();
        };
        let source = &self.sources[at];
        let (number, node) = match &source.head {
            Some(Numbered {
                number,
                line: Line::Step { node, .. },
            }) => (*number, node.as_str()),
            _ => (0, ""),
        };
        let m = source.waits_for.as_ref().map(|m| self.spec.name_of_msg(m));
        let mend = match self.faulty.is_empty() {
            true => "; if its acceptor is not safe, say so with --faulty",
            false => "",
        };
        let why = format!(
            "it receives {}, which nobody in these files has sent: add the file of its sender{mend}",
            m.unwrap_or_default()
        );
        self.refused(at, number, node, why, "m \\in msgs")
    }

    fn refused(&self, at: usize, line: usize, node: &str, why: String, broken: &str) -> Trouble {
        Trouble::Refused(Box::new(Culprit {
            file: self.sources[at].reader.file().to_owned(),
            line,
            node: node.to_owned(),
            why,
            broken: broken.to_owned(),
        }))
    }
}

fn sender(m: &Msg) -> Option<AcceptorId> {
    match m {
        Msg::OneA { .. } | Msg::OneC(..) => None,
        Msg::OneB { acc, .. } | Msg::TwoAv(acc, ..) | Msg::TwoB(acc, ..) => Some(*acc),
    }
}

/// Acceptors by name, or the name that the graph does not have.
fn named(graph: &LearnerGraph, names: &[String]) -> Result<AcceptorSet, String> {
    let find = |name: &String| graph.acceptor(name).ok_or_else(|| name.clone());
    names.iter().map(find).collect()
}
