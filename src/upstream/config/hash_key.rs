/// What [`Method::Hash`](crate::balance::Method::Hash) and
/// [`ConsistentHash`](crate::balance::Method::ConsistentHash) tell requests apart by. An empty key
/// is spread like round robin (HS-4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum HashKey {
    /// What the request carries: an [`Affinity`](crate::balance::Affinity) in its extensions.
    #[default]
    Carried,
    /// The value of a header, for gRPC a metadata key.
    Header(String),
    /// Path and query, as the caller wrote them (`$request_uri`).
    Uri,
    /// NGINX's words, with variables (`hash $arg_user$uri`). They are evaluated by whoever read them:
    /// [`Upstream::from_nginx`](crate::Upstream::from_nginx) and the gateway. Elsewhere use the others.
    Variables(String),
}
