use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::Result;

/// What a service does with requests.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Healthy,
    /// Takes requests and says nothing until it is well again.
    Hanging,
    Failing,
}

/// A small order service on a port of its own.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
    /// Its own, so that killing it takes listener and connections along.
    runtime: Option<Runtime>,
}

impl Service {
    pub(crate) fn start(name: &'static str) -> Result<Self> {
        let mut service = Self {
            name,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            mode: watch::Sender::new(Mode::Healthy),
            runtime: None,
        };
        service.restart()?;
        Ok(service)
    }

    /// Comes back on the port it had.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let listener = TcpListener::bind(self.address)?;
        listener.set_nonblocking(true)?;
        self.address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (name, mode) = (self.name, self.mode.subscribe());
        let orders = get(move || answer(name, mode.clone()));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, Router::new().route("/orders", orders)).await
        });
        self.runtime = Some(runtime);
        Ok(())
    }

    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    pub(crate) fn turn(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn answer(name: &'static str, mut mode: watch::Receiver<Mode>) -> Response {
    // An error would mean that the service is gone, and this answer with it.
    let _ = mode.wait_for(|mode| *mode != Mode::Hanging).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    let now = *mode.borrow();
    match now {
        Mode::Failing => {
            (StatusCode::INTERNAL_SERVER_ERROR, "the database is on fire").into_response()
        }
        _ => ([("X-Served-By", name)], "{\"orders\": 12}").into_response(),
    }
}
