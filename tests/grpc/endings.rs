//! Calls that end before they are over.

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tonic::Code;
use tower_upstream::Semantics;

use crate::client::{Client, fails, in_flight, upstream};
use crate::server::{Orders, until};

/// Says `hello`, and then nothing more until it is told; it knows whether anybody listens.
fn talker() -> (
    mpsc::Sender<String>,
    impl futures_util::Stream<Item = String>,
) {
    let (say, heard) = mpsc::channel::<String>(1);
    let hello = stream::iter(["hello".to_owned()]);
    let heard = stream::unfold(heard, |mut heard| async {
        heard.recv().await.map(|message| (message, heard))
    });
    (say, hello.chain(heard))
}

#[tokio::test]
async fn a_server_that_dies_in_mid_stream_costs_that_stream() {
    let (mut a, b) = (Orders::start("a"), Orders::start("b"));
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    let (say, messages) = talker();
    let mut answers = client.talk(messages).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap(), "a hello");

    a.kill();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    // The caller's side ends with it, and so does what was booked.
    until(|| say.is_closed()).await;
    assert_eq!((in_flight(&upstream), fails(&upstream)), (0, vec![1, 0]));
    for n in 0..10 {
        assert_eq!(client.get(&n.to_string()).await.unwrap(), format!("b {n}"));
    }
}

#[tokio::test]
async fn a_caller_that_leaves_a_stream_ends_it_on_the_server() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    let answers = client.list("").await.unwrap();
    assert_eq!((in_flight(&upstream), a.running()), (1, 1));
    drop(answers);
    assert_eq!(in_flight(&upstream), 0);
    until(|| a.running() == 0).await;

    let (say, messages) = talker();
    let mut answers = client.talk(messages).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap(), "b hello");
    drop(answers);
    assert_eq!(in_flight(&upstream), 0);
    // Though the caller still has its end of what it was sending.
    until(|| b.running() == 0 && say.is_closed()).await;
    assert_eq!(fails(&upstream), [0, 0]);
}

#[tokio::test]
async fn a_call_that_is_dropped_before_its_answer_ends_on_the_server() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    let call = tokio::spawn(async move { client.get("hang").await });
    until(|| a.running() == 1).await;
    assert_eq!(in_flight(&upstream), 1);
    call.abort();
    until(|| a.running() == 0 && in_flight(&upstream) == 0).await;
    assert_eq!(fails(&upstream), [0, 0]);
}
