//! One file for Docker Compose, with a service per node and one more that makes its data directory.

use super::keys::Keys;
use super::out::{Access, Out};
use super::plan::{Placed, Plan};
use super::template::fill;
use super::{CONTAINER_USER, HTTP};
use crate::failure::Failure;

const COMPOSE: &str = include_str!("templates/compose/compose.yaml");
const SERVICE: &str = include_str!("templates/compose/service.yaml");
const SECRET: &str = include_str!("templates/compose/secret.yaml");
const INIT: &str = include_str!("templates/compose/init.sh");
const README: &str = include_str!("templates/compose/README.md");
const DISKS: &str = include_str!("templates/disks.md");

pub(super) fn write(plan: &Plan, out: &Out) -> Result<(), Failure> {
    let key = |node: &Placed| {
        let file = format!("keys/{}.key", node.name);
        plan.keys.of(&node.name, out, &file)
    };
    let keys = plan.nodes.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    let (config, id) = plan.config(&keys)?;
    out.write("network.toml", &config, Access::All)?;
    if matches!(plan.keys, Keys::Theirs(_)) {
        let note = "The secret key of each node goes here, as NODE.key.\n";
        out.write("keys/README.md", note, Access::All)?;
    }
    out.write("compose.yaml", &compose(plan), Access::All)?;
    let (names, first) = (plan.names(), plan.nodes.first());
    let row = |node: &Placed| format!("| `{}` | http://127.0.0.1:{} |", node.name, node.http_port);
    let rows: Vec<String> = plan.nodes.iter().map(row).collect();
    let given = [
        ("network", plan.network.as_str()),
        ("nodes", &names),
        ("losses", &plan.losses()),
        (
            "theirs",
            &plan
                .keys
                .note("puts it here as `keys/NODE.key`, mode 600", &id),
        ),
        ("image", &plan.image),
        ("user", CONTAINER_USER),
        ("rows", &rows.join("\n")),
        ("node", first.map_or("n1", |node| &node.name)),
        ("http", &first.map_or(0, |node| node.http_port).to_string()),
        ("disks", if plan.has_disks() { DISKS } else { "" }),
    ];
    out.write("init.sh", &fill(INIT, &given), Access::Program)?;
    out.write("README.md", &fill(README, &given), Access::All)
}

fn compose(plan: &Plan) -> String {
    let each = |template: &str| -> String {
        let one = |node: &Placed| {
            let given = [
                ("node", node.name.as_str()),
                ("published", &node.http_port.to_string()),
                ("http", &HTTP.to_string()),
            ];
            fill(template, &given)
        };
        plan.nodes.iter().map(one).collect()
    };
    let volumes: Vec<String> = plan
        .nodes
        .iter()
        .map(|node| format!("{}:", node.name))
        .collect();
    let given = [
        ("network", plan.network.as_str()),
        ("image", &plan.image),
        ("user", CONTAINER_USER),
        (
            "env",
            if plan.has_object_stores() {
                "env_file: [disks.env]"
            } else {
                ""
            },
        ),
        ("services", &each(SERVICE)),
        ("secrets", &each(SECRET)),
        ("volumes", &volumes.join("\n")),
    ];
    fill(COMPOSE, &given)
}
