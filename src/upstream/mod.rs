//! The finished client service: one loop from a request to an answer.
//!
//! ```text
//!          ┌────────────────────────── next ◀──────────────────────────────┐
//!          ▼                                                               │
//! take in ─▶ pick ─▶ call the peer's service ─▶ classify ─▶ report ─▶ may it be repeated?
//!             │                                                            │
//!             └─▶ nobody left: 502                     answer or error ◀───┘
//! ```
//!
//! The loop is [`Engine`]'s and knows no HTTP. [`Upstream`] is the engine with HTTP peers: a kept
//! connection or a new one, a body that is streamed and can be sent again, timeouts for each phase.
//! It asks the machines of the other rooms and does nothing they could do:
//!
//! 1. What must be there before a peer is chosen is taken in
//!    ([`RequestBuffering`](crate::RequestBuffering)).
//! 2. [`balance`](crate::balance) chooses a peer and books the attempt: a
//!    [`Lease`](crate::balance::Lease) that comes back whatever happens.
//! 3. The peer's service is waited for and called. Its readiness is awaited inside the call, so a
//!    peer that is not ready can be given up like one that does not answer.
//! 4. [`classify`](crate::classify) says what came of it, the lease is settled with that, and
//!    [`retry`](crate::retry) says whether the next peer is asked.
//! 5. The response header is the answer. The lease rides on with the body: the peer is in use until
//!    its last byte.
//!
//! # Over HTTP
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::body::Body;
//! use tower_upstream::{ErrorKind, Server, Trail, Upstream};
//!
//! // Two ports that refuse: their listeners are gone.
//! let gone = || std::net::TcpListener::bind("127.0.0.1:0")?.local_addr();
//! let (a, b) = (gone()?.to_string(), gone()?.to_string());
//! let orders = Upstream::builder()
//!     .server(Server::new(&a))
//!     .server(Server::new(&b))
//!     .build()?;
//!
//! let trail = Trail::new();
//! let request = http::Request::get("/orders").extension(trail.clone()).body(Body::empty())?;
//! let error = orders.send(request).await.unwrap_err();
//! assert_eq!((error.kind(), error.attempts()), (ErrorKind::Error, 2));
//! assert_eq!(error.status(), 502);
//! let asked: Vec<String> = trail.attempts().iter().map(|a| a.peer.to_string()).collect();
//! assert_eq!(asked, [a, b]);
//!
//! // Both failed once, which is all that `max_fails` allows by default.
//! let error = orders.send(http::Request::new(Body::empty())).await.unwrap_err();
//! assert_eq!((error.kind(), error.attempts()), (ErrorKind::NoLiveUpstreams, 0));
//! # Ok(())
//! # }
//! ```
//!
//! # Over anything else
//!
//! [`Rules`] tells the engine what it has to know of requests and answers. [`Plain`] is enough where
//! a request can be cloned and an answer is complete when it comes:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_upstream::Error> {
//! use std::{io, sync::Arc};
//! use tower::{ServiceExt, service_fn};
//! use tower_upstream::Semantics;
//! use tower_upstream::balance::{Member, Roster, Setup};
//! use tower_upstream::classify::Condition;
//! use tower_upstream::retry::Terms;
//! use tower_upstream::upstream::{Endpoint, Engine, Plain};
//!
//! // Two replicas of a database. The first is gone.
//! let replica = |name: &'static str, up: bool| {
//!     let service = service_fn(move |query: &'static str| async move {
//!         match up {
//!             true => Ok(format!("{query}: 42 rows from {name}")),
//!             false => Err(io::Error::other("connection lost")),
//!         }
//!     });
//!     (Member::new(name), Arc::new(Endpoint { name: name.into(), service }))
//! };
//! let rules = Setup { semantics: Semantics::Strict, ..Setup::default() };
//! let replicas = Engine::new(
//!     Arc::new(Roster::new(rules, vec![replica("a", false), replica("b", true)])),
//!     Plain::new(|result: &Result<String, io::Error>| match result {
//!         Ok(_) => Condition::Served,
//!         Err(_) => Condition::Error,
//!     }),
//!     Terms::default(),
//! );
//!
//! let rows = replicas.clone().oneshot("select").await?;
//! assert_eq!(rows, "select: 42 rows from b");
//! assert_eq!(replicas.states()[0].fails, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Over gRPC
//!
//! With feature `http2`, `Upstream::channel` is what tonic's clients are made of.
//!
//! # Beside other layers
//!
//! Both are always ready and queue nothing. Limits, load shedding and deadlines for many calls go in
//! front, as layers; retry layers and balancers of other crates are not needed behind or before it,
//! and a retry layer in front multiplies attempts. See [the order](crate::guide::order).
//!
//! # Cancel safety
//!
//! A call may be dropped at any moment, and so may its response body: the slot, the probe and the
//! connection in use come back at once. What that says of the peer depends on
//! [`Semantics`](crate::Semantics).
//!
//! # Errors
//!
//! [`Error`](crate::Error) means that there is no answer: it says why, who was asked last and how many
//! attempts were made, and keeps the source. Answers with a bad status are answers.

#[cfg(feature = "http")]
mod body;
#[cfg(feature = "http")]
mod builder;
mod call;
#[cfg(feature = "http")]
mod changes;
#[cfg(feature = "http2")]
pub mod channel;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
pub mod config;
#[cfg(feature = "http")]
mod connecting;
mod engine;
#[cfg(feature = "http")]
mod exchange;
mod future;
#[cfg(feature = "http")]
mod group;
#[cfg(feature = "http")]
mod hash_by;
#[cfg(feature = "http2")]
mod head;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod members;
#[cfg(feature = "http")]
mod owed;
#[cfg(feature = "http")]
mod registry;
mod rules;
#[cfg(feature = "http")]
pub(crate) mod sticky;
#[cfg(feature = "http")]
mod succession;
#[cfg(feature = "http")]
mod time_left;
#[cfg(feature = "http")]
mod trail;
#[cfg(feature = "http")]
mod verdicts;
#[cfg(feature = "http")]
mod waiting;

#[cfg(feature = "http")]
pub use body::ResponseBody;
#[cfg(feature = "http")]
pub use builder::Builder;
#[cfg(feature = "http")]
pub use changes::Changes;
#[cfg(feature = "http2")]
pub use channel::Channel;
#[cfg(feature = "http")]
pub use client::{ResponseFuture, Upstream};
pub use engine::{Endpoint, Endpoints, Engine};
pub use future::ResponseFuture as EngineFuture;
#[cfg(feature = "http")]
pub use group::{Group, PeerSnapshot};
#[cfg(feature = "http")]
pub use members::Members;
#[cfg(all(feature = "discover", feature = "http"))]
pub(crate) use registry::checked;
pub use rules::{Plain, Rules};
#[cfg(feature = "http")]
pub use sticky::Visit;
#[cfg(feature = "http")]
pub use succession::Succession;
#[cfg(feature = "http")]
pub use trail::{Attempt, Trail};
