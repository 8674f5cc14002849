//! Runs that a test directs: it says who dies when, and waits for what must come of it.

use super::adversary::Liar;
use super::disks::Disk;
use super::faults::{Fault, Planned};
use super::oracle::{Place, Verdict, Violation};
use super::protocols::Simulated;
use super::world::World;
use consensus::{ClientValue, Status};
use crypto::Digest;
use learner_graph::LearnerId;
use std::time::Duration;

/// A fault that a scenario has begun, to end it by.
#[derive(Debug)]
#[must_use]
pub struct Begun(usize);

/// What a scenario does.
impl<P: Simulated> World<P> {
    /// A client submits a text to a node. Returns the value's id.
    ///
    /// # Errors
    /// If the text is too large.
    pub fn say(&mut self, place: Place, text: &str) -> Result<Digest, consensus::ValueError> {
        let value = ClientValue::new(Vec::new(), text.into())?;
        let id = value.id();
        self.submit(place, value);
        Ok(id)
    }

    /// Something goes wrong from now on, until it is ended or everything heals.
    ///
    /// # Errors
    /// What does not hold.
    pub fn begin(&mut self, fault: Fault) -> Result<Begun, Violation> {
        self.setting.faults.push(Planned {
            at: self.now,
            lasts: Duration::ZERO,
            fault,
        });
        let i = self.setting.faults.len() - 1;
        self.begins(i)?;
        Ok(Begun(i))
    }

    /// A fault is over.
    ///
    /// # Errors
    /// What does not hold.
    pub fn end(&mut self, Begun(i): Begun) -> Verdict {
        self.ends(i)
    }

    /// What the node at this place tells others from now on. The stage distrusts it.
    pub fn turns_liar(&mut self, place: Place, liar: Box<dyn Liar<P>>) {
        debug_assert!(!self.stage.honest(place), "the stage trusts it");
        self.nodes[place].liar = Some(liar);
    }

    /// Lets everything happen for a while.
    ///
    /// # Errors
    /// What does not hold.
    pub fn run_for(&mut self, time: Duration) -> Verdict {
        self.run_to(self.now + time)
    }

    /// Lets everything happen until something holds, which is looked at after every event.
    ///
    /// # Errors
    /// What does not hold; and if it took longer than `limit`, how the network looks then.
    pub fn run_until(
        &mut self,
        limit: Duration,
        what: &str,
        holds: impl Fn(&Self) -> bool,
    ) -> Verdict {
        let end = self.now + limit;
        while !holds(self) {
            if !self.advance(end)? {
                let lines = self.describe();
                let what = format!("not within {limit:?}: {what}\n{}", lines.join("\n"));
                return Err(Violation::of("scenario", what));
            }
        }
        Ok(())
    }

    fn describe(&mut self) -> Vec<String> {
        let kept = self.history.replace(Vec::new());
        self.picture();
        let lines = std::mem::replace(&mut self.history, kept);
        lines.into_iter().flatten().map(|(_, line)| line).collect()
    }
}

/// What a scenario looks at.
impl<P: Simulated> World<P> {
    /// The learner of this name.
    #[must_use]
    pub fn learner(&self, name: &str) -> Option<LearnerId> {
        self.stage.network().graph().learner(name)
    }

    /// The ids of the client values that a learner has delivered at a node since it started, in order.
    #[must_use]
    pub fn delivered(&self, place: Place, learner: LearnerId) -> &[Digest] {
        self.logs.order(place, learner)
    }

    /// Where a node stands; `None` if it is down.
    #[must_use]
    pub fn status(&self, place: Place) -> Option<Status> {
        self.nodes[place].status()
    }

    /// The disks, as they are now.
    #[must_use]
    pub fn disks(&self) -> &[Disk] {
        &self.disks
    }

    /// Who checks the run.
    #[must_use]
    pub fn oracle(&self) -> &P::Oracle {
        &self.oracle
    }
}
