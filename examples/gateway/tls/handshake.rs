//! From a socket to a connection under TLS.

use std::net::SocketAddr;

use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;

use super::session::{Cover, Session};
use crate::config::{Level, ListenAddress};
use crate::stream::Stream;
use crate::worker::Worker;

/// The first byte of a client that speaks TLS: a handshake's record.
const HANDSHAKE: u8 = 0x16;
/// So began SSL 2, which gets an alert rather than a page.
const SSL_2: u8 = 0x80;

/// A connection that nothing else is known of.
#[derive(Debug)]
pub struct Knock {
    /// Its number.
    pub id: u64,
    /// Index into the plan's listens.
    pub listen: usize,
    /// Where it comes from; nothing for `unix:`.
    pub remote: Option<SocketAddr>,
}

/// Why there is no connection.
enum Failure {
    /// The client went away.
    Closed,
    /// It did not finish within `client_header_timeout`.
    Late,
    /// The two could not agree, or the network failed.
    Refused(std::io::Error),
}

/// Agrees with a client on TLS where that is expected, within `client_header_timeout`. What goes
/// wrong is logged, and the connection closed. Safe to cancel: that closes it, too.
pub async fn handshake(stream: Stream, worker: &Worker, knock: &Knock) -> Option<(Stream, Cover)> {
    if !worker.plan.config.listens[knock.listen].ssl {
        return Some((stream, Cover::None));
    }
    let limit = worker.header_timeout(knock.listen);
    let agreed = timeout(limit, agree(stream, worker, knock.listen)).await;
    let failure = match agreed {
        Ok(Ok(done)) => return Some(done),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::Late,
    };
    tell(&failure, worker, knock);
    None
}

async fn agree(stream: Stream, worker: &Worker, listen: usize) -> Result<(Stream, Cover), Failure> {
    if !speaks_tls(&stream).await? {
        return Ok((stream, Cover::Missing));
    }
    let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let plan = &worker.plan;
    let names = &plan.names[listen];
    let asked = begun
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    let found = asked.and_then(|name| Some((names.find_named(&name)?, name)));
    let (server, found_by) = found.map_or((names.default(), None), |(s, name)| (s, Some(name)));
    let servers = &plan.config.servers;
    let site = servers[server].tls.as_ref();
    // A server without a certificate is behind that of the default one.
    let site = site.or(servers[names.default()].tls.as_ref());
    let Some(site) = site else {
        // The configuration would not have been accepted.
        return Err(Failure::Closed);
    };
    let http2 = plan.config.listens[listen].http2 || servers[server].http2;
    let stream = begun.into_stream(site.config(http2)).await?;
    let session = Session::of(stream.get_ref().1, server, found_by, site);
    Ok((Stream::Tls(Box::new(stream)), Cover::Tls(Box::new(session))))
}

/// Whether what comes is a handshake, and not HTTP without one. On `unix:` that cannot be told.
async fn speaks_tls(stream: &Stream) -> Result<bool, Failure> {
    let Stream::Tcp(stream) = stream else {
        return Ok(true);
    };
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(Failure::Closed),
        _ => Ok(first[0] == HANDSHAKE || first[0] & SSL_2 != 0),
    }
}

fn tell(failure: &Failure, worker: &Worker, knock: &Knock) {
    let client = knock
        .remote
        .map_or("unix:".into(), |from| from.ip().to_string());
    let server = match &worker.plan.config.listens[knock.listen].address {
        ListenAddress::Tcp(address) => address.to_string(),
        ListenAddress::Unix(path) => format!("unix:{}", path.display()),
    };
    let about = format_args!("while SSL handshaking, client: {client}, server: {server}");
    let log = worker.error_log(worker.plan.sites[worker.plan.names[knock.listen].default()].level);
    let write = |what: std::fmt::Arguments<'_>| {
        log.connection(Level::Info, knock.id, format_args!("{what} {about}"));
    };
    match failure {
        Failure::Closed => write(format_args!("client closed connection")),
        Failure::Late => write(format_args!("client timed out (110: Connection timed out)")),
        Failure::Refused(error) => write(format_args!("SSL_do_handshake() failed ({error})")),
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Refused(error),
        }
    }
}
