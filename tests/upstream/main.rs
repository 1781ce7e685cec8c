//! The whole corridor over real sockets, a file per room.

mod bodies;
mod cancel;
mod keepalive;
mod nginx;
mod peer;
mod responses;
mod timeouts;
