//! What a browser loads.

use axum::Router;
use node::page::{self, File};

/// The routes of the page, and of what it loads.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    page::routes([
        File::page(include_str!("network.html"), "/assets/network.js"),
        File::script("/assets/network.js", include_str!("network.js")),
    ])
}
