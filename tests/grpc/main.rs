//! tonic's clients over a group of tonic's servers: every shape of a call, what statuses do, and what
//! becomes of calls when servers die.

mod calls;
mod client;
mod complaints;
mod endings;
mod flow;
mod nginx;
mod raw;
mod resets;
mod server;
mod statuses;
#[path = "../../examples/grpc/text.rs"]
mod text;
