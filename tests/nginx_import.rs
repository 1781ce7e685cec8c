//! What a location of an nginx.conf means to a client service.

use std::net::SocketAddr;
use std::time::Duration;

use http::Version;
use tower_upstream::nginx::{Imported, import, import_file};
use tower_upstream::{RequestBuffering, Server};

const BLOCK: &str = r#"
upstream order_service {
    server 127.0.0.1:18080 max_fails=3 fail_timeout=30s;
    server 127.0.0.1:18081 max_fails=3 fail_timeout=30s;
    keepalive 32;
}
server {
    listen 127.0.0.1:8443;
    server_name api.example.no;
    location /orders {
        proxy_pass http://order_service;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Real-IP $remote_addr;
        proxy_connect_timeout 2s;
        proxy_read_timeout 5s;
        proxy_next_upstream error timeout http_500;
    }
}
"#;

fn in_http() -> String {
    format!("worker_processes 1;\nevents {{ worker_connections 512; }}\nhttp {{ {BLOCK} }}\n")
}

fn errors(text: &str, location: &str) -> Vec<String> {
    match import(text, location) {
        Ok(imported) => panic!("accepted: {imported:?}"),
        Err(error) => error.problems().to_vec(),
    }
}

/// The headers a request leaves with, as `name: value`.
fn sent(imported: &Imported, request: http::request::Builder) -> Vec<String> {
    let (mut parts, ()) = request.body(()).expect("a request").into_parts();
    imported.rewrite.apply(&mut parts).expect("valid headers");
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}", value.to_str().expect("ASCII"))
    };
    let mut lines: Vec<String> = parts.headers.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn the_block_bare_and_inside_http() {
    for text in [BLOCK.to_owned(), in_http()] {
        for location in ["/orders", "/orders/17", "api.example.no/orders"] {
            let imported = import(&text, location).expect("valid");
            let server = |address: &str| {
                let server = Server::new(address).max_fails(3);
                server.fail_timeout(Duration::from_secs(30))
            };
            let group = &imported.group;
            assert_eq!(group.name, "order_service");
            assert_eq!(
                group.servers,
                [server("127.0.0.1:18080"), server("127.0.0.1:18081")]
            );
            assert_eq!(group.keepalive.connections, 32);
            assert!(!group.zone);
            let proxy = &imported.proxy;
            assert_eq!(proxy.connect_timeout, Duration::from_secs(2));
            assert_eq!(proxy.send_timeout, Duration::from_secs(60));
            assert_eq!(proxy.read_timeout, Duration::from_secs(5));
            assert_eq!(proxy.next_upstream.to_string(), "error timeout http_500");
            assert_eq!(
                proxy.request_buffering,
                RequestBuffering::On { max: 1 << 20 }
            );
            assert_eq!(imported.rewrite.version(), Version::HTTP_11);
            assert!(imported.warnings.is_empty());
        }
    }
}

#[test]
fn headers_of_the_block() {
    let imported = import(BLOCK, "/orders").expect("valid");
    let request = || {
        let request = http::Request::builder().uri("http://api.example.no/orders");
        request
            .header("Host", "api.example.no")
            .header("Connection", "close")
    };
    assert_eq!(sent(&imported, request()), ["host: order_service"]);
    let remote: SocketAddr = "10.1.2.3:4711".parse().expect("an address");
    let known = sent(&imported, request().extension(remote));
    assert_eq!(known, ["host: order_service", "x-real-ip: 10.1.2.3"]);
}

#[test]
fn nginx_defaults_hold_where_nothing_is_said() {
    let text = "server { location / { proxy_pass http://127.0.0.1:8080; } }";
    let imported = import(text, "/").expect("valid");
    assert_eq!(imported.group.servers, [Server::new("127.0.0.1:8080")]);
    assert_eq!(imported.group.keepalive.connections, 0);
    assert_eq!(imported.rewrite.version(), Version::HTTP_10);
    let headers = sent(&imported, http::Request::builder().uri("/"));
    assert_eq!(headers, ["connection: close", "host: 127.0.0.1:8080"]);
}

#[test]
fn inner_levels_replace_outer_ones() {
    let text = "
        proxy_read_timeout 1s;
        proxy_connect_timeout 1s;
        proxy_set_header X-Outer 1;
        server {
            proxy_read_timeout 2s;
            location /a { proxy_read_timeout 3s; proxy_pass http://127.0.0.1; }
            location /b { proxy_set_header X-Inner 1; proxy_pass http://127.0.0.1; }
            location /c {
                proxy_read_timeout 4s;
                proxy_pass http://127.0.0.1;
                location /c/d { proxy_pass http://127.0.0.2; }
            }
        }";
    for (location, read, header, server) in [
        ("/a", 3, "x-outer: 1", "127.0.0.1"),
        ("/b", 2, "x-inner: 1", "127.0.0.1"),
        ("/c", 4, "x-outer: 1", "127.0.0.1"),
        ("/c/d/e", 4, "x-outer: 1", "127.0.0.2"),
    ] {
        let imported = import(text, location).expect("valid");
        assert_eq!(
            imported.proxy.read_timeout,
            Duration::from_secs(read),
            "{location}"
        );
        assert_eq!(imported.proxy.connect_timeout, Duration::from_secs(1));
        assert_eq!(imported.group.servers, [Server::new(server)], "{location}");
        let headers = sent(&imported, http::Request::builder().uri("/"));
        assert!(
            headers.contains(&header.to_owned()),
            "{location}: {headers:?}"
        );
    }
}

#[test]
fn the_location_is_the_one_nginx_takes() {
    let text = "server {
        location / { proxy_pass http://root; }
        location /a { proxy_pass http://a; }
        location /abc { proxy_pass http://abc; }
        location = /abc { proxy_pass http://exact; }
        location @n { proxy_pass http://named; }
        location ^~ /only { proxy_pass http://only; }
    }";
    for (path, name) in [
        ("/", "root"),
        ("/x", "root"),
        ("/ab", "a"),
        ("/abcd", "abc"),
        ("/abc", "exact"),
        ("@n", "named"),
    ] {
        assert_eq!(import(text, path).expect(path).group.name, name, "{path}");
    }
    let regex = text.replace("location @n {", "location ~ \\.php$ {");
    assert_eq!(import(&regex, "/abc").expect("exact").group.name, "exact");
    assert_eq!(import(&regex, "/only/x").expect("^~").group.name, "only");
    assert_eq!(
        errors(&regex, "/x"),
        ["nginx.conf:6:18: a regular expression may take \"/x\": not supported for a client"]
    );
}

#[test]
fn a_uri_in_proxy_pass_takes_the_place_of_the_location() {
    let text = "server { location /api/ { proxy_pass http://127.0.0.1/v1/; } }";
    let imported = import(text, "/api/").expect("valid");
    for (uri, expected) in [
        ("http://a/api/x?y=1", "/v1/x?y=1"),
        ("/api/", "/v1/"),
        ("/elsewhere", "/elsewhere"),
    ] {
        let request = http::Request::builder()
            .uri(uri)
            .body(())
            .expect("a request");
        let (mut parts, ()) = request.into_parts();
        imported.rewrite.apply(&mut parts).expect("valid headers");
        let path = parts.uri.path_and_query().map(|p| p.as_str());
        assert_eq!(path, Some(expected), "{uri}");
    }
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let text = "\
upstream u {
    server 127.0.0.1 weight=0;
    server 127.0.0.1:0 slow_start=5s;
    queue 5;
    least_conn x;
}
server {
    location / {
        proxy_pass http://u;
        proxy_read_timeout 5x;
        add_header X 1;
        rewrite a b;
        proxy_set_header X $ssl_cipher;
        listen 80;
    }
}
";
    assert_eq!(
        errors(text, "/"),
        [
            "nginx.conf:2:22: invalid parameter \"weight=0\"",
            "nginx.conf:3:24: invalid parameter \"slow_start=5s\"",
            "nginx.conf:4:5: unknown directive \"queue\"",
            "nginx.conf:5:5: invalid number of arguments in \"least_conn\" directive",
            "nginx.conf:10:28: \"proxy_read_timeout\" directive invalid value",
            "nginx.conf:11:9: \"add_header\" is not supported for a client",
            "nginx.conf:12:9: directive \"rewrite\" is not supported",
            "nginx.conf:13:28: unknown \"ssl_cipher\" variable",
            "nginx.conf:14:9: \"listen\" directive is not allowed here",
        ]
    );
}

#[test]
fn single_problems() {
    let up = |inside: &str| {
        format!("upstream u {{ {inside} }}\nserver {{ location / {{ proxy_pass http://u; }} }}")
    };
    let server = |inside: &str| format!("server {{ location / {{ {inside} }} }}");
    let pass = |more: &str| server(&format!("proxy_pass http://a; {more}"));
    // The problem is where the | stands.
    for (text, message) in [
        (
            "upstream u { |} server { location / { proxy_pass http://u; } }".into(),
            "no servers are inside upstream",
        ),
        (
            format!("|{}", up("server 127.0.0.1 backup;")),
            "no servers in upstream \"u\"",
        ),
        (
            up("server 127.0.0.1; keepalive |0;"),
            "invalid value \"0\" in \"keepalive\" directive",
        ),
        (
            up("server 127.0.0.1; zone z |1k;"),
            "zone \"z\" is too small",
        ),
        (
            up("server 127.0.0.1; zone |z;"),
            "zero size shared memory zone \"z\"",
        ),
        (
            up("server 127.0.0.1 |fail_timeout=500ms;"),
            "invalid parameter \"fail_timeout=500ms\"",
        ),
        (
            up("server 127.0.0.1 |max_fails=-1;"),
            "invalid parameter \"max_fails=-1\"",
        ),
        (
            up("server 127.0.0.1 |max_conns=-1;"),
            "invalid parameter \"max_conns=-1\"",
        ),
        (
            up("hash |$server_name; server 127.0.0.1;"),
            "unknown \"server_name\" variable",
        ),
        (
            up("sticky route $arg_r |$upstream_addr; server 127.0.0.1;"),
            "unknown \"upstream_addr\" variable",
        ),
        (
            up("server 127.0.0.1; |include x;"),
            "\"include\" is followed in files only",
        ),
        (
            server("proxy_pass |http://127.0.0.1:0;"),
            "invalid port in upstream \"127.0.0.1:0\"",
        ),
        (
            server("proxy_pass https://127.0.0.1; |proxy_ssl_conf_command Options X;"),
            "directive \"proxy_ssl_conf_command\" is not supported",
        ),
        (
            server("proxy_pass |http://$host;"),
            "variables in \"proxy_pass\" are not supported for a client",
        ),
        (
            pass("|proxy_pass http://a;"),
            "\"proxy_pass\" directive is duplicate",
        ),
        (
            pass("proxy_set_header X |$server_name;"),
            "unknown \"server_name\" variable",
        ),
        (
            pass("proxy_set_header |\"a b\" c;"),
            "invalid header name \"a b\"",
        ),
        (
            pass("proxy_set_header |Content-Length 1;"),
            "\"Content-Length\" follows from the body and cannot be set for a client",
        ),
        (
            "server { |location / { access_log off; } }".into(),
            "this location has no \"proxy_pass\" or \"grpc_pass\"",
        ),
        (
            "http { server { location / { proxy_pass http://a; } } } |http { }".into(),
            "\"http\" directive is duplicate",
        ),
    ] {
        let column = text.find('|').expect("a mark") + 1;
        let found = errors(&text.replace('|', ""), "/");
        assert_eq!(
            found,
            [format!("nginx.conf:1:{column}: {message}")],
            "{text}"
        );
    }
}

#[test]
fn names_and_servers_must_be_clear() {
    let two = "upstream u { server 127.0.0.1; }\nupstream U { server 127.0.0.1; }
        server { server_name a; location / { proxy_pass http://u; } }
        server { server_name b; location / { proxy_pass http://127.0.0.9; } }";
    assert_eq!(
        errors(two, "a/"),
        ["nginx.conf:2:1: duplicate upstream \"U\""]
    );
    let one = two.replace("upstream U { server 127.0.0.1; }", "");
    assert_eq!(import(&one, "B/").expect("valid").group.name, "127.0.0.9");
    assert_eq!(
        errors(&one, "/"),
        ["nginx.conf: several servers have a location for \"/\": put a name in front"]
    );
    assert_eq!(errors(&one, "c/"), ["nginx.conf: no location for \"c/\""]);
    let port = one.replace("http://u;", "http://u:8080;");
    assert_eq!(
        errors(&port, "a/"),
        ["nginx.conf:3:57: upstream \"u\" may not have port 8080"]
    );
}

#[test]
fn a_file_is_followed_into_what_it_includes() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let main = write(
        "nginx.conf",
        "include up*.conf; include none*.conf;\nserver { location / { include loc; } }",
    );
    write("up1.conf", "upstream u { server 127.0.0.1:1; }");
    write("up2.conf", "upstream v { server 127.0.0.1:2; }");
    write("loc", "proxy_pass http://v;");
    assert_eq!(import_file(&main, "/").expect("valid").group.name, "v");

    write("loc", "proxy_pass http://v;\nproxy_read_timeout x;\n}");
    let place = dir.path().join("loc").display().to_string();
    let error = import_file(&main, "/").expect_err("broken");
    assert_eq!(
        error.problems(),
        [
            format!("{place}:2:20: \"proxy_read_timeout\" directive invalid value"),
            format!("{place}:3:1: unexpected \"}}\""),
        ]
    );

    write("loc", "include missing; include loc;");
    let error = import_file(&main, "/").expect_err("broken");
    let missing = dir.path().join("missing").display().to_string();
    assert_eq!(
        error.problems()[..2],
        [
            format!("{place}:1:9: open() \"{missing}\" failed (2: No such file or directory)"),
            format!("{place}:1:26: \"{place}\" includes itself"),
        ]
    );
}
