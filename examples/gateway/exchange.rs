//! One request and its answer, from the first byte to the log line.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Uri, Version};
use tower_upstream::limit::bulkhead::Presence;
use tower_upstream::limit::rate::Status;
use tower_upstream::{Attempt, Trail};

use crate::client::Client;
use crate::limit_conn;
use crate::log::access;
use crate::plan::{Place, Plan};
use crate::worker::Worker;

/// A request and what has become of it. When it is dropped, it is logged.
#[derive(Debug)]
pub struct Exchange {
    /// Whose it is.
    pub client: Arc<Client>,
    /// When its first byte was seen.
    pub started: Instant,
    /// Its number on its connection.
    pub serial: u64,
    /// The method as sent.
    pub asked: Method,
    /// The method, which an error page may have changed to GET.
    pub method: Method,
    /// The target as sent.
    pub uri: Uri,
    /// The client's version.
    pub version: Version,
    /// The request's headers; once sent on, those that are still asked for.
    pub headers: HeaderMap,
    /// The request line, if it is not made of the three above.
    pub line: Option<String>,
    /// The `Host` header.
    pub asked_host: Option<HeaderValue>,
    /// The name asked for, lower case, without port.
    pub host: Option<String>,
    /// The decoded path; `None` while it is that of `uri`.
    pub path: Option<Vec<u8>>,
    /// What follows `?`, if not that of `uri`.
    pub args: Option<String>,
    /// The path was escaped when it came.
    pub quoted: bool,
    /// Its path is an error page's, no longer the client's.
    pub redirected: bool,
    /// An error page has been looked for; there is no second one.
    pub paged: bool,
    /// The status an error page is to be sent with.
    pub shown_status: Option<u16>,
    /// What a peer whose 401 was replaced wants to know; it is asked all the same.
    pub challenge: Option<HeaderValue>,
    /// The client would like its connection kept.
    pub wants_keepalive: bool,
    /// The client would like another protocol.
    pub wants_upgrade: bool,
    /// The client's address as a trusted proxy told it.
    pub real_ip: Option<(IpAddr, Option<u16>)>,
    /// Index into the plan's servers.
    pub server: usize,
    /// Index into the plan's places.
    pub place: usize,
    /// What the expression of its location captured.
    pub captures: Vec<String>,
    /// What the limits on requests said, once they have.
    pub limit_req: Option<Status>,
    /// What the limits on connections said, once they have.
    pub limit_conn: Option<limit_conn::Status>,
    /// What it is counted under until it ends.
    pub presences: Vec<Presence>,
    /// The place that sent it on last.
    pub proxied: Option<usize>,
    /// The target it was sent on with last.
    pub sent_uri: Option<Uri>,
    /// The attempts, per group it was sent to.
    pub trails: Vec<Trail>,
    /// Trail rows already in the error log.
    pub reported: usize,
    /// The status sent, 0 for none yet.
    pub status: u16,
    /// Body bytes sent.
    pub sent: u64,
    /// They go out in chunks, whose sizes count as well.
    pub chunked: bool,
    /// The cookies that say where it went; whatever the answer, they go with it.
    pub sticky_cookies: Vec<HeaderValue>,
    /// Headers sent, if something asks for them.
    pub sent_headers: Option<HeaderMap>,
    /// Headers received from a peer, if something asks for them.
    pub received_headers: Option<HeaderMap>,
    /// Its log line is written, or never will be.
    pub logged: bool,
}

impl Exchange {
    /// A request that has arrived on `client`.
    pub fn new(client: Arc<Client>, head: Head) -> Box<Self> {
        let plan = &client.worker.plan;
        let default = || plan.names[client.listen].default();
        let server = client.cover.session().map_or_else(default, |s| s.server);
        let place = plan.sites[server].level;
        let wants_keepalive = keeps_alive(&head);
        let wants_upgrade = head.headers.contains_key(header::UPGRADE);
        Box::new(Self {
            started: head.started,
            serial: head.serial,
            asked: head.method.clone(),
            method: head.method,
            uri: head.uri,
            version: head.version,
            headers: head.headers,
            line: None,
            asked_host: None,
            host: None,
            path: None,
            args: None,
            quoted: false,
            redirected: false,
            paged: false,
            shown_status: None,
            challenge: None,
            wants_keepalive,
            wants_upgrade,
            real_ip: None,
            server,
            place,
            captures: Vec::new(),
            limit_req: None,
            limit_conn: None,
            presences: Vec::new(),
            proxied: None,
            sent_uri: None,
            trails: Vec::new(),
            reported: 0,
            status: 0,
            sent: 0,
            chunked: false,
            sticky_cookies: Vec::new(),
            sent_headers: None,
            received_headers: None,
            logged: false,
            client,
        })
    }

    /// What all workers share.
    pub fn plan(&self) -> &Plan {
        &self.client.worker.plan
    }

    /// Who serves it.
    pub fn worker(&self) -> &Worker {
        &self.client.worker
    }

    /// Where it is.
    pub fn at(&self) -> &Place {
        &self.plan().places[self.place]
    }

    /// The path locations are chosen by.
    pub fn path(&self) -> &[u8] {
        match &self.path {
            Some(path) => path,
            None => self.uri.path().as_bytes(),
        }
    }

    /// What follows `?`.
    pub fn args(&self) -> Option<&str> {
        match &self.args {
            Some(args) => Some(args),
            None => self.uri.query(),
        }
    }

    /// The target as the client sent it, without scheme and host.
    pub fn request_uri(&self) -> &str {
        self.uri.path_and_query().map_or("/", |p| p.as_str())
    }

    /// The client's address, believed or real.
    pub fn remote(&self) -> Option<IpAddr> {
        let real = self.real_ip.map(|(ip, _)| ip);
        real.or_else(|| self.client.remote.map(|address| address.ip()))
    }

    /// All attempts, one list per group.
    pub fn attempts(&self) -> Vec<Vec<Attempt>> {
        self.trails.iter().map(Trail::attempts).collect()
    }
}

/// Whether a client wants to send more behind this.
fn keeps_alive(head: &Head) -> bool {
    let asks = |word: &[u8]| {
        let values = head.headers.get_all(header::CONNECTION).iter();
        values
            .flat_map(|v| v.as_bytes().split(|&b| b == b','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(word))
    };
    match head.version {
        Version::HTTP_2 => true,
        Version::HTTP_11 => !asks(b"close"),
        _ => asks(b"keep-alive"),
    }
}

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    /// When its first byte was seen.
    pub started: Instant,
    /// Its number on its connection.
    pub serial: u64,
    /// The method.
    pub method: Method,
    /// The target.
    pub uri: Uri,
    /// The version.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.client
            .end_request(self.at().location.keepalive_timeout);
        if self.logged {
            return;
        }
        if self.status == 0 {
            // Nobody answered and nobody will: the client has gone.
            self.status = 499;
        }
        crate::log::error::report_attempts(self);
        access::write(self);
    }
}
