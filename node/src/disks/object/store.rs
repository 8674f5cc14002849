//! An object store as this program needs it: blocking, with bounded waits, keys below one prefix.

use crate::disks::{DiskConfig, DiskError, Location};
use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, GetOptions, ObjectStore, PutMode, PutOptions, RetryConfig, UpdateVersion,
};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a request may take, with its repetitions.
const REQUEST: Duration = Duration::from_secs(10);
/// The largest object: a block with its header, or a frame of a log.
const MAX_OBJECT: u64 = 16 << 20;

/// What a store says about one version of an object.
pub(in crate::disks) type Tag = String;

/// An object as it was read.
#[derive(Clone, Debug, Default)]
pub(in crate::disks) struct Got {
    pub(in crate::disks) bytes: Vec<u8>,
    pub(in crate::disks) tag: Tag,
}

/// What an object was found to be, by one who knew a version of it.
#[derive(Debug)]
pub(in crate::disks) enum Change {
    /// The known version.
    Same,
    /// Another one.
    New(Got),
    /// There is no such object.
    None,
}

/// What must hold for an object to be written.
#[derive(Clone, Debug)]
pub(in crate::disks) enum Condition {
    /// If-None-Match: there is none yet.
    New,
    /// If-Match: it is this version that is replaced.
    Replaces(Tag),
}

/// A prefix in an object store.
pub(in crate::disks) struct Store {
    runtime: Runtime,
    store: Arc<dyn ObjectStore>,
    prefix: String,
    place: String,
}

impl Store {
    /// The store of a disk's configuration. Says nothing to it yet.
    pub(in crate::disks) fn connect(disk: &DiskConfig) -> Result<Self, DiskError> {
        let place = disk.place();
        let Location::S3 {
            url,
            endpoint,
            region,
            allow_http,
        } = &disk.location
        else {
            return Err(DiskError::refused(&place, "it is not in an object store"));
        };
        let Some((bucket, prefix)) = bucket_and_prefix(url) else {
            let what = "its address is none; write s3://BUCKET or s3://BUCKET/PREFIX";
            return Err(DiskError::refused(&place, what));
        };
        hpaxos_client::choose_tls();
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_timeout(REQUEST);
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(options)
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // A repeated conditional write may meet its own first attempt. The callers look.
            .with_retry(RetryConfig {
                max_retries: 2,
                retry_timeout: REQUEST,
                ..RetryConfig::default()
            });
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        if *allow_http {
            builder = builder.with_allow_http(true);
        }
        let store = builder.build().map_err(|e| failed(&place, "use", e))?;
        Self::new(Arc::new(store), prefix, place)
    }

    /// A prefix in any store.
    pub(in crate::disks) fn new(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        place: String,
    ) -> Result<Self, DiskError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(DiskError::io(&place, "start a runtime for"))?;
        Ok(Self {
            runtime,
            store,
            prefix: prefix.to_owned(),
            place,
        })
    }

    /// How messages call the disk.
    pub(in crate::disks) fn place(&self) -> &str {
        &self.place
    }

    /// Reads an object.
    pub(in crate::disks) fn get(&self, key: &str) -> Result<Option<Got>, DiskError> {
        match self.runtime.block_on(self.change(key, None))? {
            Change::New(got) => Ok(Some(got)),
            Change::Same | Change::None => Ok(None),
        }
    }

    /// Reads several objects at once, where they differ from what is known.
    pub(in crate::disks) fn changes(
        &self,
        wanted: Vec<(String, Option<Tag>)>,
    ) -> Result<Vec<Change>, DiskError> {
        let reads = wanted
            .iter()
            .map(|(key, tag)| self.change(key, tag.clone()));
        let found = self.runtime.block_on(join_all(reads));
        found.into_iter().collect()
    }

    async fn change(&self, key: &str, known: Option<Tag>) -> Result<Change, DiskError> {
        let options = GetOptions {
            if_none_match: known,
            ..GetOptions::default()
        };
        let read = async {
            let result = self.store.get_opts(&self.path(key), options).await?;
            let (tag, size) = (result.meta.e_tag.clone(), result.meta.size);
            if size > MAX_OBJECT {
                let source = format!("{key} has {size} bytes, which nothing of ours has").into();
                let store = "disk";
                return Err(Error::Generic { store, source });
            }
            Ok((tag, result.bytes().await?))
        };
        match self.bounded(read).await {
            Ok((Some(tag), bytes)) => Ok(Change::New(Got {
                bytes: bytes.to_vec(),
                tag,
            })),
            Ok((None, _)) => Err(self.unfit("gives no e-tags")),
            Err(Error::NotModified { .. }) => Ok(Change::Same),
            Err(Error::NotFound { .. }) => Ok(Change::None),
            Err(error) => Err(failed(&self.place, "read", error)),
        }
    }

    /// Writes an object. After any error it may have been written, may still be written later, or
    /// never.
    pub(in crate::disks) fn put(
        &self,
        key: &str,
        bytes: &[u8],
        condition: &Condition,
    ) -> Result<Tag, DiskError> {
        let mode = match condition {
            Condition::New => PutMode::Create,
            Condition::Replaces(tag) => PutMode::Update(UpdateVersion {
                e_tag: Some(tag.clone()),
                version: None,
            }),
        };
        let path = self.path(key);
        let put = self
            .store
            .put_opts(&path, bytes.to_vec().into(), PutOptions::from(mode));
        let result = self.runtime.block_on(self.bounded(put));
        let put = result.map_err(|error| failed(&self.place, "write to", error))?;
        put.e_tag.ok_or_else(|| self.unfit("gives no e-tags"))
    }

    /// The names below a folder, in order; those behind `after` if it is given.
    pub(in crate::disks) fn list(
        &self,
        folder: &str,
        after: Option<&str>,
    ) -> Result<Vec<(String, u64)>, DiskError> {
        let path = self.path(folder);
        let start = format!("{path}/");
        let found = match after {
            Some(after) => self
                .store
                .list_with_offset(Some(&path), &self.path(&format!("{folder}/{after}"))),
            None => self.store.list(Some(&path)),
        };
        let names = found
            .map_ok(|meta| {
                let name = meta.location.as_ref().strip_prefix(&start);
                (name.unwrap_or_default().to_owned(), meta.size)
            })
            .try_collect::<Vec<_>>();
        let names = self.runtime.block_on(self.bounded(names));
        let mut names = names.map_err(|error| failed(&self.place, "list", error))?;
        names.sort();
        Ok(names)
    }

    /// Removes everything below the prefix.
    pub(in crate::disks) fn clear(&self) -> Result<(), DiskError> {
        let paths = self.store.list(Some(&self.path(""))).map_ok(|m| m.location);
        let removed = self.store.delete_stream(paths.boxed());
        self.runtime
            .block_on(removed.try_for_each(|_| async { Ok(()) }))
            .map_err(|error| failed(&self.place, "remove what is in", error))
    }

    /// The error of a store that does not do what is needed.
    pub(in crate::disks) fn unfit(&self, what: &'static str) -> DiskError {
        DiskError::Unfit {
            place: self.place.clone(),
            what,
        }
    }

    fn path(&self, key: &str) -> Path {
        Path::from(format!("{}/{key}", self.prefix))
    }

    /// The store's own limits are per connection and attempt.
    async fn bounded<T>(
        &self,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        match tokio::time::timeout(REQUEST, request).await {
            Ok(result) => result,
            Err(_) => Err(Error::Generic {
                store: "disk",
                source: format!("no answer within {} s", REQUEST.as_secs()).into(),
            }),
        }
    }
}

/// The parts of `s3://bucket/prefix`.
fn bucket_and_prefix(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, prefix.trim_matches('/')))
}

fn failed(place: &str, doing: &'static str, error: Error) -> DiskError {
    // What happened in the end, such as that a certificate is not trusted, is not in the error's own words.
    let causes = std::iter::successors(Some(&error as &dyn StdError), |error| (*error).source());
    let cause = causes.last().map(ToString::to_string).unwrap_or_default();
    let source: Box<dyn StdError + Send + Sync> = match error.to_string() {
        words if words.contains(&cause) => Box::new(error),
        words => format!("{words} ({cause})").into(),
    };
    DiskError::Store {
        place: place.to_owned(),
        doing,
        source,
    }
}
