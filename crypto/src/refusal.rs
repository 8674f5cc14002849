//! Why a received message was refused.

use crate::{DecodeError, MemberId};

/// Why a [`Signed<T>`](crate::Signed) did not become a [`Verified<T>`](crate::Verified).
///
/// Only what is refused after the signature was checked (`Malformed`, `TrailingBytes`,
/// `NonCanonical`) says anything about the signer; the rest is the doing of whoever forwarded it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The network has no such member.
    #[error("member {0} does not exist in this network")]
    UnknownSigner(MemberId),
    /// The body is larger than its kind allows.
    #[error("the body has {len} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes of the body.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The signature is not the signer's for this body, kind of message and network.
    #[error("the signature of member {0} does not fit the body, its kind and this network")]
    BadSignature(MemberId),
    /// The signed bytes hold no value of the type.
    #[error("the body is malformed: {0}")]
    Malformed(String),
    /// The signed bytes go on after the value.
    #[error("{0} bytes follow the body")]
    TrailingBytes(usize),
    /// The signed bytes are not the one encoding of their value.
    #[error("the body is not in canonical form")]
    NonCanonical,
}

impl Refusal {
    /// Every label that [`Refusal::reason`] gives, so that a metric can start at zero for each.
    pub const REASONS: [&'static str; 6] = [
        "unknown_signer",
        "too_large",
        "bad_signature",
        "malformed",
        "trailing_bytes",
        "non_canonical",
    ];

    /// A short constant name of the reason, for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownSigner(_) => "unknown_signer",
            Self::TooLarge { .. } => "too_large",
            Self::BadSignature(_) => "bad_signature",
            Self::Malformed(_) => "malformed",
            Self::TrailingBytes(_) => "trailing_bytes",
            Self::NonCanonical => "non_canonical",
        }
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge { len, limit } => Self::TooLarge { len, limit },
            DecodeError::Malformed(why) => Self::Malformed(why),
            DecodeError::TrailingBytes(count) => Self::TrailingBytes(count),
            DecodeError::NonCanonical => Self::NonCanonical,
        }
    }
}
