//! The same for services that are not HTTP, where it can be seen who holds on to what.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::JoinSet;
use tower::Service;
use tower_upstream::Semantics;
use tower_upstream::balance::{Member, Roster, Setup};
use tower_upstream::classify::Condition;
use tower_upstream::retry::Terms;
use tower_upstream::upstream::{Endpoint, Endpoints, Engine, Plain};

/// Answers after a while with its number.
#[derive(Clone)]
struct Slow {
    number: Arc<usize>,
}

impl Service<u64> for Slow {
    type Response = usize;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<usize, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, millis: u64) -> Self::Future {
        let number = Arc::clone(&self.number);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(*number)
        })
    }
}

type Way = (Member, Arc<Endpoint<Slow>>);

#[tokio::test(start_paused = true)]
async fn nothing_holds_on_to_endpoints_that_are_gone() {
    let mut random = fastrand::Rng::with_seed(13);
    let setup = Setup {
        semantics: Semantics::Strict,
        ..Setup::default()
    };
    let roster: Arc<Endpoints<Slow>> = Arc::new(Roster::new(setup, vec![]));
    type Classify = fn(&Result<usize, &'static str>) -> Condition;
    let classify: Classify = |_| Condition::Served;
    let engine = Engine::new(Arc::clone(&roster), Plain::new(classify), Terms::default());

    let (mut members, mut known): (Vec<Way>, Vec<Weak<usize>>) = Default::default();
    let mut requests = JoinSet::new();
    for change in 0..1000 {
        if members.len() > 1 && random.bool() {
            members.swap_remove(random.usize(..members.len()));
        } else if members.len() < 100 {
            let number = Arc::new(change);
            known.push(Arc::downgrade(&number));
            let name: Arc<str> = change.to_string().into();
            let service = Slow { number };
            let member = Member::new(Arc::clone(&name));
            members.push((member, Arc::new(Endpoint { name, service })));
        }
        roster.set(members.clone());
        for _ in 0..random.usize(..4) {
            requests.spawn(engine.send(random.u64(..50)));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while let Some(request) = requests.join_next().await {
        request.unwrap().expect("everybody answers");
    }
    let held = known
        .iter()
        .filter(|number| number.strong_count() > 0)
        .count();
    assert_eq!(held, members.len(), "of {} there ever were", known.len());
    assert!(engine.states().iter().all(|peer| peer.in_flight == 0));
    members.clear();
    roster.set(vec![]);
    assert!(known.iter().all(|number| number.strong_count() == 0));
}
