//! Manifests: what all nodes share, their keys, what is done once, and the nodes.

use super::keys::Keys;
use super::out::{Access, Out};
use super::plan::{Placed, Plan};
use super::template::fill;
use super::{CONTAINER_USER, HTTP, PEERS};
use crate::failure::Failure;

const BASE: &str = include_str!("templates/kubernetes/base.yaml");
const SECRET: &str = include_str!("templates/kubernetes/secret.yaml");
const INIT: &str = include_str!("templates/kubernetes/init.yaml");
const NODE: &str = include_str!("templates/kubernetes/node.yaml");
const README: &str = include_str!("templates/kubernetes/README.md");
const DISKS: &str = include_str!("templates/disks.md");
const SECRETS_ROW: &str = "| `secrets.yaml` | the secret key of every node; **keep it out of repositories**, or seal it first |";
/// The credentials of object stores: every node has them.
const ENV: &str = "envFrom:\n  - secretRef:\n      name: disks";

pub(super) fn write(plan: &Plan, out: &Out) -> Result<(), Failure> {
    let (mut public, mut secrets) = (Vec::new(), String::new());
    for node in &plan.nodes {
        let file = format!("{}.key", node.name);
        public.push(plan.keys.of(&node.name, out, &file)?);
        if plan.keys == Keys::Ours {
            // In one place only: in the manifest, which its owner alone may read as well.
            secrets += &filled(plan, node, SECRET, &out.take(&file)?);
        }
    }
    let (config, id) = plan.config(&public)?;
    let each = |template: &str| -> String {
        plan.nodes
            .iter()
            .map(|node| filled(plan, node, template, ""))
            .collect()
    };
    let given = [
        ("network", plan.network.as_str()),
        ("config", &config),
        ("peers", &PEERS.to_string()),
        ("http", &HTTP.to_string()),
    ];
    out.write("network.toml", &config, Access::All)?;
    out.write("base.yaml", &fill(BASE, &given), Access::All)?;
    if !secrets.is_empty() {
        out.write("secrets.yaml", &secrets, Access::Secret)?;
    }
    out.write("init.yaml", &each(INIT), Access::All)?;
    out.write("nodes.yaml", &each(NODE), Access::All)?;
    let secret = format!(
        "makes the Secret of its node itself, instead of `secrets.yaml`: `kubectl -n {} create secret generic NODE-key --from-file=node.key=NODE.key`",
        plan.network
    );
    let (secrets_row, secrets_step) = match plan.keys {
        Keys::Ours => (SECRETS_ROW, "kubectl create -f secrets.yaml"),
        Keys::Theirs(_) => (
            "",
            "# now every owner makes the Secret of its node, as above",
        ),
    };
    let given = [
        ("network", plan.network.as_str()),
        ("nodes", &plan.names()),
        ("losses", &plan.losses()),
        ("theirs", &plan.keys.note(&secret, &id)),
        ("secrets_row", secrets_row),
        ("secrets", secrets_step),
        ("image", &plan.image),
        ("node", plan.nodes.first().map_or("n1", |node| &node.name)),
        ("disks", if plan.has_disks() { DISKS } else { "" }),
    ];
    out.write("README.md", &fill(README, &given), Access::All)
}

fn filled(plan: &Plan, node: &Placed, template: &str, key: &str) -> String {
    let given = [
        ("network", plan.network.as_str()),
        ("node", &node.name),
        ("image", &plan.image),
        ("user", CONTAINER_USER),
        ("peers", &PEERS.to_string()),
        ("http", &HTTP.to_string()),
        ("env", if plan.has_object_stores() { ENV } else { "" }),
        ("key", key),
    ];
    fill(template, &given)
}
