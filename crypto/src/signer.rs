//! Signing one's own messages.

use std::sync::Arc;

use crate::{
    Body, EncodeError, Keypair, MemberId, NetworkId, PublicKey, Signed, Verified, body, codec,
};

/// Signs as one member of one network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Signer {
    keypair: Arc<Keypair>,
    member: MemberId,
    network: NetworkId,
}

impl Signer {
    /// The signer of `member` in `network`. That the configuration lists this key for this member
    /// is for the caller to check, with [`Keyring::key`](crate::Keyring::key).
    #[must_use]
    pub fn new(keypair: Keypair, member: MemberId, network: NetworkId) -> Self {
        let keypair = Arc::new(keypair);
        Self {
            keypair,
            member,
            network,
        }
    }

    /// Whom this signs for.
    #[must_use]
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// The network this signs in.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// The public key that verifies what this signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.keypair.public()
    }

    /// Signs a message. Equal values give equal bytes and equal signatures.
    ///
    /// # Errors
    /// [`EncodeError`] if the encoding has more than `T::MAX_BYTES` or receivers would refuse its
    /// form: a message that nobody accepts is better found here.
    pub fn sign<T: Body>(&self, value: T) -> Result<Verified<T>, EncodeError> {
        let body = codec::try_encode(&value)?;
        let limit = T::MAX_BYTES;
        if body.len() > limit {
            let len = body.len();
            return Err(EncodeError::TooLarge { len, limit });
        }
        codec::decode::<T>(&body, limit).map_err(EncodeError::WouldBeRefused)?;
        let bytes = body::signed_bytes::<T>(self.network, self.member, &body);
        let signature = self.keypair.sign_bytes(&bytes);
        let signed = Signed::from_parts(self.member, body, signature);
        Ok(Verified::trusted(value, signed))
    }
}
