//! What a running node knows of who lies: the evidence that it has.

use super::super::client::{block_on, node};
use super::super::{Exit, complain, fail, printable};
use super::source::{Content, Source};
use crate::Config;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::hpaxos::evidence::Evidence;
use crypto::codec;
use hpaxos_client::{EvidenceList, Graph, Player, Status};
use learner_graph::{LearnerGraph, Suspicion};
use std::time::Duration;

/// How long the node may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a node says.
pub(super) struct Running {
    status: Status,
    graph: Graph,
    evidence: EvidenceList,
}

impl Running {
    /// Asks a node.
    pub(super) fn ask(url: &str) -> Result<Running, Exit> {
        let mut answer = None;
        let exit = block_on(async {
            let asked = async {
                let node = node(url, PATIENCE)?;
                Ok(Running {
                    status: node.status().await?,
                    graph: node.graph().await?,
                    evidence: node.evidence().await?,
                })
            };
            match asked.await {
                Ok(running) => {
                    answer = Some(running);
                    Exit::Done
                }
                Err(error) => super::super::client::Unanswered::fail(&error),
            }
        });
        answer.ok_or(exit)
    }

    /// The same by the numbers of a file's graph, by which it is told what it does not know.
    ///
    /// If the file is the configuration of the node's network, evidence is verified, and what is
    /// not proved is left out. A graph alone has no keys, and the node is taken at its word.
    pub(super) fn suspicion(&self, source: &Source) -> Result<Suspicion, Exit> {
        let Content::Graph(graph) = &source.content else {
            let why = "--node: nodes run on learner graphs, and this file is a list of nodes with quorum sets";
            return Err(fail(Exit::Usage, why));
        };
        let whole = Config::parse(&source.text, &source.name).ok();
        let its_own = |c: &&Config| c.network.id().to_string() == self.status.network_id;
        let config = whole.as_ref().filter(its_own);
        if graph.canonical() != self.graph.canonical {
            complain(
                "note: the node runs on another graph; acceptors and learners are matched by their names",
            );
        } else if whole.is_some() && config.is_none() {
            complain(
                "note: the node is of another network, which runs on the same graph; its evidence is not verified, for which its own configuration is needed",
            );
        } else if config.is_none() {
            complain(
                "note: the evidence is not verified, for which the network's whole configuration is needed",
            );
        }
        self.note_unheard();
        let mut known = Suspicion::default();
        for piece in &self.evidence.evidence {
            let bytes = STANDARD.decode(piece.evidence.trim()).ok();
            let evidence = bytes.and_then(|b| codec::decode::<Evidence>(&b, codec::LARGEST).ok());
            if let Some(config) = config {
                let verified = evidence
                    .as_ref()
                    .is_some_and(|e| e.verify(&config.network).is_ok());
                if !verified {
                    let words = printable(&piece.words);
                    complain(format!(
                        "note: evidence that proves nothing is left out: {words}"
                    ));
                    continue;
                }
            }
            if let Some(acceptor) = &piece.acceptor {
                self.caught(graph, acceptor, &mut known);
            }
            if let Some(Evidence::Disagreement { first, second }) = &evidence {
                let name = |l: u16| self.graph.learners.get(usize::from(l)).map(String::as_str);
                let learner = |l| name(l).and_then(|name| graph.learner(name));
                known
                    .disagreements
                    .extend(learner(first.learner.0).zip(learner(second.learner.0)));
            }
        }
        known.disagreements.sort_unstable();
        known.disagreements.dedup();
        Ok(known)
    }

    /// Who is not connected may be so for this node alone, and is not taken to have crashed.
    fn note_unheard(&self) {
        let unheard = |player: &&Player| {
            let node = player.node.as_ref();
            let peers = &self.status.peers;
            node.is_some_and(|node| {
                peers.by_name.get(node) == Some(&false) || peers.silent.contains(node)
            })
        };
        let unheard = self.graph.acceptors.iter().filter(unheard);
        let names: Vec<String> = unheard.map(|p| printable(&p.acceptor)).collect();
        if !names.is_empty() {
            let names = names.join(",");
            complain(format!(
                "note: the node does not hear these, which are not taken to have crashed: {names}; to suppose it add --crashed {names}"
            ));
        }
    }

    fn caught(&self, graph: &LearnerGraph, acceptor: &str, known: &mut Suspicion) {
        match graph.acceptor(acceptor) {
            Some(id) => {
                known.caught.insert(id);
            }
            None => {
                let acceptor = printable(acceptor);
                complain(format!(
                    "note: {acceptor} is caught, and is not in this graph"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use learner_graph::AcceptorSet;
    use std::path::Path;

    fn source(text: &str) -> Source {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("graph.toml");
        std::fs::write(&file, text).expect("written");
        match Source::read(Path::new(&file)) {
            Ok(source) => source,
            Err(_) => panic!("no graph"),
        }
    }

    fn running(network_id: &str, evidence: Vec<hpaxos_client::Evidence>) -> Running {
        let config = testing::config("");
        let graph = config.network.graph();
        Running {
            status: Status {
                network_id: network_id.to_owned(),
                ..Status::default()
            },
            graph: Graph {
                canonical: graph.canonical(),
                learners: vec!["alice".into(), "bob".into()],
                ..Graph::default()
            },
            evidence: EvidenceList {
                node: "n1".into(),
                evidence,
            },
        }
    }

    fn disagreement() -> hpaxos_client::Evidence {
        let config = testing::config("");
        let learner = |name| config.network.graph().learner(name).expect("a learner");
        let certificate = |name, value: &[u8]| {
            let batch = testing::batch(&[value]);
            testing::certificate(&config, learner(name), 4, &batch, &[1, 2])
        };
        let evidence = Evidence::Disagreement {
            first: certificate("alice", b"one"),
            second: certificate("bob", b"another"),
        };
        let bytes = codec::encode(&evidence);
        piece(None, &STANDARD.encode(bytes))
    }

    fn piece(acceptor: Option<&str>, evidence: &str) -> hpaxos_client::Evidence {
        hpaxos_client::Evidence {
            acceptor: acceptor.map(str::to_owned),
            evidence: evidence.to_owned(),
            ..hpaxos_client::Evidence::default()
        }
    }

    #[test]
    fn a_graph_alone_takes_the_word_of_the_node() {
        let graph = testing::text("")
            .split("[nodes.")
            .next()
            .expect("a graph")
            .to_owned();
        let evidence = vec![
            piece(Some("a2"), "QQ=="),
            piece(Some("a9"), ""),
            disagreement(),
        ];
        let known = running("another", evidence)
            .suspicion(&source(&graph))
            .expect("a graph");
        let caught: AcceptorSet = std::iter::once(learner_graph::AcceptorId(1)).collect();
        assert_eq!(known.caught, caught);
        let pair = (learner_graph::LearnerId(0), learner_graph::LearnerId(1));
        assert_eq!(known.disagreements, [pair]);
    }

    #[test]
    fn a_configuration_believes_what_is_proved_alone() {
        let id = testing::config("").network.id().to_string();
        let evidence = vec![piece(Some("a2"), "QQ=="), disagreement(), disagreement()];
        let known = running(&id, evidence)
            .suspicion(&source(&testing::text("")))
            .expect("a graph");
        assert_eq!(known.caught, AcceptorSet::EMPTY);
        assert_eq!(known.disagreements.len(), 1, "once");
    }
}
