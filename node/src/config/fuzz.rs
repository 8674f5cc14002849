//! Fuzzing the configuration file.

use super::Config;
use crypto::Keypair;

/// Whatever the text is: a configuration, or problems that point into the text.
fn check(text: &str) {
    let problems = match Config::parse(text, "fuzz.toml") {
        Ok(config) => {
            assert!(config.nodes.len() >= config.network.members().len());
            config.warnings
        }
        Err(error) => {
            assert!(!error.0.is_empty(), "refused without a reason");
            error.0
        }
    };
    for problem in problems {
        assert!(!problem.what.is_empty());
        let Some(at) = problem.at else { continue };
        let lines = text.split('\n').count();
        assert!((1..=lines).contains(&at.line), "{problem}");
        let line = text.split('\n').nth(at.line - 1).unwrap_or_default();
        assert!(
            (1..=line.chars().count() + 1).contains(&at.column),
            "{problem}"
        );
    }
}

#[test]
fn any_text() {
    bolero::check!()
        .with_iterations(2000)
        .with_max_len(1024)
        .for_each(|bytes: &[u8]| check(&String::from_utf8_lossy(bytes)));
}

/// A good file whose lines are dropped, repeated, swapped, or get another value.
#[test]
fn changed_files() {
    let good = good();
    assert!(Config::parse(&good, "fuzz.toml").is_ok());
    bolero::check!()
        .with_iterations(500)
        .with_max_len(12)
        .for_each(|bytes: &[u8]| {
            let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
            for edit in bytes.chunks_exact(3) {
                change(&mut lines, [edit[0], edit[1], edit[2]]);
            }
            check(&lines.join("\n"));
        });
}

const VALUES: [&str; 16] = [
    "\"a1\"",
    "\"a2\"",
    "\"alice\"",
    "\"\"",
    "0",
    "-1",
    "true",
    "[]",
    "{}",
    "\"paxos\"",
    "\"disk-paxos\"",
    "\"double-vote\"",
    "9223372036854775807",
    "[\"bob\"]",
    "\"/ip4/1.2.3.4/tcp/1\"",
    "\"127.0.0.1:80\"",
];
const KEYS: [&str; 8] = [
    "mode",
    "listen",
    "http",
    "byzantine",
    "processor",
    "acceptor",
    "[limits]\nwindow",
    "[quorums]\nread",
];

fn change(lines: &mut Vec<String>, [what, at, with]: [u8; 3]) {
    let at = usize::from(at) % lines.len().max(1);
    let with = usize::from(with);
    match what % 5 {
        _ if lines.is_empty() => {}
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[with % lines.len()].clone()),
        2 => {
            let other = with % lines.len();
            lines.swap(at, other);
        }
        3 => {
            if let Some((key, _)) = lines[at].split_once(" = ") {
                lines[at] = format!("{key} = {}", VALUES[with % 16]);
            }
        }
        _ => lines.insert(
            at,
            format!("{} = {}", KEYS[with % 8], VALUES[with / 8 % 16]),
        ),
    }
}

fn good() -> String {
    let mut text = String::from(
        "network = \"fuzz\"\nacceptors = [\"a1\", \"a2\", \"a3\"]\n[learners]\n\
         alice = { threshold = 2, of = [\"a1\", \"a2\", \"a3\"] }\n\
         [[safe]]\nbetween = [\"alice\"]\nwhen = { threshold = 3, of = [\"a1\", \"a2\", \"a3\"] }\n",
    );
    for i in 1..=3u8 {
        let key = Keypair::from_seed([i; 32]).public();
        text.push_str(&format!(
            "[nodes.n{i}]\nkey = \"{key}\"\nacceptor = \"a{i}\"\nproposer = true\n\
             learners = [\"alice\"]\naddress = \"/ip4/127.0.0.1/tcp/{i}\"\n"
        ));
    }
    text
}
