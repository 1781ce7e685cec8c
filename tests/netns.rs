//! What only a network can do to a connection, in a network namespace of the test's own.

#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower_upstream::{Server, Trail, Upstream};

/// Set in the copy of the test that runs inside the namespace.
const INSIDE: &str = "TOWER_UPSTREAM_NETNS";

/// A cable whose other end nobody listens at: what is sent to 10.99.0.2 is swallowed, without so
/// much as a reset.
const NETWORK: &str = "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up \
    && ip link add here type veth peer name there \
    && ip addr add 10.99.0.1/24 dev here && ip link set here up && ip link set there up \
    && ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev here && exec \"$0\" \"$@\"";

/// Runs the test named `name` again in a fresh network namespace; true inside of it.
fn inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", NETWORK])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("this test needs `unshare` (util-linux) and `ip` (iproute2)");
    assert!(
        status.success(),
        "in the network namespace: {status}; is `ip` (iproute2) installed?"
    );
    false
}

#[test]
fn a_connect_timeout_fires_at_its_limit_when_packets_are_dropped() {
    if !inside("a_connect_timeout_fires_at_its_limit_when_packets_are_dropped") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let limit = Duration::from_millis(500);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                tokio::io::AsyncWriteExt::write_all(&mut stream, reply)
                    .await
                    .unwrap();
            }
        });
        let upstream = Upstream::builder()
            .server(Server::new("10.99.0.2:80"))
            .server(Server::new(alive.to_string()))
            .connect_timeout(limit)
            .build()
            .unwrap();
        let trail = Trail::new();
        // POST: nothing was sent, so even that goes to the next peer (NU-11).
        let mut request = http::Request::post("/")
            .body(Empty::<Bytes>::new())
            .unwrap();
        request.extensions_mut().insert(trail.clone());
        let start = Instant::now();
        let reply = upstream.send(request).await.unwrap();
        let took = start.elapsed();
        assert_eq!(reply.status(), 200);
        assert!(took >= limit && took < limit * 4, "{took:?}");
        let attempts = trail.attempts();
        assert_eq!(attempts[0].status, Some(504));
        assert_eq!(attempts[0].connect_time, None, "W10: connect time `-`");
        assert!(attempts[0].response_time.unwrap() >= limit);
        assert_eq!(attempts[1].status, Some(200));
    });
}
