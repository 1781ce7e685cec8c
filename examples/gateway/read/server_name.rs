use tower_upstream::nginx::{Directive, Place, Problems};

use super::regex;
use super::shared::Shared;
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

/// Warns where several servers behind one address have the same name: the first one gets it.
pub(crate) fn conflicts(servers: &[&Directive], shared: &mut Shared) {
    for (address, behind) in shared.listens.shared() {
        let mut seen: Vec<String> = Vec::new();
        let names = behind.iter().filter_map(|index| servers.get(*index));
        for (name, place) in names.flat_map(|server| names_of(server)) {
            if seen.contains(&name) {
                let message = format!("conflicting server name \"{name}\" on {address}, ignored");
                shared.problems.warn(place, message);
            } else {
                seen.push(name);
            }
        }
    }
}

/// The names of a server that are compared as text; one without any has the empty one.
fn names_of(server: &Directive) -> Vec<(String, &Place)> {
    let directives = server.children().iter();
    let all: Vec<_> = directives
        .filter(|d| d.name() == "server_name")
        .flat_map(|d| &d.args)
        .collect();
    if all.is_empty() {
        return vec![(String::new(), &server.name.place)];
    }
    let text = all.into_iter().filter(|word| !word.text.starts_with('~'));
    text.map(|word| (word.text.to_ascii_lowercase(), &word.place))
        .collect()
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
