//! The measurement itself, inside the test's own network.

use std::time::Duration;

use tower_upstream::{NextUpstream, Semantics, Server, Upstream};

use super::load::{Seen, load};
use super::{network, nginx};

pub(crate) const FAULTS: [&str; 4] = ["hangs", "stopped", "unreachable", "slower"];

const GOOD: &str = "127.0.0.1:8001";
const FRONT: &str = "127.0.0.1:8000";

const NGINX: &str = "
    access_log off; keepalive_requests 1000000;
    upstream pair {
        server 127.0.0.1:8001 max_fails=3 fail_timeout=30s;
        server 10.99.0.2:8002 max_fails=3 fail_timeout=30s;
        keepalive 256;
    }
    server {
        listen 127.0.0.1:8000;
        location / {
            proxy_pass http://pair;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_connect_timeout 2s;
            proxy_read_timeout 5s;
            proxy_next_upstream error timeout http_500;
        }
    }
";

/// The same block, in here.
fn pair() -> Upstream {
    let server = |address: &str| {
        Server::new(address)
            .max_fails(3)
            .fail_timeout(Duration::from_secs(30))
    };
    Upstream::builder()
        .server(server(GOOD))
        .server(server(network::FAULTY))
        .keepalive(256)
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(Duration::from_secs(5))
        .next_upstream(NextUpstream::ERROR | NextUpstream::TIMEOUT | NextUpstream::HTTP_500)
        .semantics(Semantics::Strict)
        .build()
        .expect("a group")
}

/// A caller of NGINX's, that keeps its connections.
fn through_nginx() -> Upstream {
    Upstream::builder()
        .server(Server::new(FRONT).max_fails(0))
        .keepalive(2000)
        .keepalive_requests(1_000_000)
        .build()
        .expect("a group")
}

/// Prints the row of one fault, and ends the process with a failure unless what is promised holds.
pub(crate) fn measure(fault: &str) {
    let good = network::Server::near(GOOD);
    let mut faulty = network::Server::far(network::FAULTY);
    let front = FRONT.parse().expect("an address");
    let gateway = nginx::start(NGINX, front);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let rate = std::env::var("RATE").map_or(500, |rate| rate.parse().expect("RATE is a number"));
    let ours = pair();
    let (nginx, here) = runtime.block_on(async {
        let theirs = through_nginx();
        let both = |lasting: u64| {
            let lasting = Duration::from_secs(lasting);
            let nginx = load(theirs.clone(), rate, lasting);
            let here = load(ours.clone(), rate, lasting);
            async { tokio::join!(nginx, here) }
        };
        let (nginx, here) = both(3).await;
        assert_eq!((nginx.failed, here.failed), (0, 0), "before the fault");
        match fault {
            "hangs" => faulty.tell("hang"),
            "stopped" => faulty.stop(),
            "unreachable" => network::lose_packets(),
            _ => faulty.tell("slow"),
        }
        both(10).await
    });
    let suspected = ours.group().snapshot()[1].state.suspicions;
    println!(
        "{fault:<12} {:>20} {:>14} {:>22} {suspected:>11}",
        nginx.stalled,
        here.stalled,
        format!("({}, {})", nginx.failed, here.failed),
    );
    let well = match fault {
        "slower" => stays(&nginx, &here, &ours),
        _ => nginx.stalled > 100 && here.stalled * 10 < nginx.stalled && here.failed == 0,
    };
    drop((good, faulty, gateway));
    if !well {
        eprintln!("{fault}: not as promised");
        std::process::exit(1);
    }
}

/// A server that has become three times slower is neither left alone nor passed over.
fn stays(nginx: &Seen, here: &Seen, ours: &Upstream) -> bool {
    let state = &ours.group().snapshot()[1].state;
    here.failed == 0
        && nginx.failed == 0
        && state.fails == 0
        && state.ejections == 0
        && !state.suspected
}
