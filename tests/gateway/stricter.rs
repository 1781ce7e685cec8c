//! Rows of the guide's parity page: what nginx takes from clients and the gateway does not.

use super::rig::{Server, status};

const HTTP: &str =
    "access_log off; server { listen @FRONT; location / { return 200 $request_uri; } }";

/// A request, and what nginx and the gateway answer.
struct Row {
    request: String,
    nginxs: u16,
    ours: u16,
}

fn row(request: &str, nginxs: u16, ours: u16) -> Row {
    let request = format!("{request}\r\nHost: a\r\nConnection: close\r\n\r\n");
    Row {
        request,
        nginxs,
        ours,
    }
}

#[test]
fn requests_nginx_takes_and_the_gateway_refuses() {
    let many: String = (0..120).map(|n| format!("\r\nX{n}: 1")).collect();
    let mut rows = vec![
        row("GET / HTTP/1.2", 200, 400),
        row("GET / HTTP/1.1\r\nnocolon", 200, 400),
        row("GET / HTTP/1.1\r\nA: \u{1}", 200, 400),
        row(&format!("GET / HTTP/1.1{many}"), 200, 400),
        // Alike, since one space more harms nobody.
        row("GET  /  HTTP/1.1", 200, 200),
    ];
    for character in ["<", ">", "`"] {
        rows.push(row(&format!("GET /{character} HTTP/1.1"), 200, 400));
    }
    for character in ["\"", "{", "|", "}", "\\", "'", "^"] {
        rows.push(row(&format!("GET /{character} HTTP/1.1"), 200, 200));
    }
    let (ours, nginxs) = (Server::gateway(HTTP), Server::nginx(HTTP));
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let got = (
                status(&nginxs.ask(&row.request)),
                status(&ours.ask(&row.request)),
            );
            let want = (row.nginxs, row.ours);
            (got != want).then(|| format!("{:?}: {got:?} instead of {want:?}", &row.request))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_follows_a_number_sign_is_cut_off() {
    let (ours, nginxs) = (Server::gateway(HTTP), Server::nginx(HTTP));
    let request = "GET /a#b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(nginxs.ask(request).ends_with("/a#b"));
    assert!(ours.ask(request).ends_with("/a"));
}

#[test]
fn a_request_without_a_version_is_refused() {
    let (ours, nginxs) = (Server::gateway(HTTP), Server::nginx(HTTP));
    assert_eq!(nginxs.ask("GET /a\r\n"), "/a");
    assert_eq!(status(&ours.ask("GET /a\r\n")), 400);
}
