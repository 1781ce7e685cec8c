//! Clients that come back.

use super::super::rig::Server;
use super::certificates::Files;
use super::client::{LAST, openssl, openssl_at};
use super::{gateway, server, shows};

fn http(more: &str) -> String {
    let more = format!(
        "{} {more} location / {{ return 200 [$ssl_session_reused]; }}",
        shows("a")
    );
    format!("access_log off;\n{}", server("a.test", &more))
}

/// Whether TLS 1.2 is taken up again: OpenSSL comes back five times.
fn again_12(front: &Server, files: &Files, more: &str) -> usize {
    let arguments = format!("-tls1_2 -reconnect -servername a.test {more}");
    let said = openssl(front, files, &arguments, LAST);
    said.matches("Reused, TLSv1.2").count()
}

/// Whether TLS 1.3 is.
fn again_13(front: &Server, files: &Files) -> bool {
    let first = "-tls1_3 -servername a.test -sess_out @/session";
    let said = openssl(front, files, first, LAST);
    assert!(said.contains("[.]"), "{said}");
    if !files.path().join("session").exists() {
        return false;
    }
    let said = openssl(
        front,
        files,
        "-tls1_3 -servername a.test -sess_in @/session",
        LAST,
    );
    std::fs::remove_file(files.path().join("session")).unwrap();
    let reused = said.contains("Reused, TLSv1.3");
    assert_eq!(said.contains("[r]"), reused, "{said}");
    reused
}

#[test]
fn sessions_are_taken_up_again_by_ticket_or_by_number() {
    let files = Files::with_two();
    for (more, by_ticket, by_number) in [
        ("", true, false),
        ("ssl_session_tickets off;", false, false),
        ("ssl_session_cache none;", true, false),
        ("ssl_session_cache shared:s:1m;", true, true),
        (
            "ssl_session_cache builtin; ssl_session_tickets off;",
            true,
            true,
        ),
    ] {
        let front = gateway(&files, &http(more));
        let want = |yes| if yes { 5 } else { 0 };
        assert_eq!(again_12(&front, &files, ""), want(by_ticket), "{more}");
        assert_eq!(
            again_12(&front, &files, "-no_ticket"),
            want(by_number),
            "{more}"
        );
        assert_eq!(again_13(&front, &files), by_ticket, "{more}");
    }
}

#[test]
fn a_session_is_its_servers_own() {
    let files = Files::with_two();
    let cache = "ssl_session_cache shared:s:1m; ssl_session_tickets off;\n";
    let both = ["a", "b"].map(|name| {
        let more = format!(
            "{} location / {{ return 200 [$ssl_session_reused]; }}",
            shows(name)
        );
        server(&format!("{name}.test"), &more)
    });
    let front = gateway(&files, &(cache.to_owned() + &both.concat()));
    for version in ["-tls1_2", "-tls1_3"] {
        let first = format!("{version} -servername a.test -sess_out @/session");
        openssl(&front, &files, &first, LAST);
        let other = format!("{version} -servername b.test -sess_in @/session");
        let said = openssl(&front, &files, &other, LAST);
        assert!(said.contains("[.]") && said.contains("New, "), "{said}");
        let same = format!("{version} -servername a.test -sess_in @/session");
        let said = openssl(&front, &files, &same, LAST);
        assert!(said.contains("[r]"), "{said}");
    }
}

#[test]
fn sessions_end() {
    let files = Files::with_two();
    let front = gateway(
        &files,
        &http("ssl_session_cache shared:s:1m; ssl_session_timeout 0s;"),
    );
    assert_eq!(again_12(&front, &files, ""), 0);
    assert_eq!(again_12(&front, &files, "-no_ticket"), 0);
    assert!(!again_13(&front, &files));
}

#[test]
fn who_was_not_asked_before_is_asked() {
    let files = Files::with_two();
    let strict = super::super::rig::free();
    let more = format!(
        "{} location / {{ return 200 [$ssl_client_verify]; }}",
        shows("a")
    );
    let asking = "ssl_verify_client on; ssl_client_certificate @/ca.pem;";
    let http = format!(
        "ssl_session_cache shared:s:1m; ssl_session_tickets off;\n{}{}",
        server("a.test", &more),
        server("a.test", &format!("{more} {asking}")).replace("@FRONT", &strict.to_string())
    );
    let open = gateway(&files, &http);
    for version in ["-tls1_2", "-tls1_3"] {
        let name = format!("{version} -servername a.test");
        openssl(&open, &files, &format!("{name} -sess_out @/session"), LAST);
        let pair = "-sess_in @/session -cert @/b.pem -key @/b.key";
        let said = openssl_at(strict, &files, &format!("{name} {pair}"), LAST);
        assert!(said.contains("[SUCCESS]"), "{said}");
    }
}
