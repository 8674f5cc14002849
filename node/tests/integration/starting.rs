//! What keeps a node from starting.

use crate::fixture::{TestNet, new_key};
use node::storage::LogError;
use node::{DirectoryError, NetworkStartError, StartError};
use std::net::TcpListener;

fn net() -> TestNet {
    TestNet::new(|_| String::new())
}

async fn refusal(net: &TestNet, name: &str) -> StartError {
    match net.try_start(name).await {
        Ok(_) => panic!("it must not start"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn an_unknown_name() {
    let error = refusal(&net(), "n9").await;
    assert!(error.to_string().contains("n1, n2, n3, n4"), "{error}");
}

#[tokio::test]
async fn another_key() {
    let net = net();
    std::fs::copy(net.path("n2.key"), net.path("n1.key")).expect("copied");
    let error = refusal(&net, "n1").await;
    assert!(
        matches!(&error, StartError::KeyMismatch { owner, .. } if owner.contains("n2")),
        "{error}"
    );
    std::fs::remove_file(net.path("n1.key")).expect("removed");
    new_key(&net.dir, "n1");
    let error = refusal(&net, "n1").await;
    assert!(
        matches!(&error, StartError::KeyMismatch { owner, .. } if owner.is_empty()),
        "{error}"
    );
    std::fs::remove_file(net.path("n1.key")).expect("removed");
    let error = refusal(&net, "n1").await;
    assert!(matches!(&error, StartError::NoKey { .. }), "{error}");
    assert!(
        error.to_string().contains("hpaxos keygen --out "),
        "{error}"
    );
    std::fs::write(net.path("n1.key"), "no key").expect("written");
    assert!(matches!(refusal(&net, "n1").await, StartError::Key(_)));
}

#[tokio::test]
async fn a_port_in_use() {
    let net = net();
    let address = net.config.node("n1").expect("n1").address.to_string();
    let port = address.rsplit('/').next().expect("a port");
    let _taken = TcpListener::bind(format!("127.0.0.1:{port}")).expect("free");
    let error = refusal(&net, "n1").await;
    assert!(
        matches!(
            &error,
            StartError::Network(NetworkStartError::Listen {
                field: "address",
                ..
            })
        ),
        "{error}"
    );
    assert!(error.to_string().contains(&address), "{error}");
}

#[tokio::test]
async fn an_http_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("free");
    let address = taken.local_addr().expect("bound").to_string();
    let net = net();
    let net = TestNet::of(net.dir, net.text.replacen("127.0.0.1:0", &address, 1));
    let error = refusal(&net, "n1").await;
    assert!(matches!(&error, StartError::Http { .. }), "{error}");
    assert!(error.to_string().contains(&address), "{error}");
}

#[tokio::test]
async fn a_data_directory_in_use_or_of_another_network() {
    let mut net = net();
    net.start("n1").await;
    let error = refusal(&net, "n1").await;
    assert!(
        matches!(&error, StartError::Storage(LogError::InUse(_))),
        "{error}"
    );
    net.stop("n1").await;
    let other = TestNet::of(net.dir, net.text.replace("\"test\"", "\"other\""));
    let error = refusal(&other, "n1").await;
    assert!(
        matches!(&error, StartError::Storage(LogError::OtherNetwork { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn the_data_directory_of_another_node() {
    let mut net = net();
    net.start_all().await;
    net.submit("n2", "promised", "alice").await;
    for node in ["n1", "n2", "n3", "n4"] {
        net.stop(node).await;
    }
    std::fs::rename(net.path("n1"), net.path("kept")).expect("renamed");
    std::fs::rename(net.path("n2"), net.path("n1")).expect("renamed");
    let error = refusal(&net, "n1").await;
    assert!(
        matches!(
            &error,
            StartError::Directory(DirectoryError::OtherNode { owner, .. }) if owner.contains("'n2'")
        ),
        "{error}"
    );
    // Nothing says whose it is, and the log has records.
    let owner = net.path("n1").join("node.toml");
    let text = std::fs::read_to_string(&owner).expect("written");
    std::fs::remove_file(&owner).expect("removed");
    let error = refusal(&net, "n1").await;
    assert!(
        matches!(
            &error,
            StartError::Directory(DirectoryError::Unbound { .. })
        ),
        "{error}"
    );
    std::fs::write(&owner, text).expect("written");
    std::fs::rename(net.path("n1"), net.path("n2")).expect("renamed");
    net.start("n2").await;
}
