use super::check::{location, same, server};
use super::check_all;

#[test]
fn scalars() {
    check_all(vec![
        same(
            location("proxy_connect_timeout |1M;"),
            "\"proxy_connect_timeout\" directive invalid value",
        ),
        same(
            location("proxy_read_timeout |-1;"),
            "\"proxy_read_timeout\" directive invalid value",
        ),
        same(
            location("proxy_send_timeout |30s1m;"),
            "\"proxy_send_timeout\" directive invalid value",
        ),
        same(
            location("proxy_send_timeout 1s;\n|proxy_send_timeout 1s;"),
            "\"proxy_send_timeout\" directive is duplicate",
        ),
        same(
            location("|proxy_send_timeout 1s 2s;"),
            "invalid number of arguments in \"proxy_send_timeout\" directive",
        ),
        same(
            location("proxy_next_upstream_tries |-1;"),
            "\"proxy_next_upstream_tries\" directive invalid number",
        ),
        same(
            location("proxy_next_upstream_timeout |x;"),
            "\"proxy_next_upstream_timeout\" directive invalid value",
        ),
        same(location("proxy_http_version |3;"), "invalid value \"3\""),
        same(
            location("proxy_buffering |yes;"),
            "invalid value \"yes\" in \"proxy_buffering\" directive, it must be \"on\" or \"off\"",
        ),
        same(
            location("proxy_request_buffering |1;"),
            "invalid value \"1\" in \"proxy_request_buffering\" directive, it must be \"on\" or \
             \"off\"",
        ),
        same(
            location("client_max_body_size |-1;"),
            "\"client_max_body_size\" directive invalid value",
        ),
        same(
            location("proxy_method GET;\n|proxy_method POST;"),
            "\"proxy_method\" directive is duplicate",
        ),
    ]);
}

#[test]
fn next_upstream() {
    check_all(vec![
        same(
            location("proxy_next_upstream |foo;"),
            "invalid value \"foo\"",
        ),
        same(
            location("proxy_next_upstream error |denied;"),
            "invalid value \"denied\"",
        ),
        same(
            location("proxy_next_upstream |http_501;"),
            "invalid value \"http_501\"",
        ),
        same(
            location("proxy_next_upstream error |error;"),
            "duplicate value \"error\"",
        )
        .warning(),
        same(
            location("proxy_next_upstream error;\nproxy_next_upstream |error;"),
            "duplicate value \"error\"",
        )
        .warning(),
    ]);
}

#[test]
fn buffers() {
    let busy = "\"proxy_busy_buffers_size\" must be less than the size of all \"proxy_buffers\" \
                minus one buffer";
    check_all(vec![
        same(
            server("|proxy_buffers 1 4k;"),
            "there must be at least 2 \"proxy_buffers\"",
        )
        .elsewhere(),
        same(server("|proxy_buffer_size 64k;"), busy).elsewhere(),
        same(server("|proxy_buffers 2 4k;"), busy).elsewhere(),
        same(
            server("proxy_buffers |0 4k;"),
            "\"proxy_buffers\" directive invalid value",
        ),
        same(
            server("proxy_buffers |8 4g;"),
            "\"proxy_buffers\" directive invalid value",
        ),
        same(
            server("proxy_buffer_size |1g;"),
            "\"proxy_buffer_size\" directive invalid value",
        ),
    ]);
}

#[test]
fn headers_and_variables() {
    let pass = |more: &str| location(&format!("proxy_pass http://127.0.0.1;\n{more}"));
    check_all(vec![
        same(
            pass("proxy_set_header X |$nope;"),
            "unknown \"nope\" variable",
        )
        .elsewhere(),
        same(pass("add_header X |$nope;"), "unknown \"nope\" variable").elsewhere(),
        same(pass("add_header X |a$;"), "invalid variable name"),
        same(pass("proxy_set_header X |a$;"), "invalid variable name").elsewhere(),
        same(
            pass("add_header X |${a;"),
            "the closing bracket in \"a\" variable is missing",
        ),
        same(pass("add_header X y |foo;"), "invalid parameter \"foo\""),
        same(
            pass("|proxy_set_header X;"),
            "invalid number of arguments in \"proxy_set_header\" directive",
        ),
        same(
            pass("proxy_set_header |\"a b\" c;"),
            "invalid header name \"a b\"",
        )
        .differs("nothing: it sends it"),
    ]);
}

#[test]
fn redirects() {
    check_all(vec![
        same(
            location("proxy_redirect |default;"),
            "\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive",
        ),
        same(
            location("proxy_pass http://127.0.0.1$request_uri;\nproxy_redirect |default;"),
            "\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables",
        ),
        same(
            location("proxy_redirect |foo;"),
            "invalid parameter \"foo\"",
        ),
        same(
            location("proxy_redirect off;\n|proxy_redirect a b;"),
            "\"proxy_redirect\" directive is duplicate",
        ),
        same(
            location("proxy_redirect a b;\n|proxy_redirect off;"),
            "\"proxy_redirect\" directive is duplicate",
        ),
    ]);
}
