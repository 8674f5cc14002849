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
    if let Some(read) = &config.read_quorums {
        for graph in [read, config.network.graph()] {
            text.push_str(graph.canonical().lines().nth(2).expect("a learner"));
            text.push('\n');
        }
    }
    for disk in config.disks.iter().flat_map(|disks| &disks.disks) {
        text.push_str(&format!("{}: {}\n", disk.name, disk.location));
    }
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

/// A configuration of Paxos with two acceptors, with more after each part.
fn paxos(quorums: &str, more: &str) -> Config {
    let text = with_keys(&format!(
        "network = \"x\"\nmode = \"paxos\"\nacceptors = [\"a1\", \"a2\"]\n{quorums}\n\
         [nodes.n1]\nkey = \"$1\"\nacceptor = \"a1\"\nproposer = true\naddress = \"/ip4/127.0.0.1/tcp/9\"\n\
         [nodes.n2]\nkey = \"$2\"\nacceptor = \"a2\"\naddress = \"/ip4/127.0.0.1/tcp/8\"\n{more}"
    ));
    Config::parse(&text, "net.toml").expect("good")
}

#[test]
fn read_quorums_are_part_of_the_network_and_learners_are_not() {
    let both = "{ sets = [[\"a1\", \"a2\"]] }";
    let known = paxos("", "");
    let same = paxos(&format!("[quorums]\nread = {both}\nwrite = {both}"), "");
    assert_eq!(known.network.id(), same.network.id());
    let other = paxos(&format!("[quorums]\nread = \"a1\"\nwrite = {both}"), "");
    assert_ne!(known.network.id(), other.network.id());
    let learner = "[nodes.m]\nkey = \"$3\"\naddress = \"/ip4/127.0.0.1/tcp/7\"\n";
    assert_eq!(known.network.id(), paxos("", learner).network.id());
    assert_eq!(paxos("", learner).network.graph().n_learners(), 3);
}

/// A configuration of Disk Paxos in a directory, with these numbers of processors.
fn disk_paxos(disks: &str, processors: &[u8]) -> Config {
    let mut text = format!("network = \"x\"\nmode = \"disk-paxos\"\n{disks}\n");
    for (i, number) in (1..).zip(processors) {
        text.push_str(&format!(
            "[nodes.n{i}]\nkey = \"${i}\"\nprocessor = {number}\naddress = \"/ip4/127.0.0.1/tcp/{i}\"\n"
        ));
    }
    Config::parse(&with_keys(&text), "/etc/net/net.toml").expect("good")
}

#[test]
fn a_processor_joins_without_new_disks_and_disks_belong_to_their_quorums() {
    let two = "[disks.d1]\npath = \"d1\"\n[disks.d2]\npath = \"/d2\"\n";
    let three = format!("{two}[disks.d3]\npath = \"d3\"\n");
    let disks = |config: &Config| config.disks.clone().expect("disks");
    let known = disk_paxos(two, &[1]);
    let places: Vec<String> = disks(&known)
        .disks
        .iter()
        .map(|d| d.location.to_string())
        .collect();
    assert_eq!(places, ["/etc/net/d1", "/d2"]);
    let joined = disk_paxos(two, &[1, 2]);
    assert_eq!(disks(&known).system, disks(&joined).system);
    assert_eq!(joined.network.id(), known.network.id());
    assert_ne!(
        disks(&known).system,
        disks(&disk_paxos(&three, &[1])).system
    );
    let quorums = format!("[quorums]\ndisks = \"d1\"\n{two}");
    assert_ne!(
        disks(&known).system,
        disks(&disk_paxos(&quorums, &[1])).system
    );
}
