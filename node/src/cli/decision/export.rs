//! `hpaxos decision export`.

use super::fetch::{Fetched, fetch};
use super::out::Out;
use crate::cli::client::{Unanswered, block_on, node};
use crate::cli::progress::Progress;
use crate::cli::{Exit, fail, print};
use clap::Args;
use futures::StreamExt;
use hpaxos_client::Client;
use serde_json::json;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// How long a node may take to answer one request.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How many decisions are asked for at a time.
const AT_ONCE: usize = 4;

/// The arguments of `hpaxos decision export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The node's HTTP address, for example http://127.0.0.1:8001
    #[arg(long, env = "HPAXOS_NODE", value_name = "URL")]
    node: String,
    /// Whose decisions; the node need not play this learner
    #[arg(long)]
    learner: String,
    #[command(flatten)]
    which: Which,
    /// The file to make; an existing one is never overwritten. Without it, standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Print one JSON object about the file that was made
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// The decision of this slot
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    slot: Option<u64>,
    /// The decisions of the slots from A on and before B; `A..` means all that there are now
    #[arg(long, value_name = "A..B", value_parser = slots)]
    slots: Option<Slots>,
}

/// Slots from the first on, to the second, which is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slots(u64, Option<u64>);

fn slots(text: &str) -> Result<Slots, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, "?"));
    let to = if to.is_empty() {
        Ok(None)
    } else {
        to.parse().map(Some)
    };
    match (from.parse(), to) {
        (Ok(from), Ok(None)) => Ok(Slots(from, None)),
        (Ok(from), Ok(Some(to))) if from < to => Ok(Slots(from, Some(to))),
        _ => Err(format!(
            "'{text}' is no range of slots such as 0..100 or 100.."
        )),
    }
}

impl ExportArgs {
    pub(super) fn run(&self) -> Exit {
        block_on(self.export())
    }

    async fn export(&self) -> Exit {
        let node = match node(&self.node, TIMEOUT) {
            Ok(node) => node,
            Err(error) => return error.fail(),
        };
        let slots = match self.slots(&node).await {
            Ok(slots) => slots,
            Err(error) => return error.fail(),
        };
        let mut out = match Out::open(self.to.as_deref()) {
            Ok(out) => out,
            Err(error) => return fail(Exit::Failed, error),
        };
        let mut exit = self.copy(&node, &slots, &mut out).await;
        let next = slots.start + out.lines();
        if exit != Exit::Done && out.lines() > 0 {
            let missing = format!("--slots {next}..{}", slots.end);
            fail(
                exit,
                format!("the slots before {next} are written; go on with {missing}"),
            );
        }
        let (lines, path) = (out.lines(), out.path().map(|p| p.display().to_string()));
        if let Err(error) = out.finish() {
            exit = fail(Exit::Failed, error);
        }
        if let (Exit::Done, Some(path)) = (exit, path) {
            self.tell(&slots, lines, &path);
        }
        exit
    }

    fn tell(&self, slots: &Range<u64>, decisions: u64, file: &str) {
        let learner = &self.learner;
        if self.json {
            let (first, next) = (slots.start, slots.end);
            print(json!({
                "event": "exported", "learner": learner, "first": first, "next": next,
                "decisions": decisions, "file": file,
            }));
        } else {
            let last = slots.end - 1;
            let what = match decisions {
                1 => format!("slot {last}"),
                _ => format!("slots {} to {last}", slots.start),
            };
            print(format!("{what} of {learner}: {file}"));
        }
    }

    /// The slots that are meant. None of them is empty.
    async fn slots(&self, node: &Client) -> Result<Range<u64>, Unanswered> {
        let (from, to) = match (self.which.slot, self.which.slots) {
            (Some(slot), _) => (slot, Some(slot + 1)),
            (None, Some(Slots(from, to))) => (from, to),
            // The command line is refused before.
            (None, None) => (0, None),
        };
        if let Some(to) = to {
            return Ok(from..to);
        }
        let bad = |why| Unanswered {
            exit: Exit::Bad,
            why,
        };
        let status = node.status().await?;
        let next = status.learners.get(&self.learner).map(|l| l.next);
        let learner = &self.learner;
        let next = next.ok_or_else(|| {
            bad(format!(
                "the node knows of no learner '{learner}', or is not ready; see its /v1/status"
            ))
        })?;
        if next <= from {
            let why =
                format!("{learner} has decided the slots before {next}, as far as the node knows");
            return Err(bad(why));
        }
        Ok(from..next)
    }

    async fn copy(&self, node: &Client, slots: &Range<u64>, out: &mut Out) -> Exit {
        let count = slots.end - slots.start;
        let progress = Progress::new(Some(count), "slots", out.path().is_none());
        let fetched = slots.clone().map(|slot| fetch(node, &self.learner, slot));
        let mut fetched = futures::stream::iter(fetched).buffered(AT_ONCE);
        while let Some(decision) = fetched.next().await {
            let Fetched { line, .. } = match decision {
                Ok(decision) => decision,
                Err(error) => {
                    drop(progress);
                    return error.fail();
                }
            };
            if let Err(error) = out.line(&line) {
                drop(progress);
                // Whoever reads standard output may have seen enough.
                let enough = out.path().is_none() && error.kind() == io::ErrorKind::BrokenPipe;
                return match enough {
                    true => Exit::Done,
                    false => fail(Exit::Failed, error),
                };
            }
            progress.advance();
        }
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_slots() {
        assert_eq!(slots("0..100"), Ok(Slots(0, Some(100))));
        assert_eq!(slots("7.."), Ok(Slots(7, None)));
        for text in [
            "", "..", "7", "..7", "7..7", "8..7", "a..b", "-1..2", "0...2",
        ] {
            assert!(slots(text).is_err(), "{text}");
        }
    }
}
