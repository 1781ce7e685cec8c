//! HTTP servers on several addresses with one port, as a name with several records stands for them.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_upstream::{Error, Trail, Upstream};

/// Each says its address: at `/` at once, at `/held` when it is told to.
pub(crate) struct Fleet {
    pub(crate) port: u16,
    release: Arc<watch::Sender<bool>>,
}

impl Fleet {
    pub(crate) async fn start(ips: &[&'static str]) -> Self {
        let listeners = loop {
            if let Some(listeners) = listen(ips).await {
                break listeners;
            }
        };
        let port = listeners[0].local_addr().unwrap().port();
        let release = Arc::new(watch::Sender::new(false));
        for (listener, &ip) in listeners.into_iter().zip(ips) {
            let held = Arc::clone(&release);
            let held = move || {
                let mut released = held.subscribe();
                async move {
                    released.wait_for(|released| *released).await.unwrap();
                    ip
                }
            };
            let service = Router::new()
                .route("/", get(move || async move { ip }))
                .route("/held", get(held));
            tokio::spawn(axum::serve(listener, service).into_future());
        }
        Self { port, release }
    }

    /// Answers what is held, now and ever after.
    pub(crate) fn release(&self) {
        self.release.send_replace(true);
    }
}

/// All of them on the port that is free at the first.
async fn listen(ips: &[&str]) -> Option<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    for ip in ips {
        let port = listeners
            .first()
            .map_or(0, |first| first.local_addr().unwrap().port());
        listeners.push(TcpListener::bind(format!("{ip}:{port}")).await.ok()?);
    }
    Some(listeners)
}

/// Who answers.
pub(crate) async fn get_from(upstream: &Upstream, path: &str) -> Result<String, Error> {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let body = upstream.send(request).await?.into_body();
    let bytes = body.collect().await.expect("a whole answer").to_bytes();
    Ok(String::from_utf8(bytes.into()).unwrap())
}

/// Who is asked by one request, without ports.
pub(crate) async fn asked(upstream: &Upstream) -> Vec<String> {
    let trail = Trail::new();
    let request = http::Request::get("/").extension(trail.clone());
    let answer = upstream.send(request.body(Body::empty()).unwrap()).await;
    answer.unwrap().into_body().collect().await.unwrap();
    let host = |peer: &str| peer.split(':').next().unwrap().to_owned();
    trail
        .attempts()
        .iter()
        .map(|attempt| host(&attempt.peer))
        .collect()
}

/// How many of so many requests each answers.
pub(crate) async fn shares(upstream: &Upstream, requests: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..requests {
        *shares
            .entry(get_from(upstream, "/").await.unwrap())
            .or_default() += 1;
    }
    shares
}
