//! Decisions with their certificates, from real nodes to a verification without any.

use crate::fixture::TestNet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::hpaxos::evidence::Certificate;
use consensus::hpaxos::{Message, SlotVotes, Votes};
use consensus::{Ballot, Batch, ClientValue, Slot};
use crypto::{Keypair, Signer, codec};
use serde_json::{Value, json};
use std::process::{Command, Output};

fn plain(_: &str) -> String {
    String::new()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(output: &Output) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).expect("JSON");
    text(&output.stdout).lines().map(parse).collect()
}

impl TestNet {
    async fn verify(&self, args: &[&str]) -> Output {
        let command = ["decision", "verify", "--config", "net.toml"];
        self.run(&[&command, args].concat()).await
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_prove_themselves_after_all_nodes_are_gone() {
    let mut net = TestNet::new(plain);
    net.start_all().await;
    let node = net.address("n2");
    let submit = ["submit", "--node", &node, "--wait", "alice"];
    let args = ["first", "second", "--certificate", "paid.json", "--json"];
    let submitted = net.run(&[&submit[..], &args[..]].concat()).await;
    assert_eq!(submitted.status.code(), Some(0), "{submitted:?}");
    let slots: Vec<u64> = lines(&submitted)
        .iter()
        .map(|s| s["slot"].as_u64().expect("a slot"))
        .collect();
    let next = slots[1] + 1;
    // The answer says where the certificate is, and there is what the file holds.
    let url = lines(&submitted)[1]["certificate"]
        .as_str()
        .map(String::from);
    let url = format!("{node}{}", url.expect("a path"));
    let served = net.client.get(url).send().await.expect("an answer");
    let served = served.text().await.expect("text");
    assert!(net.file("paid.json").ends_with(&served), "{served}");
    // Another learner, at a node that was not asked before.
    net.delivered_all("n4", "bob", 2).await;
    let range = format!("0..{next}");
    let other = net.address("n4");
    let export = ["decision", "export", "--node", &other, "--learner", "bob"];
    let exported = net
        .run(&[&export[..], &["--slots", &range, "--to", "bob.ndjson"]].concat())
        .await;
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    let open = net.run(&[&export[..], &["--slots", "0.."]].concat()).await;
    assert_eq!(open.status.code(), Some(0), "{open:?}");
    assert!(text(&open.stdout).starts_with(&net.file("bob.ndjson")));
    let one = ["--slot", &slots[1].to_string()];
    let one = net.run(&[&export[..], &one[..]].concat()).await;
    assert!(net.file("bob.ndjson").ends_with(&text(&one.stdout)));
    for name in ["n1", "n2", "n3", "n4"] {
        net.stop(name).await;
    }

    let verified = net.verify(&["paid.json", "bob.ndjson"]).await;
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let words = text(&verified.stdout);
    for part in [
        "paid.json:1: alice decided slot",
        "bob.ndjson:1: bob decided slot 0",
        "a quorum of bob",
        "\"first\"",
        "\"second\"",
        &format!(
            "verified: {}",
            net.file("paid.json").lines().count() as u64 + next
        ),
    ] {
        assert!(words.contains(part), "no '{part}': {words}");
    }
    let json = net.verify(&["--json", "paid.json"]).await;
    let json = lines(&json);
    assert_eq!(json[0]["learner"], "alice");
    assert_eq!(json[0]["values"][0]["text"], "first");
    assert!(json[0]["acceptors"].as_array().expect("acceptors").len() >= 3);
    assert_eq!(json.last().expect("a line")["refused"], 0);
    refused(&net).await;
    elsewhere(&net).await;
}

/// What is changed, missing or not wanted.
async fn refused(net: &TestNet) {
    let good = net.file("bob.ndjson");
    let tampered = good.replacen("first", "worst", 1);
    assert_ne!(tampered, good);
    std::fs::write(net.path("tampered"), tampered).expect("written");
    let refused = net.verify(&["paid.json", "tampered"]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let why = text(&refused.stderr);
    assert!(
        why.contains("tampered:") && why.contains(": error: "),
        "{why}"
    );
    let still = text(&refused.stdout);
    assert!(
        still.contains("paid.json:1: alice"),
        "the others are verified: {still}"
    );
    std::fs::write(net.path("empty"), "").expect("written");
    std::fs::write(net.path("gap"), good.replacen('\n', "\n\n", 1)).expect("written");
    for file in ["empty", "gap", "net.toml"] {
        let refused = net.verify(&[file]).await;
        assert_eq!(refused.status.code(), Some(1), "{file}: {refused:?}");
        assert!(text(&refused.stderr).contains(file), "{refused:?}");
    }
    let wanted = net.verify(&["--learner", "alice", "bob.ndjson"]).await;
    assert_eq!(wanted.status.code(), Some(1), "{wanted:?}");
    let wanted = net.verify(&["--learner", "bob", "bob.ndjson"]).await;
    assert_eq!(wanted.status.code(), Some(0), "{wanted:?}");
    for (args, code) in [
        (&["--learner", "carol", "bob.ndjson"][..], 2),
        (&[], 2),
        (&["missing"], 3),
        (&["missing", "bob.ndjson"], 3),
        (&["missing", "tampered"], 1),
    ] {
        let ended = net.verify(args).await;
        assert_eq!(ended.status.code(), Some(code), "{args:?}: {ended:?}");
    }
    let mut verify = Command::new(env!("CARGO_BIN_EXE_hpaxos"));
    let input = std::fs::File::open(net.path("bob.ndjson")).expect("a file");
    let verify = verify
        .args(["decision", "verify", "--config", "net.toml", "-"])
        .current_dir(net.dir.path())
        .stdin(input)
        .output()
        .expect("it runs");
    assert_eq!(verify.status.code(), Some(0), "{verify:?}");
}

/// By the configuration of another network nothing is proved.
async fn elsewhere(net: &TestNet) {
    let renamed = net.text.replace("\"test\"", "\"other\"");
    let weaker = net.text.replace(
        "alice = \"any3\"",
        "alice = { threshold = 4, of = [\"any3\", \"a1\", \"a2\", \"a3\", \"a4\"] }",
    );
    assert_ne!(weaker, net.text);
    for (file, text_of) in [("renamed.toml", renamed), ("graph.toml", weaker)] {
        std::fs::write(net.path(file), text_of).expect("written");
        let args = ["decision", "verify", "--config", file, "paid.json"];
        let refused = net.run(&args).await;
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let why = text(&refused.stderr);
        assert!(why.contains("it is of the network 'test'"), "{why}");
    }
    let args = ["decision", "verify", "--config", "none.toml", "paid.json"];
    assert_eq!(net.run(&args).await.status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_said() {
    let mut net = TestNet::new(plain);
    net.start_all().await;
    net.submit("n1", "value", "alice").await;
    let node = net.address("n1");
    let export = async |more: &[&str]| {
        let args = ["decision", "export", "--node", &node];
        net.run(&[&args, more].concat()).await
    };
    for (args, code, words) in [
        (&["--learner", "alice"][..], 2, "required"),
        (
            &["--learner", "alice", "--slot", "0", "--slots", "0..1"],
            2,
            "cannot be used",
        ),
        (
            &["--learner", "alice", "--slots", "1..0"],
            2,
            "no range of slots",
        ),
        (
            &["--learner", "carol", "--slot", "0"],
            1,
            "no learner 'carol'",
        ),
        (
            &["--learner", "carol", "--slots", "0.."],
            1,
            "no learner 'carol'",
        ),
        (
            &["--learner", "alice", "--slot", "1000", "--to", "none"],
            1,
            "no certificate of slot 1000",
        ),
        (
            &["--learner", "alice", "--slots", "1000.."],
            1,
            "has decided the slots before",
        ),
        (
            &["--learner", "alice", "--slots", "0..1000", "--to", "some"],
            1,
            "go on with --slots",
        ),
        (
            &["--learner", "alice", "--slot", "0", "--to", "net.toml"],
            3,
            "not overwritten",
        ),
    ] {
        let ended = export(args).await;
        assert_eq!(ended.status.code(), Some(code), "{args:?}: {ended:?}");
        assert!(text(&ended.stderr).contains(words), "{args:?}: {ended:?}");
    }
    assert!(!net.path("none").exists(), "nothing was written");
    assert_eq!(net.file("net.toml"), net.text);
    let verified = net.verify(&["some"]).await;
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let told = export(&["--learner", "alice", "--slot", "0", "--to", "one", "--json"]).await;
    let expected = json!({
        "event": "exported", "learner": "alice", "first": 0, "next": 1, "decisions": 1, "file": "one",
    });
    assert_eq!(lines(&told), [expected]);
    // Nothing is submitted if its certificate could not be kept.
    let submit = [
        "submit",
        "--node",
        &node,
        "unwanted",
        "--wait",
        "alice",
        "--certificate",
        "one",
    ];
    let refused = net.run(&submit).await;
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let needs_wait = [
        "submit",
        "--node",
        &node,
        "unwanted",
        "--certificate",
        "two",
    ];
    assert_eq!(net.run(&needs_wait).await.status.code(), Some(2));
    net.submit("n1", "last", "alice").await;
    assert_eq!(net.delivered("n1", "alice").await, ["value", "last"]);
}

/// A decision that these nodes have signed, written by somebody who has read the description only.
fn signed(net: &TestNet, learner: &str, text: &str, nodes: [&str; 3]) -> String {
    let network = &net.config.network;
    let id = network.graph().learner(learner).expect("a learner");
    let value = ClientValue::new(Vec::new(), text.into()).expect("small");
    let json = format!(
        r#"{{"id":"{}","base64":"{}","text":"{text}"}}"#,
        value.id(),
        STANDARD.encode(text)
    );
    let batch = Batch {
        values: vec![value],
    };
    let (slot, ballot, digest) = (Slot(0), Ballot(1), batch.digest());
    let two_b = nodes.map(|node| {
        let key = Keypair::load(net.path(&format!("{node}.key"))).expect("a key");
        let member = network.member_named(node).expect("a member");
        let votes = SlotVotes {
            slot,
            two_av: None,
            two_b: Some((digest, [id].into_iter().collect())),
        };
        let slots = vec![votes];
        let message = Message::Votes(Votes { ballot, slots });
        let signer = Signer::new(key, member, network.id());
        signer.sign(message).expect("small").signed().clone()
    });
    let certificate = Certificate {
        learner: id,
        slot,
        ballot,
        value: digest,
        two_b: two_b.to_vec(),
    };
    format!(
        r#"{{"format":"hpaxos/decision/1","network":"test","network_id":"{}","learner":"{learner}","slot":0,"ballot":1,"digest":"{digest}","values":[{json}],"signers":["{}"],"certificate":"{}"}}"#,
        network.id(),
        nodes.join(r#"",""#),
        STANDARD.encode(codec::encode(&certificate)),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_genuine_decisions_that_differ_are_held_against_each_other() {
    let promised = TestNet::new(plain);
    let apart = promised.text.replace(
        r#"between = ["alice", "bob"]"#,
        "between = [\"alice\"]\nwhen = \"any3\"\n[[safe]]\nbetween = [\"bob\"]",
    );
    let dir = tempfile::tempdir().expect("a temporary directory");
    for node in ["n1", "n2", "n3"] {
        let key = format!("{node}.key");
        std::fs::copy(promised.path(&key), dir.path().join(&key)).expect("copied");
    }
    let free = TestNet::of(dir, apart);
    for (net, code, words) in [
        (
            &promised,
            1,
            "not all acceptors are safe whom alice relies on to agree with bob",
        ),
        (
            &free,
            0,
            "the graph never promises that alice agrees with bob",
        ),
    ] {
        for (file, learner, value) in [("a", "alice", "v"), ("b", "bob", "w"), ("c", "bob", "v")] {
            let line = signed(net, learner, value, ["n1", "n2", "n3"]);
            std::fs::write(net.path(file), line).expect("written");
        }
        let differ = net.verify(&["a", "b"]).await;
        assert_eq!(differ.status.code(), Some(code), "{differ:?}");
        let all = text(&differ.stdout) + &text(&differ.stderr);
        assert!(all.contains(words), "{all}");
        assert!(all.contains("verified: 2"), "each is genuine: {all}");
        let agree = net.verify(&["a", "c", "a"]).await;
        assert_eq!(agree.status.code(), Some(0), "{agree:?}");
        assert!(!text(&agree.stdout).contains("differently"), "{agree:?}");
    }
    let json = promised.verify(&["--json", "a", "b"]).await;
    let found = &lines(&json)[2];
    assert_eq!(found["learners"], json!(["alice", "bob"]));
    assert_eq!(found["promised"], true);
}
