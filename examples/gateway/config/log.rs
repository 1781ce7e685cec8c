use std::path::PathBuf;

use tower_upstream::nginx::Template;

/// `access_log PATH [FORMAT]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// As written.
    pub path: PathBuf,
    /// Index into [`Config::log_formats`].
    pub format: usize,
}

/// `log_format NAME [escape=...] TEXT`
#[derive(Clone, Debug)]
pub struct LogFormat {
    /// The name.
    pub name: String,
    /// The line, all strings of the directive joined.
    pub line: Template,
    /// How values are made harmless.
    pub escape: Escape,
}

/// How values are written into a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// `\xXX` for quotes, backslashes and what is not printable ASCII; `-` for nothing.
    Default,
    /// As inside a JSON string; nothing for nothing.
    Json,
    /// As they are.
    None,
}

/// `error_log PATH [LEVEL]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLog {
    /// Where to.
    pub path: LogPath,
    /// The least severe level written, default `error`.
    pub level: Level,
}

/// Where an error log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPath {
    /// `stderr`
    Stderr,
    /// A file, as written.
    File(PathBuf),
}

/// Severity, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}
