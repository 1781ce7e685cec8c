//! Answers that are wrong on the wire, by name.

/// Name and bytes; the connection is closed after them.
pub(crate) const ANSWERS: [(&str, &str); 32] = [
    ("garbage", "this is no status line\r\nat all\r\n"),
    (
        "four-digits",
        "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "leading-crlf",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "status-099",
        "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "status-600",
        "HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "status-continue",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "status-early-hints",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "lower-case-http",
        "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "two-spaces",
        "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "parentheses-in-name",
        "HTTP/1.1 200 OK\r\nX(Y): 1\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "control-in-value",
        "HTTP/1.1 200 OK\r\nX: a\u{1}b\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "chunked-1.0",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "switching-unasked",
        "HTTP/1.1 101 Switching\r\nUpgrade: odd\r\n\r\nok",
    ),
    ("many-headers", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
    (
        "version-2.0",
        "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "version-1.0",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
    ("no-reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
    ("bare-lf", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    (
        "no-colon",
        "HTTP/1.1 200 OK\r\nOdd\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "nul-in-name",
        "HTTP/1.1 200 OK\r\nO\0dd: 1\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "space-in-name",
        "HTTP/1.1 200 OK\r\nO dd: 1\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "space-before-colon",
        "HTTP/1.1 200 OK\r\nOdd : 1\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "folded-line",
        "HTTP/1.1 200 OK\r\nOdd: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "empty-name",
        "HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "bad-length",
        "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    ),
    (
        "same-length-twice",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "two-lengths",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "length-and-chunked",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "unknown-coding",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: odd\r\n\r\nok",
    ),
    (
        "more-than-length",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
    ),
    (
        "bad-chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
    ),
    (
        "bare-lf-chunks",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n",
    ),
];

/// The bytes of an answer.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let answer = ANSWERS.iter().find(|(n, _)| *n == name);
    let mut text = answer.map_or("", |(_, text)| text).to_owned();
    if name == "many-headers" {
        text += &"X: 1\r\n".repeat(150);
        text += "\r\nok";
    }
    text.into_bytes()
}
