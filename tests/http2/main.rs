//! HTTP/2 to servers: many requests over one connection, and what becomes of them when it ends.

mod alone;
mod server;
mod sharing;
mod trailers;
mod trouble;
