//! Balancing methods as nginx 1.22.1 reads them.

use super::check::{self, same, upstream};
use super::check_all;

/// A group balanced by `method`.
fn with_method(method: &str) -> String {
    upstream(&format!("{method};\nserver 127.0.0.1;"))
}

#[test]
fn arguments() {
    let number = |name: &str| -> &'static str {
        format!("invalid number of arguments in \"{name}\" directive").leak()
    };
    let parameter = |word: &str| -> &'static str { format!("invalid parameter \"{word}\"").leak() };
    check_all(vec![
        same(with_method("|least_conn x"), number("least_conn")),
        same(with_method("|ip_hash x"), number("ip_hash")),
        same(with_method("|hash"), number("hash")),
        same(with_method("|hash a b c"), number("hash")),
        same(with_method("|random two least_conn x"), number("random")),
        same(with_method("hash $uri |foo"), parameter("foo")),
        same(with_method("hash $uri |\"\""), parameter("")),
        same(with_method("random |three"), parameter("three")),
        same(with_method("random |least_conn"), parameter("least_conn")),
        same(with_method("random two |foo"), parameter("foo")),
        same(
            with_method("random two |least_time"),
            parameter("least_time"),
        ),
        same(
            with_method("random two |least_time=header"),
            parameter("least_time=header"),
        ),
        same(with_method("hash |$nope"), "unknown \"nope\" variable").elsewhere(),
        same(
            with_method("hash |${uri"),
            "the closing bracket in \"uri\" variable is missing",
        ),
        same(with_method("hash |$"), "invalid variable name"),
        same(with_method("hash |${}"), "invalid variable name"),
    ]);
}

#[test]
fn the_last_method_counts() {
    let redefined = "load balancing method redefined";
    let warned = [
        "least_conn;\n|ip_hash;\nserver 127.0.0.1;",
        "hash a;\n|hash b consistent;\nserver 127.0.0.1;",
        "random;\nserver 127.0.0.1;\n|random two;",
        // The method has no backups, the one in its place has.
        "ip_hash;\n|least_conn;\nserver 127.0.0.1;\nserver 127.0.0.2 backup;",
        // KA-14: the connections kept are lost with the method they belong to.
        "keepalive 3;\n|least_conn;\nserver 127.0.0.1;",
        "server 127.0.0.1;\nkeepalive 3;\n|hash $request_uri;",
    ];
    let cases = warned.map(|text| same(upstream(text), redefined).warning());
    check_all(cases.into());
}

/// CF-6: what counts is which method has been named when the server line comes.
#[test]
fn backups() {
    let refused = "balancing method does not support parameter \"backup\"";
    let without = [
        "ip_hash",
        "hash $uri",
        "hash $uri consistent",
        "random",
        "random two",
        "random two least_conn",
    ];
    let mut cases = Vec::new();
    for method in without {
        let first = format!("{method};\nserver 127.0.0.1;\nserver 127.0.0.2 |backup;");
        cases.push(same(upstream(&first), refused));
    }
    check_all(cases);
    let mut good: Vec<String> = Vec::new();
    for method in without {
        good.push(format!(
            "server 127.0.0.1;\nserver 127.0.0.2 backup;\n{method};"
        ));
        good.push(format!(
            "{method};\nserver 127.0.0.1 down weight=2 max_conns=3;"
        ));
    }
    good.push("least_conn;\nserver 127.0.0.1;\nserver 127.0.0.2 backup;".into());
    good.push("least_conn;\nkeepalive 3;\nserver 127.0.0.1;".into());
    for text in good {
        let text = upstream(&text);
        let accepted = (Some(0), Vec::new());
        assert_eq!(
            check::gateway(&text.replace("HTTP", "http {")),
            accepted,
            "{text}"
        );
        assert_eq!(check::nginx(&text), Vec::<String>::new(), "{text}");
    }
}

/// Every variable here is one nginx has, too.
#[test]
fn variables_of_keys() {
    for key in [
        "$remote_addr",
        "$binary_remote_addr",
        "$request_uri",
        "$uri",
        "$host$uri$is_args$args",
        "$http_x_user",
        "$arg_user",
        "$cookie_session",
        "$request_id",
        "$scheme$https",
        "$upstream_cookie_a",
        "\"\"",
        "constant",
    ] {
        let text = upstream(&format!("hash {key};\nserver 127.0.0.1;"));
        let accepted = (Some(0), Vec::new());
        assert_eq!(
            check::gateway(&text.replace("HTTP", "http {")),
            accepted,
            "{text}"
        );
        assert_eq!(check::nginx(&text), Vec::<String>::new(), "{text}");
    }
}
