//! Liveness: when all faults are over, whoever can decide decides everything.
//!
//! Whoever has a live and safe quorum, agrees with itself, and cannot be starved by old votes for others (it is
//! uniform: `hpaxos graph check` says who is not) decides everything submitted, within a bound in simulated time.

use crate::oracle::{Place, Verdict, Violation};
use crate::protocols::Simulated;
use crate::stage::Stage;
use crate::world::World;
use consensus::Mode;
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId, LearnerSet, UNIFORMITY_STEPS};
use std::collections::BTreeSet;

/// How many times the patience of the beginning everything may take. Patience doubles with every ballot
/// that fails, and faults have made ballots fail: those of 40 times the patience, five or six of them in a row.
pub const BOUND: u32 = 100;

/// Who has to decide everything at which places.
fn bound_to_decide<P: Simulated>(world: &World<P>) -> Vec<(Place, LearnerId)> {
    let stage = &world.stage;
    let graph = stage.network().graph();
    let up = (0..stage.places()).filter(|p| world.is_up(*p) && stage.honest(*p));
    let up: Vec<Place> = up.collect();
    match stage.cast.mode {
        Mode::Hpaxos => {
            let uniform = uniform(stage);
            let live: AcceptorSet = up.iter().filter_map(|p| stage.acceptor(*p)).collect();
            let ent = stage.entangled();
            let able = graph.learners().iter().filter(|l| {
                uniform.contains(*l)
                    && graph.is_quorum(*l, &live)
                    && ent[usize::from(l.0)].contains(*l)
            });
            let able: Vec<LearnerId> = able.collect();
            let of = |p: &Place| able.iter().map(|l| (*p, *l)).collect::<Vec<_>>();
            up.iter().flat_map(of).collect()
        }
        Mode::Paxos => {
            let live: AcceptorSet = up.iter().filter_map(|p| stage.acceptor(*p)).collect();
            let reads = stage.read_quorums();
            let able = graph.is_quorum(LearnerId(0), &live) && reads.is_quorum(LearnerId(0), &live);
            up.into_iter()
                .filter(|_| able)
                .flat_map(|p| own(stage, p))
                .collect()
        }
        // All disks are back.
        Mode::DiskPaxos => up.into_iter().flat_map(|p| own(stage, p)).collect(),
    }
}

/// The learners that old votes for others cannot starve.
fn uniform(stage: &Stage) -> LearnerSet {
    let graph = stage.network().graph();
    let found = graph.uniformity(UNIFORMITY_STEPS);
    let differ = found.differences.iter().map(|d| d.learner);
    let unknown = found.undecided.iter().map(|(l, _)| *l);
    graph.learners() - differ.chain(unknown).collect()
}

fn own(stage: &Stage, place: Place) -> Option<(Place, LearnerId)> {
    Some((place, *stage.node(place).learners.first()?))
}

/// Heals everything and lets the network come to rest.
///
/// # Errors
/// If somebody who has to decide everything does not, in time, or something else does not hold.
pub fn comes_to_rest<P: Simulated>(world: &mut World<P>) -> Verdict {
    world.heal()?;
    let bound = bound_to_decide(world);
    let accepted: BTreeSet<Digest> = world.accepted().collect();
    let start = world.now;
    let end = start + world.patience() * BOUND;
    loop {
        let lacks = bound.iter().find(|(place, learner)| {
            let has = world.logs.values(*place, *learner);
            !has.is_some_and(|has| accepted.is_subset(has)) && !accepted.is_empty()
        });
        let Some((place, learner)) = lacks else {
            if bound.is_empty() {
                world.tally.unbound += 1;
            }
            world.tally.rest =
                u32::try_from((world.now - start).as_nanos() / world.patience().as_nanos())
                    .unwrap_or(u32::MAX);
            return Ok(());
        };
        if world.now >= end {
            let has = world
                .logs
                .values(*place, *learner)
                .cloned()
                .unwrap_or_default();
            let (node, learner) = (world.stage.name(*place), world.stage.learner(*learner));
            let what = format!(
                "{learner} at {node} has {} of {} values, {:.0} s after all faults ended",
                accepted.intersection(&has).count(),
                accepted.len(),
                (world.patience() * BOUND).as_secs_f64(),
            );
            return Err(Violation::of("liveness", what));
        }
        let soon = world.now + world.patience() / 4;
        world.run_to(soon.min(end))?;
    }
}
