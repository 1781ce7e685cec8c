//! What one request came to, in the notation of the reference: `200 [A, B] (502, 200)`.

use std::fmt;
use std::time::Duration;

use super::client::Answer;

/// Joined from the access log and from what the client saw.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// `$status`.
    pub(crate) logged: String,
    /// `$upstream_addr` as letters, `u` for the group itself; `?` for what is neither.
    pub(crate) peers: Vec<String>,
    /// `$upstream_status`.
    pub(crate) statuses: Vec<String>,
    /// Per attempt, whether `$upstream_connect_time` and `$upstream_header_time` have a value.
    pub(crate) stages: Vec<String>,
    pub(crate) answer: Answer,
    pub(crate) took: Duration,
    /// `$limit_req_status` and `$limit_conn_status`; `-` where no limit applied.
    pub(crate) limits: [String; 2],
    /// When the server read the request, in milliseconds of the wall clock: `$msec` less `$request_time`.
    pub(crate) arrived: u64,
    /// `$request_time` in milliseconds.
    pub(crate) served: u64,
}

/// How far `$request_time` may be from what is expected where arrivals are not taken into account.
const ABOUT: u64 = 60;

/// The access log's format, its fields in the order in which `read` takes them.
pub(crate) const LOG_FORMAT: &str = "log_format parity '$request_uri|$status|$upstream_addr|\
    $upstream_status|$upstream_connect_time|$upstream_header_time|\
    $limit_req_status|$limit_conn_status|$msec|$request_time';";

impl Outcome {
    /// From the fields after the URI of a log line.
    pub(crate) fn read(
        fields: &[&str],
        letters: impl Fn(&str) -> String,
        answer: Answer,
        took: Duration,
    ) -> Self {
        let list = |at: usize| fields.get(at).copied().unwrap_or("?").split(", ");
        let millis = |at| list(at).collect::<String>().replace('.', "").parse();
        let [ended, served] = [7, 8].map(|at| millis(at).unwrap_or(0_u64));
        let reached = |at| list(at).map(|time| if time == "-" { '-' } else { 't' });
        Self {
            logged: list(0).collect(),
            peers: list(1)
                .filter(|address| *address != "-")
                .map(letters)
                .collect(),
            statuses: list(2).map(str::to_owned).collect(),
            stages: reached(3)
                .zip(reached(4))
                .map(|(a, b)| format!("{a}{b}"))
                .collect(),
            answer,
            took,
            limits: [5, 6].map(|at| list(at).collect()),
            arrived: ended.saturating_sub(served),
            served,
        }
    }

    /// Whether it is what the reference writes; `(...)` may be left out, and so may `200`. `+90` at
    /// the end says how many milliseconds the server had it.
    pub(crate) fn is(&self, expected: &str) -> bool {
        let (expected, served) = expected.split_once(" +").unwrap_or((expected, ""));
        if let Ok(served) = served.parse::<u64>() {
            if self.served.abs_diff(served) > ABOUT {
                return false;
            }
        }
        let full = if expected.starts_with('[') {
            format!("200 {expected}")
        } else {
            expected.to_owned()
        };
        let own = self.to_string();
        match (full.contains('('), own.split_once(" (")) {
            (false, Some((start, rest))) => {
                let tail = rest.split_once(')').map_or("", |(_, tail)| tail);
                format!("{start}{tail}") == full
            }
            _ => own == full,
        }
    }

    /// With everything that is compared.
    pub(crate) fn full(&self) -> String {
        let body = match &self.answer {
            Answer::Status { body, .. } => body.clone(),
            Answer::Call { length, .. } => length.to_string(),
            _ => String::new(),
        };
        format!(
            "{self} stages {} body \"{body}\" took {} ms of which {} served",
            self.stages.join(","),
            self.took.as_millis(),
            self.served
        )
    }

    /// Whether both sides did the same. Where a peer ends connections at once, chance says
    /// whether they were connected.
    pub(crate) fn equals(&self, other: &Self, resets: bool) -> bool {
        self.to_string() == other.to_string()
            && self.answer == other.answer
            && (resets || self.stages == other.stages)
    }

    /// Whether both sides took about as long.
    pub(crate) fn is_as_fast_as(&self, other: &Self) -> bool {
        self.took.abs_diff(other.took) < Duration::from_millis(150)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.logged)?;
        match &self.answer {
            Answer::Status { whole: false, .. } => f.write_str(" cut")?,
            Answer::Raw => f.write_str(" raw")?,
            _ => {}
        }
        if !self.peers.is_empty() {
            write!(
                f,
                " [{}] ({})",
                self.peers.join(", "),
                self.statuses.join(", ")
            )?;
        }
        for (kind, said) in ["rate", "conn"].iter().zip(&self.limits) {
            if said != "-" {
                write!(f, " {kind}:{said}")?;
            }
        }
        if let Answer::Call { said, .. } = &self.answer {
            write!(f, " {said}")?;
        }
        match &self.answer {
            Answer::Status { status, .. } | Answer::Call { status, .. }
                if self.logged != format!("{status:03}") =>
            {
                write!(f, " but the client got {status}")
            }
            Answer::Nothing => f.write_str(" but the client got nothing"),
            _ => Ok(()),
        }
    }
}
