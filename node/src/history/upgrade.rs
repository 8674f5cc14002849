//! What a file of an older version is turned into, when it is opened.

use super::error::Fault;
use super::rows::{DECISIONS, DecisionRow, META, Meta, Rows};
use crypto::codec;
use learner_graph::{LearnerId, LearnerSet};
use redb::{ReadableTable, WriteTransaction};

/// Version 1: a row for every decision of every lane, by lane and slot. One of version 2 has its lanes in front.
pub(super) const DECISIONS_1: Rows<(u16, u64)> = Rows::new("decisions", 1 << 16);

/// Turns a file of version 1 into one of this version: every decision has one lane.
pub(super) fn from_version_1(write: &WriteTransaction, meta: &Meta) -> Result<(), Fault> {
    let mut decisions = write.open_table(DECISIONS.definition)?;
    let old = write.open_table(DECISIONS_1.definition)?;
    for row in old.iter()? {
        let (key, row) = row?;
        let (lane, slot) = key.value();
        let decision = DECISIONS_1.verified(&(lane, slot), row.value())?;
        let lanes = codec::encode(&LearnerSet::just(LearnerId(lane)));
        let row: DecisionRow =
            DECISIONS.decode_contents(&(slot, lane), &[&lanes, decision].concat())?;
        DECISIONS.put(&mut decisions, (slot, lane), &row)?;
    }
    drop(old);
    write.delete_table(DECISIONS_1.definition)?;
    META.put(&mut write.open_table(META.definition)?, 0, meta)
}
