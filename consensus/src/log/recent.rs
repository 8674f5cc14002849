//! How many delivered slots stay in memory where the history is asked for older ones.

use crate::Slot;
use crate::planted::stays;

/// The first slot that stays in memory, if it is time to let go of those before it, which begin at `oldest`. Looking
/// everything through is not for every slot: half as many more than the `recent` ones that are wanted may gather
/// below `next`, the first that is not delivered. If they are large, none stays.
pub(crate) fn stays_from(oldest: Slot, next: Slot, recent: u64, large: bool) -> Option<Slot> {
    if large {
        return Some(stays(next));
    }
    let gathered = (recent + recent / 2).max(1);
    let many = next.0 >= oldest.0.saturating_add(gathered);
    many.then(|| Slot(next.0.saturating_sub(recent)))
}
