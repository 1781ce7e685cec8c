use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower::discover::{Change, Discover};

/// As many changes make one, if they are there at once.
const AT_ONCE: usize = 1024;

type Changes<D> =
    Vec<Result<Change<<D as Discover>::Key, <D as Discover>::Service>, <D as Discover>::Error>>;

/// A stream of changes, until it ends.
pub(super) struct Source<D>(Option<Pin<Box<D>>>);

impl<D: Discover> Source<D> {
    pub(super) fn new(discover: D) -> Self {
        Self(Some(Box::pin(discover)))
    }

    /// What there is to be heard, all at once; `None` at the end. Cancel safe.
    pub(super) async fn changes(&mut self) -> Option<Changes<D>> {
        poll_fn(|cx| self.poll_changes(cx)).await
    }

    fn poll_changes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Changes<D>>> {
        let mut changes = Vec::new();
        while let Some(discover) = &mut self.0 {
            match discover.as_mut().poll_discover(cx) {
                Poll::Ready(Some(change)) => changes.push(change),
                Poll::Ready(None) => self.0 = None,
                Poll::Pending if changes.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
            if changes.len() == AT_ONCE || changes.last().is_some_and(Result::is_err) {
                break;
            }
        }
        Poll::Ready((!changes.is_empty()).then_some(changes))
    }
}

impl<D> fmt::Debug for Source<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Source",
            None => "Source(ended)",
        })
    }
}
