use super::{Directive, Problems};
use crate::upstream::config::TlsVersion;

/// Versions NGINX can be told to speak and rustls does not.
const OLD: [&str; 4] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"];

/// Reads `ssl_protocols` or `proxy_ssl_protocols` into its level; several add up (CF-1). An old
/// version beside a new one is a warning: it is not spoken, and nobody needs it who speaks the other.
pub fn tls_versions(level: &mut Option<Vec<TlsVersion>>, d: &Directive, problems: &mut Problems) {
    let before = level.is_some();
    for word in &d.args {
        let version = match word.text.as_str() {
            "TLSv1.2" => TlsVersion::Tls12,
            "TLSv1.3" => TlsVersion::Tls13,
            old if OLD.contains(&old) => {
                let others = d.args.iter().any(|word| !OLD.contains(&word.text.as_str()));
                let message = format!("rustls does not speak \"{old}\"");
                match others || before {
                    true => problems.warn(&word.place, message),
                    false => problems.push(&word.place, message),
                }
                continue;
            }
            other => {
                problems.push(&word.place, format!("invalid value \"{other}\""));
                continue;
            }
        };
        let versions = level.get_or_insert_default();
        match versions.contains(&version) {
            true => problems.warn(&word.place, format!("duplicate value \"{}\"", word.text)),
            false => versions.push(version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nginx::parse;

    #[test]
    fn old_versions_alone_are_an_error() {
        for (text, expected, says) in [
            ("p TLSv1.2 TLSv1.3;", 2, ""),
            (
                "p TLSv1.1 TLSv1.2;",
                1,
                "[warn] rustls does not speak \"TLSv1.1\" in f:1:3",
            ),
            (
                "p TLSv1.3; p TLSv1;",
                1,
                "[warn] rustls does not speak \"TLSv1\" in f:1:14",
            ),
            (
                "p TLSv1;",
                0,
                "[emerg] rustls does not speak \"TLSv1\" in f:1:3",
            ),
            (
                "p TLSv1.3 TLSv1.3;",
                1,
                "[warn] duplicate value \"TLSv1.3\" in f:1:11",
            ),
            ("p TLSv2;", 0, "[emerg] invalid value \"TLSv2\" in f:1:3"),
        ] {
            let (mut level, mut problems) = (None, Problems::new());
            for d in parse(text, "f", &mut problems) {
                tls_versions(&mut level, &d, &mut problems);
            }
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(said.concat(), says);
            assert_eq!(level.unwrap_or_default().len(), expected, "{text}");
        }
    }
}
