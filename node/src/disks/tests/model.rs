//! Random operations of several processors, against what they should do.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Reopen(u8),
    Write(u8, usize),
    Append(u8, u64, usize),
    ReadBlocks(u8),
    ReadLog(u8, u8, u64, usize),
    /// The last write of a closed processor is torn.
    Tear(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 1u8..=3;
    prop_oneof![
        who.clone().prop_map(Step::Reopen),
        (who.clone(), 0usize..20_000).prop_map(|(p, len)| Step::Write(p, len)),
        (who.clone(), 1u64..6, 0usize..3000).prop_map(|(p, n, len)| Step::Append(p, n, len)),
        who.clone().prop_map(Step::ReadBlocks),
        (who.clone(), who.clone(), 0u64..40, 0usize..5000)
            .prop_map(|(p, q, from, most)| Step::ReadLog(p, q, from, most)),
        who.prop_map(Step::Tear),
    ]
}

/// What a processor's part of the disk holds.
#[derive(Default)]
struct Part {
    block: Block,
    /// What a torn write brings back; none right after opening, which writes the same block again.
    before: Block,
    log: Vec<LogRecord>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_disk_does_what_its_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let formatted = formatted();
        let mut open: BTreeMap<u8, Box<dyn Disk>> = BTreeMap::new();
        let mut parts: BTreeMap<u8, Part> = BTreeMap::new();
        let mut mbal = 0;
        for step in steps {
            let (Step::Reopen(p) | Step::Write(p, _) | Step::Append(p, ..) | Step::ReadBlocks(p)
                | Step::ReadLog(p, ..) | Step::Tear(p)) = step;
            let torn = matches!(step, Step::Tear(_)) && parts.contains_key(&p);
            if torn {
                open.remove(&p);
                let at = formatted.superblock.copy_at(id(p), formatted.newest_copy(p));
                formatted.overwrite(at + SECTOR as u64, &[0xbd; 16]);
                let part = parts.get_mut(&p).unwrap();
                part.block = part.before.clone();
            }
            if matches!(step, Step::Reopen(_)) || !open.contains_key(&p) {
                open.remove(&p);
                let opened = formatted.open(p);
                let part = parts.entry(p).or_default();
                prop_assert_eq!(&opened.own, &part.block);
                prop_assert_eq!(opened.logged.0, part.log.len() as u64);
                part.before = part.block.clone();
                open.insert(p, opened.disk);
            }
            let disk = open.get_mut(&p).unwrap();
            match step {
                Step::Reopen(_) | Step::Tear(_) => {}
                Step::Write(_, len) => {
                    mbal += 1;
                    let part = parts.get_mut(&p).unwrap();
                    let floor = Slot(part.log.len() as u64);
                    let block = Block { floor, ..block(mbal, len) };
                    disk.write_block(&block).unwrap();
                    part.before = std::mem::replace(&mut part.block, block);
                }
                Step::Append(_, count, len) => {
                    let part = parts.get_mut(&p).unwrap();
                    let next = part.log.len() as u64;
                    let more = records(next..next + count, len);
                    disk.append_log(&more).unwrap();
                    part.log.extend(more);
                }
                Step::ReadBlocks(_) => {
                    let expected: Vec<_> = parts.iter().filter(|(q, _)| **q != p)
                        .map(|(q, part)| (id(*q), Arc::new(part.block.clone()))).collect();
                    prop_assert_eq!(disk.read_blocks().unwrap(), expected);
                }
                Step::ReadLog(_, q, from, most) => {
                    let read = disk.read_log(id(q), Slot(from), most).unwrap();
                    let log = parts.get(&q).map_or(&[][..], |part| &part.log);
                    let rest = log.get(from as usize..).unwrap_or_default();
                    prop_assert_eq!(&read[..], &rest[..read.len()]);
                    prop_assert_eq!(read.is_empty(), rest.is_empty());
                }
            }
        }
    }
}
