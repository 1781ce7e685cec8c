//! Several lines of one group, some of them literal.

use std::time::Duration;

use hickory_server::proto::op::ResponseCode;
use tokio::time::timeout;
use tower_upstream::dns::Servers;
use tower_upstream::{GroupConfig, Server};

use crate::name_server::{Mood, NameServer, host, srv};

const PATIENCE: Duration = Duration::from_secs(15);

fn addresses(list: &[Server]) -> Vec<&str> {
    list.iter().map(|server| server.address.as_str()).collect()
}

async fn until(servers: &mut Servers, expected: &[&str]) {
    let looking = async {
        while addresses(&servers.list()) != expected {
            servers.next().await;
        }
    };
    let waited = timeout(PATIENCE, looking).await;
    assert!(waited.is_ok(), "{:?}", addresses(&servers.list()));
}

#[tokio::test]
async fn lines_move_each_by_itself_and_keep_what_they_say() {
    let zone = |orders: &str, spare: &str| {
        vec![
            host("orders", 0, orders),
            host("spare", 0, spare),
            srv("_http._tcp.pool", 0, (1, 5, 8080), "spare"),
        ]
    };
    let server = NameServer::start(zone("10.0.0.1", "10.0.0.8")).await;
    let mut config = GroupConfig::new("orders");
    config.resolver = server.config();
    config.servers = vec![
        Server::new("orders.example").resolve().max_fails(3),
        Server::new("127.0.0.1:81").weight(2),
        Server::new("pool.example").service("http").backup(),
        Server::new("[::1]:82").resolve(),
        Server::new("unix:/run/orders.sock").backup(),
    ];
    let mut servers = Servers::new(&config).unwrap();
    assert!(!servers.is_fixed());
    let fixed = ["127.0.0.1:81", "[::1]:82", "unix:/run/orders.sock"];
    assert_eq!(addresses(&servers.list()), fixed, "before the first answer");

    let with = |orders, spare| [&fixed[..], &[orders, spare]].concat();
    until(&mut servers, &with("10.0.0.1:80", "10.0.0.8:8080")).await;
    assert_eq!(
        servers.list()[3..],
        [
            Server::new("10.0.0.1:80")
                .max_fails(3)
                .origin("orders.example"),
            Server::new("10.0.0.8:8080")
                .weight(5)
                .backup()
                .origin("spare.example"),
        ]
    );
    server.holds(zone("10.0.0.2", "10.0.0.8"));
    until(&mut servers, &with("10.0.0.2:80", "10.0.0.8:8080")).await;

    server.mood(Mood::RefusesOne("orders", ResponseCode::ServFail));
    server.holds(zone("10.0.0.3", "10.0.0.9"));
    until(&mut servers, &with("10.0.0.2:80", "10.0.0.9:8080")).await;
    let mut told = String::new();
    while !told.contains("orders.example could not be resolved (2: Server failure)") {
        let look = timeout(PATIENCE, servers.look()).await.expect("it looks");
        told = look.watch.troubles().join("\n");
    }
}

#[tokio::test]
async fn without_names_nothing_ever_changes() {
    let mut config = GroupConfig::new("orders");
    config.servers = vec![Server::new("127.0.0.1:81").resolve()];
    let mut servers = Servers::new(&config).unwrap();
    assert!(servers.is_fixed());
    let next = timeout(Duration::from_millis(50), servers.next()).await;
    assert!(next.is_err());
}

#[test]
fn everything_wrong_is_told_at_once() {
    let mut config = GroupConfig::new("orders");
    config.servers = vec![
        Server::new("no-such-host.invalid:80"),
        Server::new("orders.example").resolve(),
    ];
    config.resolver.servers = vec!["no-such-host.invalid".into(), "127.0.0.1:5353".into()];
    let error = Servers::new(&config).unwrap_err();
    assert_eq!(
        error.problems(),
        [
            "host not found in upstream \"no-such-host.invalid:80\"",
            "host not found in resolver \"no-such-host.invalid\"",
        ]
    );
}
