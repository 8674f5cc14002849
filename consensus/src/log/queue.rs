//! Values that wait, in the order in which this node heard of them.

use crate::ClientValue;
use crypto::Digest;
use std::collections::BTreeMap;

/// A place in the queue: those of values that come later are higher.
pub(crate) type Place = u64;

/// See the module.
#[derive(Default)]
pub(super) struct Queue {
    values: BTreeMap<Place, (Digest, ClientValue)>,
    arrivals: Place,
    load: Load,
}

impl Queue {
    /// Adds a value at the end.
    pub(super) fn push(&mut self, id: Digest, value: ClientValue) -> Place {
        self.arrivals += 1;
        self.load.add(&value);
        self.values.insert(self.arrivals, (id, value));
        self.arrivals
    }

    /// The value at a place waits no longer.
    pub(super) fn remove(&mut self, at: Place) -> Option<ClientValue> {
        let (_, value) = self.values.remove(&at)?;
        self.load.remove(&value);
        Some(value)
    }

    /// The value at a place.
    pub(super) fn get(&self, at: Place) -> Option<&ClientValue> {
        self.values.get(&at).map(|(_, value)| value)
    }

    /// The values from a place on, oldest first.
    pub(super) fn from(&self, at: Place) -> impl Iterator<Item = (Place, &Digest, &ClientValue)> {
        let from = self.values.range(at..);
        from.map(|(at, (id, value))| (*at, id, value))
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Digest, &ClientValue)> {
        self.values.values().map(|(id, value)| (id, value))
    }

    /// Values that come from now on have this place or a later one.
    pub(super) fn end(&self) -> Place {
        self.arrivals + 1
    }

    /// What waits in all.
    pub(super) fn load(&self) -> Load {
        self.load
    }
}

/// How many values, and how many bytes they have in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Values.
    pub(crate) values: usize,
    /// Their bytes.
    pub(crate) bytes: usize,
}

impl Load {
    pub(super) fn of(value: &ClientValue) -> Self {
        Load {
            values: 1,
            bytes: value.encoded_len(),
        }
    }

    pub(super) fn add(&mut self, value: &ClientValue) {
        let more = Load::of(value);
        self.values += more.values;
        self.bytes += more.bytes;
    }

    pub(super) fn remove(&mut self, value: &ClientValue) {
        let less = Load::of(value);
        self.values -= less.values;
        self.bytes -= less.bytes;
    }

    /// Whether one more value fits into a bound that is so many times `most`.
    pub(super) fn has_room(&self, value: &ClientValue, most: Load, times: usize) -> bool {
        self.values < most.values.saturating_mul(times)
            && self.bytes.saturating_add(Load::of(value).bytes) <= most.bytes.saturating_mul(times)
    }
}
