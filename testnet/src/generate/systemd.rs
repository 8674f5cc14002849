//! A directory per host: units, keys, the configuration, and a script that installs them.

use super::keys::Keys;
use super::out::{Access, Out};
use super::plan::{Placed, Plan, is_object_store};
use super::template::fill;
use crate::failure::Failure;
use std::collections::BTreeMap;

const UNIT: &str = include_str!("templates/systemd/node.service");
const INSTALL: &str = include_str!("templates/systemd/install.sh");
const README: &str = include_str!("templates/systemd/README.md");
const DISKS: &str = include_str!("templates/disks.md");
const KEYS_HERE: &str =
    " **Remove the keys here afterwards**, or keep them where nobody else gets them.";

pub(super) fn write(plan: &Plan, out: &Out) -> Result<(), Failure> {
    let key = |node: &Placed| {
        let file = format!("{}/{}.key", node.host, node.name);
        plan.keys.of(&node.name, out, &file)
    };
    let keys = plan.nodes.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    let (config, id) = plan.config(&keys)?;
    let network = plan.network.as_str();
    let mut hosts: BTreeMap<&str, Vec<&Placed>> = BTreeMap::new();
    for node in &plan.nodes {
        hosts.entry(&node.host).or_default().push(node);
    }
    for (host, nodes) in &hosts {
        out.write(&format!("{host}/network.toml"), &config, Access::All)?;
        for node in nodes {
            let unit = unit(plan, node);
            let name = format!("{host}/hpaxos-{network}-{}.service", node.name);
            out.write(&name, &unit, Access::All)?;
        }
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let given = [("network", network), ("nodes", &names.join(" "))];
        let install = fill(INSTALL, &given);
        out.write(&format!("{host}/install.sh"), &install, Access::Program)?;
    }
    out.write("README.md", &readme(plan, &id), Access::All)
}

fn unit(plan: &Plan, node: &Placed) -> String {
    let paths = plan.disks.iter().filter(|disk| !is_object_store(disk));
    let (devices, files): (Vec<&str>, Vec<&str>) = paths
        .map(String::as_str)
        .partition(|path| path.starts_with("/dev/"));
    let mut disks = String::new();
    for device in &devices {
        disks += &format!("DeviceAllow={device} rw\n");
    }
    for file in files {
        disks += &format!("ReadWritePaths={file}\n");
    }
    if plan.has_object_stores() {
        disks += &format!("EnvironmentFile=/etc/hpaxos/{}/disks.env\n", plan.network);
    }
    let given = [
        ("network", plan.network.as_str()),
        ("node", &node.name),
        ("disks", &disks),
        // Block devices are what it would take away.
        (
            "private_devices",
            if devices.is_empty() {
                "PrivateDevices=yes"
            } else {
                ""
            },
        ),
    ];
    fill(UNIT, &given)
}

fn readme(plan: &Plan, id: &str) -> String {
    let row = |node: &Placed| {
        let Placed {
            name,
            host,
            peers_port,
            http_port,
            ..
        } = node;
        format!("| `{name}` | `{host}` | {peers_port} | 127.0.0.1:{http_port} | `{host}/` |")
    };
    let rows: Vec<String> = plan.nodes.iter().map(row).collect();
    let first = plan.nodes.first();
    let keys_here = match plan.keys {
        Keys::Ours => KEYS_HERE,
        Keys::Theirs(_) => "",
    };
    let given = [
        ("network", plan.network.as_str()),
        ("losses", &plan.losses()),
        (
            "theirs",
            &plan.keys.note(
                "puts it as `NODE.key` beside `install.sh` on its own host",
                id,
            ),
        ),
        ("keys_here", keys_here),
        ("rows", &rows.join("\n")),
        ("node", first.map_or("n1", |node| &node.name)),
        ("host", first.map_or("", |node| &node.host)),
        ("http", &first.map_or(0, |node| node.http_port).to_string()),
        ("disks", if plan.has_disks() { DISKS } else { "" }),
    ];
    fill(README, &given)
}
