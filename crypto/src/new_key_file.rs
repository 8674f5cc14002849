//! New key files, for [`Keypair::create`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::key_file::{PUBLIC, TAG, VERSION, io_error};
use crate::{KeyFileError, Keypair};

pub(crate) fn create(path: &Path) -> Result<Keypair, KeyFileError> {
    let keypair = Keypair::generate()?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
            _ => io_error(path, "create")(source),
        })?;
    if let Err(error) = write(file, &keypair).and_then(|()| sync_directory(path)) {
        // Nobody has seen this key: a half-written file is better gone. If even that fails, the
        // next attempt says that the file exists.
        let _ = fs::remove_file(path);
        return Err(io_error(path, "write")(error));
    }
    Ok(keypair)
}

fn write(mut file: File, keypair: &Keypair) -> io::Result<()> {
    let mut digits = Zeroizing::new([0; 64]);
    hex::encode_to_slice(keypair.to_seed().as_ref(), digits.as_mut()).map_err(io::Error::other)?;
    writeln!(file, "{PUBLIC} {}", keypair.public())?;
    write!(file, "{TAG} {VERSION} ")?;
    file.write_all(digits.as_ref())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Makes the name durable, not only the contents.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)?.sync_all()
}
