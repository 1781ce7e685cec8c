//! NGINX's configuration language: `nginx.conf` in, plain values out.
//!
//! ```
//! use std::time::Duration;
//! use tower_upstream::nginx::import;
//!
//! let text = "
//!     upstream orders {
//!         server 10.0.1.10:8080 max_fails=3 fail_timeout=30s;
//!         server 10.0.1.11:8080 max_fails=3 fail_timeout=30s;
//!         keepalive 32;
//!     }
//!     server {
//!         location /orders {
//!             proxy_pass http://orders;
//!             proxy_http_version 1.1;
//!             proxy_set_header Connection \"\";
//!             proxy_read_timeout 5s;
//!         }
//!     }";
//! let orders = import(text, "/orders")?;
//! assert_eq!(orders.group.servers.len(), 2);
//! assert_eq!(orders.proxy.read_timeout, Duration::from_secs(5));
//!
//! // All problems at once, each with file, line and column.
//! let broken = text.replace("max_fails=3", "max_fails=many");
//! let error = import(&broken, "/orders").unwrap_err();
//! assert_eq!(
//!     error.problems(),
//!     [
//!         "nginx.conf:3:31: invalid parameter \"max_fails=many\"",
//!         "nginx.conf:4:31: invalid parameter \"max_fails=many\"",
//!     ]
//! );
//! # Ok::<(), tower_upstream::ConfigError>(())
//! ```
//!
//! # What is understood
//!
//! Words, quotes, escapes, `#`, `${name}`, `include` with patterns, units, contexts, inheritance
//! and messages are those of nginx 1.22.1.
//!
//! | directive | a client ([`import`]) | a gateway |
//! | --- | --- | --- |
//! | `upstream`, in it `server` (`weight` `max_fails` `fail_timeout` `max_conns` `backup` `down` `drain` `route` `resolve` `service`), `zone`, `least_conn`, `ip_hash`, `hash`, `random`, `least_time`, `sticky`, `resolver`, `resolver_timeout`, `keepalive`, `keepalive_requests`, `keepalive_time`, `keepalive_timeout` | read | read |
//! | `http`, `server`, `location` (prefix, `=`, `^~`, `@`), `proxy_pass` | read | read, with variables too |
//! | `location ~` | an error if it could take the path | read |
//! | `proxy_http_version`, `proxy_set_header`, `proxy_connect_timeout`, `proxy_send_timeout`, `proxy_read_timeout`, `proxy_next_upstream`, `proxy_next_upstream_tries`, `proxy_next_upstream_timeout`, `proxy_request_buffering`, `proxy_buffer_size`, `client_max_body_size` | read | read |
//! | `proxy_ssl_certificate`, `proxy_ssl_certificate_key`, `proxy_ssl_ciphers`, `proxy_ssl_crl`, `proxy_ssl_name`, `proxy_ssl_protocols`, `proxy_ssl_server_name`, `proxy_ssl_session_reuse`, `proxy_ssl_trusted_certificate`, `proxy_ssl_verify`, `proxy_ssl_verify_depth`, and the same as `grpc_ssl_*` | read; certificates are verified only where `_verify` is on | read |
//! | `grpc_pass`, `grpc_set_header`, `grpc_connect_timeout`, `grpc_send_timeout`, `grpc_read_timeout`, `grpc_next_upstream`, `grpc_next_upstream_tries`, `grpc_next_upstream_timeout`, `grpc_buffer_size` | read (feature `http2`) | read |
//! | `grpc_hide_header`, `grpc_pass_header`, `grpc_intercept_errors` | an error where they hold | read |
//! | `proxy_buffering`, `proxy_buffers` | checked, no effect: responses always stream | read |
//! | `worker_processes`, `pid`, `user`, `daemon`, `master_process`, `events`, `worker_connections`, `error_log`, `listen`, `server_name`, `client_header_timeout`, `client_header_buffer_size`, `large_client_header_buffers`, `client_body_timeout`, `keepalive_timeout` and `keepalive_requests` outside `upstream`, `access_log`, `log_format`, `set_real_ip_from`, `real_ip_header`, `http2`, `ssl_certificate`, `ssl_certificate_key`, `ssl_protocols`, `ssl_ciphers`, `ssl_prefer_server_ciphers`, `ssl_ecdh_curve`, `ssl_session_cache`, `ssl_session_timeout`, `ssl_session_tickets`, `ssl_buffer_size`, `ssl_client_certificate`, `ssl_trusted_certificate`, `ssl_crl`, `ssl_verify_client`, `ssl_verify_depth`, `ssl_reject_handshake` | no effect: the door's matter | read |
//! | `return`, `add_header`, `error_page`, `proxy_hide_header`, `proxy_pass_header`, `proxy_method`, `proxy_set_body`, `proxy_pass_request_headers`, `proxy_pass_request_body`, `proxy_intercept_errors`, `proxy_redirect`, `proxy_ignore_client_abort`, `limit_req`, `limit_req_status`, `limit_req_dry_run`, `limit_req_log_level`, `limit_conn`, `limit_conn_status`, `limit_conn_dry_run`, `limit_conn_log_level` | an error where they hold | read |
//! | `limit_req_zone`, `limit_conn_zone` | no effect by itself | read |
//! | NGINX's other process, file, compression and TLS directives (`root`, `gzip`, `ssl_stapling_file`, ...) | no effect: the door's matter | an error |
//! | all others | an error where they hold, if NGINX has them; else an error anywhere | an error |
//!
//! Ours, under names NGINX does not use, are read by both:
//!
//! | in `upstream` | value |
//! | --- | --- |
//! | `semantics nginx \| strict` | [`GroupConfig::semantics`](crate::GroupConfig::semantics) |
//! | `peak_ewma` | [`Method::PeakEwma`](crate::balance::Method::PeakEwma) |
//! | `warm_up TIME [aggression=N] [floor=N%]` | [`SlowStart`](crate::balance::SlowStart) |
//! | `subset SIZE [seed=N]` | [`Subset`](crate::balance::Subset); without a seed the machine's name is one |
//! | `failure_rule max_fails` | [`FailureRules::MaxFails`](crate::breaker::FailureRules::MaxFails) |
//! | `failure_rule consecutive [failures=N] [base=TIME] [max=TIME]` | [`Consecutive`](crate::breaker::Consecutive), its [`Ejection`](crate::breaker::Ejection) |
//! | `failure_rule success_ratio [threshold=N%] [minimum=N] [window=TIME] [base=TIME] [max=TIME]` | [`SuccessRatio`](crate::breaker::SuccessRatio), likewise |
//! | `ejection_cap off \| on \| [percent=N] [panic=N]` | [`EjectionCap`](crate::balance::EjectionCap) |
//! | `slow_fault off \| on \| [multiple=N] [at_least=TIME] [probes=N]` | [`SlowFault`](crate::breaker::SlowFault) |
//! | `shadow on \| off` | [`GroupConfig::shadow`](crate::GroupConfig::shadow) |
//! | `active_check [tcp \| type=http\|tcp\|grpc] [uri=PATH] [grpc_service=NAME] [grpc_status=N] [status=N-M,...] [method=GET\|HEAD] [host=NAME] [interval=TIME] [unsure=TIME] [timeout=TIME] [jitter=N%] [rise=N] [fall=N] [port=N] [mandatory]` | [`HealthCheck`](crate::HealthCheck); a client runs it with [`Checks::of`](crate::health::Checks::of) |
//! | `retry_budget off \| PERCENT% [N r/s]`, the rate as `10r/s` | [`BudgetConfig`](crate::retry::BudgetConfig) |
//!
//! | in `http`, `server`, `location` | value |
//! | --- | --- |
//! | `proxy_hedge off \| PERCENTILE% [at_least=TIME]` | [`Hedge`](crate::upstream::config::Hedge) |
//!
//! What only newer versions of NGINX have (`least_time`, `sticky`, `drain`, `route=`, `resolve`,
//! `service=`, a group's own `resolver`) is read as they read it. A balancing method behind
//! `keepalive` or `sticky` replaces them, with NGINX's warning; under `semantics strict` the order is
//! free.
//!
//! "Where they hold" is the chosen location and the levels around it; what only concerns other
//! locations, such as `proxy_*` where `grpc_pass` serves, is checked for shape and left alone. In `proxy_set_header` a client has `$host`,
//! `$proxy_host`, `$proxy_port`, `$http_*`, `$request_method`, `$request_uri`, `$uri`, `$args`,
//! `$arg_*`, `$cookie_*`, `$scheme`, `$remote_addr`, `$remote_port` and `$proxy_add_x_forwarded_for`;
//! `$remote_*` come from a [`SocketAddr`](std::net::SocketAddr) in the request's extensions. The same
//! variables, and `$binary_remote_addr`, may stand in the key of `hash`; what the caller says in an
//! [`Affinity`](crate::balance::Affinity) comes first.

mod address;
mod ciphers;
mod client_variables;
mod cookies;
mod grammar;
mod grammar_table;
mod import;
mod include;
mod level;
mod lexer;
mod limit_conn;
mod limit_req;
mod location;
mod lookups;
mod options;
mod outline;
mod parser;
mod pass;
mod pass_tls;
mod problems;
mod proxy;
mod rewrite;
mod ssl;
mod template;
mod tls_versions;
mod tree;
pub mod units;
mod upstream;
pub mod values;

pub use address::Address;
pub use ciphers::ciphers;
pub use cookies::{cookie, set_cookie};
pub use grammar::{Client, Contexts, Rule, rule, served};
pub use import::{Imported, import, import_file};
pub use include::load;
pub use limit_conn::{ConnectionLimit, ConnectionLimits, ConnectionZone};
pub use limit_req::{LogLevel, RequestLimit, RequestLimits, RequestZone, limit_status};
pub use location::{Modifier, location_match, locations_together};
pub use lookups::Lookups;
pub use parser::parse;
pub use pass::{PassUrl, Scheme, pass_directive};
pub use pass_tls::PassTls;
pub use problems::{Problem, Problems, Severity};
pub use proxy::{ProxyLevel, grpc_directive, proxy_directive, set_header};
pub use rewrite::Rewrite;
pub use ssl::{SslLevel, tls_name};
pub use template::{Template, Variables};
pub use tls_versions::tls_versions;
pub use tree::{Directive, Place, Word};
pub use upstream::{ResolverLevel, upstream_block, upstream_blocks_together};
