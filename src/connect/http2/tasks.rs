use std::future::Future;
use std::sync::{Arc, OnceLock};

use hyper::rt::Executor;
use tokio::task::AbortHandle;

/// Runs what hyper spawns: first the task that owns the socket, then one for each body that is not sent
/// at once. Those keep the socket while they wait for a peer to make room, though nobody waits for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks(Arc<OnceLock<AbortHandle>>);

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let task = tokio::spawn(future).abort_handle();
        self.0.get_or_init(|| task);
    }
}

impl Tasks {
    /// [`end`](Self::end) when this is dropped.
    pub(super) fn ending(self) -> Ending {
        Ending(self)
    }

    /// The socket goes, and with it whatever is left.
    pub(super) fn end(&self) {
        if let Some(socket) = self.0.get() {
            socket.abort();
        }
    }
}

/// The end of a connection's tasks.
pub(in crate::connect) struct Ending(Tasks);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}
