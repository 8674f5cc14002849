//! Decisions that prove themselves to anybody who has the network's configuration.
//!
//! ```text
//!   Certificate + Batch ──write──► line ──► HTTP answer, file
//!                                             │
//!   Proved ◄──verify(&Config)── Claim ◄──read─┘
//! ```
//!
//! A [`Claim`] is a line as somebody handed it over: it says one thing, in the one way in which it can
//! be said, and nothing of it is proved. Only [`Claim::verify`] makes a [`Proved`] of it.
//! `docs/decisions.md` describes the format field by field.

mod claim;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
mod value;
mod verify;

pub(crate) use claim::Claim;
pub(crate) use value::ValueJson;
pub(crate) use verify::Proved;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::hpaxos::evidence::{Certificate, EvidenceError};
use consensus::{Ballot, Batch, Network, Slot};
use crypto::{DecodeError, Digest, MemberId, NetworkId, Refusal, codec};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name and version of the format, which every line begins with.
pub(crate) const FORMAT: &str = "hpaxos/decision/1";
/// The longest line that is read, without its end: base64 of a certificate of [`codec::LARGEST`] bytes,
/// and of the largest batch beside its texts.
pub(crate) const MAX_LINE_BYTES: usize = 96 << 20;

/// A decision as JSON. The order of the fields is part of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a decision")]
struct Line {
    format: String,
    network: String,
    network_id: NetworkId,
    learner: String,
    slot: Slot,
    ballot: Ballot,
    digest: Digest,
    values: Vec<ValueJson>,
    signers: Vec<String>,
    certificate: String,
}

/// Writes a decision as one line, without its end. `batch` is the one that the certificate is of.
pub(crate) fn write(
    name: &str,
    network: &Network,
    certificate: &Certificate,
    batch: &Batch,
) -> String {
    let line = Line {
        format: FORMAT.to_owned(),
        network: name.to_owned(),
        network_id: network.id(),
        learner: network.graph().learner_name(certificate.learner).to_owned(),
        slot: certificate.slot,
        ballot: certificate.ballot,
        digest: certificate.value,
        values: batch.values.iter().map(ValueJson::new).collect(),
        signers: signers(network, certificate),
        certificate: STANDARD.encode(codec::encode(certificate)),
    };
    line.text()
}

impl Line {
    /// The one text of the line.
    fn text(&self) -> String {
        // Texts, numbers and lists of them: JSON can hold them all.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Why a message is refused, for people, who know nodes by their names.
pub(crate) fn refusal_in_words(refusal: &Refusal, network: &Network) -> String {
    let name = |id: MemberId| network.member(id).map(|member| &member.name);
    match refusal {
        Refusal::BadSignature(id) => match name(*id) {
            Some(name) => {
                format!("the signature of node '{name}' does not fit the message and this network")
            }
            None => refusal.to_string(),
        },
        other => other.to_string(),
    }
}

/// The names of those who signed, in the order of the messages.
fn signers(network: &Network, certificate: &Certificate) -> Vec<String> {
    let name = |id| network.member(id).map_or("?", |m| m.name.as_str());
    let signers = certificate
        .two_b
        .iter()
        .map(|m| name(m.signer()).to_owned());
    signers.collect()
}

/// Why a line proves no decision.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Flaw {
    /// It is no JSON, or some other JSON.
    #[error("it is no decision, which has one line of JSON for itself: {0}")]
    NoDecision(String),
    /// A later version of this program may know it.
    #[error("its format is '{0}', and this program knows only '{FORMAT}'")]
    Format(String),
    /// Spaces, another order of fields, another spelling of a number or text.
    #[error(
        "byte {0} is not what `decision export` writes there: a decision has one spelling, and this one was changed"
    )]
    Spelling(usize),
    /// The value with this number, from 1 on, contradicts itself.
    #[error("the id, text or key of value {0} does not belong to its base64")]
    Value(usize),
    /// No proposer may propose so much.
    #[error("its values are more, or larger, than those of any batch")]
    OutOfBounds,
    /// The values are not those that were decided.
    #[error("its values have the digest {found}, and not {claimed}")]
    Digest {
        /// What the line says.
        claimed: Digest,
        /// The digest of its values.
        found: Digest,
    },
    /// The certificate is not base64.
    #[error("its certificate is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// The certificate is no certificate.
    #[error("its certificate cannot be decoded: {0}")]
    Certificate(#[from] DecodeError),
    /// The certificate is of something else than the line says.
    #[error("its certificate is of another {0}")]
    Another(&'static str),
    /// The network is another one.
    #[error(
        "it is of the network '{name}' with the id {id}; the configuration's is '{own_name}' with the id {own_id}"
    )]
    Network {
        /// What the line says.
        name: String,
        /// What the line says.
        id: NetworkId,
        /// What the configuration says.
        own_name: String,
        /// What follows from the configuration.
        own_id: NetworkId,
    },
    /// The graph has no such learner.
    #[error("the configuration has no learner '{0}'")]
    UnknownLearner(String),
    /// One acceptor was to be counted twice.
    #[error("two messages of its certificate have the same signer, '{0}'")]
    SameSigner(String),
    /// A message is not genuine: what is wrong with it, in words.
    #[error("its certificate proves nothing: a message in it is refused: {0}")]
    Refused(String),
    /// The quorum is none.
    #[error("its certificate proves nothing: {0}")]
    Proof(EvidenceError),
    /// Something that is in the certificate without need.
    #[error("a message of its certificate holds no vote for this decision")]
    Idle,
    /// The names of the signers are not those of the certificate.
    #[error("its signers are not those of its certificate")]
    Signers,
}
