use std::time::Duration;

use crate::upstream::sticky::Stickiness;

/// Who comes back goes where it was before (`sticky`).
///
/// A server's name is its [`route`](super::Server::route) or the MD5 of its address. A request that
/// names a server goes there, unless it was there before, is banned, full or `down`, or a backup
/// that is not due: then it goes where any request would (SK-3). Nothing is refused for its sake.
///
/// | mode | which server | remembered by | choose it when |
/// | --- | --- | --- | --- |
/// | [`Cookie`](Self::Cookie) | the one our cookie names | clients | clients keep cookies |
/// | [`Route`](Self::Route) | the one that a cookie, an argument or a header names | clients | the application knows its servers' names |
/// | [`Learn`](Self::Learn) | the one that served the session last | a table in here, for all workers | the application has sessions of its own |
///
/// Its variables are `$cookie_NAME`, `$arg_NAME`, `$http_NAME` and `$host` of the request, before
/// anything in it is changed, and in [`create`](StickyLearn::create) also `$upstream_cookie_NAME`
/// and `$upstream_http_NAME` of the response; any other is an error. Several headers of a name are
/// joined, and of several cookies or arguments the first counts, letters' case apart.
///
/// A session is learnt when its response is over (SK-7). One that was cut off, or that only a spent
/// last try handed out ([`http_500`](crate::NextUpstream::HTTP_500) and the like), teaches under
/// [`Semantics::Nginx`](crate::Semantics::Nginx) and not under
/// [`Strict`](crate::Semantics::Strict); one whose caller left after the header teaches under both,
/// and a caller that left before teaches nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, body::Body};
/// use http::header::{COOKIE, SET_COOKIE};
/// use tower_upstream::{Server, Sticky, StickyCookie, Upstream};
///
/// let mut shop = Upstream::builder().sticky(Sticky::Cookie(StickyCookie::new("srv")));
/// for name in ["a", "b"] {
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
///     shop = shop.server(Server::new(listener.local_addr()?.to_string()).route(name));
///     let served = Router::new().fallback(|| async { "ok" });
///     tokio::spawn(async { axum::serve(listener, served).await });
/// }
/// let shop = shop.build()?;
/// let visit = async |cookie: &'static str| {
///     let request = http::Request::get("/").header(COOKIE, cookie).body(Body::empty());
///     let answer = shop.send(request.expect("valid")).await?;
///     Ok::<_, tower_upstream::Error>(answer.headers()[SET_COOKIE].clone())
/// };
///
/// // A newcomer goes where it is its turn, and is told where that was. It comes back there.
/// assert_eq!(visit("").await?, "srv=a");
/// assert_eq!(visit("srv=a").await?, "srv=a");
/// assert_eq!(visit("srv=a").await?, "srv=a");
/// assert_eq!(visit("").await?, "srv=b");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Sticky {
    /// A cookie of ours names the server. It is set with every answer, for the server that gave it
    /// (SK-5).
    Cookie(StickyCookie),
    /// The first of these variables that is not empty names the server
    /// (`sticky route $cookie_r $arg_r`). An [`Affinity`](crate::balance::Affinity) in the request's
    /// extensions that has a route comes first, so the list may be empty.
    Route(Vec<String>),
    /// The application's own sessions are learnt as they begin, and belong to the server that served
    /// them last (SK-7).
    Learn(StickyLearn),
}

impl Sticky {
    /// Every reason why this cannot be done, in NGINX's words where it has them.
    pub fn problems(&self) -> Vec<String> {
        Stickiness::new(self).err().unwrap_or_default()
    }
}

/// `sticky cookie NAME ...`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct StickyCookie {
    /// The cookie's name.
    pub name: String,
    /// How long a browser keeps it, in whole seconds; `None` until it is closed, [`Duration::MAX`]
    /// for ever (`expires=`).
    pub expires: Option<Duration>,
    /// The hosts it is for, with variables (`domain=.$host`).
    pub domain: Option<String>,
    /// The paths it is for, as it stands (`path=`).
    pub path: Option<String>,
    /// `httponly`
    pub httponly: bool,
    /// `secure`
    pub secure: bool,
    /// `strict`, `lax` or `none`; a variable with any other value is `strict` (`samesite=`).
    pub samesite: Option<String>,
}

/// `sticky learn create=... lookup=... zone=...`
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct StickyLearn {
    /// Where an exchange says that a session began: the first of these variables that is not empty
    /// (`create=$upstream_cookie_session`).
    pub create: Vec<String>,
    /// Where a request names its session, likewise (`lookup=$cookie_session`).
    pub lookup: Vec<String>,
    /// How long a session lives after its last use, default 10 minutes (`timeout=`).
    #[cfg_attr(feature = "serde", serde(default = "ten_minutes"))]
    pub timeout: Duration,
    /// Learnt as soon as the header has come, not at the end of the response (`header`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub header: bool,
    /// Most sessions remembered, default 8000; the least recently used goes first. NGINX has a
    /// zone's size, and 8000 of them to a megabyte (`zone=`).
    #[cfg_attr(feature = "serde", serde(default = "many"))]
    pub sessions: usize,
}

impl StickyCookie {
    /// A cookie without attributes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

impl StickyLearn {
    /// Sessions that `create` begins and `lookup` names, with NGINX's defaults.
    pub fn new(create: impl Into<String>, lookup: impl Into<String>) -> Self {
        Self {
            create: vec![create.into()],
            lookup: vec![lookup.into()],
            timeout: ten_minutes(),
            header: false,
            sessions: many(),
        }
    }
}

fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}

fn many() -> usize {
    8000
}
