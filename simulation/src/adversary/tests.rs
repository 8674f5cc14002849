use super::*;
use crate::cast::Cast;
use crate::chance::Chance;
use crate::tally::Tally;
use consensus::hpaxos::{
    Message, OneB, OneC, Proposal, Scope, SlotReport, SlotVotes, Votes, check, contradiction,
};
use consensus::{Ballot, Slot};
use crypto::Digest;
use voice::{Heard, Told, report};

const FOUR: &str = include_str!("../../../examples/four.toml");

fn stage(behaviours: &[(Place, Behaviour)]) -> Stage {
    let adversaries = behaviours.iter().map(|(node, behaviour)| Adversary {
        node: *node,
        behaviour: behaviour.clone(),
    });
    Stage::new(Cast::hpaxos(FOUR, 0).unwrap(), adversaries.collect()).unwrap()
}

/// What a node may say, in the order in which it may say it: ballot 1 and 5 are n1's.
fn said_by(stage: &Stage, place: Place) -> Vec<Heard> {
    let learners = stage.network().graph().learners();
    let (slot, value) = (Slot(2), Digest::of(b"a value"));
    let one_b = |ballot, slots: Vec<SlotReport>| OneB {
        ballot: Ballot(ballot),
        low_water: Slot(1),
        scope: Scope::ALL,
        slots,
    };
    let proposals = [slot, slot.next()].map(|slot| Proposal {
        slot,
        value,
        learners,
    });
    let votes = SlotVotes {
        slot,
        two_av: Some((value, learners)),
        two_b: Some((value, learners)),
    };
    let messages = [
        Message::OneA { ballot: Ballot(1) },
        Message::OneB(one_b(1, Vec::new())),
        Message::OneC(OneC {
            ballot: Ballot(1),
            proposals: proposals.to_vec(),
        }),
        Message::Votes(Votes {
            ballot: Ballot(1),
            slots: vec![SlotVotes {
                two_b: None,
                ..votes.clone()
            }],
        }),
        Message::Votes(Votes {
            ballot: Ballot(1),
            slots: vec![votes],
        }),
        Message::Wish { ballot: Ballot(2) },
        Message::OneB(one_b(5, vec![report(slot, Ballot(1), value, learners)])),
    ];
    let signer = stage.signer(place).unwrap();
    messages.map(|m| signer.sign(m).unwrap()).to_vec()
}

/// What a liar makes of that, before all others, and what it says unasked; and how many lies were counted.
fn lies_of(behaviour: &Behaviour, seed: u64) -> (Stage, Vec<Heard>, Vec<Told>, u64) {
    let stage = stage(&[(0, behaviour.clone())]);
    let mut chance = Chance::new(seed, 0);
    let mut tally = Tally::default();
    let mut told = Vec::new();
    let truth = said_by(&stage, 0);
    for place in (0..stage.places()).filter(|p| stage.adversary(*p).is_some()) {
        let mut liar = liar(&stage, place, seed).unwrap();
        let mut aside = Aside::new(&mut chance, &mut tally);
        for message in &truth {
            liar.hears(message);
            for to in (0..stage.places()).filter(|to| *to != place) {
                told.extend(liar.says(to, message, &mut aside));
            }
            told.extend(
                liar.volunteers(&mut aside)
                    .into_iter()
                    .map(|(_, said)| said),
            );
        }
        liar.gives(1, &Digest::of(b"a value"), &mut aside);
    }
    (stage, truth, told, tally.faults.values().sum())
}

/// A lie that is refused for its form reaches no rule of the protocol, and tests nothing.
#[test]
fn every_liar_lies_in_good_form() {
    for behaviour in &Behaviour::ALL {
        let mut lies = 0;
        for seed in 0..40 {
            let (stage, _, told, counted) = lies_of(behaviour, seed);
            lies += counted;
            for said in told {
                if let Said::Message(m) = said {
                    assert_eq!(check(&m, stage.network()), Ok(()), "{behaviour:?}: {m:?}");
                }
            }
        }
        assert!(lies > 0, "{behaviour:?} never lies");
    }
}

/// Whether what a liar says can convict it.
fn is_caught(behaviour: &Behaviour) -> bool {
    (0..40).any(|seed| {
        let (_, _, told, _) = lies_of(behaviour, seed);
        let messages = told.iter().filter_map(|said| match said {
            Said::Message(m) => Some(m),
            Said::Batch(_) => None,
        });
        let messages: Vec<&Heard> = messages.collect();
        let pairs = messages
            .iter()
            .flat_map(|a| messages.iter().map(move |b| (a, b)));
        pairs
            .filter(|(a, b)| a.signer() == b.signer())
            .any(|(a, b)| contradiction(a, b).is_some())
    })
}

#[test]
fn lies_contradict_each_other_where_they_are_meant_to() {
    for behaviour in [
        Behaviour::Votes,
        Behaviour::Values,
        Behaviour::Hide,
        Behaviour::TwoOneBs,
        Behaviour::Flood,
        Behaviour::Mixed,
    ] {
        assert!(is_caught(&behaviour), "{behaviour:?}");
    }
    // These say less than they should, nothing new, or the same to everybody.
    for behaviour in [
        Behaviour::Silent,
        Behaviour::Withhold,
        Behaviour::Bytes,
        Behaviour::Replay,
        Behaviour::Twins,
    ] {
        assert!(!is_caught(&behaviour), "{behaviour:?}");
    }
}

#[test]
fn a_liar_has_one_audience_and_leaves_some_node_out_of_it() {
    let stage = stage(&[(3, Behaviour::Votes)]);
    let mut audiences = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let voice = Voice::new(&stage, 3, 3, seed).unwrap();
        let told: Vec<bool> = (0..3).map(|p| voice.in_audience(p)).collect();
        assert!(told.contains(&true) && told.contains(&false), "seed {seed}");
        assert!(!voice.in_audience(3));
        audiences.insert(told);
    }
    assert_eq!(audiences.len(), 6);
}

#[test]
fn colluders_share_a_plan_and_each_half_keeps_to_its_group() {
    let collude = || Behaviour::Collude(Some(vec![2]));
    let stage = stage(&[(0, collude()), (1, collude())]);
    // n1', n2' are the places 4 and 5; n3 is one group, n4 the other.
    let knows = |place: Place| -> Vec<Place> {
        let liar = liar(&stage, place, 1).unwrap();
        (0..6).filter(|p| *p != place && liar.knows(*p)).collect()
    };
    assert_eq!((knows(0), knows(1)), (vec![1, 2], vec![0, 2]));
    assert_eq!((knows(4), knows(5)), (vec![3, 5], vec![3, 4]));
    for seed in 0..20 {
        let drawn = self::stage(&[(0, Behaviour::Collude(None)), (1, Behaviour::Collude(None))]);
        let knows = |place| {
            let liar = liar(&drawn, place, seed).unwrap();
            [2, 3].map(|p| liar.knows(p))
        };
        assert_eq!(knows(0), knows(1), "one mind");
        assert_eq!(
            knows(4),
            knows(0).map(|k| !k),
            "the other half has the others"
        );
    }
}

#[test]
fn twins_are_acquainted_or_not_and_both_think_so() {
    let stage = stage(&[(1, Behaviour::Twins)]);
    assert_eq!(
        (stage.twin(1), stage.twin(4), stage.twin(0)),
        (Some(4), Some(1), None)
    );
    let acquainted = |seed| {
        let knows = |place, other| liar(&stage, place, seed).unwrap().knows(other);
        assert_eq!(knows(1, 4), knows(4, 1));
        assert!(knows(1, 0) && knows(4, 0));
        knows(1, 4)
    };
    let seeds = (0..40).filter(|seed| acquainted(*seed)).count();
    assert!((10..30).contains(&seeds), "{seeds} of 40");
}

#[test]
fn who_cannot_lie_is_refused_with_the_reason() {
    let refused = |cast: &Cast, nodes: &[Place]| {
        let liars = nodes.iter().map(|node| Adversary {
            node: *node,
            behaviour: Behaviour::Mixed,
        });
        let refused = Stage::new(cast.clone(), liars.collect());
        refused.unwrap_err().to_string()
    };
    let four = Cast::hpaxos(FOUR, 1).unwrap();
    assert!(refused(&four, &[9]).contains("no node"));
    assert!(refused(&four, &[4]).contains("only learns"));
    assert!(refused(&four, &[1, 1]).contains("twice"));
    let paxos = Cast::paxos(4, 3, 3).unwrap();
    assert!(Stage::new(paxos.clone(), Vec::new()).is_ok());
    assert!(refused(&paxos, &[1]).contains("nobody lies in mode paxos"));
}
