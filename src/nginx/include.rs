use std::io;
use std::path::{Path, PathBuf};

use super::{Directive, Place, Problems, parse};

/// Files inside files.
const MAX_DEPTH: usize = 16;

/// Reads a file and everything it includes.
///
/// `include` takes a path or a pattern, relative to the directory of `path`. A pattern may match
/// nothing, a path may not; a file inside itself is an error.
pub fn load(path: &Path, problems: &mut Problems) -> Vec<Directive> {
    let mut reader = Reader {
        base: path.parent().map(Path::to_owned).unwrap_or_default(),
        open: Vec::new(),
    };
    let nowhere = Place::whole(&path.to_string_lossy());
    reader.read(path, &nowhere, problems)
}

struct Reader {
    base: PathBuf,
    /// The files being read, outermost first.
    open: Vec<PathBuf>,
}

impl Reader {
    fn read(&mut self, path: &Path, from: &Place, problems: &mut Problems) -> Vec<Directive> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                problems.push(from, failed("open", path, &error));
                return Vec::new();
            }
        };
        let name = path.to_string_lossy();
        let text = String::from_utf8(bytes).unwrap_or_else(|error| {
            problems.push(&not_utf8_at(&name, &error), "invalid UTF-8");
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        });
        self.open.push(path.to_owned());
        let directives = parse(&text, &name, problems);
        let directives = self.expand(directives, problems);
        self.open.pop();
        directives
    }

    /// Puts what they include in the place of `include` directives, blocks as well.
    fn expand(&mut self, directives: Vec<Directive>, problems: &mut Problems) -> Vec<Directive> {
        let mut out = Vec::with_capacity(directives.len());
        for mut directive in directives {
            if let Some(block) = directive.block.take() {
                directive.block = Some(self.expand(block, problems));
            } else if directive.name() == "include" && directive.args.len() == 1 {
                self.include(&directive, problems, &mut out);
                continue;
            }
            out.push(directive);
        }
        out
    }

    fn include(&mut self, from: &Directive, problems: &mut Problems, out: &mut Vec<Directive>) {
        let place = from.place(0);
        let path = self.base.join(from.arg(0));
        let files = if from.arg(0).contains(['*', '?', '[']) {
            matching(&path).unwrap_or_else(|message| {
                problems.push(place, message);
                Vec::new()
            })
        } else {
            vec![path]
        };
        for file in files {
            if self.open.contains(&file) {
                let message = format!("\"{}\" includes itself", file.display());
                problems.push(place, message);
            } else if self.open.len() > MAX_DEPTH {
                problems.push(place, "include directives are nested too deeply");
            } else {
                out.extend(self.read(&file, place, problems));
            }
        }
    }
}

/// Files a pattern matches, sorted; dot files only where the dot is written.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let options = glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::default()
    };
    let text = pattern.to_string_lossy();
    let paths = glob::glob_with(&text, options)
        .map_err(|error| format!("invalid pattern \"{text}\": {}", error.msg))?;
    paths
        .map(|path| path.map_err(|error| failed("glob", error.path(), error.error())))
        .collect()
}

/// NGINX's words: `open() "/path" failed (2: No such file or directory)`.
fn failed(call: &str, path: &Path, error: &io::Error) -> String {
    let code = error.raw_os_error().unwrap_or_default();
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    format!("{call}() \"{}\" failed ({code}: {reason})", path.display())
}

fn not_utf8_at(file: &str, error: &std::string::FromUtf8Error) -> Place {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let good = String::from_utf8_lossy(good);
    let line = good.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place {
        file: file.into(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}
