use std::time::Duration;

use http::{HeaderName, Version};

use super::options::{self, Wrong};
use super::values::{self, Value, fill};
use super::{Directive, Place, Problems, Template, units};
use crate::retry::NextUpstream;
use crate::upstream::config::{Hedge, Http2, Proxy, RequestBuffering};

/// `client_max_body_size` where nothing is said.
const MAX_BODY: u64 = 1 << 20;

/// HTTP/2 as NGINX speaks it to servers (GR-6).
const ONE_AT_A_TIME: Http2 = Http2 {
    streams: 1,
    ping_interval: None,
    ping_timeout: Duration::from_secs(20),
};

/// NGINX's page.
const PAGE: usize = 4096;

/// The `proxy_*` scalars of one level, or in a value of its own the `grpc_*` ones; `None` is inherited
/// from the level around it (CF-1).
#[derive(Clone, Debug, Default)]
pub struct ProxyLevel {
    /// `proxy_connect_timeout`
    pub connect_timeout: Option<Duration>,
    /// `proxy_send_timeout`
    pub send_timeout: Option<Duration>,
    /// `proxy_read_timeout`
    pub read_timeout: Option<Duration>,
    /// `proxy_next_upstream`, all directives of the level together.
    pub next_upstream: Option<NextUpstream>,
    /// `proxy_next_upstream_tries`
    pub next_upstream_tries: Option<u32>,
    /// `proxy_next_upstream_timeout`
    pub next_upstream_timeout: Option<Duration>,
    /// `proxy_http_version`
    pub http_version: Option<Version>,
    /// `proxy_buffering`
    pub buffering: Option<bool>,
    /// `proxy_request_buffering`
    pub request_buffering: Option<bool>,
    /// `proxy_buffer_size`
    pub buffer_size: Option<usize>,
    /// `proxy_buffers`: NUMBER SIZE
    pub buffers: Option<(usize, usize)>,
    /// `proxy_hedge`; `Some(None)` is `off`. Not in NGINX.
    pub hedge: Option<Option<Hedge>>,
    /// `client_max_body_size`; 0 is no limit.
    pub max_body_size: Option<u64>,
    /// Where this level itself last says something about buffers.
    buffers_at: Option<Place>,
}

/// Reads one of the `proxy_*` scalars into its level; false if the directive is another one. Its
/// shape must have been checked by [`rule`](super::rule).
pub fn proxy_directive(level: &mut ProxyLevel, d: &Directive, problems: &mut Problems) -> bool {
    match d.name() {
        "proxy_http_version" => fill(&mut level.http_version, d, problems, http_version),
        "proxy_buffering" => fill(&mut level.buffering, d, problems, values::flag),
        "proxy_request_buffering" => {
            fill(&mut level.request_buffering, d, problems, values::flag);
        }
        "proxy_buffer_size" => {
            level.buffers_at = Some(d.name.place.clone());
            fill(&mut level.buffer_size, d, problems, values::size);
        }
        "proxy_buffers" => {
            level.buffers_at = Some(d.name.place.clone());
            fill(&mut level.buffers, d, problems, values::buffers);
        }
        "proxy_hedge" => options::fill(&mut level.hedge, d, problems, hedge),
        "client_max_body_size" => fill(&mut level.max_body_size, d, problems, values::offset),
        name => {
            let word = name.strip_prefix("proxy_");
            return word.is_some_and(|word| either(word, level, d, problems));
        }
    }
    true
}

/// The same for the `grpc_*` scalars (GR-1).
pub fn grpc_directive(level: &mut ProxyLevel, d: &Directive, problems: &mut Problems) -> bool {
    match d.name().strip_prefix("grpc_") {
        Some("buffer_size") => fill(&mut level.buffer_size, d, problems, values::size),
        Some(word) => return either(word, level, d, problems),
        None => return false,
    }
    true
}

/// What both families have, by its name without the family's.
fn either(word: &str, level: &mut ProxyLevel, d: &Directive, problems: &mut Problems) -> bool {
    match word {
        "connect_timeout" => fill(&mut level.connect_timeout, d, problems, values::time_ms),
        "send_timeout" => fill(&mut level.send_timeout, d, problems, values::time_ms),
        "read_timeout" => fill(&mut level.read_timeout, d, problems, values::time_ms),
        "next_upstream" => next_upstream(level, d, problems),
        "next_upstream_tries" => {
            fill(&mut level.next_upstream_tries, d, problems, |d| {
                let tries = values::number(d)?;
                Ok(u32::try_from(tries).unwrap_or(u32::MAX))
            });
        }
        "next_upstream_timeout" => {
            let slot = &mut level.next_upstream_timeout;
            fill(slot, d, problems, values::time_ms);
        }
        _ => return false,
    }
    true
}

/// Several of these on one level add up (CF-1); a repeated keyword is a warning (CF-2).
fn next_upstream(level: &mut ProxyLevel, d: &Directive, problems: &mut Problems) {
    for word in &d.args {
        let Some(keyword) = NextUpstream::from_keyword(&word.text) else {
            problems.push(&word.place, format!("invalid value \"{}\"", word.text));
            continue;
        };
        match &mut level.next_upstream {
            Some(listed) if *listed | keyword == *listed => {
                problems.warn(&word.place, format!("duplicate value \"{}\"", word.text));
            }
            Some(listed) => *listed |= keyword,
            none => *none = Some(keyword),
        }
    }
}

fn http_version(d: &Directive) -> Value<Version> {
    match d.arg(0) {
        "1.0" => Ok(Version::HTTP_10),
        "1.1" => Ok(Version::HTTP_11),
        "2" if cfg!(feature = "http2") => Ok(Version::HTTP_2),
        "2" => Err("\"proxy_http_version 2\" needs this crate's feature \"http2\"".into()),
        other => Err(format!("invalid value \"{other}\"")),
    }
}

/// `proxy_hedge off | N% [at_least=TIME]`
fn hedge(d: &Directive) -> Result<Option<Hedge>, Wrong> {
    if d.arg(0) == "off" {
        return match d.args.len() {
            1 => Ok(None),
            _ => Err(options::invalid(d, 1)),
        };
    }
    let percentile = d.arg(0).strip_suffix('%').and_then(options::percent);
    let percentile = percentile.and_then(|p| u8::try_from(p).ok());
    let mut hedge = Hedge {
        percentile: percentile
            .filter(|p| (1..=99).contains(p))
            .ok_or_else(|| options::invalid(d, 0))?,
        ..Hedge::default()
    };
    options::options(d, 1, |name, value| {
        hedge.at_least = units::time_ms(value).filter(|_| name == "at_least")?;
        Some(())
    })?;
    Ok(Some(hedge))
}

impl ProxyLevel {
    /// Takes from the level around it what this one leaves open, and checks what can only be
    /// checked then.
    pub fn inherit(&mut self, outer: &Self, problems: &mut Problems) {
        self.connect_timeout = self.connect_timeout.or(outer.connect_timeout);
        self.send_timeout = self.send_timeout.or(outer.send_timeout);
        self.read_timeout = self.read_timeout.or(outer.read_timeout);
        self.next_upstream = self.next_upstream.or(outer.next_upstream);
        self.next_upstream_tries = self.next_upstream_tries.or(outer.next_upstream_tries);
        self.next_upstream_timeout = self.next_upstream_timeout.or(outer.next_upstream_timeout);
        self.http_version = self.http_version.or(outer.http_version);
        self.buffering = self.buffering.or(outer.buffering);
        self.request_buffering = self.request_buffering.or(outer.request_buffering);
        self.buffer_size = self.buffer_size.or(outer.buffer_size);
        self.buffers = self.buffers.or(outer.buffers);
        self.hedge = self.hedge.or(outer.hedge);
        self.max_body_size = self.max_body_size.or(outer.max_body_size);
        self.check_buffers(problems);
    }

    /// NGINX keeps two buffers busy sending while at least one takes in more.
    fn check_buffers(&self, problems: &mut Problems) {
        let Some(place) = &self.buffers_at else {
            return;
        };
        let (count, size) = self.buffers_or_default();
        let largest = size.max(self.buffer_size.unwrap_or(PAGE));
        if count < 2 {
            problems.push(place, "there must be at least 2 \"proxy_buffers\"");
        } else if largest.saturating_mul(2) > (count - 1).saturating_mul(size) {
            problems.push(
                place,
                "\"proxy_busy_buffers_size\" must be less than the size of all \
                 \"proxy_buffers\" minus one buffer",
            );
        }
    }

    /// `proxy_buffers`, default 8 pages.
    pub fn buffers_or_default(&self) -> (usize, usize) {
        self.buffers.unwrap_or((8, PAGE))
    }

    /// The version requests are sent with, default 1.0.
    pub fn version(&self) -> Version {
        self.http_version.unwrap_or(Version::HTTP_10)
    }

    /// The values that hold, NGINX's defaults where nothing was said.
    pub fn finish(&self) -> Proxy {
        let default = Proxy::default();
        let max = match self.max_body_size.unwrap_or(MAX_BODY) {
            0 => usize::MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        };
        Proxy {
            connect_timeout: self.connect_timeout.unwrap_or(default.connect_timeout),
            send_timeout: self.send_timeout.unwrap_or(default.send_timeout),
            read_timeout: self.read_timeout.unwrap_or(default.read_timeout),
            next_upstream: self.next_upstream.unwrap_or(default.next_upstream),
            next_upstream_tries: self
                .next_upstream_tries
                .unwrap_or(default.next_upstream_tries),
            next_upstream_timeout: self
                .next_upstream_timeout
                .unwrap_or(default.next_upstream_timeout),
            request_buffering: match self.request_buffering.unwrap_or(true) {
                true => RequestBuffering::On { max },
                false => RequestBuffering::Off,
            },
            buffer_size: self.buffer_size.unwrap_or(default.buffer_size),
            hedge: self.hedge.unwrap_or(default.hedge),
            grpc_timeout: false,
            http2: (self.http_version == Some(Version::HTTP_2)).then_some(ONE_AT_A_TIME),
            ..default
        }
    }

    /// The same for a location with `grpc_pass`: HTTP/2 with one call at a time on a connection (GR-6),
    /// and bodies sent as they arrive (GR-3).
    pub fn finish_grpc(&self) -> Proxy {
        Proxy {
            request_buffering: RequestBuffering::Off,
            http2: Some(ONE_AT_A_TIME),
            ..self.finish()
        }
    }
}

/// Reads a `proxy_set_header NAME VALUE` or `grpc_set_header NAME VALUE`; `known` says which variables there are. The name keeps
/// its case.
pub fn set_header(
    d: &Directive,
    known: impl Fn(&str) -> bool,
    problems: &mut Problems,
) -> Option<(String, Template)> {
    let name = d.arg(0);
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        problems.push(d.place(0), format!("invalid header name \"{name}\""));
        return None;
    }
    match Template::parse(d.arg(1), known) {
        Ok(value) => Some((name.to_owned(), value)),
        Err(message) => {
            problems.push(d.place(1), message);
            None
        }
    }
}

#[cfg(test)]
mod tests;
