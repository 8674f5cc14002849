//! What is wrong with a configuration, where, and how to mend it: transcripts in `tests/config`.
//!
//! `$1` to `$9` stand for the keys of nine nodes. `REWRITE=1` rewrites the expected parts; read them
//! before committing.

use crypto::Keypair;
use node::Config;

fn with_keys(text: &str) -> String {
    (1..=9u8).fold(text.to_owned(), |text, i| {
        let key = Keypair::from_seed([i; 32]).public();
        text.replace(&format!("${i}"), &key.to_string())
    })
}

fn describe(config: &Config) -> String {
    let mut text = String::new();
    for warning in &config.warnings {
        text.push_str(&format!("{warning}\n"));
    }
    text.push_str(&format!(
        "network {}, mode {}\n",
        config.name,
        config.mode.name()
    ));
    for node in &config.nodes {
        let http = node.http.map_or("no http".to_owned(), |a| a.to_string());
        let member = node
            .member
            .map_or("no member".to_owned(), |m| format!("member {m}"));
        text.push_str(&format!(
            "{}: {member}, {}, {} via {}, {http}{}\n",
            node.name,
            node.roles().join(" "),
            node.address,
            node.listen,
            node.byzantine
                .map_or(String::new(), |b| format!(", {}", b.name())),
        ));
    }
    text
}

#[test]
fn transcripts() {
    let mut cases = 0;
    datadriven::walk(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config"),
        |file| {
            file.run(|case| {
                cases += 1;
                // A blank line would end the transcript's input, so `#` lines stand for them.
                let text = with_keys(&case.input);
                match (case.directive.as_str(), Config::parse(&text, "net.toml")) {
                    ("check", Ok(config)) => describe(&config),
                    ("check", Err(error)) => format!("{error}\n"),
                    ("limit", Ok(config)) => format!(
                        "patience_ms {}, window {}\n",
                        config.limits.patience_ms, config.limits.window
                    ),
                    ("limit", Err(error)) => format!("{error}\n"),
                    (other, _) => panic!("unknown directive {other}"),
                }
            });
        },
    );
    assert!(cases >= 10, "the transcripts were not found");
}

#[test]
fn the_order_in_the_file_means_nothing_and_every_key_counts() {
    let graph = "network = \"x\"\nacceptors = [\"a1\"]\n[learners]\nl = { sets = [[\"a1\"]] }\n\
                 [[safe]]\nbetween = [\"l\"]\nwhen = \"a1\"\n";
    let node = |name: &str, key: u8, more: &str| {
        with_keys(&format!(
            "[nodes.{name}]\nkey = \"${key}\"\naddress = \"/ip4/127.0.0.1/tcp/9\"\n{more}\n"
        ))
    };
    let id = |nodes: &[String]| {
        let text = format!("{graph}{}", nodes.concat());
        Config::parse(&text, "net.toml").expect("good").network.id()
    };
    let first = node("n1", 1, "acceptor = \"a1\"");
    let second = node("n2", 2, "proposer = true");
    let known = id(&[first.clone(), second.clone()]);
    assert_eq!(id(&[second.clone(), first.clone()]), known);
    assert_ne!(
        id(&[first.clone(), node("n2", 3, "proposer = true")]),
        known
    );
    // A node that only learns signs nothing, so it does not make another network.
    assert_eq!(
        id(&[first, second, node("n3", 3, "learners = [\"l\"]")]),
        known
    );
}
