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

#[cfg(feature = "http")]
pub(crate) mod attempt;
pub mod backoff;
#[cfg(feature = "http")]
pub(crate) mod body;
pub mod budget;
mod buffering;
#[cfg(feature = "http")]
mod kept;
mod next_upstream;
#[cfg(feature = "http")]
mod pushback;
#[cfg(feature = "http")]
mod source;

pub use backoff::{Backoff, Pushback};
pub use budget::{Budget, BudgetConfig, BudgetSnapshot};
pub use buffering::RequestBuffering;
pub use next_upstream::{Attempted, NextUpstream, Terms};
