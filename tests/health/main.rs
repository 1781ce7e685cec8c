//! Active health checks: the schedule on a clock that is moved, the looks over real sockets.

mod grpc;
mod http;
mod schedule;
mod server;
mod sides;
mod tcp;
#[path = "../../examples/grpc/text.rs"]
mod text;
mod world;
