//! A store in memory that can be made to misbehave.

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::sync::Mutex;

/// What happens to a write of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is done, and the answer is lost.
    LosesAnswer,
    /// The answer does not come, and the write lands when the test says so.
    Stalls,
    /// It is not done.
    Drops,
}

/// A store in memory with faults.
#[derive(Debug, Default)]
pub(super) struct Faulty {
    pub(super) inner: InMemory,
    /// For the next writes of this key.
    pub(super) faults: Mutex<Vec<(&'static str, Fault)>>,
    pub(super) stalled: Mutex<Vec<(Key, PutPayload, PutOptions)>>,
    /// Whether conditions are ignored, as stores do that do not know them.
    pub(super) ignores_match: bool,
    pub(super) ignores_none_match: bool,
    /// Of each read, whether it gave an object.
    pub(super) reads: Mutex<Vec<bool>>,
}

impl Faulty {
    /// What happens to the next write of a key that contains this.
    pub(super) fn fail_next(&self, key: &'static str, fault: Fault) {
        self.faults.lock().unwrap().push((key, fault));
    }

    /// Lets the stalled writes land, in order; whether they were accepted.
    pub(super) fn land(&self) -> Vec<bool> {
        let stalled = std::mem::take(&mut *self.stalled.lock().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        let put = |(key, payload, options)| {
            let put = self.inner.put_opts(&key, payload, options);
            runtime.block_on(async { put.await.is_ok() })
        };
        stalled.into_iter().map(put).collect()
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("faulty")
    }
}

fn no_answer() -> Error {
    Error::Generic {
        store: "faulty",
        source: "no answer".into(),
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        key: &Key,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        let ignored = match options.mode {
            PutMode::Update(_) => self.ignores_match,
            PutMode::Create => self.ignores_none_match,
            PutMode::Overwrite => false,
        };
        if ignored {
            options.mode = PutMode::Overwrite;
        }
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            let found = faults.iter().position(|(k, _)| key.as_ref().contains(k));
            found.map(|i| faults.remove(i).1)
        };
        match fault {
            None => self.inner.put_opts(key, payload, options).await,
            Some(Fault::LosesAnswer) => {
                self.inner.put_opts(key, payload, options).await?;
                Err(no_answer())
            }
            Some(Fault::Stalls) => {
                let put = (key.clone(), payload, options);
                self.stalled.lock().unwrap().push(put);
                Err(no_answer())
            }
            Some(Fault::Drops) => Err(no_answer()),
        }
    }

    async fn put_multipart_opts(
        &self,
        key: &Key,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Key, options: GetOptions) -> Result<GetResult> {
        let result = self.inner.get_opts(key, options).await;
        self.reads.lock().unwrap().push(result.is_ok());
        result
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Key>>,
    ) -> BoxStream<'static, Result<Key>> {
        self.inner.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
