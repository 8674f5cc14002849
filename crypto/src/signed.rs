//! Messages as received: bytes and a claim.

use std::fmt;
use std::marker::PhantomData;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::keyring::Verifier;
use crate::{Body, Digest, Keyring, MemberId, Refusal, Verified, body, codec, fixed};

/// A message as received. Nothing in it has been checked but its size.
///
/// The binary encoding is the signer (2 bytes), the length of the body (8), the body and the
/// signature (64). Human-readable formats hold `signer`, and `body` and `signature` in hex.
/// Decoding refuses a body above `T::MAX_BYTES` before allocating for it.
///
/// Code that asks for a [`Verified<T>`] cannot be given this by mistake:
///
/// ```compile_fail,E0308
/// # use crypto::{Body, Signed, Verified};
/// fn act_on<T: Body>(message: &Verified<T>) {}
/// fn receive<T: Body>(message: &Signed<T>) {
///     act_on(message);
/// }
/// ```
///
/// It has to be verified first:
///
/// ```
/// # use crypto::{Body, Keyring, Refusal, Signed, Verified};
/// fn act_on<T: Body>(message: &Verified<T>) {}
/// fn receive<T: Body>(message: Signed<T>, keys: &Keyring) -> Result<(), Refusal> {
///     act_on(&message.verify(keys)?);
///     Ok(())
/// }
/// ```
#[derive(Serialize, Deserialize)]
#[serde(
    bound(serialize = "", deserialize = "T: Body"),
    deny_unknown_fields,
    rename = "Signed"
)]
pub struct Signed<T> {
    signer: MemberId,
    #[serde(
        serialize_with = "serialize_body",
        deserialize_with = "deserialize_body::<T, _>"
    )]
    body: Vec<u8>,
    #[serde(with = "fixed")]
    signature: [u8; 64],
    #[serde(skip)]
    kind: PhantomData<fn() -> T>,
}

impl<T> Signed<T> {
    pub(crate) fn from_parts(signer: MemberId, body: Vec<u8>, signature: [u8; 64]) -> Self {
        let kind = PhantomData;
        Self {
            signer,
            body,
            signature,
            kind,
        }
    }

    /// Who claims to have signed this. Unverified.
    #[must_use]
    pub fn signer(&self) -> MemberId {
        self.signer
    }

    /// The encoded body. Unverified.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The signature. Unverified.
    #[must_use]
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }
}

impl<T: Body> Signed<T> {
    /// The size of the largest encoding, the limit to decode with.
    pub const MAX_ENCODED: usize = 2 + 8 + T::MAX_BYTES + 64;

    /// The name of what was said: the digest of the kind, the signer and the body.
    ///
    /// The signature is left out, because a signer can make any number of valid signatures for one
    /// body, and they all say the same. Until the message is verified anyone can have made it up, so
    /// a message may be dropped as known only if one with its id *was verified*.
    #[must_use]
    pub fn id(&self) -> Digest {
        body::id::<T>(self.signer, &self.body)
    }

    /// Checks size, signer, signature and form, in this order, so that forgeries cost no decoding.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub fn verify(self, keys: &Keyring) -> Result<Verified<T>, Refusal> {
        let verifier = self.claimed_by(keys)?;
        let bytes = body::signed_bytes::<T>(keys.network(), self.signer, &self.body);
        if !verifier.accepts(&bytes, &self.signature) {
            return Err(Refusal::BadSignature(self.signer));
        }
        self.decoded()
    }

    /// Takes back a message that this node has verified and then kept itself: checks everything but the
    /// signature, which would cost more than all the rest of a restart.
    ///
    /// Only for what comes from this node's own storage, which finds damage by itself: whoever can write there is
    /// trusted. Nothing that came from elsewhere may ever be given to this.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub fn recall(self, keys: &Keyring) -> Result<Verified<T>, Refusal> {
        self.claimed_by(keys)?;
        self.decoded()
    }

    fn claimed_by<'k>(&self, keys: &'k Keyring) -> Result<Verifier<'k>, Refusal> {
        let (len, limit) = (self.body.len(), T::MAX_BYTES);
        if len > limit {
            return Err(Refusal::TooLarge { len, limit });
        }
        let verifier = keys.verifier(self.signer);
        verifier.ok_or(Refusal::UnknownSigner(self.signer))
    }

    fn decoded(self) -> Result<Verified<T>, Refusal> {
        let value = codec::decode(&self.body, T::MAX_BYTES)?;
        Ok(Verified::trusted(value, self))
    }
}

// Derived impls would ask the same of `T`, which is only a name here.

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Self::from_parts(self.signer, self.body.clone(), self.signature)
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.signer == other.signer && self.body == other.body && self.signature == other.signature
    }
}

impl<T> Eq for Signed<T> {}

impl<T> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("signer", &self.signer)
            .field("bytes", &self.body.len())
            .field("body", &Digest::of(&self.body))
            .finish_non_exhaustive()
    }
}

fn serialize_body<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&hex::encode(body))
    } else {
        serializer.serialize_bytes(body)
    }
}

fn deserialize_body<'de, T: Body, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<u8>, D::Error> {
    let limit = T::MAX_BYTES;
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(HexBody { limit })
    } else {
        deserializer.deserialize_bytes(RawBody { limit })
    }
}

fn check<E: serde::de::Error>(len: usize, limit: usize) -> Result<(), E> {
    if len > limit {
        let message = format_args!("the body has {len} bytes, the limit is {limit}");
        return Err(E::custom(message));
    }
    Ok(())
}

struct RawBody {
    limit: usize,
}

impl Visitor<'_> for RawBody {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} bytes", self.limit)
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        check::<E>(bytes.len(), self.limit)?;
        Ok(bytes.to_vec())
    }
}

struct HexBody {
    limit: usize,
}

impl Visitor<'_> for HexBody {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the hex of at most {} bytes", self.limit)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        check::<E>(text.len() / 2, self.limit)?;
        hex::decode(text).map_err(E::custom)
    }
}
