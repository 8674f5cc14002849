//! The values of a soak: each says whose it is, so that nothing has to be remembered to know it again.
//! No I/O.

use crate::mix::mix;

/// The fewest bytes of a value: what it takes to tell all values apart.
pub const LEAST_BYTES: usize = 12;

/// Whose value it is. A client numbers its values from 0, and submits one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The client.
    pub client: u32,
    /// Which of its values.
    pub number: u64,
}

impl Stamp {
    /// The value, of so many bytes ([`LEAST_BYTES`] at least): the stamp, then bytes that look random and
    /// follow from it.
    #[must_use]
    pub fn value(self, bytes: usize) -> Vec<u8> {
        let mut value = Vec::with_capacity(bytes.max(LEAST_BYTES) + 8);
        value.extend(self.client.to_le_bytes());
        value.extend(self.number.to_le_bytes());
        let seed = mix(self.number) ^ u64::from(self.client);
        for word in 0.. {
            if value.len() >= bytes {
                break;
            }
            value.extend(mix(seed ^ (word << 40)).to_le_bytes());
        }
        value.truncate(bytes.max(LEAST_BYTES));
        value
    }

    /// The stamp of a value. `None` unless it is, byte for byte, what [`value`](Self::value) makes.
    #[must_use]
    pub fn of(value: &[u8]) -> Option<Stamp> {
        let (client, rest) = value.split_first_chunk()?;
        let (number, _) = rest.split_first_chunk()?;
        let stamp = Stamp {
            client: u32::from_le_bytes(*client),
            number: u64::from_le_bytes(*number),
        };
        (stamp.value(value.len()) == value).then_some(stamp)
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "value {} of client {}", self.number, self.client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_whose_it_is() {
        for bytes in [12, 13, 100, 4096] {
            for (client, number) in [(0, 0), (7, 1), (u32::MAX, u64::MAX)] {
                let stamp = Stamp { client, number };
                let value = stamp.value(bytes);
                assert_eq!((value.len(), Stamp::of(&value)), (bytes, Some(stamp)));
            }
        }
    }

    #[test]
    fn a_value_that_was_altered_is_nobodys() {
        let value = Stamp {
            client: 3,
            number: 9,
        }
        .value(40);
        for at in 12..40 {
            let mut other = value.clone();
            other[at] ^= 1;
            assert_eq!(Stamp::of(&other), None, "byte {at}");
        }
        assert_eq!(Stamp::of(&value[..11]), None);
        assert_eq!(Stamp::of(b""), None);
    }
}
