//! The order in which it is enough to have everything done, as `main.rs` argues.

use crate::machine::Machines;
use crate::model::{Checked, State};
use crate::world::Kind;
use learner_graph::AcceptorId;

/// What an acceptor does in a ballot, in the order in which it is enough to have it done by all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Join,
    Propose,
    Vote,
}

/// Where a state stands in the order of phases.
pub struct Standing {
    /// The latest phase, of its ballot's place, that anyone has come to.
    latest: (usize, Phase),
    /// Per acceptor, the place of the ballot that it has joined.
    joined: Vec<usize>,
    /// Per acceptor, the place of the last ballot in which it has sent a 2av.
    proposed: Vec<Option<usize>>,
}

impl Standing {
    pub fn of(model: &Checked, machines: &Machines, state: &State) -> Self {
        let place = |ballot| model.setup.ballots.iter().position(|b| *b == ballot);
        let mut standing = Standing {
            latest: (0, Phase::Join),
            joined: vec![0; state.said.len()],
            proposed: vec![None; state.said.len()],
        };
        for (a, id) in state
            .said
            .iter()
            .enumerate()
            .flat_map(|(a, own)| own.iter().map(move |id| (a, id)))
        {
            let said = machines.world.statement(*id);
            let at = place(said.ballot).expect("a ballot that is played");
            let phase = match said.kind {
                Kind::TwoAv(..) => Phase::Propose,
                Kind::TwoB(..) => Phase::Vote,
                _ => Phase::Join,
            };
            standing.latest = standing.latest.max((at, phase));
            if phase == Phase::Join {
                standing.joined[a] = standing.joined[a].max(at);
            } else if phase == Phase::Propose {
                standing.proposed[a] = standing.proposed[a].max(Some(at));
            }
        }
        standing
    }

    /// Whether an acceptor before this one has proposed in the first ballot.
    pub fn named(&self, model: &Checked, acceptor: AcceptorId) -> bool {
        let mut before = model.safe.iter().filter(|a| **a < acceptor);
        before.any(|a| self.proposed[usize::from(a.0)].is_some())
    }

    /// Whether the order lets an acceptor try this. The rules are the machine's affair: whoever has left
    /// a ballot may always try to speak there again.
    pub fn may(&self, model: &Checked, acceptor: AcceptorId, here: (usize, Phase)) -> bool {
        let (at, phase) = here;
        let mine = self.joined[usize::from(acceptor.0)];
        let all_joined = |at| {
            let mut here = model
                .safe
                .iter()
                .filter(|a| model.takes_part(**a, model.setup.ballots[at]));
            here.all(|a| self.joined[usize::from(a.0)] >= at)
        };
        let before = model.safe.iter().filter(|a| **a < acceptor);
        match phase {
            Phase::Join => {
                let mut before = before.filter(|a| model.takes_part(**a, model.setup.ballots[at]));
                at == mine + 1
                    && here >= self.latest
                    && before.all(|a| self.joined[usize::from(a.0)] >= at)
            }
            _ if mine > at => true,
            // In the last ballot nobody tries two values: that is tried in those before.
            Phase::Propose if at > 0 && at + 1 == model.setup.ballots.len() => {
                all_joined(at) && self.proposed[usize::from(acceptor.0)] < Some(at)
            }
            _ => mine == at && all_joined(at) && here >= self.latest,
        }
    }
}
