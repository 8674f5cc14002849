//! Several steps that share one sync.

use crate::{Input, InputOf, Output, OutputOf, Protocol, Record, Time};

/// Steps that may share a sync, at most: whoever keeps talking to itself is interrupted.
const MAX_STEPS: usize = 16;

/// Gives a node its inputs, and then what it says itself, until it says no more. Nothing that these steps
/// ask for may be done before everything that they store is durable; so one sync is enough for all.
///
/// `hears` is told the inputs of each step before it, and `taken` its outputs; it ends the whole with an
/// error.
/// Returns the inputs that are left for the next call: messages of its own that the node has not heard.
///
/// # Errors
/// That of `taken`.
pub fn steps<P: Protocol, X>(
    protocol: &mut P,
    now: Time,
    inputs: Vec<InputOf<P>>,
    mut hears: impl FnMut(&[InputOf<P>]),
    mut taken: impl FnMut(Vec<OutputOf<P>>) -> Result<(), X>,
) -> Result<Vec<InputOf<P>>, X> {
    let mut inputs = inputs;
    for _ in 0..MAX_STEPS {
        hears(&inputs);
        let outputs = protocol.step(now, inputs);
        inputs = outputs.iter().filter_map(own).collect();
        taken(outputs)?;
        if inputs.is_empty() {
            break;
        }
    }
    Ok(inputs)
}

/// Whether these outputs have to wait until everything stored is durable: something of them leaves the node, or
/// tells what it will remember. Otherwise a step has only taken in what others said, and a crash may undo it: to the
/// others it is as if it had not happened yet. That holds for decisions as well. They rest on votes that were durable
/// before they left, and the node that forgets one hears of it again.
#[must_use]
pub fn waits<M, W, E, F>(outputs: &[Output<M, W, E, F>]) -> bool {
    outputs.iter().any(|output| match output {
        Output::Persist(Record::Message(_)) | Output::Decided(_) | Output::Fork(_) => false,
        Output::Full(_) | Output::Fetch(_) | Output::SetTimer(_) | Output::GivenUp(_) => false,
        Output::Persist(_) | Output::Disk(_) | Output::Send(_) | Output::SendBatch(_) => true,
        Output::SendValue(_) | Output::SendEvidence(_) | Output::Accepted(_) => true,
        Output::Evidence(..) | Output::Disconnected(..) | Output::Ballot { .. } => true,
    })
}

fn own<M: Clone, W, E, F>(output: &Output<M, W, E, F>) -> Option<Input<M, E>> {
    match output {
        Output::Send(message) => Some(Input::Message(message.clone())),
        _ => None,
    }
}
