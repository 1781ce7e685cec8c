use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::Reason;

/// A header field: its name in lower case, and its value.
pub type Field = (&'static str, String);

/// A request that was not let through, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    status: u16,
    message: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    fields: Vec<Field>,
}

impl Refusal {
    /// A refusal with the status and the words of its reason. Allocates nothing.
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            status: reason.status(),
            message: None,
            retry_after: None,
            fields: Vec::new(),
        }
    }

    /// Another HTTP status, such as 429. gRPC callers are told [`Reason::grpc_status`] all the same.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Other words for callers that are told any: gRPC's, and those who look at the error.
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The same request may pass after so long, default unknown. Leave it out where to try again
    /// makes no sense.
    pub fn with_retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// One more header field of the answer. A name or a value that no header may have is left out.
    pub fn with_field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// When the same request may pass, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Header fields beyond those every answer has.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    #[cfg(feature = "http")]
    pub(super) fn into_fields(self) -> Vec<Field> {
        self.fields
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => f.write_str(message),
            None => self.reason.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}
