//! `GET /`: a page that shows the node live, and what it loads; the description of the API. All of it is in the
//! program: nothing comes from elsewhere, and nothing on the page may.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Path, type, contents.
const FILES: [(&str, &str, &str); 6] = [
    (
        "/openapi.json",
        "application/json",
        include_str!("openapi.json"),
    ),
    ("/", HTML, include_str!("page/index.html")),
    ("/assets/page.js", SCRIPT, include_str!("page/page.js")),
    ("/assets/page.css", STYLE, include_str!("page/page.css")),
    // https://github.com/leeoniya/uPlot, 1.6.32, MIT: see page/uPlot.LICENSE.
    (
        "/assets/uPlot.iife.min.js",
        SCRIPT,
        include_str!("page/uPlot.iife.min.js"),
    ),
    (
        "/assets/uPlot.min.css",
        STYLE,
        include_str!("page/uPlot.min.css"),
    ),
];

const POLICY: &str =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:";

#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(path, ..)| *path)
}

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let file = |(_, kind, text): (&str, &'static str, &'static str)| {
        let head = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Another version of the program may answer the next time.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        get(move || async move { (head, text).into_response() })
    };
    let all = FILES.into_iter();
    all.fold(Router::new(), |routes, of| routes.route(of.0, file(of)))
}
