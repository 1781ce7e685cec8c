//! Limits on requests, beside nginx: what passes, what waits, what is refused, and what is said.

mod exact;
mod reload;
mod rules;
mod traces;
