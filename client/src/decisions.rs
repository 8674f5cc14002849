//! A learner's decisions, every slot once and in order, for as long as somebody wants to know.
//!
//! ```text
//!   open the event stream ─► pages until there are no more ─► events ─┐
//!        ▲                     ▲                                      │
//!        │                     └── a slot is missing, or a gap ───────┤
//!        └── the next node, after a pause ◄── lost, busy, no answer ──┘
//! ```

use crate::client::Client;
use crate::error::Error;
use crate::event::Event;
use crate::events::{Open, Since};
use crate::nodes::Nodes;
use crate::retry::Pauses;
use crate::value::{Decision, Page};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Decisions asked for at once.
const PAGE: usize = 500;

/// The decisions of a learner, as a stream without end. See [`Client::decisions`] and [`Nodes::decisions`].
///
/// What passes (a node that is dead, busy or starting) is waited for; what does not is the last item.
pub struct Decisions(State);

enum State {
    Ready(Option<Box<Reader>>),
    Running(BoxStream<'static, Result<Decision, Error>>),
}

impl Decisions {
    pub(crate) fn new(nodes: Nodes, learner: &str, from: u64) -> Decisions {
        Decisions(State::Ready(Some(Box::new(Reader {
            nodes,
            learner: learner.to_owned(),
            next: from,
            patience: None,
            turn: 0,
            asked: None,
            source: None,
            ready: VecDeque::new(),
            trouble: Trouble::default(),
            over: false,
        }))))
    }

    /// The same, which ends with the error when no node has been of use for so long. Otherwise it goes on
    /// for ever. To be said before the first decision is asked for.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Decisions {
        if let State::Ready(Some(reader)) = &mut self.0 {
            reader.patience = Some(patience);
        }
        self
    }
}

impl Stream for Decisions {
    type Item = Result<Decision, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.0 {
                State::Running(stream) => return stream.poll_next_unpin(cx),
                State::Ready(None) => return Poll::Ready(None),
                State::Ready(reader) => {
                    let Some(reader) = reader.take() else {
                        return Poll::Ready(None);
                    };
                    let stream = futures::stream::unfold(reader, |mut reader| async move {
                        let item = reader.next().await?;
                        Some((item, reader))
                    });
                    self.0 = State::Running(stream.boxed());
                }
            }
        }
    }
}

impl Client {
    /// The decisions of a learner that the node plays, from a slot on: every slot once and in order, those
    /// that are decided already and those to come, through lost connections and restarts of the node.
    #[must_use]
    pub fn decisions(&self, learner: &str, from: u64) -> Decisions {
        Decisions::new(Nodes::new([self.clone()]), learner, from)
    }
}

struct Reader {
    nodes: Nodes,
    learner: String,
    /// The first slot that is not in `ready` and was not given out.
    next: u64,
    patience: Option<Duration>,
    turn: usize,
    /// The number of the node that was asked last. Whose turn it is may change meanwhile.
    asked: Option<usize>,
    source: Option<Source>,
    ready: VecDeque<Decision>,
    trouble: Trouble,
    over: bool,
}

/// A node that is read from.
struct Source {
    client: Client,
    events: Open,
    /// Whether pages are to be read before events.
    behind: bool,
}

/// Nothing has been of use since.
#[derive(Default)]
struct Trouble {
    since: Option<(Instant, Pauses)>,
    /// The nodes that have refused.
    refused: BTreeSet<usize>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Decision, Error>> {
        loop {
            if let Some(decision) = self.ready.pop_front() {
                return Some(Ok(decision));
            }
            if self.over {
                return None;
            }
            let Err(error) = self.more().await else {
                self.trouble = Trouble::default();
                continue;
            };
            self.source = None;
            // Another node may play the learner, or answer in words that can be read.
            let of_the_node = error.is_of_the_node();
            if let Some(node) = self.asked.filter(|_| of_the_node) {
                self.trouble.refused.insert(node);
            }
            self.turn = self.turn.wrapping_add(1);
            let useless = match of_the_node {
                true => self.nodes.all_in(&self.trouble.refused),
                false => !error.passes(),
            };
            match self.trouble.pause(self.patience).filter(|_| !useless) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Takes in a page or an event.
    async fn more(&mut self) -> Result<(), Error> {
        let source = match &mut self.source {
            Some(source) => source,
            None => {
                let picked = self.nodes.pick(self.turn);
                let none = || Error::NoAnswer {
                    url: "any node".to_owned(),
                    reason: "there is none".to_owned(),
                };
                self.asked = picked.as_ref().map(|(node, _)| *node);
                let (_, client) = picked.ok_or_else(none)?;
                // The stream first, so that nothing can be decided unseen between the last page and it.
                let events = client.open(&Since::Now).await?;
                let behind = true;
                self.source.insert(Source {
                    client,
                    events,
                    behind,
                })
            }
        };
        if source.behind {
            let page = source.client.page(&self.learner, self.next, PAGE).await?;
            source.behind = !page.decisions.is_empty();
            return self.page(page);
        }
        let event = source.events.next().await?;
        let origin = source.events.origin();
        match event.read().map_err(|e| origin.unreadable(e))? {
            Event::Gap {} => source.behind = true,
            Event::Decision(decision) if decision.learner == self.learner => {
                if decision.slot > self.next {
                    source.behind = true;
                } else if decision.slot == self.next {
                    self.take(decision);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn page(&mut self, page: Page) -> Result<(), Error> {
        for decision in page.decisions {
            if decision.slot > self.next {
                return Err(Error::Unreadable {
                    url: page.node,
                    path: format!("/v1/learners/{}/decisions", self.learner),
                    why: format!("slot {} is left out", self.next),
                });
            }
            if decision.slot == self.next {
                self.take(decision);
            }
        }
        Ok(())
    }

    fn take(&mut self, decision: Decision) {
        self.next += 1;
        self.ready.push_back(decision);
    }
}

impl Trouble {
    /// How long to wait before the next node is asked; `None` if it has lasted too long.
    fn pause(&mut self, patience: Option<Duration>) -> Option<Duration> {
        let (since, pauses) = self
            .since
            .get_or_insert_with(|| (Instant::now(), Pauses::new()));
        let late = patience.is_some_and(|patience| since.elapsed() > patience);
        (!late).then(|| pauses.next())
    }
}
