use super::*;
use crate::fault::Fault;

/// Reads a scenario of four nodes with these steps.
fn of(steps: &str) -> Result<Scenario, String> {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("s.toml");
    std::fs::write(&file, format!("title = \"t\"\nnodes = 4\n{steps}")).expect("written");
    read(&file).map_err(|failure| failure.to_string())
}

#[test]
fn steps_are_read_in_order() {
    let scenario = of(
        "[[step]]\nsubmit = [\"a\", \"b\"]\nto = \"n2\"\n[[step]]\nkill = \"n1\"\n[[step]]\nexpect = { decided = \"alice\", values = \"b\", at = [\"n2\"], within = 5 }\n",
    );
    let steps = scenario.expect("a scenario").steps;
    let words: Vec<&str> = steps.iter().map(|step| step.words.as_str()).collect();
    let expected = [
        "submit \"a\" and \"b\" to n2",
        "kill n1",
        "expect alice to decide 1 value",
    ];
    assert_eq!(words, expected);
    let submit = Action::Submit {
        values: 0..2,
        to: Some(1),
    };
    assert_eq!(steps[0].action, submit);
    let kill = Fault::Kill(Names(vec!["n1".into()]));
    assert_eq!(steps[1].action, Action::Fault(kill));
    let Action::Expect(expected) = &steps[2].action else {
        panic!("{:?}", steps[2])
    };
    assert_eq!(
        (&expected.values[..], &expected.at),
        (&[1][..], &Some(vec![1]))
    );
    assert_eq!(steps[2].within, Duration::from_secs(5));
}

#[test]
fn what_makes_no_sense_is_told_with_its_line() {
    for (steps, why) in [
        (
            "[[step]]\nkil = \"n1\"\n",
            "step 1, line 3: there is no action 'kil' (did you mean 'kill'?); a step is one of submit, expect, kill,",
        ),
        (
            "[[step]]\nkill = \"n1\"\n[[step]]\nkill = \"n9\"\n",
            "step 2, line 5: there is no node 'n9'",
        ),
        (
            "[[step]]\nkill = \"n1\"\nstart = \"n1\"\n",
            "one action per step: it has kill and start",
        ),
        (
            "[[step]]\nsubmit = \"x\"\nexpect = { agree = [] }\n",
            "one action per step: it has submit and expect",
        ),
        (
            "[[step]]\nkill = \"n1\"\nto = \"n2\"\n",
            "'to' does not belong to kill",
        ),
        (
            "[[step]]\nexpect = { caught = \"a1\", within = \"ten\" }\n",
            "`expect.within`",
        ),
        (
            "[[step]]\ndelay = { ms = \"ten\" }\n",
            "expected u64 in `ms`",
        ),
        (
            "[[step]]\ndelay = { ms = 5, between = [\"n1\", \"n1\"] }\n",
            "n1 has no link with itself",
        ),
        (
            "[[step]]\ndelay = { ms = 5, between = [\"n9\", \"all\"] }\n",
            "there is no node 'n9'",
        ),
        ("[[step]]\ndelay = { ms = 70000 }\n", "at most 60000"),
        (
            "[[step]]\npartition = [[\"n1\", \"n2\"], [\"n2\"]]\n",
            "n2 cannot be in two groups",
        ),
        (
            "[[step]]\npartition = [[\"n1\", \"n2\", \"n3\", \"n4\"]]\n",
            "all nodes are in one part",
        ),
        ("[[step]]\npartition = [[], []]\n", "nobody is named"),
        ("[[step]]\nkill = [\"n1\", \"n1\"]\n", "n1 is named twice"),
        ("[[step]]\n", "it says nothing"),
        (
            "[[step]]\nsubmit = \"a\"\n[[step]]\nsubmit = \"a\"\n",
            "'a' is submitted twice",
        ),
        (
            "[[step]]\nsubmit = \"a\"\nat = \"n1\"\n",
            "unknown field `at`",
        ),
        (
            "[[step]]\nexpect = { decided = \"alice\" }\n",
            "no value has been submitted by then",
        ),
        (
            "[[step]]\nexpect = { agree = [[\"alice\", \"zoe\"]] }\n",
            "there is no learner 'zoe'; the learners are alice, bob and carol",
        ),
        ("[[step]]\nexpect = { within = 3 }\n", "it expects nothing"),
        (
            "[[step]]\nexpect = { caught = \"a9\" }\n",
            "there is no acceptor 'a9'",
        ),
        (
            "[[step]]\nsubmit = \"a\"\n[[step]]\nexpect = { decided = \"alice\", values = \"b\" }\n",
            "'b' has not been submitted by then",
        ),
        (
            "[[step]]\nexpect = { caught = \"a1\", within = -1 }\n",
            "within is 0 to 3600 seconds",
        ),
        (
            "[[step]]\nbyzantine = { node = \"n1\", how = \"sleep\" }\n",
            "no node misbehaves as 'sleep'",
        ),
        ("mode = \"raft\"\nstep = []\n", "there is no mode 'raft'"),
        (
            "mode = \"paxos\"\n[[step]]\nbyzantine = { node = \"n1\", how = \"double-vote\" }\n",
            "mode paxos stands crashes",
        ),
        (
            "patience_ms = 1\nstep = []\n",
            "patience_ms is 100 to 3600000",
        ),
        ("stop = 3\n", "unknown field `stop`"),
        ("[[step]]\nkill = []\n", "nobody is named"),
        ("[[step]]\npartition = []\n", "nobody is named"),
        ("disks = 2\nstep = []\n", "mode hpaxos has no --disks"),
    ] {
        let error = of(steps).expect_err(steps);
        assert!(
            error.contains("s.toml: ") && error.contains(why),
            "{steps}: {error}"
        );
    }
}
