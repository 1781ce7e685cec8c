//! Clients that speak TLS: curl and OpenSSL's own, and what a real nginx tells them.

mod api;
mod certificates;
mod client;
mod clients;
mod handshakes;
mod http2;
mod plain;
mod reload;
mod sessions;

use certificates::Files;

use super::rig::Server;

/// A certificate and its key, for a server.
fn shows(name: &str) -> String {
    format!("ssl_certificate @/{name}.pem; ssl_certificate_key @/{name}.key;")
}

/// A server `name` behind TLS, with more in its block.
fn server(name: &str, more: &str) -> String {
    format!(
        "server {{ listen @FRONT ssl; server_name {name}; ssl_protocols TLSv1.2 TLSv1.3;
         {more} }}\n"
    )
}

/// Our gateway on an `http` block, in which `@/` is where the certificates are.
fn gateway(files: &Files, http: &str) -> Server {
    Server::gateway(&files.named(http))
}

/// nginx on the same.
fn nginx(files: &Files, http: &str) -> Server {
    Server::nginx(&files.named(http))
}
