//! Keys, digests, canonical signed bytes: Signed<T> becomes Verified<T> here and nowhere else.
