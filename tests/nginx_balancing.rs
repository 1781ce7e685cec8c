//! What the balancing directives of an upstream block mean to a client service.

use std::net::SocketAddr;
use std::time::Duration;

use tower_upstream::balance::{
    Affinity, EjectionCap, Key, Method, Route, SlowStart, Subset, Times,
};
use tower_upstream::breaker::{Consecutive, Ejection, FailureRules, SlowFault, SuccessRatio};
use tower_upstream::nginx::{Imported, Problems, ResolverLevel, import, parse, upstream_block};
use tower_upstream::retry::BudgetConfig;
use tower_upstream::upstream::config::{
    Choice, Codes, GrpcProbe, HashKey, HealthCheck, Hedge, HttpProbe, ProbeMethod, Sticky,
    StickyCookie, StickyLearn,
};
use tower_upstream::{GroupConfig, Semantics};

fn imported(block: &str) -> Imported {
    let text = format!(
        "upstream u {{ {block} }}\nserver {{ location /api/ {{ proxy_pass http://u/v1/; }} }}"
    );
    import(&text, "/api/").unwrap_or_else(|error| panic!("{block}: {error}"))
}

/// The group of a block with one server.
fn group(block: &str) -> GroupConfig {
    imported(&format!("{block} server 127.0.0.1;")).group
}

fn variables(text: &str) -> HashKey {
    HashKey::Variables(text.to_owned())
}

#[test]
fn methods() {
    let by = |by, inflight| Method::LeastTime { by, inflight };
    for (directive, method, key) in [
        ("", Method::RoundRobin, HashKey::Carried),
        ("least_conn;", Method::LeastConn, HashKey::Carried),
        ("ip_hash;", Method::IpHash, HashKey::Carried),
        ("hash $uri;", Method::Hash, variables("$uri")),
        (
            "hash \"a $uri\" consistent;",
            Method::ConsistentHash,
            variables("a $uri"),
        ),
        ("random;", Method::Random, HashKey::Carried),
        ("random two;", Method::RandomTwo, HashKey::Carried),
        (
            "random two least_conn;",
            Method::RandomTwo,
            HashKey::Carried,
        ),
        (
            "least_time header;",
            by(Times::Header, false),
            HashKey::Carried,
        ),
        (
            "least_time last_byte inflight;",
            by(Times::LastByte, true),
            HashKey::Carried,
        ),
        ("peak_ewma;", Method::PeakEwma, HashKey::Carried),
        (
            "hash $uri; least_conn;",
            Method::LeastConn,
            HashKey::Carried,
        ),
    ] {
        let group = group(directive);
        assert_eq!((group.method, group.hash_key), (method, key), "{directive}");
    }
}

/// KA-14; in newer versions of NGINX, and repaired, the order is free.
#[test]
fn a_method_behind_keepalive_loses_the_cache() {
    for (block, connections, warnings) in [
        ("least_conn; keepalive 3;", 3, 0),
        ("keepalive 3; least_conn;", 0, 1),
        ("keepalive 3; semantics strict; least_conn;", 3, 0),
        ("least_conn; semantics strict; ip_hash; keepalive 3;", 3, 1),
    ] {
        let imported = imported(&format!("{block} server 127.0.0.1;"));
        assert_eq!(imported.group.keepalive.connections, connections, "{block}");
        assert_eq!(imported.warnings.len(), warnings, "{block}");
    }
    let sticky = |block| group(block).sticky.is_some();
    assert!(sticky("least_conn; sticky cookie a;"));
    assert!(!sticky("sticky cookie a; least_conn;"));
    assert!(sticky("semantics strict; sticky cookie a; least_conn;"));
}

#[test]
fn server_lines() {
    let group = imported(
        "sticky route $arg_r; server 127.0.0.1:1 route=a; server 127.0.0.1:2 drain;
         server 127.0.0.1:3 drain down; server 127.0.0.1:4 resolve;",
    )
    .group;
    let [a, b, c, d] = &group.servers[..] else {
        panic!("four servers");
    };
    assert_eq!((a.route.as_deref(), a.drain), (Some("a"), false));
    assert_eq!((b.drain, b.down), (true, false));
    assert_eq!((c.drain, c.down), (false, true), "the later one counts");
    assert!(d.resolve, "an address needs no resolver");
}

#[test]
fn sticky() {
    let sticky = |line: &str| {
        let text = format!("upstream u {{ sticky {line}; server 127.0.0.1; }}");
        let mut problems = Problems::new();
        let block = parse(&text, "f", &mut problems);
        let group = upstream_block(&block[0], &ResolverLevel::default(), &mut problems);
        group.expect("valid").sticky.expect("sticky")
    };
    let plain = StickyCookie {
        name: "srv".into(),
        ..StickyCookie::default()
    };
    assert_eq!(sticky("cookie srv"), Sticky::Cookie(plain.clone()));
    let all = "cookie srv expires=max domain=.$host httponly secure samesite=Lax path=/";
    assert_eq!(
        sticky(all),
        Sticky::Cookie(StickyCookie {
            expires: Some(Duration::MAX),
            domain: Some(".$host".into()),
            path: Some("/".into()),
            httponly: true,
            secure: true,
            samesite: Some("Lax".into()),
            ..plain.clone()
        })
    );
    let hour = StickyCookie {
        expires: Some(Duration::from_secs(3600)),
        ..plain
    };
    assert_eq!(sticky("cookie srv expires=1h"), Sticky::Cookie(hour));
    let routes = vec!["$cookie_r".to_owned(), "$arg_r".to_owned()];
    assert_eq!(sticky("route $cookie_r $arg_r"), Sticky::Route(routes));
    let learn = StickyLearn {
        create: vec!["$upstream_cookie_s".into()],
        lookup: vec!["$cookie_s".into(), "$arg_s".into()],
        timeout: Duration::from_secs(600),
        header: false,
        sessions: 8000,
    };
    let line = "learn create=$upstream_cookie_s lookup=$cookie_s lookup=$arg_s zone=z:1m";
    assert_eq!(sticky(line), Sticky::Learn(learn.clone()));
    let more = StickyLearn {
        timeout: Duration::from_millis(1500),
        header: true,
        sessions: 500,
        ..learn
    };
    let line = format!("{} timeout=1s500ms header", line.replace("1m", "64k"));
    assert_eq!(sticky(&line), Sticky::Learn(more));
}

#[test]
fn ours() {
    let group = group(
        "semantics strict; warm_up 20s aggression=1.5 floor=5%; subset 20 seed=7;
         failure_rule consecutive failures=3 base=1s;
         ejection_cap percent=30% panic=10; slow_fault multiple=5 at_least=50ms probes=2;
         shadow on; retry_budget 10% 5r/s;",
    );
    assert_eq!(group.semantics, Semantics::Strict);
    let warm_up = SlowStart {
        window: Duration::from_secs(20),
        aggression: 1.5,
        floor: 5,
    };
    assert_eq!(group.slow_start, Some(warm_up));
    assert_eq!(group.subset, Some(Subset { size: 20, seed: 7 }));
    let rule = Consecutive {
        failures: 3,
        ejection: Ejection {
            base: Duration::from_secs(1),
            ..Ejection::default()
        },
    };
    assert_eq!(group.failure_rule, FailureRules::Consecutive(rule));
    let cap = EjectionCap {
        percent: 30,
        panic: 10,
    };
    assert_eq!(group.ejection_cap, Choice::On(cap));
    let slow_fault = SlowFault {
        multiple: 5,
        at_least: Duration::from_millis(50),
        probes: 2,
    };
    assert_eq!(group.slow_fault, Choice::On(slow_fault));
    assert!(group.shadow);
    let budget = BudgetConfig {
        percent: 10,
        per_second: 5,
    };
    assert_eq!(group.retry_budget, Some(budget));
}

#[test]
fn ours_unsaid_or_switched() {
    let plain = group("");
    assert_eq!(plain.semantics, Semantics::Nginx);
    assert_eq!((plain.slow_start, plain.subset), (None, None));
    assert_eq!(plain.failure_rule, FailureRules::MaxFails);
    assert_eq!(plain.ejection_cap, Choice::Auto);
    assert_eq!(plain.slow_fault, Choice::Auto);
    assert!(!plain.shadow);
    assert_eq!(plain.retry_budget, None);
    let off = group("ejection_cap off; slow_fault off; shadow off; retry_budget off;");
    assert_eq!(
        (off.ejection_cap, off.slow_fault),
        (Choice::Off, Choice::Off)
    );
    assert_eq!((off.shadow, off.retry_budget), (false, None));
    let on = group("ejection_cap on; slow_fault on; retry_budget 20%; subset 3;");
    assert_eq!(on.ejection_cap, Choice::On(EjectionCap::default()));
    assert_eq!(on.slow_fault, Choice::On(SlowFault::default()));
    assert_eq!(on.retry_budget, Some(BudgetConfig::default()));
    let ratio = "success_ratio threshold=80% minimum=5 window=30s max=1m base=2s";
    let rule = SuccessRatio {
        threshold: 80,
        minimum: 5,
        window: Duration::from_secs(30),
        ejection: Ejection {
            base: Duration::from_secs(2),
            max: Duration::from_secs(60),
            ..Ejection::default()
        },
    };
    for (line, expected) in [
        ("max_fails", FailureRules::MaxFails),
        ("consecutive", Consecutive::default().into()),
        ("success_ratio", SuccessRatio::default().into()),
        (ratio, rule.into()),
    ] {
        let found = group(&format!("failure_rule {line};")).failure_rule;
        assert_eq!(found, expected, "{line}");
    }
    let again = group("subset 3;");
    assert_eq!(on.subset, again.subset, "one machine, one seed");
}

#[test]
fn looks_at_servers() {
    let check = |line: &str| group(&format!("active_check{line};")).health_check;
    let http = |probe: HttpProbe| HealthCheck::new(probe);
    assert_eq!(group("").health_check, None);
    for (line, expected) in [
        ("", HealthCheck::http("/")),
        (" tcp", HealthCheck::tcp()),
        (" type=tcp", HealthCheck::tcp()),
        (" type=http uri=/x", HealthCheck::http("/x")),
        (" type=grpc", HealthCheck::grpc("")),
        (
            " grpc_service=shop.Orders type=grpc grpc_status=12 host=a.b",
            HealthCheck::new(GrpcProbe {
                service: "shop.Orders".into(),
                host: Some("a.b".into()),
                status: Codes::UNIMPLEMENTED,
            }),
        ),
        (" uri=/healthz?a=b", HealthCheck::http("/healthz?a=b")),
        (
            " uri=/a mandatory status=200,204 method=HEAD host=a.b uri=/b",
            http(HttpProbe {
                path: "/b".into(),
                host: Some("a.b".into()),
                status: "200,204".parse().unwrap(),
                method: ProbeMethod::Head,
            })
            .mandatory(),
        ),
        (
            " interval=10s unsure=500ms timeout=2s jitter=5% rise=1 fall=4 port=81 tcp",
            HealthCheck::tcp()
                .interval(Duration::from_secs(10))
                .unsure(Duration::from_millis(500))
                .timeout(Duration::from_secs(2))
                .jitter(5)
                .rise(1)
                .fall(4)
                .port(81),
        ),
    ] {
        assert_eq!(check(line), Some(expected), "{line}");
    }
}

#[test]
fn hedges_are_inherited() {
    let hedge = |percentile, at_least| {
        let at_least = Duration::from_millis(at_least);
        Some(Hedge {
            percentile,
            at_least,
        })
    };
    let text = "proxy_hedge 90%;
        server {
            location /same { proxy_pass http://127.0.0.1; }
            location /own { proxy_hedge 99% at_least=20ms; proxy_pass http://127.0.0.1; }
            location /off { proxy_hedge off; proxy_pass http://127.0.0.1; }
        }";
    for (location, expected) in [
        ("/same", hedge(90, 1)),
        ("/own", hedge(99, 20)),
        ("/off", None),
    ] {
        let imported = import(text, location).expect("valid");
        assert_eq!(imported.proxy.hedge, expected, "{location}");
    }
}

#[test]
fn resolvers_are_inherited_from_http() {
    let text = |inside: &str| {
        format!(
            "events {{}} http {{ resolver 10.0.0.2 valid=30s; resolver_timeout 5s;
             upstream u {{ {inside} server 127.0.0.1; }}
             server {{ location / {{ proxy_pass http://u; }} }} }}"
        )
    };
    let resolver = |inside| import(&text(inside), "/").expect("valid").group.resolver;
    let outer = resolver("");
    assert_eq!(outer.servers, ["10.0.0.2"]);
    assert_eq!(outer.valid, Some(Duration::from_secs(30)));
    assert_eq!(outer.timeout, Duration::from_secs(5));
    assert!(outer.ipv4 && outer.ipv6);
    let own = resolver("resolver [::1]:5353 10.0.0.3 ipv6=off;");
    assert_eq!(own.servers, ["[::1]:5353", "10.0.0.3"]);
    assert_eq!((own.valid, own.ipv6), (None, false));
    assert_eq!(own.timeout, Duration::from_secs(5));
    assert_eq!(resolver("resolver_timeout 0;").timeout, Duration::ZERO);
}

/// What a request is found to belong to.
fn affinity(imported: &Imported, request: http::request::Builder) -> Option<Affinity> {
    let (mut parts, ()) = request.body(()).expect("a request").into_parts();
    imported.rewrite.apply(&mut parts).expect("valid headers");
    parts.extensions.get().copied()
}

fn get(uri: &str) -> http::request::Builder {
    http::Request::builder().uri(uri)
}

#[test]
fn keys_are_of_the_request_as_it_came() {
    for (key, expected) in [
        ("$request_uri", "/api/x?k=7"),
        ("$uri", "/api/x"),
        ("$arg_k", "7"),
        ("$cookie_id-$http_x_user", "c3-ann"),
        ("$host", "api.example.no"),
        ("constant", "constant"),
    ] {
        let imported = imported(&format!("hash {key} consistent; server 127.0.0.1;"));
        let request = get("http://api.example.no/api/x?k=7")
            .header("cookie", "a=1; id=c3")
            .header("x-user", "ann");
        let found = affinity(&imported, request).expect("asked");
        assert_eq!(found.key, Key::new(expected), "{key}");
        assert_eq!((found.client, found.route), (None, None));
    }
    let imported = imported("hash $arg_k; server 127.0.0.1;");
    let found = affinity(&imported, get("/api/")).expect("asked");
    assert_eq!(found.key, None, "an empty key is none");
}

#[test]
fn clients_are_known_by_their_address() {
    let remote: SocketAddr = "[::ffff:10.1.2.3]:4711".parse().expect("an address");
    let request = || get("/api/").extension(remote);
    let by_hash = imported("hash $binary_remote_addr; server 127.0.0.1;");
    let found = affinity(&by_hash, request()).expect("asked");
    assert_eq!((found.key, found.client), (Key::new([10, 1, 2, 3]), None));
    let by_ip = imported("ip_hash; server 127.0.0.1;");
    let found = affinity(&by_ip, request()).expect("asked");
    assert_eq!(found.client, "10.1.2.3".parse().ok());
    assert_eq!(found.key, None);
}

#[test]
fn the_first_route_that_says_something_counts() {
    let imported = imported("sticky route $cookie_r $arg_r; server 127.0.0.1 route=a;");
    let none = Some(Sticky::Route(Vec::new()));
    assert_eq!(imported.group.sticky, none, "evaluated with the request");
    for (request, expected) in [
        (get("/api/"), None),
        (get("/api/?r=b"), Some("b")),
        (get("/api/?r=b").header("cookie", "r=a"), Some("a")),
    ] {
        let found = affinity(&imported, request).expect("asked");
        assert_eq!(found.route, expected.and_then(Route::new));
    }
}

#[test]
fn what_the_caller_says_comes_first() {
    let imported = imported("hash $arg_k; sticky route $arg_r; server 127.0.0.1;");
    let carried = Affinity {
        key: Key::new("mine"),
        ..Affinity::default()
    };
    let found = affinity(&imported, get("/api/?k=1&r=b").extension(carried)).expect("asked");
    assert_eq!(found.key, Key::new("mine"));
    assert_eq!(found.route, Route::new("b"));
}

#[test]
fn nothing_is_looked_up_for_the_others() {
    for method in ["", "least_conn;", "random;", "hash $arg_k; least_conn;"] {
        let imported = imported(&format!("{method} server 127.0.0.1;"));
        assert_eq!(affinity(&imported, get("/api/?k=1")), None, "{method}");
    }
}

/// Another location's group is none of this one's business.
#[test]
fn variables_of_other_groups_are_not_asked_for() {
    let text = "upstream u { server 127.0.0.1; } upstream v { hash $ssl_cipher; server 127.0.0.1; }
        server { location /u { proxy_pass http://u; } location /v { proxy_pass http://v; } }";
    assert!(import(text, "/u").is_ok());
    let error = import(text, "/v").expect_err("no TLS");
    assert_eq!(
        error.problems(),
        ["nginx.conf:1:52: unknown \"ssl_cipher\" variable"]
    );
}
