//! A defect that ends the thread which writes: whoever waits for it is told, and nobody waits for ever.

use super::faulty::Control;
use super::*;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// A message; the thread that writes panics when it lets go of one that is bad.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fragile {
    bad: bool,
    bytes: Vec<u8>,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        let here = std::thread::current();
        assert!(!self.bad || here.name() != Some("history"), "it is bad");
    }
}

type Fragiles = Arc<HistoryFile<Fragile>>;

fn open(path: &Path) -> (Fragiles, Control) {
    let control = Control::default();
    let through = control.clone();
    let size = |message: &Fragile| 16 + message.bytes.len();
    let history =
        HistoryFile::open_through(path, network(), LANES, size, SMALL, |f| through.around(f));
    (Arc::new(history.unwrap()), control)
}

/// A page of more bytes than a group has.
fn large(start: u64, bad: bool) -> Keep<Fragile> {
    Keep::Page {
        page: page(start),
        messages: vec![Fragile {
            bad,
            bytes: vec![1; SMALL.group],
        }],
        batches: vec![],
    }
}

/// Runs something that may wait for ever, and must not.
fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, waits) = channel();
    std::thread::spawn(move || {
        // The test may have given up.
        let _ = done.send(run());
    });
    waits
}

#[test]
fn nobody_waits_for_a_writer_that_has_panicked() {
    let directory = TempDir::new().unwrap();
    let (history, control) = open(&path(&directory));
    // The writer begins, and waits, with a group of its own; the rest is to be written later.
    control.close();
    history.keep(large(0, true));
    let pages = 2 * (SMALL.max_unwritten / SMALL.group) as u64;
    let keeper = Arc::clone(&history);
    let keeps = in_time(move || {
        for number in 1..pages {
            keeper.keep(large(8 * number, false));
            keeper.flush();
        }
        keeper.wait_for_room();
    });
    // One waits for room, and another one for everything to be durable.
    while history.unwritten() <= SMALL.max_unwritten {
        std::thread::yield_now();
    }
    let committer = Arc::clone(&history);
    let commits = in_time(move || committer.commit());
    while !history.shared().lock().hurry {
        std::thread::yield_now();
    }
    control.open();

    let error = commits.recv_timeout(DEADLINE).expect("it ends");
    let error = error.unwrap_err();
    assert!(error.0.contains("panicked"), "{error}");
    assert!(error.0.contains("history.redb"), "{error}");
    keeps.recv_timeout(DEADLINE).expect("it ends");
    assert_eq!(history.failed(), Some(error.clone()));
    // Whoever comes later waits neither, and it answers as if it were empty.
    let later = Arc::clone(&history);
    let later = in_time(move || {
        later.keep(large(0, false));
        later.flush();
        later.wait_for_room();
        (later.commit(), later.has_page(page(0)))
    });
    let (committed, has) = later.recv_timeout(DEADLINE).expect("it ends");
    assert_eq!((committed, has), (Err(error), false));
    // Closing it does not wait for ever, and what was written is sound.
    let closed = in_time(move || drop(history));
    closed.recv_timeout(DEADLINE).expect("it ends");
    let report =
        crate::history::check::<Fragile>(&path(&directory), network(), |_| Ok(())).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let (history, _) = open(&path(&directory));
    assert!(history.has_page(page(0)));
    assert!(!history.has_page(page(8)));
}
