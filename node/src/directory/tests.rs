//! Whose a directory is, and what is refused.

use super::*;
use crate::storage::FileLog;
use crate::testing;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

struct Place {
    dir: TempDir,
    config: Config,
}

impl Place {
    /// A directory that is not there yet, in a network whose n9 only learns.
    fn new() -> Place {
        Place {
            dir: TempDir::new().unwrap(),
            config: testing::config(""),
        }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn node(&self, name: &str) -> NodeConfig {
        self.config.node(name).unwrap().clone()
    }

    /// What the first start makes first.
    fn make_log(&self) {
        FileLog::open(self.data().join(LOG), self.config.network.id()).unwrap();
    }

    fn admit(&self, node: &str, init: bool) -> Result<(), DirectoryError> {
        admit(&self.data(), &self.config, &self.node(node), init)
    }
}

#[test]
fn an_empty_directory_needs_init() {
    let place = Place::new();
    let refused = |place: &Place| place.admit("n1", false).unwrap_err();
    let missing = refused(&place);
    assert!(matches!(missing, DirectoryError::Empty { .. }), "{missing}");
    let words = missing.to_string();
    assert!(
        words.contains("add --init") && words.contains("name the directory"),
        "{words}"
    );
    place.admit("n1", true).unwrap();
    assert!(!place.data().exists(), "it was only looked at");
    // Nothing of a node: something else, and a lock without a log.
    fs::create_dir_all(place.data().join(LOG)).unwrap();
    fs::write(place.data().join("notes"), "").unwrap();
    fs::write(place.data().join("log/lock"), "").unwrap();
    assert!(matches!(refused(&place), DirectoryError::Empty { .. }));
    place.admit("n1", true).unwrap();
}

#[test]
fn a_directory_with_data_refuses_init() {
    let place = Place::new();
    place.make_log();
    let refused = |place: &Place| place.admit("n1", true).unwrap_err().to_string();
    let words = refused(&place);
    assert!(words.contains("leave out --init"), "{words}");
    place.admit("n1", false).unwrap();
    bind(&place.data(), &place.node("n1"), 0).unwrap();
    let words = refused(&place);
    assert!(words.contains("of node 'n1'"), "{words}");
    place.admit("n1", false).unwrap();
}

#[test]
fn who_signs_nothing_needs_no_init() {
    let mut place = Place::new();
    let mut learner = place.node("n1");
    learner.member = None;
    let data = place.data();
    admit(&data, &place.config, &learner, false).unwrap();
    admit(&data, &place.config, &learner, true).unwrap();
    // What processors promise is on the disks.
    place.config.mode = Mode::DiskPaxos;
    place.admit("n1", false).unwrap();
    place.config.mode = Mode::Paxos;
    place.admit("n1", false).unwrap_err();
}

#[test]
fn a_first_start_that_was_cut_short_is_finished() {
    let place = Place::new();
    place.make_log();
    let (data, n1, n2) = (place.data(), place.node("n1"), place.node("n2"));
    assert_eq!(Owner::read(&data).unwrap(), None);
    examine(&data, &n1).unwrap();
    // Not if there are records, which may be anybody's.
    let words = bind(&data, &n1, 1).unwrap_err().to_string();
    assert!(words.ends_with(&Owner::of(&n1).text()), "{words}");
    assert_eq!(Owner::read(&data).unwrap(), None);
    bind(&data, &n1, 0).unwrap();
    assert_eq!(Owner::read(&data).unwrap(), Some(Owner::of(&n1)));
    assert!(!data.join("node.toml.new").exists());
    let before = fs::read(data.join(OWNER)).unwrap();
    for refused in [examine(&data, &n2), bind(&data, &n2, 0)] {
        let words = refused.unwrap_err().to_string();
        let whose = format!("the data directory of node 'n1' with the key {}", n1.key);
        assert!(
            words.contains(&whose) && words.contains("node 'n2'"),
            "{words}"
        );
    }
    assert_eq!(fs::read(data.join(OWNER)).unwrap(), before);
    examine(&data, &n1).unwrap();
}

#[test]
fn what_init_was_cut_short_in_is_finished_and_no_more() {
    let place = Place::new();
    let (data, n1, n2) = (place.data(), place.node("n1"), place.node("n2"));
    let init = |node: &NodeConfig, records| {
        examine(&data, node)?;
        never_ran(&data)?;
        place.make_log();
        begin(&data, node, records)
    };
    init(&n1, 0).unwrap();
    // After the log, and after the name.
    fs::remove_file(data.join(OWNER)).unwrap();
    init(&n1, 0).unwrap();
    init(&n1, 0).unwrap();
    assert_eq!(Owner::read(&data).unwrap(), Some(Owner::of(&n1)));
    let other = init(&n2, 0).unwrap_err();
    assert!(matches!(other, DirectoryError::OtherNode { .. }), "{other}");
    let begun = |result: Result<(), DirectoryError>| {
        let words = result.unwrap_err().to_string();
        assert!(words.contains("has the data of node 'n1'"), "{words}");
    };
    begun(init(&n1, 1));
    fs::write(data.join(HISTORY), "").unwrap();
    begun(init(&n1, 0));
    // Its log is lost: that is not mended by making another one.
    fs::remove_file(data.join(HISTORY)).unwrap();
    fs::remove_dir_all(data.join(LOG)).unwrap();
    let lost = init(&n1, 0).unwrap_err();
    assert!(matches!(lost, DirectoryError::LogGone { .. }), "{lost}");
}

#[test]
fn an_empty_log_beside_a_history_is_not_the_first() {
    let place = Place::new();
    place.make_log();
    let (data, mut n1) = (place.data(), place.node("n1"));
    fs::write(data.join(HISTORY), "").unwrap();
    let lost = bind(&data, &n1, 0).unwrap_err();
    assert!(matches!(lost, DirectoryError::LogGone { .. }), "{lost}");
    // Who signs nothing has promised nothing.
    n1.member = None;
    bind(&data, &n1, 0).unwrap();
}

#[test]
fn a_node_is_its_key_if_it_signs() {
    let place = Place::new();
    place.make_log();
    let (data, n1, n2) = (place.data(), place.node("n1"), place.node("n2"));
    bind(&data, &n1, 0).unwrap();
    let mut renamed = n1.clone();
    renamed.name = "another".into();
    bind(&data, &renamed, 0).unwrap();
    assert_eq!(Owner::read(&data).unwrap().unwrap().name, "another");
    // The key of an acceptor is not that of a learner of the same name.
    let mut learner = renamed;
    (learner.key, learner.member) = (n2.key, None);
    examine(&data, &learner).unwrap_err();
    fs::remove_file(data.join(OWNER)).unwrap();
    bind(&data, &learner, 0).unwrap();
    learner.key = n1.key;
    bind(&data, &learner, 0).unwrap();
    assert_eq!(Owner::read(&data).unwrap().unwrap().key, n1.key);
}

#[test]
fn a_log_that_is_gone_is_noticed() {
    let place = Place::new();
    let (data, n1) = (place.data(), place.node("n1"));
    examine(&data, &n1).unwrap();
    place.make_log();
    for (there, file) in [("history.redb", HISTORY), ("node.toml", OWNER)] {
        if file == OWNER {
            bind(&data, &n1, 0).unwrap();
        } else {
            fs::write(data.join(file), "").unwrap();
        }
        examine(&data, &n1).unwrap();
        fs::rename(data.join(LOG), data.join("elsewhere")).unwrap();
        let words = examine(&data, &n1).unwrap_err().to_string();
        assert!(
            words.contains("Put the log back") && words.contains(there),
            "{words}"
        );
        fs::rename(data.join("elsewhere"), data.join(LOG)).unwrap();
        fs::remove_file(data.join(file)).unwrap();
    }
}

#[test]
fn a_file_that_makes_no_sense_is_refused() {
    let place = Place::new();
    place.make_log();
    let (data, n1) = (place.data(), place.node("n1"));
    bind(&data, &n1, 0).unwrap();
    let good = fs::read_to_string(data.join(OWNER)).unwrap();
    for (bad, expected) in [
        (String::new(), "its format is none"),
        ("{".to_owned(), "it is no TOML"),
        (good.replace("format = 1", "format = 2"), "its format is 2"),
        (good.replace("name", "nam"), "nam"),
        (good.replace(&n1.key.to_string(), "12"), "its key"),
    ] {
        fs::write(data.join(OWNER), &bad).unwrap();
        let words = examine(&data, &n1).unwrap_err().to_string();
        assert!(words.contains(expected), "{bad}: {words}");
    }
}
