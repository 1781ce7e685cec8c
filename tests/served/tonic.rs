//! In tonic's server, asked by tonic's client.

use std::convert::Infallible;
use std::time::Duration;

use http::HeaderName;
use tokio::time::{Instant, timeout};
use tonic::body::Body;
use tonic::{Code, Request, Status};
use tower::ServiceBuilder;
use tower_upstream::breaker::BreakerLayer;
use tower_upstream::classify::Condition;
use tower_upstream::limit::bulkhead::{BulkheadLayer, ClassHeader, Queue};
use tower_upstream::limit::rate::{RateLimit, RateLimitLayer};
use tower_upstream::timeout::{Incoming, RequestBodyTimeoutLayer, TimeoutLayer};

use crate::orders::{Client, Orders};
use crate::until;

const PATIENCE: Duration = Duration::from_secs(1);

/// Far more than it takes.
const AT_MOST: Duration = Duration::from_secs(20);

fn said(status: &Status, key: &str) -> Option<String> {
    let value = status.metadata().get(key)?;
    Some(value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn connections_and_servers_share_one_rate_and_are_told_when_to_come_back() {
    let layer = RateLimitLayer::http(RateLimit::per_minute(1).burst(3).nodelay());
    let layer = layer.build().unwrap();
    let orders = Orders::new();
    let servers = [
        orders.serve(layer.clone()).await,
        orders.serve(layer.clone()).await,
    ];
    for server in [0, 1, 0, 1] {
        let mut client = Client::to(servers[server]).await;
        assert_eq!(client.get("x").await.unwrap(), "x");
    }
    for server in servers {
        let status = Client::to(server).await.get("x").await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "rate limit exceeded");
        let pushback: u64 = said(&status, "grpc-retry-pushback-ms")
            .unwrap()
            .parse()
            .unwrap();
        assert!((40_000..=63_000).contains(&pushback), "{pushback} ms");
        assert!(
            said(&status, "ratelimit")
                .unwrap()
                .starts_with("\"default\";r=0;t=")
        );
    }
    assert_eq!((orders.calls(), layer.snapshot().rejected), (4, 2));
}

#[tokio::test]
async fn a_stream_holds_its_place_to_its_end() {
    let layer = BulkheadLayer::http(1).build().unwrap();
    let handle = layer.handle();
    let orders = Orders::new();
    let server = orders.serve(layer).await;
    let mut one = Client::to(server).await;
    let mut messages = one.list().await.unwrap();
    assert_eq!(messages.message().await.unwrap().unwrap(), "begin");
    let mut two = Client::to(server).await;
    for client in [&mut one, &mut two] {
        let status = client.get("x").await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "too many requests at once");
    }
    orders.ends.add_permits(1);
    assert_eq!(messages.message().await.unwrap().unwrap(), "end");
    assert_eq!(messages.message().await.unwrap(), None);
    until("its place is free", || handle.snapshot().in_flight == 0).await;
    assert_eq!(two.get("x").await.unwrap(), "x");
    assert_eq!(orders.calls(), 2);
}

#[tokio::test]
async fn clients_that_go_away_leave_their_places() {
    let layer = BulkheadLayer::http(1).queue(Queue {
        patience: AT_MOST,
        hurry: AT_MOST,
        ..Queue::default()
    });
    let layer = layer.build().unwrap();
    let handle = layer.handle();
    let now = || {
        let seen = handle.snapshot();
        (seen.in_flight, seen.waiting)
    };
    let orders = Orders::new();
    let server = orders.serve(layer).await;

    // A stream that is reset: its connection goes on.
    let mut client = Client::to(server).await;
    let messages = client.list().await.unwrap();
    assert_eq!(now(), (1, 0));
    drop(messages);
    until("the stream's place is free", || now() == (0, 0)).await;
    assert_eq!(orders.running(), 0);

    // A call whose connection is closed, and one that waits behind it.
    let hanging = tokio::spawn(async move { client.get("hang").await });
    until("it hangs", || orders.running() == 1).await;
    let mut other = Client::to(server).await;
    let waiting = tokio::spawn(async move { other.get("hang").await });
    until("it waits", || now() == (1, 1)).await;
    waiting.abort();
    until("it does not wait", || now() == (1, 0)).await;
    hanging.abort();
    until("the call's place is free", || now() == (0, 0)).await;
    assert_eq!((orders.running(), orders.calls()), (0, 2));
    assert_eq!(handle.snapshot().cancelled, 1);
}

#[tokio::test]
async fn what_matters_less_is_unavailable_while_there_is_room_for_more() {
    let class = HeaderName::from_static("x-criticality");
    let layer = BulkheadLayer::http(2).classes(ClassHeader::new(class));
    let orders = Orders::new();
    let server = orders.serve(layer.build().unwrap()).await;
    let mut client = Client::to(server).await;
    let messages = client.list().await.unwrap();
    let mut sheddable = Request::new("x".to_owned());
    let value = "sheddable".parse().unwrap();
    sheddable.metadata_mut().insert("x-criticality", value);
    let status = client.ask(sheddable).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "overloaded");
    assert_eq!(client.get("x").await.unwrap(), "x");
    drop(messages);
}

#[tokio::test]
async fn calls_and_streams_end_in_time_and_say_so() {
    let orders = Orders::new();
    let bulkhead = BulkheadLayer::http(8).build().unwrap();
    let handle = bulkhead.handle();
    let layers = ServiceBuilder::new()
        .layer(TimeoutLayer::http().request_timeout(PATIENCE))
        .layer(bulkhead)
        .layer(RequestBodyTimeoutLayer::new(AT_MOST))
        .into_inner();
    let server = orders.serve(layers).await;
    let mut client = Client::to(server).await;
    let begun = Instant::now();
    let status = client.get("hang").await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.message(), "request timed out");
    assert!(begun.elapsed() >= PATIENCE);

    let mut messages = client.list().await.unwrap();
    assert_eq!(messages.message().await.unwrap().unwrap(), "begin");
    let status = timeout(AT_MOST, messages.message())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.message(), "deadline exceeded");
    until("both are dropped", || orders.running() == 0).await;
    assert_eq!(handle.snapshot().in_flight, 0);
}

/// Which statuses are failures is ours to say: here all that come in the head.
fn in_the_head(result: &Result<http::Response<Body>, Infallible>) -> Condition {
    match result {
        Ok(response) if !response.headers().contains_key("grpc-status") => Condition::Served,
        _ => Condition::Error,
    }
}

#[tokio::test]
async fn what_fails_all_the_time_is_left_alone_and_unavailable() {
    let layer = BreakerLayer::http().max_fails(2, Duration::from_secs(60));
    let layer = layer.classify(in_the_head).build().unwrap();
    let orders = Orders::new();
    let servers = [
        orders.serve(layer.clone()).await,
        orders.serve(layer.clone()).await,
    ];
    for server in servers {
        let status = Client::to(server).await.get("fail").await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
    }
    for server in servers {
        let status = Client::to(server).await.get("x").await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "circuit open")
        );
        let pushback: u64 = said(&status, "grpc-retry-pushback-ms")
            .unwrap()
            .parse()
            .unwrap();
        assert!((30_000..=61_000).contains(&pushback), "{pushback} ms");
    }
    assert_eq!(orders.calls(), 2);
}

/// A caller's `grpc-timeout` counts where the caller is trusted, and what is late is not begun.
#[tokio::test]
async fn callers_say_how_long_they_wait() {
    let orders = Orders::new();
    let incoming = Incoming::trusting(|headers, _| headers.contains_key("x-our-mesh"));
    let layer = TimeoutLayer::http().incoming(incoming);
    let server = orders.serve(layer).await;
    let mut client = Client::to(server).await;
    let ask = |timeout: &'static str, ours: bool| {
        let mut request = Request::new("x".to_owned());
        let metadata = request.metadata_mut();
        metadata.insert("grpc-timeout", timeout.parse().unwrap());
        if ours {
            metadata.insert("x-our-mesh", "1".parse().unwrap());
        }
        request
    };
    let status = client.ask(ask("0n", true)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.message(), "deadline exceeded");
    assert_eq!(orders.calls(), 0, "it was begun");
    // A stranger is served; what the server itself makes of the header is its own.
    assert_eq!(client.ask(ask("10S", false)).await.unwrap(), "x");

    let begun = Instant::now();
    let mut hanging = ask("100m", true);
    *hanging.get_mut() = "hang".to_owned();
    let status = client.ask(hanging).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() < AT_MOST);
    until("it is dropped", || orders.running() == 0).await;
}
