//! What is written down: a line per request, and what went wrong.

pub mod access;
pub mod error;
mod file;

pub use file::File;
