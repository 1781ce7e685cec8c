use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// What `work` brings, unless there is nobody left for whom it is done. As cancel safe as `work`.
pub(crate) async fn unless<T>(
    gone: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut gone, mut work) = (pin!(gone), pin!(work));
    poll_fn(|cx| match gone.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(cx).map(Some),
    })
    .await
}
