//! One line of a trace.

use super::json::{MsgShape, SaidShape, Shape, VoteShape};
use consensus::hpaxos::trace::{Action, Msg, Said, Vote};
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId};

/// The version of the format that this program writes and reads.
pub const FORMAT: u64 = 1;

/// The first line of a node, and again each time it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// The node.
    pub node: String,
    /// The network's id in hexadecimal.
    pub network: String,
    /// The learner graph as TOML.
    pub graph: String,
    /// The acceptor that the node plays.
    pub acc: Option<String>,
    /// HPaxos: `SafeAcceptor`, as far as the node knows.
    pub safe: Option<Vec<String>>,
}

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A node starts.
    Init(Init),
    /// An action happens at a node.
    Step {
        /// The node.
        node: String,
        /// The action.
        action: Action,
    },
}

/// What is wrong with a line, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {mend}")]
pub struct Wrong {
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        let (what, mend) = (what.into(), mend.into());
        Wrong { what, mend }
    }
}

impl Line {
    /// The line as JSON, without its end.
    #[must_use]
    pub fn to_json(&self, graph: &LearnerGraph) -> String {
        let shape = match self {
            Line::Init(init) => Shape::of_init(init),
            Line::Step { node, action } => Names(graph).shape(node.clone(), action),
        };
        // Strings, numbers and lists always become JSON.
        serde_json::to_string(&shape).unwrap_or_default()
    }

    /// Reads a line. Only `Init` can be read before the graph is known.
    ///
    /// # Errors
    /// [`Wrong`] says what to mend.
    pub fn parse(text: &str, graph: Option<&LearnerGraph>) -> Result<Line, Wrong> {
        let shape: Shape = serde_json::from_str(text).map_err(|e| {
            let mend =
                "write one JSON object per line, with the fields of its action (docs/trace.md)";
            Wrong::new(e.to_string(), mend)
        })?;
        if let Shape::Init {
            node,
            format,
            network,
            graph,
            acc,
            safe,
        } = shape
        {
            if format != FORMAT {
                let what = format!("the format is {format}");
                let mend = format!("use the program that wrote it: this one reads format {FORMAT}");
                return Err(Wrong::new(what, mend));
            }
            return Ok(Line::Init(Init {
                node,
                network,
                graph,
                acc,
                safe,
            }));
        }
        let graph = graph.ok_or_else(|| {
            let mend = "begin every trace with the Init line of its node";
            Wrong::new("there is no Init line before it", mend)
        })?;
        Names(graph).step(shape)
    }
}

/// Names to numbers and back.
struct Names<'a>(&'a LearnerGraph);

impl Names<'_> {
    fn lr(&self, l: LearnerId) -> String {
        self.0.learner_name(l).to_owned()
    }

    fn acc(&self, a: AcceptorId) -> String {
        self.0.acceptor_name(a).to_owned()
    }

    fn learner(&self, name: &str) -> Result<LearnerId, Wrong> {
        self.0.learner(name).ok_or_else(|| {
            let known = self.0.learners().iter().map(|l| self.0.learner_name(l));
            let known: Vec<&str> = known.collect();
            let mend = format!("the graph has {}", known.join(", "));
            Wrong::new(format!("there is no learner '{name}'"), mend)
        })
    }

    fn acceptor(&self, name: &str) -> Result<AcceptorId, Wrong> {
        self.0.acceptor(name).ok_or_else(|| {
            let mend = format!("the graph has {}", self.0.names(&self.0.acceptors()));
            Wrong::new(format!("there is no acceptor '{name}'"), mend)
        })
    }

    fn pairs(&self, pairs: &[(LearnerId, LearnerId)]) -> Vec<[String; 2]> {
        let names = pairs.iter().map(|(l1, l2)| [self.lr(*l1), self.lr(*l2)]);
        names.collect()
    }

    fn read_pairs(&self, pairs: &[[String; 2]]) -> Result<Vec<(LearnerId, LearnerId)>, Wrong> {
        let read = |[l1, l2]: &[String; 2]| Ok((self.learner(l1)?, self.learner(l2)?));
        pairs.iter().map(read).collect()
    }

    fn vote(&self, v: &Vote) -> VoteShape {
        VoteShape {
            lr: self.lr(v.lr),
            bal: v.bal,
            val: v.val,
        }
    }

    fn read_vote(&self, v: &VoteShape) -> Result<Vote, Wrong> {
        Ok(Vote {
            lr: self.learner(&v.lr)?,
            bal: v.bal,
            val: v.val,
        })
    }

    fn said(&self, slots: &[Said]) -> Vec<SaidShape> {
        let votes = |votes: &[Vote]| votes.iter().map(|v| self.vote(v)).collect();
        let said = slots.iter().map(|said| SaidShape {
            slot: said.slot,
            votes: votes(&said.votes),
            proposals: votes(&said.proposals),
        });
        said.collect()
    }

    fn read_said(&self, slots: &[SaidShape]) -> Result<Vec<Said>, Wrong> {
        let votes = |votes: &[VoteShape]| {
            votes
                .iter()
                .map(|v| self.read_vote(v))
                .collect::<Result<_, _>>()
        };
        let said = slots.iter().map(|said| {
            Ok(Said {
                slot: said.slot,
                votes: votes(&said.votes)?,
                proposals: votes(&said.proposals)?,
            })
        });
        said.collect()
    }

    fn msg(&self, m: &Msg) -> MsgShape {
        match m {
            Msg::OneA { lr, bal } => MsgShape::OneA {
                lr: self.lr(*lr),
                bal: *bal,
            },
            Msg::OneB {
                lr,
                acc,
                bal,
                low_water,
                scope,
                slots,
            } => MsgShape::OneB {
                lr: self.lr(*lr),
                acc: self.acc(*acc),
                bal: *bal,
                low_water: *low_water,
                scope: scope.clone(),
                slots: self.said(slots),
            },
            Msg::OneC(v, slot) => MsgShape::OneC {
                slot: *slot,
                lr: self.lr(v.lr),
                bal: v.bal,
                val: v.val,
            },
            Msg::TwoAv(acc, v, slot) => MsgShape::TwoAv {
                slot: *slot,
                lr: self.lr(v.lr),
                acc: self.acc(*acc),
                bal: v.bal,
                val: v.val,
            },
            Msg::TwoB(acc, v, slot) => MsgShape::TwoB {
                slot: *slot,
                lr: self.lr(v.lr),
                acc: self.acc(*acc),
                bal: v.bal,
                val: v.val,
            },
        }
    }

    fn read_msg(&self, m: &MsgShape) -> Result<Msg, Wrong> {
        let vote = |lr: &str, bal, val| -> Result<Vote, Wrong> {
            let lr = self.learner(lr)?;
            Ok(Vote { lr, bal, val })
        };
        Ok(match m {
            MsgShape::OneA { lr, bal } => Msg::OneA {
                lr: self.learner(lr)?,
                bal: *bal,
            },
            MsgShape::OneB {
                lr,
                acc,
                bal,
                low_water,
                scope,
                slots,
            } => Msg::OneB {
                lr: self.learner(lr)?,
                acc: self.acceptor(acc)?,
                bal: *bal,
                low_water: *low_water,
                scope: scope.clone(),
                slots: self.read_said(slots)?,
            },
            MsgShape::OneC { slot, lr, bal, val } => Msg::OneC(vote(lr, *bal, *val)?, *slot),
            MsgShape::TwoAv {
                slot,
                lr,
                acc,
                bal,
                val,
            } => Msg::TwoAv(self.acceptor(acc)?, vote(lr, *bal, *val)?, *slot),
            MsgShape::TwoB {
                slot,
                lr,
                acc,
                bal,
                val,
            } => Msg::TwoB(self.acceptor(acc)?, vote(lr, *bal, *val)?, *slot),
        })
    }

    fn shape(&self, node: String, action: &Action) -> Shape {
        match action {
            Action::Send(m) => Shape::of_send(node, self.msg(m)),
            Action::FakeSend(m) => Shape::FakeSend {
                node,
                m: self.msg(m),
            },
            Action::Recv(acc, m) => Shape::Recv {
                node,
                acc: self.acc(*acc),
                m: self.msg(m),
            },
            Action::LearnerRecv(m) => Shape::LearnerRecv {
                node,
                lr: learner_of(m).map_or_else(String::new, |l| self.lr(l)),
                m: self.msg(m),
            },
            Action::LearnerDecide { lr, bal, slot, val } => Shape::LearnerDecide {
                node,
                slot: *slot,
                lr: self.lr(*lr),
                bal: *bal,
                val: *val,
            },
            Action::Disconnect {
                acc,
                pairs,
                caught,
                apart,
            } => Shape::Disconnect {
                node,
                acc: self.acc(*acc),
                pairs: self.pairs(pairs),
                caught: caught.iter().map(|a| self.acc(a)).collect(),
                apart: self.pairs(apart),
            },
        }
    }

    fn step(&self, shape: Shape) -> Result<Line, Wrong> {
        let shape = match shape.sent() {
            Ok((node, m)) => {
                let action = Action::Send(self.read_msg(&m)?);
                return Ok(Line::Step { node, action });
            }
            Err(other) => *other,
        };
        let (node, action) = match shape {
            Shape::FakeSend { node, m } => (node, Action::FakeSend(self.read_msg(&m)?)),
            Shape::Recv { node, acc, m } => {
                (node, Action::Recv(self.acceptor(&acc)?, self.read_msg(&m)?))
            }
            Shape::LearnerRecv { node, lr, m } => {
                let m = self.read_msg(&m)?;
                if learner_of(&m) != Some(self.learner(&lr)?) {
                    let what = format!("'{lr}' receives what is not a 2b for it");
                    return Err(Wrong::new(what, "the lr of the line is the lr of its m"));
                }
                (node, Action::LearnerRecv(m))
            }
            Shape::LearnerDecide {
                node,
                slot,
                lr,
                bal,
                val,
            } => {
                let lr = self.learner(&lr)?;
                (node, Action::LearnerDecide { lr, bal, slot, val })
            }
            Shape::Disconnect {
                node,
                acc,
                pairs,
                caught,
                apart,
            } => {
                let caught: Result<AcceptorSet, Wrong> =
                    caught.iter().map(|a| self.acceptor(a)).collect();
                let action = Action::Disconnect {
                    acc: self.acceptor(&acc)?,
                    pairs: self.read_pairs(&pairs)?,
                    caught: caught?,
                    apart: self.read_pairs(&apart)?,
                };
                (node, action)
            }
            // Handled before.
            _ => return Err(Wrong::new("this is no action", "see docs/trace.md")),
        };
        Ok(Line::Step { node, action })
    }
}

fn learner_of(m: &Msg) -> Option<LearnerId> {
    match m {
        Msg::TwoB(_, vote, _) => Some(vote.lr),
        _ => None,
    }
}
