//! Networks that run Disk Paxos, on real files.

use crate::fixture::{TestNet, free_ports, new_key, until};
use node::Config;
use node::disks::{FormatOptions, format};

/// Two processors and three disks in files, formatted. Nodes find each other if they have `gossip`.
pub(crate) fn net(gossip: bool) -> TestNet {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut text = String::from("network = \"test\"\nmode = \"disk-paxos\"\n");
    for d in 1..=3 {
        let path = dir.path().join(format!("d{d}"));
        text.push_str(&format!("[disks.d{d}]\npath = \"{}\"\n", path.display()));
    }
    // Who may not find the others looks for them where nobody listens.
    let ports = free_ports(4);
    for i in 1..=2 {
        let key = new_key(&dir, &format!("n{i}"));
        let (listen, address) = (ports[i - 1], ports[if gossip { i - 1 } else { i + 1 }]);
        text.push_str(&format!(
            "[nodes.n{i}]\nkey = \"{key}\"\nprocessor = {i}\n\
             address = \"/ip4/127.0.0.1/tcp/{address}\"\n\
             listen = \"/ip4/127.0.0.1/tcp/{listen}\"\nhttp = \"127.0.0.1:0\"\n"
        ));
    }
    text.push_str("[limits]\npatience_ms = 300\nsync_ms = 50\nredial_max_ms = 500\n");
    let net = TestNet::of(dir, text);
    let disks = net.config.disks.as_ref().expect("disks");
    for disk in &disks.disks {
        format(disk, &disks.system, &FormatOptions::default()).expect("formatted");
    }
    net
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_and_a_disk_may_be_lost() {
    let mut net = net(true);
    net.start_all().await;
    net.submit("n1", "first", "n1").await;
    std::fs::rename(net.path("d2"), net.path("gone")).expect("renamed");
    net.submit("n2", "second", "n2").await;
    let status = until("the loss is seen", async || {
        let status = net.get("n1", "/v1/status").await;
        (status["disks"][1]["up"] == false).then_some(status)
    })
    .await;
    let problem = status["disks"][1]["problem"].as_str().expect("text");
    assert!(problem.contains("d2"), "{problem}");
    net.stop("n1").await;
    net.submit("n2", "third", "n2").await;
    assert_eq!(
        net.delivered("n2", "n2").await,
        ["first", "second", "third"]
    );
    // Both come back, and are brought up to date.
    std::fs::rename(net.path("gone"), net.path("d2")).expect("renamed");
    net.start("n1").await;
    assert_eq!(
        net.delivered_all("n1", "n1", 3).await,
        ["first", "second", "third"]
    );
    until("the disk is back", async || {
        let status = net.get("n2", "/v1/status").await;
        (status["disks"][1]["up"] == true).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_travels_over_the_disks_alone() {
    let mut net = net(false);
    net.start_all().await;
    net.submit("n1", "from n1", "n1").await;
    net.submit("n2", "from n2", "n2").await;
    for node in ["n1", "n2"] {
        let values = net.delivered_all(node, node, 2).await;
        assert_eq!(values, ["from n1", "from n2"], "{node}");
        let peers = &net.get(node, "/v1/status").await["peers"];
        assert_eq!(peers["connected"], 0, "{peers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disks_alone_remember() {
    let mut net = net(true);
    net.start_all().await;
    net.submit("n1", "first", "n1").await;
    net.submit("n2", "second", "n2").await;
    for node in ["n1", "n2"] {
        net.stop(node).await;
        std::fs::remove_dir_all(net.path(node)).expect("its data");
    }
    net.start("n2").await;
    assert_eq!(net.delivered_all("n2", "n2", 2).await, ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_joins_later() {
    let mut net = net(true);
    net.start("n1").await;
    net.submit("n1", "before", "n1").await;
    let key = new_key(&net.dir, "n3");
    let port = free_ports(1)[0];
    let text = format!(
        "{}[nodes.n3]\nkey = \"{key}\"\nprocessor = 3\n\
         address = \"/ip4/127.0.0.1/tcp/{port}\"\nhttp = \"127.0.0.1:0\"\n",
        net.text
    );
    // The others do not know of it yet: it has the disks.
    net.config = Config::parse(&text, "net.toml").expect("a good configuration");
    net.start("n3").await;
    assert_eq!(net.delivered_all("n3", "n3", 1).await, ["before"]);
    net.submit("n3", "after", "n3").await;
    assert_eq!(net.delivered_all("n1", "n1", 2).await, ["before", "after"]);
    // With the new file the others go on where they were.
    net.stop("n1").await;
    net.start("n1").await;
    net.submit("n1", "again", "n1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_not_formatted_is_named() {
    let mut net = net(true);
    std::fs::remove_file(net.path("d1")).expect("removed");
    net.start("n1").await;
    net.submit("n1", "first", "n1").await;
    let status = net.get("n1", "/v1/status").await;
    let disk = &status["disks"][0];
    let problem = disk["problem"].as_str().expect("text");
    assert!(disk["up"] == false && problem.contains("'d1'"), "{disk}");
}
