//! Tests of `hpaxos storage`.

use super::*;
use crate::directory;
use crate::history::{FILE_NAME, HistoryFile};
use crate::storage::{FileLog, LOG};
use crate::testing::{self, keypair};
use clap::Parser;
use consensus::history::{History as _, Keep};
use consensus::hpaxos::{self, Message, evidence::Evidence};
use consensus::storage::Storage;
use consensus::{Ballot, Batch, ClientValue, Page, Record, RecordOf, Slot, paxos};
use crypto::{MemberId, Signed, Signer, codec};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::FileExt;
use tempfile::TempDir;

type HRecord = RecordOf<hpaxos::HPaxos>;

#[derive(Parser)]
struct Words {
    #[command(subcommand)]
    command: StorageCommand,
}

/// A data directory with a log of these records, and a configuration beside it.
struct Stored {
    dir: TempDir,
    config: Config,
}

impl Stored {
    fn new(records: &[Vec<u8>]) -> Stored {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("net.toml"), testing::text("")).unwrap();
        let stored = Stored {
            dir,
            config: testing::config(""),
        };
        let (mut log, _) = stored.open();
        for record in records {
            log.append(record).unwrap();
        }
        log.sync().unwrap();
        let node = stored.config.node("n1").unwrap();
        directory::bind(&stored.data(), node, 0).unwrap();
        stored
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn open(&self) -> (FileLog, crate::storage::Replay) {
        FileLog::open(self.data().join(LOG), self.config.network.id()).unwrap()
    }

    fn segment(&self) -> fs::File {
        let path = self.data().join("log/segment-0000000000000000.log");
        fs::OpenOptions::new().write(true).open(path).unwrap()
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("net.toml")
    }

    /// How a command ends, without a configuration and with it.
    fn exits(&self, verify: bool) -> [Exit; 2] {
        [None, Some(self.config())].map(|config| self.exit(verify, config))
    }

    fn exit(&self, verify: bool, config: Option<PathBuf>) -> Exit {
        let (data, json) = (self.data(), true);
        look(&LookArgs { data, config, json }, verify)
    }

    fn section(&self, config: Option<&Config>, verify: bool) -> Section {
        log::look(&Question {
            data: &self.data(),
            config,
            verify,
        })
    }
}

fn signed(member: u8, ballot: u64) -> Signed<Message> {
    let network = testing::config("").network.id();
    let signer = Signer::new(keypair(member + 1), MemberId(member.into()), network);
    let ballot = Ballot(ballot);
    signer
        .sign(Message::OneA { ballot })
        .unwrap()
        .signed()
        .clone()
}

fn encoded(record: &HRecord) -> Vec<u8> {
    codec::encode(record)
}

fn value() -> ClientValue {
    ClientValue::new(Vec::new(), b"value".to_vec()).unwrap()
}

/// One record of each kind, as a node would store it.
fn good() -> Vec<Vec<u8>> {
    vec![
        encoded(&Record::Message(signed(0, 1))),
        encoded(&Record::Message(signed(1, 2))),
        encoded(&Record::Value(value())),
        encoded(&Record::Batch(Batch {
            values: vec![value()],
        })),
        encoded(&Record::LowWater(Slot(7))),
    ]
}

fn kinds(lines: &[section::Line]) -> Vec<(String, u64)> {
    let kinds = lines.iter().filter(|line| line.json["event"] == "kind");
    kinds
        .map(|line| {
            let kind = line.json["kind"].as_str().unwrap().to_owned();
            (kind, line.json["records"].as_u64().unwrap())
        })
        .collect()
}

fn problems(lines: &[section::Line]) -> Vec<&str> {
    let problems = lines.iter().filter(|line| line.json["event"] == "problem");
    problems
        .map(|line| line.json["what"].as_str().unwrap())
        .collect()
}

#[test]
fn what_a_good_log_holds_is_shown_and_checked() {
    let stored = Stored::new(&good());
    for config in [None, Some(&stored.config)] {
        let shown = stored.section(config, false).shown();
        let expected = [("1a", 2), ("batch", 1), ("low-water", 1), ("value", 1)];
        assert_eq!(
            kinds(&shown),
            expected.map(|(kind, n)| (kind.to_owned(), n))
        );
        let log = &shown[0].json;
        assert_eq!(log["network"], stored.config.network.id().to_string());
        assert_eq!((&log["first"], &log["last"]), (&1.into(), &5.into()));
        assert_eq!(
            (&log["generation"], &log["torn"]),
            (&0.into(), &Value::Null)
        );
        let segment = &shown[1].json;
        assert_eq!(
            (&segment["version"], &segment["records"]),
            (&2.into(), &5.into())
        );
        let checked = stored.section(config, true).checked();
        assert_eq!(checked.len(), 1);
        assert_eq!(
            (&checked[0].json["records"], &checked[0].json["problems"]),
            (&5.into(), &0.into())
        );
        assert!(
            checked[0].text.ends_with(": nothing wrong"),
            "{}",
            checked[0].text
        );
    }
    assert_eq!(stored.exits(false), [Exit::Done; 2]);
    assert_eq!(stored.exits(true), [Exit::Done; 2]);
}

#[test]
fn records_that_are_nobodys_are_a_problem() {
    let stored = Stored::new(&good());
    fs::remove_file(stored.data().join("node.toml")).unwrap();
    assert_eq!(stored.exits(true), [Exit::Bad; 2]);
    let section = owner::look(&Question {
        data: &stored.data(),
        config: None,
        verify: true,
    });
    let checked = section.checked();
    let found = problems(&checked);
    assert!(
        found.len() == 1 && found[0].contains("node.toml, which says whose"),
        "{found:?}"
    );
    // Nothing was stored in it yet.
    let begun = Stored::new(&[]);
    fs::remove_file(begun.data().join("node.toml")).unwrap();
    assert_eq!(begun.exits(true), [Exit::Done; 2]);
}

#[test]
fn a_checkpoint_and_what_the_next_start_removes_are_shown() {
    let stored = Stored::new(&good());
    let (mut log, _) = stored.open();
    log.replace(&mut good().into_iter().take(2)).unwrap();
    log.append(&good()[2]).unwrap();
    log.sync().unwrap();
    drop(log);
    let directory = stored.data().join(LOG);
    fs::write(directory.join("segment-0000000000000000.log"), "old").unwrap();
    fs::write(directory.join("segment.new"), "draft").unwrap();
    let shown = stored.section(None, false).shown();
    let log = &shown[0].json;
    assert_eq!(
        (&log["first"], &log["last"], &log["generation"]),
        (&6.into(), &8.into(), &1.into())
    );
    assert_eq!(
        (&log["replaced"], &log["unfinished"]),
        (&1.into(), &true.into())
    );
    assert_eq!(log["grown"], 24 + good()[2].len());
    for part in [
        "checkpoint in segment 1",
        "1 replaced segment,",
        "an unfinished segment",
    ] {
        assert!(shown[0].text.contains(part), "{}", shown[0].text);
    }
    assert_eq!(stored.exits(true), [Exit::Done; 2]);
}

#[test]
fn a_torn_end_is_shown_and_nothing_is_changed() {
    let stored = Stored::new(&good());
    let end = 88 + good().iter().map(|r| 24 + r.len() as u64).sum::<u64>();
    stored.segment().write_all_at(b"torn", end).unwrap();
    // Even the lock is not made where there is none.
    fs::remove_file(stored.data().join("log/lock")).unwrap();
    let bytes = || fs::read(stored.data().join("log/segment-0000000000000000.log")).unwrap();
    let before = bytes();
    let shown = stored.section(None, false).shown();
    assert_eq!(shown[0].json["torn"], 4);
    assert_eq!(stored.exits(true), [Exit::Done; 2]);
    assert_eq!(fs::read_dir(stored.data().join(LOG)).unwrap().count(), 1);
    assert!(bytes() == before);
}

/// The problem that a record is, according to `check`.
fn problem_of(record: Vec<u8>) -> String {
    let stored = Stored::new(&[good().remove(0), record]);
    let checked = stored.section(Some(&stored.config), true).checked();
    let found = problems(&checked);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(stored.exits(true), [Exit::Done, Exit::Bad]);
    found[0].to_owned()
}

#[test]
fn a_signature_that_does_not_hold_is_found_by_check() {
    let mut forged = encoded(&Record::Message(signed(0, 1)));
    *forged.last_mut().unwrap() ^= 1;
    let stored = Stored::new(std::slice::from_ref(&forged));
    assert_eq!(
        stored.exits(false),
        [Exit::Done; 2],
        "to show verifies nothing"
    );
    let what = problem_of(forged);
    assert!(what.starts_with("record 2 (segment 0, offset "), "{what}");
    assert!(what.contains("signature"), "{what}");
    // Signed by a member, but in another's name.
    let mut other = encoded(&Record::Message(signed(1, 1)));
    other[4] ^= 1;
    assert!(problem_of(other).contains("signature"));
}

#[test]
fn evidence_that_proves_nothing_is_found_by_check() {
    let (first, second) = (signed(0, 1), signed(0, 2));
    let evidence = Record::Evidence(Evidence::Contradiction { first, second });
    assert!(problem_of(encoded(&evidence)).contains("proves nothing"));
}

#[test]
fn records_of_another_mode_or_none_are_found() {
    let message = paxos::Message {
        from: MemberId(0),
        body: paxos::Body::OneA { ballot: Ballot(1) },
    };
    let record: RecordOf<paxos::Paxos> = Record::Message(message);
    let strange = [codec::encode(&record), b"nothing".to_vec(), Vec::new()];
    for (record, kind) in strange.into_iter().zip(["1a", "unreadable", "unreadable"]) {
        let stored = Stored::new(std::slice::from_ref(&record));
        let shown = stored.section(None, false).shown();
        assert_eq!(kinds(&shown), [(kind.to_owned(), 1)]);
        // This needs no verification, so that both commands say it.
        assert_eq!(stored.exits(false), [Exit::Done, Exit::Bad]);
        let what = problem_of(record);
        assert!(what.contains("no record of mode 'hpaxos'"), "{what}");
    }
}

#[test]
fn many_problems_are_counted() {
    let stored = Stored::new(&vec![b"nothing".to_vec(); 100]);
    let checked = stored.section(Some(&stored.config), true).checked();
    let found = problems(&checked);
    assert_eq!(found.len(), 21);
    assert_eq!(found[20], "80 more records like these");
    assert_eq!(checked.last().unwrap().json["problems"], 100);
}

#[test]
fn damage_and_other_networks_are_bad() {
    let stored = Stored::new(&good());
    let text = testing::text("").replace("\"test\"", "\"other\"");
    let other = stored.dir.path().join("other.toml");
    fs::write(&other, &text).unwrap();
    for verify in [false, true] {
        assert_eq!(stored.exit(verify, Some(other.clone())), Exit::Bad);
    }
    let config = Config::parse(&text, "other.toml").unwrap();
    let shown = stored.section(Some(&config), false).shown();
    assert!(
        problems(&shown)[0].contains("belongs to network"),
        "{:?}",
        problems(&shown)
    );

    // In the second record, of which a later sync says that it was durable.
    let (mut log, _) = stored.open();
    log.append(b"more").unwrap();
    log.sync().unwrap();
    drop(log);
    let second = 88 + 24 + good()[0].len() as u64;
    stored.segment().write_all_at(&[0xff], second + 30).unwrap();
    for verify in [false, true] {
        assert_eq!(stored.exits(verify), [Exit::Bad; 2]);
    }
    let shown = stored.section(None, false).shown();
    assert_eq!(kinds(&shown), [("1a".to_owned(), 1)], "what is before it");
    let what = problems(&shown);
    assert!(
        what[0].contains(&format!("damaged at offset {second}")),
        "{what:?}"
    );
}

#[test]
fn what_cannot_be_looked_at_is_no_verdict() {
    let stored = Stored::new(&good());
    let failed = |why: &str| {
        for verify in [false, true] {
            assert_eq!(stored.exits(verify), [Exit::Failed; 2], "{why}");
        }
        let section = stored.section(None, true);
        assert!(
            section.failed.as_ref().unwrap().contains(why),
            "{:?}",
            section.failed
        );
        assert!(section.checked().is_empty());
    };
    let log = stored.open();
    failed("in use by another process");
    drop(log);
    stored.segment().write_all_at(&[3], 8).unwrap();
    failed("format version 3");
    let directory = stored.data().join(LOG);
    fs::remove_file(directory.join("segment-0000000000000000.log")).unwrap();
    failed("there is no log");
    fs::remove_dir_all(directory).unwrap();
    failed("there is no log");
    fs::remove_dir_all(stored.data()).unwrap();
    assert_eq!(stored.exits(true), [Exit::Failed; 2]);
    let missing = Some(stored.dir.path().join("none.toml"));
    assert_eq!(stored.exit(true, missing), Exit::Failed);
}

#[test]
fn arguments_are_parsed() {
    let parse = |line: &[&str]| Words::try_parse_from([&["storage"], line].concat());
    let line = ["check", "--data", "d", "--config", "c", "--json"];
    assert!(matches!(
        parse(&line).unwrap().command,
        StorageCommand::Check(LookArgs {
            json: true,
            config: Some(_),
            ..
        })
    ));
    assert!(matches!(
        parse(&["show", "--data", "d"]).unwrap().command,
        StorageCommand::Show(LookArgs { json: false, .. })
    ));
    assert!(parse(&["chekc", "--data", "d"]).is_err());
}

#[test]
fn a_forged_message_in_the_history_is_found() {
    for forged in [false, true] {
        let stored = Stored::new(&good());
        let network = stored.config.network.id();
        let path = stored.data().join(FILE_NAME);
        let lanes = stored.config.network.graph().n_learners();
        let size = |m: &Signed<Message>| m.body().len();
        let history = HistoryFile::open(&path, network, lanes, size).unwrap();
        let message = match forged {
            false => signed(0, 1),
            // Signed by another member than it says.
            true => {
                let mut bytes = codec::encode(&signed(0, 1));
                bytes[0] = 1;
                codec::decode(&bytes, bytes.len()).unwrap()
            }
        };
        history.keep(Keep::Page {
            page: Page::of(Slot(0), 256),
            messages: vec![message],
            batches: Vec::new(),
        });
        history.commit().unwrap();
        drop(history);
        let section = |verify| {
            history::look(&Question {
                data: &stored.data(),
                config: Some(&stored.config),
                verify,
            })
        };
        assert_eq!(section(false).shown()[0].json["pages"], 1);
        let checked = section(true).checked();
        let words = problems(&checked).join("; ");
        assert_eq!(
            words.contains("the signature of node 'n2'"),
            forged,
            "{words}"
        );
        assert_eq!(checked.last().unwrap().json["problems"], u64::from(forged));
        let ends = [Exit::Done, if forged { Exit::Bad } else { Exit::Done }];
        assert_eq!(stored.exits(true), ends);
    }
}
