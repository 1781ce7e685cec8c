//! Deadlines: taken from callers, kept by services, and passed on to whom these call.

mod bodies;
mod current;
mod layer;
mod plain;
mod ready;
mod stub;
