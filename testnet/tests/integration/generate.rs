//! What `testnet generate` writes, held against what nodes accept. Whether units and manifests are well-formed is for `.ci/manifests`.

use clap::Parser;
use crypto::Keypair;
use node::Config;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;
use testnet::cli::{Cli, Command};
use testnet::failure::Failure;
use testnet::generate::generate;

/// Runs the command in a directory of its own.
fn run(args: &str) -> (TempDir, Result<u8, Failure>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let result = run_in(&dir.path().join("out"), args);
    (dir, result)
}

fn run_in(out: &Path, args: &str) -> Result<u8, Failure> {
    let out = out.to_str().expect("UTF-8");
    let args = ["testnet", "generate", "--out", out]
        .into_iter()
        .chain(args.split_whitespace());
    match Cli::try_parse_from(args)
        .expect("arguments of the right shape")
        .command
    {
        Command::Generate(args) => generate(&args),
        other => panic!("{other:?}"),
    }
}

/// All files, by name.
fn files(dir: &TempDir) -> BTreeSet<String> {
    fn walk(at: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(at).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => walk(&path, root, found),
                false => {
                    let name = path.strip_prefix(root).expect("below the root");
                    found.insert(name.display().to_string());
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    let root = dir.path().join("out");
    walk(&root, &root, &mut found);
    found
}

fn read(dir: &TempDir, name: &str) -> String {
    fs::read_to_string(dir.path().join("out").join(name)).expect(name)
}

fn config(dir: &TempDir, name: &str) -> Config {
    Config::load(&dir.path().join("out").join(name)).expect("a good configuration")
}

/// The key files fit the nodes, and their owner alone can read them.
fn keys_fit(config: &Config, key: impl Fn(&str) -> std::path::PathBuf) {
    for node in &config.nodes {
        let path = key(&node.name);
        assert_eq!(
            Keypair::load(&path).expect("a key").public(),
            node.key,
            "{}",
            node.name
        );
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn systemd_has_a_directory_for_each_host() {
    let hosts = ["10.0.0.1", "fd00::2", "three.example.org", "10.0.0.1"];
    let (dir, result) = run(&format!(
        "--target systemd --network net --hosts {}",
        hosts.join(",")
    ));
    assert_eq!(result.expect("written"), 0);
    let expected = [
        "10.0.0.1/hpaxos-net-n1.service",
        "10.0.0.1/hpaxos-net-n4.service",
        "10.0.0.1/install.sh",
        "10.0.0.1/n1.key",
        "10.0.0.1/n4.key",
        "10.0.0.1/network.toml",
        "README.md",
        "fd00::2/hpaxos-net-n2.service",
        "fd00::2/install.sh",
        "fd00::2/n2.key",
        "fd00::2/network.toml",
        "three.example.org/hpaxos-net-n3.service",
        "three.example.org/install.sh",
        "three.example.org/n3.key",
        "three.example.org/network.toml",
    ];
    assert_eq!(files(&dir), expected.map(String::from).into());
    let config = config(&dir, "fd00::2/network.toml");
    assert_eq!(
        read(&dir, "10.0.0.1/network.toml"),
        read(&dir, "fd00::2/network.toml")
    );
    let places: Vec<String> = config
        .nodes
        .iter()
        .map(|n| format!("{} {} {}", n.address, n.listen, n.http.expect("HTTP")))
        .collect();
    assert_eq!(
        places,
        [
            "/ip4/10.0.0.1/tcp/9001 /ip4/0.0.0.0/tcp/9001 127.0.0.1:9002",
            "/ip6/fd00::2/tcp/9001 /ip6/::/tcp/9001 127.0.0.1:9002",
            "/dns/three.example.org/tcp/9001 /ip4/0.0.0.0/tcp/9001 127.0.0.1:9002",
            "/ip4/10.0.0.1/tcp/9003 /ip4/0.0.0.0/tcp/9003 127.0.0.1:9004",
        ]
    );
    let out = dir.path().join("out");
    keys_fit(&config, |node| {
        let at = config
            .nodes
            .iter()
            .position(|n| n.name == node)
            .expect("a node");
        out.join(hosts[at]).join(format!("{node}.key"))
    });
    let unit = read(&dir, "three.example.org/hpaxos-net-n3.service");
    assert!(
        unit.contains("--name n3 ") && !unit.contains("--init "),
        "{unit}"
    );
    let mode = fs::metadata(out.join("fd00::2/install.sh"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn compose_has_a_service_and_a_secret_for_each_node() {
    let (dir, result) = run("--target compose --mode paxos --nodes 5 --base-port 7000");
    assert_eq!(result.expect("written"), 0);
    let mut expected: BTreeSet<String> = (1..=5).map(|i| format!("keys/n{i}.key")).collect();
    expected.extend(["README.md", "compose.yaml", "init.sh", "network.toml"].map(String::from));
    assert_eq!(files(&dir), expected);
    let config = config(&dir, "network.toml");
    assert_eq!((config.nodes.len(), config.name.as_str()), (5, "hpaxos"));
    assert_eq!(config.nodes[4].address.to_string(), "/dns/n5/tcp/9000");
    keys_fit(&config, |node| {
        dir.path().join(format!("out/keys/{node}.key"))
    });
    let text = read(&dir, "compose.yaml");
    for i in 1..=5 {
        assert!(
            text.contains(&format!("\n  n{i}:\n    <<: *node\n")),
            "{text}"
        );
        assert!(text.contains(&format!("\"127.0.0.1:{}:8080\"", 6999 + i)));
        assert!(text.contains(&format!("file: ./keys/n{i}.key")));
    }
}

#[test]
fn kubernetes_has_a_stateful_set_and_a_secret_for_each_node() {
    let (dir, result) = run("--target kubernetes --image registry.example.org/hpaxos:1");
    assert_eq!(result.expect("written"), 0);
    let expected = [
        "README.md",
        "base.yaml",
        "init.yaml",
        "network.toml",
        "nodes.yaml",
        "secrets.yaml",
    ];
    assert_eq!(files(&dir), expected.map(String::from).into());
    let config = config(&dir, "network.toml");
    assert_eq!(
        config.nodes[1].address.to_string(),
        "/dns/n2-0.hpaxos/tcp/9000"
    );
    // What the pods get is the file that was checked.
    let base = read(&dir, "base.yaml");
    let inlined: String = read(&dir, "network.toml")
        .lines()
        .map(|line| {
            if line.is_empty() {
                "\n".into()
            } else {
                format!("    {line}\n")
            }
        })
        .collect();
    assert!(
        base.contains(&format!("  network.toml: |\n{inlined}---")),
        "{base}"
    );
    let secrets = read(&dir, "secrets.yaml");
    let keys: Vec<String> = secrets
        .split("node.key: |\n")
        .skip(1)
        .map(|rest| {
            rest.lines()
                .take_while(|line| *line != "---")
                .map(|line| format!("{}\n", line.trim()))
                .collect()
        })
        .collect();
    assert_eq!(keys.len(), 4);
    for (key, node) in keys.iter().zip(&config.nodes) {
        let path = dir.path().join(&node.name);
        fs::write(&path, key).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("private");
        assert_eq!(Keypair::load(&path).expect("a key").public(), node.key);
    }
    let mode = fs::metadata(dir.path().join("out/secrets.yaml"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let nodes = read(&dir, "nodes.yaml");
    assert_eq!(nodes.matches("kind: StatefulSet").count(), 4);
    assert_eq!(
        nodes
            .matches("image: registry.example.org/hpaxos:1\n")
            .count(),
        4
    );
    assert!(!nodes.contains("- --init"), "{nodes}");
}

#[test]
fn disks_are_where_they_were_said_to_be() {
    let disks = "/dev/disk/by-id/one,/srv/two,s3://ledger/three";
    let (dir, result) = run(&format!(
        "--target systemd --mode disk-paxos --disks {disks} --hosts a,b"
    ));
    assert_eq!(result.expect("written"), 0);
    let found = config(&dir, "a/network.toml").disks.expect("disks").disks;
    let places: Vec<String> = found.iter().map(|d| d.location.to_string()).collect();
    assert_eq!(places.join(","), disks);
    let unit = read(&dir, "b/hpaxos-hpaxos-n2.service");
    for line in [
        "DeviceAllow=/dev/disk/by-id/one rw",
        "ReadWritePaths=/srv/two",
        "EnvironmentFile=/etc/hpaxos/hpaxos/disks.env",
    ] {
        assert!(unit.contains(&format!("\n{line}\n")), "{unit}");
    }
    assert!(!unit.contains("PrivateDevices"), "{unit}");
    let (dir, result) =
        run("--target kubernetes --mode disk-paxos --disks s3://b/1,s3://b/2,s3://b/3");
    assert_eq!(result.expect("written"), 0);
    assert!(read(&dir, "nodes.yaml").contains("          envFrom:\n            - secretRef:\n"));
}

#[test]
fn without_a_graph_any_one_node_may_fail() {
    for (nodes, quorum) in [(1, 1), (4, 3), (5, 4), (7, 5)] {
        let (dir, result) = run(&format!("--target compose --nodes {nodes}"));
        assert_eq!(result.expect("written"), 0);
        let config = config(&dir, "network.toml");
        let graph = config.network.graph();
        let everyone = graph.learner("everyone").expect("the learner");
        assert_eq!(graph.n_learners(), 1);
        let some = |n| graph.acceptors().iter().take(n).collect();
        assert!(graph.is_quorum(everyone, &some(quorum)));
        assert!(!graph.is_quorum(everyone, &some(quorum - 1)), "{nodes}");
        let told = match nodes {
            1 => {
                "- learner everyone stands still without acceptor a1; one acceptor that lies can make it \
                 contradict itself\n"
            }
            _ => {
                "- learner everyone goes on without any one acceptor; no one acceptor that lies makes it contradict \
                 itself\n"
            }
        };
        assert!(read(&dir, "README.md").contains(told), "{nodes}");
    }
}

#[test]
fn what_no_single_loss_may_hit_is_told() {
    let graph = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/four.toml");
    let (dir, result) = run(&format!("--target kubernetes --graph {graph}"));
    assert_eq!(result.expect("written"), 0);
    let readme = read(&dir, "README.md");
    for line in [
        "- learner alice goes on without any one acceptor;",
        "- learner bob stands still without acceptor a1;",
        "- learner carol stands still without any one of a1, a2, a3, a4;",
    ] {
        assert!(readme.contains(line), "{readme}");
    }
    let (dir, result) = run("--target compose --mode paxos --nodes 2");
    assert_eq!(result.expect("written"), 0);
    let both = "- every learner stands still without any one of a1, a2\n";
    assert!(read(&dir, "README.md").contains(both));
}

#[test]
fn who_brings_public_keys_gets_no_secret_ones() {
    let keys: Vec<Keypair> = (1..=4).map(|seed| Keypair::from_seed([seed; 32])).collect();
    let lines: Vec<String> = (1..)
        .zip(&keys)
        .map(|(n, key)| format!("n{n} {}\n", key.public()))
        .collect();
    let given = tempfile::tempdir().expect("a temporary directory");
    let (file, place) = (given.path().join("keys"), given.path().join("dir"));
    fs::write(&file, format!("# theirs\n{}", lines.concat())).expect("written");
    fs::create_dir(&place).expect("made");
    for (n, key) in (1..).zip(&keys) {
        fs::write(
            place.join(format!("n{n}.pub")),
            format!("{}\n", key.public()),
        )
        .expect("written");
    }
    let expected: Vec<_> = keys.iter().map(Keypair::public).collect();
    for (target, from, at) in [
        ("systemd --hosts a,b,c,d", &file, "a/network.toml"),
        ("compose", &place, "network.toml"),
        ("kubernetes", &file, "network.toml"),
    ] {
        let from = from.display();
        let (dir, result) = run(&format!("--target {target} --public-keys {from}"));
        assert_eq!(result.expect("written"), 0);
        let names = files(&dir);
        let secret = |name: &&String| name.ends_with(".key") || name.contains("secret");
        assert_eq!(names.iter().find(secret), None, "{target}");
        let nodes = config(&dir, at).nodes;
        let found: Vec<_> = nodes.iter().map(|node| node.key).collect();
        assert_eq!(found, expected, "{target}");
        let readme = read(&dir, "README.md");
        assert!(readme.contains("**No secret keys are here.**"));
        assert!(!readme.contains("Remove the keys"), "{readme}");
        let id = config(&dir, at).network.id().to_string();
        assert!(readme.contains(&format!("`{id}`")), "{readme}");
        assert!(
            !readme.contains("-f secrets.yaml"),
            "there is no such file: {readme}"
        );
    }
    for (text, words) in [
        (lines[..3].concat(), "the key of node n4 is missing"),
        (format!("{}n5 x", lines.concat()), "there is no node n5"),
        (lines.concat().replace("n2", "n1"), "node n1 is there twice"),
        (format!("n1 {}", "0".repeat(64)), "node n1: "),
        (format!("n1 {0}\nn2 {0}", keys[0].public()), "have one key"),
        ("n1".to_owned(), "write NODE KEY"),
    ] {
        fs::write(&file, &text).expect("written");
        let args = format!("--target compose --public-keys {}", file.display());
        let (dir, result) = run(&args);
        let failure = result.expect_err(&text);
        assert_eq!(failure.code(), 2, "{failure}");
        assert!(failure.to_string().contains(words), "{words}: {failure}");
        assert!(!dir.path().join("out").exists(), "something was written");
    }
}

#[test]
fn hosts_with_several_nodes_are_told_with_who_stands_still_without_them() {
    let (dir, result) = run("--target systemd --hosts a,b,a,c");
    assert_eq!(result.expect("written"), 0);
    let readme = read(&dir, "README.md");
    let told = "- 2 nodes are on host a, and fail with it: then no quorum is left to everyone\n";
    assert!(readme.contains(told), "{readme}");
    let (dir, result) = run("--target systemd --nodes 7 --hosts a,b,a,c,d,e,f");
    assert_eq!(result.expect("written"), 0);
    let readme = read(&dir, "README.md");
    let told = "- 2 nodes are on host a, and fail with it\n";
    assert!(readme.contains(told), "{readme}");
    for (target, nodes) in [("compose", 4), ("kubernetes", 4)] {
        let (dir, result) = run(&format!("--target {target} --nodes {nodes}"));
        assert_eq!(result.expect("written"), 0);
        assert!(!read(&dir, "README.md").contains("are on host"), "{target}");
    }
}

/// The unit of the documentation is the one that is written, without what only protects the host.
#[test]
fn the_unit_in_the_documentation_is_the_one_that_is_written() {
    let (dir, result) = run("--target systemd --hosts a,b,c,d --network net");
    assert_eq!(result.expect("written"), 0);
    let unit = read(&dir, "a/hpaxos-net-n1.service");
    let page = include_str!("../../../docs/operating.md");
    let shown = page
        .split("```ini\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let own = ["Description", "ExecStart", "StateDirectory"];
    let mut same = BTreeSet::new();
    for line in shown.expect("a unit").lines() {
        let Some((field, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        if !own.contains(&field) {
            assert!(unit.lines().any(|written| written == line), "{line}");
            same.insert(field);
        }
    }
    for field in unit.lines().filter_map(|line| line.split_once('=')) {
        let field = field.0;
        let kept = field.starts_with("Restart") && !field.starts_with("Restrict");
        if kept
            || field.starts_with("StartLimit")
            || field.starts_with("Memory") && field != "MemoryDenyWriteExecute"
        {
            assert!(same.contains(field), "the documentation lacks {field}=");
        }
    }
}

#[test]
fn all_but_the_keys_is_the_same_every_time() {
    let without_keys = |dir: &TempDir| -> Vec<(String, String)> {
        let config = config(dir, "network.toml");
        let text = |name: &String| {
            let text = read(dir, name);
            config
                .nodes
                .iter()
                .fold(text, |text, n| text.replace(&n.key.to_string(), "KEY"))
        };
        let names = files(dir).into_iter().filter(|n| !n.contains("key"));
        names.map(|name| (name.clone(), text(&name))).collect()
    };
    let both = [run("--target compose"), run("--target compose")];
    let [one, other] = both.map(|(dir, result)| {
        assert_eq!(result.expect("written"), 0);
        without_keys(&dir)
    });
    assert_eq!(one, other);
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let refused = [
        ("--target systemd", "name the hosts"),
        ("--target systemd --hosts a,b", "4 nodes and 2 hosts"),
        (
            "--target systemd --hosts a,b,c,..",
            "'..' is neither an IP address nor a name",
        ),
        ("--target systemd --hosts a,b,c,d/e", "'d/e' is neither"),
        (
            "--target systemd --hosts a,b,c,d --image x",
            "no containers",
        ),
        (
            "--target systemd --hosts a,b,c,d --base-port 65535",
            "not enough ports",
        ),
        ("--target compose --hosts a", "find each other by name"),
        ("--target compose --base-port 65534", "not enough ports"),
        ("--target compose --image a;b", "a;b"),
        (
            "--target compose --network Net",
            "--network Net: use 1 to 40",
        ),
        ("--target compose --network 1net", "a letter first"),
        ("--target compose --network net-", "no '-' last"),
        ("--target compose --nodes 0", "--nodes 0"),
        (
            "--target compose --disks s3://a/b",
            "mode hpaxos has no --disks",
        ),
        (
            "--target compose --mode disk-paxos",
            "say where its disks are",
        ),
        (
            "--target compose --mode disk-paxos --disks /srv/d1",
            "containers share no path",
        ),
        (
            "--target systemd --hosts a,b --mode disk-paxos --disks d1",
            "use an absolute path",
        ),
        ("--target kubernetes --base-port 9", "leave it out"),
    ];
    for (args, words) in refused {
        let (dir, result) = run(args);
        let failure = result.expect_err(args);
        assert_eq!(failure.code(), 2, "{args}: {failure}");
        assert!(failure.to_string().contains(words), "{args}: {failure}");
        assert!(
            !dir.path().join("out").exists(),
            "{args}: something was written"
        );
    }
}

#[test]
fn a_directory_that_is_not_empty_is_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("mine"), "").expect("written");
    let failure = run_in(dir.path(), "--target compose").expect_err("not empty");
    assert_eq!(failure.code(), 3);
    assert!(
        failure.to_string().contains("is not empty; name a new one"),
        "{failure}"
    );
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
}

#[test]
fn an_invalid_graph_is_refused_with_all_its_problems() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let graph = dir.path().join("graph.toml");
    fs::write(
        &graph,
        "acceptors = [\"a1\"]\n[learners]\nx = \"a2\"\ny = \"a3\"\n",
    )
    .expect("written");
    let args = format!("--target compose --graph {}", graph.display());
    let failure = run_in(&dir.path().join("out"), &args).expect_err("no such acceptors");
    assert_eq!(failure.code(), 1);
    let words = failure.to_string();
    assert!(words.contains("a2") && words.contains("a3"), "{words}");
}
