use std::fmt;

/// What `$name` stands for while a request is served.
pub trait Variables {
    /// Appends the value of `name`, which is lower case and without the `$`; false if it has none.
    fn append(&self, name: &str, out: &mut String) -> bool;
}

/// Text with variables in it: `$name`, `${name}`.
///
/// ```
/// use tower_upstream::nginx::{Template, Variables};
///
/// struct Host(&'static str);
///
/// impl Variables for Host {
///     fn append(&self, name: &str, out: &mut String) -> bool {
///         out.push_str(self.0);
///         name == "host"
///     }
/// }
///
/// let known = |name: &str| name == "host";
/// let line = Template::parse("at ${host}:80", known).unwrap();
/// let mut text = String::new();
/// line.eval(&Host("example.com"), &mut text);
/// assert_eq!(text, "at example.com:80");
/// assert_eq!(
///     Template::parse("$hosst", known).unwrap_err(),
///     "unknown \"hosst\" variable"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    /// Text as it is, a `$` included.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        let parts = match text.is_empty() {
            true => Vec::new(),
            false => vec![Part::Text(text)],
        };
        Self { parts }
    }

    /// Reads `text`; `known` says which variables there are, names in lower case. The error is in
    /// NGINX's words.
    pub fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            if dollar > 0 {
                parts.push(Part::Text(rest[..dollar].to_owned()));
            }
            let (name, after) = variable(&rest[dollar + 1..])?;
            let lower = name.to_ascii_lowercase();
            if !known(&lower) {
                return Err(format!("unknown \"{name}\" variable"));
            }
            parts.push(Part::Variable(lower));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Appends what it says about one request. A variable without a value adds nothing.
    pub fn eval(&self, variables: &dyn Variables, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name) => {
                    let before = out.len();
                    if !variables.append(name, out) {
                        out.truncate(before);
                    }
                }
            }
        }
    }

    /// Its text, if there are no variables in it.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The variables in it, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Variable(name) => Some(name.as_str()),
        })
    }

    /// What it is made of, in order, for evaluators with their own idea of a value: the text, or
    /// the variable's name.
    pub fn parts(&self) -> impl Iterator<Item = Result<&str, &str>> {
        self.parts.iter().map(|part| match part {
            Part::Text(text) => Ok(text.as_str()),
            Part::Variable(name) => Err(name.as_str()),
        })
    }
}

/// What follows a `$`: the name and the text behind it.
fn variable(text: &str) -> Result<(&str, &str), String> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, after) = name(braced);
        return match after.strip_prefix('}') {
            Some(_) if name.is_empty() => Err("invalid variable name".into()),
            Some(after) => Ok((name, after)),
            None => Err(format!(
                "the closing bracket in \"{name}\" variable is missing"
            )),
        };
    }
    // A capture is one digit long.
    if text.starts_with(|c: char| matches!(c, '1'..='9')) {
        return Ok(text.split_at(1));
    }
    match name(text) {
        ("", _) => Err("invalid variable name".into()),
        found => Ok(found),
    }
}

fn name(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.split_at(end)
}

/// As it could be written again.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Variable(name) => write!(f, "${{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_as_nginx_does() {
        for (text, result) in [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("$a", Ok("${a}")),
            ("x$a-$b", Ok("x${a}-${b}")),
            ("${a}b", Ok("${a}b")),
            ("$A", Ok("${a}")),
            ("$10", Ok("${1}0")),
            ("$", Err("invalid variable name")),
            ("a$-", Err("invalid variable name")),
            ("${}", Err("invalid variable name")),
            (
                "${a",
                Err("the closing bracket in \"a\" variable is missing"),
            ),
            (
                "${a-b}",
                Err("the closing bracket in \"a\" variable is missing"),
            ),
            ("$nope", Err("unknown \"nope\" variable")),
        ] {
            let parsed = Template::parse(text, |name| name != "nope");
            let shown = parsed.map(|t| t.to_string());
            assert_eq!(
                shown,
                result.map(str::to_owned).map_err(str::to_owned),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_variable_without_a_value_adds_nothing() {
        struct Nothing;
        impl Variables for Nothing {
            fn append(&self, _: &str, out: &mut String) -> bool {
                out.push_str("leftover");
                false
            }
        }
        let template = Template::parse("a${b}c", |_| true).expect("valid");
        let mut out = String::from("> ");
        template.eval(&Nothing, &mut out);
        assert_eq!(out, "> ac");
    }
}
