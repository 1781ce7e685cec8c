use tokio::sync::watch;

/// Hears of changes to a group's members, and of its end; see [`Members::changes`](super::Members::changes).
#[derive(Clone, Debug)]
pub struct Changes(watch::Receiver<bool>);

impl Changes {
    /// Waits for a change since the last call, the first call since this was made. False once the
    /// group is gone. Cancel safe: a change that nobody was told of is told to the next call.
    pub async fn next(&mut self) -> bool {
        let gone = *self.0.borrow();
        !gone && self.0.changed().await.is_ok() && !*self.0.borrow_and_update()
    }
}

/// The other side.
#[derive(Debug)]
pub(super) struct News(watch::Sender<bool>);

impl News {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn listen(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    pub(super) fn changed(&self) {
        self.0.send_modify(|_| {});
    }

    pub(super) fn gone(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn is_gone(&self) -> bool {
        *self.0.borrow()
    }
}
