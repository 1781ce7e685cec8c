//! The same requests over HTTP/2 to the gateway and to nginx.

use std::net::SocketAddr;

use http::{HeaderName, HeaderValue, Request};

use super::client::{Answer, ask};
use crate::rig::{Server, backend, header};

const HTTP: &str = r#"
access_log off;
upstream u { server @BACK; }
server {
    listen @FRONT http2 default_server; server_name x; client_max_body_size 100;
    add_header X-A "b$status"; add_header X-C "$upstream_status" always;
    location / { return 200 "$host|$http_host|$uri|$args|$cookie_y|$http_cookie|$request|$server_protocol|$http2|$scheme\n"; }
    location /s { proxy_pass http://u; proxy_set_header X "$host $http_host $server_protocol"; }
    location /p/ { proxy_pass http://u/q/; }
    location /e { proxy_pass http://127.0.0.1:1; error_page 502 =503 @n; }
    location @n { proxy_pass http://u; }
    location /dead { proxy_pass http://127.0.0.1:1; }
    location /teapot { proxy_pass http://u; proxy_intercept_errors on; error_page 418 = /hh; }
    location /hh { return 200 hh; }
    location /moved { proxy_pass http://u/; }
    location /unsized { proxy_pass http://u; }
    location /te { proxy_pass http://u; }
    location /none { proxy_pass http://u; }
    location /cut { proxy_pass http://u; }
    location /c204 { return 204; }
    location /c304 { return 304; }
    location /c303 { return 303 /yy; }
    location /c404 { return 404; }
    location /c444 { return 444; }
    location /empty { return 200; }
}
server { listen @FRONT http2; server_name other.no; return 200 "other $host"; }
"#;

/// Shows what it was sent; some paths are answered in a way of their own.
fn back() -> SocketAddr {
    backend(|mut wire| {
        let Some(head) = wire.try_head() else { return };
        let length = header(&head, "content-length").map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut wire.0, &mut body).unwrap();
        let path = head.split(' ').nth(1).unwrap_or("");
        match path {
            "/unsized" => return wire.send("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
            "/te" => {
                return wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTE: gzip\r\n\r\nok");
            }
            "/none" => {
                return wire
                    .send("HTTP/1.1 204 No\r\nContent-Length: 0\r\nContent-Type: a/b\r\n\r\n");
            }
            "/cut" => return wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"),
            _ => {}
        }
        let status = match path {
            "/teapot" => "418 I am",
            path if path.contains("moved") => "302 Moved",
            _ => "200 Fine with me",
        };
        let mut lines: Vec<&str> = head.trim_end().lines().collect();
        lines[1..].sort_by_key(|line| line.to_ascii_lowercase());
        let seen = format!("{}\n{}\n", lines.join("\n"), String::from_utf8_lossy(&body));
        wire.send(format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLocation: http://u/abc\r\n\
             Keep-Alive: timeout=3\r\nVia: x\r\n\r\n",
            seen.len()
        ));
        if !head.starts_with("HEAD") {
            wire.send(seen);
        }
    })
}

/// What may differ taken out: names, addresses, and the case in which peers see headers.
fn normal(mut answer: Answer, server: &Server) -> Answer {
    let port = format!(":{}", server.front.port());
    let same = |text: &str| {
        text.replace("nginx/1.22.1", "SERVER")
            .replace("tower-upstream", "SERVER")
            .replace(&port, ":PORT")
    };
    answer.body = same(&answer.body).to_lowercase();
    let page = answer.headers.iter().any(|line| line.contains("text/html"));
    answer.headers = answer
        .headers
        .iter()
        .filter(|line| {
            let ours_to_differ = line.starts_with("date: ");
            !(ours_to_differ || page && line.starts_with("content-length"))
        })
        .map(|line| same(line))
        .collect();
    answer
}

struct Asked {
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static [u8],
}

const fn get(target: &'static str) -> Asked {
    with("GET", target, &[], b"")
}

const fn with(
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static [u8],
) -> Asked {
    Asked {
        method,
        target,
        headers,
        body,
    }
}

impl Asked {
    fn request(&self) -> Request<()> {
        let host = if self.target.starts_with("//") {
            ""
        } else {
            "//x"
        };
        let mut request = Request::new(());
        *request.method_mut() = self.method.parse().expect("a method");
        *request.uri_mut() = format!("http:{host}{}", self.target)
            .parse()
            .expect("a target");
        for (name, value) in self.headers {
            let name = HeaderName::from_static(name);
            request
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        request
    }
}

const ASKED: &[Asked] = &[
    get("/a%20b?x=1&y"),
    get("/s/a%20b/../c?x"),
    get("/p/x?y"),
    get("/e/x"),
    get("/dead"),
    get("/teapot"),
    get("/moved"),
    get("/unsized"),
    get("/none"),
    get("/c204"),
    get("/c304"),
    get("/c303"),
    get("/c404"),
    get("/empty"),
    get("/.."),
    get("/%00"),
    get("//other.no/"),
    get("//Other.NO:80/"),
    get("//x:90/s"),
    with("HEAD", "/s", &[], b""),
    with("HEAD", "/c404", &[], b""),
    with("HEAD", "/", &[], b""),
    with("TRACE", "/", &[], b""),
    with("OPTIONS", "/s", &[], b""),
    with("POST", "/s", &[], b"abc"),
    with("POST", "/s", &[("content-length", "3")], b"abc"),
    with("POST", "/s", &[("content-length", "0")], b""),
    with(
        "POST",
        "/s",
        &[("content-length", "3"), ("content-length", "3")],
        b"abc",
    ),
    with("GET", "/s", &[("host", "x")], b""),
    with("GET", "/s", &[("host", "other.no")], b""),
    with("POST", "/e", &[], b"abc"),
    with("POST", "/s", &[], &[b'a'; 101]),
    with("POST", "/s", &[("content-length", "101")], &[b'a'; 101]),
    with("POST", "/c404", &[("content-length", "3")], b"abc"),
    with(
        "GET",
        "/",
        &[("cookie", "y=1"), ("cookie", "z=2"), ("cookie", "a=b; c=d")],
        b"",
    ),
    with("GET", "/s", &[("cookie", "y=1"), ("cookie", "z=2")], b""),
    with(
        "GET",
        "/s",
        &[
            ("te", "trailers"),
            ("expect", "x"),
            ("via", "me"),
            ("a_b", "c"),
        ],
        b"",
    ),
    with(
        "GET",
        "/s",
        &[("x", "mine"), ("accept", "a"), ("accept", "b")],
        b"",
    ),
];

#[test]
fn answers_are_those_of_nginx() {
    let http = HTTP.replace("@BACK", &back().to_string());
    let ours = Server::gateway(&http);
    let nginxs = Server::nginx(&http);
    let mut different = Vec::new();
    for asked in ASKED {
        let (method, target) = (asked.method, asked.target);
        let one = |server: &Server| normal(ask(server.front, asked.request(), asked.body), server);
        let (ours, nginxs) = (one(&ours), one(&nginxs));
        if ours != nginxs {
            different.push(format!(
                "{method} {target} {:?}\n--- nginx {nginxs:#?}\n--- gateway {ours:#?}",
                asked.headers
            ));
        }
    }
    let (count, all) = (different.len(), ASKED.len());
    assert!(
        different.is_empty(),
        "{count} of {all} differ:\n{}",
        different.join("\n")
    );
}

#[test]
fn streams_end_badly_as_they_do_in_nginx() {
    let http = HTTP.replace("@BACK", &back().to_string());
    let servers = (Server::gateway(&http), Server::nginx(&http));
    for target in ["/cut", "/c444"] {
        let one = |server: &Server| normal(ask(server.front, get(target).request(), b""), server);
        let (ours, nginxs) = (one(&servers.0), one(&servers.1));
        assert!(ours.broken.is_some(), "{ours:?}");
        assert_eq!(
            ours,
            nginxs,
            "{target} {}",
            servers.0.process.read("error.log")
        );
    }
}

/// RFC 9113 forbids what nginx passes on.
#[test]
fn a_te_that_makes_no_sense_in_an_answer_is_left_out() {
    let server = Server::gateway(&HTTP.replace("@BACK", &back().to_string()));
    let answer = ask(server.front, get("/te").request(), b"");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
}
