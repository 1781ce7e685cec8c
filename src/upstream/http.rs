use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Extensions, HeaderMap, Method, Request, Response, Version};
use http_body::Body;

use super::body::ResponseBody;
use super::config::{Grpc, HashKey, Proxy};
use super::exchange::HttpAttempt;
use super::hash_by::HashBy;
#[cfg(feature = "http2")]
use super::head::authority;
use super::rules::Rules;
use super::sticky::{Desk, Visit};
use super::time_left;
use super::trail::{Attempt, Row, Trail};
use crate::answer::HttpAnswer;
use crate::balance::{Affinity, Ending, Key, Lease};
use crate::classify::http::AttemptError;
use crate::classify::{Condition, Outcome, grpc};
use crate::connect::Spelling;
#[cfg(feature = "tls")]
use crate::connect::Tls;
use crate::error::{BoxError, Error, ErrorKind};
use crate::pool::Pool;
use crate::retry::attempt::AttemptBody;
use crate::retry::body::RequestBody;
use crate::retry::{Idempotent, PREVIOUS_ATTEMPTS, Pushback, RequestBuffering};
use crate::semantics::Semantics;
use crate::timeout::Deadline;

/// What an HTTP/1.0 request without a known length may have, where nothing else says so: there is no
/// chunked framing, so it is read first (NU-14). `client_max_body_size`'s default.
const UNCHUNKED: usize = 1024 * 1024;

/// A request as the engine carries it from peer to peer.
pub(super) struct Call {
    method: Method,
    idempotent: bool,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    extensions: Extensions,
    body: RequestBody,
    trail: Option<Trail>,
    /// The attempts' places in the trail, by their numbers.
    rows: Vec<Row>,
    affinity: Affinity,
    /// What it said of where it belongs, in groups that stick.
    visit: Option<Visit>,
    spelling: Option<Spelling>,
    /// The smallest of those that count, once the engine has asked.
    deadline: Option<Deadline>,
    /// Why it is not to be sent.
    refused: Option<Error>,
}

impl Call {
    pub(super) fn new<B>(
        request: Request<B>,
        host: &HeaderValue,
        keys: Keys<'_>,
        visit: Option<Visit>,
        buffering: RequestBuffering,
        refused: Option<Error>,
    ) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        // On an HTTP/1 connection hyper would drop the body of an HTTP/2 request, and panics on 3; for
        // an HTTP/2 one the head is made over once there is a stream.
        if parts.version != Version::HTTP_10 {
            parts.version = Version::HTTP_11;
        }
        let exact = body.size_hint().exact();
        let buffering = match (parts.version, exact, buffering) {
            (Version::HTTP_10, None, RequestBuffering::Off) => {
                RequestBuffering::On { max: UNCHUNKED }
            }
            (Version::HTTP_10, None, RequestBuffering::Replay { limit }) => {
                RequestBuffering::On { max: limit }
            }
            (_, _, buffering) => buffering,
        };
        let body = RequestBody::new(body, buffering, parts.version == Version::HTTP_11);
        if !parts.headers.contains_key(HOST) {
            let named = parts
                .uri
                .authority()
                .and_then(|a| HeaderValue::from_str(a.as_str()).ok());
            parts
                .headers
                .insert(HOST, named.unwrap_or_else(|| host.clone()));
        }
        // The framing is the body's own; what a caller says of it may no longer hold (HD-6).
        parts.headers.remove(TRANSFER_ENCODING);
        let keeps_length = body.is_empty()
            && parts
                .headers
                .get(CONTENT_LENGTH)
                .is_some_and(|len| len == "0");
        if !keeps_length {
            parts.headers.remove(CONTENT_LENGTH);
        }
        let affinity = affinity(&mut parts, keys);
        let tunnels = parts.method == Method::CONNECT;
        let idempotent = Idempotent::of(&parts.method, &parts.extensions);
        Self {
            method: parts.method,
            idempotent,
            uri: origin_form(parts.uri),
            version: parts.version,
            headers: parts.headers,
            trail: parts.extensions.remove(),
            rows: Vec::new(),
            affinity,
            visit,
            spelling: parts.extensions.remove(),
            deadline: parts.extensions.remove(),
            extensions: parts.extensions,
            body,
            refused: refused.or_else(|| {
                // A tunnel through us is a proxy's business, and NGINX's 405.
                let why = "CONNECT is not passed on";
                tunnels.then(|| Error::new(ErrorKind::InvalidRequest).because(why))
            }),
        }
    }
}

impl Call {
    /// Refused if HTTP/2 cannot say its host: a peer would be blamed for what is never sent.
    #[cfg(feature = "http2")]
    pub(super) fn over_http2(mut self) -> Self {
        if self.refused.is_none() && authority(&self.headers).is_none() {
            let why = "the Host cannot be said in HTTP/2";
            self.refused = Some(Error::new(ErrorKind::InvalidRequest).because(why));
        }
        self
    }
}

/// Where a request's key comes from, unless it carries one.
#[derive(Clone, Copy)]
pub(super) enum Keys<'a> {
    /// The method asks for none.
    Unasked,
    Config(&'a HashKey),
    By(&'a HashBy),
}

/// What the request carries, and else what the configuration says of its key.
fn affinity(parts: &mut Parts, keys: Keys<'_>) -> Affinity {
    let mut affinity: Affinity = parts.extensions.remove().unwrap_or_default();
    if affinity.key.is_none() {
        affinity.key = match keys {
            Keys::Unasked | Keys::Config(HashKey::Carried | HashKey::Variables(_)) => None,
            Keys::By(by) => by.key(parts),
            Keys::Config(HashKey::Header(name)) => parts.headers.get(name).and_then(Key::new),
            Keys::Config(HashKey::Uri) => parts
                .uri
                .path_and_query()
                .and_then(|uri| Key::new(uri.as_str())),
        };
    }
    affinity
}

/// The form a server is asked in; the authority has become the Host header.
fn origin_form(uri: Uri) -> Uri {
    if uri.scheme().is_none() && uri.authority().is_none() {
        return uri;
    }
    let path = uri.path_and_query().cloned();
    Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
}

/// How HTTP requests are repeated, and what their endings mean.
#[derive(Clone, Debug)]
pub(super) struct HttpRules {
    pub(super) proxy: Arc<Proxy>,
    pub(super) pool: Arc<Pool<AttemptBody>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) group: Arc<str>,
    pub(super) desk: Option<Arc<Desk>>,
    pub(super) semantics: Semantics,
    /// What gRPC statuses mean, if they are looked at.
    pub(super) grpc: Option<Grpc>,
}

impl Rules<Call> for HttpRules {
    type Attempt = HttpAttempt;
    type Reply = Response<ResponseBody>;
    type Error = AttemptError;
    type Response = Response<ResponseBody>;

    fn deadline(&self, call: &mut Call, own: Option<Deadline>) -> Option<Deadline> {
        call.deadline = Deadline::either(call.deadline, own);
        if self.proxy.grpc_timeout {
            let said = time_left::said(&call.headers).map(Deadline::after);
            call.deadline = Deadline::either(call.deadline, said);
        }
        call.deadline
    }

    fn poll_prepare(&self, call: &mut Call, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match call.refused.take() {
            Some(error) => Poll::Ready(Err(error)),
            None => call.body.poll_prepare(cx),
        }
    }

    fn affinity(&self, call: &Call) -> Affinity {
        let mut affinity = call.affinity;
        if let (None, Some(desk), Some(visit)) = (affinity.route, &self.desk, &call.visit) {
            affinity.route = desk.route(visit);
        }
        affinity
    }

    fn attempt(&self, call: &mut Call, peer: &Arc<str>, number: u32, fresh: bool) -> HttpAttempt {
        let trail = call.trail.as_ref();
        let row = trail.map(|trail| trail.begin(Attempt::new(Arc::clone(peer))));
        call.rows.extend(row.clone());
        let body = call.body.attempt();
        let mut request = Request::new(body);
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.uri.clone();
        *request.version_mut() = call.version;
        // Copied, because hyper keeps the head it sends and a later attempt needs one.
        *request.headers_mut() = call.headers.clone();
        *request.extensions_mut() = call.extensions.clone();
        if let Some(deadline) = call.deadline {
            let plain = self.proxy.deadline_header.as_ref();
            time_left::tell(request.headers_mut(), deadline.left(), plain);
        }
        if request.body().size_hint().exact().is_none() && call.version == Version::HTTP_11 {
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(TRANSFER_ENCODING, chunked);
        }
        let is_grpc = |_: &Grpc| HttpAnswer::of(&call.headers) == HttpAnswer::Grpc;
        let grpc = self.grpc.filter(is_grpc);
        if grpc.is_some() && number > 1 {
            let previous = HeaderValue::from(number - 1);
            request.headers_mut().insert(PREVIOUS_ATTEMPTS, previous);
        }
        // hyper does not poll a body of no bytes.
        let has_body = request.body().size_hint().exact() != Some(0);
        HttpAttempt {
            request,
            has_body,
            fresh,
            semantics: self.semantics,
            grpc,
            proxy: Arc::clone(&self.proxy),
            pool: Arc::clone(&self.pool),
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
            row,
            spelling: call.spelling.clone(),
        }
    }

    fn outcome(&self, result: &Result<Response<ResponseBody>, AttemptError>) -> Outcome {
        match result {
            Ok(response) => {
                let grpc = response.body().grpc();
                let told = grpc.and_then(|grpc| grpc_condition(&grpc, response));
                let status = response.status().as_u16();
                Outcome::new(told.unwrap_or_else(|| Condition::of_status(status)))
            }
            Err(error) => error.outcome,
        }
    }

    fn idempotent(&self, call: &Call) -> bool {
        call.idempotent
    }

    fn replayable(&self, call: &Call) -> bool {
        call.body.replayable()
    }

    fn withdraw(&self, call: &Call) -> bool {
        call.body.withdraw()
    }

    fn may_run_twice(&self, call: &Call) -> bool {
        self.idempotent(call) && call.body.shareable()
    }

    fn disabled(&self, call: &Call, number: u32) {
        if let Some(row) = (number as usize)
            .checked_sub(1)
            .and_then(|row| call.rows.get(row))
        {
            row.update(|attempt| attempt.disabled = true);
        }
    }

    fn none_left(&self, call: &Call) {
        if let Some(trail) = &call.trail {
            let _ = trail.begin(Attempt::none_left(Arc::clone(&self.group)));
        }
    }

    fn discard(&self, reply: Response<ResponseBody>, ending: Ending) {
        if ending == Ending::Next {
            reply.into_body().let_go();
        }
    }

    fn finish(
        &self,
        call: Call,
        mut reply: Response<ResponseBody>,
        lease: Option<(Lease, Ending)>,
    ) -> Response<ResponseBody> {
        let lesson = match (&self.desk, &call.visit, reply.body().route()) {
            (Some(desk), Some(visit), Some(route)) => {
                let ending = lease.as_ref().map(|(_, ending)| *ending);
                desk.answered(visit, reply.headers_mut(), route, ending)
            }
            _ => None,
        };
        let deadline = call.deadline.map(Deadline::instant);
        reply.body_mut().carry(lease, lesson, deadline);
        call.body.answered();
        reply
    }
}

/// What the head of a gRPC response says of the peer, if anything.
fn grpc_condition<B>(grpc: &Grpc, response: &Response<B>) -> Option<Condition> {
    let condition = grpc.condition(grpc::of_head(response)?)?;
    match (condition, Pushback::of_grpc_headers(response.headers())) {
        // The server wants nobody to be asked again (gRFC A6).
        (Condition::Grpc { counts, .. }, Some(Pushback::Never)) => Some(Condition::Grpc {
            counts,
            next: false,
        }),
        _ => Some(condition),
    }
}
