//! TLS of plugins' connections: rustls with ring. Trusted are Mozilla's roots and what the system trusts
//! (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), so that an owner's own authority works.

use std::{
    io,
    sync::{Arc, LazyLock},
};

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connect::Stream;

/// Read once, at the first secure connection.
static CONFIG: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // Systems hold certificates that rustls does not take: those are left out.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
});

/// Agrees on keys with a server that can prove its name.
pub(super) async fn secure(stream: TcpStream, host: &str) -> io::Result<Stream> {
    let config = CONFIG.clone().map_err(io::Error::other)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare)
        .map_err(|error| io::Error::other(format!("`{host}`: {error}")))?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(Stream::Secure(Box::new(stream)))
}
