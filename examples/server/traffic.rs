//! Calls to the service, and what came back.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::RETRY_AFTER;
use futures_util::future::try_join_all;
use http_body_util::BodyExt;
use tower_upstream::{BoxError, Upstream};

pub(crate) struct Caller(pub(crate) Upstream);

pub(crate) struct Answer {
    pub(crate) status: u16,
    retry_after: Option<u64>,
}

impl Caller {
    /// One call, read to its end.
    pub(crate) async fn ask(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, BoxError> {
        let request = headers
            .iter()
            .fold(Request::get(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        let reply = self.0.send(request.body(Body::empty())?).await?;
        let status = reply.status().as_u16();
        let retry_after = reply.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        reply.into_body().collect().await?;
        Ok(Answer {
            status,
            retry_after,
        })
    }
}

/// How many calls were answered with which status.
#[derive(Default)]
pub(crate) struct Answers {
    statuses: BTreeMap<u16, usize>,
    pub(crate) retry_after: Option<u64>,
}

impl Answers {
    pub(crate) async fn all(
        calls: impl Iterator<Item = impl Future<Output = Result<Answer, BoxError>>>,
    ) -> Result<Self, BoxError> {
        let mut answers = Self::default();
        for answer in try_join_all(calls).await? {
            answers.count(answer);
        }
        Ok(answers)
    }

    pub(crate) fn count(&mut self, answer: Answer) {
        *self.statuses.entry(answer.status).or_default() += 1;
        self.retry_after = self.retry_after.max(answer.retry_after);
    }

    pub(crate) fn with(&self, status: u16) -> usize {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Prints them; an error if they are not these.
    pub(crate) fn are(&self, expected: &[(u16, usize)]) -> Result<(), BoxError> {
        for (status, calls) in &self.statuses {
            println!("  {calls:>3} x {status}");
        }
        match self.statuses == expected.iter().copied().collect() {
            true => Ok(()),
            false => Err(format!("expected were {expected:?}").into()),
        }
    }
}

/// Waits, within reason, until something is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) -> Result<(), BoxError> {
    for _ in 0..1000 {
        if so() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(format!("never: {what}").into())
}
