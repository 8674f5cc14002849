//! `hpaxos keygen`.

use super::{Exit, fail, print};
use crate::config::peer_id;
use clap::Args;
use crypto::Keypair;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `hpaxos keygen`.
#[derive(Args, Debug)]
pub struct KeygenArgs {
    /// The file to make, readable by its owner only; an existing one is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl KeygenArgs {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let public = match Keypair::create(&self.out) {
            Ok(keypair) => keypair.public(),
            Err(error) => return fail(Exit::Failed, error).into(),
        };
        if self.json {
            let peer = peer_id(&public).map(|p| p.to_string());
            let file = self.out.display().to_string();
            print(
                json!({"event": "key", "public_key": public.to_string(), "peer_id": peer, "file": file}),
            );
        } else {
            print(public);
        }
        Exit::Done.into()
    }
}
