//! Counterexamples of validity, and changes of the file that mend them.

use crate::report::Names;
use crate::through::Link;
use crate::written::Place;
use serde::Serialize;

/// Three sets that ought to have an acceptor in common.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ViolationReport {
    /// The two learners; the same name twice for one with itself.
    pub between: [String; 2],
    /// The `[[safe]]` entries that promise it: one, or a chain by transitivity.
    pub through: Vec<Link>,
    /// A set of safe acceptors while which they shall agree.
    pub safe: Names,
    /// A quorum of each.
    pub quorums: [Names; 2],
    /// Changes of the file each of which is enough for this pair: first the one that leaves least as it is, and of
    /// those the one that costs least. To give up the promise is always among them.
    pub repairs: Vec<Repair>,
    /// Whether these are all that raise one threshold, and, if there are none, whether any raise several: every
    /// threshold that the pair depends on was tried, and it is known what came of it.
    pub repairs_complete: bool,
    /// What would mend it too, and is no repair, since it leaves a learner without a quorum of acceptors that are not
    /// silent.
    pub repairs_that_stop: Vec<Vec<Change>>,
}

impl ViolationReport {
    /// Where the promise begins in the file, if that is known.
    pub(crate) fn line(&self) -> Option<usize> {
        self.through.first()?.place.line
    }

    /// Whether more steps can tell nothing more of what mends it.
    pub(crate) fn is_decided(&self) -> bool {
        let known =
            |repair: &Repair| repair.least && repair.leaves.is_some() && repair.price.is_known();
        self.repairs_complete && self.repairs.iter().all(known)
    }
}

/// Changes of the file that are enough together. They were tried: the graph was read again and the
/// pair is valid then. Every learner that has a quorum of acceptors that are not silent keeps one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Repair {
    /// All of them are needed. More than one threshold is raised only if none was found that is enough alone and leaves
    /// everybody a quorum.
    pub changes: Vec<Change>,
    /// Whether no change can be left out, and none be smaller; if not, that was not decided.
    pub least: bool,
    /// How many pairs of learners that are not valid become so, this one among them; absent if
    /// that was not decided.
    pub mends: Option<usize>,
    /// How many stay as they are.
    pub leaves: Option<usize>,
    /// To how many pairs of learners nothing is promised any more.
    pub ends: usize,
    /// What else is stood less.
    pub price: Price,
}

/// What a repair costs in faults that the graph of the file stands, further ones; absent is what was not decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Price {
    /// How many learners survive fewer crashes.
    pub crashes: Option<usize>,
    /// How many pairs are promised to survive fewer lies; those to which nothing is promised any more are not counted.
    pub lies: Option<usize>,
    /// Whether the graph is uniform, and is so no longer.
    pub uniformity: Option<bool>,
}

impl Repair {
    /// Smaller is better: what stays bad, then the promises that are given up, and then the rest of the price. What is
    /// not known is as bad as it can be.
    pub(crate) fn rank(&self) -> (usize, usize, usize) {
        let Price {
            crashes,
            lies,
            uniformity,
        } = self.price;
        let price = [crashes, lies, uniformity.map(usize::from)];
        let price = price.into_iter().sum::<Option<usize>>();
        let most = usize::MAX;
        let left = self.leaves.unwrap_or(most);
        (left, self.ends, price.unwrap_or(most))
    }
}

impl Price {
    fn is_known(&self) -> bool {
        self.crashes.is_some() && self.lies.is_some() && self.uniformity.is_some()
    }
}

/// A change of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A number is to be another.
    Raise {
        /// The threshold; a definition has one, however many share it.
        place: Place,
        /// What stands there now.
        threshold: u64,
        /// What is enough.
        raise_to: u64,
    },
    /// A learner is not to be in the `between` of an entry.
    TakeOut {
        /// The `[[safe]]` entry.
        place: Place,
        /// The learner.
        learner: String,
    },
    /// An entry of one learner is not to be there.
    Remove {
        /// The `[[safe]]` entry.
        place: Place,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_rank_by_what_stays_bad_then_by_what_is_given_up_and_then_by_the_rest_of_the_price() {
        let repair = |leaves, ends, [crashes, lies]: [Option<usize>; 2], uniformity| Repair {
            changes: Vec::new(),
            least: true,
            mends: leaves,
            leaves,
            ends,
            price: Price {
                crashes,
                lies,
                uniformity,
            },
        };
        let ranked = [
            repair(Some(0), 0, [Some(1), Some(1)], Some(false)),
            repair(Some(0), 0, [Some(1), Some(1)], Some(true)),
            repair(Some(0), 0, [Some(0), Some(4)], Some(false)),
            repair(Some(0), 0, [Some(5), Some(0)], Some(false)),
            repair(Some(0), 0, [Some(0), None], Some(false)),
            repair(Some(0), 1, [Some(0), Some(0)], Some(false)),
            repair(Some(1), 0, [Some(0), Some(0)], Some(false)),
            repair(None, 0, [Some(0), Some(0)], Some(false)),
        ];
        let ranks = ranked.each_ref().map(Repair::rank);
        assert!(ranks.windows(2).all(|two| two[0] < two[1]), "{ranks:?}");
    }
}
