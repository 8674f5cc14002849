//! `hpaxos evidence verify`.

use super::{Exit, fail, print, read_text};
use crate::Config;
use crate::config::Mode;
use crate::decision::refusal_in_words;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use consensus::Protocol as _;
use consensus::hpaxos::HPaxos;
use consensus::hpaxos::evidence::{Evidence, EvidenceError, Finding};
use crypto::codec;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// The largest text that is read: base64 of several pieces of evidence.
const MAX_TEXT_BYTES: usize = 256 << 20;

/// What can be asked about evidence.
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// Verify evidence with nothing but the network's configuration
    Verify(VerifyArgs),
}

/// The arguments of `hpaxos evidence verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The configuration of the network
    #[arg(long, env = "HPAXOS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// A file with the evidence, as base64 or as the JSON of /v1/evidence; `-` is standard input
    evidence: PathBuf,
    /// Print one JSON object per piece of evidence
    #[arg(long)]
    json: bool,
}

impl EvidenceCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let EvidenceCommand::Verify(args) = self;
        verify(args).into()
    }
}

fn verify(args: &VerifyArgs) -> Exit {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return Exit::Failed;
        }
    };
    if config.mode != Mode::Hpaxos {
        let why = "its messages are not signed, so that nothing can be proved against anybody";
        let mode = config.mode.name();
        return fail(Exit::Bad, format!("mode '{mode}' has no evidence: {why}"));
    }
    let text = match read_text(&args.evidence, MAX_TEXT_BYTES) {
        Ok(text) => text,
        Err(error) => {
            return fail(
                Exit::Failed,
                format!("cannot read {}: {error}", args.evidence.display()),
            );
        }
    };
    let pieces = match pieces(&text) {
        Ok(pieces) if pieces.is_empty() => return fail(Exit::Bad, "there is no evidence in it"),
        Ok(pieces) => pieces,
        Err(why) => return fail(Exit::Bad, why),
    };
    let mut exit = Exit::Done;
    for (i, piece) in pieces.iter().enumerate() {
        match verify_one(&config, piece) {
            Ok(finding) => show(args, &config, &finding),
            Err(why) => {
                if args.json {
                    print(json!({"event": "evidence", "valid": false, "why": why}));
                }
                exit = fail(Exit::Bad, format!("evidence {}: {why}", i + 1));
            }
        }
    }
    exit
}

fn show(args: &VerifyArgs, config: &Config, finding: &Finding) {
    let (acceptor, words) = HPaxos::describe(finding, &config.network);
    if args.json {
        let acceptor = acceptor.map(|a| config.network.graph().acceptor_name(a));
        print(json!({"event": "evidence", "valid": true, "acceptor": acceptor, "words": words}));
    } else {
        print(words);
    }
}

fn verify_one(config: &Config, base64: &str) -> Result<Finding, String> {
    let bytes = STANDARD
        .decode(base64.trim())
        .map_err(|e| format!("not base64: {e}"))?;
    let evidence: Evidence =
        codec::decode(&bytes, codec::LARGEST).map_err(|e| format!("not evidence: {e}"))?;
    let network = &config.network;
    evidence.verify(network).map_err(|error| match error {
        EvidenceError::Refused(refusal) => {
            let why = refusal_in_words(&refusal, network);
            format!("a message in it is refused: {why}")
        }
        other => other.to_string(),
    })
}

/// The base64 of each piece: the text itself, or what JSON holds in the way of `/v1/evidence`.
fn pieces(text: &str) -> Result<Vec<String>, String> {
    let trimmed = text.trim();
    if !trimmed.starts_with(['{', '[', '"']) {
        return Ok(vec![trimmed.to_owned()]);
    }
    let json: Value = serde_json::from_str(trimmed).map_err(|e| format!("not JSON: {e}"))?;
    let mut found = Vec::new();
    collect(&json, &mut found)?;
    Ok(found)
}

fn collect(json: &Value, found: &mut Vec<String>) -> Result<(), String> {
    match json {
        Value::String(base64) => found.push(base64.clone()),
        Value::Array(list) => {
            for item in list {
                collect(item, found)?;
            }
        }
        Value::Object(fields) => match fields.get("evidence") {
            Some(evidence) => collect(evidence, found)?,
            None => return Err("a JSON object without a field 'evidence'".into()),
        },
        other => return Err(format!("{other} is no evidence")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_evidence_is_found() {
        for text in [
            "QQ==\n",
            "\"QQ==\"",
            r#"{"evidence": "QQ=="}"#,
            r#"[{"words": "x", "evidence": "QQ=="}]"#,
            r#"{"node": "n1", "evidence": [{"evidence": "QQ=="}]}"#,
        ] {
            assert_eq!(pieces(text), Ok(vec!["QQ==".to_owned()]), "{text}");
        }
        assert_eq!(pieces(r#"{"evidence": []}"#), Ok(Vec::new()));
        for text in ["{}", "[1]", "{\"evidence\": null}", "{"] {
            assert!(pieces(text).is_err(), "{text}");
        }
    }
}
