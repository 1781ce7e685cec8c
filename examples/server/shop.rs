//! The service: its layers in their order, and whom it asks.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_upstream::answer::HttpAnswers;
use tower_upstream::limit::Header;
use tower_upstream::limit::bulkhead::{BulkheadLayer, Handle, Queue};
use tower_upstream::limit::rate::{One, RateLimit, RateLimitLayer};
use tower_upstream::timeout::{Incoming, RequestBodyTimeoutLayer, TimeoutLayer};
use tower_upstream::{ConfigError, Server, Upstream};

/// How long a request may take, its response's body included.
pub(crate) const AT_MOST: Duration = Duration::from_secs(2);

/// Milliseconds that a caller waits; what gRPC has `grpc-timeout` for.
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");

/// The service and its gauges.
pub(crate) struct Shop {
    pub(crate) app: Router,
    pub(crate) rate: RateLimitLayer<One<Header>, HttpAnswers>,
    pub(crate) places: Handle,
}

pub(crate) fn open(backends: [SocketAddr; 2]) -> Result<Shop, ConfigError> {
    let [first, second] = backends.map(|at| Server::new(at.to_string()));
    let orders = Upstream::builder()
        .name("orders")
        .server(first)
        .server(second)
        .keepalive(8)
        .connect_timeout(Duration::from_millis(500))
        .deadline_header(TIMEOUT)
        .build()?;

    // Whose word about time is taken: here a header's, elsewhere an address's or a certificate's.
    let callers = Incoming::trusting(|headers, _| headers.contains_key("x-our-mesh"))
        .header(TIMEOUT)
        .clamp(Duration::from_millis(5)..=AT_MOST);
    let tenant = Header::new(HeaderName::from_static("x-tenant"));
    let rate = RateLimitLayer::http(RateLimit::per_minute(6).burst(9).nodelay().key(tenant))
        .status(429)
        .build()?;
    let queue = Queue {
        length: 8,
        ..Queue::default()
    };
    let bulkhead = BulkheadLayer::http(4).queue(queue).build()?;
    let places = bulkhead.handle();

    // The first is the outermost. Each answers by itself, so there is no error to handle.
    let layers = ServiceBuilder::new()
        .layer(
            TimeoutLayer::http()
                .request_timeout(AT_MOST)
                .incoming(callers),
        )
        .layer(rate.clone())
        .layer(bulkhead)
        .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(60)));
    let app = Router::new()
        .route("/orders/{how}", get(ask))
        .with_state(orders)
        .layer(layers);
    Ok(Shop { app, rate, places })
}

/// Not a word about time: what is left of the request's goes along with the call.
async fn ask(State(orders): State<Upstream>, Path(how): Path<String>) -> Response {
    let Ok(request) = Request::get(format!("/{how}")).body(Body::empty()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match orders.send(request).await {
        Ok(reply) => reply.map(Body::new),
        Err(error) => (error.status(), error.to_string()).into_response(),
    }
}
