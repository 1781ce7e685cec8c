//! What files come to as values; what is wrong with broken ones is told in `tests/gateway_check`.

use std::path::PathBuf;
use std::time::Duration;

use tower_upstream::balance::Method;
use tower_upstream::limit::rate::{Delay, Limit, Rate};

use super::read;
use crate::config::{
    AccessLog, Action, Answer, Config, ErrorLog, Level, LimitRequests, ListenAddress, LogPath,
    Matcher, PageStatus, PassUri, ProxyPass, RealIpFrom, RedirectFrom, ServerName,
};
use crate::tls::VerifyClient;

fn config(text: &str) -> Config {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("nginx.conf");
    std::fs::write(&path, text).expect("written");
    let (config, problems) = read(&path, &crate::tls::Stores::default());
    let said: Vec<String> = problems.iter().map(|p| p.to_string()).collect();
    config.unwrap_or_else(|| panic!("{said:#?}"))
}

fn http(inside: &str) -> Config {
    config(&format!("events {{ }}\nhttp {{ {inside} }}"))
}

/// The `proxy_pass` of a location of the first server.
fn pass(config: &Config, location: usize) -> &ProxyPass {
    match &config.servers[0].locations[location].action {
        Action::Proxy(pass) => pass,
        Action::None => panic!("no proxy_pass"),
    }
}

#[test]
fn nginx_defaults() {
    let config = http("server { location / { proxy_pass http://127.0.0.1; } }");
    assert_eq!((config.workers, config.worker_connections), (1, 512));
    assert_eq!((config.pid, config.error_log), (None, None));
    let listen = &config.listens[0];
    let any = ListenAddress::Tcp("0.0.0.0:80".parse().expect("an address"));
    assert_eq!(
        (&listen.address, listen.default_server, listen.backlog),
        (&any, 0, 511)
    );
    let server = &config.servers[0];
    assert!(matches!(&server.names[..], [ServerName::Exact(name)] if name.is_empty()));
    assert_eq!(server.client_header_timeout, Duration::from_secs(60));
    assert_eq!(server.client_header_buffer_size, 1024);
    assert_eq!(server.large_client_header_buffers, (4, 8192));
    let location = &server.locations[0];
    assert_eq!(location.client_max_body_size, 1 << 20);
    assert_eq!(location.client_body_timeout, Duration::from_secs(60));
    assert_eq!(location.keepalive_timeout, Duration::from_secs(75));
    assert_eq!(
        (location.keepalive_header, location.keepalive_requests),
        (None, 1000)
    );
    let log = AccessLog {
        path: "logs/access.log".into(),
        format: 0,
    };
    assert_eq!(location.access_logs, [log]);
    assert_eq!(location.real_ip_header, "X-Real-IP");
}

#[test]
fn limits_on_requests() {
    let config = http(
        "limit_req zone=b; limit_req_log_level warn;
         limit_req_zone $binary_remote_addr zone=a:10m rate=10r/s;
         limit_req_zone $host$uri zone=b:32k rate=5r/m;
         server { limit_req_status 429; location /outer { }
           location /own { limit_req zone=a burst=9 delay=3; limit_req zone=b burst=2 nodelay;
             limit_req_dry_run on; limit_req_log_level info; } }",
    );
    let zones = &config.request_zones;
    assert_eq!(zones[0].zone.bytes, 10 << 20);
    assert_eq!(zones[0].zone.rate, Rate::per_second(10));
    assert_eq!(zones[1].zone.rate, Rate::per_minute(5));
    assert_eq!(zones[1].key_text, "$host$uri");
    let [outer, own] = &config.servers[0].locations[..] else {
        panic!("two locations");
    };
    assert_eq!(
        outer.limit_req,
        LimitRequests {
            limits: vec![(1, Limit::default())],
            status: 429,
            dry_run: false,
            refused_level: Level::Warn,
            delayed_level: Level::Notice,
        }
    );
    let limit = |burst, delay| Limit { burst, delay };
    assert_eq!(
        own.limit_req,
        LimitRequests {
            limits: vec![(0, limit(9, Delay::After(3))), (1, limit(2, Delay::Never))],
            status: 429,
            dry_run: true,
            refused_level: Level::Info,
            delayed_level: Level::Info,
        }
    );
}

#[test]
fn the_process() {
    let config = config(
        "worker_processes 3; pid run/gateway.pid; error_log logs/e.log warn;
         events { worker_connections 64; } http { }",
    );
    assert_eq!((config.workers, config.worker_connections), (3, 64));
    assert_eq!(config.pid, Some(PathBuf::from("run/gateway.pid")));
    let path = LogPath::File("logs/e.log".into());
    assert_eq!(
        config.error_log,
        Some(ErrorLog {
            path,
            level: Level::Warn
        })
    );
}

#[test]
fn lists_are_inherited_whole_or_not_at_all() {
    let config = http(
        "log_format short '$status';
         add_header X-Outer 1; add_header X-Second 2 always;
         access_log a.log; access_log b.log short;
         proxy_set_header X-Outer 1; proxy_hide_header X-Outer; error_page 500 /outer;
         set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For;
         server {
             location /same { proxy_pass http://127.0.0.1; }
             location /own {
                 add_header X-Own 1; access_log off; proxy_set_header X-Own 1;
                 proxy_hide_header X-Own; error_page 404 =200 /own; set_real_ip_from unix:;
                 proxy_pass http://127.0.0.1;
             }
         }",
    );
    let [same, own] = &config.servers[0].locations[..] else {
        panic!("two locations");
    };
    let names = |location: &crate::config::Location| -> Vec<(String, bool)> {
        let headers = location.add_headers.iter();
        headers.map(|h| (h.name.clone(), h.always)).collect()
    };
    assert_eq!(
        names(same),
        [("X-Outer".into(), false), ("X-Second".into(), true)]
    );
    assert_eq!(names(own), [("X-Own".into(), false)]);
    let formats: Vec<usize> = same.access_logs.iter().map(|log| log.format).collect();
    assert_eq!(formats, [0, 1]);
    assert!(own.access_logs.is_empty());
    assert_eq!(
        (same.error_pages[0].codes[0], own.error_pages[0].codes[0]),
        (500, 404)
    );
    assert_eq!(own.error_pages[0].status, PageStatus::Fixed(200));
    let net = RealIpFrom::Net("10.0.0.0".parse().expect("an address"), 8);
    assert_eq!(
        (&same.real_ip_from[..], &own.real_ip_from[..]),
        (&[net][..], &[RealIpFrom::Unix][..])
    );
    assert_eq!(own.real_ip_header, "X-Forwarded-For");
    for (index, name) in [(0, "X-Outer"), (1, "X-Own")] {
        let pass = pass(&config, index);
        assert_eq!(pass.set_headers.len(), 1);
        assert_eq!(
            (&*pass.set_headers[0].0, &*pass.hide_headers[0]),
            (name, name)
        );
    }
}

#[test]
fn one_value_each_level_replaces() {
    let config = http(
        "proxy_read_timeout 1s; proxy_intercept_errors on; proxy_http_version 1.1;
         client_max_body_size 1k; keepalive_timeout 5s 4s;
         server {
             proxy_read_timeout 2s;
             location / {
                 proxy_intercept_errors off; proxy_pass http://127.0.0.1;
                 location /inner { client_max_body_size 0; }
             }
         }",
    );
    let outer = &config.servers[0].locations[0];
    let pass = pass(&config, 0);
    assert_eq!(pass.proxy.read_timeout, Duration::from_secs(2));
    assert!(pass.version == http::Version::HTTP_11 && !pass.intercept_errors);
    assert_eq!(outer.client_max_body_size, 1024);
    assert_eq!(outer.keepalive_timeout, Duration::from_secs(5));
    assert_eq!(outer.keepalive_header, Some(Duration::from_secs(4)));
    let inner = &outer.locations[0];
    assert_eq!(inner.client_max_body_size, 0);
    assert!(
        matches!(inner.action, Action::None),
        "proxy_pass is not inherited"
    );
}

#[test]
fn destinations_share_groups() {
    let config = http(
        "server {
             location /1 { proxy_pass http://127.0.0.1:81; }
             location /2 { proxy_pass http://U/base/; }
             location /3 { proxy_pass http://127.0.0.1:81/x; }
             location /4 { proxy_pass http://u$request_uri; proxy_redirect off; }
             location /5 { proxy_pass http://127.0.0.1; }
             location /6 { proxy_pass http://unix:/tmp/s:/y; proxy_redirect ~a $host; }
         }
         upstream u { server 127.0.0.1:9; zone z 64k; }",
    );
    let names: Vec<&str> = config.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["u", "127.0.0.1:81", "127.0.0.1", "unix:/tmp/s"]);
    assert!(config.groups[0].zone);
    for (index, group, host, port, uri, redirect) in [
        (
            0,
            1,
            "127.0.0.1:81",
            "81",
            "same",
            "http://127.0.0.1:81/ -> /",
        ),
        (1, 0, "U", "80", "/base/", "http://U/base/ -> /2"),
        (
            2,
            1,
            "127.0.0.1:81",
            "81",
            "/x",
            "http://127.0.0.1:81/x -> /3",
        ),
        (3, 0, "u", "80", "${request_uri}", ""),
        (4, 2, "127.0.0.1", "80", "same", "http://127.0.0.1/ -> /"),
        (5, 3, "localhost", "", "/y", "regex -> ${host}"),
    ] {
        let pass = pass(&config, index);
        assert_eq!(
            (pass.group, &*pass.host, &*pass.port),
            (group, host, port),
            "{index}"
        );
        let found = match &pass.uri {
            PassUri::Same => "same".to_owned(),
            PassUri::Replace(text) => text.clone(),
            PassUri::Evaluate(template) => template.to_string(),
        };
        assert_eq!(found, uri, "{index}");
        let redirects: Vec<String> = pass
            .redirects
            .iter()
            .map(|r| match &r.from {
                RedirectFrom::Prefix(from) => format!("{from} -> {}", r.to),
                RedirectFrom::Regex(_) => format!("regex -> {}", r.to),
            })
            .collect();
        assert_eq!(redirects.concat(), redirect, "{index}");
    }
}

#[test]
fn groups_ask_for_what_they_go_by() {
    let config = http(
        "upstream k { hash $remote_addr$request_uri consistent; server 127.0.0.1; }
         upstream i { ip_hash; server 127.0.0.1; }
         upstream r { sticky route $cookie_r $uri; server 127.0.0.1; }
         upstream l { hash $arg_a; least_conn; server 127.0.0.1; }
         resolver 127.0.0.1; resolver_timeout 3s;
         server {
             location /k { proxy_pass http://k; }
             location /i { proxy_pass http://i; }
             location /r { proxy_pass http://r; }
             location /l { proxy_pass http://l; }
             location /n { proxy_pass http://127.0.0.1; }
         }",
    );
    let lookups = |index| &pass(&config, index).lookups;
    let key = lookups(0).key.as_ref().expect("a key");
    assert_eq!(key.to_string(), "${remote_addr}${request_uri}");
    assert_eq!(config.groups[0].method, Method::ConsistentHash);
    assert!(lookups(1).client && lookups(1).key.is_none());
    let routes: Vec<String> = lookups(2).routes.iter().map(|r| r.to_string()).collect();
    assert_eq!(routes, ["${cookie_r}", "${uri}"]);
    assert!(lookups(3).is_empty(), "least_conn came later");
    assert!(lookups(4).is_empty());
    let timeout = config.groups[3].resolver.timeout;
    assert_eq!(timeout, Duration::from_secs(3), "wherever it stands");
}

#[test]
fn servers_behind_addresses() {
    let config = http(
        "server { listen 8080; listen [::1]:81 backlog=5; server_name a; }
         server { listen *:8080 default_server; listen unix:/tmp/s; server_name *.B .c d.* ~^e; }
         server { listen 127.0.0.1:8080; }",
    );
    let listens: Vec<_> = config
        .listens
        .iter()
        .map(|l| {
            let address = match &l.address {
                ListenAddress::Tcp(address) => address.to_string(),
                ListenAddress::Unix(path) => path.display().to_string(),
            };
            (address, l.servers.clone(), l.default_server, l.backlog)
        })
        .collect();
    assert_eq!(
        listens,
        [
            ("0.0.0.0:8080".into(), vec![0, 1], 1, 511),
            ("[::1]:81".into(), vec![0], 0, 5),
            ("/tmp/s".into(), vec![1], 1, 511),
            ("127.0.0.1:8080".into(), vec![2], 2, 511),
        ]
    );
    let [
        ServerName::Leading(b),
        ServerName::Dot(c),
        ServerName::Trailing(d),
        ServerName::Regex(_, e),
    ] = &config.servers[1].names[..]
    else {
        panic!("{:?}", config.servers[1].names);
    };
    assert_eq!([b, c, d, e], [".b", "c", "d.", "^e"]);
}

#[test]
fn locations_and_returns() {
    let config = http(
        "server {
             return 301 https://$host$request_uri;
             location = /a { return 444; return 200; }
             location ^~ /b { return 200 'hi $arg_name'; }
             location ~* \\.PHP$ { return http://x/; }
             location @n { }
         }",
    );
    let server = &config.servers[0];
    let returns = |index: usize| server.locations[index].returns.clone();
    assert!(
        matches!(&server.returns, Some(r) if r.status == 301 && matches!(&r.answer, Answer::Redirect(_)))
    );
    assert!(matches!(returns(0), Some(r) if r.status == 444 && matches!(r.answer, Answer::Page)));
    assert!(
        matches!(returns(1), Some(r) if r.status == 200 && matches!(r.answer, Answer::Text(_)))
    );
    assert!(
        matches!(returns(2), Some(r) if r.status == 302 && matches!(r.answer, Answer::Redirect(_)))
    );
    assert!(matches!(&server.locations[0].matcher, Matcher::Exact(path) if path == "/a"));
    assert!(matches!(&server.locations[1].matcher, Matcher::PrefixOnly(path) if path == "/b"));
    assert!(
        matches!(&server.locations[2].matcher, Matcher::Regex(regex) if regex.is_match("/x.php"))
    );
    assert!(matches!(&server.locations[3].matcher, Matcher::Named(name) if name == "@n"));
}

#[test]
fn tls_is_inherited_and_an_address_is_as_any_of_its_servers_says() {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(["a.test".to_owned()]).expect("names");
    let certificate = params.self_signed(&key).expect("a certificate");
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("a.pem"), certificate.pem()).expect("written");
    std::fs::write(dir.path().join("a.key"), key.serialize_pem()).expect("written");
    let pair = "ssl_certificate DIR/a.pem; ssl_certificate_key DIR/a.key;";
    let text = format!(
        "{pair} http2 on; ssl_verify_client optional; ssl_client_certificate DIR/a.pem;
         server {{ listen 443 ssl; listen 80; }}
         server {{ listen 443 http2; http2 off; ssl_verify_client off; }}"
    );
    let config = http(&text.replace("DIR", &dir.path().display().to_string()));
    let listens: Vec<_> = config.listens.iter().map(|l| (l.ssl, l.http2)).collect();
    assert_eq!(listens, [(true, true), (false, false)]);
    let [one, two] = &config.servers[..] else {
        panic!("two servers");
    };
    assert_eq!((one.http2, two.http2), (true, false));
    assert_eq!(one.verify_client, VerifyClient::Optional);
    assert_eq!(two.verify_client, VerifyClient::Off);
    let asks = |server: &crate::config::Server| {
        let site = server.tls.as_ref().expect("a certificate");
        site.clients.is_some()
    };
    assert_eq!((asks(one), asks(two)), (true, false));
}
