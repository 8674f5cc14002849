//! What differs from protocol to protocol.

use super::{answer, fixture, fixture_of};
use crate::Config;
use crate::config::Mode;
use crate::engine::Submitted;
use crate::testing;
use consensus::{Ballot, DiskStatus, Slot, Status};
use serde_json::json;

#[tokio::test]
async fn only_signed_messages_make_certificates() {
    for mode in [Mode::Paxos, Mode::DiskPaxos] {
        let config = Config {
            mode,
            ..testing::config("")
        };
        let f = fixture_of(&config, 64).await;
        let (status, problem) = answer(f.get("/v1/decisions/alice/0/certificate")).await;
        assert_eq!(status, 404);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(mode.name()), "{detail}");
        let mut f = fixture_of(&config, 64).await;
        f.engine(Submitted::Accepted, true);
        let (status, decided) = answer(f.post("?wait=alice").body("v")).await;
        assert_eq!(
            (status, decided.get("certificate")),
            (200, None),
            "nothing is promised"
        );
    }
}

#[tokio::test]
async fn disks_are_shown_by_name_where_there_are_any() {
    let f = fixture("").await;
    f.view.set_status(Status::default());
    assert_eq!(answer(f.get("/v1/status")).await.1.get("disks"), None);
    let gone = DiskStatus {
        problem: "gone".into(),
        mbal: Ballot(3),
        logged: Slot(2),
        ..DiskStatus::default()
    };
    let well = DiskStatus {
        up: true,
        busy: true,
        operations: 7,
        ..DiskStatus::default()
    };
    f.view.set_status(Status {
        disks: vec![gone, well],
        ..Status::default()
    });
    let expected = json!([
        {"name": "a1", "up": false, "busy": false, "problem": "gone", "mbal": 3, "logged": 2, "operations": 0},
        {"name": "a2", "up": true, "busy": true, "problem": "", "mbal": 0, "logged": 0, "operations": 7},
    ]);
    assert_eq!(answer(f.get("/v1/status")).await.1["disks"], expected);
}
