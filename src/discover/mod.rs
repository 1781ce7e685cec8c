//! Members from a stream: any [`Discover`](tower::discover::Discover), which is every stream of
//! [`Change`](tower::discover::Change)s.
//!
//! [`Follower`] makes a stream of [`Server`](crate::Server)s the members of a
//! [`Group`](crate::Group), [`EndpointFollower`] makes a stream of services the endpoints of an
//! [`Engine`](crate::upstream::Engine). Both are driven by their caller, end with the group or the
//! stream, and leave the last list when the stream fails.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::convert::Infallible;
//! use futures_util::stream;
//! use tower::discover::Change;
//! use tower_upstream::discover::EndpointFollower;
//! # use std::sync::Arc;
//! # use tower_upstream::balance::{Member, Roster, Setup};
//! # use tower_upstream::classify::Condition;
//! # use tower_upstream::retry::Terms;
//! # use tower_upstream::upstream::{Engine, Plain};
//! # type Connection = tower::util::BoxCloneSyncService<(), (), Infallible>;
//!
//! let replicas: Engine<Connection, _> = Engine::new(
//!     Arc::new(Roster::new(Setup::default(), vec![])),
//!     Plain::new(|_: &Result<(), Infallible>| Condition::Served),
//!     Terms::default(),
//! );
//! # let connection = || Connection::new(tower::service_fn(|()| async { Ok::<_, Infallible>(()) }));
//! let changes = stream::iter([
//!     Change::Insert("10.0.2.10:5432", connection()),
//!     Change::Insert("10.0.2.11:5432", connection()),
//!     Change::Remove("10.0.2.10:5432"),
//! ]);
//! # let changes = futures_util::StreamExt::map(changes, Ok::<_, Infallible>);
//! let mut follower =
//!     EndpointFollower::new(replicas.roster(), changes, |address| Member::new(*address));
//! // Its caller's to drive: here to the stream's end, elsewhere in a task of its own.
//! while let Some(troubles) = follower.next().await {
//!     assert!(troubles.is_empty());
//! }
//! let names: Vec<_> = replicas.states().into_iter().map(|peer| peer.name).collect();
//! assert_eq!(names, ["10.0.2.11:5432".into()]);
//! # Ok(())
//! # }
//! ```

mod endpoints;
#[cfg(feature = "http")]
mod follower;
mod known;
mod source;

pub use endpoints::EndpointFollower;
#[cfg(feature = "http")]
pub use follower::{Follower, Trouble};
