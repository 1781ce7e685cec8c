//! From a request's host and path to the place that answers it.

mod locations;
mod names;
mod uri;

pub use locations::{Choice, Locations};
pub use names::{Names, host_name};
pub use uri::{escape_into, normalize};
