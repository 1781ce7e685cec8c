//! Servers whose names are DNS's to tell, while the gateway serves. Names are looked up again after
//! two seconds here: what `valid=` says, and one to be sure.

use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Instant;

use hickory_server::proto::rr::Record;

use super::name_server::{Mood, NameServer, orders};
use super::rig::{PATIENCE, Server, Wire};

/// Two servers of one port that say who they are.
fn pair() -> u16 {
    loop {
        let one = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = one.local_addr().expect("its address").port();
        let at = SocketAddr::from(([127, 0, 0, 2], port));
        if let Ok(two) = TcpListener::bind(at) {
            saying("one", one);
            saying("two", two);
            return port;
        }
    }
}

fn saying(word: &'static str, listener: TcpListener) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut wire = Wire(stream);
            if wire.try_head().is_some() {
                wire.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{word}"
                ));
            }
        }
    });
}

fn http(name_server: &NameServer, port: u16) -> String {
    format!(
        "access_log off; resolver {} valid=1s ipv6=off; resolver_timeout 1s;
         upstream u {{ zone u 64k; server orders.example:{port} resolve max_fails=0; }}
         server {{ listen @FRONT; location / {{ proxy_pass http://u; }} }}",
        name_server.address
    )
}

async fn started(records: Vec<Record>) -> (NameServer, Server) {
    let name_server = NameServer::start(records).await;
    let server = Server::gateway(&http(&name_server, pair()));
    (name_server, server)
}

/// Asks until this is the end of the answer.
fn until(server: &Server, end: &str) {
    let start = Instant::now();
    loop {
        let answer = server.ask("GET / HTTP/1.0\r\n\r\n");
        if answer.trim_end().ends_with(end) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "never {end}: {answer}");
        thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_follow_the_name_and_the_log_says_what_went_wrong() {
    let (name_server, server) = started(orders(60, &["127.0.0.1"])).await;
    until(&server, "one");
    name_server.holds(orders(60, &["127.0.0.2"]));
    until(&server, "two");
    name_server.mood(Mood::Silent);
    let timed_out = "orders.example could not be resolved (110: Operation timed out)";
    server.wait_for("error.log", timed_out);
    until(&server, "two");
    name_server.mood(Mood::Answers);
    name_server.holds(Vec::new());
    let not_found = "orders.example could not be resolved (3: Host not found)";
    let log = server.wait_for("error.log", not_found);
    let line = log
        .lines()
        .find(|line| line.ends_with(not_found))
        .expect("a line");
    assert!(line.contains(" [error] "), "{line}");
    // NGINX's page has its status in its heading.
    let answer = server.ask("GET / HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_knows_what_dns_has_said_and_goes_on_asking() {
    let (name_server, server) = started(orders(60, &["127.0.0.1"])).await;
    until(&server, "one");
    name_server.mood(Mood::Silent);
    for reloads in 1..=2 {
        server.process.signal("HUP");
        let start = Instant::now();
        let told = || {
            server
                .process
                .read("error.log")
                .matches("reconfiguring")
                .count()
        };
        while told() < reloads {
            assert!(start.elapsed() < PATIENCE, "no reload");
            thread::yield_now();
        }
        for _ in 0..100 {
            let answer = server.ask("GET / HTTP/1.0\r\n\r\n");
            assert!(answer.ends_with("one"), "{answer}");
        }
    }
    name_server.holds(orders(60, &["127.0.0.2"]));
    name_server.mood(Mood::Answers);
    until(&server, "two");
}
