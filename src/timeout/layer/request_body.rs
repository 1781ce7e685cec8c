use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::super::Elapsed;
use super::super::body::{BodyLimits, TimeoutBody};

/// Limits the time between two frames of a request's body (`client_body_timeout`).
///
/// The body then ends in an [`Elapsed::Client`]; what becomes of the request is the service's to say.
/// Only time in which the service asks for more and none is there counts. The service behind must take
/// a request whose body is a [`TimeoutBody`]: axum's and tonic's do.
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::post};
/// use tower_upstream::timeout::RequestBodyTimeoutLayer;
///
/// let app: Router = Router::new()
///     .route("/upload", post(|body: axum::body::Bytes| async move { body.len().to_string() }))
///     .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(60)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RequestBodyTimeoutLayer {
    limit: Duration,
}

impl RequestBodyTimeoutLayer {
    /// Nothing of a body may be waited for longer than this; NGINX's default is 60 s.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for RequestBodyTimeoutLayer {
    type Service = RequestBodyTimeout<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestBodyTimeout {
            inner,
            limit: self.limit,
        }
    }
}

/// A service whose requests' bodies come in time or end in an error.
#[derive(Clone, Copy, Debug)]
pub struct RequestBodyTimeout<S> {
    inner: S,
    limit: Duration,
}

impl<S, B> Service<Request<B>> for RequestBodyTimeout<S>
where
    S: Service<Request<TimeoutBody<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let limits = BodyLimits {
            pause: Some((self.limit, Elapsed::Client)),
            ..BodyLimits::default()
        };
        let request = request.map(|body| TimeoutBody::new(body, limits, None));
        self.inner.call(request)
    }
}
