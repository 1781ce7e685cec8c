use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::time::Duration;

use super::hedge::Hedge;
use crate::classify::{Condition, Outcome};

/// The keywords of `proxy_next_upstream`: what sends a request to the next peer.
///
/// Default `error timeout`. Failures count against a peer whether or not they are listed (NU-1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "proxy_next_upstream")]
pub struct NextUpstream(u16);

/// Keyword and bit, in the order NGINX documents them.
const KEYWORDS: [(&str, NextUpstream); 12] = [
    ("error", NextUpstream::ERROR),
    ("timeout", NextUpstream::TIMEOUT),
    ("invalid_header", NextUpstream::INVALID_HEADER),
    ("http_500", NextUpstream::HTTP_500),
    ("http_502", NextUpstream::HTTP_502),
    ("http_503", NextUpstream::HTTP_503),
    ("http_504", NextUpstream::HTTP_504),
    ("http_403", NextUpstream::HTTP_403),
    ("http_404", NextUpstream::HTTP_404),
    ("http_429", NextUpstream::HTTP_429),
    ("non_idempotent", NextUpstream::NON_IDEMPOTENT),
    ("off", NextUpstream::OFF),
];

impl NextUpstream {
    /// Nothing moves on; with any other keyword, that one is erased (NU-1).
    pub const OFF: Self = Self(1);
    /// Refused, reset, or closed before the end of the response header.
    pub const ERROR: Self = Self(1 << 1);
    /// Connecting, sending or waiting for the response header took too long.
    pub const TIMEOUT: Self = Self(1 << 2);
    /// The response header cannot be understood or is too large.
    pub const INVALID_HEADER: Self = Self(1 << 3);
    /// Status 500.
    pub const HTTP_500: Self = Self(1 << 4);
    /// Status 502.
    pub const HTTP_502: Self = Self(1 << 5);
    /// Status 503.
    pub const HTTP_503: Self = Self(1 << 6);
    /// Status 504.
    pub const HTTP_504: Self = Self(1 << 7);
    /// Status 403; never counted against the peer.
    pub const HTTP_403: Self = Self(1 << 8);
    /// Status 404; never counted against the peer.
    pub const HTTP_404: Self = Self(1 << 9);
    /// Status 429.
    pub const HTTP_429: Self = Self(1 << 10);
    /// POST, LOCK and PATCH move on too, even after they were sent.
    pub const NON_IDEMPOTENT: Self = Self(1 << 11);

    /// The bit of one of NGINX's keywords.
    pub fn from_keyword(word: &str) -> Option<Self> {
        KEYWORDS
            .iter()
            .find(|(w, _)| *w == word)
            .map(|(_, bit)| *bit)
    }

    /// Whether all of `other` is listed and not erased by `off`.
    pub fn contains(self, other: Self) -> bool {
        let listed = if self.0 & Self::OFF.0 != 0 {
            Self::OFF.0
        } else {
            self.0
        };
        listed & other.0 == other.0
    }
}

impl Default for NextUpstream {
    fn default() -> Self {
        Self::ERROR | Self::TIMEOUT
    }
}

impl BitOr for NextUpstream {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for NextUpstream {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for NextUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (word, bit) in KEYWORDS {
            if self.0 & bit.0 != 0 {
                write!(f, "{gap}{word}")?;
                gap = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for NextUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NextUpstream({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for NextUpstream {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for NextUpstream {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        let mut listed = Self(0);
        for word in words.split_ascii_whitespace() {
            listed |= Self::from_keyword(word).ok_or_else(|| {
                serde::de::Error::custom(format_args!("invalid value \"{word}\" in next_upstream"))
            })?;
        }
        Ok(listed)
    }
}

/// What a configuration says about moving on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The listed conditions.
    pub next_upstream: NextUpstream,
    /// Attempts in total; 0 is no cap.
    pub tries: u32,
    /// Time after which no further attempt is begun; zero is no limit.
    pub timeout: Duration,
    /// Limit on the whole request, attempts and waiting included. Not in NGINX.
    pub request_timeout: Option<Duration>,
    /// When a second attempt joins one that takes long. Not in NGINX.
    pub hedge: Option<Hedge>,
}

/// The facts of one request after one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempted {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// Attempts left once this one's peer is released, the stale-connection credit included.
    pub tries: u32,
    /// Since the first pick.
    pub elapsed: Duration,
    /// Sending it twice does no more than sending it once: not POST, LOCK or PATCH.
    pub idempotent: bool,
    /// The body is complete and can be sent again (NU-12).
    pub replayable: bool,
}

impl Terms {
    /// Whether this moves a request on at all.
    pub fn list(&self, condition: Condition) -> bool {
        match condition {
            Condition::Grpc { next, .. } => next && !self.next_upstream.contains(NextUpstream::OFF),
            condition => condition
                .keyword()
                .is_some_and(|keyword| self.next_upstream.contains(keyword)),
        }
    }

    /// Whether the next peer is to be asked (NU-5 step 5, NU-7).
    pub fn allow(&self, attempted: Attempted) -> bool {
        attempted.tries > 0
            && self.list(attempted.outcome.condition)
            && self.repeatable(&attempted)
            && (self.timeout.is_zero() || attempted.elapsed < self.timeout)
    }

    /// Whether sending the request again is safe: nothing was sent, or all of it can be sent again
    /// and doing so does no harm (NU-11, NU-12).
    pub fn repeatable(&self, attempted: &Attempted) -> bool {
        !attempted.outcome.sent
            || (attempted.replayable
                && (attempted.idempotent
                    || self.next_upstream.contains(NextUpstream::NON_IDEMPOTENT)))
    }
}
