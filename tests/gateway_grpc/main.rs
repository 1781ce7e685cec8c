//! `grpc_pass`: tonic's clients and servers with the gateway between them, and nginx beside it.

#[path = "../grpc/client.rs"]
#[allow(dead_code, reason = "the gRPC tests want more of it")]
mod client;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/nginx.rs"]
mod nginx;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/program.rs"]
mod program;
#[path = "../grpc/raw.rs"]
#[allow(dead_code, reason = "the gRPC tests want more of it")]
mod raw;
#[path = "../gateway/rig.rs"]
#[allow(dead_code, reason = "the gateway's tests want more of it")]
mod rig;
#[path = "../grpc/server.rs"]
#[allow(dead_code, reason = "the gRPC tests want more of it")]
mod server;
#[path = "../../examples/grpc/text.rs"]
mod text;

mod calls;
mod same;
mod secure;
mod world;
