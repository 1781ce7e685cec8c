//! How many retries all requests together may cost, against retry storms.
//!
//! A limit on attempts bounds one request; when everything fails, every request uses it up, and the
//! load on what is left grows threefold at the worst moment. A budget bounds the sum: in **every** 10
//! seconds, wherever they begin, retries are at most a share of the requests in them plus a reserve
//! of so many per second, by default 20 % + 10 per second.
//!
//! | | deposit | withdraw |
//! | --- | --- | --- |
//! | when | once per request, at its start | once per retry or hedge, when it is decided on; a wait comes after |
//! | is worth | `percent` / 100 of a retry, within the window | one retry, within the window |
//! | given back | never | never, also when the retry is dropped or comes to nothing |
//!
//! Fractions are exact: 60 % of ten requests are six retries. What a quiet time did not use is not
//! saved up: when failures begin, the reserve (`10 * per_second`) is what may go out at once, and the
//! share of the requests that come from then on is what may follow. That is what the bound says of a
//! window that begins with the failures; a bucket that saves up a share of the past breaks it.
//!
//! ```
//! use tokio::time::{Duration, Instant};
//! use tower_upstream::retry::Budget;
//!
//! let budget = Budget::new(20, 1);
//! let start = Instant::now();
//! // The reserve of one per second, for ten seconds.
//! let granted = (0..100).filter(|_| budget.withdraw(start)).count();
//! assert_eq!(granted, 10);
//! // Every fifth request pays for one retry.
//! let later = start + Duration::from_secs(1);
//! (0..5).for_each(|_| budget.deposit(later));
//! assert!(budget.withdraw(later));
//! assert!(!budget.withdraw(later));
//! ```

mod config;
mod shared;
mod window;

pub use config::{BudgetConfig, BudgetSnapshot};
pub use shared::Budget;
