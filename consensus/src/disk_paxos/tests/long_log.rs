//! A log that is long: what is in memory does not grow with it, and what has left memory is found again.

use super::*;
use crate::history::History;

const SLOTS: u64 = 300;
const RECENT: u64 = 4;

fn record(slot: u64) -> LogRecord {
    LogRecord {
        slot: Slot(slot),
        ballot: Ballot(1),
        value: batch(&format!("v{slot}")),
    }
}

/// Two of three disks, on which everything is done at once. The third does not answer.
fn decided(history: &Arc<MemoryHistory<Decided>>) -> Alone {
    let mut a = Alone::with(Arc::clone(history), RECENT);
    decide(&mut a, SLOTS, |slot| format!("v{slot}"));
    a
}

fn decide(a: &mut Alone, slots: u64, text: impl Fn(u64) -> String) {
    for d in [0, 1] {
        a.opened(d, Block::default(), 0);
        a.done(d, &[Block::default()]);
    }
    for slot in 0..slots {
        a.submit(&text(slot));
        while a.decided.len() as u64 <= slot || !a.asked.is_empty() {
            let busy: Vec<u16> = a.asked.keys().copied().collect();
            busy.into_iter()
                .for_each(|d| a.done(d, &[Block::default()]));
        }
    }
}

fn in_memory(engine: &DiskPaxos) -> Vec<usize> {
    vec![
        engine.decided.len(),
        engine.pipeline.proposed().count(),
        engine.pipeline.carried(),
        engine.batches.kept().count(),
        engine.batches.wanted().len(),
        engine.waiting.len(),
        engine.waiting.known(),
        engine.synod.tried(),
    ]
}

#[test]
fn memory_does_not_grow_with_the_log() {
    let a = decided(&Arc::default());
    let sizes = in_memory(&a.engine);
    assert!(sizes.iter().all(|n| *n <= 3 * RECENT as usize), "{sizes:?}");
    assert!(a.engine.remembered() >= Slot(SLOTS - 2 * RECENT));
    assert_eq!(a.engine.checkpoint(), []);
}

#[test]
fn few_large_slots_leave_memory_as_well() {
    let mut a = Alone::with(Arc::default(), 1000);
    decide(&mut a, 40, |slot| {
        char::from(b'0' + slot as u8).to_string().repeat(512 << 10)
    });
    assert_eq!(a.decided.len(), 40);
    let kept = a.engine.batches.kept().count();
    assert!(kept <= 8, "{kept} of 512 KiB");
}

#[test]
fn a_disk_that_comes_late_gets_the_whole_log() {
    let mut a = decided(&Arc::default());
    a.opened(2, Block::default(), 0);
    let mut logged = Vec::new();
    let floor = loop {
        match a.asked.get(&2).cloned() {
            Some(Action::Append(records)) => {
                logged.extend(records);
                a.asked.remove(&2);
                a.report(2, Report::Appended);
            }
            Some(Action::Write { log, block }) => {
                logged.extend(log);
                break block.floor;
            }
            other => panic!("no write, but {other:?}"),
        }
    };
    let expected: Vec<LogRecord> = (0..floor.0).map(record).collect();
    assert!(floor > Slot(SLOTS / 2));
    assert_eq!(logged, expected);
}

#[test]
fn a_restart_begins_where_the_history_ends() {
    let history = Arc::default();
    let before = decided(&history);
    history.flush();
    let own = before.engine.dblock().expect("in a ballot").clone();
    let logged = own.floor;
    let mut a = Alone::with(Arc::clone(&history), RECENT);
    // Another one went on meanwhile.
    let end = SLOTS + 2;
    let theirs = block(2, end, &[]);
    for d in [0, 1] {
        a.opened(d, Block::clone(&own), logged.0);
        a.done(d, std::slice::from_ref(&theirs));
    }
    let reads = a
        .asked
        .values()
        .find(|action| matches!(action, Action::ReadLog { .. }));
    let from = |action: &Action| match action {
        Action::ReadLog { from, .. } => Some(*from),
        _ => None,
    };
    assert_eq!(reads.and_then(from), Some(Slot(SLOTS)));
    assert_eq!(a.decided, [], "nothing is delivered again");
    let disk = *a
        .asked
        .iter()
        .find(|(_, action)| from(action).is_some())
        .expect("a log is read")
        .0;
    a.asked.remove(&disk);
    let records = (SLOTS..end).map(record).collect();
    a.report(disk, Report::Log { of: p(2), records });
    assert_eq!(a.decided.len(), 2);
    assert_eq!(history.next(LearnerId(0)), Slot(end));
}

#[test]
fn what_gossip_tells_of_long_ago_is_no_news_unless_it_is_another_value() {
    let mut a = decided(&Arc::default());
    let vote = |value| Vote {
        slot: Slot(7),
        ballot: Ballot(1),
        value: batch(value).digest(),
    };
    let told = |value| {
        Input::Message(Decided {
            votes: vec![vote(value)],
        })
    };
    let forks = |a: &mut Alone, value| {
        a.now += Duration::from_millis(1);
        let out = a.engine.step(a.now, vec![told(value)]);
        assert!(!out.iter().any(|o| matches!(o, Output::Fetch(_))));
        out.iter().filter(|o| matches!(o, Output::Fork(_))).count()
    };
    assert_eq!(forks(&mut a, "v7"), 0);
    assert_eq!(forks(&mut a, "another"), 1);
    assert!(in_memory(&a.engine)[0] <= 3 * RECENT as usize);
}

#[test]
fn a_value_of_long_ago_is_delivered_once_for_ever() {
    let mut a = decided(&Arc::default());
    a.submit("v3");
    assert_eq!(a.engine.waiting.len(), 0);
    let again = Arc::new(Batch {
        values: ["v5", "new"]
            .map(|v| batch(v).values[0].clone())
            .to_vec()
            .into(),
    });
    let vote = Vote {
        slot: Slot(SLOTS),
        ballot: Ballot(2),
        value: again.digest(),
    };
    let told = Input::Message(Decided { votes: vec![vote] });
    let bytes = Input::Batch(Batch::clone(&again));
    let out = a.engine.step(a.now, vec![told, bytes]);
    let delivered = out.iter().find_map(|o| match o {
        Output::Decided(d) => Some(d.values.clone()),
        _ => None,
    });
    assert_eq!(delivered, Some(batch("new").values.clone().into()));
}
