//! Networks for tests, and what they wait for.

use consensus::hpaxos::{HPaxos, Message};
use crypto::{Digest, Signer, Verified};
use learner_graph::LearnerId;
use simulation::adversary::{Aside, Liar, Said};
use simulation::cast::Cast;
use simulation::oracle::{Place, Violation};
use simulation::protocols::Simulated;
use simulation::setting::Setting;
use simulation::stage::Stage;
use simulation::world::World;
use std::time::Duration;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const FOUR: &str = include_str!("../../../examples/four.toml");
pub(crate) const MIXED: &str = include_str!("../../../examples/mixed.toml");
pub(crate) const UNI0: &str = include_str!("../../../examples/uni0.toml");
pub(crate) const LG2: &str = include_str!("../../../examples/lg2.toml");

/// What did not hold is shown as a person reads it.
pub(crate) fn holds<T>(result: Result<T, Violation>) -> T {
    result.unwrap_or_else(|violation| panic!("{violation}"))
}

/// A network in which nobody lies.
pub(crate) fn honest(cast: Result<Cast, Violation>) -> Stage {
    Stage::new(holds(cast), Vec::new()).expect("nobody lies")
}

/// A quiet network in which nobody lies.
pub(crate) fn quiet<P: Simulated>(cast: Result<Cast, Violation>, seed: u64) -> World<P> {
    holds(World::new(honest(cast), Setting::calm(seed)))
}

/// A quiet network of a learner graph in which one node says what `lie` makes of its messages.
pub(crate) fn with_liar(
    graph: &str,
    seed: u64,
    liar: Place,
    lie: impl Fn(Message) -> Vec<Message> + 'static,
) -> World<HPaxos> {
    let mut stage = honest(Cast::hpaxos(graph, 0));
    stage.distrust(liar);
    let signer = stage.signer(liar).expect("a member");
    let mut world = holds(World::new(stage, Setting::calm(seed)));
    let lie = Box::new(lie);
    world.turns_liar(liar, Box::new(Twist { signer, lie }));
    world
}

/// Twists what a node says itself. What others have said it hands on as it is.
struct Twist {
    signer: Signer,
    lie: Box<dyn Fn(Message) -> Vec<Message>>,
}

impl Liar<HPaxos> for Twist {
    fn says(
        &mut self,
        _: Place,
        said: &Verified<Message>,
        _: &mut Aside<'_>,
    ) -> Vec<Said<Verified<Message>>> {
        if said.signer() != self.signer.member() {
            return vec![Said::Message(said.clone())];
        }
        let signed = |message: Message| match message == **said {
            true => said.clone(),
            false => self.signer.sign(message).expect("small"),
        };
        let told = (self.lie)((**said).clone()).into_iter().map(signed);
        told.map(Said::Message).collect()
    }
}

/// What a test says to a network.
pub(crate) trait Directed<P: Simulated> {
    /// Submits a text, which is small enough.
    fn give(&mut self, place: Place, text: &str) -> Digest;

    /// Waits.
    fn until(&mut self, limit: Duration, what: &str, holds: impl Fn(&World<P>) -> bool);

    /// The values that a learner, or the one of the node's own name, has at a node.
    fn log(&self, place: Place, learner: &str) -> &[Digest];

    /// The learner of a node's own name.
    fn own(&self, place: Place) -> LearnerId;

    /// Whether every node of these that is up has so many values for a learner.
    fn have(&self, places: &[Place], learner: &str, n: usize) -> bool;

    /// Whether every node that is up has all of these values for the learner of its own name.
    fn all_have(&self, values: &[Digest]) -> bool;
}

impl<P: Simulated> Directed<P> for World<P> {
    fn give(&mut self, place: Place, text: &str) -> Digest {
        assert!(self.is_up(place), "whom it is given to is up");
        self.say(place, text).expect("small")
    }

    fn until(&mut self, limit: Duration, what: &str, condition: impl Fn(&World<P>) -> bool) {
        holds(self.run_until(limit, what, condition));
    }

    fn log(&self, place: Place, learner: &str) -> &[Digest] {
        let learner = self.learner(learner).expect("a learner of the graph");
        self.delivered(place, learner)
    }

    fn own(&self, place: Place) -> LearnerId {
        self.stage.node(place).learners[0]
    }

    fn have(&self, places: &[Place], learner: &str, n: usize) -> bool {
        let mut up = places.iter().filter(|place| self.is_up(**place));
        up.all(|place| self.log(*place, learner).len() >= n)
    }

    fn all_have(&self, values: &[Digest]) -> bool {
        let mut up = (0..self.stage.places()).filter(|place| self.is_up(*place));
        up.all(|place| {
            let has = self.logs.values(place, self.own(place));
            values
                .iter()
                .all(|v| has.is_some_and(|has| has.contains(v)))
        })
    }
}
