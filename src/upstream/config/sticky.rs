use std::time::Duration;

/// Who comes back goes where it was before (`sticky`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Sticky {
    /// A cookie of ours names the server (SK-5).
    Cookie(StickyCookie),
    /// The first of these that is not empty names the server: NGINX's words, with variables
    /// (`sticky route $cookie_r $arg_r`).
    Route(Vec<String>),
    /// The server's own session identifiers are learnt (SK-7).
    Learn(StickyLearn),
}

/// `sticky cookie NAME ...`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct StickyCookie {
    /// The cookie's name.
    pub name: String,
    /// How long a browser keeps it; `None` until it is closed, [`Duration::MAX`] for ever
    /// (`expires=`).
    pub expires: Option<Duration>,
    /// `domain=`; NGINX's words, with variables.
    pub domain: Option<String>,
    /// `path=`; NGINX's words, with variables.
    pub path: Option<String>,
    /// `httponly`
    pub httponly: bool,
    /// `secure`
    pub secure: bool,
    /// `samesite=`: `strict`, `lax` or `none`; NGINX's words, with variables.
    pub samesite: Option<String>,
}

/// `sticky learn create=... lookup=... zone=...`
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct StickyLearn {
    /// Where a response says that a session began: NGINX's words (`$upstream_cookie_session`).
    pub create: Vec<String>,
    /// Where a request names its session (`$cookie_session`).
    pub lookup: Vec<String>,
    /// Sessions live so long after their last use, default 10 minutes (`timeout=`).
    #[cfg_attr(feature = "serde", serde(default = "ten_minutes"))]
    pub timeout: Duration,
    /// Learnt as soon as the header has come, not at the end of the response (`header`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub header: bool,
    /// Most sessions remembered; the least recently used goes first. NGINX has a zone's size.
    #[cfg_attr(feature = "serde", serde(default = "many"))]
    pub sessions: usize,
}

#[cfg(feature = "serde")]
fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}

#[cfg(feature = "serde")]
fn many() -> usize {
    8000
}
