//! `docs/configuration.md` and `docs/http-api.md` name everything there is, with the right numbers,
//! and their examples can be used.

use crypto::Keypair;
use learner_graph::Severity;
use node::Config;
use node::config::{Byzantine, Limits, Mode, look};
use serde_json::Value;

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
const HTTP_API: &str = include_str!("../../docs/http-api.md");

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
    let examples = [CONFIGURATION, HTTP_API].map(|page| blocks(page, "json"));
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
fn routes_problems_events_and_metrics_are_documented() {
    let routes = quoted_after(include_str!("../src/http/mod.rs"), ".route(");
    all_in_page(HTTP_API, &routes, 11);
    let problems = include_str!("../src/http/problem.rs");
    let kinds = quoted_after(problems, "Self::new(");
    all_in_page(HTTP_API, &kinds, 8);
    let page = include_str!("../src/http/page.html");
    let kinds = page.split("for (const kind of [").nth(1);
    let kinds = kinds.and_then(|rest| rest.split(']').next());
    let kinds: Vec<&str> = kinds
        .expect("kinds")
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    all_in_page(HTTP_API, &kinds, 7);
    let metrics = include_str!("../src/view/metrics.rs");
    let metrics: Vec<String> = quoted_after(metrics, "r.register(")
        .iter()
        .map(|name| format!("hpaxos_{name}"))
        .collect();
    let metrics: Vec<&str> = metrics.iter().map(String::as_str).collect();
    all_in_page(HTTP_API, &metrics, 23);
}
