//! The `ssl_*` of a server as plain values, each file with the place that names it.

use std::sync::Arc;
use std::time::Duration;

use tower_upstream::connect::{CipherSuite, TlsVersion};
use tower_upstream::nginx::Word;

use super::sessions::Store;
use super::suites::Curves;

/// What holds in a server; inherited, and with every default filled in.
#[derive(Debug)]
pub struct Settings {
    /// `ssl_certificate`s and their `ssl_certificate_key`s.
    pub pairs: Vec<(Word, Word)>,
    /// `ssl_protocols`; none is all that rustls speaks.
    pub protocols: Vec<TlsVersion>,
    /// `ssl_ciphers`, the favourite first; none is all that rustls has.
    pub ciphers: Vec<CipherSuite>,
    /// `ssl_prefer_server_ciphers`, default off.
    pub prefer_server_ciphers: bool,
    /// `ssl_ecdh_curve`
    pub curves: Curves,
    /// `ssl_session_cache`; nothing is `none` or `off`.
    pub store: Option<Arc<Store>>,
    /// `ssl_session_timeout`, default 5 minutes.
    pub session_timeout: Duration,
    /// `ssl_session_tickets`, default on.
    pub session_tickets: bool,
    /// `ssl_buffer_size`, default 16 KiB: the most that goes into a record.
    pub buffer_size: usize,
    /// `ssl_verify_client`, default off.
    pub verify: VerifyClient,
    /// `ssl_verify_depth`, default 1: certificates between a client's own and one that is trusted.
    pub verify_depth: usize,
    /// `ssl_client_certificate`: whom clients may come from; they are told.
    pub client_certificate: Option<Word>,
    /// `ssl_trusted_certificate`: the same, and they are not told.
    pub trusted_certificate: Option<Word>,
    /// `ssl_crl`: who is not believed any more.
    pub crl: Option<Word>,
    /// `ssl_reject_handshake`, default off.
    pub reject_handshake: bool,
}

/// `ssl_verify_client`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyClient {
    /// Clients are not asked.
    #[default]
    Off,
    /// They must convince.
    On,
    /// Those who show a certificate must convince.
    Optional,
    /// Whoever vouches for them need not be known.
    OptionalNoCa,
}
