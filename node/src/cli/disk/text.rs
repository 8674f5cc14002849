//! What `hpaxos disk show` prints.

use crate::cli::print;
use crate::disks::survey::{CopyState, MemberState, Survey};
use serde_json::json;

/// Prints what there is on a disk.
pub(super) fn describe(survey: &Survey, json: bool) {
    let found = &survey.superblock;
    let uuid = hex::encode(found.uuid);
    if json {
        print(
            json!({"event": "disk", "name": found.name, "system": found.system.to_string(), "uuid": uuid, "processors": found.processors, "log_bytes": found.log_bytes}),
        );
    } else {
        print(format!(
            "disk '{}', uuid {uuid}, of system {}, for processors 1 to {}",
            found.name, found.system, found.processors
        ));
    }
    for state in &survey.members {
        match json {
            true => print(as_json(&found.name, state)),
            false => print(as_text(state)),
        }
    }
}

fn as_json(disk: &str, state: &MemberState) -> serde_json::Value {
    let copies: Vec<_> = state.copies.iter().map(copy_in_words).collect();
    let block = match &state.block {
        Ok((header, block)) => json!({
            "incarnation": header.incarnation, "seq": header.seq, "mbal": block.mbal.0,
            "floor": block.floor.0, "entries": block.entries.len(),
            "slots": block.entries.keys().map(|slot| slot.0).collect::<Vec<_>>(),
        }),
        Err(why) => json!({"error": why}),
    };
    json!({
        "event": "processor", "disk": disk, "id": state.member.id, "name": state.member.name,
        "copies": copies, "block": block,
        "log": {
            "end": state.log.end.0, "pieces": state.log.pieces, "bytes": state.log.bytes,
            "capacity": state.log.capacity,
        },
        "problems": state.problems,
    })
}

fn as_text(state: &MemberState) -> String {
    let mut text = format!("  processor {} '{}'\n", state.member.id, state.member.name);
    match &state.block {
        Ok((header, block)) => {
            let slots = match (
                block.entries.keys().next(),
                block.entries.keys().next_back(),
            ) {
                (Some(first), Some(last)) => {
                    format!("{} slots {} to {}", block.entries.len(), first.0, last.0)
                }
                _ => "no slots".to_owned(),
            };
            text.push_str(&format!(
                "    block: incarnation {}, write {}, mbal {}, floor {}, {slots}\n",
                header.incarnation, header.seq, block.mbal.0, block.floor.0
            ));
        }
        Err(why) => text.push_str(&format!("    block: none: {why}\n")),
    }
    for (i, copy) in state.copies.iter().enumerate() {
        text.push_str(&format!("    copy {i}: {}\n", copy_in_words(copy)));
    }
    let log = &state.log;
    let bound = log
        .capacity
        .map_or(String::new(), |all| format!(" of {all}"));
    text.push_str(&format!(
        "    log: slots below {}, {} bytes{bound} in {} pieces",
        log.end.0, log.bytes, log.pieces
    ));
    for problem in &state.problems {
        text.push_str(&format!("\n    wrong: {problem}"));
    }
    text
}

fn copy_in_words(copy: &CopyState) -> String {
    match copy {
        CopyState::Whole(header) => {
            format!("incarnation {}, write {}", header.incarnation, header.seq)
        }
        CopyState::Broken(why) => format!("unfinished or damaged: {why}"),
    }
}
