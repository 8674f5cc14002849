//! Key files.
//!
//! ```text
//! # public key: 0123…
//! hpaxos-secret-key v1 4567…
//! ```
//!
//! The comment is for people; if it names a public key, it must be the one of the secret, so that a
//! damaged secret is noticed before it becomes another identity.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::Keypair;
#[cfg(feature = "generate")]
use crate::NoEntropy;

pub(crate) const TAG: &str = "hpaxos-secret-key";
pub(crate) const VERSION: &str = "v1";
pub(crate) const PUBLIC: &str = "# public key:";
/// Far more than a key file needs, with room for comments.
const MAX_BYTES: usize = 4096;

/// Why a key file was not read or written. No message contains secret bytes.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system said no.
    #[error("cannot {doing} the key file {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was being done to it.
        doing: &'static str,
        /// What the file system said.
        source: io::Error,
    },
    /// There is a file of this name already. It may hold the only copy of an identity.
    #[error("{} exists already and is not overwritten; choose another name or move it away", .0.display())]
    Exists(PathBuf),
    /// Others may read or change the secret.
    #[error("{path} has mode {mode:03o}, so that others may use the secret key; run: chmod 600 {path}", path = path.display())]
    Permissions {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A directory, a device, a pipe.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// More bytes than any key file has.
    #[error("{} is larger than a key file can be ({MAX_BYTES} bytes); is it another file?", .0.display())]
    TooLarge(PathBuf),
    /// Written by a later version of this software.
    #[error("{} is a key file of version {found}; this program reads {VERSION}", path.display())]
    Version {
        /// Which file.
        path: PathBuf,
        /// The version it names.
        found: String,
    },
    /// Not a key file, or a damaged one.
    #[error("{} is not a valid key file: {why}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No randomness for a new key.
    #[cfg(feature = "generate")]
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

pub(crate) fn load(path: &Path) -> Result<Keypair, KeyFileError> {
    // Asked before opening, because opening a pipe would wait for its other end.
    check_kind(path, &fs::metadata(path).map_err(io_error(path, "find"))?)?;
    let file = File::open(path).map_err(io_error(path, "open"))?;
    // Asked of the open file, because the name may mean another file by now.
    let metadata = file.metadata().map_err(io_error(path, "examine"))?;
    check_kind(path, &metadata)?;
    let mode = metadata.mode() & 0o777;
    let own = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    if !is_secret(mode, (metadata.uid(), metadata.gid()), own) {
        let path = path.to_owned();
        return Err(KeyFileError::Permissions { path, mode });
    }
    // Room for all of it at once: growing would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error(path, "read"))?;
    if bytes.len() > MAX_BYTES {
        return Err(KeyFileError::TooLarge(path.to_owned()));
    }
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Keypair, KeyFileError> {
    let malformed = |why| KeyFileError::Malformed {
        path: path.to_owned(),
        why,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not text"))?;
    let (mut keypair, mut named) = (None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(public) = line.strip_prefix(PUBLIC) {
            named = Some(public.trim());
        } else if !line.starts_with('#') {
            if keypair.is_some() {
                return Err(malformed("it has more than one line that is not a comment"));
            }
            keypair = Some(parse_secret(path, line)?);
        }
    }
    let keypair = keypair.ok_or_else(|| malformed("it has no line with a secret key"))?;
    if named.is_some_and(|named| named != keypair.public().to_string()) {
        return Err(malformed(
            "the secret key is not the one of the public key in the comment",
        ));
    }
    Ok(keypair)
}

fn parse_secret(path: &Path, line: &str) -> Result<Keypair, KeyFileError> {
    let malformed = |why| KeyFileError::Malformed {
        path: path.to_owned(),
        why,
    };
    let mut words = line.split_ascii_whitespace();
    if words.next() != Some(TAG) {
        return Err(malformed("the line does not start with hpaxos-secret-key"));
    }
    match words.next() {
        Some(VERSION) => {}
        Some(version) if is_version(version) => {
            let (path, found) = (path.to_owned(), version.to_owned());
            return Err(KeyFileError::Version { path, found });
        }
        _ => return Err(malformed("there is no version after the tag")),
    }
    let (Some(secret), None) = (words.next(), words.next()) else {
        return Err(malformed("the version is not followed by one secret"));
    };
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(secret, seed.as_mut())
        .map_err(|_| malformed("the secret is not 64 hex digits"))?;
    Ok(Keypair::of_seed(&seed))
}

/// `v` and a small number; anything else might be a misplaced secret and is not repeated.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v')
        .is_some_and(|number| number.len() <= 4 && number.parse::<u16>().is_ok())
}

/// Whether nobody but this user can use the secret. Where secrets are mounted into containers they belong to root,
/// and the one user in there reads them by its own group.
fn is_secret(mode: u32, (owner, group): (u32, u32), (user, own_group): (u32, u32)) -> bool {
    let by_group = owner == 0 && user != 0 && group == own_group && own_group != 0;
    mode & 0o077 == 0 || (mode & 0o037 == 0 && by_group)
}

fn check_kind(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyFileError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(KeyFileError::NotRegular(path.to_owned()))
}

pub(crate) fn io_error(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| KeyFileError::Io {
        path,
        doing,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn a_group_may_read_what_root_has_put_there_for_somebody_else() {
        let (root, somebody) = ((0, 0), (65_532, 65_532));
        let mounted = (0, 65_532);
        assert!(is_secret(0o440, mounted, somebody) && is_secret(0o640, mounted, somebody));
        assert!(
            !is_secret(0o440, root, root),
            "root need not rely on its group"
        );
        assert!(!is_secret(0o640, somebody, somebody));
        let with_others = (0, 100);
        assert!(
            !is_secret(0o640, with_others, somebody),
            "a group of several"
        );
        for mode in [0o444, 0o644, 0o660, 0o650, 0o604] {
            assert!(!is_secret(mode, mounted, somebody), "{mode:o}");
        }
        assert!(is_secret(0o600, somebody, somebody) && is_secret(0o400, root, root));
    }
}

#[cfg(test)]
mod fuzz {
    use super::*;

    fn parsed(bytes: &[u8]) -> Result<Keypair, KeyFileError> {
        parse(Path::new("node.key"), bytes)
    }

    /// A key is read as it would be written, or refused with a reason that repeats no secret.
    fn check(bytes: &[u8]) {
        match parsed(bytes) {
            Ok(keypair) => {
                let secret = hex::encode(keypair.to_seed().as_ref());
                let again = format!("{PUBLIC} {}\n{TAG} {VERSION} {secret}\n", keypair.public());
                let again = parsed(again.as_bytes()).expect("its own key file");
                assert_eq!(again.public(), keypair.public());
            }
            Err(error) => {
                let text = String::from_utf8_lossy(bytes);
                let shown = error.to_string();
                let mut words = text.split_ascii_whitespace();
                assert!(
                    !words.any(|word| word.len() > 32 && shown.contains(word)),
                    "{shown}"
                );
            }
        }
    }

    #[test]
    fn any_bytes() {
        bolero::check!()
            .with_iterations(5000)
            .with_max_len(256)
            .for_each(check);
    }

    /// A key file with a few changes: where, and to what.
    #[test]
    fn changed_files() {
        let keypair = Keypair::from_seed([7; 32]);
        let file = format!(
            "{PUBLIC} {}\n{TAG} {VERSION} {}\n",
            keypair.public(),
            "07".repeat(32)
        );
        assert!(parsed(file.as_bytes()).is_ok());
        bolero::check!()
            .with_iterations(5000)
            .with_max_len(6)
            .for_each(|bytes: &[u8]| {
                let mut file = file.clone().into_bytes();
                for change in bytes.chunks_exact(2) {
                    let at = usize::from(change[0]) % file.len();
                    match change[1] {
                        0..64 => drop(file.remove(at)),
                        with => file[at] = with,
                    }
                }
                check(&file);
            });
    }

    /// `cargo test -p crypto --lib -- --ignored`
    #[test]
    #[ignore = "writes files"]
    fn write_corpus() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let corpus = here.join("src/__fuzz__/key_file__fuzz__any_bytes/corpus");
        fs::create_dir_all(&corpus).expect("a directory");
        let public = Keypair::from_seed([7; 32]).public();
        let secret = "07".repeat(32);
        let files = [
            (
                "whole",
                format!("{PUBLIC} {public}\n{TAG} {VERSION} {secret}\n"),
            ),
            ("bare", format!("{TAG} {VERSION} {secret}")),
            ("later", format!("{TAG} v2 {secret} {secret}\n")),
            (
                "other",
                format!("# a comment\n{PUBLIC} {secret}\n{TAG} {VERSION} {secret}\n"),
            ),
            (
                "twice",
                format!("{TAG} {VERSION} {secret}\n\n{TAG} {VERSION} {secret}\n"),
            ),
        ];
        for (name, text) in files {
            fs::write(corpus.join(name), text).expect("a file");
        }
    }
}
