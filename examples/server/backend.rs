//! What the service asks: quick, slow, or never done.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_upstream::BoxError;

use crate::shop::TIMEOUT;

/// A server with a runtime of its own, so that killing it takes its connections along.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

/// What all backends together have to do.
#[derive(Default)]
pub(crate) struct Load {
    busy: AtomicUsize,
    most: AtomicUsize,
    told: Mutex<Option<u64>>,
}

impl Load {
    /// Requests that are being worked on.
    pub(crate) fn now(&self) -> usize {
        self.busy.load(SeqCst)
    }

    /// Most that were at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(SeqCst)
    }

    /// How many milliseconds were left of what never comes.
    pub(crate) fn told(&self) -> Option<u64> {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request being worked on, however that ends.
struct Busy(Arc<Load>);

impl Busy {
    fn with(load: Arc<Load>) -> Self {
        let now = load.busy.fetch_add(1, SeqCst) + 1;
        load.most.fetch_max(now, SeqCst);
        Self(load)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, SeqCst);
    }
}

impl Backend {
    pub(crate) fn start(load: &Arc<Load>) -> Result<Self, BoxError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .route("/{how}", get(work))
            .with_state(Arc::clone(load));
        runtime.spawn(async move { axum::serve(TcpListener::from_std(listener)?, app).await });
        Ok(Self {
            address,
            runtime: Some(runtime),
        })
    }
}

/// Kills it.
impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn work(
    State(load): State<Arc<Load>>,
    Path(how): Path<String>,
    headers: HeaderMap,
) -> &'static str {
    let busy = Busy::with(load);
    match how.as_str() {
        "slow" => tokio::time::sleep(Duration::from_millis(80)).await,
        "never" => {
            let told = headers.get(TIMEOUT).and_then(|told| told.to_str().ok());
            let told = told.and_then(|told| told.parse().ok());
            *busy.0.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
            std::future::pending().await
        }
        _ => {}
    }
    "an order"
}
