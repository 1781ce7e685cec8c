//! From a name to peers, again and again.
//!
//! [`Target`] is what a `server` line with `resolve` asks for: a host's A and AAAA records, or a
//! service's SRV records and the addresses of their targets. [`Resolver`] asks for it. [`Watch`]
//! decides what an answer means and when the next one is wanted; it is told the time and does
//! nothing else. [`Updates`] is the door: it waits, asks, and hands out every list that is new.
//! [`Servers`] does so for all lines of a group together, and [`Follower`] makes its list the group's.
//!
//! ```no_run
//! # async fn follow() -> Result<(), tower_upstream::ConfigError> {
//! use std::time::Duration;
//! use tower_upstream::dns::Follower;
//! use tower_upstream::{ResolverConfig, Server, Upstream};
//!
//! let orders = Upstream::builder()
//!     // server orders.internal service=http resolve max_fails=3;
//!     .server(Server::new("orders.internal").service("http").max_fails(3))
//!     .server(Server::new("10.0.1.10:8080").backup())
//!     // resolver 10.0.0.2 valid=30s;
//!     .resolver(ResolverConfig {
//!         servers: vec!["10.0.0.2".into()],
//!         valid: Some(Duration::from_secs(30)),
//!         ..ResolverConfig::default()
//!     })
//!     .build()?;
//!
//! let mut follower = Follower::new(orders.group())?;
//! // Until the first answer there is the backup only; whoever minds waits.
//! let _ = tokio::time::timeout(Duration::from_secs(2), follower.answered()).await;
//! tokio::spawn(async move {
//!     // Ends once `orders` is gone.
//!     while let Some(look) = follower.next().await {
//!         for trouble in look.watch.troubles() {
//!             eprintln!("{trouble}");
//!         }
//!     }
//! });
//! # Ok(())
//! # }
//! ```
//!
//! | what a look brings | the list | the next look |
//! | --- | --- | --- |
//! | addresses | those who stay keep their places, new ones come last | 1 s after the shortest TTL, or after `valid=` |
//! | "Host not found": no such name, or no records | empty | after 11 s, or 1 s after `valid=` |
//! | anything else: no answer, SERVFAIL, REFUSED | stays | after `resolver_timeout`, at least 1 s |
//!
//! Of a service's records those with the lowest priority number are primaries, the others backups;
//! on a line that says `backup` the former are backups and the others are ignored. The records'
//! weights are used unless the line has one; 0 counts as 1 (DN-4). An address is one peer, however
//! many records lead to it.
//!
//! In one thing this is kinder than NGINX: when only some of a service's targets cannot be looked
//! up, they keep the addresses they had, where NGINX drops them.
//!
//! This feature's resolver needs Rust 1.88, the rest of the crate 1.85.

mod answer;
mod follower;
mod resolver;
mod servers;
mod target;
mod updates;
mod watch;

pub use answer::{Answer, Failure, Site};
pub use follower::Follower;
pub use resolver::Resolver;
pub use servers::{Look, Servers};
pub use target::{Member, Target};
pub use updates::Updates;
pub use watch::Watch;
