use http::{Response, Version};
use http_body::Body;

use crate::answer::HttpAnswer;
use crate::classify::grpc;

/// What an answer in HTTP/2 has promised. hyper takes a stream that was reset without an error, or to
/// cancel it, for one that has ended. A peer may do the former behind a complete answer, to hear no
/// more of the request (RFC 9113, 8.1); behind anything less it breaks the answer off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owed {
    /// Bytes, as far as the answer told.
    length: u64,
    /// A gRPC status, in trailers.
    status: bool,
}

impl Owed {
    /// Nothing, of an answer in HTTP/1: there hyper knows better.
    pub(super) fn of<B: Body>(response: &Response<B>) -> Self {
        if response.version() != Version::HTTP_2 {
            return Self::default();
        }
        let headers = response.headers();
        Self {
            length: response.body().size_hint().exact().unwrap_or(0),
            status: HttpAnswer::of(headers) == HttpAnswer::Grpc
                && grpc::of_headers(headers).is_none(),
        }
    }

    /// Whether something is missing when no more comes after `length` bytes, and no trailers.
    pub(super) fn is_owed(self, length: u64) -> bool {
        self.status || length < self.length
    }
}
