//! A service that insists on Tower's rules, to be put behind whatever is to be trusted with them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use http::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;
use tower::Service;

/// It takes a place when it gets ready and holds it to the end of its answer, as Tower's own limits do;
/// its clones begin without one, and it panics if it is called without. It answers when it is told to.
pub(crate) struct Probe {
    places: PollSemaphore,
    place: Option<OwnedSemaphorePermit>,
    seen: Arc<Seen>,
}

/// What a probe and its clones have seen, and whether they answer.
#[derive(Debug)]
pub(crate) struct Seen {
    places: Arc<Semaphore>,
    /// How often answers were asked for.
    polls: AtomicUsize,
    calls: AtomicUsize,
    answers: Mutex<Answers>,
}

#[derive(Debug, Default)]
struct Answers {
    begun: bool,
    waiting: Vec<Waker>,
}

impl Probe {
    pub(crate) fn new(places: usize) -> (Self, Arc<Seen>) {
        let semaphore = Arc::new(Semaphore::new(places));
        let seen = Arc::new(Seen {
            places: Arc::clone(&semaphore),
            polls: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            answers: Mutex::default(),
        });
        let probe = Self {
            places: PollSemaphore::new(semaphore),
            place: None,
            seen: Arc::clone(&seen),
        };
        (probe, seen)
    }
}

impl Seen {
    /// From now on all calls are answered.
    pub(crate) fn answer(&self) {
        let mut answers = self.answers.lock().unwrap();
        answers.begun = true;
        answers.waiting.drain(..).for_each(Waker::wake);
    }

    /// Places that nobody has.
    pub(crate) fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// One more may be ready or called at once.
    pub(crate) fn make_room(&self) {
        self.places.add_permits(1);
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(SeqCst)
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.polls.fetch_add(1, SeqCst);
        let mut answers = self.answers.lock().unwrap();
        if answers.begun {
            return Poll::Ready(());
        }
        answers.waiting.retain(|waker| !waker.will_wake(cx.waker()));
        answers.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self {
            places: self.places.clone(),
            place: None,
            seen: Arc::clone(&self.seen),
        }
    }
}

/// Every other call is answered with 503, from the first on.
impl<B> Service<Request<B>> for Probe {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Working;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.place.is_none() {
            self.place = ready!(self.places.poll_acquire(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Working {
        let place = self.place.take();
        assert!(place.is_some(), "called without being ready");
        let number = self.seen.calls.fetch_add(1, SeqCst);
        let mut response = Response::new("answer".to_owned());
        if number % 2 == 0 {
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        }
        Working {
            seen: Arc::clone(&self.seen),
            response: Some(response),
            place,
        }
    }
}

/// A call of a [`Probe`].
pub(crate) struct Working {
    seen: Arc<Seen>,
    response: Option<Response<String>>,
    place: Option<OwnedSemaphorePermit>,
}

impl Future for Working {
    type Output = Result<Response<String>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.seen.poll(cx));
        self.place = None;
        let response = self.response.take();
        Poll::Ready(Ok(response.expect("polled after it was ready")))
    }
}
