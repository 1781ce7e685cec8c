use super::check::{http, location, same, upstream};
use super::check_all;

/// A group that is fine but for what is added to it.
fn with_server(more: &str) -> String {
    upstream(&format!("server 127.0.0.1;\n{more}"))
}

#[test]
fn server_lines() {
    let mut cases = Vec::new();
    for parameter in [
        "weight=0",
        "weight=-1",
        "weight=1.5",
        "weight=+1",
        "weight=99999999999999999999",
        "max_fails=-1",
        "max_fails=",
        "max_conns=-1",
        "fail_timeout=500ms",
        "fail_timeout=1.5s",
        "fail_timeout=",
        "fail_timeout=-1",
        "slow_start=5s",
        "drain=1",
        "backup=1",
        "nonsense",
    ] {
        let message: &'static str = format!("invalid parameter \"{parameter}\"").leak();
        cases.push(same(
            upstream(&format!("server 127.0.0.1 |{parameter};")),
            message,
        ));
    }
    for (address, message) in [
        ("127.0.0.1:0", "invalid port"),
        ("127.0.0.1:65536", "invalid port"),
        ("127.0.0.1:abc", "invalid port"),
        ("127.0.0.1:", "invalid port"),
        ("127.0.0.1:80:90", "invalid port"),
        ("[::1:80", "invalid host"),
        ("[::1]x", "invalid host"),
        ("[::g]", "invalid IPv6 address"),
        ("http://127.0.0.1", "invalid host"),
        ("127.0.0.1/x", "invalid host"),
        (":80", "no host"),
        ("\"\"", "no host"),
        ("unix:", "no path in the unix domain socket"),
        ("no-such-host.invalid", "host not found"),
        ("no-such-host.invalid:80", "host not found"),
    ] {
        let shown = address.trim_matches('"');
        let message: &'static str = format!("{message} in upstream \"{shown}\"").leak();
        cases.push(same(upstream(&format!("server |{address};")), message));
    }
    check_all(cases);
}

#[test]
fn blocks() {
    check_all(vec![
        same(http("upstream u {\n|}"), "no servers are inside upstream"),
        same(
            http("|upstream u { server 127.0.0.1 backup; }"),
            "no servers in upstream \"u\"",
        ),
        same(
            http("upstream u { server 127.0.0.1; }\n|upstream u { server 127.0.0.1; }"),
            "duplicate upstream \"u\"",
        ),
        same(
            http("upstream u { server 127.0.0.1; }\n|upstream U { server 127.0.0.1; }"),
            "duplicate upstream \"U\"",
        ),
        same(
            http("|upstream { server 127.0.0.1; }"),
            "invalid number of arguments in \"upstream\" directive",
        ),
        same(
            http("|upstream u;"),
            "directive \"upstream\" has no opening \"{\"",
        ),
        same(with_server("|queue 5;"), "unknown directive \"queue\""),
        same(
            with_server("|proxy_pass http://u;"),
            "\"proxy_pass\" directive is not allowed here",
        ),
        same(
            with_server("|server;"),
            "invalid number of arguments in \"server\" directive",
        ),
        same(
            with_server("|server 127.0.0.1 { }"),
            "directive \"server\" is not terminated by \";\"",
        ),
        same(
            http(
                "upstream u { server 127.0.0.1; }\nserver { location / {\nproxy_pass |http://u:8080; } }",
            ),
            "upstream \"u\" may not have port 8080",
        ),
    ]);
}

#[test]
fn keepalive_and_zone() {
    check_all(vec![
        same(
            with_server("keepalive |0;"),
            "invalid value \"0\" in \"keepalive\" directive",
        ),
        same(
            with_server("keepalive |x;"),
            "invalid value \"x\" in \"keepalive\" directive",
        ),
        same(
            with_server("keepalive 3;\n|keepalive 3;"),
            "\"keepalive\" directive is duplicate",
        ),
        same(
            with_server("keepalive_requests |x;"),
            "\"keepalive_requests\" directive invalid number",
        ),
        same(
            with_server("keepalive_time |1M;"),
            "\"keepalive_time\" directive invalid value",
        ),
        same(
            with_server("keepalive_timeout |x;"),
            "\"keepalive_timeout\" directive invalid value",
        ),
        same(with_server("zone z |1k;"), "zone \"z\" is too small"),
        same(with_server("zone z |0;"), "zone \"z\" is too small"),
        same(with_server("zone z |x;"), "invalid zone size \"x\""),
        same(with_server("zone |\"\" 64k;"), "invalid zone name \"\""),
        same(
            with_server("|zone;"),
            "invalid number of arguments in \"zone\" directive",
        ),
        same(
            with_server("zone |z;"),
            "zero size shared memory zone \"z\"",
        )
        .elsewhere(),
        same(
            http(
                "upstream u { zone z 32k; server 127.0.0.1; }\nupstream v { zone z |64k; server 127.0.0.1; }",
            ),
            "the size 65536 of shared memory zone \"z\" conflicts with already declared size 32768",
        ),
    ]);
}

#[test]
fn destinations() {
    check_all(vec![
        same(location("proxy_pass |foo;"), "invalid URL prefix"),
        same(location("proxy_pass |http://;"), "no host in upstream \"\""),
        same(
            location("proxy_pass |http://127.0.0.1:0;"),
            "invalid port in upstream \"127.0.0.1:0\"",
        ),
        same(
            location("proxy_pass |http://no-such-host.invalid;"),
            "host not found in upstream \"no-such-host.invalid\"",
        ),
        same(
            location("proxy_pass |http://no-such-host.invalid:81/x;"),
            "host not found in upstream \"no-such-host.invalid\"",
        ),
        same(
            location("proxy_pass http://127.0.0.1;\n|proxy_pass http://127.0.0.1;"),
            "\"proxy_pass\" directive is duplicate",
        ),
        same(
            http("server { location ~ a {\nproxy_pass |http://127.0.0.1/x; } }"),
            "\"proxy_pass\" cannot have URI part in location given by regular expression, or inside \
             named location, or inside \"if\" statement, or inside \"limit_except\" block",
        ),
        same(
            location("proxy_pass |https://127.0.0.1:0;"),
            "invalid port in upstream \"127.0.0.1:0\"",
        ),
        same(
            location("proxy_pass |http://$host;"),
            "variables in the destination of \"proxy_pass\" are not supported",
        )
        .differs("nothing: it looks names up at run time"),
    ]);
}
