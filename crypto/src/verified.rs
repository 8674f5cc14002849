//! Messages whose signature has been checked.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::{Body, Digest, MemberId, Signed};

/// A message that its signer did sign, in this network. Made by [`Signed::verify`] and
/// [`Signer::sign`](crate::Signer::sign), made again by [`Signed::recall`], and by nothing else. Cheap to clone.
///
/// Two are equal if they have the same id, that is if the same signer said the same.
pub struct Verified<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: T,
    signed: Signed<T>,
    id: Digest,
}

impl<T: Body> Verified<T> {
    /// For callers in this crate that have checked, or made, the signature of `value`.
    pub(crate) fn trusted(value: T, signed: Signed<T>) -> Self {
        let id = signed.id();
        Self(Arc::new(Inner { value, signed, id }))
    }
}

impl<T> Verified<T> {
    /// Who signed this.
    #[must_use]
    pub fn signer(&self) -> MemberId {
        self.0.signed.signer()
    }

    /// The name of what was said and by whom: see [`Signed::id`].
    #[must_use]
    pub fn id(&self) -> Digest {
        self.0.id
    }

    /// The message as it was received or is to be sent.
    #[must_use]
    pub fn signed(&self) -> &Signed<T> {
        &self.0.signed
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Clone for Verified<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Verified<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl<T> Eq for Verified<T> {}

impl<T> Hash for Verified<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("signer", &self.signer())
            .field("value", &self.0.value)
            .finish_non_exhaustive()
    }
}
