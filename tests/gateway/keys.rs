//! Requests that say where they belong go where nginx sends them.

use std::collections::BTreeSet;

use super::rig::{Server, answering, header};

/// One location for each way to say it; the access log tells who was asked.
const HTTP: &str = r#"
access_log off; set_real_ip_from 127.0.0.1; real_ip_header X-Client;
upstream hash { hash $arg_k; server @A; server @B; server @C; }
upstream weights { hash $arg_k; server @A weight=3; server @B weight=2; server @C; }
upstream ring { hash $arg_k consistent; server @A; server @B down; server @C weight=2; }
upstream parts { hash "$http_x_user-$cookie_id$uri" consistent; server @A; server @B; server @C; }
upstream bytes { hash $binary_remote_addr; server @A; server @B; server @C; }
upstream captured { hash $1 consistent; server @A; server @B; server @C; }
upstream named { hash $arg_k consistent; server localhost:@PORT; server @A; server @B; }
upstream ip { ip_hash; server @A; server @B; server @C weight=2; }
server {
    listen @FRONT; proxy_next_upstream off;
    add_header X-Asked $upstream_addr always;
    location /hash { proxy_pass http://hash; }
    location /weights { proxy_pass http://weights; }
    location /ring { proxy_pass http://ring; }
    location /parts { proxy_pass http://parts/; proxy_set_header X-User ""; proxy_set_header Cookie ""; }
    location /bytes { proxy_pass http://bytes; }
    location ~ ^/captured/(.)./ { proxy_pass http://captured; }
    location /named { proxy_pass http://named; }
    location /ip { proxy_pass http://ip; }
}
"#;

const CLIENTS: [&str; 10] = [
    "10.0.0.1",
    "10.0.1.1",
    "10.0.2.200",
    "192.168.1.1",
    "172.16.5.9",
    "8.8.8.8",
    "200.195.169.65",
    "2001:db8::1",
    "::1",
    "fe80::1",
];

fn requests() -> Vec<String> {
    let mut requests = Vec::new();
    for number in 0..12 {
        for path in ["hash", "weights", "ring", "named"] {
            requests.push(format!("GET /{path}?k=key{number} HTTP/1.0\r\n\r\n"));
        }
        requests.push(format!("GET /captured/{number:02}/ HTTP/1.0\r\n\r\n"));
        requests.push(format!(
            "GET /parts/%7{} HTTP/1.0\r\nX-User: u{number}\r\nCookie: a=1; ID={number}\r\n\r\n",
            number % 10
        ));
    }
    for client in CLIENTS {
        for path in ["bytes", "ip"] {
            requests.push(format!(
                "GET /{path} HTTP/1.0\r\nX-Client: {client}\r\n\r\n"
            ));
        }
    }
    requests
}

#[test]
fn every_key_goes_where_nginx_sends_it() {
    let mut http = HTTP.to_owned();
    for name in ["@A", "@B", "@C"] {
        let backend = answering("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
        http = http.replace(name, &backend.to_string());
        // The ring is made of what is written, and a name may have several addresses (CH-1, CH-4).
        http = http.replacen("@PORT", &backend.port().to_string(), 1);
    }
    let (ours, theirs) = (Server::gateway(&http), Server::nginx(&http));
    let mut asked = BTreeSet::new();
    for request in requests() {
        let [ours, theirs] = [&ours, &theirs].map(|server| {
            let answer = server.ask(&request);
            let found = header(&answer, "X-Asked").map(str::to_owned);
            found.unwrap_or_else(|| panic!("{request}: {answer}"))
        });
        assert_eq!(ours, theirs, "{request}");
        asked.insert(theirs);
    }
    assert_eq!(asked.len(), 3, "all had their share");
}
