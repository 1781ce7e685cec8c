//! Gateways in front of gRPC servers, and who calls through them.

use std::net::SocketAddr;

use tower_upstream::{Proxy, Semantics, Upstream};

use crate::client::{Client, group, proxy};
use crate::rig::Server;

/// An `http` block with `servers` as group `orders`, of which `more` is said, and one location.
pub(crate) fn http(servers: &[SocketAddr], more: &str, location: &str) -> String {
    let servers: String = servers.iter().map(|at| format!("server {at}; ")).collect();
    format!(
        "log_format f \"$status|$upstream_addr|$upstream_status\"; access_log access.log f;
         upstream orders {{ {servers} {more} }}
         server {{ listen @FRONT http2; location / {{ {location} }} }}"
    )
}

/// A caller that speaks HTTP/2 to a front door, and changes nothing of what it is given to send.
pub(crate) fn caller(server: &Server) -> Upstream {
    let proxy = Proxy {
        grpc_timeout: false,
        ..proxy()
    };
    Upstream::new(group(&[server.front], Semantics::Nginx), proxy)
}

pub(crate) fn client(server: &Server) -> Client {
    Client::new(&caller(server))
}
