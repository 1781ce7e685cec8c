use super::source::{FromRequest, Head};

/// NGINX's words: a text with variables of the request in it (`.$host`, `${cookie_a}b`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(FromRequest),
}

impl Words {
    /// The error is in NGINX's words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut pieces = text.split('$');
        parts.extend(pieces.next().and_then(written));
        for piece in pieces {
            let (name, after) = variable(piece)?;
            parts.push(Part::Value(FromRequest::named(name)?));
            parts.extend(written(after));
        }
        Ok(Self(parts))
    }

    /// Its text, if there are no variables in it.
    pub(super) fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What it says of one request.
    pub(super) fn eval(&self, head: Head<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value(source) => {
                    out.extend_from_slice(&source.value(head).unwrap_or_default())
                }
            }
        }
        out
    }
}

fn written(text: &str) -> Option<Part> {
    (!text.is_empty()).then(|| Part::Text(text.to_owned()))
}

/// What follows a `$`: the name and the text behind it.
fn variable(text: &str) -> Result<(&str, &str), String> {
    let (braced, text) = match text.strip_prefix('{') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (name, after) = text.split_at(end.unwrap_or(text.len()));
    let closed = match braced {
        true => after.strip_prefix('}'),
        false => Some(after),
    };
    match closed {
        Some(_) if name.is_empty() => Err("invalid variable name".into()),
        Some(after) => Ok((name, after)),
        None => Err(format!(
            "the closing bracket in \"{name}\" variable is missing"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stand_anywhere() {
        let request = http::Request::get("/?a=1")
            .header("host", "example.com")
            .body(())
            .expect("a request");
        let head = Head {
            uri: request.uri(),
            headers: request.headers(),
        };
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            (".$host", ".example.com"),
            ("${arg_a}b$arg_a$arg_none-$arg_a/", "1b1-1/"),
        ] {
            let words = Words::parse(text).expect("valid");
            assert_eq!(words.eval(head), expected.as_bytes(), "{text:?}");
            let literal = (!text.contains('$')).then_some(text);
            assert_eq!(words.as_literal(), literal, "{text:?}");
        }
    }

    #[test]
    fn errors_are_nginx_words() {
        for (text, error) in [
            ("$", "invalid variable name"),
            ("a$-", "invalid variable name"),
            ("${}", "invalid variable name"),
            (
                "${host",
                "the closing bracket in \"host\" variable is missing",
            ),
            ("$nope", "unknown \"nope\" variable"),
            (
                "$upstream_http_a",
                "the \"upstream_http_a\" variable is of a response",
            ),
        ] {
            assert_eq!(Words::parse(text).unwrap_err(), error, "{text:?}");
        }
    }
}
