use tower_upstream::nginx::values::{Value, fill};
use tower_upstream::nginx::{Directive, Problems, Template, units};

use super::shared::{header_name, header_value, template};
use super::variables;
use crate::config::{AddHeader, Answer, ErrorPage, PageStatus, Return};

/// What answers of our own are, what is added to answers, and pages that replace them; lists are
/// inherited only by a level that has none of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) add_headers: Vec<AddHeader>,
    pub(crate) add_trailers: Vec<AddHeader>,
    pub(crate) error_pages: Vec<ErrorPage>,
    default_type: Option<String>,
    pub(crate) internal: bool,
}

impl Answers {
    pub(crate) fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "add_header" => self.add_headers.extend(add_header(d, problems)),
            "add_trailer" => self.add_trailers.extend(add_header(d, problems)),
            "default_type" => {
                fill(&mut self.default_type, d, problems, kind);
            }
            "internal" => self.internal = true,
            "error_page" => self.error_pages.extend(error_page(d, problems)),
            _ => return false,
        }
        true
    }

    pub(crate) fn inherit(&mut self, outer: &Self) {
        if self.add_headers.is_empty() {
            self.add_headers.clone_from(&outer.add_headers);
        }
        if self.add_trailers.is_empty() {
            self.add_trailers.clone_from(&outer.add_trailers);
        }
        if self.error_pages.is_empty() {
            self.error_pages.clone_from(&outer.error_pages);
        }
        if self.default_type.is_none() {
            self.default_type.clone_from(&outer.default_type);
        }
        self.internal |= outer.internal;
    }

    /// `default_type`, where nothing is said NGINX's `text/plain`.
    pub(crate) fn default_type(&self) -> String {
        let configured = self.default_type.as_deref();
        configured.unwrap_or("text/plain").to_owned()
    }
}

/// `add_header NAME VALUE [always]`, and `add_trailer`
fn add_header(d: &Directive, problems: &mut Problems) -> Option<AddHeader> {
    let name = header_name(d, problems);
    let value = template(d, 1, problems);
    if let Some(value) = &value {
        header_value(value, d.place(1), problems);
    }
    let is_length = |name: &String| name.eq_ignore_ascii_case("content-length");
    if name.as_ref().is_some_and(is_length) {
        // Two lengths would contradict each other, and the right one is not configured.
        let message = format!("\"{}\" of a length has no effect", d.name());
        problems.warn(&d.name.place, message);
        return None;
    }
    let always = d.args.len() > 2;
    if always && d.arg(2) != "always" {
        problems.push(d.place(2), format!("invalid parameter \"{}\"", d.arg(2)));
    }
    Some(AddHeader {
        name: name?,
        value: value?,
        always,
    })
}

fn kind(d: &Directive) -> Value<String> {
    let text = d.arg(0);
    match http::HeaderValue::from_str(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("invalid header value {text:?}")),
    }
}

/// `error_page CODE ... [=[CODE]] TARGET`
fn error_page(d: &Directive, problems: &mut Problems) -> Option<ErrorPage> {
    let last = d.args.len() - 1;
    let before = d.arg(last - 1);
    let (status, codes) = match before.strip_prefix('=') {
        None => (Some(PageStatus::Keep), 0..last),
        Some(_) if last < 2 => (None, 0..0),
        Some("") => (Some(PageStatus::Target), 0..last - 1),
        Some(code) => (status(code).map(PageStatus::Fixed), 0..last - 1),
    };
    let Some(status) = status else {
        problems.push(d.place(last - 1), format!("invalid value \"{before}\""));
        return None;
    };
    let target = template(d, last, problems);
    let mut listed = Vec::with_capacity(codes.len());
    for index in codes {
        match code(d.arg(index)) {
            Ok(code) => listed.push(code),
            Err(message) => problems.push(d.place(index), message),
        }
    }
    Some(ErrorPage {
        codes: listed,
        status,
        target: target?,
    })
}

fn status(text: &str) -> Option<u16> {
    let status = units::number(text).and_then(|n| u16::try_from(n).ok())?;
    // An interim status would leave the client waiting for the answer.
    (200..1000).contains(&status).then_some(status)
}

/// 499 is for NGINX's own log and never answered.
fn code(text: &str) -> Result<u16, String> {
    match units::number(text) {
        None | Some(499) => Err(format!("invalid value \"{text}\"")),
        Some(code) => u16::try_from(code)
            .ok()
            .filter(|code| (300..600).contains(code))
            .ok_or_else(|| format!("value \"{text}\" must be between 300 and 599")),
    }
}

/// `return CODE [TEXT | URL]` or `return URL`; the first one of a level answers.
pub(crate) fn returns(slot: &mut Option<Return>, d: &Directive, problems: &mut Problems) {
    match answer(d) {
        Ok(answer) => {
            slot.get_or_insert(answer);
        }
        Err((index, message)) => problems.push(d.place(index), message),
    }
}

fn answer(d: &Directive) -> Result<Return, (usize, String)> {
    let parse = |index| Template::parse(d.arg(index), variables::known).map_err(|m| (index, m));
    let first = d.arg(0);
    let Some(status) = status(first) else {
        let url = ["http://", "https://", "$scheme"];
        if d.args.len() == 1 && url.iter().any(|start| first.starts_with(start)) {
            return Ok(Return {
                status: 302,
                answer: Answer::Redirect(parse(0)?),
            });
        }
        return Err((0, format!("invalid return code \"{first}\"")));
    };
    let answer = match (d.args.len(), status) {
        (1, _) => Answer::Page,
        (_, 400..) if d.arg(1).is_empty() => Answer::Page,
        (_, 301 | 302 | 303 | 307 | 308) => Answer::Redirect(parse(1)?),
        _ => Answer::Text(parse(1)?),
    };
    Ok(Return { status, answer })
}
