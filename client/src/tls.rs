//! What encrypts HTTP. Nodes speak it in plain text; object stores and collectors of traces may be asked by `https`, in the
//! same process and with the same library, which is built without a provider of its own.

/// A builder of HTTP clients, after [`choose_tls`].
pub fn http_client() -> reqwest::ClientBuilder {
    choose_tls();
    reqwest::Client::builder()
}

/// Makes `ring` what encrypts the connections of this process, unless another provider of rustls was installed before.
/// To be called before an HTTP client is built by other means than [`http_client`].
pub fn choose_tls() {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
