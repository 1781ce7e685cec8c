//! `examples/gateway/api.conf` as it stands, beside nginx on the same file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::rig::{backend, free, status};
use super::certificates::Files;
use super::client::curl;
use super::{gateway, nginx};

/// The `http` block of the file, its addresses replaced.
fn http(orders: &str, shop: &str) -> String {
    let text = include_str!("../../../examples/gateway/api.conf");
    let (_, block) = text.split_once("http {\n").expect("a block");
    let (block, _) = block.rsplit_once('}').expect("its end");
    let mut block = block.to_owned();
    for (from, to) in [
        ("127.0.0.1:18080", free().to_string().as_str()),
        ("127.0.0.1:18081", orders),
        ("127.0.0.1:18090", free().to_string().as_str()),
        ("127.0.0.1:18091", shop),
        ("127.0.0.1:8443", "@FRONT"),
        (" api.pem", " @/a.pem"),
        (" api.key", " @/a.key"),
        ("api.example.no", "a.test"),
    ] {
        assert!(block.contains(from), "no {from:?} in the file");
        block = block.replace(from, to);
    }
    block
}

#[test]
fn the_file_beside_the_gateway_means_the_same_to_nginx() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let orders = backend(move |mut wire| {
        while let Some(head) = wire.try_head() {
            assert!(head.contains("\r\nX-Real-IP: 127.0.0.1\r\n"), "{head}");
            count.fetch_add(1, Ordering::Relaxed);
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12 orders");
        }
    });
    // Nobody speaks gRPC there, and nobody is at the other address.
    let http = http(&orders.to_string(), &free().to_string());
    let files = Files::with_two();
    for front in [gateway(&files, &http), nginx(&files, &http)] {
        let before = asked.load(Ordering::Relaxed);
        let ask = |arguments: &str| curl(&front, &files, arguments);
        let first = ask("--http2 -i https://a.test/orders/1");
        assert!(first.starts_with("HTTP/2 200"), "{first}");
        assert!(first.ends_with("12 orders"), "{first}");
        let old = ask("--http1.1 -i https://a.test/orders/1");
        assert!(old.starts_with("HTTP/1.1 200"), "{old}");
        // One at a time is 10 a second at most, and 20 may be early.
        let urls = "https://a.test/orders/[1-200]";
        let all = ask(&format!(
            "--http2 -Z --parallel-max 30 -o /dev/null -w %{{http_code}}\\n {urls}"
        ));
        let with = |code: &str| all.lines().filter(|line| *line == code).count();
        let (served, early) = (with("200"), with("429"));
        assert_eq!(served + early, 200, "{all}");
        assert!((18..200).contains(&served), "{served} served");
        assert_eq!(asked.load(Ordering::Relaxed) - before, served + 2);
        let call = ask(
            "--http2 -i -H content-type:application/grpc -H te:trailers -d x https://a.test/shop.Orders/Get",
        );
        assert_eq!(status(&call), 204, "{call}");
        assert!(call.contains("grpc-status: 14"), "{call}");
        let inside = ask("--http2 -i https://a.test/unavailable");
        assert_eq!(status(&inside), 404, "{inside}");
    }
}
