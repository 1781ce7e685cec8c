use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::Instant;

use super::answer::{Answer, Site};
use super::resolver::Resolver;
use super::target::{Member, Target};
use super::watch::Watch;
use crate::clock;
use crate::timeout::Timer;

type Look = Pin<Box<dyn Future<Output = Answer<Vec<Site>>> + Send>>;

/// A target's peers as DNS knows them, looked up again whenever the last answer is too old.
///
/// It does something only while one of its futures is polled, and has no task of its own. All of
/// them are cancel safe: a look that was begun goes on with the next one.
///
/// It never ends; drop it when nobody wants to know any more.
pub struct Updates {
    resolver: Resolver,
    watch: Watch,
    started: Instant,
    timer: Option<Timer>,
    look: Option<Look>,
}

impl Updates {
    /// Nothing is asked before the first poll.
    pub fn new(resolver: Resolver, target: Target) -> Self {
        Self {
            watch: Watch::new(target, resolver.config()),
            resolver,
            started: clock::now(),
            timer: None,
            look: None,
        }
    }

    /// What is known.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The next list that differs from the one before; the first one is whatever is heard first.
    /// Looks that fail or bring nothing new are waited out. Cancel safe.
    pub async fn next(&mut self) -> &[Member] {
        while !self.look().await {}
        self.watch.members()
    }

    /// The next look, whatever it brings: true when the list is another one. What went wrong is in
    /// [`Watch::troubles`]. Cancel safe.
    pub async fn look(&mut self) -> bool {
        poll_fn(|cx| self.poll_look(cx)).await
    }

    /// [`look`](Self::look), polled.
    pub fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let look = match &mut self.look {
            Some(look) => look,
            None => {
                let due = clock::after(self.started, self.watch.due());
                if due > clock::now() {
                    let timer = self.timer.get_or_insert_with(|| Timer::new(due));
                    ready!(timer.poll_until(due, cx));
                }
                let resolver = self.resolver.clone();
                let target = self.watch.target().clone();
                self.look
                    .insert(Box::pin(async move { resolver.look(&target).await }))
            }
        };
        let answer = ready!(look.as_mut().poll(cx));
        self.look = None;
        let now = clock::now().saturating_duration_since(self.started);
        Poll::Ready(self.watch.answered(answer, now))
    }
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("watch", &self.watch)
            .field("looking", &self.look.is_some())
            .finish_non_exhaustive()
    }
}
