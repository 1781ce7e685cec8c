use std::path::{Path, PathBuf};

use tower_upstream::GroupConfig;
use tower_upstream::connect::{Tls, TlsConfig};
use tower_upstream::nginx::{Directive, Lookups, PassTls, Place, Problems, Template};

use super::limit::Zones;
use super::listen::Listens;
use super::{log, variables};
use crate::config::{LogFormat, Server};
use crate::tls::Stores;

/// What all levels add to while they are read.
pub(crate) struct Shared {
    pub(crate) problems: Problems,
    /// The folder of the configuration, which files are relative to.
    pub(crate) base: PathBuf,
    /// Upstream blocks, then the groups made for addresses.
    pub(crate) groups: Vec<GroupConfig>,
    /// How many of them are upstream blocks.
    pub(crate) blocks: usize,
    /// What the upstream blocks ask of a request.
    pub(crate) lookups: Vec<Lookups>,
    /// Upstream blocks that could not be read: passing to them is no further problem.
    pub(crate) broken_groups: Vec<String>,
    pub(crate) zones: Zones,
    pub(crate) log_formats: Vec<LogFormat>,
    pub(crate) listens: Listens,
    pub(crate) servers: Vec<Server>,
    /// Servers that have nothing to show in a handshake, where their blocks begin, and whether they
    /// reject every one: whoever falls back upon such a server has nothing to show either.
    pub(crate) bare: Vec<(usize, Place, bool)>,
    pub(crate) stores: Stores,
    /// Clients that are made already, so that places that say the same share one.
    clients: Vec<(TlsConfig, Option<Tls>)>,
}

impl Shared {
    pub(crate) fn new(problems: Problems, base: &Path, stores: &Stores) -> Self {
        Self {
            problems,
            base: base.to_owned(),
            groups: Vec::new(),
            blocks: 0,
            lookups: Vec::new(),
            broken_groups: Vec::new(),
            zones: Zones::default(),
            log_formats: vec![log::combined()],
            listens: Listens::default(),
            servers: Vec::new(),
            bare: Vec::new(),
            stores: stores.clone(),
            clients: Vec::new(),
        }
    }

    /// How servers are spoken to over TLS, made of what a file says of it.
    pub(crate) fn client(&mut self, tls: &PassTls) -> Option<Tls> {
        let known = self.clients.iter().find(|(said, _)| *said == tls.config);
        if let Some((_, client)) = known {
            return client.clone();
        }
        let client = tls.client(&mut self.problems);
        self.clients.push((tls.config.clone(), client.clone()));
        client
    }
}

/// The argument at `index` with its variables.
pub(crate) fn template(d: &Directive, index: usize, problems: &mut Problems) -> Option<Template> {
    match Template::parse(d.arg(index), variables::known) {
        Ok(template) => Some(template),
        Err(message) => {
            problems.push(d.place(index), message);
            None
        }
    }
}

/// The grammar lets a directive through that nobody reads: never in silence.
pub(crate) fn unread(d: &Directive, problems: &mut Problems) {
    let message = format!("directive \"{}\" is not supported", d.name());
    problems.push(&d.name.place, message);
}

/// Whether a value can stand in a header, as far as it is known before there is a request.
pub(crate) fn header_value(value: &Template, place: &Place, problems: &mut Problems) {
    let text = value.as_literal().unwrap_or_default();
    if http::HeaderValue::from_str(text).is_err() {
        problems.push(place, format!("invalid header value {text:?}"));
    }
}

/// A word that could name a header.
pub(crate) fn header_name(d: &Directive, problems: &mut Problems) -> Option<String> {
    let name = d.arg(0);
    if http::HeaderName::from_bytes(name.as_bytes()).is_ok() {
        return Some(name.to_owned());
    }
    problems.push(d.place(0), format!("invalid header name \"{name}\""));
    None
}
