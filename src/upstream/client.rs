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
use super::config::Proxy;
use super::engine::Engine;
use super::exchange::HttpEndpoint;
use super::group::Group;
use super::http::{Call, HttpRules};
use crate::clock;
use crate::error::{BoxError, Error};
use crate::retry::Terms;

/// A client for a group of servers: picks a peer, tries, classifies, excludes, and goes to the next.
///
/// Clones are cheap and share everything. It is always ready; back-pressure belongs to the layers in
/// front of it. Requests are sent as they are: the URI's authority becomes the `Host` header unless
/// there is one, `Content-Length` and `Transfer-Encoding` follow from the body, and nothing else is
/// touched.
///
/// # Errors
///
/// [`Error`] says why there is no answer, who was asked last and how many attempts were made;
/// [`Error::status`] is what NGINX would answer. A response with a bad status is an answer.
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
}

impl Upstream {
    /// Starts with NGINX's defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A way to `group` under the limits of `proxy`.
    pub fn new(group: Group, proxy: Proxy) -> Self {
        let terms = Terms {
            next_upstream: proxy.next_upstream,
            tries: proxy.next_upstream_tries,
            timeout: proxy.next_upstream_timeout,
            request_timeout: proxy.request_timeout,
        };
        let proxy = Arc::new(proxy);
        let [primary, backup] = group.endpoints();
        let names = [&primary, &backup].map(|list| {
            list.iter()
                .map(|endpoint| Arc::clone(&endpoint.name))
                .collect()
        });
        let rules = HttpRules {
            proxy: Arc::clone(&proxy),
            group: group.shared_name(),
            names: Arc::new(names),
        };
        Self {
            engine: Engine::new(group.roster(), primary, backup, rules, terms),
            group,
            proxy,
        }
    }

    /// The peers and connections behind it.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The limits it works under.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Sends a request; what the [`Service`] does, without asking for `&mut`.
    pub fn send<B>(&self, request: Request<B>) -> ResponseFuture
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let deadline = self.proxy.request_timeout.map(|limit| clock::now() + limit);
        let host = self.group.host();
        let call = Call::new(request, host, self.proxy.request_buffering, deadline);
        ResponseFuture {
            future: self.engine.send(call),
        }
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
