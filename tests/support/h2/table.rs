//! Every act in every mode, and what comes of it: GR-1 to GR-5.

use crate::support::scenario::Scenario;
use crate::support::text;

/// What an act means for a call.
enum Means {
    /// It is passed on as it is, and counts as a success (GR-2, GR-5).
    Fine(&'static str),
    /// There is no connection: any call moves on (GR-3).
    Unsent(u16),
    /// A failure after sending: only a call that was complete from the start may move on, and none by
    /// default.
    Sent(u16),
    /// As above, and a failure only if the call moves on (NU-8).
    Listed(u16),
}

use Means::{Fine, Listed, Sent, Unsent};

const ACTS: [(&str, Means); 35] = [
    ("grpc-0", Fine("200 [A] (200) grpc:0")),
    ("grpc-5", Fine("200 [A] (200) grpc:5")),
    ("grpc-14", Fine("200 [A] (200) grpc:14")),
    ("only-0", Fine("200 [A] (200) only:0")),
    ("only-14", Fine("200 [A] (200) only:14")),
    ("no-trailers", Fine("200 [A] (200) bare")),
    ("early", Fine("200 [A] (200) grpc:0")),
    ("ok-rst-none", Fine("200 [A] (200) grpc:0")),
    ("update-first", Fine("200 [A] (200) grpc:0")),
    ("goaway-cover", Fine("200 [A] (200) grpc:0")),
    ("half-rst-none", Fine("200 [A] (200) reset:2")),
    ("half-rst-internal", Fine("200 [A] (200) reset:2")),
    ("half-rst-cancel", Fine("200 [A] (200) reset:2")),
    ("half-close", Fine("200 [A] (200) reset:2")),
    ("half-hang", Fine("200 [A] (200) reset:2")),
    ("length-cut", Fine("200 [A] (200) reset:2")),
    ("length-more", Fine("200 [A] (200) reset:2")),
    ("404", Fine("404 [A] (404) bare")),
    ("302", Fine("302 [A] (302) bare")),
    ("500", Listed(500)),
    ("503", Listed(503)),
    ("rst-none", Sent(502)),
    ("rst-internal", Sent(502)),
    ("rst-refused", Sent(502)),
    ("rst-cancel", Sent(502)),
    ("goaway-below", Sent(502)),
    ("goaway-below-error", Sent(502)),
    ("no-status", Sent(502)),
    ("data-first", Sent(502)),
    ("close", Sent(502)),
    ("reset", Sent(502)),
    ("hang-up", Sent(502)),
    ("hang", Sent(504)),
    ("refuse", Unsent(502)),
    ("deaf", Unsent(504)),
];

/// What is listed besides statuses and errors, and whether a complete call moves on by that.
const MODES: [(&str, bool, bool); 3] = [
    (
        "error timeout invalid_header http_500 http_503 non_idempotent",
        true,
        true,
    ),
    (
        "error timeout invalid_header http_500 http_503",
        false,
        true,
    ),
    ("off", false, false),
];

/// How the body comes, and whether it is complete when the call is passed on.
const BODIES: [(&str, bool); 3] = [
    ("", true),
    (" body 10", false),
    (" body 10 late 200", false),
];

/// All cells.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut text = String::new();
    for (act, means) in ACTS {
        for (words, repeats, unsent) in MODES {
            for (body, complete) in BODIES {
                let moves = repeats && complete;
                let [first, second] = outcomes(&means, moves, unsent);
                text += &format!(
                    "scenario GR {act}, {words},{body}\nserver A max_fails=1; server B backup;\ngrpc_pass; \
                     grpc_next_upstream {words}; grpc_read_timeout 400ms; grpc_connect_timeout 400ms;\n\
                     at 0\nA {act}\nCALL{body} -> {first} | {second}\n"
                );
            }
        }
    }
    text::parse(&text).expect("a table that can be read")
}

/// Of one call and the next.
fn outcomes(means: &Means, moves: bool, unsent: bool) -> [String; 2] {
    let next = "200 [B] (200) grpc:0".to_owned();
    let moved = |status| format!("200 [A, B] ({status}, 200) grpc:0");
    let failed = |status| format!("{status} [A] ({status}) bare");
    match *means {
        Fine(outcome) => [outcome.to_owned(), outcome.to_owned()],
        Sent(status) | Listed(status) if moves => [moved(status), next],
        Unsent(status) if unsent => [moved(status), next],
        Sent(status) | Unsent(status) => [failed(status), next],
        Listed(status) => [failed(status), failed(status)],
    }
}
