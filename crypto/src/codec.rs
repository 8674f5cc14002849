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

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
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

/// Encodes a value of a type that is not known to follow the rules of this module.
///
/// # Errors
/// [`EncodeError::Unencodable`] for types whose `Serialize` fails or does not know its length.
pub fn try_encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    bincode::serde::encode_to_vec(value, bincode::config::legacy())
        .map_err(|error| EncodeError::Unencodable(error.to_string()))
}

/// Decodes a value from all of `bytes`, at most `limit` of them (and never more than [`LARGEST`]).
///
/// # Errors
/// [`DecodeError`]; nothing is allocated for input that is too large, and lengths inside the input
/// are believed only up to a small multiple of its size.
pub fn decode<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, DecodeError> {
    let limit = limit.min(LARGEST);
    let len = bytes.len();
    if len > limit {
        return Err(DecodeError::TooLarge { len, limit });
    }
    let (value, consumed) = decode_prefix::<T>(bytes)?;
    if consumed != len {
        return Err(DecodeError::TrailingBytes(len - consumed));
    }
    match try_encode(&value) {
        Ok(again) if again == bytes => Ok(value),
        _ => Err(DecodeError::NonCanonical),
    }
}

type Limited<const N: usize> = Configuration<LittleEndian, Fixint, Limit<N>>;

fn limited<const N: usize>() -> Limited<N> {
    bincode::config::legacy().with_limit::<N>()
}

/// The library's limit is a constant of the type, and strings are allocated up to it before their
/// bytes are known to be there. The smallest limit of a ladder that holds the input keeps a lie
/// about a length cheap.
fn decode_prefix<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), DecodeError> {
    // The borrowing decoder hands byte strings out without allocating.
    use bincode::serde::borrow_decode_from_slice as read;
    let result = match bytes.len() {
        0..=0x400 => read(bytes, limited::<0x400>()),
        0x401..=0x4000 => read(bytes, limited::<0x4000>()),
        0x4001..=0x4_0000 => read(bytes, limited::<0x4_0000>()),
        0x4_0001..=0x40_0000 => read(bytes, limited::<0x40_0000>()),
        _ => read(bytes, limited::<LARGEST>()),
    };
    result.map_err(|error| DecodeError::Malformed(error.to_string()))
}
