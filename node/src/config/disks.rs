//! Checks the `[disks.…]` tables.

use super::file::{DiskEntry, File};
use crate::disks::{DiskConfig, DisksConfig, Location, System};
use crypto::Digest;
use learner_graph::{Problem, Quorums};
use std::path::Path;
use toml::Spanned;

/// Reads every disk, in the order of names, and reports whatever is wrong with them. Relative paths
/// begin in the directory of the file, which is called `file_name`.
pub(super) fn read(file: &File, file_name: &str, problems: &mut Vec<Problem>) -> Vec<DiskConfig> {
    let directory = Path::new(file_name).parent().unwrap_or(Path::new(""));
    let mut disks: Vec<DiskConfig> = Vec::new();
    for (name, entry) in &file.disks {
        let location = match location(entry.get_ref(), directory) {
            Ok(location) => location,
            Err((span, what, mend)) => {
                let span = span.unwrap_or_else(|| name.span());
                let what = format!("disk '{}': {what}", name.get_ref());
                problems.push(Problem::error(Some(span), what, mend));
                continue;
            }
        };
        if let Some(other) = disks.iter().find(|disk| same(&disk.location, &location)) {
            let what = format!(
                "disk '{}': it is where disk '{}' is",
                name.get_ref(),
                other.name
            );
            let mend = "one disk cannot count twice: give it a place of its own";
            problems.push(Problem::error(Some(name.span()), what, mend));
        }
        disks.push(DiskConfig {
            name: name.get_ref().clone(),
            location,
        });
    }
    disks
}

/// The disks with what they belong to. The nodes have no part in it, so that a processor can be added
/// without formatting the disks again.
pub(super) fn config(network: &str, quorums: &Quorums, disks: Vec<DiskConfig>) -> DisksConfig {
    let quorums = quorums.pair().canonical();
    let text = format!("hpaxos disks 1\n{}:{network}\n{quorums}", network.len());
    DisksConfig {
        system: System {
            id: Digest::of(text.as_bytes()),
        },
        disks,
    }
}

type Wrong = (Option<std::ops::Range<usize>>, &'static str, &'static str);

fn location(entry: &DiskEntry, directory: &Path) -> Result<Location, Wrong> {
    let text = |field: &Option<Spanned<String>>| field.as_ref().map(|f| f.get_ref().clone());
    let allow_http = entry.allow_http.as_ref().is_some_and(|a| *a.get_ref());
    match (&entry.path, &entry.url) {
        (None, None) => Err((
            None,
            "it is nowhere",
            "add path = \"FILE-OR-DEVICE\" or url = \"s3://BUCKET/PREFIX\"",
        )),
        (Some(_), Some(url)) => Err((
            Some(url.span()),
            "it has a path and a url",
            "one of the two says where it is",
        )),
        (Some(path), None) => {
            let fields = [&entry.endpoint, &entry.region];
            let spans = fields.into_iter().flatten().map(Spanned::span);
            let http = entry.allow_http.as_ref().map(Spanned::span);
            if let Some(span) = spans.chain(http).next() {
                let mend = "endpoint, region and allow_http belong to a url";
                return Err((Some(span), "a path is no object store", mend));
            }
            if path.get_ref().is_empty() {
                let mend = "name a file or a block device";
                return Err((Some(path.span()), "its path is empty", mend));
            }
            Ok(Location::Path(directory.join(path.get_ref())))
        }
        (None, Some(url)) => {
            let bucket = url.get_ref().strip_prefix("s3://");
            if bucket.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
                let mend = "write s3://BUCKET/PREFIX";
                return Err((Some(url.span()), "its url names no bucket", mend));
            }
            if let Some(endpoint) = &entry.endpoint {
                let plain = endpoint.get_ref().starts_with("http://");
                let at = Some(endpoint.span());
                if !plain && !endpoint.get_ref().starts_with("https://") {
                    return Err((at, "its endpoint is no URL", "write https://HOST:PORT"));
                }
                if plain && !allow_http {
                    let mend = "use https, or add allow_http = true";
                    return Err((at, "its endpoint would be spoken to in the clear", mend));
                }
            }
            Ok(Location::S3 {
                url: url.get_ref().clone(),
                endpoint: text(&entry.endpoint),
                region: text(&entry.region),
                allow_http,
            })
        }
    }
}

fn same(a: &Location, b: &Location) -> bool {
    match (a, b) {
        (Location::Path(a), Location::Path(b)) => a == b,
        (
            Location::S3 { url, endpoint, .. },
            Location::S3 {
                url: other,
                endpoint: elsewhere,
                ..
            },
        ) => url.trim_end_matches('/') == other.trim_end_matches('/') && endpoint == elsewhere,
        _ => false,
    }
}
