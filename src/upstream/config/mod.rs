//! Plain values with every default in one place.
//!
//! | value | default | NGINX word |
//! | --- | --- | --- |
//! | [`Server::weight`] | 1 | `weight=` |
//! | [`Server::max_fails`] | 1 | `max_fails=` |
//! | [`Server::fail_timeout`] | 10 s | `fail_timeout=` |
//! | [`Server::max_conns`] | 0, no limit | `max_conns=` |
//! | [`GroupConfig::dynamic`] | off: there must be servers at the start | - |
//! | [`GroupConfig::resolver`] | the system's, 30 s | `resolver`, `resolver_timeout` |
//! | [`GroupConfig::health_check`] | none | `health_check` (commercial), here `active_check` |
//! | [`Keepalive::connections`] | 0, no cache | `keepalive` |
//! | [`Keepalive::requests`] | 1000 | `keepalive_requests` |
//! | [`Keepalive::time`] | 1 h | `keepalive_time` |
//! | [`Keepalive::timeout`] | 60 s | `keepalive_timeout` |
//! | [`Proxy::connect_timeout`] | 60 s | `proxy_connect_timeout` |
//! | [`Proxy::send_timeout`] | 60 s | `proxy_send_timeout` |
//! | [`Proxy::read_timeout`] | 60 s | `proxy_read_timeout` |
//! | [`Proxy::next_upstream`] | `error timeout` | `proxy_next_upstream` |
//! | [`Proxy::next_upstream_tries`] | 0, no cap | `proxy_next_upstream_tries` |
//! | [`Proxy::next_upstream_timeout`] | 0, no limit | `proxy_next_upstream_timeout` |
//! | [`Proxy::request_buffering`] | replay up to 64 KiB | `proxy_request_buffering` (there `on`) |
//! | [`Proxy::buffer_size`] | 4096 bytes | `proxy_buffer_size` |
//! | [`Proxy::request_timeout`] | none | - |
//! | [`Proxy::deadline_header`] | none | - |
//! | [`Proxy::grpc_timeout`] | limits gRPC requests | - (there it does not) |
//! | [`Proxy::grpc`] | under `Strict`, UNAVAILABLE | - |

mod choice;
mod group;
mod grpc;
mod hash_key;
#[cfg(feature = "serde")]
mod header_name;
mod health_check;
mod proxy;
mod resolver;
mod server;
mod statuses;
mod sticky;

pub use choice::Choice;
pub use group::GroupConfig;
pub use grpc::Grpc;
pub use hash_key::HashKey;
pub use health_check::{GrpcProbe, HealthCheck, HttpProbe, Probe, ProbeMethod};
pub use proxy::Proxy;
pub use resolver::ResolverConfig;
pub use server::Server;
pub use statuses::Statuses;
pub use sticky::{Sticky, StickyCookie, StickyLearn};

pub use crate::balance::{EjectionCap, Method, SlowStart, Subset, Times};
pub use crate::breaker::{FailureRules, SlowFault};
pub use crate::classify::Codes;
pub use crate::connect::{CipherSuite, Identity, TlsConfig, TlsVersion, Trust, Verify};
pub use crate::error::ConfigError;
pub use crate::pool::{Http2, Keepalive};
use crate::retry::NextUpstream;
pub use crate::retry::{BudgetConfig, Hedge, RequestBuffering};
pub use crate::semantics::Semantics;
