//! The DNS room against a real name server. Lifetimes are whole seconds, so that cases take some;
//! they run beside one another.

mod fleet;
mod group;
mod hosts;
mod lines;
mod name_server;
mod services;
mod troubles;
mod watching;
