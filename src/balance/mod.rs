//! Where to go: the peers of a group, and the choice among them.
//!
//! Choosing and admitting are one step, as in NGINX: [`Peers::pick`] weighs the peers that are
//! neither tried, down, banned nor full, and books the attempt on the one it returns;
//! [`Peers::release`] takes the booking back with a [`Verdict`]. Both are told the time and do
//! nothing else. [`Roster`] is the door: it holds the one short lock, and hands out a [`Lease`] that
//! comes back whatever happens to the attempt.
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::balance::{PeerConfig, Peers, Verdict};
//!
//! // Weights 2 and 1: smooth weighted round robin spreads A A B as A B A.
//! let heavy = PeerConfig { weight: 2, ..PeerConfig::default() };
//! let mut peers = Peers::new(&[heavy, PeerConfig::default()], &[]);
//! let now = Duration::ZERO;
//! let order: Vec<usize> = (0..3)
//!     .map(|_| {
//!         let mut walk = peers.walk(0);
//!         let peer = peers.pick(&mut walk, now).expect("all are free");
//!         peers.release(peer, Verdict::Ok, now);
//!         peer.index()
//!     })
//!     .collect();
//! assert_eq!(order, [0, 1, 0]);
//! ```
//!
//! [`Method`] says which methods there are, and when to choose which.
//!
//! | NGINX word | here |
//! | --- | --- |
//! | `weight` `max_fails` `fail_timeout` `max_conns` `down` | [`PeerConfig`] |
//! | `backup` | the second list of [`Peers::new`] |
//! | "no live upstreams" | [`Peers::pick`] returns `None` |

mod affinity;
mod cap;
mod choose;
mod gone;
mod lease;
mod list;
mod membership;
mod method;
mod peer;
mod peers;
mod picking;
mod roster;
mod setup;
mod slow_start;
mod subset;
mod times;
mod tried;
#[cfg(any(feature = "discover", feature = "dns"))]
mod unless;
mod walk;

pub use affinity::{Affinity, Key, Route};
pub use cap::EjectionCap;
pub use lease::{Ending, Lease};
pub use method::{Method, Times};
pub use peer::PeerState;
pub use peers::{PeerId, Peers, Verdict};
pub use roster::Roster;
pub use setup::{Member, PeerConfig, Setup};
pub use slow_start::SlowStart;
pub use subset::Subset;
#[cfg(any(feature = "discover", feature = "dns"))]
pub(crate) use unless::unless;
pub(crate) use walk::Join;
pub use walk::Walk;
