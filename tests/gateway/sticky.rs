//! `sticky` through the gateway (SK): Debian's nginx does not know it, so the reference's traces and
//! what the module does with a request's variables and headers hold it.

use std::net::SocketAddr;
use std::time::Instant;

use super::rig::{PATIENCE, Server, backend, free, header, status};

/// Servers called A, B and so on, behind a gateway.
struct Shop {
    gateway: Server,
    servers: Vec<SocketAddr>,
}

/// Answers, and says what it was asked for; `/begin/NAME` begins a session and `/fails` closes.
fn server() -> SocketAddr {
    backend(|mut wire| {
        while let Some(head) = wire.try_head() {
            let path = head.split(' ').nth(1).unwrap_or_default();
            if path.contains("/fails") {
                return;
            }
            let session = path.split("/begin/").nth(1);
            let session = session.map(|name| format!("Set-Cookie: s={name}; path=/\r\n"));
            let session = session.unwrap_or_default();
            let code = match path.contains("/missing") {
                true => "404 No",
                false => "200 Yes",
            };
            let length = head.len();
            wire.send(format!(
                "HTTP/1.1 {code}\r\nContent-Length: {length}\r\n{session}\r\n{head}"
            ));
        }
    })
}

/// `block` is the upstream's, `@A` and so on its addresses; `locations` are the server's.
fn shop(servers: Vec<SocketAddr>, block: &str, locations: &str) -> Shop {
    let mut block = block.to_owned();
    for (letter, address) in ('A'..).zip(&servers) {
        block = block.replace(&format!("@{letter}"), &address.to_string());
    }
    let gateway = Server::gateway(&format!(
        "access_log off; upstream u {{ {block} }}
         server {{
             listen @FRONT; server_name shop.no;
             add_header X-Asked \"$upstream_addr\" always;
             add_header X-Seen \"$upstream_cookie_s|$upstream_http_set_cookie\" always;
             {locations}
         }}"
    ));
    Shop { gateway, servers }
}

/// What a client saw.
struct Seen {
    /// As the reference writes it: `200 [A, C]`.
    end: String,
    /// `Set-Cookie`s in their order.
    cookies: Vec<String>,
    text: String,
}

impl Shop {
    fn send(&self, request: &str) -> Seen {
        let text = self.gateway.ask(request);
        let asked = header(&text, "x-asked").unwrap_or_default();
        let letter = |address: &str| {
            let mut known = ('A'..).zip(&self.servers);
            let known = known.find(|(_, server)| server.to_string() == address);
            known.map_or('u', |(letter, _)| letter).to_string()
        };
        let asked: Vec<String> = asked.split(", ").map(letter).collect();
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let cookies = head.lines().filter_map(|l| l.strip_prefix("Set-Cookie: "));
        Seen {
            end: format!("{} [{}]", status(&text), asked.join(", ")),
            cookies: cookies.map(str::to_owned).collect(),
            text,
        }
    }

    fn get(&self, target: &str, cookie: &str) -> Seen {
        self.send(&format!(
            "GET {target} HTTP/1.1\r\nHost: Shop.No:80\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        ))
    }

    /// The servers asked for a page, one request per cookie.
    fn ends(&self, cookies: &[&str]) -> String {
        let ends = cookies.iter().map(|cookie| self.get("/", cookie).end);
        let ends = ends.map(|end| match end.strip_prefix("200 ") {
            Some(asked) => asked.trim_matches(['[', ']']).to_owned(),
            None => end,
        });
        ends.collect::<Vec<_>>().join(" ")
    }
}

const PASS: &str = "location / { proxy_pass http://u; }";

#[test]
fn w20_to_w22_a_cookie_leads_back() {
    let block = "sticky cookie srv; server @A route=a; server @B route=b; server @C;";
    let shop_of = |first| shop(vec![first, server(), server()], block, PASS);
    let shop = shop_of(server());
    let told: Vec<Seen> = (0..3).map(|_| shop.get("/", "")).collect();
    let ends: Vec<&str> = told.iter().map(|seen| seen.end.as_str()).collect();
    assert_eq!(ends, ["200 [A]", "200 [B]", "200 [C]"]);
    assert_eq!(
        (&told[0].cookies[..], &told[1].cookies[..]),
        (&["srv=a".into()][..], &["srv=b".into()][..])
    );
    // C is called by the MD5 of its address.
    let c = told[2].cookies[0].clone();
    assert_eq!((c.len(), shop.ends(&[&c])), (36, "C".into()));

    let shop = shop_of(server());
    assert_eq!(shop.ends(&["srv=a"; 5]), "A A A A A");
    assert_eq!(shop.ends(&[""; 6]), "B C A B C A");

    // With a server that refuses.
    let shop = shop_of(free());
    let seen = shop.get("/", "srv=a");
    assert_eq!(
        (seen.end.as_str(), &seen.cookies[..]),
        ("200 [A, B]", &["srv=b".into()][..])
    );
    assert_eq!(shop.ends(&["srv=a", "srv=b"]), "C B");
}

#[test]
fn w23_one_that_drains_gets_only_those_that_belong_there() {
    let block = "sticky cookie srv; server @A route=a drain; server @B; server @C route=c down;";
    let shop = shop(vec![server(), server(), server()], block, PASS);
    assert_eq!(shop.ends(&["", "", "", "srv=a", "srv=c"]), "B B B A B");
    assert_eq!(
        shop.get("/fails", "srv=a").end,
        "502 [A]",
        "tries = 1 (TR-1)"
    );
}

#[test]
fn w24_sessions_are_learnt_from_what_servers_set() {
    let block =
        "sticky learn create=$upstream_cookie_s lookup=$cookie_s zone=s:1m; server @A; server @B;";
    let shop = shop(vec![server(), server()], block, PASS);
    let seen = shop.get("/begin/1", "");
    assert_eq!(
        (seen.end.as_str(), &seen.cookies[..]),
        ("200 [A]", &["s=1; path=/".into()][..])
    );
    assert_eq!(shop.ends(&["s=1"; 4]), "A A A A");
    assert_eq!(shop.ends(&["s=2"; 4]), "B A B A");
    // A HEAD and a POST are no different.
    for method in ["HEAD", "POST"] {
        let request =
            format!("{method} / HTTP/1.1\r\nHost: a\r\nCookie: s=1\r\nConnection: close\r\n\r\n");
        assert_eq!(shop.send(&request).end, "200 [A]");
    }
}

#[test]
fn sessions_outlive_a_reload() {
    let block = "sticky learn create=$upstream_cookie_s lookup=$cookie_s zone=s:1m;
        server @A; server @B;";
    let shop = shop(vec![server(), server()], block, PASS);
    assert_eq!(shop.get("/begin/1", "").end, "200 [A]");
    let file = shop.gateway.process.path("test.conf");
    let text = std::fs::read_to_string(&file).expect("its file");
    let text = text.replace(
        "add_header X-Seen",
        "add_header X-Reloaded yes; add_header X-Seen",
    );
    std::fs::write(&file, text).expect("to write it");
    shop.gateway.process.signal("HUP");
    let start = Instant::now();
    // The new workers' first turn is A's again: it must not be taken for the session's.
    while header(&shop.get("/", "").text, "x-reloaded").is_none() {
        assert!(start.elapsed() < PATIENCE, "it does not reload");
    }
    assert_eq!(shop.ends(&["s=1"; 4]), "A A A A");
    assert_eq!(
        shop.ends(&["s=2"; 2]).matches('A').count(),
        1,
        "turns go on"
    );
}

/// A location changes what servers see, not where a request belongs.
#[test]
fn it_goes_by_the_request_as_it_came() {
    let longer = "/a-path-that-is-longer-than-any-server-s-name";
    for (sticky, cookie, target, ends) in [
        ("cookie srv", "srv=b", "/", ["200 [B]", "200 [B]"]),
        ("route $cookie_srv", "srv=b", "/", ["200 [B]", "200 [B]"]),
        (
            "route $arg_none $arg_r",
            "",
            "/?r=b",
            ["200 [B]", "200 [B]"],
        ),
        // It names no server, and yet it is the first that is not empty.
        (
            "route $uri $cookie_srv",
            "srv=b",
            longer,
            ["200 [A]", "200 [B]"],
        ),
    ] {
        let block = format!("sticky {sticky}; server @A route=a; server @B route=b;");
        let locations = "location / {
            proxy_pass http://u/elsewhere; proxy_set_header Cookie \"\"; proxy_set_header Host x;
        }";
        let shop = shop(vec![server(), server()], &block, locations);
        for end in ends {
            let seen = shop.get(target, cookie);
            assert_eq!(seen.end, end, "{sticky}");
            let (_, sent) = seen.text.split_once("\r\n\r\n").expect("a body");
            assert!(!sent.contains("Cookie"), "{sent}");
        }
    }
}

#[test]
fn our_cookie_is_none_of_the_server_s() {
    let block = "sticky cookie srv expires=max domain=.$host httponly path=/; server @A route=a;";
    let locations = "location / { proxy_pass http://u; }
        location /hidden { proxy_pass http://u; proxy_hide_header Set-Cookie; }
        location /added { proxy_pass http://u; add_header Set-Cookie added=1; }";
    let shop = shop(vec![server()], block, locations);
    let ours = "srv=a; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000; domain=.shop.no; \
                httponly; path=/";
    let seen = shop.get("/begin/1", "");
    assert_eq!(seen.cookies, [ours, "s=1; path=/"]);
    assert_eq!(header(&seen.text, "x-seen"), Some("1|s=1; path=/"));
    assert_eq!(shop.get("/hidden/begin/1", "").cookies, [ours]);
    assert_eq!(
        shop.get("/added/begin/1", "").cookies,
        [ours, "s=1; path=/", "added=1"]
    );
    // `$host` is the target's, and else the server's name.
    let absolute = "GET http://OTHER.no/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(shop.send(absolute).cookies[0].contains("; domain=.other.no;"));
    let none = shop.send("GET / HTTP/1.0\r\n\r\n");
    assert!(
        none.cookies[0].contains("; domain=.shop.no;"),
        "{:?}",
        none.cookies
    );
}

/// Error pages ask elsewhere, for something else, and every group has its say.
#[test]
fn an_error_page_is_a_visit_of_its_own() {
    let block = "sticky route $arg_r; server @A route=a; server @B route=b;";
    let locations = "location / {
            proxy_pass http://u; proxy_intercept_errors on; error_page 404 = /page?r=b;
        }
        location /kept { proxy_pass http://u; }
        location /page { proxy_pass http://u; }";
    let with_route = shop(vec![server(), server()], block, locations);
    let seen = with_route.get("/missing?r=a", "");
    assert_eq!(
        header(&seen.text, "x-asked").map(|asked| asked.matches(" : ").count()),
        Some(1)
    );
    assert!(seen.text.contains("GET /page?r=b "), "{}", seen.text);
    let last = header(&seen.text, "x-asked").and_then(|asked| asked.rsplit(' ').next());
    assert_eq!(last, Some(with_route.servers[1].to_string().as_str()));

    // A page of ours says where the answer it replaces came from.
    let block = "sticky cookie srv; server @A route=a; server @B route=b;";
    let locations =
        "location / { proxy_pass http://u; proxy_intercept_errors on; error_page 404 /none; }
        location /none { return 404; }";
    let with_cookie = shop(vec![server(), server()], block, locations);
    let seen = with_cookie.get("/missing", "srv=b");
    assert_eq!(
        (seen.end.as_str(), &seen.cookies[..]),
        ("404 [B]", &["srv=b".into()][..])
    );
}
