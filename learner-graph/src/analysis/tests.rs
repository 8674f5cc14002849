use super::*;
use crate::effort::Effort;
use crate::set::AcceptorSet;
use crate::slices::*;
fn load(name: &str) -> Slices {
    let text = std::fs::read_to_string(format!("/work/shared/data/stellar/{name}.json")).unwrap();
    let v: serde_json::Value = serde_json::from_str(&text).unwrap();
    let nodes = v.as_array().unwrap().clone();
    let idx: std::collections::HashMap<String, u16> = nodes
        .iter()
        .enumerate()
        .map(|(i, n)| (n["publicKey"].as_str().unwrap().to_string(), i as u16))
        .collect();
    fn q(v: &serde_json::Value, idx: &std::collections::HashMap<String, u16>) -> QuorumSet {
        QuorumSet {
            threshold: v["threshold"].as_u64().unwrap(),
            nodes: v["validators"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|x| idx.get(x.as_str().unwrap()).copied())
                .collect(),
            inner: v["innerQuorumSets"]
                .as_array()
                .map(|a| a.iter().map(|x| q(x, idx)).collect())
                .unwrap_or_default(),
        }
    }
    Slices::new(
        nodes
            .iter()
            .map(|n| {
                (
                    n["publicKey"].as_str().unwrap().to_string(),
                    if n["quorumSet"].is_object() {
                        Some(q(&n["quorumSet"], &idx))
                    } else {
                        None
                    },
                )
            })
            .collect(),
    )
}
#[test]
fn try_it() {
    for name in [
        "correct_trivial",
        "broken_trivial",
        "correct",
        "broken",
        "mobilecoin_nodes_2021-10-22",
    ] {
        let s = load(name);
        let units = s.units();
        let classes = s.classes();
        let e = || Effort::steps(5_000_000);
        let t = std::time::Instant::now();
        println!(
            "{name}: {} nodes {} classes; fork {:?}",
            s.n_nodes(),
            classes.len(),
            Forks(&s).quorums(&AcceptorSet::EMPTY, &e())
        );
        println!(" {:?}", t.elapsed());
        fn show<H: Harm>(what: &str, h: &H, units: &Units, classes: &[UnitSet], n: usize) {
            let t = std::time::Instant::now();
            let f = Faults {
                harm: h,
                units,
                classes,
                given: AcceptorSet::EMPTY,
                n_acceptors: n,
                effort: Effort::steps(5_000_000),
            };
            let m = f.minimal(0, 1000);
            println!(
                " {what}: {} patterns {} sets complete {} {:?} e.g. {:?}",
                m.sets.len(),
                m.sets.iter().map(|p| p.sets()).sum::<u128>(),
                m.complete,
                t.elapsed(),
                m.sets
                    .iter()
                    .take(4)
                    .map(|p| p.parts().collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            );
        }
        show("quorums", &Gathers(&s, None), &units, &classes, s.n_nodes());
        show("blocking", &Halts(&s), &units, &classes, s.n_nodes());
        if name == "correct" {
            let f = Faults {
                harm: &Forks(&s),
                units: &units,
                classes: &units
                    .all()
                    .iter()
                    .map(|u| std::iter::once(u).collect())
                    .collect::<Vec<UnitSet>>(),
                given: AcceptorSet::EMPTY,
                n_acceptors: s.n_nodes(),
                effort: Effort::steps(50_000_000),
            };
            let m = f.minimal(0, 2000);
            let l: Vec<Vec<u16>> = m
                .sets
                .iter()
                .map(|p| {
                    p.parts()
                        .flat_map(|(_, c)| c.iter().map(|u| u.0).collect::<Vec<_>>())
                        .collect()
                })
                .collect();
            std::fs::write("/tmp/ours.json", serde_json::to_string(&l).unwrap()).unwrap();
            println!("ours {} {}", l.len(), m.complete);
        }
        show("splitting", &Forks(&s), &units, &classes, s.n_nodes());
    }
}
