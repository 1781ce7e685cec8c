//! Three order services behind the gateway, under steady load. One is killed, one hangs, one answers
//! 500; then all are well again. A second load goes straight to the services, one after the other and
//! without any help, to show what clients would have seen.
//!
//! ```sh
//! cargo run --release --example demo
//! ```
//!
//! Takes about forty seconds. The exit status says whether every request through the gateway
//! succeeded.

mod gateway;
mod load;
mod service;

use std::process::ExitCode;
use std::time::Duration;

use gateway::{FAIL_TIMEOUT, Gateway};
use load::{Load, PATIENCE, Seen};
use service::{Mode, Service};
use tokio::time::interval;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const SECONDS: usize = 38;
/// Requests per second, on each of the two ways.
const RATE: usize = 100;
const SERVICES: [&str; 3] = ["orders-1", "orders-2", "orders-3"];

/// What happens, and in which second. At any time at least one service is well.
const EVENTS: [(usize, &str, Event); 6] = [
    (4, "orders-1 is killed", |all| {
        all[0].kill();
        Ok(())
    }),
    (10, "orders-1 is started again", |all| all[0].restart()),
    (
        13,
        "orders-2 hangs; that shows only when proxy_read_timeout is over, 5 s later",
        |all| {
            all[1].turn(Mode::Hanging);
            Ok(())
        },
    ),
    (22, "orders-2 is well again", |all| {
        all[1].turn(Mode::Healthy);
        Ok(())
    }),
    (26, "orders-3 answers 500", |all| {
        all[2].turn(Mode::Failing);
        Ok(())
    }),
    (31, "orders-3 is well again", |all| {
        all[2].turn(Mode::Healthy);
        Ok(())
    }),
];

type Event = fn(&mut [Service]) -> Result<()>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut services = SERVICES
        .map(Service::start)
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    println!("Building and starting the gateway ...");
    let gateway = Gateway::start(&services)?;
    introduce(&gateway);

    let period = Duration::from_secs(1) / RATE as u32;
    let through = Load::new([gateway.address]);
    let straight = Load::new(services.iter().map(|s| s.address).collect::<Vec<_>>());
    let loads =
        [&through, &straight].map(|load| tokio::spawn(load.clone().run(period, RATE * SECONDS)));

    let (mut helped, mut alone) = (Seen::default(), Seen::default());
    let mut seconds = interval(Duration::from_secs(1));
    seconds.tick().await;
    for second in 0.. {
        for (_, what, event) in EVENTS.iter().filter(|(at, ..)| *at == second) {
            println!("{second:>4} s  *** {what}");
            event(&mut services)?;
        }
        seconds.tick().await;
        let (mut seen, without) = (through.take(), straight.take());
        print_row(second + 1, &mut seen, &without);
        helped.add(seen);
        alone.add(without);
        if loads.iter().all(|load| load.is_finished()) {
            break;
        }
    }
    helped.add(through.take());
    alone.add(straight.take());
    Ok(conclude(helped, alone, &gateway))
}

fn introduce(gateway: &Gateway) {
    println!("\n{}", gateway.configuration);
    println!(
        "fail_timeout is {FAIL_TIMEOUT} instead of 30s, so that servers return while you watch.\n\
         {RATE} requests a second through the gateway, and as many straight to the services in turn.\n\
         A client that hears nothing for {} s gives up. Latencies in ms, of what succeeded.\n",
        PATIENCE.as_secs()
    );
    println!("        through the gateway             served by                without it");
    print!("  time  sent failed    p50    p99 ");
    for name in SERVICES {
        print!(" {name:>8}");
    }
    println!("   sent failed");
}

fn print_row(second: usize, seen: &mut Seen, without: &Seen) {
    let ms = |latency: Option<Duration>| match latency {
        Some(latency) => format!("{:.1}", latency.as_secs_f64() * 1000.0),
        None => "-".into(),
    };
    let (p50, p99) = (ms(seen.latency(0.50)), ms(seen.latency(0.99)));
    print!(
        "{second:>4} s {:>5} {:>6} {p50:>6} {p99:>6} ",
        seen.sent,
        seen.failures()
    );
    for name in SERVICES {
        print!(" {:>8}", seen.served.get(name).unwrap_or(&0));
    }
    println!("  {:>5} {:>6}", without.sent, without.failures());
}

fn conclude(helped: Seen, alone: Seen, gateway: &Gateway) -> ExitCode {
    println!();
    for (way, seen) in [
        ("through the gateway", &helped),
        ("straight to the services", &alone),
    ] {
        let slow = seen
            .latencies
            .iter()
            .filter(|l| **l > Duration::from_secs(1))
            .count();
        let failed = seen.failures();
        println!(
            "{way}: {} sent, {failed} failed ({:.1} %), {slow} took longer than a second",
            seen.sent,
            100.0 * failed as f64 / seen.sent.max(1) as f64
        );
        for (reason, count) in &seen.failed {
            println!("    {count:>5} x {reason}");
        }
    }
    if helped.failures() == 0 {
        println!("\nNo client of the gateway noticed more than a delay.");
        return ExitCode::SUCCESS;
    }
    println!(
        "\nRequests through the gateway failed. Its log:\n{}",
        gateway.log()
    );
    ExitCode::FAILURE
}
