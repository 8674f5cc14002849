//! A log that relies on a history which is not there is refused.

use super::played::{Played, Stage, decision, gone};
use super::*;
use consensus::Page;
use consensus::history::{History as _, Keep};

fn page() -> Page {
    Page::of(Slot(0), 4)
}

/// The history has these many decisions of each lane.
fn decided(lanes: [u64; 2]) -> Stage {
    let stage = Stage::new();
    for (lane, slots) in (0..).zip(lanes) {
        for slot in 0..slots {
            stage.history.keep(decision(lane, slot));
        }
    }
    stage.history.commit().expect("it is durable");
    stage
}

/// A node that ends at once if its log is accepted.
fn replay(stage: Stage, record: RecordOf<Played>) -> Result<(), EngineError> {
    stage.engine.send(Event::Stop).expect("there is room");
    stage.run(Played::new(|_| Vec::new()), &[record]).0
}

#[test]
fn a_log_that_relies_on_a_lost_page_is_refused() {
    for lanes in [[0, 0], [3, 3], [3, 4], [4, 3]] {
        let ended = replay(decided(lanes), Record::Frozen(page()));
        assert_eq!(ended, Err(EngineError::PageLost(page())), "{lanes:?}");
    }
    let stage = decided([0, 0]);
    stage.history.keep(Keep::Page {
        page: Page::of(Slot(4), 4),
        messages: vec![1],
        batches: vec![],
    });
    stage.history.commit().expect("it is durable");
    let ended = replay(stage, Record::Frozen(page()));
    assert_eq!(ended, Err(EngineError::PageLost(page())), "another is here");
}

#[test]
fn a_page_that_is_here_or_that_every_lane_has_passed_is_not_lost() {
    assert_eq!(replay(decided([4, 4]), Record::Frozen(page())), Ok(()));
    assert_eq!(replay(decided([9, 4]), Record::Frozen(page())), Ok(()));
    let stage = decided([3, 9]);
    stage.history.keep(Keep::Page {
        page: page(),
        messages: vec![],
        batches: vec![],
    });
    stage.history.commit().expect("it is durable");
    assert_eq!(replay(stage, Record::Frozen(page())), Ok(()));
}

#[test]
fn a_log_that_relies_on_lost_decisions_is_refused() {
    let mark = || Record::LowWater(Slot(4));
    assert_eq!(replay(decided([4, 9]), mark()), Ok(()));
    for (lanes, lane) in [([3, 4], 0), ([4, 3], 1)] {
        let lost = EngineError::HistoryLost {
            low_water: 4,
            lane,
            next: 3,
        };
        assert_eq!(replay(decided(lanes), mark()), Err(lost));
    }
}

#[test]
fn a_history_that_fails_is_not_taken_for_a_lost_one() {
    for record in [Record::Frozen(page()), Record::LowWater(Slot(4))] {
        let stage = decided([9, 9]);
        stage.history.fail(&gone());
        assert_eq!(replay(stage, record), Err(EngineError::Storage(gone())));
    }
}
