//! What several unit tests need.

use crate::Config;
use crypto::Keypair;

/// The key of the node with this number.
pub(crate) fn keypair(node: u8) -> Keypair {
    Keypair::from_seed([node; 32])
}

/// Three nodes, two learners; node n1 plays learner `alice` only. `more` goes to the end of the file.
pub(crate) fn config(more: &str) -> Config {
    let mut text = String::from(
        r#"
network = "test"
acceptors = ["a1", "a2", "a3"]
[learners]
alice = { threshold = 2, of = ["a1", "a2", "a3"] }
bob = { threshold = 2, of = ["a1", "a2", "a3"] }
[[safe]]
between = ["alice", "bob"]
when = { threshold = 3, of = ["a1", "a2", "a3"] }
"#,
    );
    for i in 1..=3 {
        let key = keypair(i).public();
        text.push_str(&format!(
            "[nodes.n{i}]\nkey = \"{key}\"\nacceptor = \"a{i}\"\nproposer = true\n\
             learners = [\"alice\"]\naddress = \"/ip4/127.0.0.1/tcp/{i}\"\n"
        ));
    }
    text.push_str(more);
    Config::parse(&text, "test.toml").expect("the fixture is a good configuration")
}
