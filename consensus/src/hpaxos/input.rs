//! What a step consumes.

use super::evidence::Evidence;
use super::message::Message;
use crate::{Batch, ClientValue};
use crypto::{MemberId, Verified};

/// One thing that happened to this node. That time has passed is no input: every step is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message with a valid signature, from the network or this node's own come back.
    Message(Verified<Message>),
    /// A client submitted a value to this node: it is kept and spread.
    Submit(ClientValue),
    /// Another node spread a client's value.
    Value(ClientValue),
    /// The bytes of a batch, with a 1c or on request.
    Batch(Batch),
    /// Evidence that another node found; checked here again.
    Evidence(Evidence),
    /// Something authentic, of whatever content, came straight from this member: it is up.
    Alive(MemberId),
}
