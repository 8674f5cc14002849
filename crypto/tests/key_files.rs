//! Key files: what is written can be read, by its owner only, and nothing else can.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crypto::{KeyFileError, Keypair};
use tempfile::TempDir;

const SECRET: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const PUBLIC: &str = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";

#[test]
fn created_files_are_loaded() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("key");
    let created = Keypair::create(&path).unwrap();
    let loaded = Keypair::load(&path).unwrap();
    assert_eq!(created.public(), loaded.public());
    assert_eq!(*created.to_seed(), *loaded.to_seed());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    let secret = hex::encode(*created.to_seed());
    let expected = format!(
        "# public key: {}\nhpaxos-secret-key v1 {secret}\n",
        created.public()
    );
    assert_eq!(text, expected);
    assert_ne!(
        Keypair::create(directory.path().join("other"))
            .unwrap()
            .public(),
        created.public()
    );
}

#[test]
fn existing_files_are_not_overwritten() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, "precious").unwrap();
    let error = Keypair::create(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists(_)), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    // A name that leads nowhere is taken as well.
    let link = directory.path().join("link");
    symlink(directory.path().join("nowhere"), &link).unwrap();
    let error = Keypair::create(&link).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists(_)), "{error}");
}

#[test]
fn missing_directories_are_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("missing/key");
    let error = Keypair::create(&path).unwrap_err().to_string();
    assert!(error.contains("missing/key"), "{error}");
    let error = Keypair::load(&path).unwrap_err().to_string();
    assert!(error.contains("missing/key"), "{error}");
}

#[test]
fn files_open_to_others_are_refused() {
    let (_directory, path) = file(&format!("hpaxos-secret-key v1 {SECRET}\n"));
    for mode in [
        0o640, 0o604, 0o660, 0o644, 0o620, 0o602, 0o610, 0o601, 0o777,
    ] {
        set_mode(&path, mode);
        let error = Keypair::load(&path).unwrap_err();
        assert!(
            matches!(error, KeyFileError::Permissions { mode: found, .. } if found == mode),
            "{mode:o}: {error}"
        );
        let remedy = format!("chmod 600 {}", path.display());
        assert!(error.to_string().contains(&remedy), "{error}");
    }
    for mode in [0o600, 0o400, 0o700] {
        set_mode(&path, mode);
        assert!(Keypair::load(&path).is_ok(), "{mode:o}");
    }
}

#[test]
fn only_regular_files_are_read() {
    let directory = TempDir::new().unwrap();
    for path in [directory.path(), Path::new("/dev/zero")] {
        let error = Keypair::load(path).unwrap_err();
        assert!(matches!(error, KeyFileError::NotRegular(_)), "{error}");
    }
    // Secrets are often mounted as links to files; those are fine.
    let (_directory, target) = file(&format!("hpaxos-secret-key v1 {SECRET}\n"));
    let link = directory.path().join("link");
    symlink(target, &link).unwrap();
    assert_eq!(Keypair::load(link).unwrap().public().to_string(), PUBLIC);
}

#[test]
fn well_formed_variants_are_read() {
    for text in [
        format!("hpaxos-secret-key v1 {SECRET}"),
        format!("# a note\n\n  hpaxos-secret-key   v1\t{SECRET}\r\n# another\n"),
        format!("# public key: {PUBLIC}\nhpaxos-secret-key v1 {SECRET}\n"),
    ] {
        let (_directory, path) = file(&text);
        let key = Keypair::load(&path).unwrap();
        assert_eq!(key.public().to_string(), PUBLIC, "{text}");
    }
}

#[test]
fn malformed_files_are_refused_without_showing_the_secret() {
    let damaged = SECRET.replacen('1', "2", 1);
    for text in [
        String::new(),
        "# only a comment\n".to_owned(),
        format!("{SECRET}\n"),
        format!("hpaxos-secret-key {SECRET}\n"),
        format!("hpaxos-secret-key v{SECRET}\n"),
        "hpaxos-secret-key v1\n".to_owned(),
        format!("hpaxos-secret-key v1 {}\n", &SECRET[2..]),
        format!("hpaxos-secret-key v1 {SECRET}00\n"),
        format!("hpaxos-secret-key v1 {}g\n", &SECRET[1..]),
        format!("hpaxos-secret-key v1 {SECRET} more\n"),
        format!("hpaxos-secret-key v1 {SECRET}\nhpaxos-secret-key v1 {SECRET}\n"),
        format!("# public key: {PUBLIC}\nhpaxos-secret-key v1 {damaged}\n"),
        format!("# public key:\nhpaxos-secret-key v1 {SECRET}\n"),
    ] {
        let (_directory, path) = file(&text);
        let error = Keypair::load(&path).unwrap_err();
        assert!(
            matches!(error, KeyFileError::Malformed { .. }),
            "{text}: {error}"
        );
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("010101"), "{shown}");
    }
    let (_directory, path) = file("");
    fs::write(&path, [0xff, 0xfe]).unwrap();
    let error = Keypair::load(&path).unwrap_err();
    assert!(error.to_string().contains("not text"), "{error}");
}

#[test]
fn newer_versions_and_large_files_are_named() {
    let (_directory, path) = file(&format!("hpaxos-secret-key v2 {SECRET}\n"));
    let error = Keypair::load(&path).unwrap_err();
    assert!(error.to_string().contains("version v2"), "{error}");
    let (_directory, path) = file(&"#\n".repeat(3000));
    let error = Keypair::load(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::TooLarge(_)), "{error}");
}

#[test]
fn debug_hides_the_secret() {
    let key = Keypair::from_seed([1; 32]);
    assert_eq!(format!("{key:?}"), format!("Keypair({PUBLIC})"));
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, text).unwrap();
    set_mode(&path, 0o600);
    (directory, path)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
