//! How the gateway's HTTP/2 stands up to RFC 9113, frame by frame.
//!
//! No conformance suite for HTTP/2 servers is to be had from the package registries, so this is one
//! of our own: for the sentences with a MUST that a server can be held to over a plain connection, one
//! case each, named by section. A case is what a client says after both sides have introduced
//! themselves, and what the server must answer.

mod cases;
mod frames;
mod messages;
mod states;
mod windows;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::frames::{ACK, Frame, GOAWAY, HEADERS, PING, RST_STREAM, frame};
use crate::raw_http2::{H2, get, status};
use crate::rig::{Server, Wire, backend};
use cases::{Case, PROTOCOL, Want};

const HTTP: &str = "limit_req_zone $arg_k zone=slow:64k rate=6r/m;
    server { listen @FRONT http2;
        location / { proxy_pass http://@BACK; }
        location /long { return 200 0123456789; }
        location /wait { limit_req zone=slow burst=1; proxy_pass http://@BACK; } }";

/// What a server did about a case.
#[derive(Debug, PartialEq)]
enum Did {
    /// It went on, and answered the request that followed.
    Fine,
    Goaway(u32),
    Reset(u32),
    /// It answered the request with this status.
    Status(u16),
    Closed,
    /// Nothing within the time there is.
    Nothing,
}

/// Where the `h2` crate does not do what the RFC says: with whatever it cannot decode, it says
/// PROTOCOL_ERROR, though there are better names. Of the rest nobody takes harm.
const OTHERWISE: [(&str, Did); 17] = [
    ("3.4 a first frame that is no SETTINGS", Did::Nothing),
    ("4.3 a field of index zero", Did::Goaway(PROTOCOL)),
    ("4.3 a field beyond the tables", Did::Goaway(PROTOCOL)),
    ("4.3 a field that is cut", Did::Goaway(PROTOCOL)),
    (
        "4.3 a code of Huffman's that is none",
        Did::Goaway(PROTOCOL),
    ),
    ("4.3 padding longer than seven bits", Did::Goaway(PROTOCOL)),
    (
        "4.3.1 a table larger than was allowed",
        Did::Goaway(PROTOCOL),
    ),
    (
        "4.3.1 a change of the table after a field",
        Did::Goaway(PROTOCOL),
    ),
    ("5.1 half closed: DATA", Did::Goaway(PROTOCOL)),
    ("6.3 PRIORITY of another length", Did::Goaway(PROTOCOL)),
    ("6.4 RST_STREAM of another length", Did::Goaway(PROTOCOL)),
    (
        "6.5 an acknowledgement with a payload",
        Did::Goaway(PROTOCOL),
    ),
    ("6.5 SETTINGS of another length", Did::Goaway(PROTOCOL)),
    ("6.5.2 a window above 2^31-1", Did::Goaway(PROTOCOL)),
    ("6.7 PING of another length", Did::Goaway(PROTOCOL)),
    ("6.9 WINDOW_UPDATE of another length", Did::Goaway(PROTOCOL)),
    // They are left out of the trailers.
    ("8.1 trailers with a pseudo-header", Did::Nothing),
];

/// The stream of the request by which a server shows that it is well; larger than any of a case.
const LATER: u32 = 1001;

fn play(server: &Server, case: &Case) -> Did {
    let mut h2 = match case.silent {
        true => H2::silent(server.front),
        false => H2::with(server.front, case.settings),
    };
    for (number, bytes) in case.says.iter().enumerate() {
        if number > 0 {
            // What was said before has been understood by now.
            thread::sleep(Duration::from_millis(100));
        }
        if !h2.try_send(bytes) {
            break;
        }
    }
    let fine = matches!(case.want, Want::Fine);
    if fine {
        h2.try_send(&[frame(PING, 0, 0, b"are you?"), get(LATER, "/long")].concat());
    }
    h2.patience(Duration::from_secs(3));
    let mut ping = false;
    loop {
        let Some(read) = h2.next() else {
            return match h2.wire.is_closed() {
                true => Did::Closed,
                false => Did::Nothing,
            };
        };
        let Frame { kind, stream, .. } = read;
        match kind {
            GOAWAY => return Did::Goaway(read.code()),
            RST_STREAM if !fine => return Did::Reset(read.code()),
            PING if read.has(ACK) && read.payload == b"are you?" => ping = true,
            HEADERS if fine && stream == LATER && ping => return Did::Fine,
            // An answer to a request that was fine is none to what came after it.
            HEADERS if !fine && status(&read).is_some_and(|status| status >= 400) => {
                return Did::Status(status(&read).unwrap_or_default());
            }
            _ => {}
        }
    }
}

/// Whether that is one of the answers there may be. A server may take an error of a stream for one of the
/// connection (RFC 9113, 5.4.2).
fn satisfies(did: &Did, want: &Want) -> bool {
    match (want, did) {
        (Want::Fine, did) => *did == Did::Fine,
        (Want::Connection(codes), Did::Goaway(code)) => codes.contains(code),
        (Want::Stream(codes), Did::Reset(code) | Did::Goaway(code)) => codes.contains(code),
        // 8.1.1: a server may answer before it resets.
        (Want::Malformed, Did::Reset(code) | Did::Goaway(code)) => *code == PROTOCOL,
        (Want::Malformed, Did::Status(status)) => (400..500).contains(status),
        (Want::End, Did::Goaway(_) | Did::Closed) => true,
        _ => false,
    }
}

#[test]
fn what_rfc_9113_says_a_server_must_do_is_done() {
    let passed_on = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&passed_on);
    let back = backend(move |mut wire: Wire| {
        if let Some(head) = wire.try_head() {
            if head.starts_with("GET /hang") {
                thread::sleep(Duration::from_secs(1));
            }
            if head.contains("/malformed") {
                list.lock().expect("a list").push(head);
            }
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let http = HTTP.replace("@BACK", &back.to_string());
    // To see how another server does.
    let server = match std::env::var("CONFORMANCE_OF").as_deref() {
        Ok("nginx") => Server::nginx(&http),
        _ => Server::gateway(&http),
    };
    let cases = cases::all();
    let server = &server;
    let results: Vec<Did> = thread::scope(|scope| {
        let played: Vec<_> = cases
            .chunks(cases.len().div_ceil(8))
            .map(|part| {
                scope.spawn(|| {
                    part.iter()
                        .map(|case| play(server, case))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let played = played.into_iter().map(|play| play.join().expect("a play"));
        played.flatten().collect()
    });
    let wrong: Vec<String> = cases
        .iter()
        .zip(&results)
        .filter(|(case, did)| {
            let mut otherwise = OTHERWISE.iter();
            match otherwise.find(|(name, _)| *name == case.name) {
                Some((_, known)) => known != *did,
                None => !satisfies(did, &case.want),
            }
        })
        .map(|(case, did)| format!("{}: wanted {:?}, got {did:?}", case.name, case.want))
        .collect();
    let (all, known) = (cases.len(), OTHERWISE.len());
    let right = all - known - wrong.len();
    eprintln!(
        "{all} cases: {right} as the RFC says, {known} otherwise as known, {} wrong",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    let passed_on = passed_on.lock().expect("a list");
    assert!(passed_on.is_empty(), "{passed_on:#?}");
    let errors = server.process.read("error.log");
    assert!(
        !errors.contains("[alert]") && !errors.contains("[emerg]"),
        "{errors}"
    );
}
