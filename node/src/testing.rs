//! What several unit tests need.

use crate::Config;
use crate::alarm::{Alarm, Ended};
use crate::history::{Outcome, Shelf, Shown};
use crate::view::View;
use consensus::hpaxos::evidence::Certificate;
use consensus::hpaxos::{Message, SlotVotes, Votes};
use consensus::storage::StorageError;
use consensus::{Ballot, Batch, ClientValue, Slot};
use crypto::{Digest, Keypair, Signed, Signer};
use learner_graph::LearnerId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// A history that the test writes, of one lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    pub(crate) shown: Vec<Shown>,
    /// Where the node was when it started, if not at the end.
    pub(crate) next: Option<u64>,
    /// A slot that cannot be read.
    pub(crate) damaged: Option<u64>,
    /// How often a slot was read, with its values or without. Clones share it.
    pub(crate) reads: Arc<AtomicUsize>,
}

impl Books {
    /// A history of these decisions.
    pub(crate) fn of(shown: impl IntoIterator<Item = Shown>) -> Self {
        Books {
            shown: shown.into_iter().collect(),
            ..Books::default()
        }
    }
}

impl Shelf for Books {
    fn next(&self, _: LearnerId) -> Slot {
        Slot(self.next.unwrap_or(self.shown.len() as u64))
    }

    fn decisions(
        &self,
        _: LearnerId,
        from: Slot,
        limit: usize,
        _: usize,
    ) -> Result<Vec<Shown>, StorageError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let shown = self.shown.iter().filter(|shown| shown.slot >= from);
        Ok(shown.take(limit).cloned().collect())
    }

    fn find(&self, _: LearnerId, value: &Digest) -> Result<Option<Slot>, StorageError> {
        let has = |shown: &&Shown| shown.values.ids().contains(value);
        Ok(self.shown.iter().find(has).map(|shown| shown.slot))
    }

    fn may_find(&self, value: &Digest) -> bool {
        self.shown.iter().any(|s| s.values.ids().contains(value))
    }

    fn outcome(&self, _: LearnerId, slot: Slot) -> Result<Option<Outcome>, StorageError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.damaged == Some(slot.0) {
            return Err(StorageError("a row is damaged".to_owned()));
        }
        let found = self.shown.iter().find(|shown| shown.slot == slot);
        Ok(found.map(|shown| Outcome {
            ballot: shown.ballot,
            digest: shown.digest,
            quorum: shown.quorum,
        }))
    }

    fn unwritten(&self) -> usize {
        0
    }

    fn room(&self) -> Option<(u64, u64)> {
        Some((1000, 2000))
    }
}

/// The view of node n1, which has decided nothing.
pub(crate) fn view(config: &Config) -> View {
    let node = config.node("n1").expect("n1");
    View::new(config, node, 1, Arc::new(Books::default()))
}

/// The key of the node with this number.
pub(crate) fn keypair(node: u8) -> Keypair {
    Keypair::from_seed([node; 32])
}

/// Three nodes, two learners; node n1 plays learner `alice` only. `more` goes to the end of the file.
pub(crate) fn config(more: &str) -> Config {
    Config::parse(&text(more), "test.toml").expect("the fixture is a good configuration")
}

/// The text of [`config`].
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

/// A batch of these values.
pub(crate) fn batch(values: &[&[u8]]) -> Batch {
    let value = |bytes: &&[u8]| ClientValue::new(Vec::new(), bytes.to_vec()).expect("small");
    Batch {
        values: values.iter().map(value).collect(),
    }
}

/// A learner's certificate, in ballot 1, with the signed 2b of these nodes of [`config`].
pub(crate) fn certificate(
    config: &Config,
    learner: LearnerId,
    slot: u64,
    batch: &Batch,
    nodes: &[u8],
) -> Certificate {
    let slot = Slot(slot);
    let (ballot, value) = (Ballot(1), batch.digest());
    let votes = SlotVotes {
        slot,
        two_av: None,
        two_b: Some((value, [learner].into_iter().collect())),
    };
    let votes = Message::Votes(Votes {
        ballot,
        slots: vec![votes],
    });
    let two_b = nodes.iter().map(|n| signed(config, *n, votes.clone()));
    let two_b = two_b.collect();
    Certificate {
        learner,
        slot,
        ballot,
        value,
        two_b,
    }
}

/// What the node with this number of [`config`] signs.
pub(crate) fn signed(config: &Config, node: u8, message: Message) -> Signed<Message> {
    let member = config.network.member_named(&format!("n{node}"));
    let member = member.expect("a node of the fixture");
    let signer = Signer::new(keypair(node), member, config.network.id());
    let signed = signer.sign(message).expect("small");
    signed.signed().clone()
}

/// Serves these routes, and says where.
pub(crate) async fn served(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// An alarm, and what it says.
pub(crate) fn alarm() -> (Alarm, watch::Receiver<Ended>) {
    let (tell, ended) = watch::channel(None);
    (Alarm::new(Arc::new(tell)), ended)
}
