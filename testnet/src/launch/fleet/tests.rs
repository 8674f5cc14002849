use super::*;

fn sleeper(dir: &std::path::Path) -> NodeCommand {
    NodeCommand {
        name: "n1".into(),
        program: "sleep".into(),
        args: vec!["1000".into()],
        log: dir.join("log"),
    }
}

fn exists(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime")
}

#[test]
fn a_panic_leaves_no_process_behind() {
    let dir = tempfile::tempdir().expect("dir");
    let pid = std::sync::Mutex::new(0);
    let outcome = std::panic::catch_unwind(|| {
        runtime().block_on(async {
            let node = NodeProcess::start(&sleeper(dir.path())).expect("sleep exists");
            *pid.lock().expect("unpoisoned") = node.pid();
            assert!(exists(node.pid()));
            let _fleet = Fleet { nodes: vec![node] };
            std::panic::resume_unwind(Box::new("boom"));
        });
    });
    assert!(outcome.is_err());
    assert!(!exists(*pid.lock().expect("unpoisoned")));
}

#[test]
fn a_killed_node_is_noticed_and_told_apart() {
    let dir = tempfile::tempdir().expect("dir");
    runtime().block_on(async {
        let first = NodeProcess::start(&sleeper(dir.path())).expect("sleep exists");
        let second = NodeProcess::start(&sleeper(dir.path())).expect("sleep exists");
        let pid = first.pid();
        let mut fleet = Fleet {
            nodes: vec![first, second],
        };
        fleet.nodes[1].signal(Signal::KILL);
        assert_eq!(fleet.next_exit().await, (1, "killed".to_owned()));
        assert_eq!(fleet.living(), [0]);
        fleet.stop().await;
        assert!(fleet.living().is_empty());
        assert!(!exists(pid));
    });
}

#[test]
fn a_node_that_ends_early_shows_its_log() {
    let dir = tempfile::tempdir().expect("dir");
    let command = NodeCommand {
        name: "n7".into(),
        program: "sh".into(),
        args: vec!["-c".into(), "echo oh no >&2; exit 3".into()],
        log: dir.path().join("log"),
    };
    let error = runtime()
        .block_on(async {
            NodeProcess::start(&command)
                .expect("sh exists")
                .ready()
                .await
        })
        .expect_err("never ready");
    let text = error.to_string();
    assert!(
        text.contains("n7") && text.contains("exit code 3") && text.contains("oh no"),
        "{text}"
    );
}
