//! The same calls through the gateway and through nginx.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tower_upstream::Upstream;

use crate::raw::{Act, Raw};
use crate::rig::Server;
use crate::world::{caller, http};

/// Says what it was asked, in HTTP/2.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let served = http2.serve_connection(TokioIo::new(stream), service_fn(say));
            tokio::spawn(served);
        }
    });
    address
}

pub(crate) async fn say(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().map_or(0, http::HeaderMap::len);
    let mut lines: Vec<String> = head
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    // Since 1.31.4 NGINX says as authority what before stood in a header where it was set.
    let host = head.uri.authority().map(|host| format!("host: {host}"));
    lines.extend(host);
    lines.sort();
    let text = format!(
        "{} {}\n{}\n{} bytes, {trailers} trailers",
        head.method,
        head.uri.path_and_query().unwrap(),
        lines.join("\n"),
        body.to_bytes().len()
    );
    let response = Response::builder()
        .header("server", "back")
        .header("x-back", "1")
        .header("x-hidden", "1")
        .header("x-accel-buffering", "no");
    Ok(response.body(Full::new(text.into())).unwrap())
}

/// Status, headers, body, trailers; or that it broke off.
pub(crate) async fn fetch(caller: &Upstream, request: Request<Full<Bytes>>) -> String {
    let reply = match caller.send(request).await {
        Ok(reply) => reply,
        Err(error) => return format!("{:?}", error.kind()),
    };
    let mut lines: Vec<String> = reply
        .headers()
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "server"))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let status = reply.status();
    if status.is_server_error() {
        // A page's length is that of our name.
        lines.retain(|line| !line.starts_with("content-length: 1"));
    }
    lines.sort();
    let body = match reply.into_body().collect().await {
        Err(_) => "broken off".to_owned(),
        Ok(body) => {
            let trailers = body.trailers().cloned().unwrap_or_default();
            let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            let text = text
                .replace("nginx/1.22.1", "NAME")
                .replace("tower-upstream", "NAME");
            format!("{text}\n{trailers:?}")
        }
    };
    format!("{status} {}\n{body}", lines.join("\n"))
}

/// Sends it to both.
async fn both(ours: &Server, nginxs: &Server, request: &Request<Full<Bytes>>) -> (String, String) {
    (
        fetch(&caller(ours), request.clone()).await,
        fetch(&caller(nginxs), request.clone()).await,
    )
}

#[tokio::test]
async fn servers_are_asked_the_same() {
    let back = echo().await;
    let http = format!(
        "{} server {{ listen @FRONT http2; server_name locations;
            location /set {{ grpc_pass orders; grpc_set_header Host $host; grpc_set_header X-A $arg_a;
                grpc_set_header X-Host \"[$proxy_host]\"; grpc_set_header TE \"\";
                grpc_set_header X-Other \"\"; grpc_hide_header X-Hidden; }}
            location /address {{ grpc_pass {back}; grpc_pass_header Server;
                grpc_pass_header X-Accel-Buffering; }}
            location /later {{ proxy_pass http://orders; grpc_pass orders; proxy_set_header X-P 1; }}
        }}",
        http(&[back], "", "grpc_pass grpc://orders;")
    );
    let (ours, nginxs) = (Server::gateway(&http), Server::nginx(&http));
    for (host, path) in [
        ("any", "/a%20b//c?d"),
        ("any", "/shop.Orders/Get"),
        ("locations", "/set?a=7"),
        ("locations", "/address"),
        ("locations", "/later"),
    ] {
        for (method, body) in [("POST", "four"), ("GET", ""), ("PUT", ""), ("HEAD", "")] {
            let request = Request::builder()
                .method(method)
                .uri(format!("http://{host}{path}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("x-other", "1")
                .header("via", "me")
                .header("grpc-timeout", "10S")
                .body(Full::new(Bytes::from_static(body.as_bytes())))
                .unwrap();
            let (ours, nginxs) = both(&ours, &nginxs, &request).await;
            assert!(nginxs.starts_with("200"), "{nginxs}");
            assert_eq!(ours, nginxs, "{method} {host}{path}");
        }
    }
}

/// GR-2, GR-4, GR-5: what became of a call, who was asked, what is said of it.
#[tokio::test]
async fn endings_are_the_same() {
    let acts = [
        (Act::Answer, ""),
        (Act::Reset(2), "upstream rejected request with error 2"),
        (Act::Reset(7), "upstream rejected request with error 7"),
        (Act::Goodbye, "upstream sent goaway with error 0"),
        (Act::Half(2), "upstream rejected request with error 2"),
        (Act::Half(0), ""),
        (Act::Statusless, ""),
    ];
    for more in ["", "grpc_next_upstream invalid_header non_idempotent;"] {
        for (act, words) in acts {
            let mut seen = Vec::new();
            for start in [Server::gateway, Server::nginx] {
                let script: &'static [Act] = vec![act].leak();
                let (first, second) = (Raw::start(script).await, Raw::start(&[]).await);
                let location = format!("grpc_pass orders; {more}");
                let servers = [first.address, second.address];
                let mut server = start(&http(&servers, "keepalive 2;", &location));
                let mut answers = Vec::new();
                for _ in 0..4 {
                    let request = Request::post("http://any/x").header("te", "trailers");
                    let request = request.body(Full::new(Bytes::from_static(b"x"))).unwrap();
                    answers.push(fetch(&caller(&server), request).await);
                }
                server.process.stop();
                let log = server.process.read("access.log");
                let log = log
                    .replace(&first.address.to_string(), "A")
                    .replace(&second.address.to_string(), "B");
                let said = server.process.read("error.log");
                assert!(said.contains(words), "{act:?} {words}:\n{said}");
                let asked = [first.calls(), second.calls()];
                let accepted = [first.accepted(), second.accepted()];
                seen.push((answers, log, asked, accepted));
            }
            assert_eq!(seen[0], seen[1], "{act:?} {more}");
        }
    }
}

#[tokio::test]
async fn refusals_are_pages() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let location = "grpc_pass orders; error_page 404 /x;";
    let http = http(&[gone, gone], "", location);
    let (ours, nginxs) = (Server::gateway(&http), Server::nginx(&http));
    for _ in 0..2 {
        let request = Request::post("http://any/shop.Orders/Get").header("te", "trailers");
        let request = request.header("content-type", "application/grpc");
        let request = request.body(Full::new(Bytes::from_static(b"x"))).unwrap();
        let (ours, nginxs) = both(&ours, &nginxs, &request).await;
        assert!(nginxs.starts_with("502 Bad Gateway"), "{nginxs}");
        assert_eq!(ours, nginxs);
    }
    let said = ours.wait_for("error.log", "no live upstreams");
    let peer = format!("upstream: \"grpc://{gone}\"");
    assert!(said.contains(&peer), "{said}");
    assert!(said.contains("upstream: \"grpc://orders\""), "{said}");
    nginxs.wait_for("error.log", &peer);
    nginxs.wait_for("error.log", "upstream: \"grpc://orders\"");
}

/// Over HTTP/1.1 too, where trailers come behind the last chunk.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_old_are_served() {
    let raw = Raw::start(&[]).await;
    let block = http(&[raw.address], "", "grpc_pass orders;").replace(" http2", "");
    let ask = |server: Server| {
        let text = server.ask(
            "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTE: trailers\r\n\
             Content-Length: 1\r\n\r\nx",
        );
        let lines = text
            .lines()
            .filter(|l| !l.starts_with("Date") && !l.starts_with("Server"));
        let mut lines: Vec<String> = lines.map(str::to_lowercase).collect();
        lines.sort();
        lines
    };
    let (ours, nginxs) = tokio::task::spawn_blocking(move || {
        (ask(Server::gateway(&block)), ask(Server::nginx(&block)))
    })
    .await
    .unwrap();
    assert!(
        nginxs.iter().any(|line| line == "grpc-status: 0"),
        "{nginxs:?}"
    );
    assert_eq!(ours, nginxs);
}
