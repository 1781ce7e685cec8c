//! A reverse proxy made of nothing but this crate's parts, configured by a subset of `nginx.conf`.
//!
//! ```text
//! cargo run --example gateway -- -p examples/gateway -c gateway.conf
//! ```
//!
//! A connection is accepted in `serve`, a request becomes an `exchange`, `admit` finds its server and
//! location, `handle` does what stands there, `forward` and `respond` are the two halves of
//! `proxy_pass`, and `log` writes down what became of it. `master` hears signals, `workers` holds the
//! threads, `plan` is the configuration made ready.

// A program has no outside for its items to be public to.
#![allow(unreachable_pub)]

mod admit;
mod alarm;
mod answer;
mod arguments;
mod body;
mod by_name;
mod checks;
mod client;
mod clock;
mod config;
mod exchange;
mod forward;
mod handle;
mod http1;
mod http2;
mod incoming;
mod io;
mod limit;
mod limit_conn;
mod log;
mod master;
mod names;
mod pages;
mod plan;
mod read;
mod realip;
mod redirect;
mod refuse;
mod replayed;
mod respond;
mod route;
mod serve;
mod sockets;
mod sticky;
mod stream;
mod text;
mod tls;
mod trailers;
mod tunnel;
mod variables;
mod worker;
mod workers;
mod zones;

use std::process::ExitCode;

use arguments::{Arguments, USAGE};

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("gateway: {problem}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.version {
        eprintln!(
            "gateway version: {}/{}",
            pages::SERVER,
            env!("CARGO_PKG_VERSION")
        );
        return ExitCode::SUCCESS;
    }
    // The library leaves it to us; it fails if somebody has chosen already.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let file = arguments.file.display().to_string();
    let stores = tls::Stores::default();
    let (config, problems) = read::read(&arguments.file, &stores);
    for problem in problems.iter() {
        eprintln!("gateway: {problem}");
    }
    let config = config.filter(|_| !problems.has_errors());
    let Some(config) = config else {
        if arguments.test {
            eprintln!("gateway: configuration file {file} test failed");
        }
        return ExitCode::FAILURE;
    };
    if arguments.test {
        return test(&arguments, config, &file);
    }
    match master::run(arguments, config, stores) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("gateway: [emerg] {problem}");
            ExitCode::FAILURE
        }
    }
}

/// `-t`: everything short of listening.
fn test(arguments: &Arguments, config: config::Config, file: &str) -> ExitCode {
    let groups = config.groups.iter();
    let problems: Vec<String> = groups
        .filter_map(|group| tower_upstream::Group::new(group.clone()).err())
        .map(|error| error.to_string())
        .collect();
    let plan = plan::Plan::new(config, &arguments.prefix);
    for problem in problems.iter().chain(plan.as_ref().err()) {
        eprintln!("gateway: [emerg] {problem}");
    }
    if plan.is_err() || !problems.is_empty() {
        eprintln!("gateway: configuration file {file} test failed");
        return ExitCode::FAILURE;
    }
    eprintln!("gateway: the configuration file {file} syntax is ok");
    eprintln!("gateway: configuration file {file} test is successful");
    ExitCode::SUCCESS
}
