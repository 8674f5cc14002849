//! The pages of a node and of a network, in a real browser: Chromium, driven through chromedriver as W3C WebDriver has it.
//!
//! `.ci/page` installs both and runs these. With `SCREENSHOTS=DIR` they leave the pictures of the README there.

#![allow(clippy::unwrap_used)]

#[path = "page/browser.rs"]
mod browser;
#[path = "page/fixture.rs"]
mod fixture;
mod support;

use browser::{Browser, ENTER, LEFT, TAB};
use fixture::Fixture;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use support::{Launcher, kill, pid};

fn of_learner(learner: &str) -> String {
    format!("#lanes tr[data-learner={learner}] [data-digest]")
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn decisions_appear_and_a_node_that_is_gone_shows() {
    let mut run = Launcher::start(&["--keep"], None);
    let nodes = run.nodes(4);
    let page = run.until(|e| e["event"] == "page");
    let browser = Browser::open(false).await;
    browser.go(nodes[0]["http"].as_str().unwrap()).await;
    browser.until("document.title === 'n1 · hpaxos'").await;
    let client = hpaxos_client::http_client().build().unwrap();
    let values = format!("{}/v1/values", nodes[1]["http"].as_str().unwrap());
    // One after the other, so that each has a slot of its own.
    for value in ["one", "two", "three"] {
        let decided = client.post(format!("{values}?wait=alice")).body(value);
        let decided = decided.send().await.unwrap();
        assert_eq!(decided.status(), 200, "{}", decided.text().await.unwrap());
    }
    for learner in ["alice", "bob", "carol"] {
        let lane = of_learner(learner);
        browser
            .until(&format!("document.querySelectorAll('{lane}').length >= 3"))
            .await;
    }
    // One that is submitted now appears without anybody asking for it, and can be read.
    let submitted = client
        .post(&values)
        .body("seen in the browser")
        .send()
        .await
        .unwrap();
    assert_eq!(submitted.status(), 202);
    let chip = format!(
        "document.querySelector('{}[aria-label*=\"seen in the browser\"]')",
        of_learner("alice")
    );
    browser.until(&chip).await;
    browser.eval(&format!("({chip}).focus()")).await;
    browser.shows("slot", "seen in the browser").await;
    // All three have the same, in the same colour.
    let digest = browser.eval(&format!("({chip}).dataset.digest")).await;
    let same = format!(
        "[...document.querySelectorAll('#lanes [data-digest=\"{}\"]')]",
        digest.as_str().unwrap()
    );
    browser.until(&format!("{same}.length === 3")).await;
    let colours = browser
        .eval(&format!(
            "new Set({same}.map(c => c.style.backgroundColor + c.className)).size"
        ))
        .await;
    assert_eq!(colours, 1);
    assert_eq!(
        browser
            .eval("document.getElementById('verdict').className")
            .await,
        "good"
    );
    assert_eq!(
        browser
            .eval("document.querySelectorAll('#graph [data-state=entangled]').length")
            .await,
        3
    );
    // Neighbours look different.
    let entries = "[...document.querySelectorAll('#lanes tr[data-learner=alice] [data-entry]')].map(c => c.dataset.entry)";
    assert_eq!(
        browser
            .eval(&format!("new Set({entries}).size === {entries}.length"))
            .await,
        true
    );
    browser.high(2060).await;
    browser.picture("page.png").await;
    assert_eq!(browser.errors().await, json!([]));

    kill(pid(&nodes[3]), Signal::KILL);
    browser
        .until(
            "document.querySelector('[aria-label*=\"a4, played by n4, which is not connected\"]')",
        )
        .await;
    browser
        .until("document.querySelector('[data-fact=peers]').textContent === '2 of 3'")
        .await;
    browser.shows("events", "n4 disconnected").await;

    // A node that has started again has told nothing since of what it decided before. Its page looks it up.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let faults = format!("{}/v1/faults", page["http"].as_str().unwrap());
    for fault in ["kill", "start"] {
        let done = client.post(&faults).json(&json!({fault: "n1"}));
        assert_eq!(done.send().await.unwrap().status(), 200, "{fault}");
    }
    let again = |e: &Value| {
        e["node"] == "n1"
            && e["connected"] == true
            && e["at_ms"].as_u64() >= u64::try_from(now.as_millis()).ok()
    };
    run.until(again);
    browser.go(nodes[0]["http"].as_str().unwrap()).await;
    browser
        .shows("verdict", "All learners agree in the slots compared, 0 to ")
        .await;
    run.signal(Signal::INT);
    run.end();
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn who_may_disagree_shows_with_the_reason() {
    let mixed = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/mixed.toml");
    let args = ["--graph", mixed, "--byzantine", "n1=double-vote", "--keep"];
    let mut run = Launcher::start(&args, None);
    let nodes = run.nodes(4);
    let browser = Browser::open(true).await;
    browser.go(nodes[1]["http"].as_str().unwrap()).await;
    let edge =
        |between: &str| format!("document.querySelector('#graph [data-between=\"{between}\"]')");
    let state = |between: &str| format!("{}?.dataset.state", edge(between));
    for (between, expected) in [("alice kiosk", "disconnected"), ("alice bob", "weakened")] {
        browser
            .until(&format!("{} === '{expected}'", state(between)))
            .await;
    }
    browser
        .eval(&format!("{}.focus()", edge("alice bob")))
        .await;
    browser.shows("about", "a1 was caught").await;
    browser.shows("evidence", "acceptor a1 is not safe").await;
    // With both things that it said.
    browser
        .until("document.querySelectorAll('#evidence .sides > li').length >= 2")
        .await;
    browser
        .until("document.querySelector('#graph .caught')")
        .await;
    // What is left: the kiosk's quorums have nobody honest in common for sure, and all others are needed.
    browser.shows("stands", "Now a1 is caught.").await;
    let kiosk = "May disagree: alice with kiosk and bob with kiosk; kiosk with itself.";
    browser.shows("stands", kiosk).await;
    let more = "Each of alice, bob and kiosk can be stopped by one more crash.";
    browser.shows("stands", more).await;
    // What was said that contradicts, and how to check it.
    browser
        .shows("command", "hpaxos evidence verify --config")
        .await;
    browser.eval("scrollTo(0, 0)").await;
    browser.picture("caught.png").await;
    assert_eq!(browser.errors().await, json!([]));
    run.signal(Signal::INT);
    run.end();
    // What is left on the page says how old it is.
    browser
        .shows("as-of", "What is shown here was so at ")
        .await;
    browser
        .until("getComputedStyle(document.getElementById('as-of')).display !== 'none'")
        .await;
}

/// Each half of the network decides a value while it is cut off from the other.
#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn faults_are_done_by_buttons_and_a_divergence_shows() {
    let graph = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/scenarios/two-worlds-graph.toml"
    );
    let args = ["--graph", graph, "--keep", "--patience-ms", "300"];
    let mut run = Launcher::start(&args, None);
    run.nodes(4);
    let page = run.until(|event| event["event"] == "page");
    let browser = Browser::open(false).await;
    browser.go(page["http"].as_str().unwrap()).await;
    let row = |node: &str, state: &str| {
        format!("document.querySelector('[data-node={node}][data-state={state}]')")
    };
    let link = |between: &str, state: &str| {
        format!("document.querySelector('[data-link=\"{between}\"][data-state={state}]')")
    };
    for node in ["n1", "n2", "n3", "n4"] {
        browser.until(&row(node, "up")).await;
    }
    browser.click("[data-key=\"kill n4\"]").await;
    browser.until(&row("n4", "down")).await;
    browser.click("[data-key=\"start n4\"]").await;
    browser.until(&row("n4", "up")).await;
    browser.click("#sides [value=n1]").await;
    browser.click("#sides [value=n2]").await;
    browser.click("#partition button").await;
    browser.until(&link("n1 n3", "cut")).await;
    browser.until(&link("n1 n2", "good")).await;
    let values = [
        ("n1", "alice", "the bridge is open"),
        ("n3", "bob", "the bridge is closed"),
    ];
    for (node, learner, value) in values {
        let form = "document.getElementById('submit')";
        browser
            .eval(&format!(
                "({form}.elements.value.value = '{value}', {form}.elements.node.value = '{node}')"
            ))
            .await;
        browser.click("#submit button").await;
        let chip = format!("{}[aria-label*=\"{value}\"]", of_learner(learner));
        browser
            .until(&format!("document.querySelector('{chip}')"))
            .await;
    }
    browser.picture("partition.png").await;
    browser.click("#heal button").await;
    browser.until(&link("n1 n3", "good")).await;
    // After it has healed they may differ in more slots.
    browser
        .shows("verdict", "alice and bob differ in slot")
        .await;
    let why = "which is allowed: alice decides by both of a1 and a2, bob by both of a3 and a4: they share no acceptor, and \
               nothing is promised between them.";
    browser.shows("verdict", why).await;
    let verdict = "document.getElementById('verdict').className";
    assert_eq!(browser.eval(verdict).await, "warn");
    for (_, learner, value) in values {
        let marked =
            format!("#lanes tr[data-learner={learner}] .allowed [aria-label*=\"{value}\"]");
        browser
            .until(&format!("document.querySelector('{marked}')"))
            .await;
    }
    let open = "document.querySelector('#lanes .allowed [aria-label*=\"the bridge is open\"]').dataset.slot";
    let of_slot =
        format!("[...document.querySelectorAll('#lanes [data-slot=\"' + {open} + '\"]')]");
    for different in ["c => c.textContent", "c => c.style.backgroundColor"] {
        let seen = format!("new Set({of_slot}.map({different})).size");
        assert_eq!(browser.eval(&seen).await, 2, "{different}");
    }
    browser
        .eval("document.getElementById('lanes-title').scrollIntoView()")
        .await;
    browser.picture("divergence.png").await;
    // All of them run, and those by which alice decides do not hear each other.
    let stuck = "document.getElementById('stuck').hidden";
    assert_eq!(browser.eval(stuck).await, true);
    let faults = format!("{}/v1/faults", page["http"].as_str().unwrap());
    let cut = hpaxos_client::http_client()
        .build()
        .unwrap()
        .post(faults)
        .json(&json!({"partition": [["n1"]]}));
    assert_eq!(cut.send().await.unwrap().status(), 200);
    browser.shows("stuck", "alice cannot decide now").await;
    assert_eq!(browser.errors().await, json!([]));
    run.signal(Signal::INT);
    run.end();
}

/// The acceptors that are marked in the drawing.
const MARKED: &str = "[...document.querySelectorAll('#graph .acceptor.marked')].map(g => g.dataset.key.split(' ')[1]).join(' ')";

/// alice decides by any three of four acceptors, bob by a1 and two others, carol by all.
#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn what_the_graph_survives_shows_and_what_if_is_told_from_what_is() {
    let mut run = Launcher::start(&["--keep"], None);
    let nodes = run.nodes(4);
    let page = run.until(|event| event["event"] == "page");
    let browser = Browser::open(false).await;
    browser.go(page["http"].as_str().unwrap()).await;
    let all_well = "No acceptor is known to have failed. Every learner has a quorum left, and every promise holds. \
                    Each of bob and carol can be stopped by one crash.";
    browser.shows("stands", all_well).await;
    let row =
        |table: &str, key: &str| format!("document.querySelector('#{table} [data-row=\"{key}\"]')");
    let reads = |table: &str, key: &str, cells: &[&str]| {
        let texts = format!(
            "[...{}?.children ?? []].map(td => td.textContent).join('|')",
            row(table, key)
        );
        format!("{texts} === '{}'", cells.join("|"))
    };
    browser
        .until(&reads("progress", "alice", &["alice", "1", "{a3, a4}"]))
        .await;
    browser
        .until(&reads("progress", "bob", &["bob", "0", "{a1}"]))
        .await;
    let by_quorums = ["alice with carol", "1 by quorums 2", "{a2, a3, a4}"];
    browser
        .until(&reads("agreement", "alice carol", &by_quorums))
        .await;
    let hangs = [
        "a1",
        "stops bob and carol; 1 learner survives one crash less",
        "6 pairs survive one fault less",
    ];
    browser.until(&reads("weights", "a1", &hangs)).await;
    // Whatever is looked at marks its set in the drawing, by keys as well, and no longer than that.
    let marks = async |element: &str, marked: &str| {
        browser.eval(&format!("{element}.focus()")).await;
        browser.until(&format!("{MARKED} === '{marked}'")).await;
    };
    marks(&row("progress", "bob"), "a1").await;
    marks(&row("agreement", "alice carol"), "a2 a3 a4").await;
    let part = |key: &str| format!("document.querySelector('#graph [data-key=\"{key}\"]')");
    marks(&part("edge alice bob"), "a3 a4").await;
    browser
        .shows("borne", "The promise survives 1 more Byzantine fault")
        .await;
    marks(&part("learner alice"), "a3 a4").await;
    browser
        .shows(
            "borne",
            "It survives 1 more crash; that of a3 and a4 would stop it.",
        )
        .await;
    marks(&part("acceptor a1"), "").await;
    browser
        .until("[...document.querySelectorAll('#graph .learner.marked')].map(g => g.dataset.key).join() === 'learner bob,learner carol'")
        .await;
    // A key on an acceptor supposes; what is stays as it is.
    browser.press(ENTER).await;
    browser.shows("what-if", "What if a1 crashed? bob and carol are stopped: no quorum is left. One more crash can stop alice.").await;
    browser
        .until(&reads(
            "progress",
            "bob",
            &["bob and carol", "0", "stopped", "none needed"],
        ))
        .await;
    let still = "document.getElementById('stands').textContent";
    assert_eq!(browser.eval(still).await, all_well);
    let kind = "document.querySelector('#graph .supposed')?.dataset.supposed";
    assert_eq!(browser.eval(kind).await, "crashed");
    browser.press(ENTER).await;
    browser.shows("what-if", "What if a1 were Byzantine?").await;
    browser.until(&format!("{kind} === 'Byzantine'")).await;
    browser
        .eval("document.getElementById('graph-title').scrollIntoView()")
        .await;
    browser.picture("what-if.png").await;
    // A node that is killed is no supposition.
    browser.click("[data-key=\"kill n4\"]").await;
    browser.shows("stands", "Now a4 is down. carol is stopped: no quorum is left. Each of alice and bob can be stopped by one more crash.").await;
    browser
        .shows(
            "what-if",
            "What if a1 were Byzantine as well? carol is stopped: no quorum is left. alice and bob cannot be relied on",
        )
        .await;
    browser.click("#forget").await;
    browser
        .until("document.getElementById('what-if').hidden")
        .await;
    browser
        .until(&reads("progress", "alice", &["alice", "1", "0", "{a3}"]))
        .await;
    browser
        .until("document.querySelectorAll('#graph .supposed').length === 0")
        .await;
    assert_eq!(browser.errors().await, json!([]));
    // The page of a node says the same of what it hears.
    browser.go(nodes[0]["http"].as_str().unwrap()).await;
    browser
        .shows("stands", "Now a4 is not connected. carol is stopped")
        .await;
    browser.click("[data-suppose=a2]").await;
    browser
        .shows(
            "what-if",
            "What if a2 crashed as well? alice, bob and carol are stopped",
        )
        .await;
    assert_eq!(browser.errors().await, json!([]));
    // A quorum that has a liar lasts as long as the liar does.
    let client = hpaxos_client::http_client().build().unwrap();
    let inflict = async |fault: Value| {
        let faults = format!("{}/v1/faults", page["http"].as_str().unwrap());
        let done = client.post(faults).json(&fault).send().await.unwrap();
        assert_eq!(done.status(), 200, "{fault}");
    };
    browser.go(page["http"].as_str().unwrap()).await;
    inflict(json!({"byzantine": {"node": "n3", "how": "double-vote"}})).await;
    let alice = |words: &str| {
        let row = row("progress", "alice");
        format!("{row}?.textContent.includes('{words}')")
    };
    browser.until(&alice("liars only")).await;
    inflict(json!({"kill": "n3"})).await;
    browser.until(&alice("stopped")).await;
    let values = format!("{}/v1/values?node=n3", page["http"].as_str().unwrap());
    let refused = client.post(values).body("x").send().await.unwrap();
    assert_eq!(refused.status(), 409);
    let problem: Value = refused.json().await.unwrap();
    let why = "n3 is down, and takes no values; choose another node";
    assert_eq!(problem["detail"], why);
    assert_eq!(browser.errors().await, json!([]));
    run.signal(Signal::INT);
    run.end();
}

/// What an element is that has the focus.
const FOCUSED: &str = "document.activeElement.dataset.key";

/// The verdict and the way to the slot are in the window.
const IN_SIGHT: &str = "['verdict', 'jump'].map(id => document.getElementById(id).getBoundingClientRect())\
    .every(r => r.height > 0 && r.top >= 0 && r.bottom <= innerHeight) && scrollY === 0";

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn a_violation_is_red_and_what_is_allowed_is_not() {
    let fixture = Fixture::serve().await;
    let browser = Browser::open(false).await;
    browser.go(fixture.url()).await;
    let kind = |kind: &str| format!("document.getElementById('verdict').dataset.kind === '{kind}'");
    fixture.decided("alice", "the bridge is open");
    fixture.decided("bob", "the bridge is open");
    browser.until(&kind("agreed")).await;
    fixture.decided_in(1, "alice", "one");
    fixture.decided_in(1, "bob", "two");
    browser.until(&kind("violation")).await;
    let why = "VIOLATION: alice and bob differ in slot 1, which is not allowed: alice and bob are to agree while any 2 of a1, \
               a2 and a3 are safe, and nothing is known against them.";
    browser.shows("verdict", why).await;
    browser
        .until("document.querySelectorAll('#lanes .violation [data-digest]').length === 2")
        .await;
    assert_eq!(
        browser
            .eval("document.getElementById('verdict').className")
            .await,
        "bad"
    );
    browser.picture("violation.png").await;
    // On every screen it is seen before anything is scrolled, with the way to the slot.
    for (width, height) in [(1280, 800), (800, 600), (390, 844)] {
        browser.window(width, height).await;
        browser.until(IN_SIGHT).await;
    }
    browser.eval("scrollTo(0, 0)").await;
    browser.click("#jump").await;
    let there = "document.activeElement.dataset.slot === '1' && document.activeElement.getBoundingClientRect().top < innerHeight";
    browser.until(there).await;
    // Two of three acceptors lie: then nobody has promised that.
    fixture.lie(&["n1", "n2"]);
    browser.until(&kind("allowed")).await;
    let why = "alice and bob are to agree while any 2 of a1, a2 and a3 are safe, but a1 and a2 are not, and the others leave \
               no such set.";
    browser.shows("verdict", why).await;
    browser
        .until("document.querySelectorAll('#lanes .allowed [data-digest]').length === 2")
        .await;
    let red = "document.querySelectorAll('#lanes .violation').length";
    assert_eq!(browser.eval(red).await, 0);
    assert_eq!(browser.errors().await, json!([]));
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn a_learner_far_behind_is_compared_and_the_verdict_says_with_what() {
    let fixture = Fixture::serve().await;
    let browser = Browser::open(false).await;
    browser.go(fixture.url()).await;
    let verdict = async |kind: &str, look: &str, words: &str| {
        let element = "document.getElementById('verdict')";
        let shown =
            format!("{element}.dataset.kind === '{kind}' && {element}.className === '{look}'");
        browser.until(&shown).await;
        browser.shows("verdict", words).await;
    };
    for slot in 300..700 {
        fixture.decided_in(slot, "alice", &format!("value {slot}"));
    }
    fixture.decided_in(10, "bob", "value 10");
    verdict("nothing", "quiet", "Nothing to compare yet").await;
    for slot in 300..399 {
        fixture.decided_in(slot, "bob", &format!("value {slot}"));
    }
    verdict(
        "agreed",
        "good",
        "All learners agree in the slots compared, 300 to 398.",
    )
    .await;
    // 300 slots behind: nothing of it is drawn any more.
    fixture.decided_in(399, "bob", "something else");
    let why = "VIOLATION: alice and bob differ in slot 399, which is not allowed";
    verdict("violation", "bad", why).await;
    // It can be looked at, and is the only difference there.
    browser.click("#jump").await;
    let marked = "[...document.querySelectorAll('#lanes .violation [data-slot]')].map(c => c.dataset.slot).join(' ')";
    browser.until(&format!("{marked} === '399 399'")).await;
    browser.click("#back").await;
    browser.until(&format!("{marked} === ''")).await;
    // More than is remembered one by one is counted.
    for slot in 400..700 {
        fixture.decided_in(slot, "bob", "something else");
    }
    let all = "in slots 399, 400, 401, 402, 403, 404, 405, 406 and 293 more, which";
    browser.shows("verdict", all).await;
    assert_eq!(browser.errors().await, json!([]));
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn a_page_that_is_opened_late_is_told_what_differed() {
    let fixture = Fixture::serve().await;
    fixture.decided_in(3, "alice", "one");
    fixture.decided_in(3, "bob", "other");
    fixture.differed(&[3]);
    // So much that the events of slot 3 are forgotten.
    for slot in 10..10_110 {
        fixture.decided_in(slot, "alice", "same");
        fixture.decided_in(slot, "bob", "same");
    }
    let browser = Browser::open(false).await;
    browser.go(fixture.url()).await;
    let why = "VIOLATION: alice and bob differ in slot 3, which is not allowed: alice and bob are to agree while";
    browser.shows("verdict", why).await;
    // As it stands, whoever looks already.
    fixture.differed(&[3, 5]);
    browser
        .shows("verdict", "alice and bob differ in slots 3 and 5, which")
        .await;
    assert_eq!(browser.errors().await, json!([]));
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn keys_are_enough_and_what_is_wrong_is_said_where_it_was_written() {
    let mut run = Launcher::start(&["--keep"], None);
    run.nodes(4);
    let page = run.until(|event| event["event"] == "page");
    let browser = Browser::open(false).await;
    browser.go(page["http"].as_str().unwrap()).await;
    let submit = async |value: &str| {
        let form = "document.getElementById('submit')";
        browser
            .eval(&format!("{form}.elements.value.value = '{value}'"))
            .await;
        browser.click("#submit button").await;
    };
    let said = async |form: &str, words: &str| {
        let text = format!("document.querySelector('#{form} .said').textContent");
        browser.until(&format!("{text}.includes('{words}')")).await;
    };
    browser
        .until("document.querySelector('[data-node=n4][data-state=up]')")
        .await;
    submit("").await;
    said("submit", "Write a value first").await;
    submit("twice").await;
    said("submit", "Decided by ").await;
    submit("once").await;
    said("submit", "Decided by ").await;
    submit("twice").await;
    said("submit", "Already decided, by ").await;
    // A delay: what is none is refused, and one of a single node is about its links only.
    let delay = async |ms: &str| {
        let form = "document.getElementById('delay').elements";
        browser
            .eval(&format!(
                "({form}.ms.value = '{ms}', {form}.a.value = 'n1', {form}.b.value = 'all')"
            ))
            .await;
        browser.click("#delay button").await;
    };
    delay("abc").await;
    said("delay", "whole number of milliseconds").await;
    let before = "document.querySelector('#submit .said').textContent";
    assert_eq!(
        browser.eval(before).await,
        "",
        "what was said before is over"
    );
    delay("40").await;
    said("delay", "Done: 40 ms more between n1 and every other node.").await;
    browser
        .until("document.querySelectorAll('[data-link][data-state=slow]').length === 3")
        .await;
    let untouched = "document.querySelectorAll('[data-link^=\"n1 \"][data-state=good]').length";
    assert_eq!(browser.eval(untouched).await, 0);
    // Who pauses a node by a key can go on from there.
    browser
        .eval("document.querySelector('[data-key=\"pause n2\"]').focus()")
        .await;
    browser.press(ENTER).await;
    browser.until(&format!("{FOCUSED} === 'resume n2'")).await;
    browser
        .until("document.querySelector('[data-link=\"n2 n3\"][data-state=idle]')")
        .await;
    browser.press(ENTER).await;
    browser.until(&format!("{FOCUSED} === 'pause n2'")).await;
    // One stop of the tab key for each lane, and arrows inside.
    let stops = "document.querySelectorAll('#lanes [tabindex=\"0\"]').length";
    let lanes = "document.querySelectorAll('#lanes tr[data-learner]').length";
    assert_eq!(browser.eval(stops).await, browser.eval(lanes).await);
    browser
        .eval("document.querySelector('#lanes tr[data-learner=alice] [tabindex=\"0\"]').focus()")
        .await;
    let slot = "Number(document.activeElement.dataset.slot)";
    let at = browser.eval(slot).await.as_u64().unwrap();
    browser.press(LEFT).await;
    assert_eq!(browser.eval(slot).await.as_u64(), Some(at - 1));
    browser.press(TAB).await;
    let lane = "document.activeElement.closest('tr').dataset.learner";
    assert_eq!(browser.eval(lane).await, "bob");
    assert_eq!(browser.errors().await, json!([]));
    run.signal(Signal::INT);
    run.end();
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn a_ballot_that_is_given_up_shows_with_the_reason_and_the_patience() {
    let fixture = Fixture::serve().await;
    let browser = Browser::open(false).await;
    browser.go(fixture.url()).await;
    browser.shows("nodes", "1000 to 2000 ms").await;
    browser
        .shows("nodes", "3; ballot 1 is given up: alice waited")
        .await;
    // Of several nodes that do, the first is told.
    for node in ["n2", "n3"] {
        fixture.gave_up(node, 4);
    }
    browser
        .shows("events", "n2: ballot 4 is given up: bob waited")
        .await;
    fixture.gave_up("n2", 5);
    browser.shows("events", "ballot 5").await;
    let others = "document.getElementById('events').textContent.includes('n3')";
    assert_eq!(browser.eval(others).await, false);
    assert_eq!(browser.errors().await, json!([]));
}

#[tokio::test]
#[ignore = "needs Chromium: .ci/page installs it"]
async fn a_phone_has_room_for_all_of_it() {
    let fixture = Fixture::serve().await;
    let browser = Browser::open(false).await;
    browser.phone().await;
    browser.go(fixture.url()).await;
    fixture.decided("alice", "the bridge is open");
    fixture.decided("bob", "the bridge is open");
    browser
        .until("document.querySelectorAll('#lanes [data-digest]').length === 2")
        .await;
    browser
        .until("document.querySelectorAll('.do button').length > 9")
        .await;
    let wide = "document.documentElement.scrollWidth";
    assert_eq!(browser.eval(wide).await, 390, "nothing is to the side");
    let buttons = "[...document.querySelectorAll('main button:not(.cell):not([hidden])')].map(b => b.getBoundingClientRect())";
    let small =
        format!("{buttons}.filter(r => r.height < 40 || r.left < 0 || r.right > 390).length");
    assert_eq!(browser.eval(&small).await, 0);
    // What can be done with a node comes before what is known of it.
    let first = "[...document.querySelectorAll('#nodes tr')].every(tr => tr.lastChild.getBoundingClientRect().top < \
                 tr.children[1].getBoundingClientRect().top)";
    assert_eq!(browser.eval(first).await, true);
    browser.picture("phone.png").await;
    // Where the graph has no room, it is scrolled and not shrunk.
    browser.window(320, 800).await;
    let scale = "document.getElementById('graph').getScreenCTM().a >= .89";
    browser.until(scale).await;
    browser
        .until("document.documentElement.scrollWidth <= 320")
        .await;
    // Between a phone and a desk nothing of a table is cut off.
    browser.window(800, 800).await;
    let cut = "[...document.querySelectorAll('.scroll')].filter(s => s.scrollWidth > s.clientWidth).map(s => s.innerHTML)";
    assert_eq!(browser.eval(cut).await, json!([]));
    assert_eq!(browser.errors().await, json!([]));
}
