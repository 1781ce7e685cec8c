//! The gateway on real sockets: alone where it must keep its own promises, beside a real nginx
//! where it must do the same.

#[path = "../tls/certificates.rs"]
#[allow(dead_code, reason = "the TLS room's tests want more of it")]
mod certificates;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../dns/name_server.rs"]
#[allow(dead_code, reason = "the DNS room's tests want more of it")]
mod name_server;
#[path = "../support/nginx.rs"]
mod nginx;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/program.rs"]
mod program;
#[path = "../tls/server.rs"]
mod secure;

mod bodies;
mod checks;
mod conformance;
mod connections;
#[cfg(target_os = "linux")]
mod hostile;
mod http2;
mod keys;
mod limit_conn;
mod limit_req;
mod logs;
mod names;
mod peer_tls;
mod raw_http2;
mod rig;
mod same;
mod signals;
mod sticky;
mod stricter;
mod tls;
mod tunnel;
