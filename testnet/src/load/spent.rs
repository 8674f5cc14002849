//! What a network has spent so far, as its nodes tell: the difference of two looks is what a
//! measurement has cost.

use super::clients::Target;
use crate::failure::Failure;
use serde_json::Value as Json;

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
            let status = target.node.get("/v1/status").await;
            let status = status.map_err(|e| Failure::could_not_run(e.to_string()))?;
            all.add(&status).ok_or_else(|| {
                let url = target.node.url();
                Failure::could_not_run(format!("{url}/v1/status does not tell storage.syncs"))
            })?;
        }
        Ok(all)
    }

    /// Adds what one node tells. `None` if it does not.
    fn add(&mut self, status: &Json) -> Option<()> {
        self.syncs += status["storage"]["syncs"].as_u64()?;
        let disks = status["disks"].as_array().into_iter().flatten();
        let operations = disks.filter_map(|disk| disk["operations"].as_u64());
        self.operations += operations.sum::<u64>();
        self.ballot = self.ballot.max(status["ballot"].as_u64().unwrap_or(0));
        Some(())
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
    use serde_json::json;

    #[test]
    fn nodes_are_added_up() {
        let mut before = Spent::default();
        let one = json!({"storage": {"syncs": 5}, "ballot": 2});
        let two = json!({"storage": {"syncs": 7}, "ballot": 3,
            "disks": [{"operations": 10}, {"operations": 1}]});
        assert_eq!(before.add(&one), Some(()));
        let mut after = before;
        assert_eq!(after.add(&two), Some(()));
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
        assert_eq!(after.add(&json!({"storage": {}})), None);
    }
}
