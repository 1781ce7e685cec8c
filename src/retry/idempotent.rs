use http::{Extensions, Method};

/// Whether sending a request twice does no more than sending it once: an extension of a request that
/// knows better than its method. All of gRPC is POST, and so is many a search.
///
/// Without it, POST, PATCH and LOCK are not idempotent (NU-11): once they were sent, they are repeated
/// only when the peer certainly did not look at them, or under
/// [`NON_IDEMPOTENT`](crate::NextUpstream::NON_IDEMPOTENT).
///
/// ```
/// use tower_upstream::retry::Idempotent;
///
/// let search = http::Request::post("/search").extension(Idempotent(true)).body(())?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotent(pub bool);

impl Idempotent {
    /// What is known of a request.
    pub(crate) fn of(method: &Method, extensions: &Extensions) -> bool {
        match extensions.get() {
            Some(Self(said)) => *said,
            None => !matches!(method.as_str(), "POST" | "PATCH" | "LOCK"),
        }
    }
}
