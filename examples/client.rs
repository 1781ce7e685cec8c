//! An axum service that calls another service through [`Upstream`], and goes on when one of that
//! service's two backends is killed. It runs by itself:
//!
//! ```sh
//! cargo run --example client
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_upstream::{BoxError, NextUpstream, Server, Upstream};

/// A backend with a runtime of its own, so that killing it takes its connections along.
struct Backend {
    address: SocketAddr,
    runtime: Runtime,
}

impl Backend {
    fn start(name: &'static str) -> Result<Self, BoxError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            let orders = Router::new().route("/orders", get(move || async move { name }));
            axum::serve(TcpListener::from_std(listener)?, orders).await
        });
        Ok(Self { address, runtime })
    }

    fn kill(self) {
        self.runtime.shutdown_background();
    }
}

/// The shop's only page: what the order service says, or why it says nothing.
async fn checkout(State(orders): State<Upstream>) -> Result<Response, Unavailable> {
    let request = Request::get("/orders").body(Body::empty());
    let reply = orders.send(request.expect("a constant request")).await?;
    Ok(reply.map(Body::new))
}

/// An error becomes the status that NGINX would answer with, and a line for whoever reads logs.
struct Unavailable(tower_upstream::Error);

impl From<tower_upstream::Error> for Unavailable {
    fn from(error: tower_upstream::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let said = format!("{error} after {} attempts", error.attempts());
        (error.status(), said).into_response()
    }
}

/// Asks the shop `calls` times and counts the answers.
async fn ask(shop: &Upstream, calls: u32) -> Result<BTreeMap<(StatusCode, String), u32>, BoxError> {
    let mut seen = BTreeMap::new();
    for _ in 0..calls {
        let reply = shop
            .send(Request::get("/checkout").body(Body::empty())?)
            .await?;
        let status = reply.status();
        let text = reply.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&text).into_owned();
        *seen.entry((status, text)).or_default() += 1;
    }
    Ok(seen)
}

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let (first, second) = (
        Backend::start("first backend")?,
        Backend::start("second backend")?,
    );
    let server = |backend: &Backend| {
        Server::new(backend.address.to_string())
            .max_fails(3)
            .fail_timeout(Duration::from_secs(30))
    };
    let orders = Upstream::builder()
        .name("orders")
        .server(server(&first))
        .server(server(&second))
        .keepalive(8)
        .connect_timeout(Duration::from_millis(500))
        .read_timeout(Duration::from_secs(2))
        .next_upstream(NextUpstream::ERROR | NextUpstream::TIMEOUT | NextUpstream::HTTP_500)
        .build()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let shop = Router::new()
        .route("/checkout", get(checkout))
        .with_state(orders.clone());
    tokio::spawn(async { axum::serve(listener, shop).await });
    let shop = Upstream::builder()
        .server(Server::new(address.to_string()))
        .keepalive(8)
        .build()?;

    let mut failed = 0;
    println!("two backends:");
    failed += report(ask(&shop, 100).await?, StatusCode::OK);
    first.kill();
    println!("the first one is killed:");
    failed += report(ask(&shop, 100).await?, StatusCode::OK);
    for peer in orders.group().snapshot() {
        println!(
            "  {}: {:?}, {} fails",
            peer.address, peer.state.state, peer.state.fails
        );
    }
    second.kill();
    println!("the second one too, and nothing can be done:");
    failed += report(ask(&shop, 10).await?, StatusCode::BAD_GATEWAY);

    println!("{failed} of 210 calls did not end as they should");
    Ok(ExitCode::from(u8::from(failed != 0)))
}

/// Prints the answers; how many had another status than they should?
fn report(seen: BTreeMap<(StatusCode, String), u32>, expected: StatusCode) -> u32 {
    for ((status, text), calls) in &seen {
        println!("  {calls:>3} x {}: {text}", status.as_u16());
    }
    let wrong = seen.iter().filter(|((status, _), _)| *status != expected);
    wrong.map(|(_, calls)| calls).sum()
}
