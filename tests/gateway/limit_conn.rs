//! Limits on connections, beside nginx: who is counted, until when, and what the others get.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::rig::{PATIENCE, Server, Wire, backend, status};
use crate::signals::rewrite;

/// A backend that answers, and those who ask for `/hold` only once they are let go.
#[derive(Clone, Default)]
struct Back {
    seen: Arc<AtomicUsize>,
    let_go: Arc<(Mutex<bool>, Condvar)>,
}

impl Back {
    fn start(&self) -> String {
        let back = self.clone();
        let serve = move |mut wire: Wire| {
            let Some(head) = wire.try_head() else {
                return;
            };
            back.seen.fetch_add(1, Relaxed);
            if head.starts_with("GET /hold") {
                let (gone, told) = &*back.let_go;
                let held = gone.lock().unwrap();
                drop(told.wait_while(held, |gone| !*gone).unwrap());
            }
            wire.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
        };
        backend(serve).to_string()
    }

    /// Answers them all.
    fn finish(&self, held: impl IntoIterator<Item = Wire>) {
        self.let_go();
        for mut wire in held {
            assert_eq!(status(&wire.rest()), 200);
        }
    }

    fn let_go(&self) {
        let (gone, told) = &*self.let_go;
        *gone.lock().unwrap() = true;
        told.notify_all();
    }

    /// A request that is being served when this returns.
    fn hold(&self, server: &Server, target: &str) -> Wire {
        let before = self.seen.load(Relaxed);
        let mut wire = server.connect();
        wire.send(format!("GET {target} HTTP/1.0\r\n\r\n"));
        wait_until(|| self.seen.load(Relaxed) > before);
        wire
    }
}

fn wait_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        sleep(Duration::from_millis(2));
    }
}

fn get(server: &Server, target: &str) -> u16 {
    status(&server.ask(format!("GET {target} HTTP/1.0\r\n\r\n")))
}

/// What one server answered and logged; access log lines in order of their text, as those that end at
/// once are written in any order.
#[derive(Debug, PartialEq)]
struct Said {
    answers: Vec<u16>,
    access: Vec<String>,
    errors: Vec<String>,
}

const HTTP: &str = "
    limit_conn_zone $arg_k zone=c:64k;
    limit_conn_zone $arg_j zone=d:64k;
    log_format f '$request_uri $status $limit_conn_status $upstream_status';
    access_log access.log f;
    ";

/// Plays on both servers, wants the same of both, and gives it. `@BACK` is the backend.
fn same(http: &str, play: impl Fn(&Server, &Back) -> Vec<u16>) -> Said {
    let [nginxs, ours] = [Server::nginx, Server::gateway].map(|start| {
        let back = Back::default();
        let http = format!("{HTTP}{http}").replace("@BACK", &format!("http://{}", back.start()));
        let mut server = start(&http);
        let answers = play(&server, &back);
        // What is under way is finished, and logged.
        server.process.signal("QUIT");
        server.process.wait();
        let access = server.process.read("access.log");
        let mut access: Vec<String> = access.lines().map(str::to_owned).collect();
        access.sort_unstable();
        Said {
            answers,
            access,
            errors: errors(&server.process.read("error.log")),
        }
    });
    assert_eq!(ours, nginxs);
    ours
}

/// Lines about limits, from their level on.
fn errors(log: &str) -> Vec<String> {
    let about = |line: &&str| line.contains("limiting connections") || line.contains("key is more");
    let lines = log.lines().filter(about);
    lines
        .map(|line| {
            let (level, rest) = line.split_once("] ").expect("a level");
            let (_, message) = rest.split_once(": *").expect("a connection");
            let (_, message) = message.split_once(' ').expect("a message");
            // What nginx adds where an error page has sent the request on from an upstream.
            let message = message.replace(" while sending to client", "");
            let (message, _) = message.split_once(", upstream").unwrap_or((&message, ""));
            format!("{}] {message}", &level[level.find('[').unwrap()..])
        })
        .collect()
}

#[test]
fn w19() {
    let http = "server { listen @FRONT; location / { limit_conn c 2; proxy_pass @BACK; }
        location /dry { limit_conn c 2; limit_conn_dry_run on; proxy_pass @BACK; } }";
    let said = same(http, |server, back| {
        let mut held = [
            back.hold(server, "/hold?k=1"),
            back.hold(server, "/hold?k=1"),
        ];
        let mut answers = vec![get(server, "/third?k=1"), get(server, "/dry?k=1")];
        assert_eq!(back.seen.load(Relaxed), 3, "the third never got there");
        // Another key, and none.
        answers.extend([get(server, "/?k=2"), get(server, "/")]);
        back.let_go();
        answers.extend(held.each_mut().map(|wire| status(&wire.rest())));
        answers.push(get(server, "/?k=1"));
        // Connections that only stay open do not count.
        let mut idle = [0; 3].map(|_| server.connect());
        for wire in &mut idle {
            wire.send("GET /?k=1 HTTP/1.1\r\nHost: a\r\n\r\n");
            answers.push(status(&wire.response().0));
        }
        answers.push(get(server, "/?k=1"));
        answers
    });
    assert_eq!(
        said.answers,
        [503, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]
    );
    let has = |line: &str| said.access.iter().any(|l| l == line);
    assert!(has("/third?k=1 503 REJECTED -"));
    assert!(has("/dry?k=1 200 REJECTED_DRY_RUN 200"));
    assert!(has("/?k=2 200 PASSED 200"));
    assert!(has("/ 200 - 200"));
    assert_eq!(
        said.errors[0],
        "[error] limiting connections by zone \"c\", client: 127.0.0.1, server: , \
         request: \"GET /third?k=1 HTTP/1.0\""
    );
    assert!(said.errors[1].starts_with("[error] limiting connections, dry run, by zone \"c\", "));
}

#[test]
fn levels_say_what_is_refused_and_how() {
    let http = "limit_conn c 1; limit_conn_status 429; limit_conn_log_level warn;
        server { listen @FRONT; error_page 444 = /no; location / { proxy_pass @BACK; }
            location /own { limit_conn d 1; limit_conn_log_level info; proxy_pass @BACK; }
            location /close { limit_conn_status 444; proxy_pass @BACK; } }";
    let said = same(http, |server, back| {
        let held = back.hold(server, "/hold?k=1");
        let closed = server.ask("GET /close?k=1 HTTP/1.0\r\n\r\n");
        assert_eq!(closed, "");
        // Those of its own are all it has.
        let targets = ["/?k=1", "/own?k=1", "/own?k=1&j=1"];
        let answers = targets.map(|target| get(server, target)).to_vec();
        back.finish([held]);
        answers
    });
    assert_eq!(said.answers, [429, 200, 200]);
    let level = |line: &String| line.split(' ').next().unwrap().to_owned();
    let levels: Vec<_> = said.errors.iter().map(level).collect();
    assert_eq!(levels, ["[warn]", "[warn]"]);
}

/// What one zone refuses is not left counted in another.
#[test]
fn a_refusal_gives_the_others_back() {
    let http = "server { listen @FRONT; limit_conn c 2; limit_conn d 1;
        location / { proxy_pass @BACK; } }";
    let said = same(http, |server, back| {
        let held = back.hold(server, "/hold?k=1&j=1");
        let refused = (0..3).map(|_| get(server, "/?k=1&j=1"));
        let mut answers: Vec<u16> = refused.collect();
        answers.push(get(server, "/?k=1&j=2"));
        let more = back.hold(server, "/hold?k=1&j=3");
        answers.push(get(server, "/?k=1&j=4"));
        back.finish([held, more]);
        answers
    });
    assert_eq!(said.answers, [503, 503, 503, 200, 503]);
    assert!(said.errors[2].contains("by zone \"d\""));
    assert!(said.errors[3].contains("by zone \"c\""));
}

#[test]
fn long_keys_are_told_of_and_not_counted() {
    let http = "server { listen @FRONT; limit_conn c 1; location / { proxy_pass @BACK; } }";
    let (longest, too_long) = ("x".repeat(255), "x".repeat(256));
    let said = same(http, |server, back| {
        let keys = [&longest, &too_long];
        let held = keys.map(|key| back.hold(server, &format!("/hold?k={key}")));
        let answers = keys.map(|key| get(server, &format!("/?k={key}")));
        back.finish(held);
        answers.to_vec()
    });
    assert_eq!(said.answers, [503, 200]);
    let told =
        format!("[error] the value of the \"$arg_k\" key is more than 255 bytes: \"{too_long}\"");
    assert!(said.errors[0].starts_with(&told));
    assert!(said.errors[1].contains("by zone \"c\""));
}

#[test]
fn a_request_is_asked_once_and_never_before_a_return() {
    let http = "server { listen @FRONT; location / { limit_conn c 1; proxy_pass @BACK; }
        location /return { limit_conn c 1; return 204; }
        location /told { limit_conn c 1; error_page 503 =200 @page; proxy_pass @BACK; }
        location @page { limit_conn c 1; proxy_pass @BACK; }
        location /free { error_page 502 = @page; proxy_pass http://127.0.0.1:1; }
        location /short { client_max_body_size 1; limit_conn c 1; proxy_pass @BACK; } }";
    let said = same(http, |server, back| {
        let held = back.hold(server, "/hold?k=1");
        let short = "POST /short?k=1 HTTP/1.0\r\nContent-Length: 2\r\n\r\nno";
        let answers = vec![
            get(server, "/return?k=1"),
            get(server, "/told?k=1"),
            // Not counted where it came, so it is where it went.
            get(server, "/free?k=1"),
            get(server, "/free?k=2"),
            status(&server.ask(short)),
        ];
        back.finish([held]);
        answers
    });
    assert_eq!(said.answers, [204, 200, 503, 200, 413]);
}

/// A client that goes away leaves its place at once.
#[test]
fn a_client_that_goes_leaves_its_place() {
    let http = "server { listen @FRONT; limit_conn c 1; location / { proxy_pass @BACK; } }";
    let said = same(http, |server, back| {
        let held = back.hold(server, "/hold?k=1");
        let refused = get(server, "/?k=1");
        drop(held);
        server.wait_for("access.log", "/hold?k=1 499 PASSED");
        vec![refused, get(server, "/?k=1")]
    });
    assert_eq!(said.answers, [503, 200]);
}

/// The new workers count those of the old ones.
#[test]
fn counts_outlive_a_reload() {
    let back = Back::default();
    let address = back.start();
    let http = |word: &str| {
        format!(
            "{HTTP} server {{ listen @FRONT; location / {{ limit_conn c 1; proxy_pass http://{address}; }}
             location /word {{ return 200 {word}; }} }}"
        )
    };
    for server in [
        Server::nginx_with_master(&http("one")),
        Server::gateway(&http("one")),
    ] {
        *back.let_go.0.lock().unwrap() = false;
        let mut held = back.hold(&server, "/hold?k=1");
        rewrite(&server, &http("two"));
        server.process.signal("HUP");
        wait_until(|| server.ask("GET /word HTTP/1.0\r\n\r\n").ends_with("two"));
        assert_eq!(get(&server, "/?k=1"), 503);
        back.let_go();
        assert_eq!(status(&held.rest()), 200);
        wait_until(|| get(&server, "/?k=1") == 200);
    }
}

/// Many connections to two workers, one count.
#[test]
fn workers_share_their_counts() {
    let back = Back::default();
    let address = back.start();
    let http = |word: &str| {
        format!(
            "{HTTP} server {{ listen @FRONT; location / {{ limit_conn c 5; proxy_pass http://{address}; }}
             location /word {{ return 200 {word}; }} }}"
        )
    };
    let server = Server::gateway(&http("one"));
    // The file that is written here asks for two.
    rewrite(&server, &http("two"));
    server.process.signal("HUP");
    wait_until(|| server.ask("GET /word HTTP/1.0\r\n\r\n").ends_with("two"));
    let held = [0; 5].map(|_| back.hold(&server, "/hold?k=1"));
    assert!((0..20).all(|_| get(&server, "/?k=1") == 503));
    back.let_go();
    drop(held);
    wait_until(|| get(&server, "/?k=1") == 200);
}
