//! Pages: what they are made of, and the one that a node shows of itself. All of it is in the program: nothing
//! comes from elsewhere, and nothing on a page may.
//!
//! A page has a part of its own first, then what all pages have (`page/parts.html`: learner graph, decisions, rates,
//! evidence, ballots), and a script that fills both.

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::borrow::Cow;
use std::sync::Arc;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file as a browser takes it.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it is asked for.
    pub path: &'static str,
    /// Its content type.
    pub kind: &'static str,
    /// What it is.
    pub text: Cow<'static, str>,
}

impl File {
    const fn of(path: &'static str, kind: &'static str, text: &'static str) -> File {
        let text = Cow::Borrowed(text);
        File { path, kind, text }
    }

    /// A script, which is a module.
    #[must_use]
    pub const fn script(path: &'static str, text: &'static str) -> File {
        File::of(path, SCRIPT, text)
    }

    /// A page at `/` with this part of its own and this script.
    #[must_use]
    pub fn page(own: &str, script: &str) -> File {
        let text = format!(
            "{}{own}{}</main>\n<script src=\"/assets/uPlot.iife.min.js\"></script>\n\
             <script type=\"module\" src=\"{script}\"></script>\n</body>\n</html>\n",
            include_str!("page/head.html"),
            include_str!("page/parts.html"),
        );
        File {
            path: "/",
            kind: "text/html; charset=utf-8",
            text: Cow::Owned(text),
        }
    }
}

/// What all pages load.
const SHARED: [File; 13] = [
    File::script("/assets/analysis.js", include_str!("page/analysis.js")),
    File::script("/assets/compare.js", include_str!("page/compare.js")),
    File::script("/assets/dom.js", include_str!("page/dom.js")),
    File::script("/assets/events.js", include_str!("page/events.js")),
    File::script("/assets/evidence.js", include_str!("page/evidence.js")),
    File::script("/assets/graph.js", include_str!("page/graph.js")),
    File::script("/assets/lanes.js", include_str!("page/lanes.js")),
    File::script("/assets/palette.js", include_str!("page/palette.js")),
    File::script("/assets/rates.js", include_str!("page/rates.js")),
    File::script("/assets/trust.js", include_str!("page/trust.js")),
    File::of("/assets/page.css", STYLE, include_str!("page/page.css")),
    // https://github.com/leeoniya/uPlot, 1.6.32, MIT: see page/uPlot.LICENSE.
    File::script(
        "/assets/uPlot.iife.min.js",
        include_str!("page/uPlot.iife.min.js"),
    ),
    File::of(
        "/assets/uPlot.min.css",
        STYLE,
        include_str!("page/uPlot.min.css"),
    ),
];

#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    of_a_node().into_iter().chain(SHARED).map(|file| file.path)
}

/// What a node serves beside its API.
pub(super) fn of_a_node() -> [File; 3] {
    let description = include_str!("openapi.json");
    [
        File::of("/openapi.json", "application/json", description),
        File::page(include_str!("page/node.html"), "/assets/node.js"),
        File::script("/assets/node.js", include_str!("page/node.js")),
    ]
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Whether a request comes from a page of another site, as browsers tell by `Origin`. Programs tell none.
#[must_use]
pub fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok();
    let site = origin.and_then(|origin| origin.split_once("://"));
    site.is_none_or(|(_, site)| Some(site) != host)
}

/// The routes of these files, and of what all pages load.
pub fn routes<S: Clone + Send + Sync + 'static>(own: impl IntoIterator<Item = File>) -> Router<S> {
    let route = |routes: Router<S>, file: File| {
        let head = [
            (header::CONTENT_TYPE, file.kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Another version of the program may answer the next time.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        let text: Arc<str> = file.text.into();
        let answer = move || async move { (head, text.to_string()).into_response() };
        routes.route(file.path, get(answer))
    };
    own.into_iter().chain(SHARED).fold(Router::new(), route)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_knows_the_empty_batch() {
        let empty = consensus::Batch::default().digest().to_string();
        assert!(include_str!("page/lanes.js").contains(&empty));
    }

    #[test]
    fn a_page_of_another_site_is_told_by_its_origin() {
        let of = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:8001".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_foreign(&headers)
        };
        assert!(!of(None) && !of(Some("http://127.0.0.1:8001")));
        for foreign in ["http://127.0.0.1:8002", "http://evil.example", "null", ""] {
            assert!(of(Some(foreign)), "{foreign}");
        }
    }
}
