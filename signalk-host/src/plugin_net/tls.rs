//! TLS of plugins' connections: rustls with ring. Trusted are Mozilla's roots and what the system trusts
//! (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), so that an owner's own authority works; and, for one plugin, the
//! certificates that its owner lists by their fingerprints, because devices on boats sign their own, and the
//! authorities in files that he names.

use std::{fmt, io, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        VerifierBuilderError, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use signalk_bridge::{Egress, Fingerprint};
use tokio::{net::TcpStream, sync::OnceCell, task::spawn_blocking};
use tokio_rustls::TlsConnector;

use super::{connect::Stream, reach::Reach};

/// For plugins whose owner trusts nobody else.
struct Usual {
    provider: Arc<CryptoProvider>,
    roots: RootCertStore,
    authorities: Arc<WebPkiServerVerifier>,
    config: Arc<ClientConfig>,
}

/// For one life of a plugin whose owner trusts others, too: the certificates are parsed once.
pub(super) type Trusted = OnceCell<Result<Arc<ClientConfig>, String>>;

/// Read once, at the first secure connection.
static USUAL: OnceCell<Result<Usual, String>> = OnceCell::const_new();

/// By a thread of its own: the system's certificates are some hundred files, and the navigation data goes by this
/// thread.
async fn read_usual() -> Result<Usual, String> {
    let read = spawn_blocking(|| usual().map_err(|error| error.to_string()));
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn usual() -> Result<Usual, Box<dyn std::error::Error>> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // Systems hold certificates that rustls does not take: those are left out.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(ring::default_provider());
    let authorities = asking(roots.clone(), &provider)?;
    let config = config(&provider, &authorities, &[])?;
    Ok(Usual { provider, roots, authorities, config })
}

fn asking(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, VerifierBuilderError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()
}

impl Usual {
    /// For a plugin whose owner trusts others besides.
    fn and(
        &self,
        egress: &Egress,
    ) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error + Send + Sync>> {
        let authorities = match egress.authorities() {
            [] => Arc::clone(&self.authorities),
            more => {
                let mut roots = self.roots.clone();
                let more =
                    more.iter().map(|certificate| CertificateDer::from(certificate.to_vec()));
                roots.add_parsable_certificates(more);
                asking(roots, &self.provider)?
            }
        };
        Ok(config(&self.provider, &authorities, egress.trusts())?)
    }
}

fn config(
    provider: &Arc<CryptoProvider>,
    authorities: &Arc<WebPkiServerVerifier>,
    trusted: &[Fingerprint],
) -> Result<Arc<ClientConfig>, Error> {
    let judge = Judge { authorities: Arc::clone(authorities), trusted: trusted.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Agrees on keys with a server that can prove its name, or holds a certificate that the owner trusts.
pub(super) async fn secure(stream: TcpStream, reach: &Reach, host: &str) -> io::Result<Stream> {
    let egress = &reach.egress;
    let usual = USUAL.get_or_init(read_usual).await;
    let usual = usual.as_ref().map_err(|text| io::Error::other(text.clone()))?;
    let config = match (egress.trusts(), egress.authorities()) {
        ([], []) => Arc::clone(&usual.config),
        _ => {
            let own = || async { usual.and(egress).map_err(|error| error.to_string()) };
            reach.trusted.get_or_init(own).await.clone().map_err(io::Error::other)?
        }
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare)
        .map_err(|error| io::Error::other(format!("`{host}`: {error}")))?;
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| plainly(error, egress.file()))?;
    Ok(Stream::Secure(Box::new(stream)))
}

/// Asks the authorities, but for certificates that the owner trusts as they are. That the server has the certificate's
/// key is proved in either case.
#[derive(Debug)]
struct Judge {
    authorities: Arc<WebPkiServerVerifier>,
    trusted: Vec<Fingerprint>,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let fingerprint = Fingerprint(Sha256::digest(own).into());
        if self.trusted.contains(&fingerprint) {
            return Ok(ServerCertVerified::assertion());
        }
        let judged = self.authorities.verify_server_cert(own, intermediates, name, ocsp, now);
        judged.map_err(|error| match error {
            Error::InvalidCertificate(why) => {
                let refused = NotTrusted { why: Box::new(why), fingerprint };
                Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// What is wrong with a server's certificate, for the owner.
#[derive(Debug)]
struct NotTrusted {
    why: Box<CertificateError>,
    fingerprint: Fingerprint,
}

impl std::error::Error for NotTrusted {}

impl fmt::Display for NotTrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server's certificate is not accepted: ")?;
        match &*self.why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                f.write_str("it has expired, or the clock of this computer is wrong")?;
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                f.write_str("it is not valid yet: the clock of this computer may be wrong")?;
            }
            CertificateError::UnknownIssuer => f.write_str("nobody known has signed it")?,
            CertificateError::BadSignature => {
                f.write_str("the authority that it names has not signed it")?;
            }
            // What `openssl req -x509` makes. The kind is webpki's, of which rustls says only this name.
            CertificateError::Other(why) if why.to_string() == "CaUsedAsEndEntity" => {
                f.write_str("it is its own authority (CA:TRUE)")?;
            }
            other => other.fmt(f)?,
        }
        let fingerprint = self.fingerprint;
        write!(
            f,
            "; if it is the right device, the owner trusts it with \"trust\": [\"{fingerprint}\"]"
        )
    }
}

/// What a read came to, where rustls has a link for its users instead of words for an owner.
pub(super) fn cut_plainly(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(
            error.kind(),
            "the other end broke the TLS connection off; what it sent may be incomplete",
        ),
        _ => error,
    }
}

/// Without rustls' frame around our own words, and in plain ones where it has its own. `file` is the plugin's, for its
/// owner.
fn plainly(error: io::Error, file: &str) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    let text = match cause {
        Some(Error::InvalidCertificate(CertificateError::Other(OtherError(why)))) => {
            format!("{why} in {file}")
        }
        Some(Error::InvalidMessage(_)) => "the other end speaks no TLS".to_owned(),
        Some(other) => format!("TLS: {other}"),
        None => return error,
    };
    io::Error::new(error.kind(), text)
}
