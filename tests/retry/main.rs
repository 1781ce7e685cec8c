//! Retries of lone services: how many, when, and of what.

mod attempts;
mod budget;
mod deadlines;
mod http;
mod pushback;
mod ready;
mod shared;
mod waits;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use tower::util::service_fn;
use tower_service::Service;
use tower_upstream::classify::Condition;

/// What every test's service fails with: the number of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure(usize);

/// When each attempt began.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Instant>>>);

impl Log {
    fn begin(&self) -> usize {
        let mut times = self.0.lock().unwrap();
        times.push(Instant::now());
        times.len()
    }

    fn attempts(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// From each attempt to the next.
    fn gaps(&self) -> Vec<Duration> {
        let times = self.0.lock().unwrap();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

/// Answers with the number of the attempt once `failures` have failed.
fn failing(
    failures: usize,
    log: &Log,
) -> impl Service<&'static str, Response = usize, Error = Failure, Future: Send> + Clone {
    let log = log.clone();
    service_fn(move |_: &'static str| {
        let attempt = log.begin();
        let result = match attempt <= failures {
            true => Err(Failure(attempt)),
            false => Ok(attempt),
        };
        std::future::ready(result)
    })
}

fn every_error<T, E>(result: &Result<T, E>) -> Condition {
    match result {
        Ok(_) => Condition::Served,
        Err(_) => Condition::Error,
    }
}
