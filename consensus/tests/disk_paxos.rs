//! Disk Paxos: processors and disks under crashes and losses, HInv1 to HInv6 checked at every step.

mod disks;

use disks::World;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn all_up_have_all(world: &World) -> bool {
    let up = |p: &usize| world.nodes[*p].engine.is_some();
    let all = 0..world.nodes.len();
    all.filter(up).all(|p| world.has_all(p))
}

#[test]
fn two_processors_and_three_disks_decide_in_one_order() {
    let mut w = World::new(2, 3, 1);
    for i in 0..20 {
        w.submit(i % 2, &format!("v{i}"));
        w.run(SECOND / 50);
    }
    w.until("everything is decided", 10 * SECOND, all_up_have_all);
}

#[test]
fn one_of_each_may_be_lost() {
    let mut w = World::new(2, 3, 2);
    w.submit(0, "before");
    w.until("the first value", 5 * SECOND, all_up_have_all);
    w.crash(0);
    w.lose(2);
    w.submit(1, "after");
    w.until("the second value", 20 * SECOND, all_up_have_all);
}

#[test]
fn a_disk_that_stalls_is_done_without() {
    let mut w = World::new(2, 3, 9);
    w.submit(0, "before");
    w.until("the first value", 5 * SECOND, all_up_have_all);
    w.disks[1].stalled = true;
    for i in 0..5 {
        w.submit(i % 2, &format!("v{i}"));
    }
    w.until("the others", 5 * SECOND, all_up_have_all);
    w.crash(0);
    w.submit(1, "after");
    w.until("the last value", 20 * SECOND, all_up_have_all);
    w.disks[1].stalled = false;
    w.run(SECOND);
}

#[test]
fn large_values_fit_and_a_disk_that_was_away_gets_them() {
    let mut w = World::new(2, 3, 10);
    w.lose(2);
    let large = |i: usize| format!("{i}{}", "x".repeat(250 << 10));
    for i in 0..8 {
        w.submit(i % 2, &large(i));
    }
    w.until("the first ones", 20 * SECOND, all_up_have_all);
    // Whoever takes over has all of them to bring to its log, in pieces.
    w.crash(0);
    w.disks[2].up = true;
    w.submit(1, &large(8));
    w.until("the last one", 20 * SECOND, all_up_have_all);
    w.start(0);
    w.until("all", 20 * SECOND, all_up_have_all);
    w.until("the logs are whole", 20 * SECOND, |w| {
        let log = |d: &disks::Disk| d.logs.values().map(Vec::len).max();
        w.disks
            .iter()
            .all(|d| log(d) >= Some(w.nodes[1].delivered.len()))
    });
    assert!((250 << 10..3 << 20).contains(&w.largest), "{}", w.largest);
    assert!(w.appended > 0);
}

#[test]
fn one_processor_alone_makes_progress() {
    let mut w = World::new(3, 5, 3);
    w.crash(1);
    w.crash(2);
    w.lose(0);
    w.lose(4);
    for i in 0..5 {
        w.submit(0, &format!("v{i}"));
    }
    w.until("everything is decided", 5 * SECOND, all_up_have_all);
}

#[test]
fn without_gossip_the_disks_tell() {
    let mut w = World::new(3, 3, 4);
    w.gossip_up = false;
    for i in 0..9 {
        w.submit(i % 3, &format!("v{i}"));
    }
    w.until("everything is decided", 60 * SECOND, all_up_have_all);
}

#[test]
fn whoever_comes_back_reads_the_log() {
    let mut w = World::new(2, 3, 5);
    w.gossip_up = false;
    w.crash(1);
    for i in 0..30 {
        w.submit(0, &format!("v{i}"));
        w.run(SECOND / 100);
    }
    w.until("decided by one", 10 * SECOND, all_up_have_all);
    w.start(1);
    w.until("read by the other", 10 * SECOND, all_up_have_all);
}

/// Between any two atomic actions of the one that leads it dies, or a disk is lost; the other one goes on
/// at once, and later the first comes back.
#[test]
fn whatever_point_of_a_phase_one_dies_at_nothing_is_lost() {
    let mut points = 0;
    for (seed, at) in (0..3).flat_map(|seed| (0..200).map(move |at| (seed, at))) {
        let mut w = World::new(2, 3, 6 + seed);
        for i in 0..3 {
            w.submit(0, &format!("v{i}"));
        }
        while w.actions[0] < at && !w.has_all(0) {
            w.happen();
        }
        if w.has_all(0) {
            continue;
        }
        points += 1;
        let (lost, d) = (at % 2 == 1, w.rng.below(3));
        w.crash(0);
        if lost {
            w.lose(d);
        }
        let point = format!("seed {seed}, point {at}");
        let value = w.submit(1, "from the other one");
        w.until(&point, 60 * SECOND, |w| w.nodes[1].values.contains(&value));
        w.start(0);
        w.until(&point, 60 * SECOND, all_up_have_all);
    }
    assert!(
        points > 45,
        "{points} points are not the whole of two phases"
    );
}

#[test]
fn random_faults_keep_the_invariants_and_everything_is_decided_afterwards() {
    for seed in 0..seeds() {
        let (processors, disks) = [(2, 3), (3, 3), (1, 1), (3, 5), (2, 1)][seed as usize % 5];
        let mut w = World::new(processors, disks, seed * 7919 + 11);
        w.loss = [0, 30, 100][(seed / 5 % 3) as usize];
        w.gossip_up = w.loss < 100;
        let mut submitted = 0;
        for _ in 0..60 {
            shake(&mut w, &mut submitted);
        }
        for disk in &mut w.disks {
            (disk.up, disk.stalled) = (true, false);
        }
        for p in 0..processors {
            if w.nodes[p].engine.is_none() {
                w.start(p);
            }
        }
        w.until(&format!("seed {seed}"), 200 * SECOND, all_up_have_all);
    }
}

/// One fault or one value, and a while.
fn shake(w: &mut World, submitted: &mut usize) {
    let (p, d) = (w.rng.below(w.nodes.len()), w.rng.below(w.disks.len()));
    let up = w.nodes[p].engine.is_some();
    match w.rng.below(10) {
        0 if up => w.crash(p),
        0 | 1 if !up => w.start(p),
        2 => w.lose(d),
        3 | 4 => w.disks[d].up = true,
        8 => w.disks[d].stalled ^= true,
        5..8 if up && *submitted < 12 => {
            w.submit(p, &format!("v{submitted}"));
            *submitted += 1;
        }
        _ => {}
    }
    let while_ = w.rng.below(60) as u32;
    w.run(Duration::from_millis(1) * while_);
}

/// More with HPAXOS_SEEDS, for a long look.
fn seeds() -> u64 {
    let more = std::env::var("HPAXOS_SEEDS").ok();
    more.and_then(|n| n.parse().ok()).unwrap_or(60)
}
