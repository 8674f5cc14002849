//! What nodes do with what they have stored: the history becomes durable some time after the records that led
//! to it, and a checkpoint takes the place of all records.

use super::oracle::{Place, Verdict, Violation};
use super::protocols::Simulated;
use super::world::World;
use consensus::Input;
use consensus::storage::Storage as _;
use crypto::codec;

impl<P: Simulated> World<P> {
    /// Everything that a node has stored is durable, and what followed from it has happened.
    pub(super) fn durable(&mut self, place: Place) {
        if self.keeping.percent(self.setting.flush) {
            self.nodes[place].history.flush();
        }
    }

    /// A node may replace what it has stored between two steps, when it has heard everything that it said.
    pub(super) fn between_steps(&mut self, place: Place) -> Verdict {
        let node = &mut self.nodes[place];
        let message = |input: &Input<_, _>| matches!(input, Input::Message(_));
        let quiet = !node.inbox.iter().any(|arrival| message(&arrival.input));
        if !quiet || node.syncing.is_some() || !self.keeping.percent(self.setting.checkpoint) {
            return Ok(());
        }
        let Some(machine) = &node.machine else {
            return Ok(());
        };
        // It stands for what the history lacks, and for what was not durable yet.
        node.history.flush();
        let unsynced = std::mem::take(&mut node.unsynced);
        let records = machine.checkpoint();
        let mut records = records.iter().map(codec::encode);
        let replaced = node.storage.replace(&mut records);
        replaced.map_err(|e| Violation::of("storage", e.to_string()))?;
        for record in &unsynced {
            self.told(place, record)?;
        }
        self.tally.checkpoints += 1;
        self.tell_history(|w| format!("{} makes a checkpoint", w.stage.name(place)));
        Ok(())
    }
}
