//! `proxy_redirect`: a peer's `Location` and `Refresh` in the words of its clients.

use hyper::header::{self, HeaderMap, HeaderValue};
use tower_upstream::nginx::Variables;

use crate::answer::absolute;
use crate::config::{Redirect, RedirectFrom};
use crate::exchange::Exchange;
use crate::variables::eval;

/// Puts right what a peer's headers say about addresses.
pub fn rewrite(headers: &mut HeaderMap, redirects: &[Redirect], exchange: &Exchange) {
    if redirects.is_empty() {
        return;
    }
    if let Some(value) = headers.get_mut(header::LOCATION) {
        if let Some(new) = value
            .to_str()
            .ok()
            .and_then(|v| change(v, redirects, exchange))
        {
            // Only what was changed is made absolute; a peer's own relative address stays.
            set(value, &absolute(exchange, new));
        }
    }
    if let Some(value) = headers.get_mut(header::REFRESH) {
        let new = value.to_str().ok().and_then(|text| {
            let at = text.to_ascii_lowercase().find("url=")? + 4;
            let new = change(&text[at..], redirects, exchange)?;
            Some(format!("{}{new}", &text[..at]))
        });
        if let Some(new) = new {
            set(value, &new);
        }
    }
}

fn set(value: &mut HeaderValue, new: &str) {
    if let Ok(new) = HeaderValue::from_str(new) {
        *value = new;
    }
}

/// The first rule that fits decides.
fn change(text: &str, redirects: &[Redirect], exchange: &Exchange) -> Option<String> {
    redirects.iter().find_map(|redirect| match &redirect.from {
        RedirectFrom::Prefix(from) => {
            let rest = text.strip_prefix(eval(from, exchange).as_str())?;
            Some(eval(&redirect.to, exchange) + rest)
        }
        RedirectFrom::Regex(regex) => {
            let captures = regex.captures(text)?;
            let whole = captures.get(0)?;
            let values = Captured {
                exchange,
                captures: &captures,
            };
            let mut out = text[..whole.start()].to_owned();
            redirect.to.eval(&values, &mut out);
            out.push_str(&text[whole.end()..]);
            Some(out)
        }
    })
}

/// Variables with the digits of one match.
struct Captured<'a> {
    exchange: &'a Exchange,
    captures: &'a regex::Captures<'a>,
}

impl Variables for Captured<'_> {
    fn append(&self, name: &str, out: &mut String) -> bool {
        match name.parse::<usize>() {
            Ok(digit) => match self.captures.get(digit) {
                Some(found) => {
                    out.push_str(found.as_str());
                    true
                }
                None => false,
            },
            Err(_) => self.exchange.append(name, out),
        }
    }
}
