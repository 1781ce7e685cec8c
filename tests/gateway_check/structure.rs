use super::check::{http, main, same, server};
use super::check_all;

#[test]
fn words_and_braces() {
    check_all(vec![
        same(
            "events { }\nHTTP server { listen 8080;\nproxy_buffering on\n|} }\n".into(),
            "unexpected \"}\"",
        ),
        same("events { }\n|}\n".into(), "unexpected \"}\""),
        same(server("|;"), "unexpected \";\""),
        same(server("proxy_buffering on;|;"), "unexpected \";\""),
        same(server("|{ }"), "unexpected \"{\""),
        same(server("server_name \"a\"|x;"), "unexpected \"x\""),
        same(
            "events { }\nHTTP\n|".into(),
            "unexpected end of file, expecting \"}\"",
        ),
        same(
            "events { }\nworker_processes 1|".into(),
            "unexpected end of file, expecting \";\" or \"}\"",
        ),
    ]);
}

#[test]
fn directives_in_their_places() {
    check_all(vec![
        same(http("|nonsense on;"), "unknown directive \"nonsense\""),
        same(
            main("|listen 80;"),
            "\"listen\" directive is not allowed here",
        ),
        same(
            main("|proxy_read_timeout 1s;"),
            "\"proxy_read_timeout\" directive is not allowed here",
        ),
        same(
            "events { }\n|events { }\n".into(),
            "\"events\" directive is duplicate",
        ),
        same(
            "events { }\nHTTP }\n|http { }\n".into(),
            "\"http\" directive is duplicate",
        ),
        same(
            server("|proxy_buffering on { }"),
            "directive \"proxy_buffering\" is not terminated by \";\"",
        ),
        same(
            server("|location /;"),
            "directive \"location\" has no opening \"{\"",
        ),
        same(
            http("|include a b;"),
            "invalid number of arguments in \"include\" directive",
        ),
        same(http("|gzip on;"), "directive \"gzip\" is not supported")
            .differs("nothing: it has it"),
        same(
            server("|if ($host) { }"),
            "directive \"if\" is not supported",
        )
        .differs("nothing: it has it"),
        same(
            server("|rewrite a b;"),
            "directive \"rewrite\" is not supported",
        )
        .differs("nothing: it has it"),
    ]);
}
