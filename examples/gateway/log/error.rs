//! `error_log`, in NGINX's form.

use std::fmt::{Arguments, Write as _};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tower_upstream::Attempt;
use tower_upstream::nginx::Variables;

use crate::clock;
use crate::config::{ErrorLog, Level, LogPath};
use crate::exchange::Exchange;

/// Where errors go. Lines are written at once: they are few, and wanted when things break.
#[derive(Clone, Debug)]
pub struct Log {
    to: Arc<Target>,
    level: Level,
}

#[derive(Debug)]
enum Target {
    Stderr,
    File(Mutex<std::fs::File>),
}

impl Log {
    /// Standard error, for what happens before there is a configuration.
    pub fn stderr() -> Self {
        Self {
            to: Arc::new(Target::Stderr),
            level: Level::Notice,
        }
    }

    /// Opens what the configuration names; its path is relative to `prefix`.
    pub fn open(config: &ErrorLog, prefix: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let to = match &config.path {
            LogPath::Stderr => Target::Stderr,
            LogPath::File(path) => {
                let path = prefix.join(path);
                let file = OpenOptions::new().append(true).create(true).open(&path);
                Target::File(Mutex::new(file.map_err(|error| (path, error))?))
            }
        };
        Ok(Self {
            to: Arc::new(to),
            level: config.level,
        })
    }

    /// Writes a line that belongs to no connection.
    pub fn write(&self, level: Level, message: Arguments<'_>) {
        self.line(level, None, message, "");
    }

    /// Writes a line about a connection that has no request yet.
    pub fn connection(&self, level: Level, connection: u64, message: Arguments<'_>) {
        self.line(level, Some(connection), message, "");
    }

    fn line(&self, level: Level, connection: Option<u64>, message: Arguments<'_>, about: &str) {
        if level > self.level {
            return;
        }
        let mut line = String::new();
        clock::with_local(|text| line.push_str(&text.error));
        let pid = std::process::id();
        // Writing to a String cannot fail.
        let _ = write!(line, " [{}] {pid}#{pid}: ", word(level));
        if let Some(connection) = connection {
            let _ = write!(line, "*{connection} ");
        }
        let _ = writeln!(line, "{message}{about}");
        // Where else could a failure to log be reported?
        let _ = match &*self.to {
            Target::Stderr => io::stderr().write_all(line.as_bytes()),
            Target::File(file) => file
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write_all(line.as_bytes()),
        };
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Emerg => "emerg",
        Level::Alert => "alert",
        Level::Crit => "crit",
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Notice => "notice",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}

/// Writes a line about a request.
pub fn about(exchange: &Exchange, level: Level, message: Arguments<'_>) {
    let log = exchange.worker().error_log(exchange.place);
    if level <= log.level {
        log.line(
            level,
            Some(exchange.client.id),
            message,
            &context(exchange, None),
        );
    }
}

/// Writes what went wrong with the attempts of a request, those not yet written.
pub fn report_attempts(exchange: &mut Exchange) {
    let Some(trail) = exchange.trails.last() else {
        return;
    };
    let failed = |attempt: &Attempt| attempt.failure.is_some() || attempt.disabled;
    if !trail.read(|attempts| attempts.iter().skip(exchange.reported).any(failed)) {
        return;
    }
    let log = exchange.worker().error_log(exchange.place);
    let attempts = trail.attempts();
    for attempt in attempts.iter().skip(exchange.reported) {
        let say = |level, message: Arguments<'_>| {
            if level <= log.level {
                let about = context(exchange, Some(&attempt.peer));
                log.line(level, Some(exchange.client.id), message, &about);
            }
        };
        if let Some(failure) = &attempt.failure {
            let what = words(attempt.status, attempt.connect_time.is_some(), failure);
            say(Level::Error, format_args!("{what}{}", phase(attempt)));
        }
        if attempt.disabled {
            let doing = phase(attempt);
            say(
                Level::Warn,
                format_args!("upstream server temporarily disabled{doing}"),
            );
        }
    }
    exchange.reported = attempts.len();
}

/// NGINX's words for a failed attempt.
fn words(status: Option<u16>, connected: bool, failure: &str) -> String {
    if failure.starts_with("no live upstreams") {
        return "no live upstreams".into();
    }
    if status == Some(504) {
        return "upstream timed out (110: Connection timed out)".into();
    }
    if let Some(why) = failure.strip_prefix("TLS handshake: ") {
        return handshake(why);
    }
    if let Some(alert) = failure.find("received fatal alert") {
        return format!("SSL_read() failed (SSL: {})", &failure[alert..]);
    }
    let call = if connected { "recv()" } else { "connect()" };
    if let Some((what, number)) = failure.rsplit_once(" (os error ") {
        let what = what.rsplit(": ").next().unwrap_or(what);
        let number = number.trim_end_matches(')');
        return format!("{call} failed ({number}: {what})");
    }
    if let Some((what, code)) = failure.rsplit_once(" (http2 error ") {
        let code = code.trim_end_matches(')');
        if what.contains("stream error received") {
            return format!("upstream rejected request with error {code}");
        }
        if what.contains("connection error received") {
            return format!("upstream sent goaway with error {code}");
        }
        return "upstream sent invalid header".into();
    }
    if failure.starts_with("the peer reset the stream") {
        return "upstream prematurely closed stream".into();
    }
    if failure.contains("too large") || failure.contains("too big") {
        return "upstream sent too big header".into();
    }
    if failure.contains("invalid") {
        return "upstream sent invalid header".into();
    }
    if connected {
        return "upstream prematurely closed connection".into();
    }
    failure.to_owned()
}

/// The same for a handshake; the reason is rustls's.
fn handshake(why: &str) -> String {
    match why.strip_prefix("invalid peer certificate: ") {
        Some(why) if why.starts_with("certificate not valid for name") => {
            format!("upstream SSL certificate does not match: {why}")
        }
        Some(why) => format!("upstream SSL certificate verify error: ({why})"),
        None if why.ends_with("eof") => "peer closed connection in SSL handshake".into(),
        None => format!("SSL_do_handshake() failed (SSL: {why})"),
    }
}

/// What was being done when an attempt failed.
fn phase(attempt: &Attempt) -> &'static str {
    let failure = attempt.failure.as_deref().unwrap_or_default();
    if failure.starts_with("TLS handshake: ") {
        return " while SSL handshaking to upstream";
    }
    match (attempt.connect_time, attempt.header_time) {
        (None, _) => " while connecting to upstream",
        (Some(_), None) => " while reading response header from upstream",
        (Some(_), Some(_)) => " while reading upstream",
    }
}

/// `, client: ..., server: ..., request: "...", upstream: "...", host: "..."`
fn context(exchange: &Exchange, peer: Option<&str>) -> String {
    let mut out = String::new();
    let mut value = |before: &str, name: &str, after: &str| {
        let start = out.len();
        out.push_str(before);
        let length = out.len();
        if exchange.append(name, &mut out) || name == "server_name" {
            out.push_str(after);
        } else {
            out.truncate(length.min(start));
        }
    };
    value(", client: ", "remote_addr", "");
    value(", server: ", "server_name", "");
    value(", request: \"", "request", "\"");
    if let Some(peer) = peer {
        let place = exchange.proxied.map(|place| &exchange.plan().places[place]);
        let forward = place.and_then(|place| place.forward.as_ref());
        let pass = forward.map(|forward| &forward.pass);
        let grpc = pass.is_some_and(|pass| pass.scheme.is_grpc());
        // Of gRPC, NGINX does not say what was asked for.
        let uri = exchange.sent_uri.as_ref().filter(|_| !grpc);
        let target = uri
            .and_then(|uri| uri.path_and_query())
            .map_or("", |p| p.as_str());
        let colon = match peer.starts_with("unix:") && !grpc {
            true => ":",
            false => "",
        };
        let scheme = pass.map_or("http://", |pass| pass.scheme.prefix());
        let _ = write!(out, ", upstream: \"{scheme}{peer}{colon}{target}\"");
    }
    if let Some(host) = &exchange.asked_host {
        let _ = write!(
            out,
            ", host: \"{}\"",
            String::from_utf8_lossy(host.as_bytes())
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn failures_are_told_in_the_words_operators_look_for() {
        for (status, connected, failure, want) in [
            (502, false, "no live upstreams", "no live upstreams"),
            (
                504,
                true,
                "timed out",
                "upstream timed out (110: Connection timed out)",
            ),
            (
                502,
                false,
                "Connection refused (os error 111)",
                "connect() failed (111: Connection refused)",
            ),
            (
                502,
                true,
                "http2 error: stream error received: x (http2 error 7)",
                "upstream rejected request with error 7",
            ),
            (
                502,
                true,
                "http2 error: connection error received: x (http2 error 0)",
                "upstream sent goaway with error 0",
            ),
            (
                502,
                true,
                "error reading: Connection reset by peer (os error 104)",
                "recv() failed (104: Connection reset by peer)",
            ),
            (
                502,
                true,
                "invalid HTTP header parsed",
                "upstream sent invalid header",
            ),
            (
                502,
                true,
                "message head is too large",
                "upstream sent too big header",
            ),
            (
                502,
                true,
                "connection closed before message completed",
                "upstream prematurely closed connection",
            ),
            (
                502,
                false,
                "TLS handshake: invalid peer certificate: UnknownIssuer",
                "upstream SSL certificate verify error: (UnknownIssuer)",
            ),
            (
                502,
                false,
                "TLS handshake: tls handshake eof",
                "peer closed connection in SSL handshake",
            ),
            (
                502,
                false,
                "TLS handshake: Connection reset by peer (os error 104)",
                "SSL_do_handshake() failed (SSL: Connection reset by peer (os error 104))",
            ),
        ] {
            assert_eq!(words(Some(status), connected, failure), want);
        }
    }
}
