//! Limits that find out by themselves how much a service takes, from how long it takes.

mod gradient2;
mod limit;
mod round;
mod vegas;

pub use gradient2::Gradient2;
pub use limit::{Limit, Limiter};
pub use round::{Ended, Sample};
pub use vegas::Vegas;
