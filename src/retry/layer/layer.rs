use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tower_layer::Layer;

use super::config::RetryConfig;
#[cfg(feature = "http")]
use super::http::{HttpAnswers, HttpRequests};
use super::replay::Cloned;
use super::service::Retry;
use crate::clock::Clock;
use crate::retry::{Backoff, Budget, NextUpstream, Terms};

/// Repeats failed calls of a service that stands alone, at most 3 attempts a call, within a budget of
/// 20 % + 10 per second, after waits with jitter.
///
/// The state, which is the budget and the source of the waits, belongs to the layer: services made of
/// one layer, and of its clones, share both. See [the room](crate::retry) for what is repeated, and for
/// when an [`Upstream`](crate::upstream) is the better tool.
#[derive(Clone, Debug)]
pub struct RetryLayer<C, R = Cloned> {
    rules: Rules<C, R>,
}

/// What every call needs to know.
#[derive(Clone, Debug)]
pub(super) struct Rules<C, R> {
    pub(super) classify: C,
    pub(super) requests: R,
    pub(super) terms: Terms,
    pub(super) budget: Option<Budget>,
    pub(super) backoff: Backoff,
    jitter: Arc<Mutex<fastrand::Rng>>,
    pub(super) clock: Clock,
}

impl<C, R> Rules<C, R> {
    /// The wait before the retry that follows `retries` others.
    pub(super) fn delay(&self, retries: u32) -> Duration {
        let mut rng = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
        self.backoff.delay(retries, &mut rng)
    }
}

impl<C> RetryLayer<C> {
    /// Retries for requests that are [`Clone`], whose endings `classify` tells apart:
    /// [`Errors`](crate::classify::Errors), a closure from an attempt's result to a
    /// [`Condition`](crate::classify::Condition), or what else is a
    /// [`Classify`](crate::classify::Classify).
    pub fn new(classify: C) -> Self {
        let config = RetryConfig::default();
        let rules = Rules {
            classify,
            requests: Cloned,
            terms: terms(&config),
            budget: config.budget.map(Budget::from),
            backoff: config.backoff,
            jitter: Arc::new(Mutex::new(fastrand::Rng::new())),
            clock: Clock::start(),
        };
        Self { rules }
    }
}

#[cfg(feature = "http")]
impl<F> RetryLayer<HttpAnswers<F>, HttpRequests> {
    /// Retries for HTTP: bodies are remembered up to 64 KiB, statuses are conditions,
    /// `Retry-After` and gRPC's pushback are heard, and `errors` says what an error of the service
    /// means ([`Outcome::of_error`](crate::classify::Outcome::of_error) knows the common ones).
    ///
    /// The service is called with requests whose body is an
    /// [`AttemptBody`](crate::retry::AttemptBody).
    pub fn http(errors: F) -> Self {
        RetryLayer::new(HttpAnswers::new(errors)).requests(HttpRequests::default())
    }
}

impl<C, R> RetryLayer<C, R> {
    /// How requests are sent more than once, in place of cloning them.
    pub fn requests<Q>(self, requests: Q) -> RetryLayer<C, Q> {
        let Rules {
            classify,
            requests: _,
            terms,
            budget,
            backoff,
            jitter,
            clock,
        } = self.rules;
        let rules = Rules {
            classify,
            requests,
            terms,
            budget,
            backoff,
            jitter,
            clock,
        };
        RetryLayer { rules }
    }

    /// All the numbers at once, with a budget of its own. [`RetryConfig::problems`] says what is wrong
    /// with them; no attempts are taken for one.
    pub fn config(mut self, config: RetryConfig) -> Self {
        self.rules.terms = terms(&config);
        self.rules.backoff = config.backoff;
        self.rules.budget = config.budget.map(Budget::from);
        self
    }

    /// Attempts in total, the first included; default 3, at least 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.rules.terms.tries = attempts.max(1);
        self
    }

    /// What is repeated, in NGINX's words; default `error timeout`.
    pub fn next_upstream(mut self, listed: NextUpstream) -> Self {
        self.rules.terms.next_upstream = listed;
        self
    }

    /// Time after a call's begin in which retries may begin, their waits included; default zero, no
    /// limit; the request's [`Deadline`](crate::timeout::Deadline) or the current one holds all the same. A
    /// call whose next retry would come later ends at once with what it has. It interrupts no
    /// attempt, and what the service takes to become ready is not known beforehand: a layer in front
    /// that drops the call bounds both.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.rules.terms.timeout = timeout;
        self
    }

    /// The waits before retries; default 25 ms, doubling up to 250 ms, with full jitter.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.rules.backoff = backoff;
        self
    }

    /// A budget shared with whoever else holds it: other layers, or an upstream.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.rules.budget = Some(budget);
        self
    }

    /// No bound on what retries cost together. When everything fails, everything is sent
    /// [`attempts`](Self::attempts) times.
    pub fn without_budget(mut self) -> Self {
        self.rules.budget = None;
        self
    }

    /// Draws the waits from this seed instead of a random one, so that a simulation can be repeated.
    pub fn seed(mut self, seed: u64) -> Self {
        self.rules.jitter = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        self
    }
}

fn terms(config: &RetryConfig) -> Terms {
    Terms {
        next_upstream: config.next_upstream,
        tries: config.attempts.max(1),
        timeout: config.timeout,
        request_timeout: None,
        hedge: None,
    }
}

impl<S, C: Clone, R: Clone> Layer<S> for RetryLayer<C, R> {
    type Service = Retry<S, C, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, Arc::new(self.rules.clone()))
    }
}
