//! What a store must be able to do, tried out each time a disk is opened.

use super::store::{Condition, Got, Store};
use crate::disks::{DiskError, Member};
use std::hash::{BuildHasher, RandomState};

/// Tries conditional writes, and reads after them, on an object that serves nothing else.
pub(super) fn check(store: &Store, me: &Member) -> Result<(), DiskError> {
    let (folder, name) = ("checks", me.id.to_string());
    let key = format!("{folder}/{name}");
    let draw = RandomState::new();
    let text = |n: u8| format!("{:016x}", draw.hash_one(n)).into_bytes();
    let first = match store.get(&key)? {
        Some(Got { tag, .. }) => tag,
        None => store.put(&key, &text(0), &Condition::New)?,
    };
    // The refusals are told from other failures by what is there afterwards.
    if store.put(&key, &text(1), &Condition::New).is_ok() {
        return Err(store.unfit("writes with If-None-Match over what exists"));
    }
    let second = store.put(&key, &text(2), &Condition::Replaces(first.clone()))?;
    expect(store, &key, &text(2), &second)?;
    let stale = Condition::Replaces(first);
    if store.put(&key, &text(3), &stale).is_ok() {
        return Err(store.unfit("writes with If-Match over another version"));
    }
    expect(store, &key, &text(2), &second)?;
    if !store.list(folder, None)?.iter().any(|(n, _)| *n == name) {
        return Err(store.unfit("does not list what was written"));
    }
    Ok(())
}

fn expect(store: &Store, key: &str, bytes: &[u8], tag: &str) -> Result<(), DiskError> {
    match store.get(key)? {
        Some(got) if got.bytes == bytes && got.tag == tag => Ok(()),
        _ => Err(store.unfit("does not return what was written last")),
    }
}
