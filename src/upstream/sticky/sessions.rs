use std::collections::HashMap;
use std::time::Duration;

use super::server_id::md5;
use crate::balance::Route;

/// A session's name: its MD5, so that every session takes the same room, however long its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Session([u8; 16]);

impl Session {
    pub(super) fn new(name: &[u8]) -> Self {
        Self(md5(name))
    }
}

/// No node.
const NONE: u32 = u32::MAX;

/// Which session belongs to which server (SK-7): so many at most, each for so long after its last
/// use; of too many the least recently used goes first. No call looks at more sessions than it
/// forgets, and one or two besides.
#[derive(Debug)]
pub(super) struct Sessions {
    index: HashMap<Session, u32>,
    /// Linked from the least to the most recently used, without gaps.
    nodes: Vec<Node>,
    oldest: u32,
    newest: u32,
    timeout: Duration,
    most: usize,
}

#[derive(Debug)]
struct Node {
    session: Session,
    route: Route,
    used: Duration,
    older: u32,
    newer: u32,
}

impl Sessions {
    /// At most `most` sessions, and at least one.
    pub(super) fn new(timeout: Duration, most: usize) -> Self {
        Self {
            index: HashMap::new(),
            nodes: Vec::new(),
            oldest: NONE,
            newest: NONE,
            timeout,
            most: most.clamp(1, NONE as usize),
        }
    }

    /// The server a session belongs to. Asking is no use of it.
    pub(super) fn find(&self, session: &Session, now: Duration) -> Option<Route> {
        let node = &self.nodes[*self.index.get(session)? as usize];
        (!self.is_over(node, now)).then_some(node.route)
    }

    /// A session was used on a server: from now on it belongs there. A session nobody knows is only
    /// remembered if it `begins`.
    pub(super) fn used(&mut self, session: Session, route: Route, begins: bool, now: Duration) {
        while self
            .nodes
            .get(self.oldest as usize)
            .is_some_and(|node| self.is_over(node, now))
        {
            self.forget_oldest();
        }
        if let Some(&at) = self.index.get(&session) {
            self.unlink(at);
            let node = &mut self.nodes[at as usize];
            (node.route, node.used) = (route, now);
            self.link(at);
        } else if begins {
            if self.nodes.len() >= self.most {
                self.forget_oldest();
            }
            let at = self.nodes.len() as u32;
            self.nodes.push(Node {
                session,
                route,
                used: now,
                older: NONE,
                newer: NONE,
            });
            self.index.insert(session, at);
            self.link(at);
        }
    }

    fn is_over(&self, node: &Node, now: Duration) -> bool {
        now.saturating_sub(node.used) >= self.timeout
    }

    fn forget_oldest(&mut self) {
        let at = self.oldest;
        self.unlink(at);
        let gone = self.nodes.swap_remove(at as usize);
        self.index.remove(&gone.session);
        // The last node has taken its place.
        if let Some(moved) = self.nodes.get(at as usize) {
            let (older, newer) = (moved.older, moved.newer);
            self.index.insert(moved.session, at);
            self.join(older, at);
            self.join(at, newer);
        }
    }

    fn unlink(&mut self, at: u32) {
        let Node { older, newer, .. } = self.nodes[at as usize];
        self.join(older, newer);
    }

    /// Makes it the most recently used.
    fn link(&mut self, at: u32) {
        self.join(self.newest, at);
        self.join(at, NONE);
    }

    /// Nothing is between the two any more; `NONE` stands for either end.
    fn join(&mut self, older: u32, newer: u32) {
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn session(n: u8) -> Session {
        Session::new(&[n])
    }

    fn route(n: u8) -> Route {
        Route::new(&n.to_string()).expect("a route")
    }

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_session_lives_so_long_after_its_last_use() {
        let mut sessions = Sessions::new(secs(2), 9);
        sessions.used(session(1), route(1), true, secs(10));
        assert_eq!(sessions.find(&session(1), secs(11)), Some(route(1)));
        // Being asked for is no use.
        assert_eq!(sessions.find(&session(1), secs(12)), None);
        sessions.used(session(1), route(1), true, secs(20));
        sessions.used(session(1), route(1), false, secs(21));
        assert_eq!(sessions.find(&session(1), secs(22)), Some(route(1)));
        assert_eq!(sessions.find(&session(1), secs(23)), None);
        // One that is over is not refreshed.
        sessions.used(session(1), route(1), false, secs(23));
        assert_eq!(sessions.find(&session(1), secs(23)), None);
    }

    #[test]
    fn a_session_follows_where_it_was_served() {
        let mut sessions = Sessions::new(secs(2), 9);
        sessions.used(session(1), route(1), false, secs(0));
        assert_eq!(sessions.find(&session(1), secs(0)), None);
        sessions.used(session(1), route(1), true, secs(0));
        sessions.used(session(1), route(2), false, secs(0));
        assert_eq!(sessions.find(&session(1), secs(0)), Some(route(2)));
    }

    #[test]
    fn of_too_many_the_least_recently_used_goes() {
        let mut sessions = Sessions::new(secs(100), 2);
        sessions.used(session(1), route(1), true, secs(0));
        sessions.used(session(2), route(2), true, secs(1));
        sessions.used(session(1), route(1), true, secs(2));
        sessions.used(session(3), route(3), true, secs(3));
        let found = [1, 2, 3].map(|n| sessions.find(&session(n), secs(3)).is_some());
        assert_eq!(found, [true, false, true]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Wait(u64),
        Use {
            session: u8,
            route: u8,
            begins: bool,
        },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u64..4).prop_map(Step::Wait),
            (0_u8..12, 0_u8..3, any::<bool>()).prop_map(|(session, route, begins)| Step::Use {
                session,
                route,
                begins
            }),
        ]
    }

    proptest! {
        /// Against a list that is searched from end to end.
        #[test]
        fn it_is_a_list_in_order_of_use(
            most in 1_usize..6,
            timeout in 1_u64..8,
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let mut sessions = Sessions::new(secs(timeout), most);
            let mut model: Vec<(u8, u8, u64)> = Vec::new();
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Wait(time) => now += time,
                    Step::Use { session: name, route: to, begins } => {
                        sessions.used(session(name), route(to), begins, secs(now));
                        model.retain(|&(_, _, used)| now - used < timeout);
                        let known = model.iter().position(|&(n, ..)| n == name);
                        if known.is_some() || begins {
                            known.map(|at| model.remove(at));
                            if model.len() == most {
                                model.remove(0);
                            }
                            model.push((name, to, now));
                        }
                    }
                }
                for name in 0..12 {
                    let alive = |&&(n, _, used): &&(u8, u8, u64)| n == name && now - used < timeout;
                    let expected = model.iter().find(alive).map(|&(_, to, _)| route(to));
                    prop_assert_eq!(sessions.find(&session(name), secs(now)), expected);
                }
                prop_assert!(sessions.nodes.len() <= most);
                prop_assert_eq!(sessions.nodes.len(), sessions.index.len());
            }
        }
    }
}
