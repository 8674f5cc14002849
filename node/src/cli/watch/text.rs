//! One snapshot, as text or as JSON.

use super::state::{Node, Watch, short};
use crate::cli::printable;
use hpaxos_client::{Evidence, Statement};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Decisions in the text.
const SHOWN: u64 = 10;

/// The snapshot for a person.
pub(super) fn text(watch: &Watch) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(watch, &mut out);
    out
}

fn write_all(watch: &Watch, out: &mut String) -> std::fmt::Result {
    if let Some(network) = &watch.network {
        let (name, id, mode) = (&network.name, short(&network.id), &network.mode);
        writeln!(out, "network {name} ({id}), mode {mode}")?;
    }
    writeln!(out, "{}", watch.verdict().0)?;
    if !watch.trust.learners.is_empty() {
        writeln!(out, "\nlearners")?;
    }
    for learner in &watch.trust.learners {
        let (name, next) = (printable(&learner.name), watch.next(&learner.name));
        writeln!(
            out,
            "  {name}  next slot {next}  decides by {}",
            printable(&learner.live)
        )?;
    }
    let edges = watch.edges();
    if !edges.is_empty() {
        writeln!(out, "\nagreement")?;
    }
    for edge in &edges {
        let [a, b] = &edge.between;
        let (pair, bond) = (printable(&format!("{a} and {b}")), edge.bond.name());
        writeln!(out, "  {pair}: {bond}; {}", printable(&edge.words))?;
    }
    writeln!(out, "\nnodes")?;
    for node in &watch.nodes {
        writeln!(out, "  {}", node_line(node))?;
    }
    for disk in watch.nodes.iter().flat_map(disks) {
        writeln!(out, "  {disk}")?;
    }
    if let Some(last) = watch.lanes.last() {
        writeln!(out, "\nlatest decisions")?;
        let disputes = watch.disputes();
        for slot in last.saturating_sub(SHOWN - 1)..=last {
            let of_slot = disputes
                .iter()
                .filter(|dispute| dispute.slots.contains(&slot));
            let mark = match of_slot.map(|dispute| dispute.allowed).min() {
                Some(false) => "  VIOLATION",
                Some(true) => "  different, which is allowed",
                None => "",
            };
            writeln!(out, "  slot {slot}{mark}")?;
            for learner in watch.lanes.learners() {
                if let Some(cell) = watch.lanes.cell(learner, slot) {
                    let (digest, words) = (printable(&short(&cell.digest)), &cell.words);
                    writeln!(out, "    {}  {digest}  {words}", printable(learner))?;
                }
            }
        }
    }
    if !watch.evidence.is_empty() {
        writeln!(out, "\nevidence")?;
    }
    for piece in watch.evidence.values() {
        writeln!(out, "  {}", printable(&piece.words))?;
        for side in sides(piece) {
            writeln!(out, "    {side}")?;
        }
    }
    Ok(())
}

/// A node in a line.
pub(super) fn node_line(node: &Node) -> String {
    let (name, url, phase) = (printable(node.name()), printable(&node.url), node.phase());
    let mut line = format!("{name}  {url}  {phase}");
    if let Some(why) = &node.gone {
        line += &format!(": {why}");
    } else if let Some(status) = &node.status {
        let leader = status.leader.as_deref().unwrap_or("nobody yet");
        let (peers, ballot, waiting) = (&status.peers, status.ballot, status.waiting);
        line += &format!(
            "  ballot {ballot}, led by {}  {} of {} peers  {waiting} waiting",
            printable(leader),
            peers.there(),
            peers.expected,
        );
        if let Some(patience) = node.patience() {
            line += &format!("  patience {patience}");
        }
        let (times, last) = node.given_up();
        if times > 0 {
            let ballots = if times == 1 { "ballot" } else { "ballots" };
            line += &format!("  {times} {ballots} given up (last: {})", printable(&last));
        }
        let (refused, why) = node.refused();
        if refused > 0 {
            line += &format!("  {refused} refused ({})", printable(&why));
        }
    }
    line
}

/// The two things that contradict each other, each in a line.
pub(super) fn sides(piece: &Evidence) -> Vec<String> {
    let statement = |statement: &Statement| match &statement.value {
        Some(value) => format!("{}: value {}", statement.says, short(value)),
        None => statement.says.clone(),
    };
    let sides = piece.sides.iter().filter(|side| !side.is_empty());
    let words = sides.map(|side| side.iter().map(statement).collect::<Vec<_>>().join("; "));
    words.map(|words| printable(&words)).collect()
}

/// The disks of a node, each in a line.
pub(super) fn disks(node: &Node) -> Vec<String> {
    let status = node.status.iter().filter(|_| node.gone.is_none());
    let disks = status.flat_map(|status| &status.disks);
    let line = |disk: &hpaxos_client::DiskStatus| {
        let state = match (disk.problem.as_str(), disk.up, disk.busy) {
            ("", true, true) => "busy",
            ("", true, false) => "up",
            ("", false, _) => "down",
            (problem, _, _) => problem,
        };
        let (node, name) = (printable(node.name()), printable(&disk.name));
        format!(
            "{name} as {node} sees it  {}  mbal {}  logged {}  {} operations",
            printable(state),
            disk.mbal,
            disk.logged,
            disk.operations
        )
    };
    disks.map(line).collect()
}

/// The snapshot for a program.
pub(super) fn json(watch: &Watch) -> Json {
    let learners = watch.trust.learners.iter().map(|learner| {
        json!({"learner": learner.name, "quorums": learner.live, "next": watch.next(&learner.name)})
    });
    let edges = watch.edges().into_iter().map(
        |edge| json!({"between": edge.between, "state": edge.bond.name(), "words": edge.words}),
    );
    let apart = watch.lanes.apart().iter().map(
        |(slot, apart)| json!({"slot": slot, "digests": apart.digests, "pairs": apart.pairs()}),
    );
    let evidence = watch.evidence.values().map(
        |piece| json!({"digest": piece.digest, "acceptor": piece.acceptor, "words": piece.words, "sides": piece.sides}),
    );
    let mut latest: BTreeMap<&str, Json> = BTreeMap::new();
    if let Some(last) = watch.lanes.last() {
        for learner in watch.lanes.learners() {
            let slots = last.saturating_sub(SHOWN - 1)..=last;
            let cells = slots.filter_map(|slot| {
                let cell = watch.lanes.cell(learner, slot)?;
                Some(json!({"slot": slot, "ballot": cell.ballot, "digest": cell.digest, "words": cell.words}))
            });
            latest.insert(learner, cells.collect());
        }
    }
    json!({
        "event": "watch",
        "network": watch.network.as_ref().map(|n| &n.name),
        "network_id": watch.network.as_ref().map(|n| &n.id),
        "mode": watch.network.as_ref().map(|n| &n.mode),
        "learners": learners.collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
        "different": apart.collect::<Vec<_>>(),
        "compared": watch.lanes.compared().map(|r| json!({"first": r.first, "last": r.last, "slots": r.slots})),
        "not_compared": watch.lanes.missing(),
        "broken": watch.is_broken(),
        "caught": watch.known().caught,
        "evidence": evidence.collect::<Vec<_>>(),
        "nodes": watch.nodes.iter().map(node).collect::<Vec<_>>(),
        "latest": latest,
    })
}

fn node(node: &Node) -> Json {
    let status = node.status.as_ref();
    let disks = status.into_iter().flat_map(|status| &status.disks);
    let disks = disks.map(|disk| {
        json!({
            "name": disk.name, "up": disk.up, "busy": disk.busy, "problem": disk.problem, "mbal": disk.mbal,
            "logged": disk.logged, "operations": disk.operations,
        })
    });
    json!({
        "url": node.url,
        "node": status.map(|s| &s.node),
        "phase": node.phase(),
        "gone": node.gone,
        "ballot": status.map(|s| s.ballot),
        "leader": status.and_then(|s| s.leader.as_ref()),
        "peers": status.map(|s| json!({"connected": s.peers.connected, "heard": s.peers.heard, "silent": s.peers.silent, "expected": s.peers.expected})),
        "patience_ms": status.map(|s| &s.patience_ms),
        "given_up": status.map(|s| &s.given_up),
        "waiting": status.map(|s| s.waiting),
        "refused": node.refused().0,
        "disks": disks.collect::<Vec<_>>(),
    })
}
