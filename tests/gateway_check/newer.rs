//! What only newer versions of nginx have. Their messages, held by tables of our own.

use super::check::{Case, http, same, upstream};
use super::check_all;

fn newer(text: String, message: &'static str) -> Case {
    same(text, message).unknown()
}

fn with_server(more: &str) -> String {
    upstream(&format!("server 127.0.0.1;\n{more}"))
}

#[test]
fn least_time() {
    check_all(vec![
        newer(with_server("least_time |body;"), "invalid value \"body\""),
        newer(
            with_server("least_time header |now;"),
            "invalid parameter \"now\"",
        ),
        newer(
            with_server("|least_time;"),
            "invalid number of arguments in \"least_time\" directive",
        ),
    ]);
}

#[test]
fn sticky() {
    let long: &str = &"r".repeat(33);
    let learn = "create=$upstream_cookie_s lookup=$cookie_s zone=s:32k";
    check_all(vec![
        newer(
            with_server("|sticky cookie;"),
            "invalid number of arguments in \"sticky\" directive",
        ),
        newer(with_server("sticky |foo bar;"), "unknown parameter \"foo\""),
        newer(
            with_server("sticky cookie a;\n|sticky cookie b;"),
            "\"sticky\" directive is duplicate",
        ),
        newer(
            with_server("sticky cookie |\"\";"),
            "\"sticky\" directive empty cookie name",
        ),
        newer(
            with_server("sticky cookie a |max=1;"),
            "unknown parameter \"max=1\"",
        ),
        newer(
            with_server("sticky cookie a |expires=1x;"),
            "\"sticky\" directive invalid \"expires\" parameter value",
        ),
        newer(
            with_server("sticky cookie a secure |secure;"),
            "\"sticky\" directive parameter \"secure\" is duplicate",
        ),
        newer(
            with_server("sticky cookie a |path=;"),
            "\"sticky\" directive no value for \"path\"",
        ),
        newer(
            with_server("sticky cookie a |samesite=maybe;"),
            "\"sticky\" directive invalid \"samesite\" parameter value",
        ),
        newer(
            with_server("sticky route |arg_r;"),
            "invalid variable name \"arg_r\"",
        ),
        newer(
            with_server("sticky route $arg_r |$nope;"),
            "unknown \"nope\" variable",
        ),
        newer(
            with_server("sticky |cookie a domain=$nope;"),
            "unknown \"nope\" variable",
        ),
        newer(
            with_server("sticky |learn create=$cookie_a lookup=$upstream_cookie_a zone=s:32k;"),
            "the \"upstream_cookie_a\" variable is of a response",
        ),
        newer(
            with_server("sticky learn |create=a lookup=$cookie_a zone=s:32k;"),
            "\"sticky\" directive missing variable in the \"create\" parameter",
        ),
        newer(
            with_server("sticky |learn create=$cookie_a zone=s:32k;"),
            "\"sticky\" directive \"lookup\" parameter is not specified",
        ),
        newer(
            with_server("sticky |learn lookup=$cookie_a zone=s:32k;"),
            "\"sticky\" directive \"create\" parameter is not specified",
        ),
        newer(
            with_server("sticky |learn create=$cookie_a lookup=$cookie_a;"),
            "\"sticky\" directive \"zone\" parameter is not specified",
        ),
        newer(
            with_server("sticky learn create=$cookie_a lookup=$cookie_a |zone=s:4k;"),
            "\"sticky\" directive zone is too small",
        ),
        newer(
            with_server("sticky learn create=$cookie_a lookup=$cookie_a |zone=s;"),
            "\"sticky\" directive zone size is not specified",
        ),
        newer(
            with_server(&format!("sticky learn {learn} |timeout=0;")),
            "\"sticky\" directive invalid timeout",
        ),
        newer(
            with_server(&format!("sticky learn {learn} |sync;")),
            "unknown parameter \"sync\"",
        ),
        newer(
            http(&format!(
                "upstream u {{ server 127.0.0.1; sticky learn {learn}; }}\n\
                 upstream v {{ server 127.0.0.1;\nsticky learn {}; }}",
                learn.replace("zone", "|zone"),
            )),
            "sticky zone \"s\" is already used in upstream \"u\"",
        ),
        newer(
            with_server("sticky cookie a;\n|least_conn;"),
            "load balancing method redefined",
        )
        .warning(),
        newer(upstream("server 127.0.0.1 |route=;"), "route is empty"),
        newer(
            upstream(&format!("server 127.0.0.1 |route={long};")),
            "route is longer than 32",
        ),
    ]);
}

#[test]
fn names_that_are_looked_up_again() {
    let up = |servers: &str| http(&format!("|upstream u {{\n{servers}\n}}"));
    check_all(vec![
        newer(
            upstream("server |a.invalid service=http;"),
            "service upstream \"a.invalid\" requires \"resolve\" parameter",
        ),
        newer(
            upstream("server a.invalid resolve |service=;"),
            "service is empty",
        ),
        newer(
            upstream("server |a.invalid:81 resolve service=http;"),
            "service upstream \"a.invalid:81\" may not have port",
        ),
        newer(
            upstream("server |127.0.0.1 resolve service=http;"),
            "service upstream \"127.0.0.1\" requires domain name",
        ),
        newer(
            upstream("server |unix:/tmp/s resolve service=http;"),
            "service upstream \"unix:/tmp/s\" requires domain name",
        ),
    ]);
    check_all(vec![
        newer(
            up("resolver 127.0.0.1; server a.invalid resolve;"),
            "resolving names at run time requires upstream \"u\" to be in shared memory",
        ),
        newer(
            up("zone z 64k; server a.invalid resolve;"),
            "no resolver defined to resolve names at run time in upstream \"u\"",
        ),
    ]);
}

/// On the level of `http`, where nginx 1.22.1 has these, too.
#[test]
fn resolvers() {
    check_all(vec![
        same(
            http("|resolver;"),
            "invalid number of arguments in \"resolver\" directive",
        ),
        same(
            http("resolver 127.0.0.1 |valid=10ms;"),
            "invalid parameter: valid=10ms",
        ),
        same(
            http("resolver 127.0.0.1 |ipv6=maybe;"),
            "invalid parameter: ipv6=maybe",
        ),
        same(http("|resolver valid=1s;"), "no name servers defined"),
        same(
            http("resolver |127.0.0.1:0;"),
            "invalid port in resolver \"127.0.0.1:0\"",
        ),
        same(http("resolver |\"\";"), "no host in resolver \"\""),
        same(http("resolver |/x;"), "invalid host in resolver \"/x\""),
        same(
            http("resolver 127.0.0.1 |no-such-host.invalid;"),
            "host not found in resolver \"no-such-host.invalid\"",
        ),
        same(
            http("resolver 127.0.0.1;\n|resolver 127.0.0.1;"),
            "\"resolver\" directive is duplicate",
        ),
        same(
            http("resolver_timeout |1M;"),
            "\"resolver_timeout\" directive invalid value",
        ),
        same(
            http("|resolver 127.0.0.1 ipv4=off ipv6=off;"),
            "\"ipv4\" and \"ipv6\" cannot both be \"off\"",
        )
        .differs("host not found: its ipv4= is newer"),
        newer(
            with_server("resolver |no-such-host.invalid;"),
            "host not found in resolver \"no-such-host.invalid\"",
        ),
        newer(
            with_server("resolver 127.0.0.1;\n|resolver 127.0.0.1;"),
            "\"resolver\" directive is duplicate",
        ),
    ]);
}
