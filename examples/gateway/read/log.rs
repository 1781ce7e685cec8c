use tower_upstream::nginx::{Directive, Problems, Template};

use super::shared::Shared;
use super::variables;
use crate::config::{AccessLog, ErrorLog, Escape, Level, LogFormat, LogPath};

/// NGINX's own format.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status \
                        $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

/// Where access is logged unless something is said.
const ACCESS_LOG: &str = "logs/access.log";

/// Logs of one level. `off` on a level silences all of its `access_log`s.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logs {
    pub(crate) error_log: Option<ErrorLog>,
    access: Vec<AccessLog>,
    off: bool,
}

impl Logs {
    pub(crate) fn directive(
        &mut self,
        d: &Directive,
        formats: &[LogFormat],
        problems: &mut Problems,
    ) -> bool {
        match d.name() {
            "error_log" => error_log(&mut self.error_log, d, problems),
            "access_log" if d.arg(0) == "off" => match d.args.get(1) {
                None => self.off = true,
                Some(word) => {
                    problems.push(&word.place, format!("invalid parameter \"{}\"", word.text));
                }
            },
            "access_log" => match access_log(d, formats) {
                Ok(log) => self.access.push(log),
                Err((index, message)) => problems.push(d.place(index), message),
            },
            _ => return false,
        }
        true
    }

    pub(crate) fn inherit(&mut self, outer: &Self) {
        if self.access.is_empty() && !self.off {
            self.access.clone_from(&outer.access);
            self.off = outer.off;
        }
        if self.error_log.is_none() {
            self.error_log.clone_from(&outer.error_log);
        }
    }

    pub(crate) fn access_logs(&self) -> Vec<AccessLog> {
        match (self.off, self.access.is_empty()) {
            (true, _) => Vec::new(),
            (false, false) => self.access.clone(),
            (false, true) => vec![AccessLog {
                path: ACCESS_LOG.into(),
                format: 0,
            }],
        }
    }
}

/// `error_log PATH [LEVEL]`
pub(crate) fn error_log(slot: &mut Option<ErrorLog>, d: &Directive, problems: &mut Problems) {
    let path = d.arg(0);
    if slot.is_some() {
        let message = "several \"error_log\" directives on one level are not supported";
        problems.push(&d.name.place, message);
    }
    if path.starts_with("syslog:") || path.starts_with("memory:") {
        let message = format!("logging to \"{path}\" is not supported");
        problems.push(d.place(0), message);
    }
    let level = match d.args.get(1) {
        None => Some(Level::Error),
        Some(word) => level(&word.text),
    };
    let Some(level) = level else {
        problems.push(d.place(1), format!("invalid log level \"{}\"", d.arg(1)));
        return;
    };
    if let Some(word) = d.args.get(2) {
        let what = match self::level(&word.text) {
            Some(_) => "duplicate",
            None => "invalid",
        };
        problems.push(&word.place, format!("{what} log level \"{}\"", word.text));
    }
    let path = match path {
        "stderr" => LogPath::Stderr,
        path => LogPath::File(path.into()),
    };
    *slot = Some(ErrorLog { path, level });
}

fn level(word: &str) -> Option<Level> {
    Some(match word {
        "emerg" => Level::Emerg,
        "alert" => Level::Alert,
        "crit" => Level::Crit,
        "error" => Level::Error,
        "warn" => Level::Warn,
        "notice" => Level::Notice,
        "info" => Level::Info,
        "debug" => Level::Debug,
        _ => return None,
    })
}

/// `access_log PATH [FORMAT]`
fn access_log(d: &Directive, formats: &[LogFormat]) -> Result<AccessLog, (usize, String)> {
    let path = d.arg(0);
    if path.starts_with("syslog:") {
        return Err((0, format!("logging to \"{path}\" is not supported")));
    }
    if path.contains('$') {
        let message = "variables in the path of \"access_log\" are not supported";
        return Err((0, message.into()));
    }
    if let Some(word) = d.args.get(2) {
        let option = word.text.split('=').next().unwrap_or_default();
        let what = match option {
            "buffer" | "gzip" | "flush" | "if" => "unsupported",
            _ => "invalid",
        };
        return Err((2, format!("{what} parameter \"{}\"", word.text)));
    }
    let format = match d.args.get(1) {
        None => 0,
        Some(word) => formats
            .iter()
            .position(|format| format.name == word.text)
            .ok_or_else(|| (1, format!("unknown log format \"{}\"", word.text)))?,
    };
    Ok(AccessLog {
        path: path.into(),
        format,
    })
}

/// The format that is always there, at index 0.
pub(crate) fn combined() -> LogFormat {
    LogFormat {
        name: "combined".into(),
        line: Template::parse(COMBINED, variables::known).unwrap_or_default(),
        escape: Escape::Default,
    }
}

/// `log_format NAME [escape=...] TEXT ...`
pub(crate) fn log_format(d: &Directive, shared: &mut Shared) {
    let problems = &mut shared.problems;
    let name = d.arg(0);
    if shared.log_formats.iter().any(|format| format.name == name) {
        let message = format!("duplicate \"log_format\" name \"{name}\"");
        problems.push(d.place(0), message);
        return;
    }
    let (escape, first) = match d.arg(1).strip_prefix("escape=") {
        None => (Escape::Default, 1),
        Some("default") => (Escape::Default, 2),
        Some("json") => (Escape::Json, 2),
        Some("none") => (Escape::None, 2),
        Some(other) => {
            let message = format!("unknown log format escaping \"{other}\"");
            problems.push(d.place(1), message);
            (Escape::Default, 2)
        }
    };
    let words = d.args.get(first..).unwrap_or_default();
    // A variable never spans two strings, so each is checked where it stands.
    let mut line = String::new();
    for word in words {
        if let Err(message) = Template::parse(&word.text, variables::known) {
            problems.push(&word.place, message);
        }
        line.push_str(&word.text);
    }
    let line = Template::parse(&line, variables::known).unwrap_or_default();
    shared.log_formats.push(LogFormat {
        name: name.into(),
        line,
        escape,
    });
}
