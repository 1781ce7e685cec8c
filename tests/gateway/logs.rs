//! What is written down.

use super::rig::{Server, answering, free, status};

#[test]
fn attempts_stand_in_both_logs_in_the_words_of_nginx() {
    let (dead, back) = (
        free(),
        answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    );
    let http = format!(
        "log_format f '$status|$upstream_addr|$upstream_status|$upstream_connect_time|$upstream_response_length|$upstream_http_content_length|$sent_http_connection';
         access_log access.log f;
         upstream u {{ server {dead}; server {back}; }}
         upstream gone {{ server {dead}; server {dead} down; }}
         server {{ listen @FRONT; server_name here;
           location / {{ proxy_pass http://u; }}
           location /gone {{ proxy_pass http://gone; }} }}"
    );
    let ours = Server::gateway(&http);
    let nginxs = Server::nginx(&http);
    for server in [&ours, &nginxs] {
        for path in ["/one", "/gone", "/gone"] {
            server.ask(format!(
                "GET {path}?x HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
            ));
        }
    }
    let [ours, nginxs] = [ours, nginxs].map(|mut server| {
        server.process.stop();
        let (access, error) = (
            server.process.read("access.log"),
            server.process.read("error.log"),
        );
        (without_milliseconds(&access), errors(&error))
    });
    let lines: Vec<&str> = ours.0.lines().collect();
    let first = format!("200|{dead}, {back}|502, 200|-, 0.0__|0, 2|2|close");
    assert_eq!(lines[0], first);
    assert_eq!(lines[1], format!("502|{dead}|502|-|0|-|close"));
    assert_eq!(lines[2], "502|gone|502|-|0|-|close");
    assert_eq!(ours.0, nginxs.0);
    assert_eq!(ours.1, nginxs.1);
}

/// A connect time on loopback is a few milliseconds, more or fewer on either side.
fn without_milliseconds(log: &str) -> String {
    let time = regex::Regex::new(r"\b0\.0\d\d\b").expect("an expression");
    time.replace_all(log, "0.0__").into_owned()
}

/// Lines from `[warn]` up, without time, process and connection.
fn errors(log: &str) -> Vec<String> {
    let grave = |line: &&str| line.contains("[error]") || line.contains("[warn]");
    let lines = log.lines().filter(grave);
    lines
        .map(|line| {
            let (level, rest) = line.split_once("] ").expect("a level");
            let message = rest.split_once(": *").map_or(rest, |(_, message)| message);
            let (_, message) = message.split_once(' ').expect("a connection");
            format!("{} {message}", &level[level.find('[').unwrap()..])
        })
        .collect()
}

#[test]
fn lines_have_the_combined_form_by_default() {
    let server = Server::gateway(
        "access_log access.log; server { listen @FRONT; location / { return 200 hello; } }",
    );
    server.ask(
        "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nReferer: r\"r\r\nUser-Agent: u\r\n\
         Authorization: Basic dTpw\r\n\r\n",
    );
    let line = server.wait_for("access.log", "\n");
    let (before, after) = line.split_once('[').unwrap();
    assert_eq!(before, "127.0.0.1 - u ");
    let (time, after) = after.split_once(']').unwrap();
    assert_eq!(time.len(), "23/Nov/2026:09:25:28 +0000".len());
    assert_eq!(after, " \"GET /a?b HTTP/1.1\" 200 5 \"r\\x22r\" \"u\"\n");
}

#[test]
fn a_trusted_proxy_says_who_the_client_is() {
    let server = Server::gateway(
        "log_format f '$remote_addr $request'; access_log access.log f;
         set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For;
         server { listen @FRONT; location / { return 200 hello; } }",
    );
    server.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n\r\n");
    server.wait_for("access.log", "10.0.0.2 GET / HTTP/1.1");
}

#[test]
fn the_sizes_of_chunks_are_bytes_sent_as_well() {
    let back = answering("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ntwenty bytes of text");
    let http = format!(
        "log_format f '$body_bytes_sent'; access_log access.log f;
         server {{ listen @FRONT; location / {{ proxy_pass http://{back}; }} }}"
    );
    for mut server in [Server::gateway(&http), Server::nginx(&http)] {
        server.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        server.ask("GET / HTTP/1.0\r\n\r\n");
        server.process.stop();
        assert_eq!(server.process.read("access.log"), "31\n20\n");
    }
}

/// Who speaks HTTP/2 where nobody does is told so, and logged.
#[test]
fn a_preface_nobody_expects_is_a_bad_request() {
    let http = "log_format f '$status $request'; access_log access.log f; server { listen @FRONT; return 200; }";
    for server in [Server::gateway(http), Server::nginx(http)] {
        let answer = server.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        assert_eq!(status(&answer), 400, "{answer}");
        server.wait_for("access.log", "400 PRI * HTTP/2.0\n");
        // Once, and not behind what was answered before.
        let answer = server.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}
