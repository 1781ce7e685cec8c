use std::fmt;

/// Why a layer did not let a request through, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Requests of its kind come too often (`limit_req`).
    RateLimited,
    /// As many are being served or wait as may (`limit_conn`).
    Full,
    /// There is room, but not for what is as unimportant as this.
    Shed,
    /// What it asks for has failed too often, and is left alone for a while (`max_fails`).
    Open,
    /// The time its caller gave it is over, or not enough to begin.
    Deadline,
    /// It was not done in the time it may take here.
    Timeout,
}

impl Reason {
    /// The HTTP status, if nothing else is configured: NGINX's 503, and 504 for what took too long.
    pub fn status(self) -> u16 {
        match self {
            Self::RateLimited | Self::Full | Self::Shed | Self::Open => 503,
            Self::Deadline | Self::Timeout => 504,
        }
    }

    /// The gRPC status code: RESOURCE_EXHAUSTED, UNAVAILABLE or DEADLINE_EXCEEDED.
    pub fn grpc_status(self) -> u8 {
        match self {
            Self::RateLimited | Self::Full => 8,
            Self::Shed | Self::Open => 14,
            Self::Deadline | Self::Timeout => 4,
        }
    }

    /// One word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Full => "full",
            Self::Shed => "shed",
            Self::Open => "open",
            Self::Deadline => "deadline",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RateLimited => "rate limit exceeded",
            Self::Full => "too many requests at once",
            Self::Shed => "overloaded",
            Self::Open => "circuit open",
            Self::Deadline => "deadline exceeded",
            Self::Timeout => "request timed out",
        })
    }
}
