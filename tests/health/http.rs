//! Looks over HTTP.

use tower_upstream::HealthCheck;
use tower_upstream::upstream::config::{HttpProbe, ProbeMethod};

use crate::server::{Act, TestServer};
use crate::world::{World, ms, quick, status, until};

fn check() -> HealthCheck {
    quick(HealthCheck::http("/healthz"))
}

#[tokio::test]
async fn a_server_fails_and_comes_back() {
    let server = TestServer::new(Act::Status(200)).await;
    let name = server.name();
    let mut world = World::checked(&[&name], check());
    world.known().await;
    assert_eq!((world.verdicts(), world.unheard()), (vec![Some(true)], 0));

    server.act(Act::Status(500));
    assert_eq!(world.change().await, format!("{name} down: status 500"));
    assert_eq!(world.verdicts(), [Some(false)]);
    assert_eq!(status(&world.upstream()).await, 502);

    server.act(Act::Status(204));
    assert_eq!(world.change().await, format!("{name} up"));
    assert_eq!(status(&world.upstream()).await, 200);
    assert_eq!(world.unheard(), 0, "each change is told once");
}

#[tokio::test]
async fn requests_never_go_to_an_unhealthy_server() {
    let (well, sick) = (
        TestServer::new(Act::Status(200)).await,
        TestServer::new(Act::Status(503)).await,
    );
    let (well_name, sick_name) = (well.name(), sick.name());
    let mut world = World::checked(&[&sick_name, &well_name], check());
    assert_eq!(
        world.change().await,
        format!("{sick_name} down: status 503")
    );
    let before = sick.requests();
    let orders = world.upstream();
    for _ in 0..20 {
        assert_eq!(status(&orders).await, 200);
    }
    assert_eq!((well.requests(), sick.requests()), (20, before));
}

#[tokio::test]
async fn a_server_that_is_gone_and_returns() {
    let mut server = TestServer::new(Act::Status(200)).await;
    let name = server.name();
    let mut world = World::checked(&[&name], check());
    world.known().await;
    server.close().await;
    let change = world.change().await;
    let expected = format!("{name} down: no connection: ");
    assert!(change.starts_with(&expected), "{change}");
    server.reopen().await;
    assert_eq!(world.change().await, format!("{name} up"));
}

#[tokio::test]
async fn what_never_comes_and_what_comes_too_late_is_a_timeout() {
    for act in [Act::Hang, Act::Stall, Act::Late(ms(60_000))] {
        let server = TestServer::new(act).await;
        let name = server.name();
        let mut world = World::checked(&[&name], check().timeout(ms(30)));
        assert_eq!(world.change().await, format!("{name} down: timed out"));
        server.act(Act::Status(200));
        let check = check().timeout(ms(5000));
        let mut world = World::checked(&[&name], check.mandatory());
        assert_eq!(world.change().await, format!("{name} up"));
    }
}

#[tokio::test]
async fn a_slow_server_is_well() {
    let server = TestServer::new(Act::Late(ms(50))).await;
    let mut world = World::checked(&[&server.name()], check().mandatory());
    assert_eq!(world.change().await, format!("{} up", server.name()));
}

#[tokio::test]
async fn a_body_need_not_end_but_must_not_break_off() {
    let server = TestServer::new(Act::Endless).await;
    let name = server.name();
    let mut world = World::checked(&[&name], check().mandatory());
    assert_eq!(world.change().await, format!("{name} up"));

    server.act(Act::Bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno"));
    let change = world.change().await;
    let expected = format!("{name} down: no proper answer: ");
    assert!(change.starts_with(&expected), "{change}");
}

/// Had a look panicked, the reason would be a task's end.
#[tokio::test]
async fn whatever_is_answered_is_well_or_has_a_reason() {
    let broken = "down: no proper answer: ";
    for (bytes, verdict) in [
        ("", broken),
        ("\0\0\0\0", broken),
        ("220 smtp.example ESMTP\r\n", broken),
        ("HTTP/1.1 200", broken),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            broken,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            broken,
        ),
        (
            "HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n",
            "down: status 999",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "down: status 101",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\n\r\n",
            "down: status 500",
        ),
        ("HTTP/1.1 200 OK\r\n\r\n\r\n\r\nHTTP/1.1", "up"),
        ("HTTP/1.0 204 No Content\r\n\r\n", "up"),
    ] {
        let server = TestServer::new(Act::Bytes(bytes)).await;
        let name = server.name();
        let check = match verdict {
            "up" => check().mandatory(),
            _ => check().fall(1),
        };
        let change = World::checked(&[&name], check).change().await;
        let expected = format!("{name} {verdict}");
        assert!(change.starts_with(&expected), "{bytes:?}: {change}");
    }
}

#[tokio::test]
async fn it_asks_as_configured() {
    let server = TestServer::new(Act::Status(404)).await;
    let name = server.name();
    let probe = HttpProbe {
        path: "/healthz?deep=1".into(),
        host: Some("orders.internal".into()),
        status: "404,500-599".parse().unwrap(),
        method: ProbeMethod::Head,
    };
    let mut world = World::checked(&[&name], quick(HealthCheck::new(probe)).mandatory());
    assert_eq!(world.change().await, format!("{name} up"));
    server.act(Act::Status(200));
    assert_eq!(world.change().await, format!("{name} down: status 200"));
    let head = server.checks()[0].clone();
    assert_eq!(
        head,
        "HEAD /healthz?deep=1 HTTP/1.1\r\nHost: orders.internal\r\nConnection: close\r\n\r\n"
    );
}

#[tokio::test]
async fn each_look_has_a_connection_of_its_own_and_closes_it() {
    let server = TestServer::new(Act::Status(200)).await;
    let name = server.name();
    let world = World::checked(&[&name], check());
    until(|| server.checks().len() >= 5 && server.connections().1 >= 5).await;
    let looks = server.checks();
    assert!(looks.iter().all(|look| look.contains("Host: orders\r\n")));
    let (connections, ended) = server.connections();
    assert!(connections - ended <= 1, "{connections} {ended}");
    assert!(connections - looks.len() <= 1, "{connections}");
    assert_eq!(world.group.idle_connections(), 0);
}

/// The server hangs, the look is given up, and its connection with it.
#[tokio::test]
async fn looks_that_are_given_up_close_their_connections() {
    let server = TestServer::new(Act::Hang).await;
    let mut world = World::checked(&[&server.name()], check().timeout(ms(20)).fall(2));
    world.change().await;
    world.running.abort();
    until(|| {
        let (connections, ended) = server.connections();
        connections >= 2 && connections == ended
    })
    .await;
}

#[tokio::test]
async fn another_port_is_looked_at() {
    let (server, watcher) = (
        TestServer::new(Act::Status(200)).await,
        TestServer::new(Act::Status(503)).await,
    );
    let name = server.name();
    let mut world = World::checked(&[&name], check().port(watcher.address.port()));
    assert_eq!(world.change().await, format!("{name} down: status 503"));
    assert_eq!(server.checks().len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_are_looked_at_too() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nok").await;
        }
    });
    let name = format!("unix:{}", path.display());
    let mut world = World::checked(&[&name], check().port(1).mandatory());
    assert_eq!(world.change().await, format!("{name} up"));
}
