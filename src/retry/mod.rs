//! Whether to try again: never *where*, which is [`balance`](crate::balance)'s to say.
//!
//! NGINX moves a request to the next peer when the attempt ended in a listed condition, tries and
//! time are left, and repeating is safe: nothing was sent yet, or the method is idempotent (or
//! `non_idempotent` is listed) and the body can be sent again.
//!
//! ```
//! use tower_upstream::NextUpstream;
//!
//! let listed = NextUpstream::ERROR | NextUpstream::HTTP_503;
//! assert!(listed.contains(NextUpstream::HTTP_503));
//! assert_eq!(listed.to_string(), "error http_503");
//! // NGINX's default.
//! assert_eq!(NextUpstream::default().to_string(), "error timeout");
//! ```
//!
//! # A service that stands alone
//!
//! [`RetryLayer`] does the same for one service of any kind: a database client, a queue, an HTTP
//! service behind a single address.
//!
//! | | [`Upstream`](crate::upstream) | [`RetryLayer`] |
//! | --- | --- | --- |
//! | reach for it | when there are several endpoints | when there is one, or somebody else picks |
//! | a retry goes | to the next peer, at once | to the same service, after a wait |
//! | attempts | as many as peers, or `next_upstream_tries` | 3 |
//! | what is repeated | [`NextUpstream`] | the same words, of what [`Classify`](crate::classify::Classify) tells |
//! | request bodies | [`RequestBuffering`] | [`Replay`]: clones, or [`HttpRequests`] |
//! | all retries together | no bound, as in NGINX, or a [`Budget`] | a [`Budget`] of 20 % + 10 per second |
//! | told when to come back | - | [`Pushback`] |
//!
//! One in front of the other multiplies attempts: three times every peer. Let `Upstream` alone repeat
//! what it sends; and where a service that you call repeats its own calls, repeat nothing yourself but
//! what it refused.
//!
#![cfg_attr(feature = "http", doc = "```")]
#![cfg_attr(not(feature = "http"), doc = "```ignore")]
//! use std::time::Duration;
//! use tower::ServiceBuilder;
//! use tower_upstream::classify::Outcome;
//! use tower_upstream::retry::{AttemptBody, Budget, RetryLayer};
//! use tower_upstream::{BoxError, NextUpstream};
//!
//! // One budget for everything this process repeats.
//! let budget = Budget::default();
//! let retry = RetryLayer::http(|error: &BoxError| Outcome::of_error(&**error))
//!     .next_upstream(NextUpstream::ERROR | NextUpstream::TIMEOUT | NextUpstream::HTTP_503)
//!     .timeout(Duration::from_secs(2))
//!     .budget(budget.clone());
//! # let client = tower::service_fn(|_: http::Request<AttemptBody>| async {
//! #     Ok::<_, BoxError>(http::Response::new(()))
//! # });
//! let service = ServiceBuilder::new().layer(retry).service(client);
//! # fn is_service<S: tower::Service<http::Request<axum::body::Body>>>(_: &S) {}
//! # is_service(&service);
//! # assert_eq!(budget.snapshot(tokio::time::Instant::now()).available, 100);
//! ```
//!
//! ## What a retry takes
//!
//! After each attempt, in this order; the first no ends the call with that attempt's own result, error
//! or answer, as the inner service gave it:
//!
//! 1. It ended in a condition that is listed.
//! 2. The service did not ask to be left alone ([`Pushback::Never`]).
//! 3. Attempts are left, and time for the wait, by its own limit and the request's
//!    [deadline](crate::timeout::Deadline).
//! 4. It is safe: nothing was sent, or the request is idempotent, or `non_idempotent` is listed.
//! 5. The budget grants it. From here on it is paid for.
//! 6. All of the request is still there to be sent again.
//!
//! The result is then dropped, before anything is waited for; the wait ([`backoff`]) passes; the
//! *same* service that was called is polled until it is ready again; and it is called. A layer in front
//! sees one call. Dropping the call at any of these leaves nothing behind but what was paid.

#[cfg(feature = "http")]
pub(crate) mod attempt;
pub mod backoff;
#[cfg(feature = "http")]
pub(crate) mod body;
pub mod budget;
mod buffering;
mod hedge;
#[cfg(feature = "http")]
mod idempotent;
#[cfg(feature = "http")]
mod kept;
mod layer;
mod next_upstream;
#[cfg(feature = "http")]
mod pushback;
#[cfg(feature = "http")]
mod source;

#[cfg(feature = "http")]
pub use attempt::AttemptBody;
pub use backoff::{Backoff, Pushback};
pub use budget::{Budget, BudgetConfig, BudgetSnapshot};
pub use buffering::RequestBuffering;
pub use hedge::Hedge;
pub(crate) use hedge::Latencies;
#[cfg(feature = "http")]
pub use idempotent::Idempotent;
#[cfg(feature = "http")]
pub(crate) use layer::PREVIOUS_ATTEMPTS;
pub use layer::{Cloned, Replay, ResponseFuture, Retry, RetryConfig, RetryLayer};
#[cfg(feature = "http")]
pub use layer::{HttpAnswers, HttpKept, HttpRequests, PreviousAttempts};
pub use next_upstream::{Attempted, NextUpstream, Terms};
