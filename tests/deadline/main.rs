//! Deadlines: taken from callers, kept by services, and passed on to whom these call.

mod bodies;
mod calls;
mod current;
mod engine;
mod grpc_hops;
mod hops;
mod layer;
mod plain;
mod ready;
mod sockets;
mod stub;
#[path = "../../examples/grpc/text.rs"]
mod text;
