use tower_upstream::nginx::{Directive, Place, Problems};

use super::regex;
use crate::config::ServerName;

/// Adds the names of a `server_name` directive.
pub(crate) fn read(d: &Directive, names: &mut Vec<ServerName>, problems: &mut Problems) {
    for word in &d.args {
        match name(&word.text, &word.place, problems) {
            Ok(name) => names.extend(name),
            Err(message) => problems.push(&word.place, message),
        }
    }
}

fn name(text: &str, place: &Place, problems: &mut Problems) -> Result<Option<ServerName>, String> {
    if let Some(expression) = text.strip_prefix('~') {
        if expression.is_empty() {
            return Err(format!("empty regex in server name \"{text}\""));
        }
        let regex = regex::compile(expression, true, place, problems);
        return Ok(regex.map(|regex| ServerName::Regex(regex, expression.into())));
    }
    let star = text.starts_with('*') && (text.len() < 3 || !text.starts_with("*."));
    if star || text == "." {
        return Err(format!("server name \"{text}\" is invalid"));
    }
    if text == "$hostname" {
        return Err("server name \"$hostname\" is not supported".into());
    }
    if text.contains('/') {
        let message = format!("server name \"{text}\" has suspicious symbols");
        problems.warn(place, message);
    }
    let lower = text.to_ascii_lowercase();
    let (name, fixed) = if let Some(rest) = lower.strip_prefix("*.") {
        (ServerName::Leading(format!(".{rest}")), rest)
    } else if let Some(rest) = lower.strip_prefix('.') {
        (ServerName::Dot(rest.into()), rest)
    } else if let Some(rest) = lower.strip_suffix(".*") {
        (ServerName::Trailing(format!("{rest}.")), rest)
    } else {
        (ServerName::Exact(lower.clone()), lower.as_str())
    };
    if fixed.contains('*') {
        return Err(format!("invalid server name or wildcard \"{text}\""));
    }
    Ok(Some(name))
}
