//! From a name to a connection that the owner's rules allow: check the host, resolve, check each address, connect.
//!
//! The host is held against the list of what may be reached before it is looked up (F61), the address after it, also
//! when it was given as one: so no name, redirect or spelling of an address leads around the rules (plugin ABI 5.6,
//! W26).

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use signalk_bridge::{Destination, Egress, Scheme};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::{reach::Reach, tls};

/// One address gets so long before the next is tried.
const ONE_ADDRESS: Duration = Duration::from_secs(10);

/// The addresses of a host that the plugin may reach, in the resolver's order.
async fn resolve(
    reach: &Reach,
    scheme: Scheme,
    host: &str,
    port: u16,
) -> io::Result<Vec<SocketAddr>> {
    let bare = bare(host);
    listed(&reach.egress, scheme, host, port)?;
    let all: Vec<SocketAddr> = match literal(host, port) {
        Some(address) => vec![address],
        None => reach
            .names
            .look_up(bare.to_owned(), port)
            .await
            .map_err(|error| io::Error::other(format!("cannot find `{bare}`: {error}")))?,
    };
    allowed(&reach.egress, bare, &all)
}

/// Whether the plugin may talk to this host at all; asked before a name is looked up.
///
/// # Errors
///
/// There is a list of hosts without it.
pub(super) fn listed(egress: &Egress, scheme: Scheme, host: &str, port: u16) -> io::Result<()> {
    let to = literal(host, port).map_or(Destination::Name(bare(host), port), Destination::Address);
    egress.check(scheme, to).map_err(refused)
}

/// Whether the plugin may have what was fetched from there before: as [`listed`], and the address, if it is one. A name
/// is not looked up again: what it stood for was held against the rules when it was fetched.
pub(super) fn permitted(egress: &Egress, url: &url::Url) -> io::Result<()> {
    let secure = url.scheme() == "https";
    let scheme = if secure { Scheme::Https } else { Scheme::Http };
    let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
    let host = url.host_str().unwrap_or_default();
    listed(egress, scheme, host, port)?;
    match literal(host, port) {
        Some(address) => egress.check_address(address).map_err(refused),
        None => Ok(()),
    }
}

fn refused(why: signalk_bridge::Refused) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// A host that is an address and no name.
pub(super) fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    let bare = bare(host);
    match bare.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, port)),
        Err(_) => bare.parse::<std::net::SocketAddrV6>().ok().map(Into::into),
    }
}

/// Those of a host's addresses that the plugin may reach.
///
/// # Errors
///
/// There are none, or all are closed to it.
pub(super) fn allowed(
    egress: &Egress,
    host: &str,
    all: &[SocketAddr],
) -> io::Result<Vec<SocketAddr>> {
    let mut closed = None;
    let mut allowed = Vec::new();
    for to in all {
        match egress.check_address(*to) {
            Ok(()) => allowed.push(*to),
            Err(why) => closed = closed.or(Some(why)),
        }
    }
    match closed {
        Some(why) if allowed.is_empty() => Err(refused(why)),
        None if all.is_empty() => Err(io::Error::other(format!("`{host}` has no address"))),
        _ => Ok(allowed),
    }
}

/// Connects to the first address that answers.
async fn connect(reach: &Reach, scheme: Scheme, host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = None;
    for address in resolve(reach, scheme, host, port).await? {
        let error = match tokio::time::timeout(ONE_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        last = Some(io::Error::new(error.kind(), format!("cannot connect to {address}: {error}")));
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

/// Plain, or with TLS.
pub(super) enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Connects, and agrees on keys when it is to be secure.
    pub(super) async fn open(
        reach: &Reach,
        scheme: Scheme,
        host: &str,
        port: u16,
    ) -> io::Result<Stream> {
        let stream = connect(reach, scheme, host, port).await?;
        if scheme.is_secure() {
            tls::secure(stream, reach, host).await
        } else {
            Ok(Stream::Plain(stream))
        }
    }
}

/// For hyper: opens connections by URI.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) reach: Reach,
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let reach = self.reach.clone();
        Box::pin(async move {
            let secure = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
            let scheme = if secure { Scheme::Https } else { Scheme::Http };
            let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
            let host = uri.host().unwrap_or_default();
            Stream::open(&reach, scheme, host, port).await.map(TokioIo::new)
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Secure(stream) => {
                Pin::new(stream).poll_read(cx, buffer).map_err(tls::cut_plainly)
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Secure(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// So that hyper hands over the pieces of a body as they are, and does not copy them together.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Stream::Secure(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Secure(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
