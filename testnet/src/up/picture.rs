//! How the nodes, links and disks stand, for the page.

use super::run::Run;
use crate::launch::nodes::Stands;
use crate::observe::Node;
use node::config::{Byzantine, Mode};
use serde_json::{Value as Json, json};

impl Run<'_> {
    /// Everything that is known here; what the nodes say of themselves is not.
    pub(super) fn picture(&self) -> Json {
        let name = |node: Node| self.intake.node_name(node);
        let nodes = self.layout.nodes.iter().zip(self.urls).enumerate();
        let nodes = nodes.map(|(at, (plan, url))| {
            let state = match self.nodes.stands(at) {
                Stands::Up if self.nodes.paused(at) => "paused",
                Stands::Up => "up",
                Stands::Starting(_) => "starting",
                Stands::Dying(_) | Stands::Down(_) => "down",
            };
            json!({
                "name": plan.name, "http": url, "pid": self.nodes.pid(at), "state": state,
                "acceptor": plan.acceptor, "roles": plan.roles(),
                "byzantine": plan.byzantine.map(Byzantine::name),
            })
        });
        let nodes: Vec<Json> = nodes.collect();
        let mut links: Vec<_> = self.site.links.conditions().collect();
        links.sort_unstable_by_key(|(pair, _)| *pair);
        let links = links.into_iter().map(|((a, b), condition)| {
            let ms = u64::try_from(condition.delay.as_millis());
            json!({
                "between": [name(a), name(b)], "cut": condition.cut,
                "delay_ms": ms.unwrap_or(u64::MAX),
            })
        });
        let links: Vec<Json> = links.collect();
        let gone = |disk: &String| self.intake.dead_disks().contains(disk);
        let disks = self.layout.disks.iter();
        let disks: Vec<Json> = disks
            .map(|disk| json!({"name": disk, "gone": gone(disk)}))
            .collect();
        let behaviours: Vec<&str> = match self.layout.mode {
            Mode::Hpaxos => Byzantine::ALL.into_iter().map(Byzantine::name).collect(),
            Mode::Paxos | Mode::DiskPaxos => Vec::new(),
        };
        json!({
            "mode": self.layout.mode.name(),
            "dir": self.site.workspace.root().display().to_string(),
            "nodes": nodes, "links": links, "disks": disks, "behaviours": behaviours,
        })
    }
}
