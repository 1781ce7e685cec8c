//! HTTP where TLS was expected, and addresses that say which of the two they are.

use super::super::rig::{header, status};
use super::certificates::Files;
use super::client::curl;
use super::{gateway, nginx, server, shows};

/// The parts of an answer that do not name the program.
fn bare(answer: &str) -> String {
    let lines = answer.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        !["server:", "date:", "content-length:"]
            .iter()
            .any(|name| line.starts_with(name))
    });
    let mut lines: Vec<String> = lines
        .map(|line| line.replace("nginx/1.22.1", "tower-upstream"))
        .collect();
    // Headers stand in another order.
    let end = lines
        .iter()
        .position(String::is_empty)
        .unwrap_or(lines.len());
    lines[1.min(end)..end].sort();
    lines.join("\n")
}

#[test]
fn plain_http_is_told_so_as_by_nginx() {
    let files = Files::with_two();
    let http = format!(
        "log_format f '$status $scheme [$https] $ssl_protocol $request';
         access_log access.log f;\n{}",
        server("a.test", &shows("a"))
    );
    let mut answers = Vec::new();
    for mut front in [gateway(&files, &http), nginx(&files, &http)] {
        let get = front.ask("GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n");
        let head = front.ask("HEAD / HTTP/1.0\r\n\r\n");
        let broken = front.ask("no request at all\r\n\r\n");
        let said =
            "client sent plain HTTP request to HTTPS port while reading client request headers";
        let log = front.wait_for("error.log", said);
        assert!(
            log.lines()
                .any(|l| l.contains(said) && l.contains(" [info] "))
        );
        front.process.stop();
        let logged = front.process.read("access.log");
        answers.push([get, head, broken].map(|a| bare(&a)).join("\n--\n") + "\n" + &logged);
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].contains("The plain HTTP request was sent to HTTPS port"));
    assert!(
        answers[0].contains("400 http [] - GET /x HTTP/1.1"),
        "{}",
        answers[0]
    );
}

#[test]
fn an_error_page_sends_plain_http_to_the_right_place() {
    let files = Files::with_two();
    let more = format!(
        "{} error_page 497 https://$host$request_uri; location / {{ return 200 hello; }}",
        shows("a")
    );
    let http = server("a.test", &more);
    for front in [gateway(&files, &http), nginx(&files, &http)] {
        let answer = front.ask("GET /x?y HTTP/1.1\r\nHost: a.test\r\n\r\n");
        assert_eq!(status(&answer), 302, "{answer}");
        assert_eq!(header(&answer, "location"), Some("https://a.test/x?y"));
    }
}

#[test]
fn redirects_stay_with_tls() {
    let files = Files::with_two();
    let more = format!("{} location / {{ return 301 /elsewhere; }}", shows("a"));
    let http = server("a.test", &more);
    for front in [gateway(&files, &http), nginx(&files, &http)] {
        let answer = curl(&front, &files, "-i https://a.test/");
        let want = format!("https://a.test:{}/elsewhere", front.front.port());
        assert_eq!(header(&answer, "location"), Some(&*want));
    }
}
