//! Keys, digests and canonical signed bytes.
//!
//! ```text
//!   T ──Signer::sign──► Verified<T> ──signed()──► Signed<T> ──codec::encode──► wire
//!                            ▲                                                  │
//!                            │                                                  ▼
//!   protocol core ◄──────────┴────Signed::verify(&Keyring)──── Signed<T> ◄─codec::decode
//!                                          │
//!                                          └──► Refusal, counted by reason
//! ```
//!
//! What has been received is a [`Signed<T>`]: bytes and a claim. The only ways to a [`Verified<T>`]
//! are [`Signed::verify`] and [`Signer::sign`], and back from a node's own storage [`Signed::recall`]; code
//! that asks for a `Verified<T>` therefore never sees bytes that nobody has checked. Verification is a pure function of the message and a
//! [`Keyring`], and both may be shared between threads, so it can be spread over cores.
//!
//! What is signed is `tag length ‖ tag ‖ network id ‖ signer ‖ body` (see [`Body`]). A signature made
//! for one network, kind of message or signer means nothing for another.
//!
//! Sizes are checked before anything is allocated for them: see [`codec`], the one place that knows
//! the encoding.

pub mod codec;

mod body;
mod digest;
mod fixed;
mod identity;
mod key_file;
mod keypair;
mod keyring;
#[cfg(feature = "generate")]
mod new_key_file;
mod public_key;
mod refusal;
mod signed;
mod signer;
mod verified;

pub use body::Body;
pub use codec::{DecodeError, EncodeError};
pub use digest::Digest;
pub use fixed::HexError;
pub use identity::{MemberId, NetworkId};
pub use key_file::KeyFileError;
pub use keypair::Keypair;
#[cfg(feature = "generate")]
pub use keypair::NoEntropy;
pub use keyring::{Keyring, KeyringError};
pub use public_key::{PublicKey, PublicKeyError};
pub use refusal::Refusal;
pub use signed::Signed;
pub use signer::Signer;
pub use verified::Verified;
