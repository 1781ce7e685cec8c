//! The worked traces that are tables: one scenario for each cell.

use super::scenario::Scenario;
use super::text;

/// W7: statuses with their own keyword. Status, whether it counts as a failure.
const STATUSES: [(u16, bool); 7] = [
    (500, true),
    (502, true),
    (503, true),
    (504, true),
    (429, true),
    (404, false),
    (403, false),
];

/// W11: what the peer does, the outcome of a sent POST, whether the peer is banned after it.
const SENT: [(&str, &str, bool); 4] = [
    ("refuse", "200 [A, B] (502, 200)", true),
    ("close", "502 [A] (502)", true),
    ("hang", "504 [A] (504)", true),
    ("500", "500 [A] (500)", false),
];

/// W12: what the peer sends; the first outcome with `error timeout`, with `invalid_header` and
/// with `off`; whether the peer is banned then.
const SENDS: [(&str, [&str; 3], bool); 23] = [
    ("close", ERROR, true),
    ("drop", ERROR, true),
    ("hang-up", ERROR, true),
    ("reset", ERROR, true),
    ("reset-on-accept", ERROR, true),
    ("partial", ERROR, true),
    ("nul-in-name", INVALID, true),
    ("space-in-name", INVALID, true),
    ("space-before-colon", INVALID, true),
    ("folded-line", INVALID, true),
    ("empty-name", INVALID, true),
    ("huge-header", INVALID, true),
    ("200:cut", ["200 cut [A] (200)"; 3], false),
    ("200:chunked-cut", ["200 cut [A] (200)"; 3], false),
    ("status-600", ["600 [A] (600)"; 3], false),
    ("version-1.0", FINE, false),
    ("no-reason", FINE, false),
    ("bare-lf", FINE, false),
    ("same-length-twice", FINE, false),
    ("length-and-chunked", FINE, false),
    ("unknown-coding", FINE, false),
    ("more-than-length", FINE, false),
    ("200:eof", FINE, false),
];
const ERROR: [&str; 3] = [
    "200 [A, B] (502, 200)",
    "200 [A, B] (502, 200)",
    "502 [A] (502)",
];
const FINE: [&str; 3] = ["200 [A] (200)"; 3];
const INVALID: [&str; 3] = ["502 [A] (502)", "200 [A, B] (502, 200)", "502 [A] (502)"];

/// All cells of W7, W11 and W12.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let text = [statuses(), methods(), late_bodies(), sends()].concat();
    text::parse(&text).expect("a table that can be read")
}

fn statuses() -> String {
    let cells = STATUSES.map(|(status, counted)| {
        let retried = format!("200 [A, B] ({status}, 200)");
        let five = if counted {
            format!("{retried} | [B] | [B] | [B] | [B]")
        } else {
            format!("{retried} | [B] | {retried} | [B] | {retried}")
        };
        let then = match status {
            404 | 403 => format!(
                "at 200\nB {status}\nGET -> {status} [B, A] ({status}, {status}) \
                 | {status} [A, B] ({status}, {status}) | {status} [B, A] ({status}, {status})\n"
            ),
            429 => "at 200\nB 429\nGET -> 502 [B, u] (429, 502) | 502 [u] (502) | 502 [u] (502)\n".to_owned(),
            _ => String::new(),
        };
        format!(
            "scenario W7 {status} and its keyword\nserver A; server B;\nproxy_next_upstream http_{status};\n\
             at 0\nA {status}\nGET -> {five}\n{then}"
        )
    });
    cells.concat()
}

fn methods() -> String {
    let mut text = String::new();
    for (does, sent, banned) in SENT {
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"] {
            let code = if does == "500" {
                500
            } else if does == "hang" {
                504
            } else {
                502
            };
            let first = format!("200 [A, B] ({code}, 200)");
            text += &method_cell(does, method, "error timeout http_500", &first, true);
        }
        for method in ["POST", "PATCH", "LOCK"] {
            text += &method_cell(does, method, "error timeout http_500", sent, banned);
        }
    }
    for (does, code) in [("close", 502), ("500", 500)] {
        let first = format!("200 [A, B] ({code}, 200)");
        for method in ["POST", "PATCH", "LOCK"] {
            text += &method_cell(
                does,
                method,
                "error timeout http_500 non_idempotent",
                &first,
                true,
            );
        }
    }
    text
}

fn method_cell(does: &str, method: &str, keywords: &str, first: &str, banned: bool) -> String {
    let body = if matches!(method, "POST" | "PATCH" | "PUT") {
        " body 10"
    } else {
        ""
    };
    let then = if banned {
        "[B] | [B] | [B]"
    } else {
        "[B] | [A] | [B]"
    };
    format!(
        "scenario W11 {method}, {does}, {keywords}\nserver A; server B;\n\
         proxy_next_upstream {keywords}; proxy_read_timeout 1s;\n\
         at 0\nA {does}\n{method}{body} -> {first}\nat 1400\nA 200\nGET -> {then}\n"
    )
}

/// W11: bodies that are not buffered.
fn late_bodies() -> String {
    let cells = [
        ("close", "body 100000 late 100", "502 [A] (502)"),
        ("refuse", "body 100000 late 100", "200 [A, B] (502, 200)"),
        ("close", "body 10", "200 [A, B] (502, 200)"),
    ];
    cells
        .map(|(does, body, first)| {
            format!(
                "scenario W11 unbuffered, {does}, {body}\nserver A; server B;\n\
                 proxy_request_buffering off; proxy_http_version 1.1;\n\
                 at 0\nA {does}\nPUT {body} -> {first}\nat 400\nGET -> [B] | [B]\n"
            )
        })
        .concat()
}

fn sends() -> String {
    let mut text = String::new();
    let keywords = ["error timeout", "error timeout invalid_header", "off"];
    for (does, first, banned) in SENDS {
        for (keywords, first) in keywords.iter().zip(first) {
            let then = if banned {
                "[B] | [B]".to_owned()
            } else {
                format!("[B] | {first}")
            };
            text += &format!(
                "scenario W12 {does}, {keywords}\nserver A; server B;\nproxy_next_upstream {keywords};\n\
                 at 0\nA {does}\nGET -> {first} | {then}\n"
            );
        }
    }
    text
}
