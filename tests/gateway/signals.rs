//! Stopping, finishing and reloading.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::rig::{PATIENCE, Server, Wire, answering, backend, free, header, status};

/// A backend that says `word` after `delay`.
fn slow(word: &'static str, delay: Duration) -> std::net::SocketAddr {
    backend(move |mut wire| {
        while wire.try_head().is_some() {
            thread::sleep(delay);
            wire.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{word}",
                word.len()
            ));
        }
    })
}

fn returning(word: &str) -> String {
    format!("access_log off; server {{ listen @FRONT; location / {{ return 200 {word}; }} }}")
}

/// Rewrites the file of a running server.
pub(crate) fn rewrite(server: &Server, http: &str) {
    let text = format!(
        "worker_processes 2;\npid gateway.pid;\nerror_log error.log info;\n\
         events {{ worker_connections 4096; }}\nhttp {{\n{}}}\n",
        http.replace("@FRONT", &server.front.to_string())
    );
    std::fs::write(server.process.path("test.conf"), text).unwrap();
}

pub(crate) fn wait_for_answer(server: &Server, word: &str) {
    let start = Instant::now();
    while !server.ask("GET / HTTP/1.0\r\n\r\n").ends_with(word) {
        assert!(start.elapsed() < PATIENCE, "never {word}");
    }
}

#[test]
fn the_pid_file_is_there_while_the_process_is() {
    let mut server = Server::gateway(&returning("hello"));
    let pid = server.process.read("gateway.pid");
    assert!(pid.trim().parse::<u32>().is_ok(), "{pid:?}");
    server.process.stop();
    assert!(!server.process.path("gateway.pid").exists());
}

#[test]
fn quit_finishes_what_is_under_way_and_takes_nothing_new() {
    let back = slow("done", Duration::from_millis(600));
    let mut server = Server::gateway(&format!(
        "access_log access.log; server {{ listen @FRONT; location / {{ proxy_pass http://{back}; }} }}"
    ));
    let mut idle = server.connect();
    idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.response().1, "done");
    let mut wire = server.connect();
    wire.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
    thread::sleep(Duration::from_millis(100));
    server.process.signal("QUIT");
    let text = wire.rest();
    assert!(text.ends_with("done"), "{text}");
    assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
    server.process.wait();
    assert!(idle.is_closed());
    assert!(std::net::TcpStream::connect(server.front).is_err());
    assert!(server.process.read("access.log").contains("/last"));
}

#[test]
fn term_stops_at_once_and_the_log_is_complete() {
    let back = slow("late", Duration::from_secs(4));
    let mut server = Server::gateway(&format!(
        "access_log access.log; server {{ listen @FRONT; location / {{ return 200 hello; }}
         location /slow {{ proxy_pass http://{back}; }} }}"
    ));
    let mut hanging = server.connect();
    hanging.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..100 {
        server.ask("GET / HTTP/1.0\r\n\r\n");
    }
    let start = Instant::now();
    server.process.stop();
    assert!(start.elapsed() < Duration::from_secs(2));
    let log = server.process.read("access.log");
    assert_eq!(log.matches("\"GET / HTTP/1.0\" 200 5").count(), 100);
}

#[test]
fn a_reload_swaps_the_configuration_and_a_bad_file_is_refused() {
    let server = Server::gateway(&returning("one"));
    rewrite(&server, &returning("two"));
    server.process.signal("HUP");
    wait_for_answer(&server, "two");
    rewrite(&server, "server { listen @FRONT; nonsense; }");
    server.process.signal("HUP");
    server.wait_for("error.log", "unknown directive \"nonsense\"");
    assert!(server.ask("GET / HTTP/1.0\r\n\r\n").ends_with("two"));
    rewrite(&server, &returning("three"));
    server.process.signal("HUP");
    wait_for_answer(&server, "three");
}

#[test]
fn a_reload_that_cannot_listen_changes_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::gateway(&returning("one"));
    let other = taken.local_addr().unwrap();
    rewrite(
        &server,
        &format!("{} server {{ listen {other}; }}", returning("two")),
    );
    server.process.signal("HUP");
    server.wait_for("error.log", &format!("bind() to {other} failed"));
    assert!(server.ask("GET / HTTP/1.0\r\n\r\n").ends_with("one"));
}

#[test]
fn no_request_fails_while_the_configuration_changes() {
    let back = slow("fine", Duration::from_millis(2));
    let http = format!(
        "access_log off; upstream u {{ server {back}; keepalive 8; }}
         server {{ listen @FRONT; keepalive_requests 100000; location / {{ proxy_pass http://u;
         proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}"
    );
    let server = Arc::new(Server::gateway(&http));
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (front, over) = (server.front, Arc::clone(&over));
            thread::spawn(move || client(front, number % 2 == 0, &over))
        })
        .collect();
    for _ in 0..5 {
        rewrite(&server, &http);
        server.process.signal("HUP");
        thread::sleep(Duration::from_millis(300));
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        let served = client.join().expect("a client without failures");
        assert!(served > 50, "only {served} requests");
    }
    let reloads = server
        .process
        .read("error.log")
        .matches("reconfiguring")
        .count();
    assert_eq!(reloads, 5);
}

/// Asks until it is over, on one connection while the server keeps it or on a new one each time.
fn client(front: std::net::SocketAddr, keep: bool, over: &AtomicBool) -> u32 {
    let mut wire = Wire::to(front);
    let mut served = 0;
    while !over.load(Ordering::Relaxed) {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (head, body) = wire.response();
        assert_eq!((status(&head), body.as_str()), (200, "fine"));
        served += 1;
        if !keep || head.contains("\r\nConnection: close\r\n") {
            wire = Wire::to(front);
        }
    }
    served
}

/// What is passed to `back`, with one answer that says which configuration this is.
fn passing(number: u32, semantics: &str, servers: &[std::net::SocketAddr]) -> String {
    let servers = servers
        .iter()
        .map(|at| format!("server {at} fail_timeout=60s;"));
    let servers: String = servers.collect();
    format!(
        "access_log off; upstream u {{ zone u 64k; {semantics} {servers} }}
         server {{ listen @FRONT; keepalive_requests 100000; location = /number {{ return 200 n{number}; }}
         location / {{ proxy_pass http://u; proxy_next_upstream error; add_header X-Asked $upstream_addr; }} }}"
    )
}

/// Rewrites the file of a running server, tells it, and waits until it serves what stands there now.
fn reload(server: &Server, number: u32, from: &str, to: &str) {
    let (old, new) = [from, to]
        .map(|http| http.replace("@FRONT", &server.front.to_string()))
        .into();
    let file = server.process.path("test.conf");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&old));
    std::fs::write(file, text.replace(&old, &new)).unwrap();
    server.process.signal("HUP");
    let start = Instant::now();
    let mut streak = 0;
    // The workers before may take in a connection or two while they hear of it.
    while streak < 20 {
        let answer = server.ask("GET /number HTTP/1.0\r\n\r\n");
        streak = if answer.ends_with(&format!("n{number}")) {
            streak + 1
        } else {
            0
        };
        assert!(start.elapsed() < PATIENCE, "never n{number}");
    }
}

fn asked(server: &Server) -> String {
    let answer = server.ask("GET / HTTP/1.0\r\n\r\n");
    header(&answer, "X-Asked")
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

#[test]
fn a_reload_forgets_who_was_banned_as_nginx_does() {
    let (gone, back, other) = (free(), answering(FINE), answering(FINE));
    let (one, two) = (
        passing(1, "", &[gone, back]),
        passing(2, "", &[gone, other]),
    );
    for server in [Server::gateway(&one), Server::nginx_with_master(&one)] {
        assert_eq!(asked(&server), format!("{gone}, {back}"));
        assert_eq!(asked(&server), format!("{back}"));
        reload(&server, 2, &one, &two);
        assert_eq!(asked(&server), format!("{gone}, {other}"));
    }
}

#[test]
fn a_strict_zone_goes_on_with_the_servers_that_stay() {
    let (gone, back, other) = (free(), answering(FINE), answering(FINE));
    let strict = |number, servers: &[_]| passing(number, "semantics strict;", servers);
    let (one, two) = (strict(1, &[gone, back]), strict(2, &[gone, other]));
    let server = Server::gateway(&one);
    assert_eq!(asked(&server), format!("{gone}, {back}"));
    reload(&server, 2, &one, &two);
    for _ in 0..10 {
        assert_eq!(
            asked(&server),
            format!("{other}"),
            "one is banned, one is no more"
        );
    }
}

#[test]
fn a_reload_under_load_moves_to_the_new_servers_and_streams_finish() {
    for semantics in ["", "semantics strict;"] {
        let (old, new) = (
            slow("fine", Duration::from_millis(2)),
            slow("fine", Duration::from_millis(2)),
        );
        let stream = backend(|mut wire| {
            if wire.try_head().is_some() {
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
                for _ in 0..10 {
                    thread::sleep(Duration::from_millis(100));
                    wire.send("abc");
                }
            }
        });
        let streaming = passing(0, semantics, &[stream]);
        let (one, two) = (passing(1, semantics, &[old]), passing(2, semantics, &[new]));
        let server = Arc::new(Server::gateway(&streaming));
        let mut streaming_on = server.connect();
        streaming_on.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        streaming_on.until("\r\n\r\n");
        reload(&server, 1, &streaming, &one);
        let over = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..4)
            .map(|number| {
                let (front, over) = (server.front, Arc::clone(&over));
                thread::spawn(move || client(front, number % 2 == 0, &over))
            })
            .collect();
        reload(&server, 2, &one, &two);
        for _ in 0..50 {
            assert_eq!(asked(&server), new.to_string());
        }
        over.store(true, Ordering::Relaxed);
        for client in clients {
            let served = client.join().expect("a client without failures");
            assert!(served > 0);
        }
        assert_eq!(streaming_on.rest(), "abc".repeat(10));
    }
}
