//! What records of the log and messages of the history mean, in each mode.

use crate::Config;
use crate::config::Mode;
use crate::decision::refusal_in_words;
use crate::history::{self, HistoryError, Report};
use consensus::disk_paxos::{Decided, DiskPaxos};
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use consensus::{Network, Protocol, Record, RecordOf, hpaxos, paxos};
use crypto::{Body as _, Signed, codec};
use std::path::Path;

/// The kind of a record that cannot be read.
const UNREADABLE: &str = "unreadable";

/// What a record is.
pub(super) struct Verdict {
    /// Its kind.
    pub(super) kind: &'static str,
    /// What is wrong with it.
    pub(super) wrong: Option<String>,
}

/// A protocol whose messages say their kind before anybody has verified them.
trait Kinds: Protocol {
    const MODE: Mode;

    /// The kind of a message; `None` if it is none.
    fn kind_of(wire: &Self::Wire) -> Option<&'static str>;
}

impl Kinds for HPaxos {
    const MODE: Mode = Mode::Hpaxos;

    fn kind_of(wire: &Signed<hpaxos::Message>) -> Option<&'static str> {
        let message: hpaxos::Message =
            codec::decode(wire.body(), hpaxos::Message::MAX_BYTES).ok()?;
        Some(message.kind())
    }
}

impl Kinds for Paxos {
    const MODE: Mode = Mode::Paxos;

    fn kind_of(wire: &paxos::Message) -> Option<&'static str> {
        Some(wire.body.kind())
    }
}

impl Kinds for DiskPaxos {
    const MODE: Mode = Mode::DiskPaxos;

    fn kind_of(wire: &Decided) -> Option<&'static str> {
        Some(DiskPaxos::kind(wire))
    }
}

/// Judges a record by a configuration: it must be one of the mode and, if it is to be verified, its
/// signatures and evidence must hold.
pub(super) fn judge(record: &[u8], config: &Config, verify: bool) -> Verdict {
    let network = verify.then_some(&*config.network);
    match config.mode {
        Mode::Hpaxos => judge_of::<HPaxos>(record, network),
        Mode::Paxos => judge_of::<Paxos>(record, network),
        Mode::DiskPaxos => judge_of::<DiskPaxos>(record, network),
    }
}

/// The kind of a record of whatever mode it is.
pub(super) fn guess(record: &[u8]) -> &'static str {
    let verdicts = [
        judge_of::<HPaxos>(record, None),
        judge_of::<Paxos>(record, None),
        judge_of::<DiskPaxos>(record, None),
    ];
    let good = verdicts.iter().find(|verdict| verdict.wrong.is_none());
    good.map_or(UNREADABLE, |verdict| verdict.kind)
}

/// Reads the history of a mode. Every message in it is signed by whom it says, in modes that sign.
pub(super) fn check_history(path: &Path, config: &Config) -> Result<Report, HistoryError> {
    match config.mode {
        Mode::Hpaxos => check_history_of::<HPaxos>(path, &config.network),
        Mode::Paxos => check_history_of::<Paxos>(path, &config.network),
        Mode::DiskPaxos => check_history_of::<DiskPaxos>(path, &config.network),
    }
}

fn check_history_of<P: Protocol>(path: &Path, network: &Network) -> Result<Report, HistoryError> {
    history::check::<P::Wire>(path, network.id(), |wire| {
        let opened = P::open(wire, network);
        opened
            .map(drop)
            .map_err(|refusal| refusal_in_words(&refusal, network))
    })
}

fn judge_of<P: Kinds>(record: &[u8], network: Option<&Network>) -> Verdict {
    let unreadable = |why: &dyn std::fmt::Display| Verdict {
        kind: UNREADABLE,
        wrong: Some(format!(
            "it is no record of mode '{}': {why}",
            P::MODE.name()
        )),
    };
    let record: RecordOf<P> = match codec::decode(record, codec::LARGEST) {
        Ok(record) => record,
        Err(error) => return unreadable(&error),
    };
    let (kind, wrong) = match record {
        Record::Message(wire) => {
            let Some(kind) = P::kind_of(&wire) else {
                return unreadable(&"it holds no message");
            };
            let wrong = network.and_then(|network| {
                let refusal = P::open(wire, network).err()?;
                Some(refusal_in_words(&refusal, network))
            });
            (kind, wrong)
        }
        Record::Batch(_) => ("batch", None),
        Record::Value(_) => ("value", None),
        Record::Evidence(evidence) => {
            let proves = network.is_none_or(|network| P::examine(&evidence, network).is_some());
            (
                "evidence",
                (!proves).then(|| "it proves nothing".to_owned()),
            )
        }
        Record::LowWater(_) => ("low-water", None),
        Record::Owed(..) => ("owed", None),
        Record::Frozen(_) => ("frozen", None),
    };
    Verdict { kind, wrong }
}
