//! Accounts outlive a reload, as nginx's shared memory does.

use std::thread;
use std::time::Instant;

use crate::rig::{PATIENCE, Server, status};
use crate::signals::rewrite;

fn http(zone: &str, word: &str) -> String {
    format!(
        "access_log off; limit_req_zone {zone};
         server {{ listen @FRONT; location / {{ limit_req zone=z; }}
         location /word {{ return 200 {word}; }} }}"
    )
}

fn reload(server: &Server, zone: &str, word: &str) {
    rewrite(server, &http(zone, word));
    server.process.signal("HUP");
    let start = Instant::now();
    while !server.ask("GET /word HTTP/1.0\r\n\r\n").ends_with(word) {
        assert!(start.elapsed() < PATIENCE, "never {word}");
    }
}

fn ask(server: &Server) -> u16 {
    status(&server.ask("GET /?k=1 HTTP/1.0\r\n\r\n"))
}

#[test]
fn accounts_are_kept_unless_the_zone_is_another() {
    let server = Server::gateway(&http("$arg_k zone=z:64k rate=1r/m", "one"));
    assert_eq!((ask(&server), ask(&server)), (404, 503));
    reload(&server, "$arg_k zone=z:64k rate=2r/m", "two");
    assert_eq!(ask(&server), 503, "another rate is no other zone");
    rewrite(&server, &http("$arg_j zone=z:64k rate=1r/m", "three"));
    server.process.signal("HUP");
    let refused =
        "limit_req \"z\" uses the \"$arg_j\" key while previously it used the \"$arg_k\" key";
    server.wait_for("error.log", refused);
    assert!(server.ask("GET /word HTTP/1.0\r\n\r\n").ends_with("two"));
    reload(&server, "$arg_k zone=z:128k rate=1r/m", "four");
    assert_eq!((ask(&server), ask(&server)), (404, 503), "another size is");
}

/// Many connections to two workers, one account.
#[test]
fn workers_share_their_zones() {
    let zone = "$arg_k zone=z:64k rate=1r/m";
    let server = Server::gateway(&http(zone, "one"));
    // The file that is written here asks for two.
    reload(&server, zone, "two");
    let passed = thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..10).filter(|_| ask(&server) == 404).count()))
            .collect();
        let passed = clients.into_iter().map(|client| client.join().unwrap());
        passed.sum::<usize>()
    });
    assert_eq!(passed, 1);
}
