//! The resilience of an NGINX gateway, inside your process.
//!
//! Give [`Upstream`] the servers of a service and it keeps calls to that service going while they
//! fail: it picks one, tries, classifies what came of it, excludes who failed, and goes to the next.
//! Whom it picks, what counts, what moves a request on and what is given up are NGINX's rules, to the
//! last pick; the two are compared request by request on the same configuration.
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::{NextUpstream, Server, Upstream};
//!
//! let orders = Upstream::builder()
//!     .server(Server::new("10.0.1.10:8080").max_fails(3).fail_timeout(Duration::from_secs(30)))
//!     .server(Server::new("10.0.1.11:8080").max_fails(3).fail_timeout(Duration::from_secs(30)))
//!     .keepalive(32)
//!     .connect_timeout(Duration::from_secs(2))
//!     .read_timeout(Duration::from_secs(5))
//!     .next_upstream(NextUpstream::ERROR | NextUpstream::TIMEOUT | NextUpstream::HTTP_500)
//!     .build()?;
//! # fn client<S: tower::Service<http::Request<axum::body::Body>>>(_: &S) {}
//! # client(&orders);
//! # Ok::<(), tower_upstream::ConfigError>(())
//! ```
//!
//! `orders` is a [`tower::Service`](tower_service::Service), always ready, cheap to clone. The same
//! block from the file people already have is [`Upstream::from_nginx`].
//!
//! # The corridor
//!
//! ```text
//! client ─▶ timeout ─▶ limit::rate ─▶ limit::bulkhead ─▶ your service
//!              │                                              │
//!              └── what is left of the time goes along ───┐   │ calls another
//! ┌───────────────────────────────────────────────────────┴───┘
//! └▶ upstream ─▶ retry ─▶ balance ─[breaker]─▶ pool ─▶ connect ─▶ socket
//!                  ▲         ▲                                      │
//!                  └─────────┴────────── classify ◀─────────────────┘
//!    side door: nginx ─▶ upstream::config         at every wait: timeout
//! ```
//!
//! Requests walk right. What came of an attempt walks back as one [`Outcome`](classify::Outcome), and
//! what was booked for it comes back by itself, whenever and wherever the attempt ends.
//!
//! | room | its question | NGINX words |
//! | --- | --- | --- |
//! | [`upstream`] | the whole: from a request to an answer or an [`Error`] | `upstream`, `proxy_pass` |
//! | [`retry`] | whether to try again | `proxy_next_upstream`, `_tries`, `_timeout`, `proxy_request_buffering` |
//! | [`balance`] | where to go | `server`, `weight`, `max_conns`, `backup`, `down` |
//! | [`breaker`] | who is left alone, and until when | `max_fails`, `fail_timeout` |
//! | [`health`] | how servers are, whether or not requests go there | `health_check` (commercial) |
//! | [`pool`] | which connection may serve again | `keepalive`, `keepalive_requests`, `_time`, `_timeout` |
//! | [`connect`] | from an address to a connection | - |
//! | [`classify`] | what happened, without a verdict | `error`, `timeout`, `invalid_header`, `http_500`, ... |
//! | [`timeout`] | which clock stops when, and what is left of a request's time | `proxy_connect_timeout`, `_send_`, `_read_`, `client_body_timeout` |
//! | [`limit`] | how often a service is asked, how much at once, and by whom | `limit_req_zone`, `limit_req`, `limit_conn_zone`, `limit_conn` |
//! | [`answer`] | how a layer in front of a service says no | `limit_req_status`, `limit_conn_status` |
//! | [`nginx`] | a configuration file as values | all of them |
//!
//! The guide has [where to put it among other layers](guide::order), [the rows in which it differs
//! from NGINX](guide::parity) and [what changed](guide::changelog).
//!
//! # Two semantics
//!
//! [`Semantics::Nginx`] is the default and what an NGINX would do, its hazards included.
//! [`Semantics::Strict`] repairs those; [each is a row](guide::parity#repaired-under-strict)
//! that is tested in both modes.
//!
//! # Features
//!
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `http` | yes | [`Upstream`], the keepalive pool, timeouts: HTTP/1 over hyper |
//! | `nginx` | yes | [`Upstream::from_nginx`] and the reader of `nginx.conf` |
//! | `dns` | no | [`dns`]: servers whose addresses are DNS's to tell; needs Rust 1.88 |
//! | `discover` | no | [`discover`]: members from any `tower::discover::Discover` |
//! | `http2` | no | HTTP/2 to servers: [`Http2`], many requests over one connection; gRPC: [`upstream::channel`] |
//! | `tls` | no | TLS to servers, over rustls: [`connect::Tls`] |
//! | `serde` | no | configuration values from and to any format |
//!
//! Without features the machines and the [engine](upstream::Engine) remain, for services that are
//! not HTTP.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod answer;
pub mod balance;
#[cfg(feature = "http")]
pub mod body;
pub mod breaker;
pub mod classify;
mod clock;
#[cfg(feature = "http")]
pub mod connect;
#[cfg(feature = "discover")]
pub mod discover;
#[cfg(feature = "dns")]
pub mod dns;
mod error;
#[cfg(doc)]
pub mod guide;
#[cfg(feature = "http")]
pub mod health;
pub mod limit;
#[cfg(feature = "nginx")]
pub mod nginx;
#[cfg(feature = "http")]
pub mod pool;
pub mod retry;
mod semantics;
pub mod timeout;
pub mod upstream;

pub use error::{BoxError, ConfigError, Error, ErrorKind, find_cause};
pub use retry::NextUpstream;
pub use semantics::Semantics;
#[cfg(feature = "http")]
pub use upstream::config::{
    Choice, GroupConfig, Grpc, HashKey, HealthCheck, Hedge, Http2, Keepalive, Proxy,
    RequestBuffering, ResolverConfig, Server, Sticky, StickyCookie, StickyLearn,
};
#[cfg(feature = "http")]
pub use upstream::{
    Attempt, Builder, Group, Members, PeerSnapshot, ResponseBody, ResponseFuture, Trail, Upstream,
    Visit,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
