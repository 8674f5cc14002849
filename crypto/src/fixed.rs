//! Byte arrays of a fixed size: hex in text, the bare bytes (no length) in binary encodings.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserializer, Serializer};

/// A text that is not the hex of the expected number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// The text has the wrong length.
    #[error("expected {expected} hex digits, found {found} characters")]
    Length {
        /// Digits that were expected.
        expected: usize,
        /// Characters that were found.
        found: usize,
    },
    /// Some character is not a hex digit.
    #[error("not a hex digit at position {0}")]
    Digit(usize),
}

/// Parses exactly `2 * N` hex digits, of either case.
pub(crate) fn parse<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    if let Some(position) = text.chars().position(|c| !c.is_ascii_hexdigit()) {
        return Err(HexError::Digit(position));
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| HexError::Length {
        expected: 2 * N,
        found: text.len(),
    })?;
    Ok(bytes)
}

pub(crate) fn serialize<const N: usize, S: Serializer>(
    bytes: &[u8; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return serializer.serialize_str(&hex::encode(bytes));
    }
    let mut tuple = serializer.serialize_tuple(N)?;
    for byte in bytes {
        tuple.serialize_element(byte)?;
    }
    tuple.end()
}

pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<[u8; N], D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(Text::<N>)
    } else {
        deserializer.deserialize_tuple(N, Raw::<N>)
    }
}

struct Text<const N: usize>;

impl<const N: usize> Visitor<'_> for Text<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hex digits", 2 * N)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<[u8; N], E> {
        parse(text).map_err(E::custom)
    }
}

struct Raw<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for Raw<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; N], A::Error> {
        let mut bytes = [0; N];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = seq
                .next_element()?
                .ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        Ok(bytes)
    }
}
