//! The lines as they are written: names instead of numbers, one shape per action.

use super::line::{FORMAT, Init};
use consensus::hpaxos::Scope;
use consensus::{Ballot, Slot};
use crypto::Digest;
use serde::{Deserialize, Serialize};

fn all() -> Scope {
    Scope::ALL
}

fn is_all(scope: &Scope) -> bool {
    *scope == Scope::ALL
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VoteShape {
    pub(super) lr: String,
    pub(super) bal: Ballot,
    pub(super) val: Digest,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaidShape {
    pub(super) slot: Slot,
    pub(super) votes: Vec<VoteShape>,
    pub(super) proposals: Vec<VoteShape>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(super) enum MsgShape {
    #[serde(rename = "1a")]
    OneA { lr: String, bal: Ballot },
    #[serde(rename = "1b")]
    OneB {
        lr: String,
        acc: String,
        bal: Ballot,
        low_water: Slot,
        #[serde(default = "all", skip_serializing_if = "is_all")]
        scope: Scope,
        slots: Vec<SaidShape>,
    },
    #[serde(rename = "1c")]
    OneC {
        slot: Slot,
        lr: String,
        bal: Ballot,
        val: Digest,
    },
    #[serde(rename = "2av")]
    TwoAv {
        slot: Slot,
        lr: String,
        acc: String,
        bal: Ballot,
        val: Digest,
    },
    #[serde(rename = "2b")]
    TwoB {
        slot: Slot,
        lr: String,
        acc: String,
        bal: Ballot,
        val: Digest,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "action", deny_unknown_fields)]
pub(super) enum Shape {
    Init {
        node: String,
        format: u64,
        network: String,
        graph: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acc: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        safe: Option<Vec<String>>,
    },
    Phase1a {
        node: String,
        lr: String,
        bal: Ballot,
    },
    Phase1c {
        node: String,
        slot: Slot,
        lr: String,
        bal: Ballot,
        val: Digest,
    },
    Phase1b {
        node: String,
        lr: String,
        acc: String,
        bal: Ballot,
        low_water: Slot,
        #[serde(default = "all", skip_serializing_if = "is_all")]
        scope: Scope,
        slots: Vec<SaidShape>,
    },
    Phase2av {
        node: String,
        slot: Slot,
        lr: String,
        acc: String,
        bal: Ballot,
        val: Digest,
    },
    Phase2b {
        node: String,
        slot: Slot,
        lr: String,
        acc: String,
        bal: Ballot,
        val: Digest,
    },
    Recv {
        node: String,
        acc: String,
        m: MsgShape,
    },
    LearnerRecv {
        node: String,
        lr: String,
        m: MsgShape,
    },
    LearnerDecide {
        node: String,
        slot: Slot,
        lr: String,
        bal: Ballot,
        val: Digest,
    },
    Disconnect {
        node: String,
        acc: String,
        pairs: Vec<[String; 2]>,
        caught: Vec<String>,
        apart: Vec<[String; 2]>,
    },
    FakeSend {
        node: String,
        m: MsgShape,
    },
}

impl Shape {
    pub(super) fn of_init(init: &Init) -> Shape {
        Shape::Init {
            node: init.node.clone(),
            format: FORMAT,
            network: init.network.clone(),
            graph: init.graph.clone(),
            acc: init.acc.clone(),
            safe: init.safe.clone(),
        }
    }

    /// The action that sends a message.
    pub(super) fn of_send(node: String, m: MsgShape) -> Shape {
        match m {
            MsgShape::OneA { lr, bal } => Shape::Phase1a { node, lr, bal },
            MsgShape::OneB {
                lr,
                acc,
                bal,
                low_water,
                scope,
                slots,
            } => Shape::Phase1b {
                node,
                lr,
                acc,
                bal,
                low_water,
                scope,
                slots,
            },
            MsgShape::OneC { slot, lr, bal, val } => Shape::Phase1c {
                node,
                slot,
                lr,
                bal,
                val,
            },
            MsgShape::TwoAv {
                slot,
                lr,
                acc,
                bal,
                val,
            } => Shape::Phase2av {
                node,
                slot,
                lr,
                acc,
                bal,
                val,
            },
            MsgShape::TwoB {
                slot,
                lr,
                acc,
                bal,
                val,
            } => Shape::Phase2b {
                node,
                slot,
                lr,
                acc,
                bal,
                val,
            },
        }
    }

    /// The node and the message of an action that sends one; others as they are.
    pub(super) fn sent(self) -> Result<(String, MsgShape), Box<Shape>> {
        Ok(match self {
            Shape::Phase1a { node, lr, bal } => (node, MsgShape::OneA { lr, bal }),
            Shape::Phase1b {
                node,
                lr,
                acc,
                bal,
                low_water,
                scope,
                slots,
            } => {
                let m = MsgShape::OneB {
                    lr,
                    acc,
                    bal,
                    low_water,
                    scope,
                    slots,
                };
                (node, m)
            }
            Shape::Phase1c {
                node,
                slot,
                lr,
                bal,
                val,
            } => (node, MsgShape::OneC { slot, lr, bal, val }),
            Shape::Phase2av {
                node,
                slot,
                lr,
                acc,
                bal,
                val,
            } => {
                let m = MsgShape::TwoAv {
                    slot,
                    lr,
                    acc,
                    bal,
                    val,
                };
                (node, m)
            }
            Shape::Phase2b {
                node,
                slot,
                lr,
                acc,
                bal,
                val,
            } => {
                let m = MsgShape::TwoB {
                    slot,
                    lr,
                    acc,
                    bal,
                    val,
                };
                (node, m)
            }
            other => return Err(Box::new(other)),
        })
    }
}
