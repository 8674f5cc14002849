//! Whole simulated networks with nodes that lie: within what a learner tolerates nothing happens to it, and
//! beyond that happens what the learner graph says, to whom it says.

use consensus::ClientValue;
use consensus::hpaxos::HPaxos;
use learner_graph::{AcceptorSet, LearnerGraph, LearnerId, parse_graph};
use simulation::adversary::prediction::{Pair, disagree, disconnected};
use simulation::adversary::{Adversary, Behaviour, draw};
use simulation::cast::Cast;
use simulation::chance::Chance;
use simulation::faults::{Fault, Planned};
use simulation::run::{Options, Outcome, run};
use simulation::setting::Setting;
use simulation::stage::Stage;
use simulation::tally::Tally;
use simulation::world::World;
use std::collections::BTreeSet;
use std::time::Duration;

const FOUR: &str = include_str!("../../examples/four.toml");
const MIXED: &str = include_str!("../../examples/mixed.toml");
const LG4: &str = include_str!("../../examples/lg4.toml");
const UNI0: &str = include_str!("../../examples/uni0.toml");
const THR0: &str = include_str!("../../examples/thr0.toml");
const ORGANISATIONS: &str = include_str!("../../examples/organisations.toml");

const SECOND: Duration = Duration::from_secs(1);

fn stage(text: &str, adversaries: Vec<Adversary>) -> Stage {
    let cast = Cast::hpaxos(text, 0).expect("a network");
    Stage::new(cast, adversaries).expect("they can lie")
}

fn liars(nodes: &[usize], behaviour: &Behaviour) -> Vec<Adversary> {
    let liar = |node: &usize| Adversary {
        node: *node,
        behaviour: behaviour.clone(),
    };
    nodes.iter().map(liar).collect()
}

fn lies(tally: &Tally) -> u64 {
    let lies = tally.faults.iter().filter(|(k, _)| k.starts_with("lie: "));
    lies.map(|(_, n)| n).sum()
}

/// Runs every behaviour with liars that are tolerated, at other places for every seed.
fn within_tolerance(text: &str, seeds: u64, nodes: impl Fn(u64) -> Vec<usize>) {
    let mut bad = Vec::new();
    for behaviour in &Behaviour::ALL {
        let (word, mut total) = (behaviour.word(), Tally::default());
        for seed in 0..seeds {
            let stage = stage(text, liars(&nodes(seed), behaviour));
            let outcome: Outcome = run::<HPaxos>(stage, seed, &Options::default());
            total.add(&outcome.tally);
            if let Some((at, violation)) = outcome.violation {
                bad.push(format!("{word} seed {seed} at {at:?}: {violation}"));
            }
        }
        if lies(&total) == 0 || total.decisions == 0 {
            bad.push(format!(
                "{word} never lied, or nothing was decided: {total:?}"
            ));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn one_of(n: u64) -> impl Fn(u64) -> Vec<usize> {
    move |seed| vec![usize::try_from(seed % n).expect("small")]
}

#[test]
fn four_acceptors_stand_one_liar() {
    within_tolerance(FOUR, 2, one_of(4));
}

#[test]
fn a_learner_that_takes_a_risk_harms_nobody_else() {
    within_tolerance(MIXED, 2, one_of(4));
}

#[test]
fn a_ring_stands_one_liar_between_those_whom_it_does_not_join() {
    within_tolerance(LG4, 2, one_of(3));
}

#[test]
fn a_uniform_graph_stands_one_liar() {
    within_tolerance(UNI0, 2, one_of(4));
}

/// Three at once, a whole organisation.
#[test]
fn organisations_stand_one_that_lies_altogether() {
    within_tolerance(ORGANISATIONS, 2, |seed| {
        let first = 3 * usize::try_from(seed % 4).unwrap();
        (first..first + 3).collect()
    });
}

/// Several liars of different kinds at once, as a seed draws them.
#[test]
fn what_a_seed_draws_is_tolerated() {
    for text in [FOUR, LG4, THR0, ORGANISATIONS] {
        let cast = Cast::hpaxos(text, 0).expect("a network");
        for seed in 100..106 {
            let liars = draw(&mut Chance::new(seed, 7), &cast);
            let outcome = run::<HPaxos>(stage(text, liars.clone()), seed, &Options::default());
            assert_eq!(outcome.violation, None, "seed {seed}: {liars:?}");
        }
    }
}

/// Liars, and two sides of all other nodes, by their places; there is a node for each acceptor.
struct Split {
    text: &'static str,
    liars: Vec<usize>,
    sides: [Vec<usize>; 2],
}

fn acceptors(stage: &Stage, places: &[usize]) -> AcceptorSet {
    places.iter().filter_map(|p| stage.acceptor(*p)).collect()
}

/// The values that a side is given.
fn values(side: &[usize], word: &str) -> Vec<(Duration, usize, ClientValue)> {
    let value = |n: usize| {
        let bytes = format!("{word} {n}").into_bytes();
        ClientValue::new(Vec::new(), bytes).expect("small")
    };
    let at = |n: usize| Duration::from_millis(50 * n as u64);
    (0..4)
        .map(|n| (at(n), side[n % side.len()], value(n)))
        .collect()
}

impl Split {
    /// The network after everybody had time to decide whatever a side can decide.
    fn run(&self, seed: u64) -> World<HPaxos> {
        let [here, there] = &self.sides;
        let collude = Behaviour::Collude(Some(here.clone()));
        let stage = stage(self.text, liars(&self.liars, &collude));
        // The first half of every liar is on this side.
        let side = here.iter().chain(&self.liars).copied().collect();
        let mut setting = Setting::calm(seed);
        setting.faults = vec![Planned {
            at: Duration::ZERO,
            lasts: 1000 * SECOND,
            fault: Fault::Partition { side },
        }];
        setting.values = values(here, "here");
        setting.values.extend(values(there, "there"));
        let mut world = World::new(stage, setting).expect("a beginning");
        world.run_to(40 * SECOND).expect("all holds");
        world
    }

    fn predicted(&self, world: &World<HPaxos>) -> BTreeSet<Pair> {
        let stage = &world.stage;
        let sides = self.sides.each_ref().map(|side| acceptors(stage, side));
        let liars = acceptors(stage, &self.liars);
        disagree(stage.network().graph(), &liars, [&sides[0], &sides[1]])
    }

    /// Everything that is predicted happens, while the sides are apart and once they hear each other.
    fn check(&self, seed: u64) -> BTreeSet<Pair> {
        let mut world = self.run(seed);
        let predicted = self.predicted(&world);
        let entangled = world.stage.entangled();
        for (l1, l2) in &predicted {
            assert!(!entangled[usize::from(l1.0)].contains(*l2));
        }
        let about = || format!("{:?} of seed {seed}, sides {:?}", self.liars, self.sides);
        assert_eq!(world.logs.disagreements(), predicted, "{}", about());
        world.heal().expect("all holds");
        world.run_to(80 * SECOND).expect("all holds");
        let after = world.logs.disagreements();
        assert!(after.is_superset(&predicted));
        for (l1, l2) in after {
            assert!(!entangled[usize::from(l1.0)].contains(l2), "{}", about());
        }
        self.check_evidence(&world, &predicted, &about());
        predicted
    }

    /// Whether the sides have something to ask each other for: where both have the decision of every learner
    /// in every slot, no node asks, and none sees what the others have.
    fn compares(&self, stage: &Stage) -> bool {
        let graph = stage.network().graph();
        let liars = acceptors(stage, &self.liars);
        self.sides.iter().any(|side| {
            let told = acceptors(stage, side) | liars;
            !graph.learners().iter().all(|l| graph.is_quorum(l, &told))
        })
    }

    /// Every honest node has evidence of what happened, and disconnects whom the evidence separates: all
    /// that disagree, and nobody else.
    fn check_evidence(&self, world: &World<HPaxos>, predicted: &BTreeSet<Pair>, about: &str) {
        let graph = world.stage.network().graph();
        for place in self.sides.iter().flatten() {
            let known = world.evidence.known(*place);
            let parted = world.evidence.disconnected(*place);
            assert_eq!(parted, disconnected(graph, &known), "{about}");
            if predicted.is_empty() || !self.compares(&world.stage) {
                continue;
            }
            assert!(parted.is_superset(predicted), "{about}: {known:?}");
            assert_eq!(
                known.caught,
                acceptors(&world.stage, &self.liars),
                "{about}"
            );
            let entangled = world.stage.entangled();
            let all: BTreeSet<Pair> = pairs(graph)
                .filter(|(a, b)| !entangled[usize::from(a.0)].contains(*b))
                .collect();
            assert_eq!(parted, all, "{about}");
        }
    }
}

fn pairs(graph: &LearnerGraph) -> impl Iterator<Item = Pair> + '_ {
    let learners = || graph.learners().iter();
    learners().flat_map(move |a| learners().filter(move |b| a <= *b).map(move |b| (a, b)))
}

fn named(text: &str, pairs: &BTreeSet<Pair>) -> Vec<String> {
    let (graph, _) = parse_graph(text).expect("a valid graph");
    let name = |l: LearnerId| graph.learner_name(l).to_owned();
    pairs
        .iter()
        .map(|(a, b)| format!("{}-{}", name(*a), name(*b)))
        .collect()
}

/// What must happen, for a few seeds.
fn happens(text: &'static str, liars: &[usize], sides: [&[usize]; 2], expected: &[&str]) {
    for seed in 0..3 {
        let split = Split {
            text,
            liars: liars.to_vec(),
            sides: sides.map(<[usize]>::to_vec),
        };
        let predicted = split.check(seed);
        assert_eq!(named(text, &predicted), expected);
    }
}

#[test]
fn in_the_ring_la_and_lb_agree_whatever_a1_says_and_lc_differs() {
    happens(LG4, &[0], [&[1], &[2]], &["la-lc"]);
}

#[test]
fn one_liar_forks_the_kiosk_and_nobody_else() {
    happens(
        MIXED,
        &[0],
        [&[1, 3], &[2]],
        &["alice-kiosk", "bob-kiosk", "kiosk-kiosk"],
    );
}

#[test]
fn two_liars_of_four_fork_all_but_those_that_wait_for_everybody() {
    happens(
        FOUR,
        &[0, 1],
        [&[2], &[3]],
        &["alice-alice", "alice-bob", "bob-bob"],
    );
    happens(UNI0, &[2, 3], [&[0], &[1]], &["lA-lA"]);
}

#[test]
fn two_organisations_that_lie_fork_everybody() {
    happens(
        ORGANISATIONS,
        &[0, 1, 2, 3, 4, 5],
        [&[6, 7, 8], &[9, 10, 11]],
        &["auditor-auditor", "auditor-public", "public-public"],
    );
}

/// A partition and one liar with two stories: no more than anyone was prepared for.
#[test]
fn within_tolerance_two_stories_part_nobody() {
    happens(FOUR, &[3], [&[0, 1], &[2]], &[]);
    happens(UNI0, &[0], [&[1, 2], &[3]], &[]);
}

#[test]
fn whatever_the_sides_exactly_those_differ_who_are_predicted_to() {
    let mut seen = BTreeSet::new();
    for (seed, text) in [LG4, MIXED, FOUR, THR0].iter().cycle().take(24).enumerate() {
        let seed = seed as u64;
        let mut chance = Chance::new(seed, 77);
        let (graph, _) = parse_graph(text).expect("a valid graph");
        let mut parts = [vec![], vec![], vec![]];
        for node in 0..graph.n_acceptors() {
            parts[chance.place(3)].push(node);
        }
        let [liars, here, there] = parts;
        // Somebody has to see it on either side.
        if liars.is_empty() || here.is_empty() || there.is_empty() {
            continue;
        }
        let sides = [here, there];
        let predicted = Split { text, liars, sides }.check(seed);
        seen.insert((*text, predicted));
    }
    assert!(seen.len() > 6, "{}", seen.len());
}

/// One learner, who does not need the liar. (Carol of `four.toml` does: while the liar answers and keeps her from
/// deciding, acceptors lose patience on her behalf, less and less often.)
const ALICE: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]
[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
[learners]
alice = "any3"
[[safe]]
between = ["alice"]
when = "any3"
"#;

/// What a liar in the place of the first proposer costs: how many ballots, of which most others know, and the longest
/// time that alice waits for a value anywhere, in times the patience of the beginning.
fn costs(behaviour: &Behaviour, seed: u64) -> (u64, f64) {
    let stage = stage(ALICE, liars(&[0], behaviour));
    let mut setting = Setting::calm(seed);
    let value = |n: u64| ClientValue::new(vec![], format!("{n}").into_bytes()).expect("small");
    let at = |n: u64| SECOND / 4 * u32::try_from(n).expect("few");
    let places = [1, 2, 3];
    setting.values = (0..120)
        .map(|n| {
            (
                at(n),
                places[usize::try_from(n % 3).expect("small")],
                value(n),
            )
        })
        .collect();
    let submitted = setting.values.clone();
    let mut world = World::<HPaxos>::new(stage, setting).expect("a beginning");
    let alice = LearnerId(0);
    let mut longest = Duration::ZERO;
    for place in places {
        for (at, _, value) in &submitted {
            let id = value.id();
            while !world
                .logs
                .values(place, alice)
                .is_some_and(|has| has.contains(&id))
            {
                assert!(world.now < 200 * SECOND, "{behaviour:?}: never decided");
                world
                    .run_to(world.now + Duration::from_millis(5))
                    .expect("all holds");
            }
            // Later places are looked at when it is long over.
            if place == places[0] {
                longest = longest.max(world.now.saturating_sub(*at));
            }
        }
    }
    let joined = places.iter().filter_map(|p| world.machine(*p));
    let mut ballots: Vec<u64> = joined
        .map(|m| consensus::Protocol::status(m).max_bal.0)
        .collect();
    ballots.sort_unstable();
    // One from which the liar withholds what it says may go ahead, alone, and costs nobody a turn.
    let ballots = ballots.get(1).copied();
    let patience = world.patience().as_secs_f64();
    (
        ballots.unwrap_or_default(),
        longest.as_secs_f64() / patience,
    )
}

/// A proposer that does not follow the protocol costs at most its own turns, and a colluder another one: once an honest
/// one leads, it goes on leading, whatever is sent. The first turn is the liar's.
#[test]
fn a_byzantine_proposer_costs_its_own_turns() {
    for behaviour in &Behaviour::ALL {
        let all: Vec<(u64, f64)> = (0..4).map(|seed| costs(behaviour, seed)).collect();
        let ballots = all.iter().map(|(b, _)| *b).max().unwrap_or_default();
        let wait = all.iter().map(|(_, w)| *w).fold(0.0, f64::max);
        println!("| {} | {ballots} | {wait:.1} |", behaviour.word());
        // Whoever hears one of a colluder's stories alone may lose patience twice before anybody tells it the other.
        let alone = u64::from(matches!(behaviour, Behaviour::Collude(_)));
        assert!(ballots <= 2 + alone, "{behaviour:?}: ballot {ballots}");
        assert!(wait <= 4.0, "{behaviour:?}: {wait} times the patience");
    }
}
