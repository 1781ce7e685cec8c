//! What a service takes on: how often, how much at once, and by whom.
//!
//! | room | its question | NGINX words |
//! | --- | --- | --- |
//! | [`rate`] | how often requests may come | `limit_req_zone`, `limit_req` |
//! | [`bulkhead`] | how many are served at once | `limit_conn_zone`, `limit_conn` |
//!
//! Each can count requests apart by a [`Key`]: the caller's address, a header, or what a closure makes
//! of the request. How a request is refused is [`answer`](crate::answer)'s to say.
//!
//! ```
//! use std::net::IpAddr;
//! use tower_upstream::limit::{Everyone, Key, Keys};
//!
//! // One account for everybody, and none for who has no name.
//! assert!(!Everyone.key(&"a request").is_none());
//! assert!(Key::from("").is_none());
//!
//! // Addresses are counted in their binary form, as `$binary_remote_addr`.
//! let loopback: IpAddr = "127.0.0.1".parse()?;
//! assert_eq!(Key::from(loopback).as_bytes(), [127, 0, 0, 1]);
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

pub mod bulkhead;
mod key;
pub mod rate;
mod slab;

#[cfg(feature = "http")]
pub use key::{ClientAddress, Extension, Header};
pub use key::{Everyone, Key, Keys};
