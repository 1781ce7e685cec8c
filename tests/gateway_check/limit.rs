use super::check::{http, location, same};
use super::check_all;

const ZONE: &str = "limit_req_zone $arg_k zone=z:64k rate=1r/s;";

#[test]
fn zones() {
    let mut cases = Vec::new();
    for (line, message) in [
        (
            "|limit_req_zone $arg_k zone=z:64k",
            "invalid number of arguments in \"limit_req_zone\" directive",
        ),
        (
            "limit_req_zone $arg_k zone=z:64k |rate=0r/s",
            "invalid rate \"rate=0r/s\"",
        ),
        (
            "limit_req_zone $arg_k zone=z:64k |rate=1.5r/s",
            "invalid rate \"rate=1.5r/s\"",
        ),
        (
            "limit_req_zone $arg_k zone=z:64k |rate=5r/h",
            "invalid rate \"rate=5r/h\"",
        ),
        (
            "limit_req_zone $arg_k zone=z:64k |rate=1r/S",
            "invalid rate \"rate=1r/S\"",
        ),
        (
            "limit_req_zone $arg_k zone=z:64k |rate=",
            "invalid rate \"rate=\"",
        ),
        (
            "limit_req_zone $arg_k zone=z:64k |rate=99999999999999999999r/s",
            "invalid rate \"rate=99999999999999999999r/s\"",
        ),
        (
            "limit_req_zone $arg_k |zone=z rate=1r/s",
            "invalid zone size \"zone=z\"",
        ),
        (
            "limit_req_zone $arg_k |zone=z: rate=1r/s",
            "invalid zone size \"zone=z:\"",
        ),
        (
            "limit_req_zone $arg_k |zone=z:1g rate=1r/s",
            "invalid zone size \"zone=z:1g\"",
        ),
        (
            "limit_req_zone $arg_k |zone=z:31k rate=1r/s",
            "zone \"zone=z:31k\" is too small",
        ),
        (
            "|limit_req_zone $arg_k zone=:64k rate=1r/s",
            "\"limit_req_zone\" must have \"zone\" parameter",
        ),
        (
            "|limit_req_zone $arg_k rate=1r/s rate=2r/s",
            "\"limit_req_zone\" must have \"zone\" parameter",
        ),
        (
            "limit_req_zone $arg_k |zoned=z:64k rate=1r/s",
            "invalid parameter \"zoned=z:64k\"",
        ),
    ] {
        cases.push(same(http(&format!("{line};")), message));
    }
    let unknown = "limit_req_zone |$nope zone=z:64k rate=1r/s;";
    cases.push(same(http(unknown), "unknown \"nope\" variable").elsewhere());
    check_all(cases);
}

#[test]
fn zones_together() {
    let after = |line: &str| http(&format!("{ZONE}\n{line}"));
    check_all(vec![
        same(
            after("|limit_req_zone $arg_j zone=z:64k rate=1r/s;"),
            "limit_req_zone \"z\" is already bound to key \"$arg_k\"",
        ),
        same(
            after("|limit_req_zone $arg_k zone=z:128k rate=1r/s;"),
            "the size 131072 of shared memory zone \"z\" conflicts with already declared size 65536",
        ),
        same(
            after("upstream u { server 127.0.0.1; |zone z 64k; }"),
            "the shared memory zone \"z\" is already declared for a different use",
        ),
        same(
            http(
                "upstream u { server 127.0.0.1; zone z 64k; }\n|limit_req_zone a zone=z:64k rate=1r/s;",
            ),
            "the shared memory zone \"z\" is already declared for a different use",
        ),
        same(
            after("limit_req |zone=y;"),
            "zero size shared memory zone \"y\"",
        )
        .elsewhere(),
        same(
            after("limit_req |zone=y;\nserver { location / { limit_req zone=y burst=5; } }"),
            "zero size shared memory zone \"y\"",
        )
        .elsewhere(),
        same(
            http("upstream u { server 127.0.0.1; zone y 64k; }\nlimit_req |zone=y;"),
            "the shared memory zone \"y\" is already declared for a different use",
        ),
    ]);
}

#[test]
fn limits() {
    let mut cases = Vec::new();
    for (line, message) in [
        (
            "|limit_req",
            "invalid number of arguments in \"limit_req\" directive",
        ),
        (
            "|limit_req zone=z burst=1 delay=1 nodelay",
            "invalid number of arguments in \"limit_req\" directive",
        ),
        (
            "|limit_req burst=1",
            "\"limit_req\" must have \"zone\" parameter",
        ),
        (
            "limit_req zone=z |burst=0",
            "invalid burst value \"burst=0\"",
        ),
        (
            "limit_req zone=z |burst=x",
            "invalid burst value \"burst=x\"",
        ),
        (
            "limit_req zone=z |burst=9999999999999999999",
            "invalid burst value \"burst=9999999999999999999\"",
        ),
        (
            "limit_req zone=z |delay=0",
            "invalid delay value \"delay=0\"",
        ),
        (
            "limit_req zone=z |nodelay=1",
            "invalid parameter \"nodelay=1\"",
        ),
        ("limit_req zone=z |foo", "invalid parameter \"foo\""),
        (
            "limit_req zone=z; |limit_req zone=z burst=2",
            "\"limit_req\" directive is duplicate",
        ),
        ("limit_req_status |399", "value must be between 400 and 599"),
        ("limit_req_status |600", "value must be between 400 and 599"),
        (
            "limit_req_status |x",
            "\"limit_req_status\" directive invalid number",
        ),
        (
            "limit_req_status 429; |limit_req_status 503",
            "\"limit_req_status\" directive is duplicate",
        ),
        (
            "limit_req_dry_run |maybe",
            "invalid value \"maybe\" in \"limit_req_dry_run\" directive, it must be \"on\" or \"off\"",
        ),
        ("limit_req_log_level |crit", "invalid value \"crit\""),
        (
            "limit_req_log_level info; |limit_req_log_level info",
            "\"limit_req_log_level\" directive is duplicate",
        ),
        (
            "|limit_req_zone $arg_k zone=y:64k rate=1r/s",
            "\"limit_req_zone\" directive is not allowed here",
        ),
    ] {
        let text = location(&format!("{line};"));
        let text = text.replace("HTTP\n", &format!("HTTP\n{ZONE}\n"));
        cases.push(same(text, message));
    }
    check_all(cases);
}

const COUNTS: &str = "limit_conn_zone $arg_k zone=c:64k;";

#[test]
fn connection_zones() {
    let mut cases = Vec::new();
    for (line, message) in [
        (
            "|limit_conn_zone $arg_k",
            "invalid number of arguments in \"limit_conn_zone\" directive",
        ),
        (
            "|limit_conn_zone $arg_k zone=c:64k rate=1r/s",
            "invalid number of arguments in \"limit_conn_zone\" directive",
        ),
        (
            "limit_conn_zone $arg_k |zone=c",
            "invalid zone size \"zone=c\"",
        ),
        (
            "limit_conn_zone $arg_k |zone=c:1g",
            "invalid zone size \"zone=c:1g\"",
        ),
        (
            "limit_conn_zone $arg_k |zone=c:31k",
            "zone \"zone=c:31k\" is too small",
        ),
        (
            "|limit_conn_zone $arg_k zone=:64k",
            "\"limit_conn_zone\" must have \"zone\" parameter",
        ),
        (
            "limit_conn_zone $arg_k |zoned=c:64k",
            "invalid parameter \"zoned=c:64k\"",
        ),
        (
            "server { |limit_conn_zone $arg_k zone=c:64k; }",
            "\"limit_conn_zone\" directive is not allowed here",
        ),
    ] {
        let line = line
            .strip_suffix('}')
            .map_or(format!("{line};"), |_| line.into());
        cases.push(same(http(&line), message));
    }
    let unknown = "limit_conn_zone |$nope zone=c:64k;";
    cases.push(same(http(unknown), "unknown \"nope\" variable").elsewhere());
    let after = |line: &str| http(&format!("{ZONE}\n{COUNTS}\n{line}"));
    for (line, message) in [
        (
            "|limit_conn_zone $arg_j zone=c:64k;",
            "limit_conn_zone \"c\" is already bound to key \"$arg_k\"",
        ),
        (
            "|limit_conn_zone $arg_k zone=c:128k;",
            "the size 131072 of shared memory zone \"c\" conflicts with already declared size 65536",
        ),
        (
            "upstream u { server 127.0.0.1; |zone c 64k; }",
            "the shared memory zone \"c\" is already declared for a different use",
        ),
        (
            "|limit_conn_zone $arg_k zone=z:64k;",
            "the shared memory zone \"z\" is already declared for a different use",
        ),
        (
            "|limit_req_zone $arg_k zone=c:64k rate=1r/s;",
            "the shared memory zone \"c\" is already declared for a different use",
        ),
        (
            "limit_req |zone=c;",
            "the shared memory zone \"c\" is already declared for a different use",
        ),
        (
            "limit_conn |z 1;",
            "the shared memory zone \"z\" is already declared for a different use",
        ),
    ] {
        cases.push(same(after(line), message));
    }
    for line in [
        "limit_conn |y 1;",
        "limit_conn |y 1;\nserver { limit_conn y 2; }",
    ] {
        cases.push(same(after(line), "zero size shared memory zone \"y\"").elsewhere());
    }
    check_all(cases);
}

#[test]
fn connection_limits() {
    let mut cases = Vec::new();
    for (line, message) in [
        (
            "|limit_conn c",
            "invalid number of arguments in \"limit_conn\" directive",
        ),
        ("limit_conn c |0", "invalid number of connections \"0\""),
        ("limit_conn c |x", "invalid number of connections \"x\""),
        ("limit_conn c |-1", "invalid number of connections \"-1\""),
        (
            "limit_conn c |99999999999999999999",
            "invalid number of connections \"99999999999999999999\"",
        ),
        ("limit_conn c |65536", "connection limit must be less 65536"),
        (
            "limit_conn c 1; |limit_conn c 0",
            "\"limit_conn\" directive is duplicate",
        ),
        (
            "limit_conn_status |399",
            "value must be between 400 and 599",
        ),
        (
            "limit_conn_status 429; |limit_conn_status 503",
            "\"limit_conn_status\" directive is duplicate",
        ),
        (
            "limit_conn_dry_run |maybe",
            "invalid value \"maybe\" in \"limit_conn_dry_run\" directive, it must be \"on\" or \"off\"",
        ),
        ("limit_conn_log_level |crit", "invalid value \"crit\""),
    ] {
        let text = location(&format!("{line};"));
        let text = text.replace("HTTP\n", &format!("HTTP\n{COUNTS}\n"));
        cases.push(same(text, message));
    }
    check_all(cases);
}
