//! An axum service that looks after itself: a timeout and its callers' deadlines, a rate limit for each
//! tenant, a bulkhead, and an [`Upstream`](tower_upstream::Upstream) with two backends behind. It sends
//! itself some traffic, of which none is what one would wish for, and says what became of it:
//!
//! ```sh
//! cargo run --example server
//! ```

mod backend;
mod shop;
mod traffic;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tower_upstream::{BoxError, Server, Upstream};

use backend::{Backend, Load};
use traffic::{Answers, Caller};

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
    let load = Arc::new(Load::default());
    let (first, second) = (Backend::start(&load)?, Backend::start(&load)?);
    let shop = shop::open([first.address, second.address])?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = Server::new(listener.local_addr()?.to_string());
    let app = shop.app;
    tokio::spawn(async { axum::serve(listener, app).await });
    let caller = Caller(Upstream::builder().server(server).keepalive(8).build()?);

    println!("ten calls, one after the other:");
    let mut answers = Answers::default();
    for _ in 0..10 {
        answers.count(caller.ask("/orders/quick", &[("x-tenant", "blue")]).await?);
    }
    answers.are(&[(200, 10)])?;

    println!("a tenant in a hurry, thirty calls; it may be ten ahead of its rate:");
    let mut answers = Answers::default();
    for _ in 0..30 {
        answers.count(caller.ask("/orders/quick", &[("x-tenant", "red")]).await?);
    }
    answers.are(&[(200, 10), (429, 20)])?;
    let after = answers.retry_after.ok_or("callers are told when")?;
    println!("  told to come back after {after} s");
    must((1..=10).contains(&after), "the rate is six a minute")?;
    let other = caller
        .ask("/orders/quick", &[("x-tenant", "green")])
        .await?;
    must(other.status == 200, "another tenant is served")?;

    println!("forty at once, of which four are served, and eight may wait 100 ms for their turn:");
    let calls = (0..40).map(|_| caller.ask("/orders/slow", &[]));
    let answers = Answers::all(calls).await?;
    let served = answers.with(200);
    must((4..=12).contains(&served), "four, and some of the eight")?;
    answers.are(&[(200, served), (503, 40 - served)])?;
    let most = load.most();
    println!("  the backends had {most} to do at most");
    must(most <= 4, "the bulkhead has four places")?;

    println!("a caller who waits 150 ms for what never comes:");
    let begun = Instant::now();
    let time = ("x-request-timeout", "150");
    let late = caller
        .ask("/orders/never", &[time, ("x-our-mesh", "1")])
        .await?;
    println!("  {} after {} ms", late.status, begun.elapsed().as_millis());
    must(late.status == 504, "its time is over")?;
    must(
        begun.elapsed() < shop::AT_MOST,
        "it is not the shop's own limit",
    )?;
    let told = load.told().ok_or("a backend is told")?;
    println!("  the backend was told that {told} ms were left, and has stopped working");
    must(told <= 150, "no more than there was")?;
    traffic::until("a backend works for nobody", || load.now() == 0).await?;

    println!("a stranger who says so is not believed, and waits as long as the shop allows:");
    let begun = Instant::now();
    let late = caller.ask("/orders/never", &[time]).await?;
    println!("  {} after {} ms", late.status, begun.elapsed().as_millis());
    must(late.status == 504, "the shop's limit")?;
    must(begun.elapsed() >= shop::AT_MOST, "all of it")?;

    println!("one backend is killed, and twenty more call:");
    drop(first);
    let mut answers = Answers::default();
    for _ in 0..20 {
        answers.count(caller.ask("/orders/quick", &[]).await?);
    }
    answers.are(&[(200, 20)])?;

    let (rate, places) = (shop.rate.snapshot(), shop.places.snapshot());
    println!(
        "rate limit: {} passed, {} rejected",
        rate.passed, rate.rejected
    );
    println!(
        "bulkhead: {} admitted, {} waited; {} found no place, {} waited in vain",
        places.admitted, places.delayed, places.rejected, places.expired
    );
    traffic::until("all places are free", || {
        shop.places.snapshot().in_flight == 0
    })
    .await?;
    Ok(())
}

/// What this program claims.
fn must(so: bool, what: &str) -> Result<(), BoxError> {
    match so {
        true => Ok(()),
        false => Err(format!("not so: {what}").into()),
    }
}
