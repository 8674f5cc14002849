//! What a processor keeps on a disk: its block and its log.

use crate::{Ballot, Batch, Slot};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU8;
use std::sync::Arc;

/// The largest encoded [`Block`], in bytes.
pub const MAX_BLOCK_BYTES: usize = 8 << 20;
/// The largest encoded [`LogRecord`], in bytes.
pub const MAX_LOG_RECORD_BYTES: usize = crate::MAX_BATCH_BYTES + 1024;

/// DiskSynod: an element of `Proc`. The configuration gives every processor its number for good:
/// processors may be added, and numbers are never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessorId(pub NonZeroU8);

impl ProcessorId {
    /// The processor of this number; `None` for 0.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        NonZeroU8::new(number).map(ProcessorId)
    }

    /// DiskSynod: the p with b in Ballot(p), the remainder of b by 256. `None` where it is 0: nobody
    /// owns such a ballot.
    #[must_use]
    pub fn owner(ballot: Ballot) -> Option<Self> {
        ProcessorId::new(ballot.0.to_le_bytes()[0])
    }

    /// The least element of Ballot(p) above a ballot. `None` when the numbers are used up, which takes
    /// longer than any machine lasts.
    #[must_use]
    pub fn ballot_above(self, ballot: Ballot) -> Option<Ballot> {
        let of_round = |round: u64| Some(Ballot(round.checked_mul(256)? + u64::from(self.0.get())));
        let round = ballot.0 / 256;
        of_round(round)
            .filter(|b| *b > ballot)
            .or_else(|| of_round(round + 1))
    }
}

impl fmt::Display for ProcessorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// DiskSynod: `dblock[p]` and the elements of `DiskBlock`, for all slots at once.
///
/// There is one `mbal` for all slots, and a (bal, inp) for each slot that the processor has entered
/// phase 2 for. The default is `InitDB`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// DiskSynod: `mbal`, the processor's ballot; 0 before the first.
    pub mbal: Ballot,
    /// Slots below are committed, and stand in the processor's log on the same disk.
    pub floor: Slot,
    /// Slots from `floor` on. DiskSynod: a slot without an entry has bal = 0, inp = NotAnInput.
    pub entries: BTreeMap<Slot, Entry>,
}

/// DiskSynod: `bal` and `inp` of a block, for one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The largest ballot in which the processor entered phase 2 for the slot.
    pub bal: Ballot,
    /// The value that it tried to commit in that ballot. The bytes themselves: they are durable on a
    /// disk with the block that holds them.
    #[serde(with = "shared")]
    pub inp: Arc<Batch>,
}

/// A committed slot in a processor's log. A log holds every slot from 0 on, in order, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// The slot.
    pub slot: Slot,
    /// The ballot in which it was committed.
    pub ballot: Ballot,
    /// The committed value.
    #[serde(with = "shared")]
    pub value: Arc<Batch>,
}

/// The bytes of an `Arc` are those of what it holds.
mod shared {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        (**value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ballot_has_one_owner() {
        let p = |n| ProcessorId::new(n).expect("not 0");
        assert_eq!(p(1).ballot_above(Ballot(0)), Some(Ballot(1)));
        assert_eq!(p(1).ballot_above(Ballot(1)), Some(Ballot(257)));
        assert_eq!(p(7).ballot_above(Ballot(257)), Some(Ballot(263)));
        assert_eq!(p(7).ballot_above(Ballot(u64::MAX)), None);
        assert_eq!(ProcessorId::owner(Ballot(263)), Some(p(7)));
        assert_eq!(ProcessorId::owner(Ballot(512)), None);
        assert_eq!(ProcessorId::owner(Ballot(0)), None);
    }
}
