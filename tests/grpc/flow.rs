//! Who does not read is not sent more than fits: flow control from end to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::{Stream, stream};
use tower_upstream::Semantics;

use crate::client::{Client, in_flight, upstream};
use crate::server::{Orders, until};

const MESSAGE: usize = 64 * 1024;
/// More than the windows of HTTP/2 and the sockets' buffers together: some 10 MB.
const MOST: usize = 16 * 1024 * 1024;

/// What a counter comes to once it stands still for a while.
async fn settled(count: impl Fn() -> usize) -> usize {
    let (mut last, mut still) = (0, 0);
    for _ in 0..2000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        still = if count() == last { still + 1 } else { 0 };
        last = count();
        if still == 60 && last > 0 {
            return last;
        }
    }
    panic!("it never stood still");
}

/// Messages without end, and how many of them were taken.
fn flood(first: String) -> (Arc<AtomicUsize>, impl Stream<Item = String> + Send) {
    let produced = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&produced);
    let text = "x".repeat(MESSAGE);
    let messages = stream::unfold(first, move |message| {
        count.fetch_add(1, SeqCst);
        let next = text.clone();
        async move { Some((message, next)) }
    });
    (produced, messages)
}

#[tokio::test]
async fn a_caller_that_does_not_read_stops_the_server() {
    let a = Orders::start("a");
    let upstream = upstream(&[a.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    let text = "x".repeat(MESSAGE);
    let mut answers = client.list(&format!(" {text}")).await.unwrap();
    let first = settled(|| a.produced()).await;
    assert!(first * MESSAGE < MOST, "{first} messages");

    // Its neighbour on the same connection is served.
    assert_eq!(client.get("y").await.unwrap(), "a y");
    for _ in 0..2 * first {
        assert_eq!(answers.message().await.unwrap().unwrap().len(), MESSAGE);
    }
    let ahead = settled(|| a.produced()).await - 2 * first;
    assert!(ahead * MESSAGE < MOST, "{ahead} messages");
    drop(answers);
    assert_eq!(in_flight(&upstream), 0);
    until(|| a.running() == 0).await;
}

/// hyper cannot reset a stream while it waits for room; its connection has to go.
#[tokio::test]
async fn a_caller_leaves_a_server_that_does_not_read() {
    let a = Orders::start("a");
    let upstream = upstream(&[a.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    let (produced, messages) = flood("x".repeat(MESSAGE));
    let mut request = tonic::Request::new(messages);
    request.metadata_mut().insert("deaf", "1".parse().unwrap());
    let answers = client.talk_as(request).await.unwrap();
    settled(|| produced.load(SeqCst)).await;
    drop(answers);
    assert_eq!(in_flight(&upstream), 0);
    until(|| a.running() == 0).await;
    assert_eq!(client.get("y").await.unwrap(), "a y");
}

#[tokio::test]
async fn a_server_that_does_not_read_stops_the_caller() {
    let a = Orders::start("a");
    let upstream = upstream(&[a.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    let (produced, messages) = flood("wait".to_owned());
    let call = tokio::spawn(async move { client.put(messages).await });
    let many = settled(|| produced.load(SeqCst)).await;
    assert!(many * MESSAGE < MOST, "{many} messages");
    call.abort();
    until(|| in_flight(&upstream) == 0 && a.running() == 0).await;
}
