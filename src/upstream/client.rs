use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::ResponseBody;
use super::builder::Builder;
#[cfg(feature = "nginx")]
use super::config::ConfigError;
use super::config::Proxy;
use super::engine::Engine;
use super::exchange::HttpEndpoint;
use super::group::Group;
use super::hash_by::HashBy;
use super::http::{Call, HttpRules, Keys};
use super::sticky::Visit;
use crate::balance::Method;
#[cfg(feature = "tls")]
use crate::connect::Tls;
#[cfg(feature = "nginx")]
use crate::error::ErrorKind;
use crate::error::{BoxError, Error};
#[cfg(feature = "nginx")]
use crate::nginx::Rewrite;
use crate::retry::Terms;

/// A client for a group of servers: picks a peer, tries, classifies, excludes, and goes to the next.
///
/// Clones are cheap and share everything. It is always ready; back-pressure belongs to the layers in
/// front of it. Requests are sent as they are: the URI's authority becomes the `Host` header unless
/// there is one, `Content-Length` and `Transfer-Encoding` follow from the body, and nothing else is
/// touched. Answers come as they are, but for the cookie of a group with
/// [`Sticky::Cookie`](crate::Sticky::Cookie).
///
/// # Errors
///
/// [`Error`] says why there is no answer, who was asked last and how many attempts were made;
/// [`Error::status`] is what NGINX would answer. A response with a bad status is an answer.
///
/// # Time
///
/// The smallest of [`request_timeout`](crate::Proxy::request_timeout), the
/// [`Deadline`](crate::timeout::Deadline) in the request's extensions, the
/// [current](crate::timeout::Deadline::current) one, and for gRPC a `grpc-timeout` among the headers,
/// bounds everything: attempts, waits, hedges, and the response's body. With nothing left no attempt is
/// begun; that is [`ErrorKind::Deadline`](crate::ErrorKind::Deadline) and says nothing against a peer.
/// Every attempt tells its peer what is left: gRPC in `grpc-timeout`, others in
/// [`deadline_header`](crate::Proxy::deadline_header), if there is one.
///
/// # Cancel safety
///
/// Dropping the future, or the response body, gives the peer's slot and probe back at once and closes
/// the connection in use. Under [`Semantics::Nginx`](crate::Semantics::Nginx) this counts as a
/// success (MF-14), under [`Strict`](crate::Semantics::Strict) as nothing.
#[derive(Clone, Debug)]
pub struct Upstream {
    engine: Engine<HttpEndpoint, HttpRules>,
    group: Group,
    proxy: Arc<Proxy>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<Tls>>,
    hash_by: Option<HashBy>,
    #[cfg(feature = "nginx")]
    rewrite: Option<Arc<Rewrite>>,
}

impl Upstream {
    /// Starts with NGINX's defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A way to `group` under the limits of `proxy`.
    pub fn new(group: Group, proxy: Proxy) -> Self {
        let semantics = group.config().semantics;
        let rules = HttpRules {
            grpc: proxy.grpc.under(semantics),
            proxy: Arc::new(proxy),
            pool: group.pool(),
            #[cfg(feature = "tls")]
            tls: None,
            group: group.shared_name(),
            desk: group.desk().cloned(),
            semantics,
        };
        Self::by(rules, group)
    }

    /// The same over TLS (`proxy_pass https://...`). Idle connections are shared with those it was
    /// built over clones of `tls` for, and with nobody else.
    #[cfg(feature = "tls")]
    pub fn over_tls(group: Group, proxy: Proxy, tls: Tls) -> Self {
        let semantics = group.config().semantics;
        let rules = HttpRules {
            grpc: proxy.grpc.under(semantics),
            proxy: Arc::new(proxy),
            pool: group.pool_over(&tls),
            tls: Some(Arc::new(tls)),
            group: group.shared_name(),
            desk: group.desk().cloned(),
            semantics,
        };
        Self::by(rules, group)
    }

    fn by(rules: HttpRules, group: Group) -> Self {
        let proxy = Arc::clone(&rules.proxy);
        #[cfg(feature = "tls")]
        let tls = rules.tls.clone();
        let terms = Terms {
            next_upstream: proxy.next_upstream,
            tries: proxy.next_upstream_tries,
            timeout: proxy.next_upstream_timeout,
            request_timeout: proxy.request_timeout,
            hedge: proxy.hedge,
        };
        Self {
            engine: Engine::with_budget(group.roster(), rules, terms, group.budget()),
            group,
            proxy,
            #[cfg(feature = "tls")]
            tls,
            hash_by: None,
            #[cfg(feature = "nginx")]
            rewrite: None,
        }
    }

    pub(super) fn hashed_by(self, hash_by: Option<HashBy>) -> Self {
        Self { hash_by, ..self }
    }

    /// What the location for the path `location` says in a configuration people already have: the
    /// upstream block it passes to, its timeouts and retry rules, and what it makes of requests
    /// (`proxy_set_header`, `proxy_http_version`, the URI part of `proxy_pass`). See
    /// [`nginx`](crate::nginx) for what is understood.
    ///
    /// Requests go out as HTTP/1.0 unless the location says `proxy_http_version`, as in NGINX; with
    /// `grpc_pass` in HTTP/2 (feature `http2`), under the limits of the `grpc_*` directives. Over
    /// `https://` **any certificate will do** unless it says `proxy_ssl_verify on`, as in NGINX; the
    /// process has to have chosen its cryptography before, see [`Tls::from_config`](crate::connect::Tls).
    ///
    /// # Errors
    ///
    /// Everything wrong with the configuration, at once, with line and column. Nothing in it is
    /// ignored in silence.
    #[cfg(feature = "nginx")]
    pub fn from_nginx(text: &str, location: &str) -> Result<Self, ConfigError> {
        let imported = crate::nginx::import(text, location)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &imported.tls {
            let mut problems = crate::nginx::Problems::new();
            let Some(tls) = tls.client(&mut problems) else {
                return Err(problems.into_error());
            };
            return Ok(Self {
                rewrite: Some(Arc::new(imported.rewrite)),
                ..Self::over_tls(Group::new(imported.group)?, imported.proxy, tls)
            });
        }
        Ok(Self {
            rewrite: Some(Arc::new(imported.rewrite)),
            ..Self::new(Group::new(imported.group)?, imported.proxy)
        })
    }

    /// The peers and connections behind it.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The limits it works under.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// How its servers are spoken to over TLS, if they are: for their
    /// [`Checks`](crate::health::Checks::tls).
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// Sends a request; what the [`Service`] does, without asking for `&mut`.
    pub fn send<B>(&self, mut request: Request<B>) -> ResponseFuture
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let visit = self.visit(&mut request);
        let host = self.group.host();
        let (request, refused) = self.rewritten(request);
        let buffering = self.proxy.request_buffering;
        let call = Call::new(request, host, self.keys(), visit, buffering, refused);
        #[cfg(feature = "http2")]
        let call = match self.proxy.http2 {
            Some(_) => call.over_http2(),
            None => call,
        };
        ResponseFuture {
            future: self.engine.send(call),
        }
    }

    fn keys(&self) -> Keys<'_> {
        let config = self.group.config();
        match (config.method, &self.hash_by) {
            (Method::Hash | Method::ConsistentHash, Some(by)) => Keys::By(by),
            (Method::Hash | Method::ConsistentHash, None) => Keys::Config(&config.hash_key),
            _ => Keys::Unasked,
        }
    }

    /// What a request says of where it belongs, or has said before it came here.
    fn visit<B>(&self, request: &mut Request<B>) -> Option<Visit> {
        self.group.desk()?;
        let said = request.extensions_mut().remove();
        said.or_else(|| self.group.visit(request.uri(), request.headers()))
    }

    /// What the location makes of a request, or why it can make nothing of it.
    #[cfg(feature = "nginx")]
    fn rewritten<B>(&self, request: Request<B>) -> (Request<B>, Option<Error>) {
        let Some(rewrite) = &self.rewrite else {
            return (request, None);
        };
        let (mut head, body) = request.into_parts();
        let refused = rewrite.apply(&mut head).err();
        let refused = refused.map(|why| Error::new(ErrorKind::InvalidRequest).because(why));
        (Request::from_parts(head, body), refused)
    }

    #[cfg(not(feature = "nginx"))]
    fn rewritten<B>(&self, request: Request<B>) -> (Request<B>, Option<Error>) {
        (request, None)
    }
}

impl<B> Service<Request<B>> for Upstream
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        self.send(request)
    }
}

pin_project_lite::pin_project! {
    /// A request of an [`Upstream`] on its way.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture {
        #[pin]
        future: super::future::ResponseFuture<HttpEndpoint, HttpRules, Call>,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx)
    }
}
