//! What NGINX does not have. It must not know the names either.

use super::check::{self, location, same, upstream};
use super::check_all;

#[test]
fn wrong_words_in_upstream_blocks() {
    let mut cases = Vec::new();
    for (line, message) in [
        ("semantics |loose", "invalid value \"loose\""),
        (
            "|peak_ewma 1",
            "invalid number of arguments in \"peak_ewma\" directive",
        ),
        ("warm_up |0", "invalid parameter \"0\""),
        ("warm_up |fast", "invalid parameter \"fast\""),
        (
            "warm_up 10s |aggression=0",
            "invalid parameter \"aggression=0\"",
        ),
        (
            "warm_up 10s |aggression=inf",
            "invalid parameter \"aggression=inf\"",
        ),
        (
            "warm_up 10s |floor=101%",
            "invalid parameter \"floor=101%\"",
        ),
        ("subset |0", "invalid parameter \"0\""),
        ("subset 20 |seed=x", "invalid parameter \"seed=x\""),
        ("failure_rule |often", "invalid value \"often\""),
        (
            "failure_rule max_fails |failures=3",
            "invalid parameter \"failures=3\"",
        ),
        (
            "failure_rule consecutive |failures=0",
            "invalid parameter \"failures=0\"",
        ),
        (
            "failure_rule consecutive |window=1s",
            "invalid parameter \"window=1s\"",
        ),
        (
            "failure_rule |consecutive base=1m max=1s",
            "ejection max=1s: less than base=60s",
        ),
        (
            "failure_rule |success_ratio threshold=0%",
            "success ratio threshold=0: 1 to 100 percent",
        ),
        (
            "failure_rule success_ratio |threshold=101%",
            "invalid parameter \"threshold=101%\"",
        ),
        ("ejection_cap |half", "invalid parameter \"half\""),
        ("ejection_cap off |panic=3", "invalid parameter \"panic=3\""),
        (
            "ejection_cap |percent=120",
            "invalid parameter \"percent=120\"",
        ),
        (
            "slow_fault on |multiple=0",
            "invalid parameter \"multiple=0\"",
        ),
        (
            "slow_fault on |at_least=0",
            "invalid parameter \"at_least=0\"",
        ),
        ("slow_fault on |probes=", "invalid parameter \"probes=\""),
        (
            "shadow |maybe",
            "invalid value \"maybe\" in \"shadow\" directive, it must be \"on\" or \"off\"",
        ),
        ("active_check |udp", "invalid parameter \"udp\""),
        ("active_check |rise=0", "invalid parameter \"rise=0\""),
        (
            "active_check |port=65536",
            "invalid parameter \"port=65536\"",
        ),
        (
            "active_check |interval=0",
            "invalid parameter \"interval=0\"",
        ),
        (
            "active_check |jitter=101%",
            "invalid parameter \"jitter=101%\"",
        ),
        (
            "active_check uri=/ |status=2xx",
            "invalid parameter \"status=2xx\"",
        ),
        (
            "active_check |method=POST",
            "invalid parameter \"method=POST\"",
        ),
        (
            "active_check |uri=healthz",
            "active_check: \"healthz\" is no path",
        ),
        (
            "active_check tcp |uri=/",
            "\"uri=/\" asks nothing of \"tcp\"",
        ),
        ("active_check |type=udp", "invalid parameter \"type=udp\""),
        (
            "active_check |grpc_service=a uri=/",
            "\"grpc_service=a\" asks nothing of \"http\"",
        ),
        (
            "active_check type=grpc |status=200",
            "\"status=200\" asks nothing of \"grpc\"",
        ),
        (
            "active_check type=grpc |grpc_status=17",
            "invalid parameter \"grpc_status=17\"",
        ),
        ("retry_budget |much", "invalid parameter \"much\""),
        ("retry_budget 20% |10", "invalid rate \"10\""),
        ("retry_budget 20% |0r/s", "invalid rate \"0r/s\""),
        ("retry_budget off |1r/s", "invalid parameter \"1r/s\""),
    ] {
        let text = upstream(&format!("{line};\nserver 127.0.0.1;"));
        cases.push(same(text, message).unknown());
    }
    cases.push(
        same(
            upstream("shadow on;\n|shadow off;\nserver 127.0.0.1;"),
            "\"shadow\" directive is duplicate",
        )
        .unknown(),
    );
    check_all(cases);
}

#[test]
fn wrong_words_of_hedges() {
    let mut cases = Vec::new();
    for (line, message) in [
        ("proxy_hedge |95", "invalid parameter \"95\""),
        ("proxy_hedge |0%", "invalid parameter \"0%\""),
        ("proxy_hedge |100%", "invalid parameter \"100%\""),
        (
            "proxy_hedge 95% |at_least=x",
            "invalid parameter \"at_least=x\"",
        ),
        (
            "proxy_hedge off |at_least=1s",
            "invalid parameter \"at_least=1s\"",
        ),
        (
            "proxy_hedge off;\n|proxy_hedge off",
            "\"proxy_hedge\" directive is duplicate",
        ),
    ] {
        let text = location(&format!("proxy_pass http://127.0.0.1;\n{line};"));
        cases.push(same(text, message).unknown());
    }
    check_all(cases);
}

/// Repaired, `keepalive` may stand anywhere (KA-14).
#[test]
fn the_order_is_free_under_strict() {
    let text = "keepalive 3;\nsemantics strict;\nleast_conn;\nserver 127.0.0.1;";
    let text = upstream(text).replace("HTTP", "http {");
    assert_eq!(check::gateway(&text), (Some(0), Vec::new()));
    let twice = text.replace("semantics strict;", "semantics strict; ip_hash;");
    let (status, said) = check::gateway(&twice);
    assert_eq!(status, Some(0));
    assert_eq!(said, ["[warn] load balancing method redefined in FILE:6:1"]);
}
