//! The text form of scenarios: written for a mismatch, read for a replay and for the worked traces.
//!
//! ```text
//! scenario W3 second-granular window
//! start 500
//! server A fail_timeout=2s;  server B backup;
//! at 0
//! A refuse
//! GET -> 200 [A, B] (502, 200)
//! at 200
//! A 200
//! POST body 10 -> [B] | [B]
//! ```

use std::fmt;

use super::scenario::{Body, Request, Scenario, Step};
use super::script::Script;

/// All scenarios of a text, or the first line that is wrong.
pub(crate) fn parse(text: &str) -> Result<Vec<Scenario>, String> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let read = match (line, scenarios.last_mut()) {
            ("", _) => Ok(()),
            (line, _) if line.starts_with("scenario ") => {
                scenarios.push(empty(&line["scenario ".len()..]));
                Ok(())
            }
            (line, Some(scenario)) => read_line(scenario, line),
            (_, None) => Err("no scenario yet".to_owned()),
        };
        read.map_err(|why| format!("line {}: {why}: {line}", number + 1))?;
    }
    Ok(scenarios)
}

fn empty(name: &str) -> Scenario {
    Scenario {
        name: name.trim().to_owned(),
        start: 300,
        upstream: Vec::new(),
        zones: Vec::new(),
        location: Vec::new(),
        steps: Vec::new(),
    }
}

fn read_line(scenario: &mut Scenario, line: &str) -> Result<(), String> {
    if line.ends_with(';') {
        for directive in line.split(';').map(str::trim).filter(|d| !d.is_empty()) {
            let begins = |words: &[&str]| words.iter().any(|word| directive.starts_with(word));
            let block = if begins(&["limit_req_zone ", "limit_conn_zone "]) {
                &mut scenario.zones
            } else if begins(&["proxy_", "client_", "limit_", "grpc_"]) {
                &mut scenario.location
            } else {
                &mut scenario.upstream
            };
            block.push(format!("{directive};"));
        }
        return Ok(());
    }
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    if word == "start" {
        scenario.start = number(rest)?;
        return Ok(());
    }
    if word == "at" {
        scenario.steps.push(Step {
            at: number(rest)?,
            ..Step::default()
        });
        return Ok(());
    }
    let step = scenario.steps.last_mut().ok_or("no step yet")?;
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some(letter @ 'A'..='Z'), None) => step.peers.push((letter, Script::parse(rest)?)),
        _ => step.requests.extend(requests(line)?),
    }
    Ok(())
}

/// One line of equal requests, as many as outcomes are named after the arrow.
fn requests(line: &str) -> Result<Vec<Request>, String> {
    let (line, outcomes) = match line.split_once("->") {
        Some((line, outcomes)) => (
            line,
            outcomes
                .split('|')
                .map(|o| Some(o.trim().to_owned()))
                .collect(),
        ),
        None => (line, vec![None]),
    };
    let mut words = line.split_whitespace();
    let mut request = Request {
        method: words.next().unwrap_or_default().to_owned(),
        ..Request::default()
    };
    if request.method.is_empty() || !request.method.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err("not a method".to_owned());
    }
    while let Some(word) = words.next() {
        let mut argument = || words.next().ok_or_else(|| format!("\"{word}\" what?"));
        let body = request.body.get_or_insert(Body {
            length: 0,
            late: 0,
            chunked: false,
        });
        match word {
            "body" => body.length = number(argument()?)?,
            "late" => body.late = number(argument()?)?,
            "chunked" => body.chunked = true,
            "key" => request.key = Some(argument()?.to_owned()),
            "client" => request.client = Some(number(argument()?)?),
            "held" => request.held = true,
            "idle" => request.idle = true,
            "abandon" => request.abandon = Some(number(argument()?)?),
            _ => return Err(format!("unknown word \"{word}\"")),
        }
    }
    request.body = request.body.filter(|body| body.length > 0);
    Ok(outcomes
        .into_iter()
        .map(|expect| Request {
            expect,
            ..request.clone()
        })
        .collect())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("\"{text}\" is no number"))
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scenario {}\nstart {}", self.name, self.start)?;
        for line in self
            .zones
            .iter()
            .chain(&self.upstream)
            .chain(&self.location)
        {
            writeln!(f, "{line}")?;
        }
        for step in &self.steps {
            writeln!(f, "at {}", step.at)?;
            for (letter, script) in &step.peers {
                writeln!(f, "{letter} {script}")?;
            }
            for request in &step.requests {
                writeln!(f, "{request}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.method)?;
        if let Some(body) = self.body {
            write!(f, " body {}", body.length)?;
            if body.late > 0 {
                write!(f, " late {}", body.late)?;
            }
            if body.chunked {
                f.write_str(" chunked")?;
            }
        }
        if let Some(key) = &self.key {
            write!(f, " key {key}")?;
        }
        if let Some(client) = &self.client {
            write!(f, " client {client}")?;
        }
        if self.held {
            f.write_str(" held")?;
        }
        if self.idle {
            f.write_str(" idle")?;
        }
        if let Some(after) = self.abandon {
            write!(f, " abandon {after}")?;
        }
        if let Some(expect) = &self.expect {
            write!(f, " -> {expect}")?;
        }
        Ok(())
    }
}
