//! Streams that end without an answer: which calls nobody has looked at, and which were.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tonic::Code;
use tower_upstream::{Semantics, Trail};

use crate::client::{Client, fails, in_flight, upstream};
use crate::raw::{Act, Raw};

const INTERNAL: u32 = 2;
const REFUSED: u32 = 7;
const CANCEL: u32 = 8;
const CALM: u32 = 11;

#[tokio::test]
async fn a_refused_stream_is_made_again_whatever_the_call() {
    let (raw, other) = (
        Raw::start(&[Act::Answer, Act::Reset(REFUSED)]).await,
        Raw::start(&[]).await,
    );
    let upstream = upstream(&[raw.address, other.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    for _ in 0..4 {
        assert_eq!(client.get("x").await.unwrap(), "raw");
    }
    // By the same server, over another connection.
    assert_eq!((raw.calls(), raw.accepted(), other.calls()), (3, 2, 2));
    assert_eq!((fails(&upstream), in_flight(&upstream)), (vec![0, 0], 0));
}

#[tokio::test]
async fn a_call_beyond_the_last_that_was_taken_is_made_again_whatever_it_is() {
    let (raw, other) = (
        Raw::start(&[Act::Answer, Act::Goodbye]).await,
        Raw::start(&[]).await,
    );
    let upstream = upstream(&[raw.address, other.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    for _ in 0..4 {
        assert_eq!(client.get("x").await.unwrap(), "raw");
    }
    assert_eq!((raw.calls(), raw.accepted(), other.calls()), (3, 2, 2));
    assert_eq!((fails(&upstream), in_flight(&upstream)), (vec![0, 0], 0));
}

/// Who refuses everything is asked once more, not for ever.
#[tokio::test]
async fn a_server_that_refuses_again_has_failed() {
    let refuses = Raw::start(&[Act::Reset(REFUSED); 2]).await;
    let answers = Raw::start(&[]).await;
    let upstream = upstream(&[refuses.address, answers.address], Semantics::Strict);
    assert_eq!(Client::new(&upstream).get("x").await.unwrap(), "raw");
    assert_eq!((refuses.calls(), answers.calls()), (2, 1));
    assert_eq!(fails(&upstream), [1, 0]);
}

#[tokio::test]
async fn any_other_reset_is_the_end_of_a_call() {
    for (code, says) in [(INTERNAL, Code::Internal), (CALM, Code::ResourceExhausted)] {
        let acts: &'static [Act] = vec![Act::Reset(code)].leak();
        let (raw, other) = (Raw::start(acts).await, Raw::start(&[]).await);
        let upstream = upstream(&[raw.address, other.address], Semantics::Strict);
        let status = Client::new(&upstream).get("x").await.unwrap_err();
        assert_eq!(status.code(), says, "{status:?}");
        assert_eq!((raw.calls(), other.calls()), (1, 0));
        assert_eq!((fails(&upstream), in_flight(&upstream)), (vec![1, 0], 0));
    }
}

/// GR-4: it is all one to NGINX.
#[tokio::test]
async fn under_nginx_a_refused_stream_is_an_invalid_header() {
    let (raw, other) = (
        Raw::start(&[Act::Reset(REFUSED)]).await,
        Raw::start(&[]).await,
    );
    let upstream = upstream(&[raw.address, other.address], Semantics::Nginx);
    let status = Client::new(&upstream).get("x").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!((raw.calls(), other.calls()), (1, 0));
    assert_eq!(fails(&upstream), [1, 0]);
}

/// GR-5, and what Strict makes of answers that break off.
#[tokio::test]
async fn a_reset_within_the_answer_counts_under_strict_only() {
    for (semantics, counted) in [(Semantics::Strict, 1), (Semantics::Nginx, 0)] {
        let (raw, other) = (
            Raw::start(&[Act::Half(INTERNAL)]).await,
            Raw::start(&[]).await,
        );
        let upstream = upstream(&[raw.address, other.address], semantics);
        let status = Client::new(&upstream).get("x").await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{status:?}");
        assert_eq!(
            (fails(&upstream), in_flight(&upstream)),
            (vec![counted, 0], 0)
        );
    }
}

/// hyper takes a reset without an error, and one that cancels, for the end of the answer.
#[tokio::test]
async fn a_reset_is_no_end_whatever_it_says() {
    for code in [0, CANCEL] {
        let acts: &'static [Act] = vec![Act::Half(code)].leak();
        let raw = Raw::start(acts).await;
        let upstream = upstream(&[raw.address, raw.address], Semantics::Strict);
        let request = http::Request::post("/shop.Orders/Get").body(Full::new(Bytes::from("x")));
        let reply = upstream.send(request.unwrap()).await.unwrap();
        assert!(reply.into_body().collect().await.is_err(), "{code}");
        assert_eq!(fails(&upstream).iter().sum::<u32>(), 1);
    }
}

/// A server may have enough of a request that it has answered (RFC 9113, 8.1).
#[tokio::test]
async fn a_reset_behind_the_end_is_none() {
    let raw = Raw::start(&[Act::Enough(0); 20]).await;
    let upstream = upstream(&[raw.address, raw.address], Semantics::Strict);
    for _ in 0..20 {
        let request = http::Request::post("/shop.Orders/Get").body(Full::new(Bytes::from("x")));
        let reply = upstream.send(request.unwrap()).await.unwrap();
        let body = reply.into_body().collect().await.unwrap();
        assert!(body.to_bytes().is_empty());
    }
    assert_eq!(fails(&upstream), [0, 0]);
}

/// GR-4
#[tokio::test]
async fn a_head_without_a_status_is_an_invalid_header() {
    let raw = Raw::start(&[Act::Statusless]).await;
    let other = Raw::start(&[]).await;
    let upstream = upstream(&[raw.address, other.address], Semantics::Nginx);
    let trail = Trail::new();
    let mut request = tonic::Request::new("x".to_owned());
    request.extensions_mut().insert(trail.clone());
    let status = Client::new(&upstream).ask(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    assert_eq!(fails(&upstream), [1, 0]);
    let said = trail.attempts()[0].failure.clone().unwrap();
    assert!(said.ends_with("(http2 error 1)"), "{said}");
}
