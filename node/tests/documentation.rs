//! `docs/configuration.md`, `docs/http-api.md`, `docs/storage.md` and `docs/decisions.md` name everything
//! there is, with the right numbers, and their examples can be used.

use crypto::{Digest, Keypair, NetworkId};
use learner_graph::Severity;
use node::config::{Byzantine, Limits, Mode, look};
use node::storage::{LogError, format};
use node::{Config, DirectoryError};
use serde_json::Value;

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
const HTTP_API: &str = include_str!("../../docs/http-api.md");
const STORAGE: &str = include_str!("../../docs/storage.md");
const DECISIONS: &str = include_str!("../../docs/decisions.md");

/// The blocks of a page that are in this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let begun = page.split(fence.as_str()).skip(1);
    begun
        .map(|rest| rest.split("```").next().unwrap_or(rest))
        .collect()
}

/// The first quoted text after every place of this text.
fn quoted_after<'a>(source: &'a str, place: &str) -> Vec<&'a str> {
    let after = source.split(place).skip(1);
    after.filter_map(|rest| rest.split('"').nth(1)).collect()
}

/// All of these are in the page as code, or begin some.
fn all_in_page(page: &str, names: &[&str], at_least: usize) {
    assert!(names.len() >= at_least, "found in the source: {names:?}");
    for name in names {
        let as_code = [
            format!("`{name}`"),
            format!("`GET {name}`"),
            format!("`POST {name}`"),
            format!("`{name} = "),
            format!("`[{name}"),
            format!("`[[{name}]]`"),
        ];
        let there = as_code.iter().any(|code| page.contains(code.as_str()));
        assert!(there, "{name} is not documented");
    }
}

fn example() -> String {
    let blocks = blocks(CONFIGURATION, "toml");
    let example = blocks.iter().find(|b| b.contains("KEY-OF-n1"));
    let keyed = (1..=4u8).fold(String::from(*example.expect("an example")), |text, i| {
        let key = Keypair::from_seed([i; 32]).public().to_string();
        text.replace(&format!("KEY-OF-n{i}"), &key)
    });
    assert!(!keyed.contains("KEY-OF"), "{keyed}");
    keyed
}

#[test]
fn the_example_is_a_network() {
    let config = Config::parse(&example(), "network.toml").expect("a good configuration");
    assert_eq!(config.warnings, []);
    assert_eq!(config.nodes.len(), 4);
}

#[test]
fn examples_are_valid_in_their_modes() {
    let mut texts: Vec<String> = blocks(CONFIGURATION, "toml")
        .into_iter()
        .map(|text| match text.contains("KEY-OF") {
            true => example(),
            false => text.to_owned(),
        })
        .collect();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    for entry in std::fs::read_dir(directory).expect("the examples") {
        let path = entry.expect("an example").path();
        // Scenarios are networks with more in them; they are played.
        if path.is_dir() {
            continue;
        }
        texts.push(std::fs::read_to_string(path).expect("text"));
    }
    let mut seen = Vec::new();
    for text in texts {
        let look = look(&text, "example.toml", Mode::Hpaxos);
        assert!(!look.is_bad(), "{text}{:?}", look.problems);
        seen.push(look.mode.expect("a mode"));
    }
    assert!(Mode::ALL.iter().all(|mode| seen.contains(mode)), "{seen:?}");
    for text in blocks(CONFIGURATION, "toml") {
        let look = look(text, "page.toml", Mode::Hpaxos);
        let warned = look
            .problems
            .iter()
            .find(|p| p.severity == Severity::Warning);
        assert_eq!(warned, None, "{text}");
    }
}

#[test]
fn examples_of_json_are_json() {
    let examples = [CONFIGURATION, HTTP_API, STORAGE].map(|page| blocks(page, "json"));
    for line in examples.concat().iter().flat_map(|block| block.lines()) {
        let parsed = serde_json::from_str::<Value>(line);
        assert!(parsed.is_ok_and(|v| v.is_object()), "{line}");
    }
}

#[test]
fn limits_have_their_defaults_and_ranges() {
    let defaults = format!("{:?}", Limits::default());
    let unlimited = example().replace("patience_ms = 500\n", "");
    for name in Limits::NAMES {
        let after = defaults.split(&format!("{name}: ")).nth(1);
        let default = after.and_then(|rest| rest.split([',', ' ']).next());
        let error = Config::parse(&format!("{unlimited}{name} = -1\n"), "network.toml")
            .expect_err("no limit is negative")
            .to_string();
        let range = error.split("use a number from ").nth(1);
        let row = format!(
            "| `{name}` | {} | {} |",
            default.expect("a default"),
            range.expect("a range").trim()
        );
        assert!(CONFIGURATION.contains(&row), "{row}");
    }
}

/// The fields of a struct in this source.
fn fields<'a>(source: &'a str, of: &str) -> Vec<&'a str> {
    let entry = source.split(&format!("struct {of} {{")).nth(1);
    let entry = entry.and_then(|rest| rest.split('}').next());
    let fields = entry.expect("a struct").split("pub(super) ").skip(1);
    fields.filter_map(|rest| rest.split(':').next()).collect()
}

#[test]
fn fields_flags_and_variables_are_documented() {
    let file = include_str!("../src/config/file.rs");
    let nodes = fields(file, "NodeEntry");
    assert!(nodes.len() >= 9, "{nodes:?}");
    for name in nodes {
        let row = format!("\n| `{name}` |");
        assert!(CONFIGURATION.contains(&row), "`{name}` is not documented");
    }
    all_in_page(CONFIGURATION, &learner_graph::GRAPH_FIELDS, 4);
    all_in_page(CONFIGURATION, &learner_graph::CONFIG_FIELDS, 4);
    for (of, at_least) in [("QuorumsEntry", 3), ("DiskEntry", 5)] {
        all_in_page(CONFIGURATION, &fields(file, of), at_least);
    }
    for mode in Mode::ALL {
        assert!(CONFIGURATION.contains(&format!("`\"{}\"`", mode.name())));
    }
    let arguments = include_str!("../src/args.rs");
    all_in_page(CONFIGURATION, &quoted_after(arguments, "env = "), 6);
    for behaviour in Byzantine::ALL {
        assert!(CONFIGURATION.contains(&format!("`\"{}\"`", behaviour.name())));
    }
}

#[test]
fn the_fields_of_decision_files_are_documented() {
    let line = include_str!("../src/decision/golden.ndjson");
    let line: Value = serde_json::from_str(line).expect("JSON");
    let fields: Vec<&str> = line
        .as_object()
        .expect("a line")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(fields.len(), 10, "{fields:?}");
    for field in fields {
        let row = format!("\n| `{field}` |");
        assert!(DECISIONS.contains(&row), "`{field}` is not documented");
    }
    let format = line["format"].as_str().expect("text");
    all_in_page(DECISIONS, &[format], 1);
    all_in_page(HTTP_API, &[format], 1);
}

#[test]
fn routes_problems_and_events_are_documented() {
    let routes = quoted_after(include_str!("../src/http/mod.rs"), ".route(");
    all_in_page(HTTP_API, &routes, 10);
    let problems = include_str!("../src/http/problem.rs");
    let kinds = quoted_after(problems, "Self::new(");
    all_in_page(HTTP_API, &kinds, 8);
    let pages = [
        include_str!("../src/http/page/events.js"),
        include_str!("../src/http/page/node.js"),
    ];
    // What the page hears: `kind: e => …`.
    let heard = pages.iter().flat_map(|page| page.lines());
    let kinds = heard.filter_map(|line| line.trim().split_once(": e =>"));
    let kinds: Vec<&str> = kinds.map(|(kind, _)| kind).collect();
    all_in_page(HTTP_API, &kinds, 7);
}

/// The rows of the table that begins with this one, cell by cell.
fn table<'a>(page: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let begun = page.split(&format!("\n{head}\n")).nth(1);
    let rows = begun.expect("the table").lines().skip(1);
    let rows = rows.take_while(|row| row.starts_with('|'));
    let cells = |row: &'a str| row.trim_matches('|').split(" | ").map(str::trim).collect();
    rows.map(cells).collect()
}

#[test]
fn every_error_of_the_log_is_documented() {
    let path = || "n1/log".into();
    let (found, expected) = (NetworkId(Digest::of(b"a")), NetworkId(Digest::of(b"b")));
    let errors = [
        LogError::Io {
            path: path(),
            doing: "read".into(),
            source: std::io::Error::other("broken"),
        },
        LogError::InUse(path()),
        LogError::NotASegment(path()),
        LogError::NewerVersion {
            path: path(),
            found: format::VERSION + 1,
        },
        LogError::OtherNetwork {
            path: path(),
            found,
            expected,
        },
        LogError::Damaged {
            path: path(),
            offset: 0,
            what: String::new(),
        },
        LogError::Missing(path()),
        LogError::RecordTooLarge(format::MAX_RECORD + 1),
        LogError::Stopped(String::new()),
    ];
    let rows = table(STORAGE, "| error | what it means | what to do |");
    assert_eq!(rows.len(), errors.len());
    for (row, error) in rows.iter().zip(errors) {
        let words = row[0].trim_matches('`');
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn errors_of_the_directory_are_documented() {
    let path = || "n1".into();
    let errors = [
        DirectoryError::Empty {
            path: path(),
            node: "n1".into(),
        },
        DirectoryError::Begun {
            path: path(),
            owner: String::new(),
        },
        DirectoryError::OtherNode {
            path: path(),
            owner: "node 'n2'".into(),
            node: "n1".into(),
            key: String::new(),
        },
        DirectoryError::LogGone {
            path: path(),
            there: "node.toml",
        },
    ];
    let rows = table(STORAGE, "| of the directory | what it means | what to do |");
    assert_eq!(rows.len(), errors.len());
    for (row, error) in rows.iter().zip(errors) {
        let words = row[0].trim_matches('`');
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn the_bytes_of_the_log_are_documented() {
    let len = |head: &str| -> usize {
        let rows = table(STORAGE, head);
        rows.iter()
            .filter_map(|row| row[1].parse::<usize>().ok())
            .sum()
    };
    assert_eq!(len("| header | bytes |"), format::HEADER_LEN);
    assert_eq!(len("| record | bytes |"), format::RECORD_HEADER_LEN);
    let source = include_str!("../src/storage/format.rs");
    assert!(source.contains("const HEADER_LEN_1: usize = 72;") && STORAGE.contains("(72 bytes)"));
}

#[test]
fn what_storage_show_prints_is_documented() {
    let log = include_str!("../src/cli/storage/log.rs");
    let fields = table(STORAGE, "| field of `log` | what |");
    let fields: Vec<&str> = fields.iter().flat_map(|row| row[0].split(", ")).collect();
    for field in &fields {
        assert!(log.contains(&field.replace('`', "\"")), "{field}");
    }
    let examples = blocks(STORAGE, "json");
    let example: Vec<Value> = examples[0]
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let known = ["event", "path", "network", "records"];
    let example = example.iter().find(|line| line["event"] == "log");
    let example = example.expect("an example");
    for name in example.as_object().expect("an object").keys() {
        let documented = fields.contains(&format!("`{name}`").as_str());
        assert!(documented || known.contains(&name.as_str()), "{name}");
    }
    let kinds = table(STORAGE, "| kind | what |");
    let kinds: Vec<&str> = kinds.iter().flat_map(|row| row[0].split(", ")).collect();
    let records = include_str!("../src/cli/storage/records.rs");
    let messages = [
        include_str!("../../consensus/src/hpaxos/message.rs"),
        include_str!("../../consensus/src/paxos/message.rs"),
    ];
    let named = quoted_after(records, "=> (").into_iter();
    let named = named.chain(messages.iter().flat_map(|m| {
        let kind = m.split("fn kind(&self)").nth(1).expect("kinds");
        quoted_after(kind.split("\n    }\n").next().unwrap_or(kind), "=> ")
    }));
    let named: Vec<&str> = named.collect();
    assert!(named.len() >= 12, "{named:?}");
    for name in named {
        assert!(
            kinds.contains(&format!("`{name}`").as_str()),
            "{name}: {kinds:?}"
        );
    }
}
