//! A location of an nginx.conf as a client.

use std::net::SocketAddr;
use std::time::Duration;

use tower_upstream::{ErrorKind, NextUpstream, Upstream};

use crate::peer::{Peer, fetch_as, get, peer};

/// Answers with the request it got.
async fn echo() -> Peer {
    peer(|_, mut stream| async move {
        while let Some(request) = stream.request().await {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                request.len()
            );
            stream.write(&(head + &request)).await;
        }
    })
    .await
}

/// The block this crate exists for.
fn block(a: &Peer, b: &Peer) -> String {
    format!(
        r#"upstream order_service {{
    server {} max_fails=3 fail_timeout=30s;
    server {} max_fails=3 fail_timeout=30s;
    keepalive 32;
}}
server {{
    listen 127.0.0.1:8443;
    server_name api.example.no;
    location /orders {{
        proxy_pass http://order_service;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Real-IP $remote_addr;
        proxy_connect_timeout 2s;
        proxy_read_timeout 5s;
        proxy_next_upstream error timeout http_500;
    }}
}}"#,
        a.address, b.address
    )
}

#[tokio::test]
async fn the_acceptance_block_bare_and_inside_http() {
    let (a, b) = (echo().await, echo().await);
    let bare = block(&a, &b);
    for text in [bare.clone(), format!("events {{}}\nhttp {{\n{bare}\n}}")] {
        let orders = Upstream::from_nginx(&text, "/orders").unwrap();
        let proxy = orders.proxy();
        assert_eq!(proxy.connect_timeout, Duration::from_secs(2));
        assert_eq!(proxy.read_timeout, Duration::from_secs(5));
        let listed = NextUpstream::ERROR | NextUpstream::TIMEOUT | NextUpstream::HTTP_500;
        assert_eq!(proxy.next_upstream, listed);
        let group = orders.group().config();
        assert_eq!(group.keepalive.connections, 32);
        assert!(
            group
                .servers
                .iter()
                .all(|s| s.max_fails == 3 && s.fail_timeout.as_secs() == 30)
        );

        let mut request = get("/orders/17?a=b");
        request
            .extensions_mut()
            .insert("10.1.2.3:4".parse::<SocketAddr>().unwrap());
        let seen = fetch_as(&orders, request)
            .await
            .unwrap()
            .1
            .to_ascii_lowercase();
        assert!(
            seen.starts_with("get /orders/17?a=b http/1.1\r\n"),
            "{seen}"
        );
        assert!(seen.contains("host: order_service\r\n"), "{seen}");
        assert!(seen.contains("x-real-ip: 10.1.2.3\r\n"), "{seen}");
        assert!(!seen.contains("connection:"), "{seen}");
        // Without an address there is nothing to say, and an empty header is left out.
        let seen = fetch_as(&orders, get("/orders"))
            .await
            .unwrap()
            .1
            .to_ascii_lowercase();
        assert!(!seen.contains("x-real-ip"), "{seen}");
        assert_eq!(orders.group().idle_connections(), 2);
    }
}

#[tokio::test]
async fn without_proxy_http_version_it_is_1_0_and_nothing_is_kept() {
    let (a, b) = (echo().await, echo().await);
    let text = block(&a, &b)
        .replace("proxy_http_version 1.1;", "")
        .replace("proxy_set_header Connection \"\";", "");
    let orders = Upstream::from_nginx(&text, "/orders").unwrap();
    let seen = fetch_as(&orders, get("/orders"))
        .await
        .unwrap()
        .1
        .to_ascii_lowercase();
    assert!(seen.starts_with("get /orders http/1.0\r\n"), "{seen}");
    assert!(seen.contains("connection: close\r\n"), "{seen}");
    assert_eq!(orders.group().idle_connections(), 0, "KA-11");
}

#[tokio::test]
async fn a_value_that_is_no_header_is_refused_before_any_attempt() {
    let (a, b) = (echo().await, echo().await);
    let text = block(&a, &b).replace("$remote_addr", "$uri");
    let orders = Upstream::from_nginx(&text, "/orders").unwrap();
    let error = fetch_as(&orders, get("/orders/%0a")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::InvalidRequest, 0)
    );
    assert_eq!(
        (error.status().as_u16(), a.accepted(), b.accepted()),
        (400, 0, 0)
    );
}

#[test]
fn all_problems_come_at_once_with_line_and_column() {
    let text = "upstream u {\n  server 127.0.0.1:0 weight=0;\n}\nserver {\n  location / {\n    \
                proxy_pass http://u;\n    proxy_read_timeout 5parsec;\n    rewrite a b;\n  }\n}";
    let error = Upstream::from_nginx(text, "/").unwrap_err();
    let problems = error.problems();
    for place in ["nginx.conf:2:", "nginx.conf:7:", "nginx.conf:8:"] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(place)),
            "{error}"
        );
    }
}
