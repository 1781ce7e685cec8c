//! The whole corridor over real sockets, a file per room.

mod bodies;
mod body;
mod builder;
mod cancel;
mod changes;
mod health;
mod hedge;
mod keepalive;
mod nginx;
mod peer;
mod responses;
mod sticky;
mod succession;
mod timeouts;
mod uploads;
