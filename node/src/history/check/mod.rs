//! Reading a whole history that no process has open, without changing it.

mod reader;
mod sum;

use super::HistoryError;
use super::rows::{Meta, State, VERSION};
use super::shared::Message;
use super::store::Store;
use consensus::Slot;
use crypto::NetworkId;
use reader::Reader;
use std::path::Path;

/// Problems that are told in words, at most.
const MAX_TOLD: usize = 20;

/// How much a history holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The version of its format.
    pub version: u32,
    /// Per lane, the first slot that is not here.
    pub next: Vec<Slot>,
    /// Messages of proofs; one that proves several decisions counts once.
    pub messages: u64,
    /// Batches, those of kept pages included.
    pub batches: u64,
    /// Pages that are kept.
    pub pages: u64,
    /// The size of the file, in bytes.
    pub bytes: u64,
}

impl Summary {
    /// All decisions, of all lanes.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.next.iter().map(|next| next.0).sum()
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How much there is.
    pub summary: Summary,
    /// Values that were delivered, counted once per lane.
    pub delivered: u64,
    /// What is wrong, in words: the first 20 things.
    pub problems: Vec<String>,
    /// What else is wrong.
    pub more: u64,
}

/// How much a history holds, by its own account.
///
/// # Errors
/// [`HistoryError`], if it could not be opened. Nothing is changed.
pub fn summary(path: &Path, network: NetworkId) -> Result<Summary, HistoryError> {
    let (_store, meta, state) = Store::inspect(path, network)?;
    summarize(path, &meta, &state)
}

/// Reads everything in a history: every page of the file, the checksum and the contents of every row,
/// that no slot, message or batch is missing, that every batch has the digest that was decided, and
/// that what is found by digest is what was decided. Of each message `sound` says if, and why not, it may be here.
///
/// # Errors
/// [`HistoryError`], if it could not be opened. Nothing is changed.
pub fn check<W: Message>(
    path: &Path,
    network: NetworkId,
    sound: impl Fn(W) -> Result<(), String>,
) -> Result<Report, HistoryError> {
    let (mut store, meta, state) = Store::inspect(path, network)?;
    if meta.version < VERSION {
        return Err(HistoryError::OlderVersion {
            path: path.to_owned(),
            found: meta.version,
        });
    }
    let mut report = Report {
        summary: summarize(path, &meta, &state)?,
        ..Report::default()
    };
    if let Err(error) = store.verify_pages() {
        report.problem(error);
    }
    let mut reader = Reader::new(&store, &meta, &state, report);
    reader.run(sound);
    Ok(reader.report)
}

fn summarize(path: &Path, meta: &Meta, state: &State) -> Result<Summary, HistoryError> {
    let file = std::fs::metadata(path).map_err(HistoryError::io(path, "read"))?;
    Ok(Summary {
        version: meta.version,
        next: state.next.clone(),
        messages: state.messages,
        batches: state.batches,
        pages: state.pages,
        bytes: file.len(),
    })
}

impl Report {
    fn problem(&mut self, problem: impl ToString) {
        if self.problems.len() < MAX_TOLD {
            self.problems.push(problem.to_string());
        } else {
            self.more += 1;
        }
    }
}
