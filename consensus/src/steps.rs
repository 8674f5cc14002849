//! Several steps that share one sync.

use crate::{Input, InputOf, Output, OutputOf, Protocol, Time};

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

fn own<M: Clone, W, E, F>(output: &Output<M, W, E, F>) -> Option<Input<M, E>> {
    match output {
        Output::Send(message) => Some(Input::Message(message.clone())),
        _ => None,
    }
}
