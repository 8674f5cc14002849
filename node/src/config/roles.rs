//! Checks what a node plays, by mode.

use super::nodes::Reader;
use super::{Byzantine, Mode};
use consensus::disk_paxos::ProcessorId;
use learner_graph::{AcceptorId, LearnerId};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

impl Reader<'_> {
    pub(super) fn acceptor(
        &mut self,
        name: &Spanned<String>,
        played: &mut BTreeMap<String, String>,
    ) -> Option<AcceptorId> {
        let graph = self.graph?;
        let Some(acceptor) = graph.acceptor(name.get_ref()) else {
            let what = format!("the graph has no acceptor '{}'", name.get_ref());
            self.error(name, what, "add it to `acceptors`, or correct the name");
            return None;
        };
        if let Some(other) = played.insert(name.get_ref().clone(), self.name.get_ref().clone()) {
            let what = format!(
                "acceptor '{}' is played by node '{other}' already",
                name.get_ref()
            );
            self.error(name, what, "an acceptor is played by one node");
        }
        Some(acceptor)
    }

    /// Where nobody lies, learners differ in nothing but where they are: each node is one.
    pub(super) fn learners(&mut self) -> Vec<LearnerId> {
        let Some(graph) = self.graph else {
            return Vec::new();
        };
        if self.mode != Mode::Hpaxos {
            return graph.learner(self.name.get_ref()).into_iter().collect();
        }
        let entry = self.entry;
        let names = entry.learners.iter().flat_map(|l| l.get_ref());
        let mut learners = Vec::new();
        for name in names {
            match graph.learner(name.get_ref()) {
                Some(learner) => learners.push(learner),
                None => {
                    let what = format!("the graph has no learner '{}'", name.get_ref());
                    self.error(name, what, "add it under [learners], or correct the name");
                }
            }
        }
        learners
    }

    pub(super) fn processor(
        &mut self,
        number: &Spanned<i64>,
        taken: &mut BTreeMap<ProcessorId, String>,
    ) -> Option<ProcessorId> {
        let id = u8::try_from(*number.get_ref())
            .ok()
            .and_then(ProcessorId::new);
        let Some(id) = id else {
            let what = format!("{} is not the number of a processor", number.get_ref());
            self.error(number, what, "use a number from 1 to 255");
            return None;
        };
        if let Some(other) = taken.insert(id, self.name.get_ref().clone()) {
            let what = format!("node '{other}' is processor {id} already");
            let mend = "use a number that no other processor has, or ever had on these disks";
            self.error(number, what, mend);
        }
        Some(id)
    }

    /// Fields that mean nothing here.
    pub(super) fn strange_fields(&mut self) {
        let (entry, mode) = (self.entry, self.mode);
        let mut strange = |span: Option<Range<usize>>, field: &str, mend: &str| {
            if let Some(span) = span {
                let what = format!("mode {} has no `{field}`", mode.name());
                self.error(&Spanned::new(span, ()), what, mend);
            }
        };
        if mode != Mode::DiskPaxos {
            let mend = "only mode disk-paxos has processors: remove it";
            strange(
                entry.processor.as_ref().map(Spanned::span),
                "processor",
                mend,
            );
        } else {
            let mend = "remove it: disks take the place of acceptors";
            strange(entry.acceptor.as_ref().map(Spanned::span), "acceptor", mend);
            let mend = "write processor = N instead: processors are what proposes";
            strange(entry.proposer.as_ref().map(Spanned::span), "proposer", mend);
        }
        if mode != Mode::Hpaxos {
            let mend = "remove it: every node is the learner of its own name";
            strange(entry.learners.as_ref().map(Spanned::span), "learners", mend);
            let mend = "remove it: this mode stands crashes, and nobody who lies";
            strange(
                entry.byzantine.as_ref().map(Spanned::span),
                "byzantine",
                mend,
            );
        } else if let (Some(byzantine), None) = (&entry.byzantine, &entry.acceptor) {
            let what = "it plays no acceptor that could be Byzantine".to_owned();
            self.error(byzantine, what, "add `acceptor`, or remove `byzantine`");
        }
    }

    pub(super) fn byzantine(&mut self, text: &Spanned<String>) -> Option<Byzantine> {
        let found = Byzantine::ALL.iter().find(|b| b.name() == text.get_ref());
        if found.is_none() {
            let names: Vec<_> = Byzantine::ALL.iter().map(|b| b.name()).collect();
            let what = format!("unknown behaviour '{}'", text.get_ref());
            self.error(
                text,
                what,
                &format!(
                    "for tests there is {}; leave it out otherwise",
                    names.join(", ")
                ),
            );
        }
        found.copied()
    }
}
