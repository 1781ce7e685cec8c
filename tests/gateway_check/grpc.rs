use super::check::{location, same};
use super::check_all;

#[test]
fn where_calls_go() {
    let pass = |text: &str| location(&format!("grpc_pass {text};"));
    check_all(vec![
        same(
            pass("|grpc://127.0.0.1"),
            "no port in upstream \"127.0.0.1\"",
        ),
        same(
            pass("|127.0.0.1:0"),
            "invalid port in upstream \"127.0.0.1:0\"",
        ),
        same(
            pass("|grpc://127.0.0.1:9/x"),
            "invalid host in upstream \"127.0.0.1:9/x\"",
        ),
        same(
            pass("|http://127.0.0.1:9"),
            "invalid host in upstream \"http://127.0.0.1:9\"",
        ),
        same(
            location("grpc_pass grpcs://127.0.0.1:9;\ngrpc_ssl_verify |on;"),
            "no grpc_ssl_trusted_certificate for grpc_ssl_verify",
        )
        .elsewhere(),
        same(pass("|\"\""), "no host in upstream \"\""),
        same(
            pass("|nosuch.invalid:9"),
            "host not found in upstream \"nosuch.invalid\"",
        ),
        same(
            pass("|grpc://$host"),
            "variables in \"grpc_pass\" are not supported",
        )
        .differs("nothing: it asks when there is a request"),
        same(
            location("grpc_pass 127.0.0.1:9;\n|grpc_pass 127.0.0.1:9;"),
            "\"grpc_pass\" directive is duplicate",
        ),
        same(
            location("proxy_pass http://127.0.0.1:9;\n|grpc_pass 127.0.0.1:9;"),
            "\"grpc_pass\" takes the place of this location's \"proxy_pass\"",
        )
        .warning()
        .differs("nothing, and does the same"),
        same(
            location("grpc_pass 127.0.0.1:9;\nproxy_redirect |default;"),
            "\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive",
        ),
    ]);
}

#[test]
fn limits_and_headers() {
    check_all(vec![
        same(
            location("grpc_connect_timeout |1M;"),
            "\"grpc_connect_timeout\" directive invalid value",
        ),
        same(
            location("grpc_read_timeout |x;"),
            "\"grpc_read_timeout\" directive invalid value",
        ),
        same(
            location("grpc_send_timeout 1s;\n|grpc_send_timeout 1s;"),
            "\"grpc_send_timeout\" directive is duplicate",
        ),
        same(
            location("grpc_next_upstream error |http_501;"),
            "invalid value \"http_501\"",
        ),
        same(
            location("grpc_next_upstream error |error;"),
            "duplicate value \"error\"",
        )
        .warning(),
        same(
            location("grpc_next_upstream_tries |-1;"),
            "\"grpc_next_upstream_tries\" directive invalid number",
        ),
        same(
            location("grpc_next_upstream_timeout |x;"),
            "\"grpc_next_upstream_timeout\" directive invalid value",
        ),
        same(
            location("grpc_buffer_size |1g;"),
            "\"grpc_buffer_size\" directive invalid value",
        ),
        same(
            location("grpc_intercept_errors |maybe;"),
            "invalid value \"maybe\" in \"grpc_intercept_errors\" directive, it must be \"on\" or \
             \"off\"",
        ),
        same(
            location("grpc_pass 127.0.0.1:9;\ngrpc_set_header X |$nope;"),
            "unknown \"nope\" variable",
        )
        .elsewhere(),
        same(
            location("|grpc_hide_header a b;"),
            "invalid number of arguments in \"grpc_hide_header\" directive",
        ),
        same(
            location("|grpc_http_version 2;"),
            "unknown directive \"grpc_http_version\"",
        ),
        same(
            location("|grpc_bind 127.0.0.1;"),
            "directive \"grpc_bind\" is not supported",
        )
        .differs("nothing: it has it"),
        same(
            location("|grpc_socket_keepalive on;"),
            "directive \"grpc_socket_keepalive\" is not supported",
        )
        .differs("nothing: it has it"),
    ]);
}
