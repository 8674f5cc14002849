//! HInv1: all variables have the correct type.
//!
//! Most of it is left to the types: `phase`, `disksWritten`, `blocksRead` and `output` of the shadow can hold
//! nothing else. What the types allow and the module does not is here: a ballot that belongs to no
//! processor, and blocks that a disk would not take.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::Ballot;
use consensus::disk_paxos::{Block, MAX_BLOCK_BYTES, ProcessorId};
use crypto::codec;

fn refuse(what: String) -> Verdict {
    Err(Violation::of("HInv1", what))
}

/// `disk \in [Disk -> [Proc -> DiskBlock]]`, and the same of `dblock` and `blocksRead`: `mbal` and `bal` are
/// in `(UNION {Ballot(p) : p \in Proc}) \cup {0}`.
///
/// # Errors
/// If some ballot belongs to nobody.
pub fn check(state: &State<'_>) -> Verdict {
    let owned = |b: Ballot| {
        let owner = ProcessorId::owner(b);
        b == Ballot::NONE || owner.is_some_and(|p| state.procs.contains(&p))
    };
    match state
        .all_blocks()
        .find(|bk| !owned(bk.mbal) || !owned(bk.bal))
    {
        None => Ok(()),
        Some(bk) => refuse(format!("nobody owns a ballot of {bk:?}")),
    }
}

/// What a block holds besides: inputs within their bounds, of slots from its floor on, and no more than
/// fits on a disk.
///
/// # Errors
/// If not.
pub fn block(block: &Block) -> Verdict {
    let floor = block.floor;
    if let Some((slot, _)) = block.entries.range(..floor).next() {
        return refuse(format!(
            "an entry of slot {slot} is below the floor {floor}"
        ));
    }
    if let Some((slot, _)) = block.entries.iter().find(|(_, e)| !e.inp.in_bounds()) {
        return refuse(format!("the input of slot {slot} is out of bounds"));
    }
    let about: usize = block.entries.values().map(|e| e.inp.values_len()).sum();
    // Almost all are far from it, and counting is much cheaper than encoding.
    if about > MAX_BLOCK_BYTES / 2 && codec::encode(block).len() > MAX_BLOCK_BYTES {
        return refuse(format!("a block of about {about} bytes fits on no disk"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, blk};
    use super::*;
    use consensus::disk_paxos::Entry;
    use consensus::{Batch, ClientValue, MAX_VALUE_BYTES, Slot};
    use std::sync::Arc;

    #[test]
    fn a_ballot_of_nobody_is_found() {
        let fixture = Fixture::new();
        let mut state = fixture.committing();
        assert_eq!(check(&state), Ok(()));
        for bad in [blk(3, 0, None), blk(257, 256, Some("v"))] {
            state.disk[2][0] = bad;
            assert_eq!(check(&state).expect_err("nobody's").invariant, "HInv1");
        }
    }

    #[test]
    fn a_block_that_no_disk_takes_is_found() {
        let of = |floor, entries: Vec<(u64, usize)>| {
            let entry = |(slot, size): (u64, usize)| {
                let bytes = vec![0; size];
                let values = vec![ClientValue {
                    key: Vec::new(),
                    bytes,
                }];
                let inp = Arc::new(Batch {
                    values: values.into(),
                });
                (
                    Slot(slot),
                    Entry {
                        bal: Ballot(1),
                        inp,
                    },
                )
            };
            Block {
                mbal: Ballot(1),
                floor: Slot(floor),
                entries: entries.into_iter().map(entry).collect(),
            }
        };
        assert_eq!(block(&of(1, vec![(1, 9), (2, MAX_VALUE_BYTES)])), Ok(()));
        let large = (0..9).map(|slot| (slot, MAX_VALUE_BYTES)).collect();
        for bad in [
            of(2, vec![(1, 9)]),
            of(0, vec![(0, MAX_VALUE_BYTES + 1)]),
            of(0, large),
        ] {
            assert_eq!(block(&bad).expect_err("bad").invariant, "HInv1");
        }
    }
}
