//! Services that are not HTTP.

use std::io;

use tower::{Layer, ServiceExt, service_fn};
use tower_upstream::answer::{Error, Reason};
use tower_upstream::timeout::{Deadline, TimeoutLayer};

use super::stub::*;

/// Takes so many milliseconds; none at all is refused.
async fn work(takes: u32) -> Result<Option<Deadline>, io::Error> {
    if takes == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    tokio::time::sleep(takes * MS).await;
    Ok(Deadline::current())
}

#[tokio::test(start_paused = true)]
async fn a_call_in_time_is_answered_and_knows_its_deadline() {
    let layer = TimeoutLayer::new().request_timeout(SECOND);
    let deadline = Deadline::after(SECOND);
    let seen = layer.layer(service_fn(work)).oneshot(300).await.unwrap();
    assert_eq!(seen, Some(deadline));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_an_error_that_says_so() {
    let layer = TimeoutLayer::new().request_timeout(SECOND);
    let (result, took) = timed(layer.layer(service_fn(work)).oneshot(5000)).await;
    assert_eq!(took, SECOND);
    match result {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.reason(), Reason::Timeout),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_s_own_error_stays_its_own() {
    let layer = TimeoutLayer::new().request_timeout(SECOND);
    let result = layer.layer(service_fn(work)).oneshot(0).await;
    let error = result.unwrap_err().into_inner().expect("not the layer's");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test(start_paused = true)]
async fn the_current_deadline_counts_though_the_request_cannot_carry_it() {
    let layer = TimeoutLayer::new().request_timeout(SECOND);
    let call = layer.layer(service_fn(work)).oneshot(5000);
    let (result, took) = timed(Deadline::after(200 * MS).scope(call)).await;
    assert_eq!(took, 200 * MS);
    let refusal = result.unwrap_err();
    assert_eq!(refusal.refusal().unwrap().reason(), Reason::Deadline);
}
