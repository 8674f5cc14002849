//! Evidence for people to read: what the messages say that contradict each other.

use consensus::hpaxos::evidence::{Certificate, Evidence};
use consensus::hpaxos::{Entry, Message, Proposal};
use crypto::{Digest, Signed, codec};
use serde_json::{Value as Json, json};

/// Statements of one message that are shown.
const SHOWN: usize = 20;

/// A statement, with the digest of the value that it is about, which whoever reads this may know.
struct Statement(String, Option<Digest>);

/// The two things that contradict each other, each with what it says: `{"says": "2av in slot 0, ballot 1", "value":
/// "9b27…"}`. Empty if it cannot be read. Nothing is verified here.
pub(super) fn sides(evidence: &[u8]) -> Vec<Vec<Json>> {
    let sides = match codec::decode::<Evidence>(evidence, codec::LARGEST) {
        Err(_) => return Vec::new(),
        Ok(Evidence::Contradiction { first, second }) => [message(&first), message(&second)],
        Ok(Evidence::Disagreement { first, second }) => [decision(&first), decision(&second)],
    };
    // What both say alike contradicts nothing.
    let shared = |at: usize, statement: &Statement| {
        let mut other = sides[1 - at].iter();
        other.any(|other| other.0 == statement.0 && other.1 == statement.1)
    };
    let side = |at: usize| {
        let own = sides[at].iter().filter(|statement| !shared(at, statement));
        let own = own.take(SHOWN);
        own.map(
            |Statement(says, value)| json!({"says": says, "value": value.map(|v| v.to_string())}),
        )
        .collect()
    };
    vec![side(0), side(1)]
}

fn decision(certificate: &Certificate) -> Vec<Statement> {
    let Certificate {
        slot,
        ballot,
        value,
        ..
    } = certificate;
    let votes = certificate.two_b.len();
    vec![Statement(
        format!("decided in slot {slot}, ballot {ballot}, by {votes} votes"),
        Some(*value),
    )]
}

fn message(signed: &Signed<Message>) -> Vec<Statement> {
    let Ok(message) = codec::decode::<Message>(signed.body(), codec::LARGEST) else {
        return Vec::new();
    };
    match message {
        Message::OneA { ballot } => vec![Statement(format!("1a for ballot {ballot}"), None)],
        Message::Wish { ballot } => vec![Statement(format!("wish for ballot {ballot}"), None)],
        Message::OneB(one_b) => {
            let ballot = one_b.ballot;
            let mut said = vec![Statement(format!("1b for ballot {ballot}"), None)];
            for report in &one_b.slots {
                let slot = report.slot;
                let entries = |kind: &str, entries: &[Entry]| {
                    let one = |entry: &Entry| {
                        let words = format!(
                            "1b for ballot {ballot}: {kind} in slot {slot}, ballot {}",
                            entry.ballot
                        );
                        Statement(words, Some(entry.value))
                    };
                    entries.iter().map(one).collect::<Vec<_>>()
                };
                said.extend(entries("2b", &report.votes));
                said.extend(entries("2av", &report.proposals));
            }
            said
        }
        Message::OneC(one_c) => {
            let ballot = one_c.ballot;
            let proposals = one_c.proposals.iter();
            let one = |p: &Proposal| {
                Statement(
                    format!("1c in slot {}, ballot {ballot}", p.slot),
                    Some(p.value),
                )
            };
            proposals.map(one).collect()
        }
        Message::Votes(votes) => {
            let ballot = votes.ballot;
            let of = |kind: &str, slot, vote: Option<Digest>| {
                let words = format!("{kind} in slot {slot}, ballot {ballot}");
                vote.map(|value| Statement(words, Some(value)))
            };
            let slots = votes.slots.iter().flat_map(|vote| {
                let (av, b) = (vote.two_av.map(|v| v.0), vote.two_b.map(|v| v.0));
                [of("2av", vote.slot, av), of("2b", vote.slot, b)]
            });
            slots.flatten().collect()
        }
    }
}
