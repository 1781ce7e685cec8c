//! The client side: one call on one connection, and what came back.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use h2::client::{self, ResponseFuture};
use h2::{Error, SendStream};
use http::HeaderMap;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::client::{Answer, Exchange};
use crate::support::scenario::{Body, Request};

/// Nothing takes longer than this; a side that does is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a call and reads until it has ended.
pub(crate) async fn call(front: SocketAddr, path: &str, request: &Request) -> Exchange {
    let (sent, start) = (SystemTime::now(), Instant::now());
    let patience = request.abandon.map_or(PATIENCE, Duration::from_millis);
    let answer = match timeout(patience, talk(front, path, request)).await {
        Ok(answer) => answer,
        Err(_) if request.abandon.is_some() => Answer::Abandoned,
        Err(_) => Answer::Nothing,
    };
    Exchange::of(answer, sent, start.elapsed())
}

async fn talk(front: SocketAddr, path: &str, request: &Request) -> Answer {
    let stream = TcpStream::connect(front)
        .await
        .unwrap_or_else(|why| panic!("cannot connect to {front}: {why}"));
    let _ = stream.set_nodelay(true);
    let Ok((mut sender, connection)) = client::handshake(stream).await else {
        return Answer::Nothing;
    };
    let key = request.key.as_ref().map(|key| format!("?k={key}"));
    let head = http::Request::post(format!("http://parity{path}{}", key.unwrap_or_default()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("x-key", request.key.as_deref().unwrap_or_default());
    let head = head.body(()).expect("a request");
    // The connection is driven only once all that goes at once has been said.
    let Ok((response, body)) = sender.send_request(head, request.body.is_none()) else {
        return Answer::Nothing;
    };
    let late = send(body, request.body);
    let talk = async {
        let ((), answer) = tokio::join!(late, read(response));
        answer
    };
    tokio::pin!(talk);
    tokio::select! {
        biased;
        answer = &mut talk => answer,
        // What has come before the connection's end is there to be read.
        _ = connection => talk.await,
    }
}

async fn send(mut stream: SendStream<Bytes>, body: Option<Body>) {
    let Some(body) = body else { return };
    let bytes = vec![b'b'; body.length];
    if body.late == 0 {
        let _ = stream.send_data(bytes.into(), true);
        return;
    }
    sleep(Duration::from_millis(body.late)).await;
    let _ = stream.send_data(bytes.into(), true);
}

async fn read(response: ResponseFuture) -> Answer {
    let response = match response.await {
        Ok(response) => response,
        Err(why) => return ended(0, &why),
    };
    let status = response.status().as_u16();
    let (head, mut body) = response.into_parts();
    let mut length = 0;
    while let Some(part) = body.data().await {
        match part {
            Ok(part) => {
                length += part.len();
                let _ = body.flow_control().release_capacity(part.len());
            }
            Err(why) => return ended(status, &why),
        }
    }
    let trailers = match body.trailers().await {
        Ok(trailers) => trailers,
        Err(why) => return ended(status, &why),
    };
    let said = match (said(&head.headers), trailers.as_ref().map(said)) {
        ("-", None) => "bare".to_owned(),
        (only, None) => format!("only:{only}"),
        (_, Some(trailer)) => format!("grpc:{trailer}"),
    };
    // Pages are not alike in length.
    let length = if said == "bare" && status != 200 {
        0
    } else {
        length
    };
    Answer::Call {
        status,
        said,
        length,
    }
}

/// `grpc-status` if it comes with its message.
fn said(fields: &HeaderMap) -> &str {
    let text = |name| fields.get(name).and_then(|value| value.to_str().ok());
    match (text("grpc-status"), text("grpc-message")) {
        (Some(code), Some("said")) => code,
        (Some(_), _) => "alone",
        _ => "-",
    }
}

/// How much of a message had come by then is a matter of the moment.
fn ended(status: u16, why: &Error) -> Answer {
    let said = match why.reason() {
        Some(reason) if why.is_go_away() => format!("goaway:{}", u32::from(reason)),
        Some(reason) => format!("reset:{}", u32::from(reason)),
        None => "closed".to_owned(),
    };
    Answer::Call {
        status,
        said,
        length: 0,
    }
}
