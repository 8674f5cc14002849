//! The history: `DIR/history.redb`.

use super::records::check_history;
use super::section::{Line, Question, Section, count};
use crate::history::{self, FILE_NAME, HistoryError, Report, Summary};
use serde_json::json;
use std::path::Path;

/// Only a configuration says whose history it has to be. A history that is missing is no mistake by itself: a log
/// without a checkpoint relies on none.
pub(super) fn look(question: &Question<'_>) -> Section {
    let path = question.data.join(FILE_NAME);
    let mut section = Section::new("history");
    let (Some(config), true) = (question.config, path.exists()) else {
        return section;
    };
    let looked = match question.verify {
        true => check_history(&path, config),
        false => history::summary(&path, config.network.id()).map(|summary| Report {
            summary,
            ..Report::default()
        }),
    };
    match looked {
        Ok(report) => tell(&mut section, &path, report),
        Err(
            error @ (HistoryError::Io { .. }
            | HistoryError::InUse(_)
            | HistoryError::NewerVersion { .. }
            | HistoryError::OlderVersion { .. }),
        ) => section.failed = Some(error.to_string()),
        Err(error) => section.problems.add(|| error.to_string()),
    }
    section
}

fn tell(section: &mut Section, path: &Path, report: Report) {
    let summary = &report.summary;
    let Summary {
        messages,
        batches,
        pages,
        bytes,
        ..
    } = summary;
    let decisions = summary.decisions();
    let text = [
        count(decisions, "decision", "decisions"),
        count(*messages, "message", "messages"),
        count(*batches, "batch", "batches"),
        count(*pages, "page", "pages"),
        count(*bytes, "byte", "bytes"),
    ]
    .join(", ");
    let counts = json!({
        "decisions": decisions, "messages": messages, "batches": batches, "pages": pages, "bytes": bytes,
    });
    let mut shown = json!({
        "event": "history", "path": path, "version": summary.version, "next": summary.next,
    });
    if let (Some(shown), Some(counts)) = (shown.as_object_mut(), counts.as_object()) {
        shown.extend(counts.clone());
    }
    section.fact(format!("history in {}\n  {text}", path.display()), shown);
    for what in report.problems {
        section.problems.add(|| what);
    }
    section.problems.more(report.more);
    section.looked_at = Some(Line { text, json: counts });
}
