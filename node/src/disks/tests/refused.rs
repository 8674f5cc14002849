//! Disks that are not what they should be, and what is said about them.

use super::*;

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no '{part}' in: {text}");
    }
}

#[test]
fn a_disk_of_another_system_is_refused_by_name() {
    let formatted = formatted();
    let other = System {
        id: Digest::of(b"other"),
    };
    let error = open(&formatted.disk, &other, &me(1)).err().unwrap();
    let (ours, theirs) = (other.id.to_string(), system().id.to_string());
    contains(&error.to_string(), &["d1", "system", &ours, &theirs]);
}

#[test]
fn a_disk_under_another_name_is_refused_by_name() {
    let formatted = formatted();
    let renamed = DiskConfig {
        name: "d2".to_owned(),
        ..formatted.disk.clone()
    };
    let error = open(&renamed, &system(), &me(1)).err().unwrap();
    contains(&error.to_string(), &["disk d1", "this is d2"]);
}

#[test]
fn a_number_belongs_to_one_processor_for_good() {
    let formatted = formatted();
    drop(formatted.open(1));
    let stranger = Member {
        name: "stranger".to_owned(),
        ..me(1)
    };
    let error = open(&formatted.disk, &system(), &stranger).err().unwrap();
    contains(&error.to_string(), &["1 'p1'", "1 'stranger'"]);
    let error = formatted.refusal(4);
    contains(&error, &["1 to 3", "processor 4", "--processors"]);
}

#[test]
fn another_version_is_refused_by_number() {
    let formatted = formatted();
    formatted.overwrite(8, &9u32.to_le_bytes());
    contains(&formatted.refusal(1), &["format version 9", "d1"]);
}

#[test]
fn a_damaged_superblock_or_directory_is_named() {
    let formatted = formatted();
    drop(formatted.open(1));
    let mut two = formatted.open(2).disk;
    formatted.overwrite(4096 + 30, &[0xff]);
    let error = two.read_blocks().unwrap_err().to_string();
    contains(&error, &["directory entry of processor 1", "checksum"]);
    contains(&formatted.refusal(1), &["directory entry of processor 1"]);
    formatted.overwrite(30, &[0xff]);
    contains(&formatted.refusal(1), &["superblock", "checksum"]);
}

#[test]
fn a_processor_with_a_block_does_not_join_again() {
    let formatted = formatted();
    drop(formatted.open(1));
    formatted.overwrite(4096, &[0; 4096]);
    contains(&formatted.refusal(1), &["directory entry of processor 1"]);
}

#[test]
fn what_is_no_disk_is_not_opened() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    let error = |path: &Path| {
        let opened = open(&disk_at(path), &system(), &me(1));
        opened.err().unwrap().to_string()
    };
    contains(&error(&path), &["is not there", "file"]);
    fs::write(&path, b"short").unwrap();
    contains(&error(&path), &["not formatted", "too short"]);
    fs::write(&path, vec![b'x'; 8192]).unwrap();
    contains(&error(&path), &["not formatted", "something else"]);
    fs::write(&path, vec![0; 8192]).unwrap();
    contains(&error(&path), &["not formatted", "zeros"]);
    contains(&error(directory.path()), &["disk 'd1'"]);
}

#[test]
fn a_removed_or_replaced_disk_is_missing() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    let away = formatted.directory.path().join("away");
    fs::rename(formatted.path(), &away).unwrap();
    let error = disk.read_blocks().unwrap_err().to_string();
    contains(&error, &["was removed"]);
    fs::copy(&away, formatted.path()).unwrap();
    let error = disk.read_blocks().unwrap_err().to_string();
    contains(&error, &["was replaced"]);
    let error = disk.write_block(&block(1, 0)).unwrap_err().to_string();
    contains(&error, &["was replaced"]);
    drop(disk);
    fs::rename(&away, formatted.path()).unwrap();
    assert_eq!(formatted.open(1).own, Block::default());
}

#[test]
fn a_shortened_disk_is_not_made_longer_again() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    let file = fs::OpenOptions::new().write(true).open(formatted.path());
    let file = file.unwrap();
    // Behind everything that this processor has written, and in the middle of it.
    for len in [formatted.superblock.disk_bytes() - 1, 10_000, 0] {
        file.set_len(len).unwrap();
        let error = disk.write_block(&block(1, 0)).unwrap_err().to_string();
        contains(&error, &["d1"]);
        assert!(disk.append_log(&records(0..1, 0)).is_err());
        assert!(disk.read_blocks().is_err());
        assert_eq!(file.metadata().unwrap().len(), len);
        formatted.refusal(1);
    }
}

#[test]
fn a_file_size_limit_or_full_disk_is_an_error() {
    // Stands for ENOSPC as well: the write itself fails.
    let output = child::run_limited(1 << 20);
    contains(&output, &["cannot write to", "disk 'd1'", "space"]);
}

#[test]
fn a_read_only_disk_is_an_error() {
    let formatted = formatted();
    let output = child::run_unprivileged(&formatted);
    contains(&output, &["cannot open", "disk 'd1'", "permissions"]);
}

#[test]
fn format_keeps_what_is_there_unless_forced() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    disk.write_block(&block(1, 0)).unwrap();
    let again = || format(&formatted.disk, &system(), &options());
    let force = FormatOptions {
        force: true,
        ..options()
    };
    // Not even with force while it is in use.
    let error = format(&formatted.disk, &system(), &force).unwrap_err();
    contains(&error.to_string(), &["in use", "processor"]);
    drop(disk);
    let error = again().unwrap_err().to_string();
    contains(&error, &["formatted already", "--force"]);
    assert_eq!(formatted.open(1).own, block(1, 0));
    format(&formatted.disk, &system(), &force).unwrap();
    assert_eq!(formatted.open(1).own, Block::default());
    let foreign = formatted.directory.path().join("letters");
    for data in [&b"dear"[..], &[b'x'; 8192]] {
        fs::write(&foreign, data).unwrap();
        let error = format(&disk_at(&foreign), &system(), &options()).unwrap_err();
        contains(&error.to_string(), &["holds data", "--force"]);
        assert_eq!(fs::read(&foreign).unwrap(), data);
    }
}

#[test]
#[ignore = "needs root and a free loop device (losetup)"]
fn a_block_device_is_a_disk() {
    use std::process::Command;
    let directory = TempDir::new().unwrap();
    let backing = directory.path().join("backing");
    fs::File::create(&backing)
        .unwrap()
        .set_len(60 << 20)
        .unwrap();
    let losetup = |args: &[&str]| {
        let output = Command::new("losetup").args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let device = losetup(&["--find", "--show", &backing.display().to_string()]);
    let disk = disk_at(Path::new(&device));
    let two = FormatOptions {
        processors: NonZeroU8::new(2).unwrap(),
        ..options()
    };
    let used = std::panic::catch_unwind(|| {
        let error = format(
            &disk,
            &system(),
            &FormatOptions {
                processors: NonZeroU8::new(16).unwrap(),
                ..two
            },
        );
        contains(
            &error.unwrap_err().to_string(),
            &["62914560 bytes", "would fit"],
        );
        format(&disk, &system(), &two).unwrap();
        assert!(format(&disk, &system(), &two).is_err());
        let mut one = open(&disk, &system(), &me(1)).unwrap();
        assert!(open(&disk, &system(), &me(1)).is_err());
        one.disk.append_log(&records(0..2, 1000)).unwrap();
        one.disk.write_block(&block(1, 50_000)).unwrap();
        let mut other = open(&disk, &system(), &me(2)).unwrap().disk;
        assert_eq!(
            other.read_blocks().unwrap(),
            [(id(1), Arc::new(block(1, 50_000)))]
        );
        drop(one);
        let one = open(&disk, &system(), &me(1)).unwrap();
        assert_eq!((one.own, one.logged), (block(1, 50_000), Slot(2)));
        drop(other);
        drop(one.disk);
        format(&disk, &system(), &FormatOptions { force: true, ..two }).unwrap();
        assert_eq!(open(&disk, &system(), &me(1)).unwrap().logged, Slot(0));
    });
    losetup(&["--detach", &device]);
    used.unwrap();
}
