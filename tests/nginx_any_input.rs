//! Whatever stands in a file: an answer, never a panic, and every problem has its place in it.

use proptest::prelude::*;
use tower_upstream::nginx::{Problems, import, parse};

/// Pieces that make broken files which are nearly right.
const PIECES: [&str; 40] = [
    "upstream",
    "u",
    "{",
    "}",
    ";",
    "server",
    "127.0.0.1",
    ":80",
    "weight=",
    "max_fails=3",
    "backup",
    "keepalive",
    "zone",
    "64k",
    "location",
    "/",
    "=",
    "~",
    "@n",
    "proxy_pass",
    "http://",
    "http://u",
    "http://u/x",
    "proxy_set_header",
    "X-A",
    "$host",
    "${",
    "$",
    "\"",
    "'",
    "\\",
    "#",
    "\n",
    " ",
    " ",
    " ",
    "proxy_next_upstream",
    "error",
    "http",
    "é",
];

fn nearly_right() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(&PIECES[..]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Directives of an upstream block with words that may or may not belong to them.
fn upstream() -> impl Strategy<Value = String> {
    let names = "server hash ip_hash least_conn least_time random sticky resolver resolver_timeout \
                 keepalive zone semantics peak_ewma warm_up subset ejection_cap slow_fault shadow \
                 failure_rule active_check retry_budget";
    let words = "127.0.0.1 a.invalid backup down drain route=a resolve service=x consistent $arg_k \
                 two least_conn header inflight cookie route learn create=$upstream_cookie_a \
                 lookup=$cookie_a zone=z:64k expires=max samesite=$uri valid=1s ipv6=off 10s 0 3 64k \
                 strict aggression=1e9 aggression=.5 aggression=. floor=5% seed=18446744073709551615 \
                 tcp uri=/ uri=x status=200-399 method=HEAD host=é interval=1s port=0 mandatory \
                 percent=50% panic= off on multiple=4294967296 20% % 10r/s r/s = é";
    lines(names, words)
}

/// The same for a location.
fn location() -> impl Strategy<Value = String> {
    let names = "proxy_pass grpc_pass proxy_set_header grpc_set_header proxy_http_version \
                 proxy_read_timeout grpc_send_timeout proxy_next_upstream grpc_next_upstream_tries \
                 proxy_buffers proxy_buffer_size proxy_hedge client_max_body_size proxy_ssl_ciphers \
                 grpc_ssl_ciphers proxy_ssl_protocols proxy_ssl_name grpc_ssl_name proxy_ssl_verify \
                 proxy_ssl_certificate proxy_ssl_verify_depth limit_req limit_conn limit_req_status";
    let words = "https://u https://[::1] grpc://u grpcs:// grpcs://a:1 http:// é éA !é -é ! HIGH:!aNULL \
                 ECDSA+é : TLSv1.2 TLSv1 $host $é ${proxy_host} $ on off 1.1 2 0 1 -1 8 4k 1y 1ms 99999999999 \
                 95% at_least=1s error non_idempotent zone=z burst=5 nodelay delay=é [ ] X-A";
    lines(names, words)
}

fn lines(names: &'static str, words: &'static str) -> impl Strategy<Value = String> {
    let pick = |of: &'static str| prop::sample::select(of.split(' ').collect::<Vec<_>>());
    let line = (pick(names), prop::collection::vec(pick(words), 0..5))
        .prop_map(|(name, words)| format!("{name} {};", words.join(" ")));
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n"))
}

fn whole(inside: &str) -> String {
    format!(
        "upstream u {{ server 127.0.0.1; }} server {{ location / {{ proxy_pass http://u;\n{inside}"
    )
}

/// Every problem points at a character of the text, or right behind its end.
fn check_places(text: &str) -> Result<(), TestCaseError> {
    let mut problems = Problems::new();
    parse(text, "f", &mut problems);
    let lines: Vec<&str> = text.split('\n').collect();
    for problem in &problems {
        let line = lines.get(problem.place.line as usize - 1);
        let width = line.map(|line| line.chars().count());
        prop_assert!(
            width.is_some_and(|width| (1..=width + 1).contains(&(problem.place.column as usize))),
            "{problem} in {text:?}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn nearly_right_files_are_answered(text in nearly_right()) {
        check_places(&text)?;
        for text in [text.clone(), whole(&text)] {
            if let Err(error) = import(&text, "/") {
                prop_assert!(!error.problems().is_empty(), "refused without a reason: {text:?}");
            }
        }
    }

    #[test]
    fn upstream_blocks_are_answered(inside in upstream()) {
        let text = format!(
            "upstream u {{ server 127.0.0.1; {inside} }} server {{ location / {{ proxy_pass http://u; }} }}"
        );
        if let Err(error) = import(&text, "/") {
            prop_assert!(!error.problems().is_empty(), "refused without a reason: {text:?}");
        }
    }

    #[test]
    fn locations_are_answered(inside in location()) {
        let text = format!(
            "upstream u {{ server 127.0.0.1; }} server {{ location / {{ {inside} proxy_pass http://u; }} }}"
        );
        if let Err(error) = import(&text, "/") {
            prop_assert!(!error.problems().is_empty(), "refused without a reason: {text:?}");
        }
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        check_places(&text)?;
        if let Err(error) = import(&text, "/") {
            prop_assert!(!error.problems().is_empty(), "refused without a reason: {text:?}");
        }
    }

    #[test]
    fn quoting_keeps_a_word(word in "[^\"\\\\]{0,20}") {
        let mut problems = Problems::new();
        let tree = parse(&format!("a \"{word}\";"), "f", &mut problems);
        prop_assert!(problems.is_empty());
        prop_assert_eq!(tree.len(), 1);
        prop_assert_eq!(tree[0].arg(0), word);
    }
}
