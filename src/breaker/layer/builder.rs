use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::OwnErrors;
use super::gate::Gate;
use super::layer::BreakerLayer;
use super::shared::{Core, Shared};
use crate::breaker::{Consecutive, FailureRule, FailureRules};
use crate::error::ConfigError;

/// What a breaker is made of.
pub struct Builder<C, A = OwnErrors> {
    rules: FailureRules,
    max_fails: u32,
    fail_timeout: Duration,
    own: Option<Box<dyn FailureRule>>,
    classify: C,
    answers: A,
    slow_call: Option<Duration>,
    shadow: bool,
}

impl<C, A> Builder<C, A> {
    pub(super) fn new(classify: C, answers: A) -> Self {
        Self {
            rules: Consecutive::default().into(),
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            own: None,
            classify,
            answers,
            slow_call: None,
            shadow: false,
        }
    }

    /// The rule, default [`Consecutive`] with its defaults.
    pub fn rule(mut self, rule: impl Into<FailureRules>) -> Self {
        self.rules = rule.into();
        self.own = None;
        self
    }

    /// NGINX's rule, with so many failures and then so long out of use, in whole seconds
    /// (`max_fails=`, `fail_timeout=`). 0 failures never open the circuit.
    pub fn max_fails(mut self, max_fails: u32, fail_timeout: Duration) -> Self {
        self.max_fails = max_fails;
        self.fail_timeout = fail_timeout;
        self.rule(FailureRules::MaxFails)
    }

    /// A rule of your own.
    pub fn own_rule(mut self, rule: impl FailureRule + 'static) -> Self {
        self.own = Some(Box::new(rule));
        self
    }

    /// What came of a call, default [`Errors`](crate::classify::Errors): every error is a failure. A closure from
    /// `&Result<Res, E>` to [`Condition`](crate::classify::Condition), or with feature `http`
    /// `ServerErrors`.
    ///
    /// Errors, timeouts, invalid headers and the statuses 500, 502, 503 and 504 are failures; the
    /// caller's own doing, a lack of sockets here, and 429 say nothing of the service; everything
    /// else is a success.
    pub fn classify<D>(self, classify: D) -> Builder<D, A> {
        Builder {
            rules: self.rules,
            max_fails: self.max_fails,
            fail_timeout: self.fail_timeout,
            own: self.own,
            classify,
            answers: self.answers,
            slow_call: self.slow_call,
            shadow: self.shadow,
        }
    }

    /// A call that takes this long or longer is a failure, default none: whether it is answered at
    /// last or dropped by whoever waited for it.
    ///
    /// Set it where a timeout stands in front of the breaker, to that timeout or less. Such a timeout
    /// drops the call, and a dropped call as such says nothing: the caller may have gone away. A
    /// service that hangs would never open the circuit. A timeout *behind* the breaker is an error
    /// like others and needs no such limit. Calls that are right to take long (streams, long polls)
    /// need a breaker without it.
    pub fn slow_call(mut self, limit: Duration) -> Self {
        self.slow_call = Some(limit);
        self
    }

    /// Refuses nothing and counts what it would have refused, default off. The rule goes on as if
    /// such calls had not been made: their ends do not reach it, and it sends its probes.
    pub fn shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Every number that makes no sense, all at once.
    pub fn build(self) -> Result<BreakerLayer<C, A>, ConfigError> {
        let mut problems = match self.own {
            Some(_) => Vec::new(),
            None => self.rules.problems(),
        };
        let fail_timeout = self.fail_timeout;
        if fail_timeout.subsec_nanos() != 0 {
            problems.push(format!("fail_timeout={fail_timeout:?}: whole seconds only"));
        }
        if self.slow_call.is_some_and(|limit| limit.is_zero()) {
            problems.push("slow_call=0s: more than zero".into());
        }
        match problems.is_empty() {
            true => Ok(self.assemble()),
            false => Err(ConfigError::new(problems)),
        }
    }

    pub(super) fn assemble(self) -> BreakerLayer<C, A> {
        let rule = match self.own {
            Some(rule) => rule,
            None => Box::new(self.rules.circuit(self.max_fails, self.fail_timeout)),
        };
        BreakerLayer {
            shared: Arc::new(Shared {
                core: Arc::new(Core::new(Gate::new(rule, self.shadow))),
                classify: self.classify,
                slow_call: self.slow_call,
            }),
            answers: self.answers,
        }
    }
}

impl<C, A> fmt::Debug for Builder<C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("rules", &self.rules)
            .field("max_fails", &self.max_fails)
            .field("fail_timeout", &self.fail_timeout)
            .field("own", &self.own)
            .field("slow_call", &self.slow_call)
            .field("shadow", &self.shadow)
            .finish_non_exhaustive()
    }
}
