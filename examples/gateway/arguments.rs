//! The switches NGINX has.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::config::{ErrorLog, Level, LogPath};

/// What stands on the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// `-p`: what paths are relative to.
    pub prefix: PathBuf,
    /// `-c`, under the prefix.
    pub file: PathBuf,
    /// `-e`: the log for a file that names none.
    pub error_log: Option<ErrorLog>,
    /// `-t`
    pub test: bool,
    /// `-v`
    pub version: bool,
}

/// How it is used.
pub const USAGE: &str = "Usage: gateway [-p PREFIX] [-c FILE] [-e ERRORLOG] [-t] [-v]";

impl Arguments {
    /// Reads the words after the program's name. Values may be written to their switch or behind it.
    pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut words = words;
        let (mut prefix, mut file, mut error_log) = (PathBuf::from("."), None, None);
        let (mut test, mut version) = (false, false);
        while let Some(word) = words.next() {
            let text = word.to_str().ok_or("invalid option")?;
            let Some(switches) = text.strip_prefix('-') else {
                return Err(format!("invalid option: \"{text}\""));
            };
            for (at, switch) in switches.char_indices() {
                let attached = &switches[at + 1..];
                let mut value = || match attached {
                    "" => words
                        .next()
                        .ok_or(format!("option \"-{switch}\" requires a value")),
                    value => Ok(value.into()),
                };
                match switch {
                    't' => test = true,
                    'v' | 'V' => version = true,
                    'p' => prefix = value()?.into(),
                    'c' => file = Some(PathBuf::from(value()?)),
                    'e' => error_log = Some(PathBuf::from(value()?)),
                    _ => return Err(format!("invalid option: \"{switch}\"")),
                }
                if matches!(switch, 'p' | 'c' | 'e') {
                    break;
                }
            }
        }
        let file = prefix.join(file.unwrap_or_else(|| "conf/nginx.conf".into()));
        let error_log = error_log.map(|path| ErrorLog {
            path: match path.to_str() {
                Some("stderr") => LogPath::Stderr,
                _ => LogPath::File(path),
            },
            level: Level::Error,
        });
        Ok(Self {
            prefix,
            file,
            error_log,
            test,
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn switches_take_values_attached_or_behind() {
        let arguments = parse("-p /srv -c a.conf -t").unwrap();
        assert_eq!(arguments.file, PathBuf::from("/srv/a.conf"));
        assert!(arguments.test);
        assert_eq!(parse("-tc/x").unwrap().file, PathBuf::from("/x"));
        assert_eq!(parse("").unwrap().file, PathBuf::from("./conf/nginx.conf"));
        let log = parse("-e stderr").unwrap().error_log.unwrap();
        assert_eq!(log.path, LogPath::Stderr);
    }

    #[test]
    fn unknown_switches_and_missing_values_are_told() {
        assert!(parse("-x").unwrap_err().contains("invalid option"));
        assert!(parse("-c").unwrap_err().contains("requires a value"));
        assert!(parse("word").unwrap_err().contains("invalid option"));
    }
}
