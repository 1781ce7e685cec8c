//! A scenario: one upstream, what its peers do, and which requests are sent when.
//!
//! Plain data, equal on both sides of a comparison. `text.rs` gives it a form to keep in a file.

use std::net::IpAddr;

use super::script::{Script, What};

/// Peers are letters, `A` first; each side of a comparison gives them its own addresses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// Milliseconds past a wall-clock second at which offset 0 lies.
    pub(crate) start: u64,
    /// Lines of the upstream block, `server` lines naming peers by letter.
    pub(crate) upstream: Vec<String>,
    /// `limit_req_zone` and `limit_conn_zone` lines. With one of them, requests do not wait for each
    /// other: each is sent when it is due, to the millisecond.
    pub(crate) zones: Vec<String>,
    /// Lines of the location besides `proxy_pass`.
    pub(crate) location: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// From `at` milliseconds on these peers behave like this; then these requests are sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) at: u64,
    pub(crate) peers: Vec<(char, Script)>,
    pub(crate) requests: Vec<Request>,
}

/// One client request, on a connection of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) body: Option<Body>,
    /// Do not wait for the response before going on.
    pub(crate) held: bool,
    /// The connection stays open after the response until the scenario is over.
    pub(crate) idle: bool,
    /// What `$arg_k` and `$http_x_key` are; without it both are empty.
    pub(crate) key: Option<String>,
    /// Where it comes from, for servers that believe `X-Client`; else from 127.0.0.1.
    pub(crate) client: Option<IpAddr>,
    /// Close the connection so many milliseconds after sending.
    pub(crate) abandon: Option<u64>,
    /// What is known to come back, in the reference's notation.
    pub(crate) expect: Option<String>,
}

/// A request body of `length` bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Body {
    pub(crate) length: usize,
    /// Milliseconds between the header and the body; 0 sends both in one write.
    pub(crate) late: u64,
    pub(crate) chunked: bool,
}

impl Scenario {
    /// The letters of the peers, in order of first mention.
    pub(crate) fn peers(&self) -> Vec<char> {
        let mut letters = Vec::new();
        for line in &self.upstream {
            if let Some(letter) = server_letter(line) {
                if !letters.contains(&letter) {
                    letters.push(letter);
                }
            }
        }
        letters
    }

    /// Whether its peers are spoken to over HTTP/2.
    pub(crate) fn grpc(&self) -> bool {
        self.location.iter().any(|line| line == "grpc_pass;")
    }

    /// What its paths begin with. A replay asks for the same paths, for keys made of them.
    pub(crate) fn path(&self) -> String {
        let slug = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        self.name.chars().map(slug).collect()
    }

    /// Whether the addresses of peers have a say in who is chosen: a ring is made of them.
    pub(crate) fn hashes_addresses(&self) -> bool {
        let mut lines = self.upstream.iter();
        lines.any(|line| line.starts_with("hash ") && line.ends_with(" consistent;"))
    }

    /// Whether a peer ends connections as soon as it accepts them.
    pub(crate) fn resets(&self) -> bool {
        let scripts = self.steps.iter().flat_map(|step| &step.peers);
        scripts.into_iter().any(|(_, script)| match script {
            Script::Serve(replies) => {
                let mut whats = replies.iter().map(|reply| reply.what);
                whats.any(|what| matches!(what, What::Drop | What::ResetOnAccept))
            }
            Script::Refuse | Script::Deaf => false,
        })
    }

    /// All requests in the order in which they are sent.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.steps.iter().flat_map(|step| &step.requests)
    }
}

/// The peer that a `server` line names.
pub(crate) fn server_letter(line: &str) -> Option<char> {
    let rest = line.strip_prefix("server ")?;
    let word = rest.split([' ', ';']).next()?;
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some(letter @ 'A'..='Z'), None) => Some(letter),
        _ => None,
    }
}
