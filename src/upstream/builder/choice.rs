//! Which of the servers: the method, and what it goes by.

use http::request::Parts;

use super::Builder;
use crate::balance::{Method, SlowStart, Subset};
use crate::upstream::config::{HashKey, Sticky};
use crate::upstream::hash_by::HashBy;

impl Builder {
    /// How a server is chosen among those that may be, default [`Method::RoundRobin`] (`least_conn`,
    /// `hash`, `ip_hash`, `random`, `least_time`). [`Method`] says when to choose which.
    #[doc(alias = "least_conn")]
    #[doc(alias = "ip_hash")]
    #[doc(alias = "random")]
    #[doc(alias = "least_time")]
    pub fn method(mut self, method: Method) -> Self {
        self.group.method = method;
        self
    }

    /// What [`Method::Hash`] and [`Method::ConsistentHash`] tell requests apart by, default
    /// [`HashKey::Carried`]: the [`Affinity`](crate::balance::Affinity) a request carries (the key
    /// of `hash`). Other methods do not ask. For gRPC [`HashKey::Header`] is a metadata key.
    ///
    /// [`HashKey::Variables`] belongs to configuration files and does not build here.
    #[doc(alias = "hash")]
    pub fn hash_key(mut self, key: HashKey) -> Self {
        self.group.hash_key = key;
        self.hash_by = None;
        self
    }

    /// The same, worked out of the request's head; `None` and the empty key are spread like round
    /// robin (HS-4). It is asked once per request, before the first pick, and only by a method that
    /// hashes. A request that carries a key keeps it.
    ///
    /// ```
    /// use tower_upstream::balance::Method;
    /// use tower_upstream::{Server, Upstream};
    ///
    /// // A tenant's orders are in the cache of one server: /tenants/TENANT/orders
    /// let orders = Upstream::builder()
    ///     .server(Server::new("10.0.1.10:8080"))
    ///     .server(Server::new("10.0.1.11:8080"))
    ///     .method(Method::ConsistentHash)
    ///     .hash_by(|head| head.uri.path().split('/').nth(2).map(str::to_owned))
    ///     .build()?;
    /// # Ok::<(), tower_upstream::ConfigError>(())
    /// ```
    pub fn hash_by(
        mut self,
        key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.group.hash_key = HashKey::Carried;
        self.hash_by = Some(HashBy::new(key));
        self
    }

    /// Who comes back goes where it was before, default: nobody (`sticky`).
    pub fn sticky(mut self, sticky: Sticky) -> Self {
        self.group.sticky = Some(sticky);
        self
    }

    /// A server that joins or returns gets its share little by little, default: at once. Not in
    /// NGINX, which sells it as `slow_start`; in a file `warm_up`.
    #[doc(alias = "warm_up")]
    pub fn slow_start(mut self, slow_start: SlowStart) -> Self {
        self.group.slow_start = Some(slow_start);
        self
    }

    /// Only so many of a large fleet's servers are used by this client, default: all. Not in NGINX;
    /// in a file `subset`.
    pub fn subset(mut self, subset: Subset) -> Self {
        self.group.subset = Some(subset);
        self
    }
}
