//! Key pairs.

use std::fmt;
use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::{KeyFileError, PublicKey, key_file};

/// An Ed25519 key pair. The secret is wiped from memory on drop and never shown by `Debug`.
pub struct Keypair {
    secret: SigningKey,
}

/// The operating system gave no randomness.
#[cfg(feature = "generate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoEntropy(getrandom::Error);

impl Keypair {
    /// A new key pair, from the randomness of the operating system.
    ///
    /// # Errors
    /// [`NoEntropy`] if the operating system gives none.
    #[cfg(feature = "generate")]
    pub fn generate() -> Result<Self, NoEntropy> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(NoEntropy)?;
        Ok(Self::of_seed(&seed))
    }

    /// The key pair of a seed. Equal seeds give equal keys.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self::of_seed(&Zeroizing::new(seed))
    }

    /// Like [`Keypair::from_seed`], without another copy of the secret.
    pub(crate) fn of_seed(seed: &[u8; 32]) -> Self {
        Self {
            secret: SigningKey::from_bytes(seed),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of(&self.secret.verifying_key())
    }

    /// The secret seed, for handing the same identity to the transport. The copy wipes itself.
    #[must_use]
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes())
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// See [`KeyFileError`]. Files that group or others may read or write are refused.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        key_file::load(path.as_ref())
    }

    /// Generates a key pair and stores it in a new file, readable by its owner only. When this
    /// returns the file and its name are on stable storage.
    ///
    /// # Errors
    /// See [`KeyFileError`]. An existing file is never overwritten.
    #[cfg(feature = "generate")]
    pub fn create(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        crate::new_key_file::create(path.as_ref())
    }

    /// Signs bytes that are framed already: see `body::signed_bytes`.
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        self.secret.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({})", self.public())
    }
}
