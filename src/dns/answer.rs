use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What name servers said of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// There are records.
    Found {
        /// What they say.
        records: T,
        /// How long that may be used: the shortest lifetime of all records it took.
        ttl: Duration,
    },
    /// There is no such name, or it has no records of the kind.
    Absent,
    /// Nobody knows.
    Failed(Failure),
}

/// Where a service is to be found: an SRV record, or the one place that a plain name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The host, without the final dot.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Lower is asked first.
    pub priority: u16,
    /// Share of traffic among sites of the same priority; 0 counts as 1.
    pub weight: u16,
    /// The host's own A and AAAA records, in this order.
    pub addresses: Answer<Vec<IpAddr>>,
}

/// Why a name could not be looked up. Written as NGINX's error log has it, `(number: words)` without
/// the parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer in time.
    TimedOut,
    /// A name server's refusal, by the response code of RFC 1035 and its successors.
    Code(u16),
    /// No name server could be asked, or none gave an answer that can be read.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::TimedOut => return f.write_str("110: Operation timed out"),
            Self::Other(words) => return f.write_str(words),
            Self::Code(1) => "Format error",
            Self::Code(2) => "Server failure",
            Self::Code(3) => "Host not found",
            Self::Code(4) => "Unimplemented",
            Self::Code(5) => "Operation refused",
            Self::Code(_) => "Unknown error",
        };
        match self {
            Self::Code(code) => write!(f, "{code}: {words}"),
            Self::TimedOut | Self::Other(_) => f.write_str(words),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// What [`Answer::Absent`] is called in logs.
    pub(super) const NOT_FOUND: Self = Self::Code(3);
}
