//! Sessions that clients come back with: kept by us, or by them in tickets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring::Ticketer;
use tokio_rustls::rustls::server::{ProducesTickets, StoresServerSessions};

use crate::clock;

/// How many sessions NGINX finds room for in a megabyte.
const PER_MEGABYTE: u64 = 4000;

/// `ssl_session_cache`: the latest sessions of all servers that share it.
#[derive(Debug)]
pub struct Store {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// By key: the session and when it ends, in seconds of the wall clock.
    sessions: HashMap<Vec<u8>, (Vec<u8>, u64)>,
    /// The oldest first; some may have been taken already.
    order: VecDeque<Vec<u8>>,
}

impl Store {
    /// Room for that many sessions.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            held: Mutex::default(),
        }
    }

    /// Room for as many as NGINX has in a zone of that size.
    pub fn of_bytes(bytes: u64) -> Self {
        let most = bytes.saturating_mul(PER_MEGABYTE) >> 20;
        Self::new(usize::try_from(most).unwrap_or(usize::MAX))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: Vec<u8>, session: Vec<u8>, ends: u64) {
        let mut held = self.held();
        let Held { sessions, order } = &mut *held;
        if sessions.insert(key.clone(), (session, ends)).is_none() {
            order.push_back(key);
        }
        while sessions.len() > self.most {
            match order.pop_front() {
                Some(oldest) => sessions.remove(&oldest),
                None => break,
            };
        }
        if order.len() / 2 > self.most {
            // Most of them have been taken: told apart once in a while, which costs little each.
            order.retain(|key| sessions.contains_key(key));
        }
    }

    fn get(&self, key: &[u8], now: u64) -> Option<Vec<u8>> {
        let held = self.held();
        let (session, ends) = held.sessions.get(key)?;
        (now < *ends).then(|| session.clone())
    }

    fn take(&self, key: &[u8], now: u64) -> Option<Vec<u8>> {
        let (session, ends) = self.held().sessions.remove(key)?;
        (now < ends).then_some(session)
    }
}

/// `shared` caches by name. Servers that name the same share it, before and after a reload.
#[derive(Clone, Debug, Default)]
pub struct Stores(Arc<Mutex<ByName>>);

/// Their sizes as configured, and themselves.
type ByName = HashMap<String, (u64, Arc<Store>)>;

impl Stores {
    /// The cache of that name; of another size it is another cache.
    pub fn shared(&self, name: &str, bytes: u64) -> Arc<Store> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, store)) = known.get(name).filter(|(size, _)| *size == bytes) {
            return Arc::clone(store);
        }
        let store = Arc::new(Store::of_bytes(bytes));
        known.insert(name.to_owned(), (bytes, Arc::clone(&store)));
        store
    }
}

/// A server's part of a store: it never takes up a session of others.
#[derive(Debug)]
pub struct Drawer {
    /// The store.
    pub store: Arc<Store>,
    /// What tells this server from others.
    pub label: Vec<u8>,
    /// `ssl_session_timeout`
    pub timeout: Duration,
}

impl Drawer {
    fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.label, key].concat()
    }
}

impl StoresServerSessions for Drawer {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let ends = now().saturating_add(self.timeout.as_secs());
        self.store.put(self.key(&key), value, ends);
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.store.get(&self.key(key), now())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.store.take(&self.key(key), now())
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// Tickets that end with `ssl_session_timeout`; rustls' own only end with their keys.
#[derive(Debug)]
pub struct Tickets {
    inner: Arc<dyn ProducesTickets>,
    timeout: Duration,
}

impl Tickets {
    /// With keys of their own, which change every six hours.
    pub fn new(timeout: Duration) -> Result<Self, tokio_rustls::rustls::Error> {
        let inner = Ticketer::new()?;
        Ok(Self { inner, timeout })
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }

    fn lifetime(&self) -> u32 {
        let seconds = u32::try_from(self.timeout.as_secs()).unwrap_or(u32::MAX);
        self.inner.lifetime().min(seconds)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let ends = now().saturating_add(self.timeout.as_secs());
        self.inner.encrypt(&[&ends.to_be_bytes(), plain].concat())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let mut plain = self.inner.decrypt(cipher)?;
        let ends = u64::from_be_bytes(*plain.first_chunk()?);
        (now() < ends).then(|| plain.split_off(size_of::<u64>()))
    }
}

fn now() -> u64 {
    clock::since_epoch().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_none_outlives_its_time() {
        let store = Store::new(2);
        for (key, ends) in [(b"a", 10), (b"b", 10), (b"c", 5)] {
            store.put(key.to_vec(), key.to_vec(), ends);
        }
        assert_eq!(store.get(b"a", 0), None);
        assert_eq!(store.get(b"b", 9), Some(b"b".to_vec()));
        assert_eq!(store.get(b"c", 5), None);
        assert_eq!(store.take(b"b", 9), Some(b"b".to_vec()));
        assert_eq!(store.take(b"b", 9), None);
    }

    #[test]
    fn a_session_taken_makes_room() {
        let store = Store::new(2);
        store.put(vec![1], vec![], 9);
        store.put(vec![2], vec![], 9);
        store.take(&[1], 0);
        store.put(vec![3], vec![], 9);
        assert!(store.get(&[2], 0).is_some());
        for key in 4..100 {
            store.put(vec![key], vec![], 9);
            store.take(&[key], 0);
        }
        assert!(store.held().order.len() <= 6);
    }

    #[test]
    fn a_megabyte_is_4000_sessions() {
        assert_eq!(Store::of_bytes(10 << 20).most, 40_000);
    }

    #[test]
    fn a_name_is_one_store_while_its_size_stays() {
        let stores = Stores::default();
        let first = stores.shared("a", 1 << 20);
        assert!(Arc::ptr_eq(&first, &stores.shared("a", 1 << 20)));
        assert!(!Arc::ptr_eq(&first, &stores.shared("a", 2 << 20)));
        assert!(!Arc::ptr_eq(&first, &stores.shared("b", 1 << 20)));
    }

    #[test]
    fn tickets_end_with_the_session_timeout() {
        let lasting = Tickets::new(Duration::from_secs(300)).unwrap();
        let ticket = lasting.encrypt(b"secret").unwrap();
        assert_eq!(lasting.decrypt(&ticket).as_deref(), Some(&b"secret"[..]));
        assert_eq!(lasting.lifetime(), 300);
        let over = Tickets::new(Duration::ZERO).unwrap();
        let ticket = over.encrypt(b"secret").unwrap();
        assert_eq!(over.decrypt(&ticket), None);
    }
}
