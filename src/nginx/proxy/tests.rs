use super::*;
use crate::nginx::{Contexts, grammar, parse};

fn read(text: &str) -> (ProxyLevel, Vec<String>) {
    let mut problems = Problems::new();
    let mut level = ProxyLevel::default();
    for d in parse(text, "f", &mut problems) {
        if grammar::served(&d, Contexts::LOCATION, &mut problems) {
            assert!(proxy_directive(&mut level, &d, &mut problems), "{text}");
        }
    }
    level.inherit(&ProxyLevel::default(), &mut problems);
    (level, problems.iter().map(|p| p.to_string()).collect())
}

#[test]
fn messages() {
    for (text, message) in [
        (
            "proxy_connect_timeout 1M;",
            "[emerg] \"proxy_connect_timeout\" directive invalid value in f:1:23",
        ),
        (
            "proxy_read_timeout -1;",
            "[emerg] \"proxy_read_timeout\" directive invalid value in f:1:20",
        ),
        (
            "proxy_send_timeout 1s; proxy_send_timeout 1s;",
            "[emerg] \"proxy_send_timeout\" directive is duplicate in f:1:24",
        ),
        (
            "proxy_send_timeout;",
            "[emerg] invalid number of arguments in \"proxy_send_timeout\" directive in f:1:1",
        ),
        (
            "proxy_next_upstream error foo;",
            "[emerg] invalid value \"foo\" in f:1:27",
        ),
        (
            "proxy_next_upstream error error;",
            "[warn] duplicate value \"error\" in f:1:27",
        ),
        (
            "proxy_next_upstream_tries -1;",
            "[emerg] \"proxy_next_upstream_tries\" directive invalid number in f:1:27",
        ),
        (
            "proxy_next_upstream_timeout x;",
            "[emerg] \"proxy_next_upstream_timeout\" directive invalid value in f:1:29",
        ),
        (
            "proxy_http_version 3;",
            "[emerg] invalid value \"3\" in f:1:20",
        ),
        (
            "proxy_buffering yes;",
            "[emerg] invalid value \"yes\" in \"proxy_buffering\" directive, it must be \"on\" or \"off\" in f:1:17",
        ),
        (
            "proxy_buffers 1 4k;",
            "[emerg] there must be at least 2 \"proxy_buffers\" in f:1:1",
        ),
        (
            "proxy_buffers 8 4g;",
            "[emerg] \"proxy_buffers\" directive invalid value in f:1:15",
        ),
        (
            "proxy_buffer_size 1g;",
            "[emerg] \"proxy_buffer_size\" directive invalid value in f:1:19",
        ),
        (
            "proxy_buffer_size 64k;",
            "[emerg] \"proxy_busy_buffers_size\" must be less than the size of all \"proxy_buffers\" minus one buffer in f:1:1",
        ),
    ] {
        assert_eq!(read(text).1, [message]);
    }
}

#[test]
fn an_inner_level_replaces_and_the_same_level_adds() {
    let mut problems = Problems::new();
    let (outer, _) = read("proxy_next_upstream http_500; proxy_read_timeout 5s;");
    let (mut inner, _) = read("proxy_next_upstream error; proxy_next_upstream http_404;");
    inner.inherit(&outer, &mut problems);
    let proxy = inner.finish();
    assert_eq!(proxy.next_upstream.to_string(), "error http_404");
    assert_eq!(proxy.read_timeout, Duration::from_secs(5));
    assert_eq!(proxy.connect_timeout, Duration::from_secs(60));
    assert!(problems.is_empty());
}

#[test]
fn the_two_families_are_read_alike_and_apart() {
    let mut problems = Problems::new();
    let (mut proxy, mut grpc) = (ProxyLevel::default(), ProxyLevel::default());
    let text = "grpc_connect_timeout 1s; proxy_connect_timeout 2s; grpc_send_timeout 3s; \
                grpc_read_timeout 4s; grpc_next_upstream http_503 off; grpc_next_upstream_tries 2; \
                grpc_next_upstream_timeout 5s; grpc_buffer_size 8k; proxy_buffering off;";
    for d in parse(text, "f", &mut problems) {
        let read = [
            proxy_directive(&mut proxy, &d, &mut problems),
            grpc_directive(&mut grpc, &d, &mut problems),
        ];
        assert_eq!(
            read,
            [
                d.name().starts_with("proxy_"),
                d.name().starts_with("grpc_")
            ]
        );
    }
    assert!(problems.is_empty());
    let (proxy, grpc) = (proxy.finish(), grpc.finish_grpc());
    assert_eq!(proxy.connect_timeout, Duration::from_secs(2));
    assert_eq!(proxy.read_timeout, Duration::from_secs(60));
    assert_eq!(proxy.http2, None);
    assert_eq!(
        [grpc.connect_timeout, grpc.send_timeout, grpc.read_timeout],
        [1, 3, 4].map(Duration::from_secs)
    );
    assert_eq!(grpc.next_upstream_timeout, Duration::from_secs(5));
    assert_eq!((grpc.next_upstream_tries, grpc.buffer_size), (2, 8192));
    assert_eq!(grpc.http2.map(|http2| http2.streams), Some(1));
    assert_eq!(grpc.request_buffering, RequestBuffering::Off);
}

#[test]
fn bodies_are_read_first_up_to_their_largest_size() {
    for (text, expected) in [
        ("", RequestBuffering::On { max: 1 << 20 }),
        (
            "client_max_body_size 2k;",
            RequestBuffering::On { max: 2048 },
        ),
        (
            "client_max_body_size 0;",
            RequestBuffering::On { max: usize::MAX },
        ),
        ("proxy_request_buffering off;", RequestBuffering::Off),
    ] {
        assert_eq!(read(text).0.finish().request_buffering, expected, "{text}");
    }
    assert_eq!(units::offset("1m"), Some(MAX_BODY));
}
