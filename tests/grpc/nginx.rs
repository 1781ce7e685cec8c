//! `grpc_pass` read from a configuration: what it means, and calls through it.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream;
use http::Version;
use tonic::{Code, Status};
use tower_upstream::nginx::{Imported, import};
use tower_upstream::{RequestBuffering, Upstream};

use crate::client::{Client, fails, in_flight};
use crate::raw::{Act, Raw};
use crate::server::Orders;

/// A location `/` in front of an `upstream` block `orders`.
fn text(servers: &[SocketAddr], location: &str) -> String {
    let servers: String = servers.iter().map(|at| format!("server {at}; ")).collect();
    format!("upstream orders {{ {servers} }} server {{ location / {{ {location} }} }}")
}

fn read(location: &str) -> Result<Imported, String> {
    let text = text(&["127.0.0.1:1".parse().unwrap()], location);
    import(&text, "/").map_err(|error| error.problems().join("\n"))
}

fn upstream(servers: &[SocketAddr], more: &str) -> Upstream {
    let text = text(servers, &format!("grpc_pass grpc://orders; {more}"));
    Upstream::from_nginx(&text, "/").unwrap()
}

/// What a request leaves with, as `name: value`.
fn sent(imported: &Imported) -> Vec<String> {
    let request = http::Request::post("/shop.Orders/Get")
        .header("host", "client.no")
        .header("te", "trailers")
        .header("x-other", "1");
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    imported.rewrite.apply(&mut parts).unwrap();
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}", value.to_str().unwrap())
    };
    let mut lines: Vec<String> = parts.headers.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn grpc_pass_has_limits_of_its_own() {
    let found = read(
        "grpc_pass orders; proxy_read_timeout 9s; proxy_hide_header x; grpc_read_timeout 5s; \
         grpc_next_upstream error http_503; grpc_next_upstream_tries 2;",
    )
    .unwrap();
    let proxy = &found.proxy;
    assert_eq!(proxy.read_timeout, Duration::from_secs(5));
    assert_eq!(proxy.connect_timeout, Duration::from_secs(60));
    assert_eq!(proxy.next_upstream.to_string(), "error http_503");
    assert_eq!(proxy.next_upstream_tries, 2);
    assert_eq!(proxy.request_buffering, RequestBuffering::Off);
    assert_eq!(proxy.http2.map(|http2| http2.streams), Some(1));
    assert_eq!(found.rewrite.version(), Version::HTTP_2);
    assert_eq!(found.group.name, "orders");
}

#[test]
fn headers_are_nginxs() {
    let plain = read("grpc_pass grpc://orders; proxy_set_header x-other 2;").unwrap();
    assert_eq!(sent(&plain), ["host: orders", "te: trailers", "x-other: 1"]);
    let set = read(
        "grpc_pass orders; grpc_set_header Host $host; grpc_set_header X-Other \"\"; \
         grpc_set_header X-Proxy \"[$proxy_host]\";",
    );
    assert_eq!(
        sent(&set.unwrap()),
        ["host: client.no", "te: trailers", "x-proxy: []"]
    );
    let address = read("grpc_pass 127.0.0.1:50051;").unwrap();
    assert_eq!(sent(&address)[0], "host: 127.0.0.1:50051");
}

#[test]
fn of_two_passes_the_later_one_serves() {
    let found = read("proxy_pass http://orders; grpc_pass orders;").unwrap();
    assert_eq!(found.rewrite.version(), Version::HTTP_2);
    let warnings: Vec<String> = found.warnings.iter().map(|w| w.message.clone()).collect();
    assert_eq!(
        warnings,
        ["\"grpc_pass\" takes the place of this location's \"proxy_pass\""]
    );
    let found = read("grpc_pass orders; proxy_pass http://orders;").unwrap();
    assert_eq!(found.rewrite.version(), Version::HTTP_10);
}

#[test]
fn what_cannot_be_is_said() {
    for (location, message) in [
        (
            "grpc_pass orders; grpc_pass orders;",
            "\"grpc_pass\" directive is duplicate",
        ),
        (
            "grpc_pass grpc://127.0.0.1;",
            "no port in upstream \"127.0.0.1\"",
        ),
        (
            "grpc_pass orders:80;",
            "upstream \"orders\" may not have port 80",
        ),
        (
            "grpc_pass http://orders;",
            "invalid host in upstream \"http://orders\"",
        ),
        (
            "grpc_pass grpc://$host;",
            "variables in \"grpc_pass\" are not supported for a client",
        ),
        (
            "grpc_pass orders; grpc_hide_header x;",
            "\"grpc_hide_header\" is not supported for a client",
        ),
        (
            "grpc_pass orders; grpc_bind 127.0.0.1;",
            "directive \"grpc_bind\" is not supported",
        ),
        (
            "grpc_pass orders; grpc_next_upstream http_501;",
            "invalid value \"http_501\"",
        ),
        (
            "grpc_read_timeout 1s;",
            "this location has no \"proxy_pass\" or \"grpc_pass\"",
        ),
    ] {
        let error = read(location).expect_err(location);
        assert!(error.ends_with(message), "{location}: {error}");
    }
}

#[tokio::test]
async fn calls_of_every_shape_go_through() {
    let a = Orders::start("a");
    let upstream = upstream(&[a.address], "grpc_set_header X-Mine yes;");
    let mut client = Client::new(&upstream);
    assert_eq!(client.get("x").await.unwrap(), "a x");
    let told = a.told.metadata.lock().unwrap().clone();
    assert_eq!(told.get("x-mine").unwrap(), "yes");
    let messages = stream::iter(["1", "2"].map(str::to_owned));
    assert_eq!(client.put(messages.clone()).await.unwrap(), "a 1 2");
    let mut listed = client.list("3 abc").await.unwrap();
    let mut many = 0;
    while listed.message().await.unwrap().is_some() {
        many += 1;
    }
    assert_eq!(many, 3);
    let mut talk = client.talk(messages).await.unwrap();
    assert_eq!(talk.message().await.unwrap().unwrap(), "a 1");
    assert_eq!(talk.message().await.unwrap().unwrap(), "a 2");
    assert_eq!(talk.message().await.unwrap(), None);
    assert_eq!((fails(&upstream), in_flight(&upstream)), (vec![0], 0));
}

/// GR-2: the HTTP status alone counts.
#[tokio::test]
async fn a_grpc_status_says_nothing_of_the_server() {
    let (a, b) = (Orders::start("a"), Orders::start("b"));
    let upstream = upstream(&[a.address, b.address], "");
    a.answers(Status::unavailable("no"));
    let mut client = Client::new(&upstream);
    for _ in 0..2 {
        let status = client.get_again("x").await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(client.get_again("x").await.unwrap(), "b x");
    }
    assert_eq!(fails(&upstream), [0, 0]);
}

/// Under `semantics strict` it is made again, whatever it is, by the same server over a new connection.
#[tokio::test]
async fn strict_makes_a_call_again_that_nobody_took() {
    for act in [Act::Goodbye, Act::Reset(7)] {
        let acts: &'static [Act] = vec![Act::Answer, act].leak();
        let (raw, other) = (Raw::start(acts).await, Raw::start(&[]).await);
        let text = format!(
            "upstream orders {{ server {}; server {}; semantics strict; keepalive 4; }}
             server {{ location / {{ grpc_pass orders; }} }}",
            raw.address, other.address
        );
        let upstream = Upstream::from_nginx(&text, "/").unwrap();
        let mut client = Client::new(&upstream);
        for _ in 0..4 {
            assert_eq!(client.get("x").await.unwrap(), "raw");
        }
        assert_eq!((raw.calls(), raw.accepted(), other.calls()), (3, 2, 2));
        assert_eq!((fails(&upstream), in_flight(&upstream)), (vec![0, 0], 0));
    }
}

/// GR-4: whatever the server meant, it brought no header.
#[tokio::test]
async fn a_goodbye_before_our_call_is_an_invalid_header() {
    for act in [Act::Goodbye, Act::Reset(7)] {
        let acts: &'static [Act] = vec![act].leak();
        let (raw, other) = (Raw::start(acts).await, Raw::start(&[]).await);
        let servers = [raw.address, other.address];
        let upstream = upstream(&servers, "");
        let status = Client::new(&upstream).get("x").await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!((raw.calls(), other.calls()), (1, 0));
        assert_eq!(fails(&upstream), [1, 0]);

        // A call goes on where it is listed, if it may be made twice.
        let (raw, other) = (Raw::start(acts).await, Raw::start(&[]).await);
        let listed = "grpc_next_upstream invalid_header non_idempotent;";
        let upstream = self::upstream(&[raw.address, other.address], listed);
        assert_eq!(Client::new(&upstream).get("x").await.unwrap(), "raw");
        assert_eq!((raw.calls(), other.calls()), (1, 1));
    }
}
