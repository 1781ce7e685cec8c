//! Who comes back goes where it was before (SK). Debian's nginx knows nothing of it; the reference's
//! traces of a newer one, W20 to W24, hold it.

mod caller;
mod cookie;
mod learn;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http_body_util::{BodyExt, Empty};
use tokio::sync::Notify;
use tower_upstream::{Server, Trail, Upstream};

use crate::peer::{Peer, Stream, peer};

/// What a server does with requests.
#[derive(Clone, Debug)]
enum Act {
    Answers,
    /// With this status.
    Status(u16),
    /// A session of this name begins.
    Begins(&'static str),
    /// With this status, too.
    BeginsWith(u16, &'static str),
    /// Promises more than it sends, and closes.
    Cuts(&'static str),
    /// Promises more than it sends, and waits.
    Stalls(&'static str),
    /// Reads the request and closes, once it is told to.
    ClosesWhen(Arc<Notify>),
    Closes,
    IsSilent,
}

/// A server that does as it is told.
struct Told {
    peer: Peer,
    act: Arc<Mutex<Act>>,
}

async fn told() -> Told {
    let act = Arc::new(Mutex::new(Act::Answers));
    let asked = Arc::clone(&act);
    let peer = peer(move |_, stream| serve(stream, Arc::clone(&asked))).await;
    Told { peer, act }
}

async fn serve(mut stream: Stream, asked: Arc<Mutex<Act>>) {
    while stream.request().await.is_some() {
        let act = asked.lock().unwrap().clone();
        let (status, begun, promised) = match act {
            Act::Answers => (200, None, 2),
            Act::Status(status) => (status, None, 2),
            Act::Begins(session) => (200, Some(session), 2),
            Act::BeginsWith(status, session) => (status, Some(session), 2),
            Act::Cuts(session) | Act::Stalls(session) => (200, Some(session), 9),
            Act::ClosesWhen(told) => return told.notified().await,
            Act::Closes => return,
            Act::IsSilent => return stream.closed().await,
        };
        let begun = begun.map(|session| format!("Set-Cookie: s={session}; path=/\r\n"));
        let begun = begun.unwrap_or_default();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {promised}\r\n{begun}");
        stream.write(&format!("{head}\r\nok")).await;
        match act {
            Act::Cuts(_) => return,
            Act::Stalls(_) => return stream.closed().await,
            _ => {}
        }
    }
}

impl Told {
    fn does(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    fn server(&self) -> Server {
        self.peer.server()
    }

    /// What sticky requests call it, without a `route` (SK-1).
    fn id(&self) -> String {
        use md5::{Digest, Md5};
        let hash = Md5::digest(self.peer.address.to_string());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a caller saw.
#[derive(Debug, PartialEq)]
struct Seen {
    /// As the reference writes it: `200 [A, C]`.
    end: String,
    /// `Set-Cookie`s in their order.
    cookies: Vec<String>,
}

fn get(cookie: &str) -> http::Request<Empty<Bytes>> {
    let request = http::Request::get("/").header(COOKIE, cookie);
    request.body(Empty::new()).unwrap()
}

/// Sends a request; `peers` are called A, B and so on.
async fn send<B>(upstream: &Upstream, peers: &[&Told], mut request: http::Request<B>) -> Seen
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tower_upstream::BoxError>,
{
    let trail = Trail::new();
    request.extensions_mut().insert(trail.clone());
    let (status, cookies) = match upstream.send(request).await {
        Ok(answer) => {
            let status = answer.status().as_u16();
            let cookies = answer.headers().get_all(SET_COOKIE).into_iter();
            let cookies = cookies.map(|value| value.to_str().unwrap().to_owned());
            let cookies = cookies.collect();
            let _ = answer.into_body().collect().await;
            (status, cookies)
        }
        Err(error) => (error.status().as_u16(), Vec::new()),
    };
    let letter = |address: &str| {
        let known = peers
            .iter()
            .position(|told| told.peer.address.to_string() == address);
        known
            .map_or('u', |at| char::from(b'A' + at as u8))
            .to_string()
    };
    let asked: Vec<_> = trail.attempts().iter().map(|a| letter(&a.peer)).collect();
    Seen {
        end: format!("{status} [{}]", asked.join(", ")),
        cookies,
    }
}

/// The ends of a request per cookie, in one line.
async fn ends(upstream: &Upstream, peers: &[&Told], cookies: &[&str]) -> String {
    let mut ends = Vec::new();
    for cookie in cookies {
        let seen = send(upstream, peers, get(cookie)).await;
        ends.push(match seen.end.strip_prefix("200 ") {
            Some(asked) => asked.trim_matches(['[', ']']).to_owned(),
            None => seen.end,
        });
    }
    ends.join(" ")
}
