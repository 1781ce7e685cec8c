//! tonic's client over three of tonic's servers, of which one dies while it streams. Calls go on at the
//! others; the stream that was cut gets its error, and its caller begins it again where it broke off:
//!
//! ```sh
//! cargo run --example grpc
//! ```
//!
//! Messages are plain text here, so that nothing has to be generated. With generated code it is
//! `OrdersClient::new(upstream.channel())` and `.add_service(OrdersServer::new(..))`.

mod client;
mod server;
mod text;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use tokio::task::JoinSet;
use tonic::Code;
use tower_upstream::{BoxError, Http2, Semantics, Server, Upstream};

use client::Orders;
use server::Backend;

/// Messages of a stream.
const ALL: u32 = 20;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("that was not to happen: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let mut backends = ["first", "second", "third"]
        .into_iter()
        .map(Backend::start)
        .collect::<Result<Vec<_>, _>>()?;
    let mut upstream = Upstream::builder()
        .name("orders")
        // A call that ends in UNAVAILABLE counts against its server, and moves on where it may.
        .semantics(Semantics::Strict)
        .http2(Http2::default())
        .connect_timeout(Duration::from_millis(500))
        .request_timeout(Duration::from_secs(20));
    for backend in &backends {
        upstream = upstream.server(Server::new(backend.address.to_string()).max_fails(3));
    }
    let upstream = upstream.build()?;
    let mut orders = Orders::new(upstream.channel());

    println!("three servers, six calls:");
    let mut seen = BTreeMap::new();
    for _ in 0..6 {
        *seen.entry(orders.get().await?).or_insert(0) += 1;
    }
    report(&seen);
    must(seen.len() == 3, "every server is asked")?;

    println!("a stream begins, and with it thirty calls that take a while:");
    let mut messages = orders.watch(1).await?;
    let (name, mut last) = client::parse(messages.message().await?)?;
    println!("  {name} streams");
    let mut calls = JoinSet::new();
    for _ in 0..30 {
        let mut orders = orders.clone();
        calls.spawn(async move { orders.get_slowly().await });
    }
    while last < ALL / 2 {
        (_, last) = client::parse(messages.message().await?)?;
    }

    let dead = backends.iter().position(|backend| backend.name == name);
    let dead = backends.swap_remove(dead.ok_or("one of ours")?);
    let under_way = dead.calls();
    drop(dead);
    println!("  {name} is killed after message {last}, with {under_way} calls under way");
    let status = loop {
        match messages.message().await {
            // What had come before.
            Ok(Some(message)) => (_, last) = client::parse(Some(message))?,
            Ok(None) => return Err("the stream looks complete".into()),
            Err(status) => break status,
        }
    };
    println!(
        "  its stream ends in {:?}: {}",
        status.code(),
        status.message()
    );
    must(
        status.code() == Code::Unavailable,
        "somebody else may serve it",
    )?;

    println!("its caller begins again behind message {last}:");
    let mut messages = orders.watch(last + 1).await?;
    let (other, mut next) = client::parse(messages.message().await?)?;
    must(other != name && next == last + 1, "nothing is lost")?;
    while let Some(message) = messages.message().await? {
        (_, next) = client::parse(Some(message))?;
    }
    println!("  {other} streams messages {} to {next}", last + 1);
    must(next == ALL, "to the end")?;

    println!("the thirty calls:");
    let mut seen = BTreeMap::new();
    for answer in calls.join_all().await {
        *seen.entry(answer?).or_insert(0) += 1;
    }
    report(&seen);
    must(seen.values().sum::<u32>() == 30, "all of them are answered")?;
    must(!seen.contains_key(&name), "those of the dead moved over")?;

    println!("twenty more:");
    let mut seen = BTreeMap::new();
    for _ in 0..20 {
        *seen.entry(orders.get().await?).or_insert(0) += 1;
    }
    report(&seen);
    for peer in upstream.group().snapshot() {
        let state = peer.state;
        println!("{}: {:?}, {} fails", peer.address, state.state, state.fails);
        must(state.in_flight == 0, "nothing is left behind")?;
    }
    Ok(())
}

fn report(seen: &BTreeMap<String, u32>) {
    for (name, calls) in seen {
        println!("  {calls:>2} x {name}");
    }
}

/// What this program claims.
fn must(so: bool, what: &str) -> Result<(), BoxError> {
    match so {
        true => Ok(()),
        false => Err(format!("not so: {what}").into()),
    }
}
