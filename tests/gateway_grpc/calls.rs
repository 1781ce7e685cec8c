//! Calls of every shape, and how they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::stream;
use tonic::{Code, Request, Status};

use crate::rig::Server;
use crate::server::{Orders, until};
use crate::world::{client, http};

const MESSAGE: usize = 64 * 1024;

fn gateway(orders: &[&Orders], more: &str) -> Server {
    let servers: Vec<_> = orders.iter().map(|orders| orders.address).collect();
    let location = format!("grpc_pass grpc://orders; {more}");
    Server::gateway(&http(&servers, "keepalive 8;", &location))
}

#[tokio::test]
async fn every_shape_goes_through() {
    let a = Orders::start("a");
    let gateway = gateway(&[&a], "grpc_set_header X-Mine yes;");
    let mut client = client(&gateway);
    let mut request = Request::new("x".to_owned());
    request
        .metadata_mut()
        .insert("x-theirs", "1".parse().unwrap());
    assert_eq!(client.ask(request).await.unwrap(), "a x");
    let told = a.told.metadata.lock().unwrap().clone();
    assert_eq!(told.get("x-mine").unwrap(), "yes");
    assert_eq!(told.get("x-theirs").unwrap(), "1");
    assert_eq!(told.get("te").unwrap(), "trailers");

    let words = ["1", "2"].map(str::to_owned);
    assert_eq!(
        client.put(stream::iter(words.clone())).await.unwrap(),
        "a 1 2"
    );
    let mut listed = client.list("3 abc").await.unwrap();
    for _ in 0..3 {
        assert_eq!(listed.message().await.unwrap().unwrap(), "abc");
    }
    assert_eq!(listed.message().await.unwrap(), None);
}

/// Each answer is there before the next question is.
#[tokio::test]
async fn both_sides_talk_at_once() {
    let a = Orders::start("a");
    let gateway = gateway(&[&a], "");
    let (say, said) = tokio::sync::mpsc::unbounded_channel::<String>();
    let said = stream::unfold(said, |mut said| async {
        said.recv().await.map(|word| (word, said))
    });
    let mut answers = client(&gateway).talk(said).await.unwrap();
    for n in 0..20 {
        say.send(n.to_string()).unwrap();
        let answer = answers.message().await.unwrap();
        assert_eq!(answer.unwrap(), format!("a {n}"));
    }
    // The server ends it while we could go on.
    say.send("bye".into()).unwrap();
    assert_eq!(answers.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_status_arrives_with_its_words_before_and_after_messages() {
    let a = Orders::start("a");
    a.answers(Status::resource_exhausted("too \u{e9} much"));
    let gateway = gateway(&[&a], "");
    let mut client = client(&gateway);
    let status = client.get("x").await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "too \u{e9} much");
    let mut listed = client.list("2 abc").await.unwrap();
    assert_eq!(listed.message().await.unwrap().unwrap(), "abc");
    assert_eq!(listed.message().await.unwrap().unwrap(), "abc");
    let status = listed.message().await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_caller_that_leaves_stops_the_server_and_counts_for_nothing() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    let gateway = gateway(&[&a, &b], "");
    let mut client = client(&gateway);
    let hanging = tokio::time::timeout(Duration::from_millis(200), client.get("hang"));
    assert!(hanging.await.is_err());
    until(|| a.running() + b.running() == 0).await;
    // In the middle of an answer without end.
    let mut listed = client.list(" abc").await.unwrap();
    listed.message().await.unwrap();
    assert_eq!(a.running() + b.running(), 1);
    drop(listed);
    until(|| a.running() + b.running() == 0).await;
    // Both are still asked in turn.
    let mut names = Vec::new();
    for _ in 0..2 {
        names.push(client.get("x").await.unwrap());
    }
    names.sort();
    assert_eq!(names, ["a x", "b x"]);
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_ends_its_call_and_no_other() {
    let (mut a, b) = (Orders::start("a"), Orders::start("b"));
    let gateway = gateway(&[&a, &b], "");
    let mut client = client(&gateway);
    let mut listed = client.list(" abc").await.unwrap();
    listed.message().await.unwrap();
    a.kill();
    while let Some(message) = listed.message().await.transpose() {
        if let Err(status) = message {
            assert_eq!(status.code(), Code::Internal, "{status:?}");
            break;
        }
    }
    for _ in 0..4 {
        assert_eq!(client.get("x").await.unwrap(), "b x");
    }
}

/// Nothing between a server and a caller who does not read grows without bounds.
#[tokio::test]
async fn a_caller_that_does_not_read_stops_the_server() {
    let a = Orders::start("a");
    let gateway = gateway(&[&a], "");
    let mut client = client(&gateway);
    let text = "x".repeat(MESSAGE);
    let listed = client.list(&format!(" {text}")).await.unwrap();
    let produced = settled(|| a.produced()).await;
    assert!(produced * MESSAGE < 32 << 20, "{produced} messages");
    // Others are served meanwhile.
    assert_eq!(client.get("x").await.unwrap(), "a x");
    drop(listed);
    until(|| a.running() == 0).await;
}

/// The other way round.
#[tokio::test]
async fn a_server_that_does_not_read_stops_the_caller() {
    let a = Orders::start("a");
    let gateway = gateway(&[&a], "client_max_body_size 0;");
    let mut client = client(&gateway);
    let taken = Arc::new(AtomicUsize::new(0));
    let (count, text) = (Arc::clone(&taken), "x".repeat(MESSAGE));
    let messages = stream::unfold("wait".to_owned(), move |message| {
        count.fetch_add(1, SeqCst);
        let next = text.clone();
        async move { Some((message, next)) }
    });
    let call = tokio::spawn(async move { client.put(messages).await });
    let taken = settled(|| taken.load(SeqCst)).await;
    assert!(taken * MESSAGE < 32 << 20, "{taken} messages");
    call.abort();
    until(|| a.running() == 0).await;
}

/// The health service is asked as `active_check` says; these servers have none.
#[tokio::test]
async fn servers_are_looked_at_in_grpc() {
    let a = Orders::start("a");
    let check = |more: &str| {
        let more = format!("active_check type=grpc interval=1s {more};");
        Server::gateway(&http(&[a.address], &more, "grpc_pass orders;"))
    };
    let strict = check("fall=1");
    let said = strict.wait_for("error.log", "peer is unhealthy: gRPC status UNIMPLEMENTED");
    assert!(said.contains("in upstream \"orders\""), "{said}");
    let status = client(&strict).get("x").await.unwrap_err();
    // A page, as nginx has it, and no status of gRPC's.
    assert!(status.message().contains("502 Bad Gateway"), "{status:?}");
    let content = check("grpc_status=12 mandatory");
    content.wait_for("error.log", "peer is healthy");
    assert_eq!(client(&content).get("x").await.unwrap(), "a x");
}

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
