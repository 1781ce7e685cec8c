//! SIGHUP and what is read again.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::super::rig::{PATIENCE, backend};
use super::super::signals::rewrite;
use super::certificates::Files;
use super::client::{LAST, curl, openssl};
use super::{gateway, server, shows};

/// Waits until handshakes show this.
fn wait_for(front: &super::Server, files: &Files, subject: &str) {
    let start = Instant::now();
    while !openssl(front, files, "", LAST).contains(subject) {
        assert!(start.elapsed() < PATIENCE, "never {subject}");
    }
}

#[test]
fn certificates_are_read_again_and_what_is_under_way_goes_on() {
    let files = Files::with_two();
    let (arrived, arrives) = channel();
    let (release, released) = channel();
    let released = Arc::new(Mutex::new(released));
    let back = backend(move |mut wire| {
        if wire.try_head().is_some() {
            arrived.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
        }
    });
    let more = format!("{} location / {{ return 200 x; }}", shows("a"));
    let more = format!("{more} location /slow {{ proxy_pass http://{back}; }}");
    let front = gateway(&files, &server("a.test", &more));
    thread::scope(|scope| {
        let slow = scope.spawn(|| curl(&front, &files, "https://a.test/slow"));
        arrives.recv_timeout(PATIENCE).unwrap();
        files.vouch("a", "new.test");
        front.process.signal("HUP");
        wait_for(&front, &files, "subject=CN = new.test");
        release.send(()).unwrap();
        assert_eq!(slow.join().unwrap(), "late");
    });
}

#[test]
fn a_bad_certificate_is_refused_and_the_old_one_stays() {
    let files = Files::with_two();
    let http = server("a.test", &shows("a"));
    let front = gateway(&files, &http);
    files.write("a.pem", "not a certificate any more\n");
    front.process.signal("HUP");
    let log = front.wait_for("error.log", "refused, the old one stays");
    let line = log
        .lines()
        .find(|line| line.contains("cannot load certificate"));
    let line = line.expect("what is wrong");
    assert!(
        line.contains(" [emerg] ") && line.contains("test.conf:"),
        "{line}"
    );
    wait_for(&front, &files, "subject=CN = a.test");
    // A key that belongs to another is no better.
    files.vouch("a", "new.test");
    std::fs::copy(files.path().join("b.key"), files.path().join("a.key")).unwrap();
    front.process.signal("HUP");
    front.wait_for("error.log", "key values mismatch");
    wait_for(&front, &files, "subject=CN = a.test");
    files.vouch("a", "newer.test");
    front.process.signal("HUP");
    wait_for(&front, &files, "subject=CN = newer.test");
}

#[test]
fn a_shared_cache_outlives_a_reload() {
    let files = Files::with_two();
    let cache = |size: &str| {
        let more = format!(
            "{} ssl_session_tickets off; location / {{ return 200 [$ssl_session_reused]; }}",
            shows("a")
        );
        format!(
            "ssl_session_cache shared:s:{size};\n{}",
            server("a.test", &more)
        )
    };
    let front = gateway(&files, &cache("1m"));
    let come_back = || openssl(&front, &files, "-tls1_2 -sess_in @/session", LAST);
    openssl(&front, &files, "-tls1_2 -sess_out @/session", LAST);
    assert!(come_back().contains("[r]"));
    let mut reloads = 0;
    let mut reload = |size| {
        rewrite(&front, &files.named(&cache(size)));
        front.process.signal("HUP");
        reloads += 1;
        let start = Instant::now();
        while front
            .process
            .read("error.log")
            .matches("reconfiguring")
            .count()
            < reloads
        {
            assert!(start.elapsed() < PATIENCE);
        }
    };
    reload("1m");
    assert!(come_back().contains("[r]"));
    reload("2m");
    let start = Instant::now();
    while come_back().contains("[r]") {
        assert!(start.elapsed() < PATIENCE, "another size is another cache");
    }
}
