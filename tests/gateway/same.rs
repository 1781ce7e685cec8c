//! The same requests to the gateway and to nginx: locations, servers, pages, errors, heads.

use std::thread;

use super::rig::{Server, backend, header};

const HTTP: &str = r#"
access_log off; client_header_timeout 1s; client_body_timeout 1s;
upstream u { server @BACK; }
server {
    listen @FRONT default_server; server_name x; keepalive_timeout 2s 5s;
    client_max_body_size 100; error_page 403 /403;
    add_header X-A "b$status"; add_header X-C "$upstream_status" always;
    location / { return 200 "$host|$uri|$request_uri|$args|$server_name|$arg_x|$cookie_y|$http_user_agent|$request\n"; }
    location /p/ { proxy_pass http://u/q/; }
    location /s { proxy_pass http://u; proxy_set_header X "a$arg_x"; }
    location /new { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_set_header Host $host; }
    location /e { proxy_pass http://127.0.0.1:1; error_page 502 =503 @n; }
    location @n { proxy_pass http://u; }
    location /i { proxy_pass http://127.0.0.1:1; error_page 502 /in%20t; }
    location /in { proxy_pass http://u; }
    location /dead { proxy_pass http://127.0.0.1:1; }
    location /f { error_page 404 = /ff; return 404; }
    location /ff { return 200 "ff $status"; }
    location /g { error_page 404 /gg; return 404; }
    location /gg { error_page 404 /hh; return 404; }
    location /hh { return 200 hh; }
    location /h { error_page 404 /403; return 404; }
    location /lost { error_page 404 @nowhere; return 404; }
    location /away { error_page 404 =301 http://z/; return 404; }
    location /away2 { error_page 404 http://z/; return 404; }
    location /403 { return 403; }
    location /teapot { proxy_pass http://u; proxy_intercept_errors on; error_page 418 = /hh; }
    location /moved { proxy_pass http://u/; }
    location /moved2 { proxy_pass http://u/; proxy_redirect http://u/ /there/; }
    location /moved3 { proxy_pass http://u/moved; proxy_redirect ~^http://u(/.)(.*)$ http://v$1-$2; }
    location /moved4 { proxy_pass http://u/moved; proxy_redirect off; }
    location /moved5 { proxy_pass http://u; proxy_intercept_errors on; error_page 302 = @told; }
    location @told { return 200 "$upstream_http_location $upstream_http_via"; }
    location /moved6 { proxy_pass http://u; proxy_intercept_errors on; error_page 302 /teapot6; }
    location /teapot6 { proxy_pass http://u; proxy_intercept_errors on; error_page 418 /hh; }
    location /moved7 { proxy_pass http://u; proxy_redirect http://$http_via/ http://v/; }
    location /secret { proxy_pass http://u; proxy_intercept_errors on; error_page 401 /hh; }
    location /twice { proxy_pass http://u; proxy_set_header X 1; proxy_set_header X 2; }
    location /like { return 200 "xHTTP/1.1 400 Bad\r\n\r\n"; }
    location /hide { proxy_pass http://u; proxy_hide_header X-Back; }
    location /show { proxy_pass http://u; proxy_pass_header X-Accel-Expires; }
    location /method { proxy_pass http://u; proxy_method PUT; proxy_set_body "b $arg_x"; }
    location /bare { proxy_pass http://u; proxy_pass_request_headers off; proxy_pass_request_body off; }
    location /evaluated { proxy_pass http://u$request_uri; }
    location /empty { add_header X-E ""; return 200; }
    location /c444 { return 444; }
    location /c201 { return 201 "x"; }
    location /c204 { return 204; }
    location /c303 { return 303 /yy?$args; }
    location /cbare { return http://q/; }
    location /c304 { return 304; }
    location /c503 { return 503; }
    location /c500 { return 500; }
    location /c402 { return 402; }
    location /c404 { error_page 404 =202 /hh; return 404 ""; }
    location /c418 { return 418; }
    location /c429 { return 429; }
    location ~ \.php$ { return 200 "php $uri"; }
    location ~* ^/(img|CSS)/(.*)$ { return 200 "img $uri $1 $2"; }
    location ^~ /static { return 200 static; }
    location = /exact { return 200 exact; }
    location /json { default_type application/json; return 200 "{}"; location /json/page { return 404; }
        location /json/text { return 404 x; } location /json/none { default_type ""; return 200 x; }
        location /json/304 { return 304; } location /json/201 { return 201 ""; } }
    location /in1 { internal; return 200 never; }
    location /in2 { error_page 404 /in3; return 404; } location /in3 { internal; return 200 inside; }
    location /in4 { error_page 404 @in5; return 404; }
    location @in5 { internal; default_type a/b; return 200 named; }
    location /grpc { proxy_pass http://127.0.0.1:1; error_page 502 = /error502grpc; }
    location = /error502grpc { internal; default_type application/grpc; add_header grpc-status 14;
        add_header grpc-message "unavailable"; return 204; }
    location /nest { return 200 nest; location /nest/in { return 200 in; } location ~ \.x$ { return 200 nx; } }
}
server { listen @FRONT; server_name *.wild.no wild.*; return 200 "wild $host $server_name"; }
server { listen @FRONT; server_name .dot.no; return 200 "dot $host $server_name"; }
server { listen @FRONT; server_name ~^r(\d+)\.no$; return 200 "regex $host $1"; }
server { listen @FRONT; server_name plain.no; keepalive_timeout 0; real_ip_header X-R;
    location / { proxy_pass http://u; proxy_set_header X $remote_addr; set_real_ip_from 127.0.0.1; } }
server { listen @FRONT; server_name closed.no; return 404; error_page 404 =200 /ok; location = /ok { return 200 ok; } }
"#;

/// Shows the head and the body it was sent, and answers some paths in its own way.
fn back() -> std::net::SocketAddr {
    backend(|mut wire| {
        let Some(head) = wire.try_head() else { return };
        let length = header(&head, "content-length").map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut wire.0, &mut body).unwrap();
        let mut lines: Vec<&str> = head.trim_end().lines().collect();
        lines[1..].sort_by_key(|line| line.to_ascii_lowercase());
        let seen = format!("{}\n{}\n", lines.join("\n"), String::from_utf8_lossy(&body));
        let status = match head.split(' ').nth(1).unwrap_or("") {
            path if path.starts_with("/teapot") => "418 I am",
            path if path.starts_with("/secret") => "401 No",
            path if path.contains("moved") => "302 Moved",
            _ => "200 Fine with me",
        };
        // Bytes as characters, back to bytes.
        let seen: Vec<u8> = seen.chars().map(|char| char as u8).collect();
        let mut response = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLocation: http://u/abc\r\nX-Back: 1\r\n\
             Server: back\r\nX-Accel-Expires: 1\r\nX-Pad: 1\r\n\
             WWW-Authenticate: Basic realm=x\r\nDate: never\r\nVia: x\r\n\r\n",
            seen.len()
        )
        .into_bytes();
        if !head.starts_with("HEAD") {
            response.extend(seen);
        }
        wire.send(response);
    })
}

struct Pair {
    ours: Server,
    nginxs: Server,
}

fn pair() -> Pair {
    let http = HTTP.replace("@BACK", &back().to_string());
    Pair {
        ours: Server::gateway(&http),
        nginxs: Server::nginx(&http),
    }
}

impl Pair {
    /// Sends requests to both, and says which were answered differently.
    fn compare(&self, requests: &[String]) {
        let ask = |server: &Server, request: &str| {
            // One character, one byte.
            let bytes: Vec<u8> = request.chars().map(|char| char as u8).collect();
            normal(&server.ask(bytes), server)
        };
        let different: Vec<String> = requests
            .iter()
            .filter_map(|request| {
                let (ours, nginxs) = thread::scope(|scope| {
                    let other = scope.spawn(|| ask(&self.nginxs, request));
                    (ask(&self.ours, request), other.join().expect("an answer"))
                });
                (ours != nginxs).then(|| {
                    let shown: String = request.chars().take(200).collect();
                    format!("{shown:?}\n--- nginx\n{nginxs}\n--- gateway\n{ours}\n")
                })
            })
            .collect();
        let count = requests.len();
        assert!(
            different.is_empty(),
            "{} of {count} differ:\n{}",
            different.len(),
            different.join("\n")
        );
    }
}

/// What may differ taken out: names, times, addresses, the order of header lines.
fn normal(text: &str, server: &Server) -> String {
    let text = text
        .replace("nginx/1.22.1", "SERVER")
        .replace("tower-upstream", "SERVER")
        .replace(&format!(":{}", server.front.port()), ":PORT");
    let mut out = String::new();
    for part in text.split("HTTP/1.1 ") {
        let (head, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
        let page = head.contains("text/html");
        let mut lines: Vec<&str> = head
            .split("\r\n")
            .filter(|line| {
                !(line.starts_with("Date: ") || page && line.starts_with("Content-Length"))
            })
            .collect();
        if let Some(headers) = lines.get_mut(1..) {
            headers.sort_unstable();
        }
        out.push_str(&lines.join("\n"));
        out.push_str("\n\n");
        out.push_str(body);
    }
    out
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: A.b:90\r\nConnection: close\r\n\r\n")
}

#[test]
fn targets_lead_to_the_same_places_and_peers() {
    let targets = "/a%20b?x=1 /p/a%20b%3fc?x /p/a\u{c3}\u{a9}|b /p/\u{c3}\u{a9}%20|{b /s/a%20b/../c?x /f /g /h \
        /lost /away /away2 /403 /teapot /moved /moved2 /moved3 /moved4 /hide /show /method?x=1 /bare \
        /evaluated/%20?a /empty /c444 /c201 /c204 /c303?a=b /cbare /c304 /c503 /c500 /c402 /c404 /c418 /c429 \
        /p /p?z //s//x /p//x/./y /x.php /static/x.php /exact /exact/ /IMG/x /css/y /nest/in \
        /nest/in/a.x /nest/q /.. /%2e%2e /%00 /%zz /%2 /a/%2e%2e/b /dead /new?x /s?x=1 /s? /p/? /p/x? \
        /json /json/page /json/text /json/none /json/304 /json/201 /in1 /in2 /in3 /in4 /grpc \
        /error502grpc /e/x%20?a /i/x /moved5 /moved6 /secret /twice /like /a%F4%8F%B8%8Ab?%F4 /p?";
    let requests: Vec<String> = targets.split_whitespace().map(get).collect();
    pair().compare(&requests);
}

#[test]
fn hosts_lead_to_the_same_servers() {
    let hosts = [
        "foo.wild.no",
        "wild.no",
        "wild.com",
        "dot.no",
        "A.DOT.no",
        "r12.no",
        "r.no",
        "closed.no",
        "wild.no.",
        "x:80",
        "[::1]:80",
        "a b",
        "a/b",
        "",
        "..",
        "a..b",
        ".",
        ":80",
    ];
    let requests: Vec<String> = hosts
        .iter()
        .map(|host| format!("GET /s HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
        .collect();
    pair().compare(&requests);
}

/// A request with `Host: a` and `Connection: close`, `\n` for line ends.
fn text(request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\nHost: a\r\nConnection: close\r\n\r\n{body}")
}

#[test]
fn methods_versions_and_bodies_are_taken_alike() {
    let requests = [
        "POST /e HTTP/1.1\nContent-Length: 3\n\nabc",
        "POST /i HTTP/1.1\nContent-Length: 3\n\nabc",
        "POST /s HTTP/1.1\nContent-Length: 3\n\nabc",
        "POST /s HTTP/1.1\nContent-Length: 0",
        "POST /s HTTP/1.1\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n0\r\n\r\n",
        "POST /method HTTP/1.1\nContent-Length: 3\n\nabc",
        "POST /s HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n0\r\n\r\n",
        "POST /s HTTP/1.0\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
        "POST /s HTTP/1.1\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
        "POST /s HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 5\n\n0\r\n\r\n",
        "POST /s HTTP/1.1\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
        "GET http://user@a/ HTTP/1.1",
        "POST /s HTTP/1.1\nContent-Length: 3\nContent-Length: 3\n\nabc",
        "POST /s HTTP/1.1\nContent-Length: x",
        "POST /s HTTP/1.1\nContent-Length: -1",
        "POST /s HTTP/1.1\nTransfer-Encoding: chunked\n\nzz\r\nabc\r\n0\r\n\r\n",
        "GET http://HH:9/x?y HTTP/1.1",
        "GET http://HH:9/s/x?y HTTP/1.1",
        "GET /x?y HTTP/1.1\nHost: b",
        "OPTIONS * HTTP/1.1",
        "FOO_BAR-X /s HTTP/1.1",
        "F00 /s HTTP/1.1",
        "get / HTTP/1.1",
        "GET / HTTP/2.0",
        "TRACE / HTTP/1.1",
        "CONNECT a:80 HTTP/1.1",
        "HEAD /s HTTP/1.1",
        "HEAD /c503 HTTP/1.1",
        "HEAD /s HTTP/1.0",
        "GET /s HTTP/1.0",
        "GET / HTTP/1.1\nA b: c",
        "GET / HTTP/1.1\n: x",
        "GET / HTTP/1.1\nUser-Agent: \u{e9}",
        "GET / HTTP/1.1\nuser_agent: x\nCookie: y=1; z=2",
        "GET / HTTP/1.1\nCookie: x=1,y=a",
        "GET / HTTP/1.1\nCookie: Y = a ;",
        "GET / HTTP/1.1\nCookie: y; y=2",
        "GET / HTTP/1.1\nCookie: x=y=1; y=; y=2",
        "GET / HTTP/1.1\nCookie: y\nCookie: y=\u{e9}\nCookie: y=3",
        "GET /s HTTP/1.1\nTE: trailers\nKeep-Alive: 3\nUpgrade: x\nExpect: nothing\nVia: me\nX-Y: z",
        "GET /moved7 HTTP/1.1\nVia: u",
        "GET /s HTTP/1.1\nX-Forwarded-For: a\nX-Forwarded-For: b\nX: mine\nProxy-Connection: x",
    ];
    let requests: Vec<String> = requests.into_iter().map(text).collect();
    pair().compare(&requests);
}

#[test]
fn connections_end_and_clients_are_known_alike() {
    let requests = [
        "GET / HTTP/1.0\r\nHost: plain.no\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: plain.no\r\nX-R: 9.9.9.9\r\nX-R: 8.8.8.8\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: plain.no\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    ];
    pair().compare(&requests.map(str::to_owned));
}

#[test]
fn heads_that_are_none_are_refused_alike() {
    let long = "a".repeat(9000);
    let huge = "a".repeat(90_000);
    let many: String = (0..45)
        .map(|n| format!("X{n}: {}\r\n", "a".repeat(900)))
        .collect();
    let requests = [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        "GET /c303 HTTP/1.0\r\n\r\n".to_owned(),
        "garbage\r\n\r\n".to_owned(),
        "GET /exact HTTP/1.1\nHost: a\nConnection: close\n\n".to_owned(),
        "\r\n\r\nGET /exact HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\n\r\n"),
        format!("GET /{huge} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {huge}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
        "GET /exact HTTP/1.1\r\nHost: a\r\n\r\nbad\r\n\r\n".to_owned(),
        "POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n".to_owned(),
        "POST /f HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n".to_owned(),
    ];
    pair().compare(&requests);
}
