//! `gateway -t` says about a broken configuration what nginx says, with line and column.

#[path = "../support/program.rs"]
mod program;

mod check;
mod grpc;
mod http;
mod limit;
mod method;
mod newer;
mod own;
mod peer_tls;
mod proxy;
mod ssl;
mod structure;
mod upstream;

use check::{Case, check};

/// Every case is run through `gateway -t` and `nginx -t`.
fn check_all(cases: Vec<Case>) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn all_problems_are_reported_at_once_in_order() {
    let text = "events { }\nhttp {\n  upstream u {\n    server 127.0.0.1 weight=0;\n    queue 5;\n  }\n  \
                server {\n    location / {\n      proxy_pass http://u;\n      proxy_read_timeout 1x;\n    \
                }\n  }\n}\n}\n";
    let (status, said) = check::gateway(text);
    assert_eq!(status, Some(1));
    assert_eq!(
        said,
        [
            "[emerg] invalid parameter \"weight=0\" in FILE:4:22",
            "[emerg] unknown directive \"queue\" in FILE:5:5",
            "[emerg] \"proxy_read_timeout\" directive invalid value in FILE:10:26",
            "[emerg] unexpected \"}\" in FILE:14:1",
        ]
    );
}

#[test]
fn a_good_file_passes() {
    let text = "events { }\nhttp { server { listen 8080; location / { proxy_pass http://127.0.0.1; } } }\n";
    assert_eq!(check::gateway(text), (Some(0), Vec::new()));
}
