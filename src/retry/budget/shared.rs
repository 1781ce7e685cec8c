use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::config::{BudgetConfig, BudgetSnapshot};
use super::window::Window;

/// A handle on a retry budget; clones share it. See [its page](crate::retry::budget) for what
/// it holds.
///
/// Deposit and withdrawal are one step each under one short lock, without allocation: there is no
/// moment between looking and taking, so no number of threads overdraws it. A deposit costs what its
/// lock costs; a withdrawal, which only failures ask for, also looks over the slots of the window.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: BudgetConfig,
    account: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    /// The first time it was told.
    origin: Option<Instant>,
    window: Window,
    withdrawn: u64,
    refused: u64,
}

impl Budget {
    /// A budget of `percent` retries per hundred requests and `per_second` retries per second on top,
    /// over any ten seconds. [`BudgetConfig::problems`] says which numbers make no sense.
    pub fn new(percent: u32, per_second: u32) -> Self {
        Self(Arc::new(Inner {
            config: BudgetConfig {
                percent,
                per_second,
            },
            account: Mutex::new(Account {
                origin: None,
                window: Window::new(percent, per_second),
                withdrawn: 0,
                refused: 0,
            }),
        }))
    }

    /// A request begins at `now`: once per request, however many attempts it takes. A time before one
    /// that was told earlier counts as that one.
    pub fn deposit(&self, now: Instant) {
        let account = &mut *self.lock();
        let now = account.time(now);
        account.window.deposit(now);
    }

    /// Whether a retry or hedge may begin at `now`; if so it is paid for, and stays so whatever comes
    /// of it.
    #[must_use = "a retry that was paid for is to be made"]
    pub fn withdraw(&self, now: Instant) -> bool {
        let account = &mut *self.lock();
        let now = account.time(now);
        let granted = account.window.withdraw(now);
        *match granted {
            true => &mut account.withdrawn,
            false => &mut account.refused,
        } += 1;
        granted
    }

    /// What is left at `now`, and what was asked of it.
    pub fn snapshot(&self, now: Instant) -> BudgetSnapshot {
        let account = &mut *self.lock();
        let now = account.time(now);
        BudgetSnapshot {
            available: account.window.available(now),
            withdrawn: account.withdrawn,
            refused: account.refused,
        }
    }

    /// The numbers it was made of.
    pub fn config(&self) -> BudgetConfig {
        self.0.config
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        // The machine does not panic half-way through a change.
        self.0
            .account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn time(&mut self, now: Instant) -> std::time::Duration {
        now.saturating_duration_since(*self.origin.get_or_insert(now))
    }
}

impl Default for Budget {
    /// 20 % + 10 per second.
    fn default() -> Self {
        BudgetConfig::default().into()
    }
}

impl From<BudgetConfig> for Budget {
    fn from(config: BudgetConfig) -> Self {
        Self::new(config.percent, config.per_second)
    }
}
