use std::future::Future;

use tokio::sync::watch;

/// Dropped with its owner, which wakes everybody who waits for that.
#[derive(Debug)]
pub(super) struct Presence(watch::Sender<()>);

impl Presence {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Ends with it.
    pub(super) fn over(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let mut end = self.0.subscribe();
        // Nothing is ever sent.
        async move { while end.changed().await.is_ok() {} }
    }
}
