//! The rows of the guide's parity page in which the HTTP library is stricter than NGINX.

use super::scenario::Scenario;
use super::text;

/// Peer A of two always answers like this; what three requests come to on each side.
pub(crate) struct Row {
    /// The name of a malformed answer.
    pub(crate) answer: &'static str,
    pub(crate) nginx: [&'static str; 3],
    pub(crate) ours: [&'static str; 3],
}

/// Passed on byte by byte (RS-2), and a success.
const HTTP_0_9: [&str; 3] = ["009 raw [A] (200)", "[B]", "009 raw [A] (200)"];
/// Taken as it comes, and a success.
const TAKEN: [&str; 3] = ["[A]", "[B]", "[A]"];
/// Refused and counted: A is banned.
const REFUSED: [&str; 3] = ["502 [A] (502)", "[B]", "[B]"];

/// Every row of the guide's table.
pub(crate) const ROWS: [Row; 18] = [
    row("garbage", HTTP_0_9, REFUSED),
    row("four-digits", HTTP_0_9, REFUSED),
    row("lower-case-http", HTTP_0_9, REFUSED),
    row("leading-crlf", HTTP_0_9, TAKEN),
    row("version-2.0", TAKEN, REFUSED),
    row(
        "status-099",
        ["099 [A] (99)", "[B]", "099 [A] (99)"],
        REFUSED,
    ),
    row("two-spaces", TAKEN, REFUSED),
    row("no-colon", TAKEN, REFUSED),
    row("parentheses-in-name", TAKEN, REFUSED),
    row("control-in-value", TAKEN, REFUSED),
    row("many-headers", TAKEN, REFUSED),
    row("two-lengths", TAKEN, REFUSED),
    row("bad-length", TAKEN, REFUSED),
    row("chunked-1.0", TAKEN, REFUSED),
    row(
        "status-continue",
        ["100 [A] (100)", "[B]", "100 [A] (100)"],
        TAKEN,
    ),
    row(
        "status-early-hints",
        ["103 [A] (103)", "[B]", "103 [A] (103)"],
        TAKEN,
    ),
    row(
        "switching-unasked",
        ["101 [A] (101)", "[B]", "101 [A] (101)"],
        ["502 [A] (101)", "[B]", "502 [A] (101)"],
    ),
    row(
        "bare-lf-chunks",
        TAKEN,
        [
            "200 [A] (200) but the client got nothing",
            "[B]",
            "200 [A] (200) but the client got nothing",
        ],
    ),
];

const fn row(answer: &'static str, nginx: [&'static str; 3], ours: [&'static str; 3]) -> Row {
    Row {
        answer,
        nginx,
        ours,
    }
}

/// One scenario for each row.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let text = ROWS.map(|row| {
        let answer = row.answer;
        format!("scenario differs {answer}\nserver A; server B;\nat 0\nA {answer}\nGET\nGET\nGET\n")
    });
    text::parse(&text.concat()).expect("a table that can be read")
}
