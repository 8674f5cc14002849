//! `hpaxos submit` with values from everywhere, `hpaxos watch --once`, and what shells and `man` are told.

use crate::fixture::TestNet;
use serde_json::Value;
use std::process::Output;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn ids(output: &Output) -> Vec<&str> {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    text(&output.stdout).lines().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_from_arguments_lines_and_whole_files() {
    let mut net = TestNet::new(|_| String::new());
    net.start_all().await;
    let url = net.address("n1");
    let lines: Vec<String> = (0..40).map(|n| format!("line {n}\n")).collect();
    std::fs::write(net.path("lines"), lines.concat()).expect("written");
    std::fs::write(net.path("whole"), "one\ntwo\n").expect("written");
    let submit = ["submit", "--node", &url];
    let sources = ["--file", "lines", "--raw", "whole"];
    let first = net
        .run(&[&submit[..], &sources, &["--in-flight", "8"]].concat())
        .await;
    let first = ids(&first);
    assert_eq!(first.len(), 41);
    let argument = net.run(&[&submit[..], &["argument"]].concat()).await;
    assert_eq!(ids(&argument).len(), 1);
    // Told in their order, however they were decided: submitted one by one they have the same ids.
    let again = net.run(&[&submit[..], &sources].concat()).await;
    assert_eq!(ids(&again), first);
    let mut decided = net.delivered_all("n1", "alice", 42).await;
    decided.sort_unstable();
    let mut expected: Vec<String> = lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect();
    expected.extend(["argument".to_owned(), "one\ntwo\n".to_owned()]);
    expected.sort_unstable();
    assert_eq!(decided, expected, "each once");
    for wrong in [
        &["--key", "k", "--file", "lines"][..],
        &[],
        &["x", "--in-flight", "0"],
        &["--file", "lines", "x"],
        &["x", "--raw", "whole"],
    ] {
        let refused = net.run(&[&submit[..], wrong].concat()).await;
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    }
    let missing = net.run(&[&submit[..], &["--file", "none"]].concat()).await;
    assert_eq!(missing.status.code(), Some(3), "{missing:?}");
    assert!(
        text(&missing.stderr).contains("cannot read none"),
        "{missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_several_nodes_is_for_people_and_for_programs() {
    let mut net = TestNet::new(|_| String::new());
    net.start_all().await;
    net.submit("n1", "first light", "alice").await;
    net.delivered_all("n2", "bob", 1).await;
    let (one, two) = (net.address("n1"), net.address("n2"));
    // Nobody listens there.
    let gone = "http://127.0.0.1:1";
    let watch = ["watch", "--node", &one, "--node", &two, "--node", gone];
    let shown = net.run(&[&watch[..], &["--once"]].concat()).await;
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    let shown = text(&shown.stdout);
    for words in [
        "network test (",
        "alice and bob: entangled",
        "first light",
        "  n2  ",
        "gone: cannot reach",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let json = net.run(&[&watch[..], &["--once", "--json"]].concat()).await;
    let json: Value = serde_json::from_str(text(&json.stdout)).expect("one object");
    assert_eq!(
        (&json["mode"], &json["broken"]),
        (&"hpaxos".into(), &false.into())
    );
    let phases: Vec<&Value> = (0..3).map(|at| &json["nodes"][at]["phase"]).collect();
    assert_eq!(phases, ["ready", "ready", "gone"]);
    assert_eq!(json["latest"]["bob"][0]["words"], "first light");
    let nobody = net.run(&["watch", "--node", gone, "--once"]).await;
    assert_eq!(nobody.status.code(), Some(3), "{nobody:?}");
    let no_terminal = net.run(&watch).await;
    assert_eq!(no_terminal.status.code(), Some(2), "{no_terminal:?}");
    assert!(
        text(&no_terminal.stderr).contains("--once"),
        "{no_terminal:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_and_man_know_every_command() {
    let net = TestNet::new(|_| String::new());
    for shell in ["bash", "zsh", "fish"] {
        let script = net.run(&["completions", shell]).await;
        assert_eq!(script.status.code(), Some(0), "{script:?}");
        assert!(text(&script.stdout).contains("in-flight"), "{shell}");
    }
    let man = net.run(&["man", "--out", "man1"]).await;
    assert_eq!(man.status.code(), Some(0), "{man:?}");
    for page in ["hpaxos.1", "hpaxos-watch.1", "hpaxos-decision-verify.1"] {
        assert!(net.path("man1").join(page).exists(), "{page}");
    }
}
