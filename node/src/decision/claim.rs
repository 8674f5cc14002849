//! Reading a line, as far as that goes without a configuration.

use super::{FORMAT, Flaw, Line, MAX_LINE_BYTES, ValueJson};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::hpaxos::evidence::Certificate;
use consensus::{Batch, Slot};
use crypto::{Digest, codec};
use serde::Deserialize;

/// What a line says. It says it in the only possible spelling and does not contradict itself; whether it
/// is true is not known yet.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(super) line: Line,
    pub(super) certificate: Certificate,
}

/// The one field that all versions of the format share.
#[derive(Deserialize)]
struct Version {
    format: String,
}

impl Claim {
    /// Reads a line, given without its end.
    ///
    /// # Errors
    /// [`Flaw`], if it is no decision or contradicts itself.
    pub(crate) fn read(text: &str) -> Result<Claim, Flaw> {
        if text.len() > MAX_LINE_BYTES {
            let why = format!("it has more than {MAX_LINE_BYTES} bytes");
            return Err(Flaw::NoDecision(why));
        }
        let line: Line =
            serde_json::from_str(text).map_err(|error| {
                match serde_json::from_str::<Version>(text) {
                    Ok(Version { format }) if format != FORMAT => Flaw::Format(format),
                    _ => Flaw::NoDecision(error.to_string()),
                }
            })?;
        if line.format != FORMAT {
            return Err(Flaw::Format(line.format));
        }
        let spelled = line.text();
        if spelled != text {
            let same = spelled.bytes().zip(text.bytes());
            return Err(Flaw::Spelling(same.take_while(|(a, b)| a == b).count() + 1));
        }
        let digest = batch(&line.values)?.digest();
        if digest != line.digest {
            let claimed = line.digest;
            let found = digest;
            return Err(Flaw::Digest { claimed, found });
        }
        let bytes = STANDARD.decode(&line.certificate)?;
        let certificate: Certificate = codec::decode(&bytes, codec::LARGEST)?;
        for (what, same) in [
            ("slot", certificate.slot == line.slot),
            ("ballot", certificate.ballot == line.ballot),
            ("batch", certificate.value == line.digest),
        ] {
            if !same {
                return Err(Flaw::Another(what));
            }
        }
        Ok(Claim { line, certificate })
    }

    /// The learner that is said to have decided.
    pub(crate) fn learner(&self) -> &str {
        &self.line.learner
    }

    /// The slot.
    pub(crate) fn slot(&self) -> Slot {
        self.line.slot
    }

    /// The digest of the batch.
    pub(crate) fn digest(&self) -> Digest {
        self.line.digest
    }

    /// The values of the batch, in order.
    pub(crate) fn values(&self) -> &[ValueJson] {
        &self.line.values
    }
}

fn batch(values: &[ValueJson]) -> Result<Batch, Flaw> {
    let mut batch = Batch::default();
    for (number, json) in (1..).zip(values) {
        batch.values.push(json.value().ok_or(Flaw::Value(number))?);
    }
    if !batch.in_bounds() {
        return Err(Flaw::OutOfBounds);
    }
    Ok(batch)
}
