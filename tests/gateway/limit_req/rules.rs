//! What is limited, what is logged, and what a refused client gets: the same as from nginx.

use crate::rig::{Server, answering, status};

/// One request a minute, so that no test is too slow for it.
const ZONES: &str = "
    limit_req_zone $arg_k zone=z:64k rate=1r/m;
    limit_req_zone $arg_k zone=y:64k rate=1r/m;
    limit_req_zone $binary_remote_addr zone=all:64k rate=1r/m;
    limit_req_zone $1$http_x_tenant zone=tenants:64k rate=1r/m;
    log_format f '$request_uri $status $limit_req_status'; access_log access.log f;
    ";

/// Both servers, in turn: what they answered and logged.
fn both(
    http: &str,
    play: impl Fn(&Server) -> Vec<String>,
) -> [(Vec<String>, String, Vec<String>); 2] {
    let http = format!("{ZONES}{http}");
    [Server::nginx(&http), Server::gateway(&http)].map(|mut server| {
        let answers = play(&server);
        server.process.stop();
        let errors = errors(&server.process.read("error.log"));
        (answers, server.process.read("access.log"), errors)
    })
}

/// Plays on both, wants the same of both, and gives it.
fn same(http: &str, play: impl Fn(&Server) -> Vec<String>) -> (Vec<String>, String, Vec<String>) {
    let [nginxs, ours] = both(http, play);
    assert_eq!(ours, nginxs);
    ours
}

/// Lines about limits, from their level on; the excess in whole requests, as some of it drains meanwhile.
fn errors(log: &str) -> Vec<String> {
    let excess = regex::Regex::new(r"excess: (\d+\.\d{3})").expect("an expression");
    let rounded = |found: &regex::Captures<'_>| {
        let number: f64 = found[1].parse().expect("a number");
        format!("excess: {number:.0}")
    };
    let lines = log.lines().filter(|line| line.contains("excess: "));
    lines
        .map(|line| {
            let (level, rest) = line.split_once("] ").expect("a level");
            let (_, message) = rest.split_once(": *").expect("a connection");
            let (_, message) = message.split_once(' ').expect("a message");
            let level = &level[level.find('[').unwrap()..];
            format!("{level}] {}", excess.replace(message, rounded))
        })
        .collect()
}

fn get(server: &Server, target: &str) -> String {
    server.ask(format!("GET {target} HTTP/1.0\r\n\r\n"))
}

/// The statuses of these requests, one after the other.
fn statuses(server: &Server, targets: &[&str]) -> Vec<String> {
    let ask = |target: &&str| status(&get(server, target)).to_string();
    targets.iter().map(ask).collect()
}

#[test]
fn refusals_are_pages_and_lines_in_the_words_operators_look_for() {
    let http = "server { listen @FRONT; server_name here; limit_req zone=z;
        location /warn { limit_req_log_level warn; limit_req_status 429; }
        location /info { limit_req_log_level info; limit_req zone=y burst=2 nodelay; }
        location /dry { limit_req_dry_run on; limit_req zone=y burst=2; } }";
    let (answers, access, errors) = same(http, |server| {
        let targets = [
            "/?k=1",
            "/a?k=1",
            "/warn?k=1",
            "/info?k=1",
            "/info?k=1",
            "/info?k=1",
            "/info?k=1",
            "/dry?k=2",
            "/dry?k=2",
            "/dry?k=2",
            "/dry?k=2",
        ];
        targets
            .map(|target| get(server, target))
            .map(without_date)
            .to_vec()
    });
    assert!(answers[1].contains("503 Service Temporarily Unavailable"));
    assert!(answers[2].contains("429 Too Many Requests"));
    let said: Vec<&str> = access
        .lines()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(
        said,
        [
            "404 PASSED",
            "503 REJECTED",
            "429 REJECTED",
            "404 PASSED",
            "404 PASSED",
            "404 PASSED",
            "503 REJECTED",
            "404 PASSED",
            "404 DELAYED_DRY_RUN",
            "404 DELAYED_DRY_RUN",
            "404 REJECTED_DRY_RUN",
        ]
    );
    assert_eq!(
        errors[0],
        "[error] limiting requests, excess: 1 by zone \"z\", client: 127.0.0.1, \
         server: here, request: \"GET /a?k=1 HTTP/1.0\""
    );
    assert!(errors[1].starts_with("[warn] limiting requests, excess: "));
    assert!(errors[2].starts_with("[info] limiting requests, excess: "));
    assert!(errors[3].starts_with("[warn] delaying request, dry run, excess: 1, by zone \"y\""));
    assert!(errors[5].starts_with("[error] limiting requests, dry run, excess: 3 by zone \"y\""));
    assert_eq!(errors.len(), 6);
}

/// What differs: the date, and the names of the servers.
fn without_date(answer: String) -> String {
    let other = ["Date: ", "Server: ", "Content-Length: ", "<hr><center>"];
    let differs = |line: &&str| other.iter().any(|start| line.starts_with(start));
    let lines = answer.lines().filter(|line| !differs(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn levels_inherit_limits_only_if_they_have_none() {
    let http = "limit_req zone=all; limit_req_status 599;
        server { listen @FRONT;
            location /outer { }
            location /own { limit_req zone=z; location /own/in { limit_req_status 429; } }
            location /two { limit_req zone=z; limit_req zone=y burst=1 nodelay; } }
        server { listen @FRONT; server_name b; limit_req zone=y; location / { } }";
    let targets = [
        // The client's only one goes to the outermost level; elsewhere it does not count.
        "/outer",
        "/outer",
        "/own?k=1",
        "/own?k=1",
        "/own/in?k=1",
        "/own/in?k=2",
        // z refuses what y would let through, and y is not charged for it.
        "/two?k=3",
        "/two?k=3",
        "/two?k=3",
        "/two?k=4",
    ];
    let (answers, ..) = same(http, |server| statuses(server, &targets));
    assert_eq!(
        answers,
        [
            "404", "599", "404", "599", "429", "404", "404", "599", "599", "404"
        ]
    );
}

/// 408, 444 and 499 are no answers for nginx, wherever they come from.
#[test]
fn some_statuses_close_the_connection() {
    let http = "server { listen @FRONT; limit_req zone=z; error_page 444 = /no;
        location /a { limit_req_status 444; } location /b { limit_req_status 499; } }";
    let (answers, access, _) = same(http, |server| {
        let targets = ["/a?k=1", "/a?k=1", "/b?k=1", "/c?k=1"];
        targets
            .map(|target| get(server, target))
            .map(without_date)
            .to_vec()
    });
    assert_eq!(answers[1..3], ["", ""]);
    assert!(answers[3].contains(" 503 "));
    assert!(access.contains("/a?k=1 444 REJECTED\n/b?k=1 499 REJECTED\n"));
}

#[test]
fn keys_are_any_text_and_without_one_nobody_is_limited() {
    let http = "server { listen @FRONT;
        location ~ ^/(.)/ { limit_req zone=tenants; } location /k { limit_req zone=z; } }";
    let (answers, access, _) = same(http, |server| {
        let ask = |path: &str, tenant: &str| {
            let request = format!("GET {path} HTTP/1.0\r\nX-Tenant: {tenant}\r\n\r\n");
            status(&server.ask(request)).to_string()
        };
        let mut answers = vec![
            ask("/a/", "t"),
            ask("/b/", "t"),
            ask("/a/", "u"),
            ask("/a/", "t"),
        ];
        // No key, no limit, no status.
        answers.extend(statuses(server, &["/k", "/k", "/k?k=", "/k?k=1", "/k?k=1"]));
        answers
    });
    assert_eq!(
        answers,
        [
            "404", "404", "404", "503", "404", "404", "404", "404", "503"
        ]
    );
    let unlimited = access.lines().filter(|line| line.ends_with(" 404 -"));
    assert_eq!(unlimited.count(), 3);
}

#[test]
fn a_request_is_asked_once_and_never_before_a_return() {
    let back = answering("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let http = format!(
        "server {{ listen @FRONT; limit_req zone=z;
            location /return {{ return 204; }}
            location /sent {{ error_page 502 = /page; proxy_pass http://127.0.0.1:1; }}
            location /page {{ limit_req zone=z burst=1 nodelay; proxy_pass http://{back}; }}
            location /told {{ error_page 503 =200 /page; proxy_pass http://{back}; }}
            location /named {{ limit_req zone=y; error_page 503 @n; proxy_pass http://{back}; }}
            location @n {{ limit_req zone=y; proxy_pass http://{back}; }} }}"
    );
    let targets = [
        "/return?k=1",
        "/return?k=1",
        "/sent?k=1",
        "/page?k=1",
        "/page?k=1",
        "/told?k=1",
        "/named?k=1",
        "/named?k=1",
    ];
    let (answers, access, _) = same(&http, |server| statuses(server, &targets));
    // /sent is charged once though it meets two limits; refused, /told and /named are not asked
    // again where their pages are.
    assert_eq!(
        answers,
        ["204", "204", "200", "200", "503", "200", "200", "503"]
    );
    assert_eq!(
        access
            .lines()
            .filter(|line| line.ends_with("REJECTED"))
            .count(),
        3
    );
}

/// More keys than there is room for: the newest are kept, and they are as many as in nginx.
#[test]
fn a_zone_holds_as_many_keys_as_nginxs() {
    let http = "limit_req_zone $arg_k zone=small:32k rate=1r/m;
        server { listen @FRONT; keepalive_requests 10000; location / { limit_req zone=small; } }";
    let (answers, ..) = same(http, |server| {
        let mut wire = server.connect();
        let mut ask = |key: u32| {
            wire.send(format!("GET /?k=key{key} HTTP/1.1\r\nHost: a\r\n\r\n"));
            status(&wire.response().0)
        };
        for key in 0..300 {
            assert_eq!(ask(key), 404);
        }
        // Whoever is known stays known while he is asked for, newest first.
        let known = (0..300).rev().take_while(|key| ask(*key) == 503);
        vec![known.count().to_string()]
    });
    assert_eq!(answers, ["191"]);
}

/// nginx charges before it lets wait, and does not give back.
#[test]
fn who_leaves_while_waiting_stays_charged() {
    let http = "limit_req_zone $arg_k zone=slow:64k rate=6r/m;
        server { listen @FRONT; location / { limit_req zone=slow burst=1; } }";
    let (answers, access, errors) = same(http, |server| {
        let mut answers = statuses(server, &["/?k=1"]);
        let mut gone = server.connect();
        gone.send("GET /gone?k=1 HTTP/1.0\r\n\r\n");
        server.wait_for("error.log", "delaying request");
        drop(gone);
        server.wait_for("access.log", "/gone?k=1 499 DELAYED");
        answers.extend(statuses(server, &["/?k=1"]));
        answers
    });
    assert_eq!(answers, ["404", "503"]);
    assert_eq!(access.lines().count(), 3);
    assert!(errors[0].starts_with("[warn] delaying request, excess: 1, by zone \"slow\""));
    assert!(errors[1].starts_with("[error] limiting requests, excess: 2 by zone \"slow\""));
}

/// What a client sends behind a head that is refused is no request.
#[test]
fn the_body_of_a_refused_request_is_read_and_forgotten() {
    let http = "server { listen @FRONT; location / { limit_req zone=z; } }";
    let (answers, ..) = same(http, |server| {
        let mut wire = server.connect();
        let mut answers = Vec::new();
        for _ in 0..2 {
            wire.send("POST /?k=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /");
            let (head, _) = wire.response();
            answers.push(status(&head).to_string());
        }
        wire.send("GET /?k=2 HTTP/1.1\r\nHost: a\r\n\r\n");
        answers.push(status(&wire.response().0).to_string());
        answers
    });
    assert_eq!(answers, ["404", "503", "404"]);
}
