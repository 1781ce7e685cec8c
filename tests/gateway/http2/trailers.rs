//! What comes behind a body.

use http::Request;

use super::client::ask;
use crate::rig::{Server, answering};

const LOCATIONS: &str = r#"
    add_trailer X-A "$status"; add_trailer X-Empty "$arg_none";
    location /text { return 200 hello; }
    location /none { return 204; }
    location /e404 { return 404; }
    location /always { add_trailer X-B "1" always; add_trailer x-c "$arg_c" always; return 404; }
"#;

fn trailers(text: &str) -> String {
    let (head, rest) = text.split_once("\r\n\r\n").expect("a head");
    let framing = |name: &str| crate::rig::header(head, name).unwrap_or("-").to_owned();
    let (coding, length) = (framing("transfer-encoding"), framing("content-length"));
    // The pages differ in our names.
    let tail = rest.rsplit_once("\r\n0\r\n").map_or("", |(_, tail)| tail);
    let length = if head.contains("text/html") {
        "-"
    } else {
        &length
    };
    format!("{coding} {length} {tail:?}")
}

#[test]
fn trailers_of_our_own_are_added_as_nginx_adds_them() {
    let http = |parameters| {
        format!("access_log off; server {{ listen @FRONT {parameters}; {LOCATIONS} }}")
    };
    let (ours, nginxs) = (Server::gateway(&http("")), Server::nginx(&http("")));
    for target in ["/text", "/none", "/e404", "/always?c=2", "/always"] {
        for version in ["1.0", "1.1"] {
            for method in ["GET", "HEAD"] {
                let request = format!(
                    "{method} {target} HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n"
                );
                let (ours, nginxs) = (ours.ask(&request), nginxs.ask(&request));
                assert_eq!(trailers(&ours), trailers(&nginxs), "{request}");
            }
        }
    }
    let request = "GET /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(ours.ask(request).ends_with("\r\n0\r\nX-A: 200\r\n\r\n"));
    let (ours, nginxs) = (
        Server::gateway(&http("http2")),
        Server::nginx(&http("http2")),
    );
    for target in ["/text", "/none", "/e404", "/always?c=2", "/always"] {
        let one = |server: &Server| {
            let uri = format!("http://a{target}");
            let request = Request::get(uri).body(()).expect("a request");
            let answer = ask(server.front, request, b"");
            (answer.status, answer.trailers)
        };
        assert_eq!(one(&ours), one(&nginxs), "{target}");
    }
}

/// NGINX can since 1.27.2, so there is nobody to compare with.
#[test]
fn trailers_of_peers_are_passed_where_that_is_asked_for() {
    let back = answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
         3\r\nabc\r\n0\r\nx-sum: 7\r\nx-hidden: 1\r\nte: gzip\r\nUpgrade: x\r\n\r\n",
    );
    let server = Server::gateway(&format!(
        "access_log off; server {{ listen @FRONT; http2 on;
             proxy_http_version 1.1; proxy_hide_header x-hidden;
             location /pass {{ proxy_pass http://{back}; proxy_pass_trailers on; add_trailer X-Own 1; }}
             location /drop {{ proxy_pass http://{back}; }} }}"
    ));
    let get = |target| format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let passed = server.ask(get("/pass"));
    assert!(
        passed.ends_with("abc\r\n0\r\nX-Sum: 7\r\nTe: gzip\r\nUpgrade: x\r\nX-Own: 1\r\n\r\n"),
        "{passed}"
    );
    assert!(server.ask(get("/drop")).ends_with("abc\r\n0\r\n\r\n"));
    let get = |target| {
        let uri = format!("http://a{target}");
        let request = Request::get(uri).body(()).expect("a request");
        ask(server.front, request, b"")
    };
    let passed = get("/pass");
    assert_eq!((passed.body.as_str(), passed.broken), ("abc", None));
    // In HTTP/2 nothing of HTTP/1's connections, which ends a stream.
    assert_eq!(passed.trailers, ["x-own: 1", "x-sum: 7"]);
    let dropped = get("/drop");
    assert_eq!((dropped.body.as_str(), dropped.trailers.len()), ("abc", 0));
}
