//! What does not belong to one room.

#[doc = include_str!("order.md")]
pub mod order {}

#[doc = include_str!("parity.md")]
pub mod parity {}

#[doc = include_str!("../../CHANGELOG.md")]
pub mod changelog {}
