//! What a file of an older version is turned into, when it is opened.

use super::error::Fault;
use super::rows::{DECISIONS, DecisionRow, META, Meta, New, Rows};
use consensus::Ballot;
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId, LearnerSet};
use redb::{ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};

/// Version 1: a row for every decision of every lane, by lane and slot.
pub(super) const DECISIONS_1: Rows<(u16, u64)> = Rows::new("decisions", 1 << 16);

/// A row of that.
#[derive(Serialize, Deserialize)]
pub(super) struct DecisionRow1 {
    pub(super) ballot: Ballot,
    pub(super) value: Digest,
    pub(super) quorum: AcceptorSet,
    pub(super) batch: u64,
    pub(super) new: New,
    pub(super) proof: Vec<u64>,
}

/// Turns a file of version 1 into one of this version: every decision has one lane.
pub(super) fn from_version_1(write: &WriteTransaction, meta: &Meta) -> Result<(), Fault> {
    let mut decisions = write.open_table(DECISIONS.definition)?;
    let old = write.open_table(DECISIONS_1.definition)?;
    for row in old.iter()? {
        let (key, row) = row?;
        let (lane, slot) = key.value();
        let row: DecisionRow1 = DECISIONS_1.decode(&(lane, slot), &row)?;
        let row = DecisionRow {
            lanes: LearnerSet::just(LearnerId(lane)),
            ballot: row.ballot,
            value: row.value,
            quorum: row.quorum,
            batch: row.batch,
            new: row.new,
            proof: row.proof,
        };
        DECISIONS.put(&mut decisions, (slot, lane), &row)?;
    }
    drop(old);
    write.delete_table(DECISIONS_1.definition)?;
    META.put(&mut write.open_table(META.definition)?, 0, meta)
}
