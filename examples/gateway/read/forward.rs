use tower_upstream::nginx::values::{Value, duplicate, fill, flag};
use tower_upstream::nginx::{Directive, Place, Problems, Template, set_header};

use super::shared::{header_name, header_value, template};
use super::{regex, variables};
use crate::config::{Redirect, RedirectFrom};

/// How requests and responses are changed on their way; lists are inherited only by a level that
/// has none of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forward {
    pub(crate) set_headers: Vec<(String, Template)>,
    pub(crate) hide_headers: Vec<String>,
    pub(crate) pass_headers: Vec<String>,
    pub(crate) method: Option<Template>,
    pub(crate) set_body: Option<Template>,
    pub(crate) pass_request_headers: Option<bool>,
    pub(crate) pass_request_body: Option<bool>,
    pub(crate) intercept_errors: Option<bool>,
    pub(crate) ignore_client_abort: Option<bool>,
    pub(crate) pass_trailers: Option<bool>,
    pub(crate) redirects: Option<Vec<Rule>>,
    /// Whether this level's `proxy_pass` came already, and whether it has variables.
    passed: Option<bool>,
}

/// One `proxy_redirect`.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// `default`, which the location spells out.
    Default,
    /// FROM TO
    Own(Redirect),
}

impl Forward {
    /// Notes the `proxy_pass` of a location where it stands among the other directives.
    pub(crate) fn passed(&mut self, d: &Directive) {
        if d.name() == "proxy_pass" {
            self.passed = Some(d.arg(0).contains('$'));
        }
    }

    pub(crate) fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "proxy_set_header" => self.set_header(d, problems),
            "proxy_hide_header" => self.hide_headers.extend(header_name(d, problems)),
            "proxy_pass_header" => self.pass_headers.extend(header_name(d, problems)),
            "proxy_method" => fill(&mut self.method, d, problems, value),
            "proxy_set_body" => fill(&mut self.set_body, d, problems, value),
            "proxy_pass_request_headers" => {
                fill(&mut self.pass_request_headers, d, problems, flag);
            }
            "proxy_pass_request_body" => fill(&mut self.pass_request_body, d, problems, flag),
            "proxy_intercept_errors" => fill(&mut self.intercept_errors, d, problems, flag),
            "proxy_ignore_client_abort" => fill(&mut self.ignore_client_abort, d, problems, flag),
            "proxy_pass_trailers" => fill(&mut self.pass_trailers, d, problems, flag),
            "proxy_redirect" => self.redirect(d, problems),
            _ => return false,
        }
        true
    }

    /// The same of a `grpc_*` directive; they have a value of their own.
    pub(crate) fn grpc(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "grpc_set_header" => self.set_header(d, problems),
            "grpc_hide_header" => self.hide_headers.extend(header_name(d, problems)),
            "grpc_pass_header" => self.pass_headers.extend(header_name(d, problems)),
            "grpc_intercept_errors" => fill(&mut self.intercept_errors, d, problems, flag),
            _ => return false,
        }
        true
    }

    fn set_header(&mut self, d: &Directive, problems: &mut Problems) {
        let header = set_header(d, variables::known, problems);
        if let Some((_, value)) = &header {
            header_value(value, d.place(1), problems);
        }
        self.set_headers.extend(header);
    }

    pub(crate) fn inherit(&mut self, outer: &Self) {
        let lists = [
            (&mut self.hide_headers, &outer.hide_headers),
            (&mut self.pass_headers, &outer.pass_headers),
        ];
        for (own, outer) in lists {
            if own.is_empty() {
                own.clone_from(outer);
            }
        }
        if self.set_headers.is_empty() {
            self.set_headers.clone_from(&outer.set_headers);
        }
        if self.redirects.is_none() {
            self.redirects.clone_from(&outer.redirects);
        }
        let templates = [
            (&mut self.method, &outer.method),
            (&mut self.set_body, &outer.set_body),
        ];
        for (own, outer) in templates {
            if own.is_none() {
                own.clone_from(outer);
            }
        }
        let flags = [
            (&mut self.pass_request_headers, outer.pass_request_headers),
            (&mut self.pass_request_body, outer.pass_request_body),
            (&mut self.intercept_errors, outer.intercept_errors),
            (&mut self.ignore_client_abort, outer.ignore_client_abort),
            (&mut self.pass_trailers, outer.pass_trailers),
        ];
        for (own, outer) in flags {
            *own = own.or(outer);
        }
    }

    /// `proxy_redirect off`, `default`, or FROM TO; `off` stands alone.
    fn redirect(&mut self, d: &Directive, problems: &mut Problems) {
        let alone = d.args.len() == 1;
        let off = alone && d.arg(0) == "off";
        match &mut self.redirects {
            Some(rules) if off || rules.is_empty() => {
                problems.push(&d.name.place, duplicate(d));
            }
            none if off => *none = Some(Vec::new()),
            _ if alone && d.arg(0) != "default" => {
                problems.push(d.place(0), format!("invalid parameter \"{}\"", d.arg(0)));
            }
            rules => {
                let rule = match alone {
                    true => default(self.passed, d.place(0), problems),
                    false => own(d, problems).map(Rule::Own),
                };
                rules.get_or_insert_default().extend(rule);
            }
        }
    }
}

fn value(d: &Directive) -> Value<Template> {
    Template::parse(d.arg(0), variables::known)
}

fn default(passed: Option<bool>, place: &Place, problems: &mut Problems) -> Option<Rule> {
    let message = match passed {
        Some(false) => return Some(Rule::Default),
        Some(true) => {
            "\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables"
        }
        None => "\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive",
    };
    problems.push(place, message);
    None
}

fn own(d: &Directive, problems: &mut Problems) -> Option<Redirect> {
    let from = match d.arg(0).strip_prefix('~') {
        None => template(d, 0, problems).map(RedirectFrom::Prefix),
        Some(expression) => {
            let (expression, ignore_case) = match expression.strip_prefix('*') {
                Some(expression) => (expression, true),
                None => (expression, false),
            };
            regex::compile(expression, ignore_case, d.place(0), problems).map(RedirectFrom::Regex)
        }
    };
    let to = template(d, 1, problems)?;
    Some(Redirect { from: from?, to })
}
