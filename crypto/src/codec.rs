//! The encoding of everything that is signed, sent or stored; the one place that knows bincode.
//!
//! Little endian, integers of fixed width, 64-bit lengths. Every value has exactly one encoding:
//! [`decode`] encodes again what it has read and refuses bytes that differ, which also catches
//! sets and maps that arrive unsorted or with duplicates.
//!
//! # What the types must keep to
//!
//! - Not recursive: nesting in the input would become nesting on the stack.
//! - No sequences of zero-sized elements such as `Vec<()>`: their length is not bounded by the
//!   input.
//! - Sets and maps with an order (`BTreeSet`, `BTreeMap`): hashed ones have no canonical form.
//! - No `#[serde(flatten)]`, `untagged` or `skip_serializing_if`: the format does not describe itself.

use bincode::de::read::{BorrowReader, Reader};
use bincode::de::{BorrowDecode, BorrowDecoder, Decoder, DecoderImpl};
use bincode::enc::write::Writer;
use bincode::serde::BorrowCompat;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest input that [`decode`] accepts, whatever limit it is given: 64 MiB.
pub const LARGEST: usize = 64 << 20;

/// Why a value was not encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The encoding is longer than the receivers accept.
    #[error("the encoding has {len} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes of the encoding.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The type's `Serialize` failed: a type that this format cannot hold.
    #[error("the value cannot be encoded: {0}")]
    Unencodable(String),
    /// The receivers would refuse the encoding: the type breaks a rule of this module.
    #[error("the encoding would be refused: {0}")]
    WouldBeRefused(#[source] DecodeError),
}

/// Why bytes were not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There are more bytes than the limit; none was looked at.
    #[error("{len} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bytes do not hold a value of the type.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A value is followed by bytes that belong to nothing.
    #[error("{0} bytes follow the value")]
    TrailingBytes(usize),
    /// The value has another encoding, and that is the one to use.
    #[error("not the canonical encoding of the value")]
    NonCanonical,
}

/// Encodes a value.
///
/// # Panics
/// If the type cannot be encoded at all (see [`try_encode`]), which no input can cause.
#[must_use]
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    match try_encode(value) {
        Ok(bytes) => bytes,
        Err(error) => panic!("{}: {error}", std::any::type_name::<T>()),
    }
}

/// How many bytes the encoding of a value has.
///
/// # Panics
/// As [`encode`] does.
#[must_use]
pub fn encoded_len<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut len = 0;
    encode_in_parts(value, |part| len += part.len());
    len
}

/// Encodes a value, and hands the encoding on part by part.
///
/// # Panics
/// As [`encode`] does.
pub(crate) fn encode_in_parts<T: Serialize + ?Sized>(value: &T, take: impl FnMut(&[u8])) {
    if let Err(error) = try_in_parts(value, take) {
        panic!("{}: {error}", std::any::type_name::<T>());
    }
}

fn try_in_parts<T: Serialize + ?Sized>(
    value: &T,
    take: impl FnMut(&[u8]),
) -> Result<(), EncodeError> {
    bincode::serde::encode_into_writer(value, Parts(take), bincode::config::legacy())
        .map_err(|error| EncodeError::Unencodable(error.to_string()))
}

struct Parts<F>(F);

impl<F: FnMut(&[u8])> Writer for Parts<F> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        (self.0)(bytes);
        Ok(())
    }
}

/// Encodes a value of a type that is not known to follow the rules of this module.
///
/// # Errors
/// [`EncodeError::Unencodable`] for types whose `Serialize` fails or does not know its length.
pub fn try_encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    // To count first costs less than to grow: most bytes are in long parts.
    let mut len = 0;
    try_in_parts(value, |part| len += part.len())?;
    let mut bytes = Vec::with_capacity(len);
    try_in_parts(value, |part| bytes.extend_from_slice(part))?;
    Ok(bytes)
}

/// Decodes a value from all of `bytes`, at most `limit` of them (and never more than [`LARGEST`]).
///
/// # Errors
/// [`DecodeError`]; nothing is allocated for input that is too large, and lengths inside the input
/// are believed only as far as its bytes reach.
pub fn decode<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, DecodeError> {
    let limit = limit.min(LARGEST);
    let len = bytes.len();
    if len > limit {
        return Err(DecodeError::TooLarge { len, limit });
    }
    let (value, consumed) =
        decode_prefix::<T>(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    if consumed != len {
        return Err(DecodeError::TrailingBytes(len - consumed));
    }
    let mut rest = Some(bytes);
    let again = try_in_parts(&value, |part| {
        rest = rest.and_then(|rest| rest.strip_prefix(part));
    });
    match (again, rest) {
        (Ok(()), Some([])) => Ok(value),
        _ => Err(DecodeError::NonCanonical),
    }
}

/// Decodes a value from the front of `bytes`, at most [`LARGEST`] of them; also how many it took.
fn decode_prefix<T: DeserializeOwned>(
    bytes: &[u8],
) -> Result<(T, usize), bincode::error::DecodeError> {
    // The library's limit is a constant of the type. Declaring the difference as read already turns
    // it into the length of this input, so that no length inside it is believed beyond that.
    let config = bincode::config::legacy().with_limit::<LARGEST>();
    let mut decoder = DecoderImpl::new(Input { rest: bytes }, config, ());
    decoder.claim_bytes_read(LARGEST - bytes.len())?;
    // The borrowing decoder hands byte strings out without allocating.
    let BorrowCompat(value) = BorrowCompat::<T>::borrow_decode(&mut decoder)?;
    Ok((value, bytes.len() - decoder.borrow_reader().rest.len()))
}

/// The input, and how much of it is left.
struct Input<'a> {
    rest: &'a [u8],
}

impl Reader for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<(), bincode::error::DecodeError> {
        into.copy_from_slice(self.take_bytes(into.len())?);
        Ok(())
    }
}

impl<'a> BorrowReader<'a> for Input<'a> {
    fn take_bytes(&mut self, len: usize) -> Result<&'a [u8], bincode::error::DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            let additional = len - self.rest.len();
            return Err(bincode::error::DecodeError::UnexpectedEnd { additional });
        };
        self.rest = rest;
        Ok(taken)
    }
}
