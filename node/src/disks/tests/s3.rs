//! A disk on a real server that speaks S3.

use super::*;
use crate::disks::survey::Checker;
use std::hash::{BuildHasher, RandomState};

/// The address of the server; the bucket `disks` exists.
const ENDPOINT: &str = "HPAXOS_TEST_S3";

fn disk_in(prefix: &str, endpoint: String) -> DiskConfig {
    DiskConfig {
        name: "d1".to_owned(),
        location: Location::S3 {
            url: format!("s3://disks/{prefix}"),
            endpoint: Some(endpoint),
            region: Some("us-east-1".to_owned()),
            allow_http: true,
        },
    }
}

#[test]
#[ignore = "needs an S3 server, see .ci/s3"]
fn a_real_server_can_be_a_disk() {
    let endpoint = std::env::var(ENDPOINT);
    let endpoint = endpoint.expect("HPAXOS_TEST_S3 is the address of a server: run .ci/s3");
    // A prefix of its own, so that the test can be repeated with one server.
    let prefix = format!("test-{:016x}", RandomState::new().hash_one(0));
    let disk = disk_in(&prefix, endpoint);
    let open = |number| open(&disk, &system(), &me(number));
    let error = open(1).err().unwrap().to_string();
    assert!(error.contains("not formatted"), "{error}");
    format(&disk, &system(), &options()).unwrap();
    assert!(format(&disk, &system(), &options()).is_err());
    let mut one = open(1).unwrap().disk;
    let mut two = open(2).unwrap().disk;
    one.append_log(&records(0..3, 100_000)).unwrap();
    one.write_block(&block(1, 1 << 20)).unwrap();
    let first = two.read_blocks().unwrap();
    assert_eq!(first, [(id(1), Arc::new(block(1, 1 << 20)))]);
    assert!(Arc::ptr_eq(&first[0].1, &two.read_blocks().unwrap()[0].1));
    one.append_log(&records(3..4, 0)).unwrap();
    let read = two.read_log(id(1), Slot(1), usize::MAX).unwrap();
    assert_eq!(read[..2], records(1..3, 100_000));
    assert_eq!(read[2..], records(3..4, 0));
    let mut again = open(1).unwrap();
    assert_eq!((again.own, again.logged), (block(1, 1 << 20), Slot(4)));
    assert!(one.write_block(&block(2, 0)).unwrap_err().is_final());
    again.disk.write_block(&block(3, 0)).unwrap();
    let mut checker = Checker::default();
    let survey = checker.check(&disk).unwrap();
    assert_eq!(checker.problems, Vec::<String>::new());
    assert_eq!(survey.members.len(), 2);
    let force = FormatOptions {
        force: true,
        ..options()
    };
    format(&disk, &system(), &force).unwrap();
    assert!(again.disk.write_block(&block(4, 0)).is_err());
}

#[test]
fn a_server_that_is_not_there_is_named() {
    // Nobody listens on a port that was just given back.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let disk = disk_in("x", endpoint);
    let error = survey(&disk, &mut |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("disk 'd1' (s3://disks/x)"), "{error}");
}
