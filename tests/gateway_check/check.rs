//! One configuration, both programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use super::program::program;

/// What nginx makes of the same text.
pub(crate) enum Nginx {
    /// The same message on the same line.
    Same,
    /// The same message, without a line or with that of the end of a block.
    Elsewhere,
    /// Nothing that begins like it: it knows no such directive. Only newer versions do, or only we.
    Unknown,
    /// Something else, for the reason given: the gateway is stricter or has less.
    Differs(&'static str),
}

/// A configuration with one problem. A `|` stands where the gateway is to point; `HTTP` begins
/// the block of that name, so that nginx can be told in the same line where its files go.
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) severity: &'static str,
    pub(crate) message: &'static str,
    pub(crate) nginx: Nginx,
}

/// An error nginx reports alike.
pub(crate) fn same(text: String, message: &'static str) -> Case {
    Case {
        text,
        severity: "emerg",
        message,
        nginx: Nginx::Same,
    }
}

impl Case {
    pub(crate) fn elsewhere(self) -> Self {
        Self {
            nginx: Nginx::Elsewhere,
            ..self
        }
    }

    pub(crate) fn differs(self, why: &'static str) -> Self {
        Self {
            nginx: Nginx::Differs(why),
            ..self
        }
    }

    pub(crate) fn unknown(self) -> Self {
        Self {
            nginx: Nginx::Unknown,
            ..self
        }
    }

    pub(crate) fn warning(self) -> Self {
        Self {
            severity: "warn",
            ..self
        }
    }
}

/// On the main level.
pub(crate) fn main(inside: &str) -> String {
    format!("{inside}\nevents {{ }}\n")
}

/// Inside `http`.
pub(crate) fn http(inside: &str) -> String {
    format!("events {{ }}\nHTTP\n{inside}\n}}\n")
}

/// Inside `upstream u`.
pub(crate) fn upstream(inside: &str) -> String {
    http(&format!("upstream u {{\n{inside}\n}}"))
}

/// Inside `server`.
pub(crate) fn server(inside: &str) -> String {
    http(&format!("server {{ listen 127.0.0.1:8080;\n{inside}\n}}"))
}

/// Inside `location /`.
pub(crate) fn location(inside: &str) -> String {
    server(&format!("location / {{\n{inside}\n}}"))
}

/// Where nginx may write; the gateway has no use for these.
const SCRATCH: &str = "http { access_log off; client_body_temp_path t; proxy_temp_path t; \
    fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;";

/// An error says what differs.
pub(crate) fn check(case: &Case) -> Result<(), String> {
    let marked = case.text.replace("HTTP", "http {");
    let (line, column) = place(&marked)?;
    let wanted = format!(
        "[{}] {} in FILE:{line}:{column}",
        case.severity, case.message
    );
    let (status, said) = gateway(&marked.replace('|', ""));
    let failed = case.severity == "emerg";
    if said != [wanted.as_str()] || status != Some(i32::from(failed)) {
        return Err(format!(
            "--- {}\nwanted {wanted}\ngateway says {said:?}, exit status {status:?}",
            case.text
        ));
    }
    compare(case, line)
}

fn compare(case: &Case, line: usize) -> Result<(), String> {
    let said = nginx(&case.text.replace('|', ""));
    let head = format!("[{}] {}", case.severity, case.message);
    let same = format!("{head} in FILE:{line}");
    let right = match case.nginx {
        Nginx::Same => said.contains(&same),
        Nginx::Elsewhere => {
            let found = said
                .iter()
                .any(|s| *s == head || s.starts_with(&format!("{head} in ")));
            found && !said.contains(&same)
        }
        Nginx::Unknown => {
            let ignorant = [
                "unknown directive ",
                "invalid parameter ",
                "directive is not allowed",
            ];
            let unknown = said
                .iter()
                .any(|s| ignorant.iter().any(|what| s.contains(what)));
            unknown && !said.contains(&same)
        }
        Nginx::Differs(_) => !said.iter().any(|s| s.starts_with(&head)),
    };
    let why = match case.nginx {
        Nginx::Same => "as the gateway",
        Nginx::Elsewhere => "the same with another line",
        Nginx::Unknown => "that it does not know this",
        Nginx::Differs(why) => why,
    };
    match right {
        true => Ok(()),
        false => Err(format!(
            "--- {}\nnginx should say {why}: {said:?}",
            case.text
        )),
    }
}

fn place(marked: &str) -> Result<(usize, usize), String> {
    let before = marked
        .split_once('|')
        .map(|(before, _)| before)
        .ok_or_else(|| format!("no mark in {marked}"))?;
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    Ok((line, column))
}

/// Exit status and messages of `gateway -t`.
pub(crate) fn gateway(text: &str) -> (Option<i32>, Vec<String>) {
    let (output, file) = run(program(), text);
    (output.status.code(), messages(&output, "gateway: ", &file))
}

/// What `nginx -t` says.
pub(crate) fn nginx(text: &str) -> Vec<String> {
    let program = env::var("NGINX_BIN").unwrap_or_else(|_| "nginx".to_owned());
    let (output, file) = run(Path::new(&program), &text.replace("HTTP", SCRATCH));
    messages(&output, "nginx: ", &file)
}

fn run(program: &Path, text: &str) -> (Output, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("test.conf");
    fs::write(&file, text).expect("a configuration file");
    fs::create_dir(directory.path().join("logs")).expect("a directory");
    let output = Command::new(program)
        .arg("-t")
        .arg("-p")
        .arg(directory.path())
        .arg("-c")
        .arg(&file)
        .args(["-e", "error.log"])
        .output()
        .unwrap_or_else(|why| panic!("cannot run {}: {why}", program.display()));
    (output, file)
}

/// Lines with a severity, the file's name shortened. Whether one may change users is not ours.
fn messages(output: &Output, prefix: &str, file: &Path) -> Vec<String> {
    let name = file.display().to_string();
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter_map(|line| line.strip_prefix(prefix))
        .filter(|line| line.starts_with('[') && !line.contains("super-user privileges"))
        .map(|line| line.replace(&name, "FILE"))
        .collect()
}
