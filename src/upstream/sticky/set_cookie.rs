use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri};

use super::source::{FromRequest, Head};
use super::words::Words;
use crate::balance::Route;
use crate::upstream::config::StickyCookie;

/// What `expires=max` says.
const FOR_EVER: &str = "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000";

/// The last second whose year has four digits.
const LAST: u64 = 253_402_300_799;

/// The cookie that names a server (SK-5).
#[derive(Clone, Debug)]
pub(super) struct SetCookie {
    name: String,
    /// Where it comes back.
    source: FromRequest,
    expires: Option<Duration>,
    domain: Option<Words>,
    flags: &'static str,
    samesite: Option<Words>,
    path: Option<String>,
    /// The attributes, if no request can change them.
    fixed: Option<Box<[u8]>>,
}

impl SetCookie {
    /// The error is every reason why there is no such cookie.
    pub(super) fn new(config: &StickyCookie) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        if config.name.is_empty() {
            problems.push("empty cookie name".to_owned());
        }
        let lives = config.expires.filter(|time| *time != Duration::MAX);
        if lives.is_some_and(|time| time.subsec_nanos() != 0) {
            problems.push("invalid \"expires\" parameter value: whole seconds only".into());
        }
        for (what, text) in [
            ("name", Some(&config.name)),
            ("domain", config.domain.as_ref()),
            ("path", config.path.as_ref()),
        ] {
            if text.is_some_and(|text| HeaderValue::from_str(text).is_err()) {
                problems.push(format!("the cookie's {what} cannot be sent in a header"));
            }
        }
        let mut words = |text: Option<&String>| match Words::parse(text?) {
            Ok(words) => Some(words),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let domain = words(config.domain.as_ref());
        let samesite = words(config.samesite.as_ref());
        let literal = samesite.as_ref().and_then(Words::as_literal);
        if literal.is_some_and(|text| !is_samesite(text.as_bytes())) {
            problems.push("invalid \"samesite\" parameter value".into());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_fixed = |words: &Words| words.as_literal().is_some();
        let fixed = domain.iter().chain(&samesite).all(is_fixed);
        let mut cookie = Self {
            name: config.name.clone(),
            source: FromRequest::Cookie(config.name.clone()),
            expires: config.expires,
            domain,
            flags: match (config.httponly, config.secure) {
                (true, true) => "; httponly; secure",
                (true, false) => "; httponly",
                (false, true) => "; secure",
                (false, false) => "",
            },
            samesite,
            path: config.path.clone(),
            fixed: None,
        };
        if fixed {
            let (uri, headers) = (&Uri::default(), &HeaderMap::new());
            cookie.fixed = Some(cookie.written(Head { uri, headers }));
        }
        Ok(cookie)
    }

    pub(super) fn source(&self) -> &FromRequest {
        &self.source
    }

    /// The attributes that only this request can tell.
    pub(super) fn attributes(&self, head: Head<'_>) -> Option<Box<[u8]>> {
        self.fixed.is_none().then(|| self.written(head))
    }

    /// From the domain on.
    fn written(&self, head: Head<'_>) -> Box<[u8]> {
        let mut out = Vec::new();
        let mut attribute = |name: &str, value: &[u8]| {
            if !value.is_empty() {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(value);
            }
        };
        let eval = |words: &Option<Words>| words.as_ref().map(|words| words.eval(head));
        attribute("; domain=", &eval(&self.domain).unwrap_or_default());
        attribute("", self.flags.as_bytes());
        let samesite = eval(&self.samesite).unwrap_or_default();
        let strict = !samesite.is_empty() && !is_samesite(&samesite);
        attribute("; samesite=", if strict { b"strict" } else { &samesite });
        attribute(
            "; path=",
            self.path.as_deref().unwrap_or_default().as_bytes(),
        );
        out.into()
    }

    /// The header for a request that went to the peer called `route`, at `now` on the wall clock.
    /// `None` if what the request said cannot be sent in a header.
    pub(super) fn header(
        &self,
        route: &Route,
        attributes: Option<&[u8]>,
        now: Duration,
    ) -> Option<HeaderValue> {
        let attributes = attributes.or(self.fixed.as_deref()).unwrap_or_default();
        let mut out = format!("{}={}", self.name, route.as_str());
        match self.expires {
            None => {}
            Some(Duration::MAX) => out.push_str(FOR_EVER),
            Some(lives) => {
                let lives = lives.as_secs();
                let date = date(now.as_secs().saturating_add(lives));
                out.push_str(&format!("; expires={date}; max-age={lives}"));
            }
        }
        let mut out = out.into_bytes();
        out.extend_from_slice(attributes);
        HeaderValue::from_maybe_shared(Bytes::from(out)).ok()
    }
}

fn is_samesite(value: &[u8]) -> bool {
    let known: [&[u8]; 3] = [b"strict", b"lax", b"none"];
    known.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// As cookies have it: dashes, and two digits for a year up to 2037, which is what the oldest
/// browsers understood.
fn date(second: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(second.min(LAST));
    let date = httpdate::fmt_http_date(at);
    let mut words = date.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let (weekday, day, month, year, time) = (word(), word(), word(), word(), word());
    let year = if year <= "2037" { &year[2..] } else { year };
    format!("{weekday} {day}-{month}-{year} {time} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(config: &StickyCookie, request: &http::Request<()>, now: u64) -> String {
        let cookie = SetCookie::new(config).expect("a cookie");
        let route = Route::new("b").expect("a route");
        let attributes = cookie.attributes(Head {
            uri: request.uri(),
            headers: request.headers(),
        });
        let value = cookie.header(&route, attributes.as_deref(), Duration::from_secs(now));
        let value = value.expect("a header");
        value.to_str().expect("ascii").to_owned()
    }

    #[test]
    fn attributes_come_in_nginx_order() {
        let nobody = http::Request::new(());
        assert_eq!(header(&StickyCookie::new("srv"), &nobody, 0), "srv=b");
        let all = StickyCookie {
            expires: Some(Duration::from_secs(3600)),
            domain: Some(".example.com".into()),
            path: Some("/$a".into()),
            httponly: true,
            secure: true,
            samesite: Some("Lax".into()),
            ..StickyCookie::new("srv")
        };
        assert_eq!(
            header(&all, &nobody, 1_785_585_600),
            "srv=b; expires=Sat, 01-Aug-26 13:00:00 GMT; max-age=3600; domain=.example.com; \
             httponly; secure; samesite=Lax; path=/$a"
        );
    }

    #[test]
    fn dates_are_written_as_cookies_have_them() {
        for (expires, now, said) in [
            (0, 0, "expires=Thu, 01-Jan-70 00:00:00 GMT; max-age=0"),
            (
                1,
                2_145_916_798,
                "expires=Thu, 31-Dec-37 23:59:59 GMT; max-age=1",
            ),
            (
                2,
                2_145_916_798,
                "expires=Fri, 01-Jan-2038 00:00:00 GMT; max-age=2",
            ),
            (
                u64::MAX,
                9,
                "expires=Fri, 31-Dec-9999 23:59:59 GMT; max-age=18446744073709551615",
            ),
        ] {
            let config = StickyCookie {
                expires: Some(Duration::from_secs(expires)),
                ..StickyCookie::new("s")
            };
            let header = header(&config, &http::Request::new(()), now);
            assert_eq!(header, format!("s=b; {said}"));
        }
        let config = StickyCookie {
            expires: Some(Duration::MAX),
            ..StickyCookie::new("s")
        };
        assert_eq!(
            header(&config, &http::Request::new(()), 7),
            "s=b; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000"
        );
    }

    #[test]
    fn requests_may_say_where_it_counts() {
        let config = StickyCookie {
            domain: Some(".$host".into()),
            samesite: Some("$arg_site".into()),
            ..StickyCookie::new("s")
        };
        for (uri, said) in [
            ("http://a.example/", "s=b; domain=.a.example"),
            ("http://a/?site=none", "s=b; domain=.a; samesite=none"),
            ("http://a/?site=any", "s=b; domain=.a; samesite=strict"),
        ] {
            let request = http::Request::get(uri).body(()).expect("a request");
            assert_eq!(header(&config, &request, 0), said);
        }
    }

    #[test]
    fn what_cannot_be_a_cookie_is_refused() {
        let problems = |config: StickyCookie| SetCookie::new(&config).unwrap_err();
        assert_eq!(problems(StickyCookie::new("")), ["empty cookie name"]);
        let control = "the cookie's name cannot be sent in a header";
        assert_eq!(problems(StickyCookie::new("a\nb")), [control]);
        let wrong = StickyCookie {
            expires: Some(Duration::from_millis(1500)),
            domain: Some("$nope".into()),
            samesite: Some("any".into()),
            ..StickyCookie::new("s")
        };
        assert_eq!(
            problems(wrong),
            [
                "invalid \"expires\" parameter value: whole seconds only",
                "unknown \"nope\" variable",
                "invalid \"samesite\" parameter value",
            ]
        );
    }
}
