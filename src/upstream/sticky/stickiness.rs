use std::borrow::Cow;
use std::time::Duration;

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

use super::learn::Learn;
use super::set_cookie::SetCookie;
use super::source::{FromRequest, Head, first};
use super::visit::{Lesson, Said, Visit};
use crate::balance::Route;
use crate::upstream::config::Sticky;

/// A group's `sticky` at run time. All its workers share one, as they share NGINX's zone.
#[derive(Debug)]
pub(crate) struct Stickiness(Mode);

#[derive(Debug)]
enum Mode {
    Cookie(SetCookie),
    Route(Vec<FromRequest>),
    Learn(Learn),
}

impl Stickiness {
    /// The error is every reason why this cannot be done, in NGINX's words where it has them.
    pub(crate) fn new(config: &Sticky) -> Result<Self, Vec<String>> {
        match config {
            Sticky::Cookie(cookie) => SetCookie::new(cookie).map(Mode::Cookie),
            Sticky::Route(words) => route(words).map(Mode::Route),
            Sticky::Learn(learn) => Learn::new(learn).map(Mode::Learn),
        }
        .map(Self)
    }

    /// What a request says of where it belongs. To be asked before anything in it is changed.
    pub(crate) fn visit(&self, head: Head<'_>) -> Visit {
        match &self.0 {
            Mode::Cookie(cookie) => Visit(Said::Server {
                named: named(cookie.source().value(head)),
                attributes: cookie.attributes(head),
            }),
            Mode::Route(sources) => Visit(Said::Server {
                named: named(first(sources, head)),
                attributes: None,
            }),
            Mode::Learn(learn) => learn.visit(head),
        }
    }

    /// The server the request belongs to at `now`, if there is one.
    pub(crate) fn route(&self, visit: &Visit, now: Duration) -> Option<Route> {
        match (&self.0, &visit.0) {
            (_, Said::Server { named, .. }) => *named,
            (Mode::Learn(learn), Said::Session { named, .. }) => learn.find(named.as_ref()?, now),
            (_, Said::Session { .. }) => None,
        }
    }

    /// These headers of the server called `route` are handed out at `now`, on the wall clock: a
    /// cookie of ours, if that is how clients come back, is put before theirs (SK-5).
    pub(crate) fn set_cookie(
        &self,
        visit: &Visit,
        headers: &mut HeaderMap,
        route: Route,
        now: Duration,
    ) {
        if let Mode::Cookie(cookie) = &self.0 {
            if let Some(value) = cookie.header(&route, visit.attributes(), now) {
                put_first(headers, value);
            }
        }
    }

    /// What an answer of the server called `route` has to teach.
    pub(crate) fn lesson(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
        route: Route,
    ) -> Option<Lesson> {
        match &self.0 {
            Mode::Learn(learn) => learn.lesson(visit, headers, route),
            Mode::Cookie(_) | Mode::Route(_) => None,
        }
    }

    /// Whether the header is enough to learn from; else the attempt has to be over.
    pub(crate) fn learns_from_header(&self) -> bool {
        matches!(&self.0, Mode::Learn(learn) if learn.with_header())
    }

    /// A session was served at `now`.
    pub(crate) fn learn(&self, lesson: &Lesson, now: Duration) {
        if let Mode::Learn(learn) = &self.0 {
            learn.learn(lesson, now);
        }
    }
}

fn route(words: &[String]) -> Result<Vec<FromRequest>, Vec<String>> {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for word in words {
        let source = FromRequest::parse(word);
        source.map_or_else(|p| problems.push(p), |s| sources.push(s));
    }
    match problems.is_empty() {
        true => Ok(sources),
        false => Err(problems),
    }
}

/// What cannot be a server's name names none.
fn named(value: Option<Cow<'_, [u8]>>) -> Option<Route> {
    Route::new(std::str::from_utf8(&value?).ok()?)
}

/// NGINX writes its cookie before those of the peer.
fn put_first(headers: &mut HeaderMap, value: HeaderValue) {
    let theirs: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.insert(SET_COOKIE, value);
    for value in theirs {
        headers.append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::config::{StickyCookie, StickyLearn};

    fn visit(sticky: &Stickiness, request: http::request::Builder) -> Visit {
        let request = request.body(()).expect("a request");
        sticky.visit(Head {
            uri: request.uri(),
            headers: request.headers(),
        })
    }

    fn route(name: &str) -> Route {
        Route::new(name).expect("a route")
    }

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn cookies(headers: &HeaderMap) -> Vec<&str> {
        let values = headers.get_all(SET_COOKIE).into_iter();
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    #[test]
    fn a_cookie_names_the_server_and_every_answer_sets_it() {
        let config = StickyCookie {
            domain: Some("$host".into()),
            ..StickyCookie::new("srv")
        };
        let sticky = Stickiness::new(&Sticky::Cookie(config)).expect("a cookie");
        let get = || http::Request::get("/").header("host", "a");
        let there = visit(&sticky, get().header("cookie", "srv=b"));
        assert_eq!(sticky.route(&there, secs(0)), Some(route("b")));
        let long = format!("srv={}", "x".repeat(33));
        for (name, value) in [("x", "srv=b"), ("cookie", "srv="), ("cookie", &long)] {
            let nowhere = visit(&sticky, get().header(name, value));
            assert_eq!(sticky.route(&nowhere, secs(0)), None, "{value}");
        }
        let mut headers = HeaderMap::new();
        sticky.set_cookie(&there, &mut headers, route("b"), secs(0));
        assert_eq!(cookies(&headers), ["srv=b; domain=a"]);
        assert_eq!(sticky.lesson(&there, &headers, route("b")), None);
        for theirs in ["x=1", "y=2"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(theirs));
        }
        sticky.set_cookie(&there, &mut headers, route("c"), secs(0));
        let all = ["srv=c; domain=a", "srv=b; domain=a", "x=1", "y=2"];
        assert_eq!(cookies(&headers), all);
    }

    #[test]
    fn of_several_names_the_first_that_is_not_empty_counts() {
        let words = ["$cookie_r", "$arg_r"].map(str::to_owned).into();
        let sticky = Stickiness::new(&Sticky::Route(words)).expect("a route");
        for (cookie, uri, named) in [
            ("r=a", "/?r=b", Some("a")),
            ("r=", "/?r=b", Some("b")),
            ("x=a", "/", None),
        ] {
            let visit = visit(&sticky, http::Request::get(uri).header("cookie", cookie));
            assert_eq!(sticky.route(&visit, secs(0)), named.map(route));
            let mut headers = HeaderMap::new();
            sticky.set_cookie(&visit, &mut headers, route("a"), secs(0));
            assert!(headers.is_empty());
            assert_eq!(sticky.lesson(&visit, &headers, route("a")), None);
        }
    }

    fn learning(create: &[&str]) -> Stickiness {
        let config = StickyLearn {
            create: create.iter().map(|&word| word.to_owned()).collect(),
            timeout: secs(2),
            ..StickyLearn::new("", "$cookie_s")
        };
        Stickiness::new(&Sticky::Learn(config)).expect("something to learn")
    }

    fn begins(session: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&format!("s={session}; path=/"));
        HeaderMap::from_iter([(SET_COOKIE, value.expect("a header"))])
    }

    #[test]
    fn a_session_is_learnt_when_told_and_then_found() {
        let sticky = learning(&["$upstream_cookie_s"]);
        let comes_back = || visit(&sticky, http::Request::get("/").header("cookie", "s=1"));
        let new = visit(&sticky, http::Request::get("/"));
        assert_eq!(sticky.lesson(&new, &HeaderMap::new(), route("a")), None);

        let lesson = sticky.lesson(&new, &begins("1"), route("a"));
        assert_eq!(sticky.route(&comes_back(), secs(0)), None, "not over yet");
        sticky.learn(&lesson.expect("a lesson"), secs(5));
        assert_eq!(sticky.route(&comes_back(), secs(6)), Some(route("a")));
        assert_eq!(sticky.route(&comes_back(), secs(7)), None, "timeout");

        sticky.learn(&lesson.expect("a lesson"), secs(8));
        let lesson = sticky.lesson(&comes_back(), &HeaderMap::new(), route("b"));
        sticky.learn(&lesson.expect("a lesson"), secs(9));
        assert_eq!(
            sticky.route(&comes_back(), secs(10)),
            Some(route("b")),
            "moved"
        );
    }

    #[test]
    fn a_session_nobody_began_is_not_learnt() {
        let sticky = learning(&["$upstream_cookie_s"]);
        let unknown = visit(&sticky, http::Request::get("/").header("cookie", "s=1"));
        let lesson = |headers| sticky.lesson(&unknown, &headers, route("a")).expect("one");
        sticky.learn(&lesson(HeaderMap::new()), secs(0));
        assert_eq!(sticky.route(&unknown, secs(0)), None);
        sticky.learn(&lesson(begins("1")), secs(0));
        assert_eq!(sticky.route(&unknown, secs(0)), Some(route("a")));
    }

    #[test]
    fn what_begins_a_session_is_looked_for_in_order() {
        for (create, answer, found) in [
            (["$arg_s", "$upstream_cookie_s"], begins("2"), "1"),
            (["$upstream_cookie_s", "$arg_s"], begins("2"), "2"),
            (["$upstream_cookie_s", "$arg_s"], HeaderMap::new(), "1"),
        ] {
            let sticky = learning(&create);
            let new = visit(&sticky, http::Request::get("/?s=1"));
            let lesson = sticky.lesson(&new, &answer, route("a")).expect("one");
            sticky.learn(&lesson, secs(0));
            for session in ["1", "2"] {
                let cookie = format!("s={session}");
                let visit = visit(&sticky, http::Request::get("/").header("cookie", cookie));
                let there = sticky.route(&visit, secs(0)).is_some();
                assert_eq!(there, session == found, "{create:?}, {session}");
            }
        }
    }

    #[test]
    fn every_problem_is_told() {
        let problems = |sticky| Stickiness::new(&sticky).unwrap_err();
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(
            problems(Sticky::Route(words(&[
                "a",
                "$nope",
                "$upstream_cookie_a",
                "$"
            ]))),
            [
                "invalid variable name \"a\"",
                "unknown \"nope\" variable",
                "the \"upstream_cookie_a\" variable is of a response",
                "invalid variable name \"$\"",
            ]
        );
        let nothing = StickyLearn {
            create: Vec::new(),
            lookup: Vec::new(),
            timeout: Duration::ZERO,
            header: false,
            sessions: 0,
        };
        assert_eq!(
            problems(Sticky::Learn(nothing)),
            [
                "\"create\" parameter is not specified",
                "\"lookup\" parameter is not specified",
                "invalid timeout",
                "zone is too small",
            ]
        );
    }
}
