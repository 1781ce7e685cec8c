use super::{Directive, Problems};

/// How a `location` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// `/prefix`
    Prefix,
    /// `^~ /prefix`: regular expressions are not asked any more.
    PrefixOnly,
    /// `= /path`
    Exact,
    /// `~ expression`
    Regex,
    /// `~* expression`
    RegexIgnoreCase,
    /// `@name`
    Named,
}

impl Modifier {
    /// `~` or `~*`
    pub fn is_regex(self) -> bool {
        matches!(self, Self::Regex | Self::RegexIgnoreCase)
    }

    fn is_prefix(self) -> bool {
        matches!(self, Self::Prefix | Self::PrefixOnly)
    }
}

/// What a `location` looks for: its modifier, which may stick to its text, and the text.
pub fn location_match(d: &Directive) -> Result<(Modifier, &str), String> {
    let first = d.arg(0);
    if d.args.len() > 1 {
        let modifier = match first {
            "=" => Modifier::Exact,
            "^~" => Modifier::PrefixOnly,
            "~" => Modifier::Regex,
            "~*" => Modifier::RegexIgnoreCase,
            other => return Err(format!("invalid location modifier \"{other}\"")),
        };
        return Ok((modifier, d.arg(1)));
    }
    let stuck = [
        ("=", Modifier::Exact),
        ("^~", Modifier::PrefixOnly),
        ("~*", Modifier::RegexIgnoreCase),
        ("~", Modifier::Regex),
    ];
    for (sign, modifier) in stuck {
        if let Some(text) = first.strip_prefix(sign) {
            return Ok((modifier, text));
        }
    }
    match first.starts_with('@') {
        true => Ok((Modifier::Named, first)),
        false => Ok((Modifier::Prefix, first)),
    }
}

/// What only shows when the locations of one block are looked at together: the same one twice, or
/// one that cannot be inside the other. `around` is the location they are in, if any.
pub fn locations_together(
    around: Option<&Directive>,
    locations: &[&Directive],
    problems: &mut Problems,
) {
    let around = around.and_then(|d| location_match(d).ok());
    let mut seen: Vec<(Modifier, &str)> = Vec::new();
    for location in locations {
        let Ok((modifier, text)) = location_match(location) else {
            continue;
        };
        if let Some(message) = around.and_then(|around| misplaced(around, (modifier, text))) {
            problems.push(&location.name.place, message);
        }
        let same = |(other, t): &(Modifier, &str)| {
            *t == text
                && (modifier.is_prefix() && other.is_prefix()
                    || modifier == Modifier::Exact && *other == Modifier::Exact)
        };
        if seen.iter().any(same) {
            let message = format!("duplicate location \"{text}\"");
            problems.push(&location.name.place, message);
        }
        seen.push((modifier, text));
    }
}

fn misplaced(outer: (Modifier, &str), inner: (Modifier, &str)) -> Option<String> {
    let ((around, outside), (modifier, text)) = (outer, inner);
    let kind = match around {
        Modifier::Exact => "exact",
        Modifier::Named => "named",
        _ if modifier == Modifier::Named => {
            let message = format!("named location \"{text}\" can be on the server level only");
            return Some(message);
        }
        _ if !modifier.is_regex() && !text.starts_with(outside) => {
            let message = format!("location \"{text}\" is outside location \"{outside}\"");
            return Some(message);
        }
        _ => return None,
    };
    Some(format!(
        "location \"{text}\" cannot be inside the {kind} location \"{outside}\""
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nginx::parse;

    fn messages(text: &str) -> Vec<String> {
        let mut problems = Problems::new();
        let tree = parse(text, "f", &mut problems);
        locations_together(None, &tree.iter().collect::<Vec<_>>(), &mut problems);
        for outer in &tree {
            let inner: Vec<_> = outer.children().iter().collect();
            locations_together(Some(outer), &inner, &mut problems);
        }
        problems.iter().map(|p| p.message.clone()).collect()
    }

    #[test]
    fn as_nginx_says() {
        for (text, expected) in [
            ("location / {} location = / {} location ~ / {}", ""),
            ("location / {} location / {}", "duplicate location \"/\""),
            (
                "location ^~ /a {} location /a {}",
                "duplicate location \"/a\"",
            ),
            (
                "location =/a {} location = /a {}",
                "duplicate location \"/a\"",
            ),
            ("location ~ a {} location ~ a {}", ""),
            ("location /a { location /ab {} location ~ x {} }", ""),
            (
                "location /a { location /b {} }",
                "location \"/b\" is outside location \"/a\"",
            ),
            (
                "location = /a { location = /a {} }",
                "location \"/a\" cannot be inside the exact location \"/a\"",
            ),
            (
                "location @a { location /b {} }",
                "location \"/b\" cannot be inside the named location \"@a\"",
            ),
            (
                "location / { location @a {} }",
                "named location \"@a\" can be on the server level only",
            ),
        ] {
            assert_eq!(messages(text).concat(), expected, "{text}");
        }
    }
}
