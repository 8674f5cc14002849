//! What several unit tests need.

use crate::Config;
use crate::history::{Shelf, Shown};
use crate::view::View;
use consensus::Slot;
use consensus::storage::StorageError;
use crypto::{Digest, Keypair};
use learner_graph::LearnerId;

/// A history that the test writes, of one lane.
#[derive(Debug, Default)]
pub(crate) struct Books(pub(crate) Vec<Shown>);

impl Shelf for Books {
    fn next(&self, _: LearnerId) -> Slot {
        Slot(self.0.len() as u64)
    }

    fn decisions(
        &self,
        _: LearnerId,
        from: Slot,
        limit: usize,
        _: usize,
    ) -> Result<Vec<Shown>, StorageError> {
        let shown = self.0.iter().filter(|shown| shown.slot >= from);
        Ok(shown.take(limit).cloned().collect())
    }

    fn find(&self, _: LearnerId, value: &Digest) -> Result<Option<Slot>, StorageError> {
        let has = |shown: &&Shown| shown.values.iter().any(|(id, _)| id == value);
        Ok(self.0.iter().find(has).map(|shown| shown.slot))
    }
}

/// The view of node n1, which has decided nothing.
pub(crate) fn view(config: &Config) -> View {
    let node = config.node("n1").expect("n1");
    View::new(config, node, 1, std::sync::Arc::new(Books::default()))
}

/// The key of the node with this number.
pub(crate) fn keypair(node: u8) -> Keypair {
    Keypair::from_seed([node; 32])
}

/// Three nodes, two learners; node n1 plays learner `alice` only. `more` goes to the end of the file.
pub(crate) fn config(more: &str) -> Config {
    Config::parse(&text(more), "test.toml").expect("the fixture is a good configuration")
}

/// The text of that configuration.
pub(crate) fn text(more: &str) -> String {
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
    text
}
