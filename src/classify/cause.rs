use std::error::Error as StdError;
use std::io;

use super::{Condition, Outcome};
use crate::error::find_cause;
#[cfg(feature = "http")]
use crate::timeout::Elapsed;

impl Outcome {
    /// What an error of any client means, as far as its chain of causes tells. A connection that was
    /// refused was not sent over; whatever says nothing of that is taken for sent.
    ///
    /// | a cause | condition |
    /// | --- | --- |
    /// | a limit of this crate's, or `TimedOut` of the system | `timeout` |
    /// | hyper could not parse the answer | `invalid_header` |
    /// | hyper says that the caller's own body failed | none |
    /// | anything else | `error` |
    pub fn of_error(error: &(dyn StdError + 'static)) -> Self {
        let outcome = |condition, sent| Self {
            sent,
            ..Self::new(condition)
        };
        #[cfg(feature = "http")]
        if let Some(elapsed) = find_cause::<Elapsed>(error) {
            return outcome(Condition::Timeout, *elapsed != Elapsed::Connect);
        }
        match find_cause::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return outcome(Condition::Error, false),
            Some(io::ErrorKind::TimedOut) => return outcome(Condition::Timeout, true),
            _ => {}
        }
        #[cfg(feature = "http")]
        if let Some(error) = find_cause::<hyper::Error>(error) {
            return Self::new(super::http::condition(error));
        }
        Self::new(Condition::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    fn of(cause: impl StdError + Send + Sync + 'static) -> (Condition, bool) {
        // As deep as a client would have it.
        let outcome = Outcome::of_error(&Error::new(ErrorKind::Error).because(cause));
        (outcome.condition, outcome.sent)
    }

    #[test]
    fn the_chain_is_searched() {
        let io = |kind: io::ErrorKind| of(io::Error::from(kind));
        assert_eq!(
            io(io::ErrorKind::ConnectionRefused),
            (Condition::Error, false)
        );
        assert_eq!(io(io::ErrorKind::ConnectionReset), (Condition::Error, true));
        assert_eq!(io(io::ErrorKind::TimedOut), (Condition::Timeout, true));
        assert_eq!(of(std::fmt::Error), (Condition::Error, true));
    }

    #[cfg(feature = "http")]
    #[test]
    fn our_own_limits_say_which_of_them_ran_out() {
        assert_eq!(of(Elapsed::Connect), (Condition::Timeout, false));
        assert_eq!(of(Elapsed::Header), (Condition::Timeout, true));
    }
}
