use super::check::{http, main, same, server};
use super::check_all;

#[test]
fn listening() {
    let duplicate = |second: &str| {
        http(&format!(
            "server {{ listen 127.0.0.1:8080 default_server backlog=5; }}\nserver {{ server_name x; |listen {second}; }}"
        ))
    };
    check_all(vec![
        same(
            server("listen |0;"),
            "invalid port in \"0\" of the \"listen\" directive",
        ),
        same(
            server("listen |127.0.0.1:x;"),
            "invalid port in \"127.0.0.1:x\" of the \"listen\" directive",
        ),
        same(
            server("listen |:80;"),
            "no host in \":80\" of the \"listen\" directive",
        ),
        same(
            server("listen |127.0.0.1:80/x;"),
            "invalid host in \"127.0.0.1:80/x\" of the \"listen\" directive",
        ),
        same(
            server("listen |no-such-host.invalid:80;"),
            "host not found in \"no-such-host.invalid:80\" of the \"listen\" directive",
        ),
        same(
            server("listen |unix:;"),
            "no path in the unix domain socket in \"unix:\" of the \"listen\" directive",
        ),
        same(server("listen 8081 |foo;"), "invalid parameter \"foo\""),
        same(
            server("listen 8081 |backlog=0;"),
            "invalid backlog \"backlog=0\"",
        ),
        same(
            server("|listen 127.0.0.1:8080;"),
            "a duplicate listen 127.0.0.1:8080",
        ),
        same(
            duplicate("127.0.0.1:8080 default_server"),
            "a duplicate default server for 127.0.0.1:8080",
        ),
        same(
            duplicate("127.0.0.1:8080 backlog=6"),
            "duplicate listen options for 127.0.0.1:8080",
        ),
        same(
            server("listen 8081 |reuseport;"),
            "unsupported parameter \"reuseport\"",
        )
        .differs("nothing: it has this"),
    ]);
}

#[test]
fn names_and_locations() {
    let regex = "invalid regular expression \"(\": unclosed group";
    check_all(vec![
        same(server("server_name |*;"), "server name \"*\" is invalid"),
        same(
            server("server_name |*a.b;"),
            "server name \"*a.b\" is invalid",
        ),
        same(server("server_name |.;"), "server name \".\" is invalid"),
        same(
            server("server_name |~;"),
            "empty regex in server name \"~\"",
        ),
        same(
            server("server_name |a/b;"),
            "server name \"a/b\" has suspicious symbols",
        )
        .warning(),
        same(
            http(
                "server { listen 127.0.0.1:8080; server_name a *.b; }\n\
                 server { listen 127.0.0.1:8080; server_name c |*.B; }",
            ),
            "conflicting server name \"*.b\" on 127.0.0.1:8080, ignored",
        )
        .warning()
        .elsewhere(),
        same(
            server("|server_name;"),
            "invalid number of arguments in \"server_name\" directive",
        ),
        same(
            server("location / { }\n|location / { }"),
            "duplicate location \"/\"",
        ),
        same(
            server("location |! /a { }"),
            "invalid location modifier \"!\"",
        ),
        same(
            server("location /a {\n|location /b { } }"),
            "location \"/b\" is outside location \"/a\"",
        ),
        same(
            server("location = /a {\n|location /a { } }"),
            "location \"/a\" cannot be inside the exact location \"/a\"",
        ),
        same(
            server("location @a {\n|location /b { } }"),
            "location \"/b\" cannot be inside the named location \"@a\"",
        ),
        same(
            server("location / {\n|location @a { } }"),
            "named location \"@a\" can be on the server level only",
        ),
        same(server("location ~ |( { }"), regex).differs("PCRE's words"),
        same(server("server_name |~(;"), regex).differs("PCRE's words"),
    ]);
}

#[test]
fn answers() {
    check_all(vec![
        same(server("return |foo;"), "invalid return code \"foo\""),
        same(server("return |1000;"), "invalid return code \"1000\""),
        same(server("return |101;"), "invalid return code \"101\"")
            .differs("nothing: it sends an interim status for an answer"),
        same(server("return |$host;"), "invalid return code \"$host\""),
        same(server("return 200 |$nope;"), "unknown \"nope\" variable").elsewhere(),
        same(
            server("|return 200 a b;"),
            "invalid number of arguments in \"return\" directive",
        ),
        same(
            http("|return 200;"),
            "\"return\" directive is not allowed here",
        ),
        same(server("error_page |foo /x;"), "invalid value \"foo\""),
        same(server("error_page |499 /x;"), "invalid value \"499\""),
        same(
            server("error_page 404 |600 /x;"),
            "value \"600\" must be between 300 and 599",
        ),
        same(server("error_page 404 |=x /x;"), "invalid value \"=x\""),
        same(server("error_page |=200 /x;"), "invalid value \"=200\""),
    ]);
}

#[test]
fn logs_and_clients() {
    check_all(vec![
        same(http("access_log x |nope;"), "unknown log format \"nope\""),
        same(http("access_log off |x;"), "invalid parameter \"x\""),
        same(
            http("log_format |combined x;"),
            "duplicate \"log_format\" name \"combined\"",
        ),
        same(
            http("log_format a |escape=x y;"),
            "unknown log format escaping \"x\"",
        ),
        same(http("log_format a |$nope;"), "unknown \"nope\" variable").elsewhere(),
        same(http("error_log stderr |foo;"), "invalid log level \"foo\""),
        same(
            http("error_log stderr warn |info;"),
            "duplicate log level \"info\"",
        ),
        same(
            http("set_real_ip_from |1.2.3.4/33;"),
            "host not found in set_real_ip_from \"1.2.3.4/33\"",
        ),
        same(
            http("set_real_ip_from |1.2.3.4/8;"),
            "low address bits of 1.2.3.4/8 are meaningless",
        )
        .warning(),
        same(
            http("real_ip_header X;\n|real_ip_header Y;"),
            "\"real_ip_header\" directive is duplicate",
        ),
        same(
            http("keepalive_timeout 75 |x;"),
            "\"keepalive_timeout\" directive invalid value",
        ),
        same(
            http("keepalive_requests |x;"),
            "\"keepalive_requests\" directive invalid number",
        ),
        same(
            http("client_header_timeout |1M;"),
            "\"client_header_timeout\" directive invalid value",
        ),
        same(
            http("large_client_header_buffers |0 8k;"),
            "\"large_client_header_buffers\" directive invalid value",
        ),
        same(
            server("large_client_header_buffers |4 100;"),
            "the \"large_client_header_buffers\" size must be equal to or greater than \
             \"connection_pool_size\"",
        )
        .elsewhere(),
        same(
            server("location / {\n|client_header_timeout 1s; }"),
            "\"client_header_timeout\" directive is not allowed here",
        ),
    ]);
}

#[test]
fn the_process() {
    check_all(vec![
        same(
            main("worker_processes |x;"),
            "\"worker_processes\" directive invalid value",
        ),
        same(
            main("worker_processes 1;\n|worker_processes 1;"),
            "\"worker_processes\" directive is duplicate",
        ),
        same(
            main("|pid a b;"),
            "invalid number of arguments in \"pid\" directive",
        ),
        same(
            main("daemon |x;"),
            "invalid value \"x\" in \"daemon\" directive, it must be \"on\" or \"off\"",
        ),
        same(
            "events { worker_connections |x; }\n".into(),
            "invalid number \"x\"",
        ),
        same(
            "events { worker_connections |1; }\nHTTP server { listen 127.0.0.1:8080; } }\n".into(),
            "1 worker_connections are not enough for 1 listening sockets",
        )
        .elsewhere(),
        same(
            server("add_header A |\"a\\nb\";"),
            "invalid header value \"a\\nb\"",
        )
        .differs("nothing: it sends two lines"),
        same(
            server("|add_header Content-Length 0;"),
            "\"add_header\" of a length has no effect",
        )
        .warning()
        .differs("nothing: it sends it beside the right one"),
        same(
            server("default_type |\"a\\nb\";"),
            "invalid header value \"a\\nb\"",
        )
        .differs("nothing: it sends two lines"),
        same(
            server("|internal;"),
            "\"internal\" directive is not allowed here",
        ),
        same(main("|daemon off;"), "\"daemon\" has no effect")
            .warning()
            .differs("nothing: there it has"),
        same(
            main("|load_module x;"),
            "directive \"load_module\" is not supported",
        )
        .differs("that it cannot load it"),
    ]);
}
