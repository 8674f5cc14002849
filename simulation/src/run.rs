//! One seed: a network, what happens to it, and what must hold.

use super::faults::{Planned, Targets};
use super::invariants::liveness;
use super::oracle::{Oracle as _, Place, Violation};
use super::protocols::Simulated;
use super::setting::Setting;
use super::stage::Stage;
use super::tally::Tally;
use super::world::World;
use consensus::Time;
use consensus::hpaxos::trace::Action;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was simulated.
    pub tally: Tally,
    /// What did not hold, and when.
    pub violation: Option<(Time, Violation)>,
    /// What happened, if it was to be kept.
    pub history: Vec<(Time, String)>,
    /// HPaxos: what happened where, in the words of the specification, if it was to be kept.
    pub actions: Vec<(Place, Action)>,
    /// What was to go wrong.
    pub faults: Vec<Planned>,
}

impl Outcome {
    /// A run that could not begin.
    #[must_use]
    pub fn impossible(seed: u64, why: &impl std::fmt::Display) -> Self {
        Outcome {
            seed,
            tally: Tally::default(),
            violation: Some((Time::ZERO, Violation::of("a network", why.to_string()))),
            history: Vec::new(),
            actions: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// What to keep of a run, and what to leave out of it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keep what happened.
    pub history: bool,
    /// Only these of the seed's faults, by their places.
    pub faults: Option<Vec<usize>>,
    /// HPaxos: keep what happened in the words of the specification.
    pub actions: bool,
}

/// What a seed brings to a network.
#[must_use]
pub fn setting_of(stage: &Stage, seed: u64) -> Setting {
    let targets = Targets {
        nodes: stage.places(),
        disks: stage.disks(),
    };
    Setting::of_seed(seed, targets)
}

/// Runs a seed to its end, or to the first thing that does not hold.
pub fn run<P: Simulated>(mut stage: Stage, seed: u64, options: &Options) -> Outcome {
    stage.keeps_actions = options.actions;
    let mut setting = setting_of(&stage, seed);
    if let Some(keep) = &options.faults {
        let mut place = 0..;
        setting
            .faults
            .retain(|_| place.next().is_some_and(|p| keep.contains(&p)));
    }
    let faults = setting.faults.clone();
    let length = setting.length;
    let mut world = match World::<P>::new(stage, setting) {
        Ok(world) => world,
        Err(violation) => {
            return Outcome {
                violation: Some((Time::ZERO, violation)),
                ..Outcome::impossible(seed, &"")
            };
        }
    };
    world.history = options.history.then(Vec::new);
    let verdict = world.run_to(length);
    let verdict = verdict.and_then(|()| liveness::comes_to_rest(&mut world));
    world.picture();
    world.tally.ballots = highest(&world);
    Outcome {
        seed,
        violation: verdict.err().map(|violation| (world.now, violation)),
        history: world.history.take().unwrap_or_default(),
        actions: world.oracle.actions(),
        tally: world.tally,
        faults,
    }
}

/// The highest ballot that a node which follows the protocol has joined.
fn highest<P: Simulated>(world: &World<P>) -> u64 {
    let honest = (0..world.stage.places()).filter(|p| world.stage.honest(*p));
    let joined = honest.filter_map(|p| world.machine(p).map(|m| m.status().max_bal.0));
    joined.max().unwrap_or(0)
}
