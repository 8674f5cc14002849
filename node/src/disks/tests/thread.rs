//! The thread of a disk.

use super::*;
use consensus::disk_paxos::{Action, Event, Operation, Report};
use learner_graph::AcceptorId;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const AT_ONCE: Pauses = Pauses {
    first: Duration::ZERO,
    longest: Duration::ZERO,
};
/// Longer than any test waits.
const FOREVER: Pauses = Pauses {
    first: Duration::from_secs(3600),
    longest: Duration::from_secs(3600),
};

fn start(formatted: &Formatted, pauses: Pauses) -> (DiskThread, Receiver<Event>) {
    let (send, events) = channel();
    let disk = formatted.disk.clone();
    let open = move || open(&disk, &system(), &me(1));
    let report = move |event| drop(send.send(event));
    let thread = DiskThread::start(AcceptorId(4), "d1", pauses, open, report).unwrap();
    (thread, events)
}

fn next(events: &Receiver<Event>) -> Report {
    let event = events.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(event.disk, AcceptorId(4));
    event.report
}

fn failed(events: &Receiver<Event>) -> String {
    match next(events) {
        Report::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

fn write(mbal: u64, log: Vec<LogRecord>) -> Action {
    let block = Arc::new(block(mbal, 0));
    Action::Write { log, block }
}

#[test]
fn it_opens_and_does_what_it_is_told() {
    let formatted = formatted();
    formatted.open(2).disk.write_block(&block(7, 0)).unwrap();
    let (thread, events) = start(&formatted, FOREVER);
    let (own, logged) = (Block::default(), Slot(0));
    assert_eq!(next(&events), Report::Opened { own, logged });
    let others = vec![(id(2), Arc::new(block(7, 0)))];
    thread.send(write(1, records(0..2, 0)));
    assert_eq!(next(&events), Report::Blocks(others.clone()));
    thread.send(Action::Append(records(2..3, 0)));
    assert_eq!(next(&events), Report::Appended);
    thread.send(Action::Read);
    assert_eq!(next(&events), Report::Blocks(others));
    let (of, from, max_bytes) = (id(1), Slot(1), 1000);
    thread.send(Action::ReadLog {
        of,
        from,
        max_bytes,
    });
    let records = records(1..3, 0);
    assert_eq!(next(&events), Report::Log { of, records });
    thread.stop();
    // All files are closed: another one can open it at once.
    let opened = formatted.open(1);
    assert_eq!((opened.own, opened.logged), (block(1, 0), Slot(3)));
}

#[test]
fn it_opens_again_what_has_failed() {
    let formatted = formatted();
    let away = formatted.directory.path().join("away");
    let (thread, events) = start(&formatted, AT_ONCE);
    assert!(matches!(next(&events), Report::Opened { .. }));
    thread.send(write(1, Vec::new()));
    assert_eq!(next(&events), Report::Blocks(Vec::new()));
    fs::rename(formatted.path(), &away).unwrap();
    thread.send(write(2, Vec::new()));
    assert!(failed(&events).contains("was removed"));
    assert!(failed(&events).contains("is not there"));
    fs::rename(&away, formatted.path()).unwrap();
    let reopened = loop {
        match next(&events) {
            Report::Failed(why) => assert!(why.contains("is not there"), "{why}"),
            other => break other,
        }
    };
    let (own, logged) = (block(1, 0), Slot(0));
    assert_eq!(reopened, Report::Opened { own, logged });
    thread.stop();
}

#[test]
fn while_it_pauses_everything_fails_and_stopping_is_prompt() {
    let formatted = formatted();
    fs::remove_file(formatted.path()).unwrap();
    let (thread, events) = start(&formatted, FOREVER);
    assert!(failed(&events).contains("is not there"));
    for _ in 0..2 {
        thread.send(Action::Read);
        assert!(failed(&events).contains("is not there"));
    }
    thread.stop();
    assert!(events.recv().is_err());
}

#[test]
fn a_processor_that_runs_elsewhere_is_not_contended_with() {
    let (send, events) = channel();
    let mut openings = 0;
    let open = move || {
        openings += 1;
        assert_eq!(openings, 1);
        let place = "disk".to_owned();
        let processor = id(1);
        Err(DiskError::Superseded { place, processor })
    };
    let report = move |event| drop(send.send(event));
    let thread = DiskThread::start(AcceptorId(4), "d1", AT_ONCE, open, report).unwrap();
    for _ in 0..3 {
        assert!(failed(&events).contains("another incarnation"));
        thread.send(Action::Read);
    }
    assert!(failed(&events).contains("another incarnation"));
    thread.stop();
}

#[test]
fn all_disks_of_a_configuration_are_driven_by_their_numbers() {
    let formatted = [formatted(), formatted()];
    let config = DisksConfig {
        system: system(),
        disks: formatted.iter().map(|f| f.disk.clone()).collect(),
    };
    let (send, events) = channel();
    let disks = Disks::start(&config, &me(1), move |e| drop(send.send(e))).unwrap();
    let mut opened: Vec<_> = (0..2).map(|_| events.recv().unwrap().disk).collect();
    opened.sort();
    assert_eq!(opened, [AcceptorId(0), AcceptorId(1)]);
    let (disk, action) = (AcceptorId(1), write(5, Vec::new()));
    disks.send(Operation { disk, action });
    let report = Report::Blocks(Vec::new());
    assert_eq!(events.recv().unwrap(), Event { disk, report });
    disks.stop();
    assert_eq!(formatted[0].open(1).own, Block::default());
    assert_eq!(formatted[1].open(1).own, block(5, 0));
}
