//! HTTP/2 to servers, for clients in HTTP/1.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::runtime;
use crate::rig::{Server, header, status};

/// A server with prior knowledge, and how many connections it has had. It answers with the status that
/// the path names, and in two frames with what it was asked.
fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let listener = runtime()
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    runtime().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            let serve = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(serve);
        }
    });
    (address, accepted)
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let code = head
        .uri
        .path()
        .trim_start_matches('/')
        .parse()
        .unwrap_or(200);
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().map_or(0, http::HeaderMap::len);
    let body = body.to_bytes();
    let mut names: Vec<String> = head
        .headers
        .iter()
        .map(|(name, value)| format!("{name}={}", value.to_str().unwrap_or_default()))
        .collect();
    names.sort();
    let text = format!(
        "{:?} {} {} {}",
        head.version,
        head.uri
            .authority()
            .map_or("-", |authority| authority.as_str()),
        names.join(","),
        String::from_utf8_lossy(&body),
    );
    let frames = [Bytes::from(text), Bytes::from_static(b"|end")];
    let mut frames: Vec<_> = frames.map(|bytes| Ok(Frame::data(bytes))).into();
    if head.method == "POST" {
        let mut told = http::HeaderMap::new();
        told.insert("x-trailers", trailers.into());
        frames.push(Ok(Frame::trailers(told)));
    }
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    *response.status_mut() = hyper::StatusCode::from_u16(code).unwrap();
    Ok(response)
}

#[test]
fn heads_and_bodies_are_made_over() {
    let (back, accepted) = server();
    let gateway = Server::gateway(&format!(
        "access_log off; upstream u {{ server {back}; keepalive 4; }}
         server {{ listen @FRONT; proxy_http_version 2;
         location / {{ proxy_pass http://u; }}
         location /named/ {{ proxy_pass http://u/; proxy_set_header Host $host; proxy_set_header X-A b; }}
         location /each/ {{ proxy_pass http://{back}/; }} }}"
    ));
    // Its own phrase for a status, chunks for a body of no length.
    let mut wire = gateway.connect();
    for (code, phrase) in [
        (200, "OK"),
        (302, "Moved Temporarily"),
        (503, "Service Temporarily Unavailable"),
        (299, ""),
    ] {
        wire.send(format!("GET /{code} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = wire.until("\r\n\r\n");
        assert!(
            head.starts_with(&format!("HTTP/1.1 {code} {phrase}\r\n")),
            "{head}"
        );
        assert_eq!(
            header(&head, "transfer-encoding"),
            Some("chunked"),
            "{head}"
        );
        let body = wire.until("0\r\n\r\n");
        assert!(
            body.contains("HTTP/2.0 u  ") && body.contains("|end"),
            "{body}"
        );
    }
    // What concerns the client's connection stays there, and a body in chunks comes through.
    let answer = gateway.ask(
        "POST /named/200 HTTP/1.1\r\nHost: shop.no\r\nConnection: close, x-mine\r\nX-Mine: 1\r\n\
         TE: trailers\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(
        answer.contains("HTTP/2.0 shop.no content-length=3,x-a=b,x-mine=1 abc"),
        "{answer}"
    );
    // A client of old gets the body to the end of the connection.
    let old = gateway.ask("GET /200 HTTP/1.0\r\n\r\n");
    assert!(old.ends_with("HTTP/2.0 u  |end"), "{old}");
    assert_eq!(header(&old, "transfer-encoding"), None);
    assert_eq!(
        accepted.load(SeqCst),
        1,
        "one connection served them one by one"
    );
    for _ in 0..2 {
        assert_eq!(status(&gateway.ask("GET /each/200 HTTP/1.0\r\n\r\n")), 200);
    }
    assert_eq!(
        accepted.load(SeqCst),
        3,
        "without keepalive each has its own"
    );
}

/// Those of an answer; those of a request end here, as in nginx (HD-6).
#[test]
fn trailers_are_passed_on() {
    let (back, _) = server();
    let gateway = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT; proxy_http_version 2; proxy_pass_trailers on;
         location / {{ proxy_pass http://{back}; }}
         location /streamed {{ proxy_pass http://{back}; proxy_request_buffering off; }} }}"
    ));
    for path in ["/streamed", "/"] {
        let answer = gateway.ask(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTE: trailers\r\n\
             Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\n"
        ));
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(answer.ends_with("0\r\nX-Trailers: 0\r\n\r\n"), "{answer}");
    }
}

#[test]
fn a_server_that_speaks_http1_only_is_an_error() {
    let back = crate::rig::echo();
    let gateway = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT; proxy_http_version 2;
         location / {{ proxy_pass http://{back}; proxy_read_timeout 2s; }} }}"
    ));
    assert_eq!(status(&gateway.ask("GET / HTTP/1.0\r\n\r\n")), 502);
}
