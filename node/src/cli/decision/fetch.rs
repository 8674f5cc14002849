//! One decision with its certificate from a node.

use crate::cli::Exit;
use crate::cli::client::Unanswered;
use crate::decision::Claim;
use hpaxos_client::Client;

/// A line as it goes into a file, and what it says.
pub(super) struct Fetched {
    pub(super) line: String,
    pub(super) claim: Claim,
}

/// Asks for a learner's decision in a slot. What the node answers is what was asked for and does not
/// contradict itself; signatures are for `decision verify`, which has a configuration.
pub(super) async fn fetch(node: &Client, learner: &str, slot: u64) -> Result<Fetched, Unanswered> {
    let line = node.certificate(learner, slot).await?;
    let wrong = |why: String| Unanswered {
        exit: Exit::Failed,
        why: format!("the node's answer for slot {slot} of {learner} is of no use: {why}"),
    };
    let claim = Claim::read(&line).map_err(|flaw| wrong(flaw.to_string()))?;
    if claim.learner() != learner || claim.slot().0 != slot {
        let (learner, slot) = (claim.learner(), claim.slot());
        return Err(wrong(format!("it is of slot {slot} of {learner}")));
    }
    Ok(Fetched { line, claim })
}
