//! Disk Paxos: processors and disks come and go, HInv1 to HInv6 hold at every step.

use crate::support::{Directed as _, SECOND, holds, quiet};
use consensus::ClientValue;
use consensus::disk_paxos::{Block, DiskPaxos};
use crypto::Digest;
use simulation::cast::Cast;
use simulation::chance::Chance;
use simulation::faults::Fault;
use simulation::world::World;
use std::cell::Cell;

fn of(processors: u8, disks: usize, seed: u64) -> World<DiskPaxos> {
    quiet(Cast::disk_paxos(processors, disks), seed)
}

/// Nothing goes between nodes but over the disks.
fn without_gossip(w: &mut World<DiskPaxos>) {
    let _ = holds(w.begin(Fault::Loss { percent: 100 }));
}

fn lose(w: &mut World<DiskPaxos>, disk: usize) {
    let _ = holds(w.begin(Fault::DiskLost { disk }));
}

#[test]
fn two_processors_and_three_disks_decide_in_one_order() {
    let mut w = of(2, 3, 1);
    let mut values = Vec::new();
    for i in 0..20 {
        values.push(w.give(i % 2, &format!("v{i}")));
        holds(w.run_for(SECOND / 50));
    }
    w.until(10 * SECOND, "everything is decided", |w| {
        w.all_have(&values)
    });
    assert_eq!(w.delivered(0, w.own(0)), w.delivered(1, w.own(1)));
}

#[test]
fn one_of_each_may_be_lost() {
    let mut w = of(2, 3, 2);
    let before = w.give(0, "before");
    w.until(5 * SECOND, "the first value", |w| w.all_have(&[before]));
    holds(w.crash(0));
    lose(&mut w, 2);
    let after = w.give(1, "after");
    w.until(20 * SECOND, "the second value", |w| {
        w.all_have(&[before, after])
    });
}

#[test]
fn a_disk_that_stalls_is_done_without() {
    let mut w = of(2, 3, 9);
    let mut values = vec![w.give(0, "before")];
    w.until(5 * SECOND, "the first value", |w| w.all_have(&values));
    let stalls = holds(w.begin(Fault::DiskStalls { disk: 1 }));
    values.extend((0..5).map(|i| w.give(i % 2, &format!("v{i}"))));
    w.until(5 * SECOND, "the others", |w| w.all_have(&values));
    holds(w.crash(0));
    values.push(w.give(1, "after"));
    w.until(20 * SECOND, "the last value", |w| w.all_have(&values));
    holds(w.end(stalls));
    holds(w.run_for(SECOND));
}

#[test]
fn large_values_fit_and_a_disk_that_was_away_gets_them() {
    // Whatever one write carries for the log.
    const ONE_WRITE: usize = 1 << 20;
    let bytes = |values: &[ClientValue]| values.iter().map(|v| v.bytes.len()).sum::<usize>();
    let of_block = |b: &Block| {
        b.entries
            .values()
            .map(|e| bytes(&e.inp.values))
            .sum::<usize>()
    };
    let (largest, ahead) = (Cell::new(0), Cell::new(0));
    let look = |w: &World<DiskPaxos>| {
        for disk in w.disks() {
            for (p, whole) in &disk.blocks {
                largest.set(largest.get().max(of_block(&whole.block)));
                let log = disk.logs.get(p).into_iter().flatten();
                let new = log.filter(|record| record.slot >= whole.block.floor);
                let new = new.map(|record| bytes(&record.value.values)).sum();
                ahead.set(ahead.get().max(new));
            }
        }
    };
    let mut w = of(2, 3, 10);
    let lost = holds(w.begin(Fault::DiskLost { disk: 2 }));
    let large = |i: usize| format!("{i}{}", "x".repeat(250 << 10));
    let mut values: Vec<Digest> = (0..8).map(|i| w.give(i % 2, &large(i))).collect();
    let until = |w: &mut World<DiskPaxos>, what: &str, values: &[Digest]| {
        w.until(20 * SECOND, what, |w| {
            look(w);
            w.all_have(values)
        });
    };
    until(&mut w, "the first ones", &values);
    // Whoever takes over has all of them to bring to its log, in pieces.
    holds(w.crash(0));
    holds(w.end(lost));
    values.push(w.give(1, &large(8)));
    until(&mut w, "the last one", &values);
    holds(w.start(0));
    until(&mut w, "all", &values);
    w.until(20 * SECOND, "the logs are whole", |w| {
        look(w);
        let slots = w.logs.len(1, w.own(1));
        let longest = |d: &simulation::disks::Disk| d.logs.values().map(Vec::len).max();
        w.disks()
            .iter()
            .all(|d| longest(d).unwrap_or(0) as u64 >= slots)
    });
    let largest = largest.get();
    assert!((250 << 10..3 << 20).contains(&largest), "{largest}");
    assert!(
        ahead.get() > ONE_WRITE,
        "a log is brought up to date without the block: {ahead:?}"
    );
}

#[test]
fn one_processor_alone_makes_progress() {
    let mut w = of(3, 5, 3);
    for dead in [1, 2] {
        holds(w.crash(dead));
    }
    for disk in [0, 4] {
        lose(&mut w, disk);
    }
    let values: Vec<Digest> = (0..5).map(|i| w.give(0, &format!("v{i}"))).collect();
    w.until(5 * SECOND, "everything is decided", |w| w.all_have(&values));
}

#[test]
fn without_gossip_the_disks_tell() {
    let mut w = of(3, 3, 4);
    without_gossip(&mut w);
    let values: Vec<Digest> = (0..9).map(|i| w.give(i % 3, &format!("v{i}"))).collect();
    w.until(60 * SECOND, "everything is decided", |w| {
        w.all_have(&values)
    });
}

#[test]
fn whoever_comes_back_reads_the_log() {
    let mut w = of(2, 3, 5);
    without_gossip(&mut w);
    holds(w.crash(1));
    let mut values = Vec::new();
    for i in 0..30 {
        values.push(w.give(0, &format!("v{i}")));
        holds(w.run_for(SECOND / 100));
    }
    w.until(10 * SECOND, "decided by one", |w| w.all_have(&values));
    holds(w.start(1));
    w.until(10 * SECOND, "read by the other", |w| w.all_have(&values));
}

/// Between any two atomic actions on the disks the one that was given the values dies, or a disk is lost as
/// well; the other one goes on at once, and later the first comes back.
#[test]
fn whatever_point_of_a_phase_one_dies_at_nothing_is_lost() {
    let mut points = 0;
    for seed in 0..3 {
        let mut chance = Chance::new(seed, 3);
        for at in 0.. {
            let mut w = of(2, 3, 6 + seed);
            let mut values: Vec<Digest> = (0..3).map(|i| w.give(0, &format!("v{i}"))).collect();
            let has_all = |w: &World<DiskPaxos>| w.delivered(0, w.own(0)).len() == 3;
            while w.tally.disk_actions < at && !has_all(&w) {
                assert!(holds(w.advance(10 * SECOND)), "three values are decided");
            }
            if has_all(&w) {
                break;
            }
            points += 1;
            holds(w.crash(0));
            if at % 2 == 1 {
                lose(&mut w, chance.place(3));
            }
            let point = format!("seed {seed}, point {at}");
            let value = w.give(1, "from the other one");
            w.until(60 * SECOND, &point, |w| w.all_have(&[value]));
            holds(w.start(0));
            // What it was given may have died with it before it was stored.
            values.retain(|v| w.accepted().any(|accepted| accepted == *v));
            w.until(60 * SECOND, &point, |w| w.all_have(&values));
        }
    }
    assert!(
        points > 60,
        "{points} points are not the whole of two phases"
    );
}
