//! What a network has spent so far, as its nodes tell: the difference of two looks is what a
//! measurement has cost.

use super::clients::Target;
use crate::failure::Failure;
use hpaxos_client::Status;

/// Counted since the start, by all nodes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Times that a node made its own storage durable.
    pub syncs: u64,
    /// Operations on disks done, mode disk-paxos only: each writes, reads, or both.
    pub operations: u64,
    /// The highest ballot that any node knows of.
    pub ballot: u64,
}

impl Spent {
    /// Asks all nodes.
    ///
    /// # Errors
    /// If one of them does not answer, or not with a status.
    pub async fn so_far(targets: &[Target]) -> Result<Spent, Failure> {
        let mut all = Spent::default();
        for target in targets {
            let status = target.node.status().await;
            all.add(&status.map_err(|e| Failure::could_not_run(e.to_string()))?);
        }
        Ok(all)
    }

    /// Adds what one node tells.
    fn add(&mut self, status: &Status) {
        self.syncs += status.storage.syncs;
        let operations = status.disks.iter().map(|disk| disk.operations);
        self.operations += operations.sum::<u64>();
        self.ballot = self.ballot.max(status.ballot);
    }

    /// What was spent since an earlier look. A node that has started again counts from zero: then
    /// nothing is known to have been spent.
    #[must_use]
    pub fn since(self, before: Spent) -> Spent {
        Spent {
            syncs: self.syncs.saturating_sub(before.syncs),
            operations: self.operations.saturating_sub(before.operations),
            ballot: self.ballot.saturating_sub(before.ballot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpaxos_client::{DiskStatus, Storage};

    fn status(syncs: u64, ballot: u64, operations: &[u64]) -> Status {
        let disk = |operations: &u64| DiskStatus {
            operations: *operations,
            ..DiskStatus::default()
        };
        Status {
            storage: Storage {
                syncs,
                ..Storage::default()
            },
            ballot,
            disks: operations.iter().map(disk).collect(),
            ..Status::default()
        }
    }

    #[test]
    fn nodes_are_added_up() {
        let mut before = Spent::default();
        before.add(&status(5, 2, &[]));
        let mut after = before;
        after.add(&status(7, 3, &[10, 1]));
        let sum = Spent {
            syncs: 12,
            operations: 11,
            ballot: 3,
        };
        assert_eq!(after, sum);
        let difference = Spent {
            syncs: 7,
            operations: 11,
            ballot: 1,
        };
        assert_eq!(after.since(before), difference);
    }
}
