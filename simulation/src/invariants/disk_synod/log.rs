//! What the log on the disks promises on top of the module: it has what is chosen, and what a block drops is in
//! the log of the same disk.

use crate::disks::Disk;
use crate::oracle::{Verdict, Violation};
use consensus::Slot;
use consensus::disk_paxos::ProcessorId;
use crypto::Digest;
use std::collections::BTreeMap;

/// How far the logs on each disk have been checked. They only grow.
#[derive(Debug)]
pub struct Logs(Vec<BTreeMap<ProcessorId, usize>>);

impl Logs {
    /// Empty logs on so many disks.
    #[must_use]
    pub fn new(disks: usize) -> Self {
        Logs(vec![BTreeMap::new(); disks])
    }

    /// Looks at what the logs have new, and at the floors.
    ///
    /// # Errors
    /// If a log has what is not chosen, or lacks what a block has dropped.
    pub fn check(&mut self, disks: &[Disk], chosen: &BTreeMap<Slot, Digest>) -> Verdict {
        for (d, (disk, checked)) in disks.iter().zip(&mut self.0).enumerate() {
            for (p, log) in &disk.logs {
                let checked = checked.entry(*p).or_default();
                for record in &log[*checked..] {
                    if chosen.get(&record.slot) != Some(&record.value.digest()) {
                        let slot = record.slot;
                        let what =
                            format!("slot {slot} in the log of {p} on disk {d} is not chosen");
                        return Err(Violation::of("the log has what is chosen", what));
                    }
                }
                *checked = log.len();
            }
            for (p, whole) in &disk.blocks {
                let logged = disk.logs.get(p).map_or(0, Vec::len) as u64;
                let floor = whole.block.floor;
                if floor.0 > logged {
                    let what = format!("{p} has floor {floor} on disk {d} and {logged} records");
                    return Err(Violation::of("what a block drops is in the log", what));
                }
            }
        }
        Ok(())
    }
}

/// A node delivers what is chosen.
///
/// # Errors
/// If not.
pub fn delivered(chosen: &BTreeMap<Slot, Digest>, slot: Slot, value: Digest) -> Verdict {
    if chosen.get(&slot) == Some(&value) {
        return Ok(());
    }
    let what = format!("slot {slot} is delivered with a value that is not chosen");
    Err(Violation::of("what is delivered is chosen", what))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::v;
    use super::*;
    use consensus::disk_paxos::{Block, LogRecord};
    use consensus::{Ballot, Batch};
    use std::sync::Arc;

    fn disk(slots: u64, floor: u64) -> Disk {
        let p = ProcessorId::new(1).expect("not 0");
        let record = |slot| LogRecord {
            slot: Slot(slot),
            ballot: Ballot(1),
            value: Arc::new(Batch::default()),
        };
        let mut disk = Disk::default();
        disk.logs.insert(p, (0..slots).map(record).collect());
        let block = Block {
            floor: Slot(floor),
            ..Block::default()
        };
        disk.blocks.entry(p).or_default().block = Arc::new(block);
        disk
    }

    #[test]
    fn a_record_of_what_is_not_chosen_is_found() {
        let mut chosen: BTreeMap<Slot, Digest> = [(Slot(0), Batch::default().digest())].into();
        let mut logs = Logs::new(1);
        assert_eq!(logs.check(&[disk(1, 0)], &chosen), Ok(()));
        let ahead = logs.check(&[disk(2, 0)], &chosen).expect_err("slot 1");
        assert_eq!(ahead.invariant, "the log has what is chosen");
        chosen.insert(Slot(1), v("v"));
        let other = logs.check(&[disk(2, 0)], &chosen).expect_err("slot 1");
        assert_eq!(other.invariant, "the log has what is chosen");
    }

    #[test]
    fn a_block_that_drops_what_is_in_no_log_is_found() {
        let chosen = [(Slot(0), Batch::default().digest())].into();
        assert_eq!(Logs::new(1).check(&[disk(1, 1)], &chosen), Ok(()));
        let lost = Logs::new(1)
            .check(&[disk(1, 2)], &chosen)
            .expect_err("slot 1");
        assert_eq!(lost.invariant, "what a block drops is in the log");
    }

    #[test]
    fn a_delivery_of_what_is_not_chosen_is_found() {
        let chosen = [(Slot(0), v("v"))].into();
        assert_eq!(delivered(&chosen, Slot(0), v("v")), Ok(()));
        for (slot, value) in [(0, "w"), (1, "v")] {
            let violation = delivered(&chosen, Slot(slot), v(value)).expect_err("not chosen");
            assert_eq!(violation.invariant, "what is delivered is chosen");
        }
    }
}
