use std::time::Duration;

use super::zone;
use crate::nginx::options::Wrong;
use crate::nginx::{Directive, Problems, Word, units};
use crate::upstream::config::{Sticky, StickyCookie, StickyLearn};

/// What NGINX says a mebibyte of zone holds.
const SESSIONS_PER_MIB: u64 = 8000;

/// `sticky cookie | route | learn ...`. The variables of `route` are
/// [`Lookups`](crate::nginx::Lookups)' to judge.
pub(super) fn read(d: &Directive) -> Result<Sticky, Wrong> {
    let sticky = mode(d)?;
    let problems = match sticky {
        Sticky::Route(_) => Vec::new(),
        _ => sticky.problems(),
    };
    match problems.into_iter().next() {
        Some(problem) => Err((0, problem)),
        None => Ok(sticky),
    }
}

fn mode(d: &Directive) -> Result<Sticky, Wrong> {
    match d.arg(0) {
        "cookie" => cookie(d).map(Sticky::Cookie),
        "route" => d.args[1..]
            .iter()
            .enumerate()
            .map(|(index, word)| match variable(&word.text) {
                true => Ok(word.text.clone()),
                false => Err((
                    index + 1,
                    format!("invalid variable name \"{}\"", word.text),
                )),
            })
            .collect::<Result<_, _>>()
            .map(Sticky::Route),
        "learn" => learn(d).map(Sticky::Learn),
        other => Err((0, format!("unknown parameter \"{other}\""))),
    }
}

/// `$name` and nothing else.
fn variable(text: &str) -> bool {
    let name = text.strip_prefix('$').unwrap_or_default();
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.bytes().all(letter)
}

/// What is wrong with the directive as a whole, as NGINX begins it.
fn directive(what: &str) -> String {
    format!("\"sticky\" directive {what}")
}

/// The parameters behind `first`: name, and value if there is a `=`.
fn parameters(d: &Directive, first: usize) -> impl Iterator<Item = (usize, &str, Option<&str>)> {
    let words = d.args.iter().enumerate().skip(first);
    words.map(|(index, Word { text, .. })| match text.split_once('=') {
        Some((name, value)) => (index, name, Some(value)),
        None => (index, text.as_str(), None),
    })
}

fn unknown(d: &Directive, index: usize) -> Wrong {
    (index, format!("unknown parameter \"{}\"", d.arg(index)))
}

/// `sticky cookie NAME [expires=TIME|max] [domain=] [httponly] [secure] [samesite=] [path=]`
fn cookie(d: &Directive) -> Result<StickyCookie, Wrong> {
    let mut cookie = StickyCookie {
        name: d.arg(1).to_owned(),
        ..StickyCookie::default()
    };
    if cookie.name.is_empty() {
        return Err((1, directive("empty cookie name")));
    }
    for (index, name, value) in parameters(d, 2) {
        let wrong = |what: String| Err((index, directive(&what)));
        let twice = match name {
            "expires" => cookie.expires.is_some(),
            "domain" => cookie.domain.is_some(),
            "path" => cookie.path.is_some(),
            "samesite" => cookie.samesite.is_some(),
            "httponly" => cookie.httponly,
            "secure" => cookie.secure,
            _ => false,
        };
        if twice {
            return wrong(format!("parameter \"{name}\" is duplicate"));
        }
        match (name, value) {
            ("domain" | "path", Some("")) => return wrong(format!("no value for \"{name}\"")),
            ("domain", Some(value)) => cookie.domain = Some(value.to_owned()),
            ("path", Some(value)) => cookie.path = Some(value.to_owned()),
            ("samesite", Some(value)) if !is_samesite(value) => {
                return wrong("invalid \"samesite\" parameter value".into());
            }
            ("samesite", Some(value)) => cookie.samesite = Some(value.to_owned()),
            ("expires", Some("max")) => cookie.expires = Some(Duration::MAX),
            ("expires", Some(value)) => match units::time_s(value) {
                Some(time) => cookie.expires = Some(time),
                None => return wrong("invalid \"expires\" parameter value".into()),
            },
            ("httponly", None) => cookie.httponly = true,
            ("secure", None) => cookie.secure = true,
            _ => return Err(unknown(d, index)),
        }
    }
    Ok(cookie)
}

/// A value with variables shows at run time what it is.
fn is_samesite(value: &str) -> bool {
    let words = ["strict", "lax", "none"];
    value.contains('$') || words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// `sticky learn create=$VARIABLE lookup=$VARIABLE zone=NAME:SIZE [timeout=TIME] [header]`
fn learn(d: &Directive) -> Result<StickyLearn, Wrong> {
    let (mut create, mut lookup) = (Vec::new(), Vec::new());
    let (mut timeout, mut bytes, mut header) = (None, None, false);
    for (index, name, value) in parameters(d, 1) {
        let wrong = |what: &str| Err((index, directive(what)));
        match (name, value) {
            ("create" | "lookup", Some(value)) if !variable(value) => {
                return wrong(&format!("missing variable in the \"{name}\" parameter"));
            }
            ("create", Some(value)) => create.push(value.to_owned()),
            ("lookup", Some(value)) => lookup.push(value.to_owned()),
            ("timeout", Some(_)) if timeout.is_some() => return wrong("duplicate timeout"),
            ("timeout", Some(value)) => match units::time_ms(value) {
                Some(time) if !time.is_zero() => timeout = Some(time),
                _ => return wrong("invalid timeout"),
            },
            ("zone", Some(_)) if bytes.is_some() => return wrong("duplicate zone"),
            ("zone", Some(value)) => match zone_size(value) {
                Ok(size) => bytes = Some(size),
                Err(what) => return wrong(what),
            },
            ("header", None) => header = true,
            _ => return Err(unknown(d, index)),
        }
    }
    let missing = |name| {
        Err((
            0,
            directive(&format!("\"{name}\" parameter is not specified")),
        ))
    };
    let bytes = match bytes {
        _ if lookup.is_empty() => return missing("lookup"),
        _ if create.is_empty() => return missing("create"),
        None => return missing("zone"),
        Some(bytes) => bytes,
    };
    let sessions = bytes.saturating_mul(SESSIONS_PER_MIB) >> 20;
    Ok(StickyLearn {
        create,
        lookup,
        timeout: timeout.unwrap_or(Duration::from_secs(600)),
        header,
        sessions: usize::try_from(sessions).unwrap_or(usize::MAX),
    })
}

/// The size in NAME:SIZE.
fn zone_size(value: &str) -> Result<u64, &'static str> {
    let (name, size) = value.split_once(':').ok_or("zone size is not specified")?;
    if name.is_empty() {
        return Err("zone name is not specified");
    }
    match units::size(size) {
        None => Err("invalid zone size"),
        Some(..zone::MIN_ZONE) => Err("zone is too small"),
        Some(bytes) => Ok(bytes),
    }
}

/// Sessions of two groups cannot share a zone.
pub(super) fn zones(blocks: &[&Directive], problems: &mut Problems) {
    let mut taken: Vec<(&str, &str)> = Vec::new();
    for block in blocks {
        let learns = block.children().iter();
        let learns = learns.filter(|d| d.name() == "sticky" && d.arg(0) == "learn");
        for d in learns {
            let zone = parameters(d, 1).find(|(_, name, _)| *name == "zone");
            let Some((index, _, Some(value))) = zone else {
                continue;
            };
            let name = value.split(':').next().unwrap_or_default();
            match taken.iter().find(|(known, _)| *known == name) {
                Some((_, owner)) if *owner != block.arg(0) => {
                    let message =
                        format!("sticky zone \"{name}\" is already used in upstream \"{owner}\"");
                    problems.push(d.place(index), message);
                }
                Some(_) => {}
                None => taken.push((name, block.arg(0))),
            }
        }
    }
}
