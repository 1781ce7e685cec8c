use crate::classify::{Codes, Condition};

/// What the status of a gRPC call means, in a response's headers or in its trailers.
///
/// | status | default | because |
/// | --- | --- | --- |
/// | UNAVAILABLE | counts against the server, the next one is asked | the server says so itself |
/// | RESOURCE_EXHAUSTED | neither | a quota is the caller's, wherever it asks; and whoever has too much to do is not helped by calls that are made again |
/// | DEADLINE_EXCEEDED | neither | the caller's time is over, and may have been too short |
/// | INTERNAL, UNKNOWN, DATA_LOSS | neither | one call that breaks every server must not take them all out |
/// | the others | neither | they are about the call |
///
/// The next server is asked where the status came before anything else, which gRPC calls a
/// trailers-only answer, if the call may be made twice: it is marked
/// [`Idempotent`](crate::retry::Idempotent), or [`NON_IDEMPOTENT`](crate::NextUpstream::NON_IDEMPOTENT)
/// is listed. It is not where the server says so (`grpc-retry-pushback-ms` below zero); a wait that it
/// asks for is one before it is asked again, and keeps nobody from asking another. After a body, in
/// trailers, a status can only count. A call without a status whose HTTP status is not 200 has the one
/// that stands for it.
///
/// NGINX never looks at any of this (GR-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Grpc {
    /// Statuses that are failures of the server, default UNAVAILABLE.
    pub counts: Codes,
    /// Statuses that send a call to the next server, default UNAVAILABLE.
    pub next: Codes,
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            counts: Codes::UNAVAILABLE,
            next: Codes::UNAVAILABLE,
        }
    }
}

impl Grpc {
    /// What a status means, if anything.
    pub(crate) fn condition(&self, code: Codes) -> Option<Condition> {
        let (counts, next) = (self.counts.contains(code), self.next.contains(code));
        (counts || next).then_some(Condition::Grpc { counts, next })
    }
}
