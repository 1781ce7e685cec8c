//! gRPC scenarios: calls over HTTP/2 to peers that speak it frame by frame.

mod acts;
mod call;
mod generate;
mod serve;
pub(crate) mod table;

pub(crate) use acts::ACTS;
pub(crate) use call::call;
pub(crate) use generate::scenario;
pub(super) use serve::serve;

/// The method by which scenarios mean a call over HTTP/2.
pub(crate) const CALL: &str = "CALL";
