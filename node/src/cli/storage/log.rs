//! The log: `DIR/log`.

use super::records::{guess, judge};
use super::section::{Line, Problems, Question, Section, count};
use crate::storage::{Examination, LOG, LogError, examine};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// How many records there are of a kind, and the bytes of their contents.
type Kinds = BTreeMap<&'static str, (u64, u64)>;

pub(super) fn look(question: &Question<'_>) -> Section {
    let path = question.data.join(LOG);
    if !path.is_dir() {
        return Section::failed(LOG, nothing_in(&path));
    }
    let mut kinds = Kinds::new();
    let mut problems = Problems::default();
    let network = question.config.map(|config| config.network.id());
    let looked = examine(&path, network, &mut |found| {
        let kind = match question.config {
            Some(config) => {
                let verdict = judge(found.contents, config, question.verify);
                if let Some(why) = verdict.wrong {
                    let (sequence, segment, offset) = (found.sequence, found.segment, found.offset);
                    problems.add(|| {
                        format!("record {sequence} (segment {segment}, offset {offset}): {why}")
                    });
                }
                verdict.kind
            }
            None => guess(found.contents),
        };
        let (records, bytes) = kinds.entry(kind).or_default();
        *records += 1;
        *bytes += found.contents.len() as u64;
    });
    match looked {
        Ok(looked) => section(question, &path, looked, &kinds, problems),
        Err(error) => Section::failed(LOG, error),
    }
}

fn nothing_in(path: &Path) -> String {
    format!(
        "there is no log in {}: no node has run with this data directory, or what it stored is gone",
        path.display()
    )
}

fn section(
    question: &Question<'_>,
    path: &Path,
    looked: Examination,
    kinds: &Kinds,
    problems: Problems,
) -> Section {
    if looked.summary.segments == 0 && looked.problem.is_none() {
        return Section::failed(LOG, nothing_in(path));
    }
    let mut section = Section::new(LOG);
    section.problems = problems;
    tell_log(&mut section, path, &looked);
    tell_segments(&mut section, &looked);
    for (kind, (records, bytes)) in kinds {
        section.fact(
            format!(
                "  {kind}: {}, {}",
                count(*records, "record", "records"),
                count(*bytes, "byte", "bytes")
            ),
            json!({"event": "kind", "kind": kind, "records": records, "bytes": bytes}),
        );
    }
    match looked.problem {
        Some(error @ (LogError::Io { .. } | LogError::NewerVersion { .. })) => {
            section.failed = Some(error.to_string());
            return section;
        }
        Some(error) => section.problems.add(|| error.to_string()),
        None => {}
    }
    let (records, segments) = (looked.summary.records, looked.summary.segments);
    let configured = question.config.is_some();
    let how = match configured {
        true => "",
        false => ", their checksums alone for want of a configuration",
    };
    section.looked_at = Some(Line {
        text: format!(
            "{} in {}{how}",
            count(records, "record", "records"),
            count(segments, "segment", "segments")
        ),
        json: json!({"records": records, "segments": segments, "configured": configured}),
    });
    section
}

fn tell_log(section: &mut Section, path: &Path, looked: &Examination) {
    let Some(network) = looked.network else {
        return;
    };
    let summary = &looked.summary;
    let (network, place) = (network.to_string(), path.display().to_string());
    let (first, last) = (summary.first, summary.next() - 1);
    let (records, bytes, grown) = (summary.records, summary.bytes, summary.grown);
    let mut text = format!("log in {place}, of network {network}\n");
    text += &match records {
        0 => format!("  no records, the next is {first}"),
        _ => format!("  records {first} to {last}, {bytes} bytes"),
    };
    text += &match summary.generation {
        0 => "\n  no checkpoint yet".to_owned(),
        segment => format!("\n  checkpoint in segment {segment}, {grown} bytes appended since"),
    };
    if let Some(torn) = summary.torn {
        text += &format!("\n  {torn} bytes of an unfinished write, which the next start cuts off");
    }
    if looked.leftovers > 0 {
        let replaced = looked.leftovers;
        let segments = count(replaced, "replaced segment", "replaced segments");
        text += &format!("\n  {segments}, which the next start removes");
    }
    if looked.draft {
        text += "\n  an unfinished segment, which the next start removes";
    }
    section.fact(
        text,
        json!({
            "event": "log", "path": place, "network": network, "generation": summary.generation,
            "records": records, "bytes": bytes, "first": first, "last": last, "grown": grown,
            "torn": summary.torn, "replaced": looked.leftovers, "unfinished": looked.draft,
        }),
    );
}

fn tell_segments(section: &mut Section, looked: &Examination) {
    for segment in &looked.segments {
        let (number, version, len) = (segment.number, segment.version, segment.len);
        let (records, bytes) = (segment.records, segment.bytes);
        section.fact(
            format!(
                "  segment {number}: format {version}, {}, {bytes} bytes in a file of {len}",
                count(records, "record", "records")
            ),
            json!({
                "event": "segment", "number": number, "version": version, "records": records,
                "bytes": bytes, "file_bytes": len,
            }),
        );
    }
}
