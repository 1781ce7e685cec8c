//! `active_check`: servers are left alone that no request has asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use super::rig::{PATIENCE, Server, backend};
use super::signals::{rewrite, wait_for_answer};

/// A backend that says `word`, and whether it is fit.
struct Backend {
    address: SocketAddr,
    fit: Arc<AtomicBool>,
    /// Requests that were no checks.
    asked: Arc<AtomicUsize>,
}

impl Backend {
    fn new(word: &'static str, fit: bool) -> Self {
        let fit = Arc::new(AtomicBool::new(fit));
        let asked = Arc::new(AtomicUsize::new(0));
        let (is_fit, count) = (Arc::clone(&fit), Arc::clone(&asked));
        let address = backend(move |mut wire| {
            while let Some(head) = wire.try_head() {
                let check = head.starts_with("GET /healthz ");
                count.fetch_add(usize::from(!check), SeqCst);
                let status = match check && !is_fit.load(SeqCst) {
                    true => "503 Unfit",
                    false => "200 OK",
                };
                wire.send(format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{word}",
                    word.len()
                ));
            }
        });
        Self {
            address,
            fit,
            asked,
        }
    }

    fn lines(&self, group: &str) -> [String; 2] {
        let (peer, at) = ("health check of peer", self.address);
        [
            format!(": peer is unhealthy: status 503, {peer} {at} in upstream \"{group}\""),
            format!(": peer is healthy, {peer} {at} in upstream \"{group}\""),
        ]
    }
}

const QUICK: &str = "active_check uri=/healthz interval=50ms unsure=10ms timeout=5s";

fn group(more: &str, servers: &[&Backend]) -> String {
    let servers = servers.iter().map(|s| format!("server {};", s.address));
    format!(
        "access_log off; upstream u {{ {more} {} }}
         server {{ listen @FRONT; location / {{ proxy_pass http://u; }} }}",
        servers.collect::<String>()
    )
}

fn words(server: &Server, requests: usize) -> Vec<String> {
    let one = |_| {
        let answer = server.ask("GET / HTTP/1.0\r\n\r\n");
        let word = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        word.to_owned()
    };
    (0..requests).map(one).collect()
}

/// Both workers hear of it, though only one place looks.
#[test]
fn a_server_that_is_unfit_gets_no_requests_until_it_is_fit_again() {
    let (a, b) = (Backend::new("a", false), Backend::new("b", true));
    let server = Server::gateway(&group(&format!("{QUICK};"), &[&a, &b]));
    let [unfit, fit] = a.lines("u");
    server.wait_for("error.log", &unfit);
    let before = a.asked.load(SeqCst);
    assert_eq!(words(&server, 20), ["b"; 20]);
    assert_eq!(a.asked.load(SeqCst), before);
    a.fit.store(true, SeqCst);
    let log = server.wait_for("error.log", &fit);
    assert_eq!(log.matches("health check").count(), 2, "{log}");
    wait_for_answer(&server, "a");
}

#[test]
fn a_mandatory_check_comes_before_the_first_request() {
    let a = Backend::new("a", false);
    let server = Server::gateway(&group(&format!("{QUICK} mandatory;"), &[&a]));
    assert!(server.ask("GET / HTTP/1.0\r\n\r\n").contains(" 502 "));
    assert_eq!(a.asked.load(SeqCst), 0);
    a.fit.store(true, SeqCst);
    server.wait_for("error.log", &a.lines("u")[1]);
    assert_eq!(words(&server, 1), ["a"]);
}

/// Serves this from now on, however long it takes.
fn reload(server: &Server, http: &str, version: &str) {
    let marked = format!("location /version {{ return 200 {version}; }} location / {{ proxy_pass");
    rewrite(server, &http.replace("location / { proxy_pass", &marked));
    server.process.signal("HUP");
    let start = Instant::now();
    while !server
        .ask("GET /version HTTP/1.0\r\n\r\n")
        .ends_with(version)
    {
        assert!(start.elapsed() < PATIENCE, "never {version}");
    }
}

/// What was known is known still, before anybody has looked again; and where nobody looks any more
/// nobody is kept out.
#[test]
fn verdicts_outlive_a_reload_as_long_as_there_are_checks() {
    let (a, b) = (Backend::new("a", false), Backend::new("b", true));
    let server = Server::gateway(&group(&format!("{QUICK};"), &[&a, &b]));
    server.wait_for("error.log", &a.lines("u")[0]);
    // It would take an hour until one that counts as healthy is found out.
    let slowly = "active_check uri=/healthz interval=1h unsure=1h";
    reload(&server, &group(&format!("{slowly};"), &[&a, &b]), "two");
    assert_eq!(words(&server, 20), ["b"; 20]);
    reload(&server, &group("", &[&a, &b]), "three");
    wait_for_answer(&server, "a");
}

/// The group goes on, and so do its checks: one at a time, and under new servers too.
#[test]
fn a_group_that_goes_on_is_checked_on() {
    let (a, b, c) = (
        Backend::new("a", true),
        Backend::new("b", true),
        Backend::new("c", false),
    );
    let lasting = format!("{QUICK}; zone u 64k; semantics strict;");
    let server = Server::gateway(&group(&lasting, &[&a, &b]));
    reload(&server, &group(&lasting, &[&b, &c]), "two");
    server.wait_for("error.log", &c.lines("u")[0]);
    assert_eq!(words(&server, 10), ["b"; 10]);
    c.fit.store(true, SeqCst);
    let log = server.wait_for("error.log", &c.lines("u")[1]);
    assert_eq!(log.matches("health check").count(), 2, "{log}");
}
