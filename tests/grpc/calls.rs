//! The four shapes of a call.

use futures_util::stream;
use tokio::sync::mpsc;
use tower_upstream::Semantics;

use crate::client::{Client, fails, in_flight, upstream};
use crate::server::{Orders, until};

#[tokio::test]
async fn unary_calls_go_round() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    for semantics in [Semantics::Nginx, Semantics::Strict] {
        let upstream = upstream(&[a.address, b.address], semantics);
        let mut client = Client::new(&upstream);
        let mut answers = Vec::new();
        for n in 0..4 {
            answers.push(client.get(&n.to_string()).await.unwrap());
        }
        assert_eq!(answers, ["a 0", "b 1", "a 2", "b 3"]);
        assert_eq!((in_flight(&upstream), fails(&upstream)), (0, vec![0, 0]));
    }
}

#[tokio::test]
async fn messages_stream_to_a_server() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    for name in ["a", "b"] {
        let messages = ["1", "2", "3"].map(str::to_owned);
        let answer = client.put(stream::iter(messages)).await.unwrap();
        assert_eq!(answer, format!("{name} 1 2 3"));
    }
    assert_eq!(in_flight(&upstream), 0);
}

#[tokio::test]
async fn messages_stream_from_a_server() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    for _ in 0..2 {
        let mut answer = client.list("3 x").await.unwrap();
        assert_eq!(in_flight(&upstream), 1);
        for _ in 0..3 {
            assert_eq!(answer.message().await.unwrap().as_deref(), Some("x"));
        }
        assert_eq!(answer.message().await.unwrap(), None);
        // Its trailers have come, though the stream is still held.
        assert_eq!(in_flight(&upstream), 0);
    }
    assert_eq!((a.calls(), b.calls()), (1, 1));
}

#[tokio::test]
async fn messages_go_both_ways_in_turns() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    let talk = |mut client: Client| async move {
        let (say, heard) = mpsc::channel::<String>(1);
        let heard = stream::unfold(heard, |mut heard| async {
            heard.recv().await.map(|message| (message, heard))
        });
        (say, client.talk(heard).await.unwrap())
    };
    let (say_a, mut from_a) = talk(client.clone()).await;
    let (say_b, mut from_b) = talk(client.clone()).await;
    for n in 0..50 {
        // Neither could be answered if one waited for the other, or for the caller to be done.
        say_b.send(n.to_string()).await.unwrap();
        say_a.send(n.to_string()).await.unwrap();
        assert_eq!(from_a.message().await.unwrap().unwrap(), format!("a {n}"));
        assert_eq!(from_b.message().await.unwrap().unwrap(), format!("b {n}"));
    }
    assert_eq!(in_flight(&upstream), 2);

    // One is ended by the caller, the other by the server.
    drop(say_a);
    assert_eq!(from_a.message().await.unwrap(), None);
    say_b.send("bye".to_owned()).await.unwrap();
    assert_eq!(from_b.message().await.unwrap(), None);
    assert_eq!((in_flight(&upstream), fails(&upstream)), (0, vec![0, 0]));
    until(|| say_b.is_closed()).await;
    assert_eq!(client.get("x").await.unwrap(), "a x");
}
